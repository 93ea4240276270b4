"""Runs an exported model through TensorFlow's C API, without TensorFlow's Python: what a server does.

Usage: `python c_api_child.py LIBRARY MODEL REQUESTS ANSWERS`. REQUESTS has pickles, one after the other, of
({feed: value}, fetch), names like `serving_default_image:0`; a value is an array, or an object array of bytes. ANSWERS
gets a pickle for each: (an array or the message of an error, bytes in memory, the most bytes that were).
"""

import ctypes
import pickle
import sys
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_ubyte, c_void_p

import numpy as np

STRING = 7
DTYPES = {1: np.float32, 3: np.int32, 4: np.uint8, 7: object, 9: np.int64}
STRING_BYTES = 24  # of a TF_TString


class Output(ctypes.Structure):
    _fields_ = [("operation", c_void_p), ("index", c_int)]


def load_library(path):
    tf = ctypes.CDLL(path)
    pointers = "NewStatus NewSessionOptions NewGraph LoadSessionFromSavedModel AllocateTensor TensorData"
    for name in (*pointers.split(), "GraphOperationByName", "StringGetDataPointer"):
        getattr(tf, f"TF_{name}").restype = c_void_p
    for name in ("TensorByteSize", "StringGetSize"):
        getattr(tf, f"TF_{name}").restype = c_size_t
    tf.TF_Message.restype = c_char_p
    tf.TF_Dim.restype = tf.TF_TensorElementCount.restype = c_int64
    tf.TF_AllocateTensor.argtypes = [c_int, POINTER(c_int64), c_int, c_size_t]
    return tf


def to_tensor(tf, value):
    code = next(code for code, dtype in DTYPES.items() if value.dtype == dtype)
    size = value.size * STRING_BYTES if value.dtype == object else value.nbytes
    tensor = tf.TF_AllocateTensor(code, (c_int64 * value.ndim)(*value.shape), value.ndim, size)
    data = tf.TF_TensorData(c_void_p(tensor))
    if value.dtype == object:
        for index, content in enumerate(value.ravel()):
            place = c_void_p(data + index * STRING_BYTES)
            tf.TF_StringInit(place)
            tf.TF_StringCopy(place, c_char_p(content), c_size_t(len(content)))
    elif size:
        ctypes.memmove(data, np.ascontiguousarray(value).ctypes.data, size)
    return tensor


def delete_tensor(tf, tensor):
    tensor = c_void_p(tensor)
    if tf.TF_TensorType(tensor) == STRING:  # each may have memory of its own
        data = tf.TF_TensorData(tensor)
        for index in range(tf.TF_TensorElementCount(tensor)):
            tf.TF_StringDealloc(c_void_p(data + index * STRING_BYTES))
    tf.TF_DeleteTensor(tensor)


def to_array(tf, tensor):
    tensor = c_void_p(tensor)
    shape = tuple(tf.TF_Dim(tensor, axis) for axis in range(tf.TF_NumDims(tensor)))
    dtype = DTYPES[tf.TF_TensorType(tensor)]
    data = tf.TF_TensorData(tensor)
    if dtype is not object:
        size = tf.TF_TensorByteSize(tensor)
        content = bytes((c_ubyte * size).from_address(data)) if size else b""
        return np.frombuffer(content, dtype).reshape(shape)
    array = np.empty(int(np.prod(shape)), object)
    for index in range(array.size):
        place = c_void_p(data + index * STRING_BYTES)
        array[index] = ctypes.string_at(tf.TF_StringGetDataPointer(place), tf.TF_StringGetSize(place))
    return array.reshape(shape)


def endpoint(tf, graph, name):
    operation, _, index = name.partition(":")
    found = tf.TF_GraphOperationByName(graph, operation.encode())
    assert found, name
    return Output(found, int(index))


def run(tf, session, graph, feeds, fetch):
    status = c_void_p(tf.TF_NewStatus())
    inputs = (Output * len(feeds))(*(endpoint(tf, graph, name) for name in feeds))
    given = (c_void_p * len(feeds))(*(to_tensor(tf, value) for value in feeds.values()))
    outputs, got = (Output * 1)(endpoint(tf, graph, fetch)), (c_void_p * 1)()
    tf.TF_SessionRun(session, None, inputs, given, len(feeds), outputs, got, 1, None, 0, None, status)
    failed = tf.TF_GetCode(status) != 0
    answer = tf.TF_Message(status).decode(errors="replace") if failed else to_array(tf, got[0])
    for tensor in (*given, *(() if failed else got)):
        delete_tensor(tf, tensor)
    tf.TF_DeleteStatus(status)
    return answer


def memory():
    """Bytes of this process that are in memory: now, and at most so far."""
    with open("/proc/self/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return tuple(1024 * int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM"))


def stream(file):
    while True:
        try:
            yield pickle.load(file)
        except EOFError:
            return


def main(library, model, requests, answers):
    assert "tensorflow" not in sys.modules
    tf = load_library(library)
    status, graph = c_void_p(tf.TF_NewStatus()), c_void_p(tf.TF_NewGraph())
    tags = (c_char_p * 1)(b"serve")
    options = c_void_p(tf.TF_NewSessionOptions())
    session = c_void_p(tf.TF_LoadSessionFromSavedModel(options, None, model.encode(), tags, 1, graph, None, status))
    assert tf.TF_GetCode(status) == 0, tf.TF_Message(status)
    with open(requests, "rb") as source, open(answers, "wb") as target:
        for feeds, fetch in stream(source):
            pickle.dump((run(tf, session, graph, feeds, fetch), *memory()), target)
            target.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
