"""Requests that a server runs while it loads a model, so that the first client need not wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from keras_deid.data.images import encode_png
from keras_deid.serving.metadata import DESCRIBE, LOCATE, LOCATE_BYTES

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
"""Where a server looks for the requests, in the folder of a version."""

BATCHES = (1, 8)
"""Pictures in the requests: what a single caller sends, and what a client that restores a folder sends."""

_GREY = 128


def write_warmup(folder: Path, name: str, size: tuple[int, int], locates: bool = False) -> None:
    """Writes the requests into a SavedModel: for each signature one of each size in `BATCHES`.

    Args:
        folder: of the SavedModel.
        name: of the model on the server.
        size: (height, width) of what the model sees.
        locates: whether it has a locator.
    """
    path = folder / WARMUP_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as records:
        for count in BATCHES:
            for signature, inputs in _requests(count, size, locates):
                records.write(_record(name, signature, inputs))


def _requests(count: int, size: tuple[int, int], locates: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    shape = (count, *size, 3)
    # One value stands for all: TensorFlow repeats the last one until the shape is full.
    pictures = tf.make_tensor_proto(_GREY, tf.uint8, shape)
    files = tf.make_tensor_proto([encode_png(np.full(shape[1:], _GREY, np.uint8))] * count, tf.string, (count,))
    middle = [size[1] // 4, size[0] // 4, size[1] // 4 * 3, size[0] // 4 * 3]
    boxes = tf.make_tensor_proto([[middle]] * count, tf.float32, (count, 1, 4))
    yield "serving_default", {"image": tf.make_tensor_proto(_GREY / 255, tf.float32, shape)}
    yield "serve_uint8", {"image": pictures}
    yield "serve_bytes", {"image_bytes": files}
    yield "serve_uint8_boxes", {"image": pictures, "boxes": boxes}
    yield "serve_bytes_boxes", {"image_bytes": files, "boxes": boxes}
    yield DESCRIBE, {"row": tf.make_tensor_proto([0] * count, tf.int32, (count,))}
    if locates:
        yield LOCATE, {"image": pictures}
        yield LOCATE_BYTES, {"image_bytes": files}


def _record(name: str, signature: str, inputs: dict[str, Any]) -> bytes:
    request = PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(value)
    log = PredictionLog()
    log.predict_log.request.CopyFrom(request)
    return log.SerializeToString(deterministic=True)


def read_warmup(folder: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yields the requests of a version, each with its signature and its inputs; none if it has none.

    Raises:
        tf.errors.OpError: if the file is damaged.
    """
    path = folder / WARMUP_FILE
    if not path.is_file():
        return
    for record in tf.data.TFRecordDataset([str(path)]).as_numpy_iterator():
        request = PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        yield request.model_spec.signature_name, inputs
