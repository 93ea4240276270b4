"""The page in a real browser: headless Chromium, by what is on the page."""

import base64
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_deid.restoring.locate import find_regions
from keras_deid.restoring.xmp import SYNTHETIC_PARTS

from .conftest import Mark, png_of

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install selenium")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    "--force-prefers-reduced-motion",  # while the page scrolls, the mouse would press something else
)
SECONDS = 30

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs a browser: apt-get install chromium chromium-driver"
)


@pytest.fixture
def browser(tmp_path):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1100,1400"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "downloads")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Page:
    """The page as a person sees it."""

    def __init__(self, browser, address):
        self.browser = browser
        browser.get(address)
        self.wait(lambda: self.text("model") == "negative")

    def one(self, name):
        return self.browser.find_element(By.ID, name)

    def text(self, name):
        return self.one(name).text

    def wait(self, holds):
        WebDriverWait(self.browser, SECONDS, poll_frequency=0.05).until(lambda _: holds())

    def idle(self):
        self.wait(lambda: not self.one("busy").is_displayed())

    def drop(self, content, name):
        """Lets a file fall on the page, as a person does with the mouse."""
        self.browser.execute_script(
            """const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], arguments[1]));
            document.getElementById("drop").dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true}));""",
            base64.b64encode(content).decode(),
            name,
        )
        self.idle()

    def boxes(self):
        return self.browser.find_elements(By.CSS_SELECTOR, ".box")

    def labels(self):
        return [box.find_element(By.CSS_SELECTOR, ".score").text for box in self.boxes()]

    def click(self, name):
        self.one(name).click()
        self.idle()

    def drag(self, element, start, way):
        """Drags from a place relative to an element's middle."""
        chain = ActionChains(self.browser).move_to_element_with_offset(element, *start).click_and_hold()
        chain.move_by_offset(*way).release().perform()

    def set_threshold(self, value):
        self.browser.execute_script(
            """const slider = document.getElementById("threshold"); slider.value = arguments[0];
            for (const name of ["input", "change"]) slider.dispatchEvent(new Event(name));""",
            value,
        )
        self.idle()


@pytest.fixture
def labels(scene):
    """What the page writes at the two regions of the scene."""
    return [f"{number}: {region.score:.2f}" for number, region in enumerate(find_regions(Mark(), scene, 0.5), 1)]


@pytest.fixture
def page(browser, served):
    return Page(browser, served)


def test_from_the_photograph_to_the_saved_file(page, scene, labels, tmp_path):
    warning = page.one("warning")
    assert warning.is_displayed() and "not the person’s face" in warning.text

    page.drop(png_of(scene), "scene.png")
    assert page.labels() == labels and page.text("found") == "2 hidden regions were found."
    first = page.boxes()[0].rect
    stage = page.one("stage").rect
    assert first["x"] - stage["x"] == pytest.approx(97 / 256 * stage["width"], abs=1)
    assert first["width"] == pytest.approx(70 / 256 * stage["width"], abs=1)

    page.click("add")
    assert page.labels() == [*labels, "3: yours"] and page.text("restore") == "Restore 3 regions"

    page.click("restore")
    assert page.one("result").is_displayed() and page.one("compare").is_displayed()
    assert [option.text for option in Select(page.one("shown")).options] == [
        "the whole picture",
        *("region 1", "region 2", "region 3"),
    ]
    assert page.one("after").value_of_css_property("clip-path").endswith(" 50%)")
    page.drag(page.one("compare"), (0, 0), (60, 0))
    page.wait(lambda: not page.one("after").value_of_css_property("clip-path").endswith(" 50%)"))

    page.one("download").click()
    saved = tmp_path / "downloads" / "scene_restored.png"
    page.wait(saved.is_file)
    with Image.open(saved) as picture:
        assert picture.format == "PNG" and picture.size == (256, 256)
        assert SYNTHETIC_PARTS in picture.info["XML:com.adobe.xmp"]
        changed = (np.asarray(picture) != scene).any(axis=2)
    assert changed[60:84, 120:144].all() and changed[190:210, 30:50].all() and not changed[230:].any()

    page.click("explain")
    assert page.one("map").is_displayed() and page.text("map-caption") == "Grad-CAM at cbam_1"
    at_first = page.one("map").get_attribute("src")
    Select(page.one("layer")).select_by_visible_text("cbam_2")
    assert page.text("map-caption") == "Grad-CAM at cbam_2" and page.one("map").get_attribute("src") != at_first


def test_boxes_are_drawn_moved_resized_and_deleted(page, scene, labels):
    page.drop(png_of(scene), "scene.png")
    edges = "return [...document.querySelectorAll('.box')].map((box) => box.getBoundingClientRect().toJSON())"

    def places():
        return page.browser.execute_script(edges)

    before = places()
    page.drag(page.boxes()[0], (0, 0), (30, 20))
    moved = places()[0]
    # Whole pixels of a photograph that is shown at its own size.
    assert (moved["x"] - before[0]["x"], moved["y"] - before[0]["y"]) == (30, 20)
    assert moved["width"] == before[0]["width"] and page.labels() == ["1: yours", labels[1]]

    page.drag(page.boxes()[0], (before[0]["width"] / 2, before[0]["height"] / 2), (10, -15))
    resized = places()[0]
    assert (resized["width"] - moved["width"], resized["height"] - moved["height"]) == (10, -15)
    assert (resized["x"], resized["y"]) == (moved["x"], moved["y"])

    page.drag(page.one("stage"), (60, 60), (40, 50))  # on the bare photograph
    assert len(places()) == 3 and (places()[2]["width"], places()[2]["height"]) == (40, 50)
    assert page.one("delete").is_enabled()
    page.click("delete")
    assert page.labels() == ["1: yours", labels[1]] and not page.one("delete").is_enabled()

    page.boxes()[1].click()
    ActionChains(page.browser).send_keys(Keys.DELETE).perform()
    assert page.labels() == ["1: yours"] and page.text("restore") == "Restore the region"
    page.set_threshold(0.6)  # what was changed or deleted does not come back
    assert page.labels() == ["1: yours"]

    page.boxes()[0].send_keys(Keys.ARROW_LEFT)
    assert places()[0]["x"] == resized["x"] - 1


def test_the_threshold_decides_what_is_found(page, scene, labels):
    page.drop(png_of(scene), "scene.png")
    page.set_threshold(0.75)
    assert page.labels() == labels[:1] and page.text("found") == "1 hidden region was found."
    page.set_threshold(0.99)
    assert page.labels() == [] and "Draw a box" in page.text("found") and not page.one("restore").is_enabled()
    page.set_threshold(0.5)
    assert page.labels() == labels


def test_a_broken_file_is_one_message_and_the_next_one_works(page, scene):
    page.drop(b"no picture", "notes.txt")
    assert page.text("message-text").startswith("notes.txt: broken image") and not page.one("regions").is_displayed()
    page.one("dismiss").click()
    assert not page.one("message").is_displayed()
    page.drop(png_of(scene), "scene.png")
    assert len(page.boxes()) == 2 and not page.one("message").is_displayed()


def test_a_photograph_on_its_side_stands_upright(page, scene, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    file = tmp_path / "side.jpg"
    file.write_bytes(png_of(np.ascontiguousarray(scene[:200]), "JPEG", exif=exif, quality=95))
    page.one("file").send_keys(str(file))
    page.wait(lambda: page.boxes())
    picture = page.one("picture")
    assert [picture.get_property(side) for side in ("naturalWidth", "naturalHeight")] == [200, 256]


def test_a_run_that_cannot_be_explained_says_so(page, scene, engine, monkeypatch):
    from keras_deid.errors import UserError

    def without():
        raise UserError("discriminator.keras: no such file")

    monkeypatch.setattr(engine, "_load_attention", without)
    page.drop(png_of(scene), "scene.png")
    page.click("restore")
    assert page.text("no-attention") == "This run cannot be explained: discriminator.keras: no such file"
    assert not page.one("explain").is_displayed() and page.one("download").is_displayed()


def test_no_other_host_is_asked_and_a_narrow_screen_is_enough(page, scene, served):
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    )
    page.drop(png_of(np.tile(scene, (2, 3, 1))), "wide.png")
    page.click("restore")
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= 360
    events = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    asked = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    urls = [one["request"]["url"] for one in asked if one["documentURL"].startswith(served)]
    assert f"{served}/style.css" in urls and all(url.startswith((f"{served}/", "data:")) for url in urls), urls
    assert [entry for entry in page.browser.get_log("browser") if entry["level"] == "SEVERE"] == []
