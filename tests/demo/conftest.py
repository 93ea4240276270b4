import io
import threading
import time

import numpy as np
import pytest
from PIL import Image

from keras_deid.demo.attention import Attention
from keras_deid.demo.engine import TARGET, Engine
from keras_deid.synthetic import draw_scene

# The networks that the tests of the maps have.
from ..explain.conftest import make_network  # noqa: F401

SIDE = 16
HIDING = (255, 0, 255)
"""The colour that stands for a mosaic: no drawn scene has it."""


class Negative:
    """A restorer whose answers can be told: the negative of what it sees."""

    name, identity, size, context, adds_detail = "negative", "0", (SIDE, SIDE), 2.0, False

    def restore(self, batch):
        assert batch.shape[1:] == (*self.size, 3) and batch.dtype == np.uint8
        return 255 - batch


class Mark:
    """A locator that marks the colour `HIDING`; green beside it lowers how sure it is. Counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, picture):
        self.calls += 1
        cells = picture[::4, ::4].astype(int)
        hidden = (cells[..., 0] > 200) & (cells[..., 2] > 200) & (cells[..., 1] < 100)
        return np.where(hidden, 0.95 - cells[..., 1] / 200, 0.0).astype(np.float32)


def png_of(pixels, file_format="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def scene():
    """A drawn scene of 256 pixels with two hidden squares, one surely hidden, one less so."""
    pixels = draw_scene(22, 256).image.copy()
    pixels[40:104, 100:164] = HIDING
    pixels[180:220, 20:60] = (255, 60, 255)
    return pixels


@pytest.fixture
def mark():
    return Mark()


@pytest.fixture
def engine(mark, make_network):  # noqa: F811
    return Engine(Negative(), mark, lambda: Attention(make_network(), TARGET))


@pytest.fixture
def served(engine, monkeypatch):
    """The address of a page that runs in this process; its slider starts where both regions of the scene are found."""
    monkeypatch.setattr("keras_deid.demo.app.THRESHOLD", 0.5)
    from keras_deid.demo.run import listen, page_server

    server = page_server(engine)
    with listen(0) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield "http://{}:{}".format(*listening.getsockname())
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
