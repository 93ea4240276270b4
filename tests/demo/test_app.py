import io
import json
import re
import socket
from pathlib import Path

import numpy as np
import pytest
import urllib3
from PIL import Image

from keras_deid.demo import requests as requests_module
from keras_deid.demo import run
from keras_deid.demo.engine import Engine
from keras_deid.errors import UserError
from keras_deid.restoring.xmp import SYNTHETIC_PARTS

from .conftest import Negative, png_of

PAGE = Path(run.__file__).parent / "page"


def ask(method, address, values=None, **options):
    body = json.dumps(values) if values is not None else options.pop("body", None)
    return urllib3.request(method, address, body=body, retries=False, timeout=60, **options)


@pytest.fixture
def opened(served, scene):
    answer = ask("POST", f"{served}/pictures?name=scene.png", body=png_of(scene))
    assert answer.status == 200 and {**answer.json(), "token": 0} == {
        "token": 0,
        "name": "scene.png",
        "width": 256,
        "height": 256,
    }
    return f"{served}/pictures/{answer.json()['token']}"


def test_from_the_photograph_to_the_marked_file(opened, scene):
    found = ask("POST", f"{opened}/find", {"threshold": 0.5}).json()["regions"]
    # To the pixel: the picture is looked at enlarged.
    np.testing.assert_allclose([region["box"] for region in found], [[97, 37, 167, 107], [18, 178, 62, 222]], atol=1)
    assert ask("POST", f"{opened}/restore", {"boxes": [[100, 40, 164, 104]]}).json() == {"name": "scene_restored.png"}
    answer = ask("GET", f"{opened}/download")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''scene_restored.png"
    with Image.open(io.BytesIO(answer.data)) as restored:
        assert SYNTHETIC_PARTS in restored.info["XML:com.adobe.xmp"]
        pixels = np.asarray(restored)
    changed = (pixels != scene).any(axis=2)
    assert changed[50:90, 110:150].all() and not changed[:40].any() and not changed[180:].any()
    for which, expected in (("before", scene), ("after", pixels)):
        answer = ask("GET", f"{opened}/{which}.png")
        assert answer.headers["cache-control"] == "no-store"
        assert (np.asarray(Image.open(io.BytesIO(answer.data))) == expected).all()
    near = Image.open(io.BytesIO(ask("GET", f"{opened}/after.png?box=100,40,164,104").data))
    assert near.size == (128, 128)  # twice the box of 64


def test_the_maps_of_a_region(served, opened):
    layers = ask("GET", f"{served}/layers").json()
    assert layers["layers"] == ["cbam_1", "cbam_2"] and "de-identified region" in layers["target"]
    explained = ask("POST", f"{opened}/explain", {"box": [100, 40, 164, 104]}).json()
    assert explained.keys() == {"crop", "restored", "maps", "top", "zero"}
    assert all(source.startswith("data:image/png;base64,") for source in explained["maps"].values())


@pytest.mark.parametrize(
    ("path", "values", "message"),
    [
        ("find", {}, "lacks a number"),
        ("find", {"threshold": 7}, "between 0 and 1"),
        ("find", [], "not a JSON object"),
        ("restore", {"boxes": []}, "no region to restore; add a box"),
        ("restore", {"boxes": 3}, "no list of boxes"),
        ("restore", {"boxes": [[1, 2, 3]]}, "not four numbers"),
        ("restore", {"boxes": [[1, 2, 3, True]]}, "lacks a number"),
        ("restore", {"boxes": [[0, 0, float("inf"), 1]]}, "lacks a number"),
        ("restore", {"boxes": [[900, 900, 990, 990]]}, "outside of the picture"),
    ],
)
def test_a_mistake_is_one_clear_line(opened, path, values, message):
    answer = ask("POST", f"{opened}/{path}", values)
    assert answer.status == 422 and message in answer.json()["error"]


@pytest.mark.parametrize("path", ["after.png", "download"])
def test_what_is_not_restored_cannot_be_had(opened, path):
    answer = ask("GET", f"{opened}/{path}")
    assert answer.status == 422 and answer.json() == {"error": "scene.png: is not restored yet; restore it first"}


def test_broken_and_large_files(served, monkeypatch):
    answer = ask("POST", f"{served}/pictures?name=notes.txt", body=b"no picture")
    assert answer.status == 422 and answer.json()["error"].startswith("notes.txt: broken image")
    monkeypatch.setattr(requests_module, "BODY_LIMIT", 2**20)
    answer = ask("POST", f"{served}/pictures?name=a.png", body=bytes(2**20 + 1))
    assert answer.status == 422 and answer.json() == {"error": "the file is larger than 1 MiB; choose a smaller one"}


def test_a_bug_is_told_without_its_traceback(served, engine, monkeypatch, caplog):
    monkeypatch.setattr(Engine, "attention", property(lambda self: 1 / 0))
    answer = ask("GET", f"{served}/layers")
    assert (
        answer.status == 500
        and "terminal" in answer.json()["error"]
        and "ZeroDivisionError" not in answer.data.decode()
    )
    assert "ZeroDivisionError" in caplog.text


def test_the_page_needs_no_other_host(served):
    names = [""] + [path.name for path in PAGE.iterdir()]
    for name in names:
        answer = ask("GET", f"{served}/{name}")
        assert answer.status == 200 and answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert not re.search(r"https?:|(src|href)=\"//", answer.data.decode())
    assert "Restored faces are invented." in ask("GET", f"{served}/").data.decode()
    assert ask("GET", f"{served}/..%2Fapp.py").status == 404


def test_others_are_refused(served):
    assert ask("GET", f"{served}/", headers={"Host": "elsewhere.example"}).status == 400
    answer = ask("POST", f"{served}/pictures", body=b"", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403


def test_the_port_is_of_the_loopback_interface_and_may_be_taken():
    with run.listen(0) as listening:
        host, port = listening.getsockname()
        assert host == "127.0.0.1" and listening.family == socket.AF_INET
        with pytest.raises(UserError, match=f"127.0.0.1:{port}: is taken .*; choose another --port"):
            run.listen(port)


def test_nothing_is_left_on_the_disk(opened, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ask("POST", f"{opened}/restore", {"boxes": [[100, 40, 164, 104]]})
    assert ask("GET", f"{opened}/download").status == 200
    assert list(tmp_path.iterdir()) == []


def test_the_model_is_named(served):
    assert ask("GET", f"{served}/settings").json() == {"model": Negative.name, "threshold": 0.5}
