import re
import shutil
import subprocess

import pytest

_BROWSER = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    "--dump-dom",
)


@pytest.fixture
def find_in_browser(tmp_path):
    """Opens a page in a window of a size, in pixels, and returns what expressions of JavaScript come to, as integers.

    Before them: by how much the page is wider than the window, and how many of its pictures are broken.
    """
    if not shutil.which(_BROWSER[0]):
        pytest.skip(f"needs {_BROWSER[0]}")

    def find(page, width, height, *expressions):
        found = [
            "document.documentElement.scrollWidth - innerWidth",
            "[...document.images].filter(image => !image.complete || !image.naturalWidth).length",
            *expressions,
        ]
        probe = (
            f"<script>addEventListener('load', () => document.body.dataset.found = [{', '.join(found)}].join());"
            "</script></body>"
        )
        file = tmp_path / "probe.html"
        file.write_text(page.read_text(encoding="utf-8").replace("</body>", probe), encoding="utf-8")
        words = [*_BROWSER, f"--window-size={width},{height}", f"file://{file}"]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=120)
        return [int(number) for number in re.search(r'data-found="([^"]*)"', ended.stdout)[1].split(",")]

    return find
