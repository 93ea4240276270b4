import os
import pickle

import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.models.torch_file import read_torch_file

from .torch_files import MAGIC, Tensor, contiguous, pickled, torch_file

VALUES = np.arange(12, dtype="<f4")


@pytest.fixture
def read(tmp_path):
    """Reads bytes as a file."""

    def read(content):
        (tmp_path / "weights.pth").write_bytes(content)
        return read_torch_file(tmp_path / "weights.pth")

    return read


def test_arrays_come_back(read):
    arrays = {
        "kernel": np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32"),
        "steps": np.array([7, -1], np.int64),
        "scalar": np.float32(2.5).reshape(()),
    }
    found = read(contiguous(arrays))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype and found[name].shape == array.shape


def test_several_tensors_may_be_views_of_one_storage(read):
    tensors = {
        "rows": Tensor("s", "FloatStorage", 0, (3, 4), (4, 1)),
        "turned": Tensor("s", "FloatStorage", 0, (4, 3), (1, 4)),
        "part": Tensor("s", "FloatStorage", 5, (2,), (3,)),
    }
    found = read(torch_file(tensors, {"s": VALUES}))
    np.testing.assert_array_equal(found["rows"], VALUES.reshape(3, 4))
    np.testing.assert_array_equal(found["turned"], VALUES.reshape(3, 4).T)
    np.testing.assert_array_equal(found["part"], [5, 8])


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (13,), (1,)), (6, (3, 4), (4, 1)), (0, (2,), (1000,)), (11, (2,), (-1,)), (-1, (2,), (1,)), (0, (-1,), (1,))],
)
def test_a_tensor_beyond_its_storage_is_refused(read, offset, shape, strides):
    content = torch_file({"kernel": Tensor("s", "FloatStorage", offset, shape, strides)}, {"s": VALUES})
    with pytest.raises(UserError, match="cannot be read as a PyTorch file: a tensor reaches beyond its storage"):
        read(content)


class Hostile:
    """Runs a command when it is unpickled by a reader that trusts it."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("place", range(5))
def test_a_pickle_that_would_run_something_is_refused(read, tmp_path, place):
    hostile = pickle.dumps(Hostile(f"touch {tmp_path / 'ran'}"), protocol=2)
    parts = [pickled(value) for value in (MAGIC, 1001, {}, {}, [])]
    parts[place] = hostile
    with pytest.raises(UserError, match=r"cannot be read as a PyTorch file: unexpected \w+\.system") as error:
        read(b"".join(parts))
    assert not (tmp_path / "ran").exists() and "\n" not in str(error.value)


def test_an_unknown_type_is_refused(read):
    content = torch_file({"kernel": Tensor("s", "HalfStorage", 0, (2,), (1,))}, {"s": VALUES})
    with pytest.raises(UserError, match=r"unexpected torch\.HalfStorage"):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 as torch.save writes today",
        b"text\n",
        torch_file({}, {}, magic=1),
        contiguous({"kernel": VALUES})[:-5],
        b"".join(pickled(value) for value in (MAGIC, 1001, {}, [1, 2], [])),
        b"".join(pickled(value) for value in (MAGIC, 1001, {}, {"kernel": 3}, [])),
        b"".join(pickled(value) for value in (MAGIC, 1001, {}, {}, ["missing"])),
        pickled(MAGIC),
    ],
)
def test_other_files_are_one_line(read, content):
    with pytest.raises(UserError, match="weights.pth: cannot be read as a PyTorch file: .*; install its package again"):
        read(content)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="missing.pth: cannot be read as a PyTorch file: .*No such file"):
        read_torch_file(tmp_path / "missing.pth")
