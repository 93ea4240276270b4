"""Writes files as `torch.save` did before version 1.6, with nothing but pickle."""

import io
import pickle
from collections import OrderedDict

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C


class _Global:
    """Is pickled as a name that exists only where PyTorch is."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Tensor:
    """A view of a storage: (values, offset, shape, strides)."""

    def __init__(self, key, kind, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = _Storage(key, kind), offset, shape, strides


class _Storage:
    def __init__(self, key, kind):
        self.key, self.kind = key, kind


class _Pickler(pickle._Pickler):
    """Python's own pickler, which lets names be written that cannot be imported here."""

    dispatch = dict(pickle._Pickler.dispatch)

    def persistent_id(self, value):
        if isinstance(value, _Storage):
            return ("storage", _Global("torch", value.kind), value.key, "cpu", 0, None)
        return None

    def save_name(self, value):
        self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())

    def save_tensor(self, value):
        self.save_name(_Global("torch._utils", "_rebuild_tensor_v2"))
        self.save((value.storage, value.offset, value.shape, value.strides, False, OrderedDict()))
        self.write(pickle.REDUCE)

    dispatch[_Global] = save_name
    dispatch[Tensor] = save_tensor


def pickled(value):
    file = io.BytesIO()
    _Pickler(file, protocol=2).dump(value)
    return file.getvalue()


def torch_file(tensors, storages, magic=MAGIC):
    """The bytes of a file.

    Args:
        tensors: `Tensor`s by name.
        storages: arrays by key.
        magic: what such files begin with.
    """
    head = [magic, 1001, {"little_endian": True}, OrderedDict(tensors), sorted(storages)]
    parts = [pickled(value) for value in head]
    for key in sorted(storages):
        parts += [np.int64(len(storages[key])).tobytes(), storages[key].tobytes()]
    return b"".join(parts)


def contiguous(arrays):
    """The bytes of a file that holds arrays by name, each in a storage of its own."""
    tensors, storages = {}, {}
    for number, (name, array) in enumerate(arrays.items()):
        kind = {"float32": "FloatStorage", "int64": "LongStorage"}[array.dtype.name]
        strides = tuple(stride // array.itemsize for stride in array.strides)
        tensors[name] = Tensor(str(number), kind, 0, array.shape, strides)
        storages[str(number)] = array.ravel()
    return torch_file(tensors, storages)
