"""Runs an exported model through TensorFlow's C API, without TensorFlow's Python: what a server does.

Usage: `python c_api_child.py LIBRARY MODEL REQUESTS ANSWERS`. REQUESTS is a pickled list of (feed, fetch, value), names
like `serving_default_image:0`; a value is an array, or an object array of bytes. ANSWERS becomes the list of arrays, or
of the message of an error.
"""

import ctypes
import pickle
import sys
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_ubyte, c_void_p

import numpy as np

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
    tf.TF_Dim.restype = c_int64
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


def main(library, model, requests, answers):
    assert "tensorflow" not in sys.modules
    tf = load_library(library)
    status, graph = c_void_p(tf.TF_NewStatus()), c_void_p(tf.TF_NewGraph())
    tags = (c_char_p * 1)(b"serve")
    options = c_void_p(tf.TF_NewSessionOptions())
    session = c_void_p(tf.TF_LoadSessionFromSavedModel(options, None, model.encode(), tags, 1, graph, None, status))
    assert tf.TF_GetCode(status) == 0, tf.TF_Message(status)
    results = []
    with open(requests, "rb") as file:
        for feed, fetch, value in pickle.load(file):
            inputs, outputs = (Output * 1)(endpoint(tf, graph, feed)), (Output * 1)(endpoint(tf, graph, fetch))
            given, got = (c_void_p * 1)(to_tensor(tf, value)), (c_void_p * 1)()
            tf.TF_SessionRun(session, None, inputs, given, 1, outputs, got, 1, None, 0, None, status)
            failed = tf.TF_GetCode(status) != 0
            results.append(tf.TF_Message(status).decode() if failed else to_array(tf, got[0]))
    with open(answers, "wb") as file:
        pickle.dump(results, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
