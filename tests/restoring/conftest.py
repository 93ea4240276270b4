import numpy as np
import pytest
from PIL import Image

# The exported model that the tests of serving have, too.
from ..serving.conftest import base, generator, model, pictures, restore_alone, run  # noqa: F401

SIZE = (16, 24)
PICTURES = 36


class Negative:
    """A model whose answers can be told: the negative of what it sees."""

    name, identity, size, context = "negative", "0", SIZE, 2.0
    adds_detail, mark = False, None

    def __init__(self):
        self.batches = []

    def restore(self, batch):
        assert batch.shape[1:] == (*SIZE, 3) and batch.dtype == np.uint8
        self.batches.append(len(batch))
        return 255 - batch


class Fake:
    """A model that does what the test says, and keeps what it has seen.

    Args:
        change: batch of pictures -> answers; by default it changes nothing.
        size: (height, width).
        context: see `PictureModel`.
        adds_detail: see `PictureModel`.
    """

    name, identity, mark = "fake", "0", None

    def __init__(self, change=lambda batch: batch, size=(16, 16), context=2.0, adds_detail=False):
        self.change, self.size, self.context, self.adds_detail = change, size, context, adds_detail
        self.batches = []

    def restore(self, batch):
        assert batch.shape[1:] == (*self.size, 3) and batch.dtype == np.uint8
        self.batches.append(batch)
        return self.change(batch)


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def random_picture(seed, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype("uint8")


@pytest.fixture
def folder(tmp_path):
    """Pictures of the model's size in two folders, one of them broken."""
    source = tmp_path / "in"
    (source / "sub" / "deep").mkdir(parents=True)
    for seed in range(PICTURES):
        Image.fromarray(random_picture(seed)).save(source / "sub" / f"{seed:02d}.png")
    Image.fromarray(random_picture(PICTURES)).save(source / "sub" / "deep" / "a.bmp")
    (source / "broken.jpg").write_bytes(b"\xff\xd8\xff junk")
    return source
