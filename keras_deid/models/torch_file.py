"""Reads the tensors of a PyTorch file (of `torch.save` before version 1.6) without PyTorch and without running code."""

from __future__ import annotations

import collections
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from keras_deid.errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    pickle.UnpicklingError,
)
"""What a broken or foreign file ends in; a pickle may raise any of these."""
_DTYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """Reads a state dictionary.

    Args:
        path: the file. It is a series of pickles, then the raw content of each storage behind its length.

    Returns:
        Arrays by name, float32 or int64.

    Raises:
        UserError: if the file cannot be read, or holds anything but tensors of these types.
    """
    try:
        with open(path, "rb") as file:
            return _read(file)
    except _UNREADABLE as error:
        raise UserError(f"{path}: cannot be read as a PyTorch file: {error}; install its package again") from error


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    if _Unpickler(file).load() != _MAGIC:
        raise ValueError("another format")
    _Unpickler(file).load()  # version of the protocol
    _Unpickler(file).load()  # sizes of types where it was written
    views: dict[str, _View] = _Unpickler(file).load()
    storages: dict[str, np.ndarray] = {}
    dtypes = {view.storage: view.dtype for view in views.values()}
    for key in _Unpickler(file).load():
        (length,) = np.frombuffer(file.read(8), "<i8")
        dtype = dtypes[key]
        storages[key] = np.frombuffer(file.read(int(length) * dtype.itemsize), dtype)
    return {name: view.of(storages[view.storage]) for name, view in views.items()}


class _View:
    """A tensor: where it lies in its storage."""

    def __init__(self, storage: tuple[str, str], offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.dtype, self.storage = _DTYPES[storage[0]], storage[1]
        self.offset, self.shape, self.strides = offset, shape, strides

    def of(self, storage: np.ndarray) -> np.ndarray:
        last = self.offset + sum((side - 1) * stride for side, stride in zip(self.shape, self.strides, strict=True))
        if min((*self.shape, *self.strides, self.offset)) < 0 or (0 not in self.shape and last >= len(storage)):
            raise ValueError("a tensor reaches beyond its storage")
        steps = [stride * storage.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(storage[self.offset :], self.shape, steps, writeable=False).copy()


class _Unpickler(pickle.Unpickler):
    """Reads dictionaries and tensors only, so that a file cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *rest: _View(storage, offset, shape, strides)
        if module == "torch" and name in _DTYPES:
            return name
        raise pickle.UnpicklingError(f"unexpected {module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, kind, key, *_ = pid
        return kind, key
