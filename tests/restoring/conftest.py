import numpy as np

# The exported model that the tests of serving have, too.
from ..serving.conftest import base, generator, model, pictures, restore_alone, run  # noqa: F401

SIZE = (16, 24)


class Negative:
    """A model whose answers can be told: the negative of what it sees."""

    name, identity, size, context = "negative", "0", SIZE, 2.0

    def __init__(self):
        self.batches = []

    def restore(self, batch):
        assert batch.shape[1:] == (*SIZE, 3) and batch.dtype == np.uint8
        self.batches.append(len(batch))
        return 255 - batch


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
