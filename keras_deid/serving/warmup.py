"""Requests that a server runs while it loads a model, so that the first client need not wait for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from keras_deid.data.images import encode_png

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
"""Where a server looks for the requests, in the folder of a version."""

BATCHES = (1, 8)
"""Pictures in the requests: what a single caller sends, and what a client that restores a folder sends."""

_GREY = 128


def write_warmup(folder: Path, name: str, size: tuple[int, int]) -> None:
    """Writes the requests into a SavedModel: for each signature one of each size in `BATCHES`.

    Args:
        folder: of the SavedModel.
        name: of the model on the server.
        size: (height, width) of what the model sees.
    """
    picture = encode_png(np.full((*size, 3), _GREY, np.uint8))
    path = folder / WARMUP_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as records:
        for count in BATCHES:
            shape = (count, *size, 3)
            # One value stands for all: TensorFlow repeats the last one until the shape is full.
            grey = tf.make_tensor_proto(_GREY / 255, tf.float32, shape)
            records.write(_record(name, "serving_default", "image", grey))
            records.write(_record(name, "serve_uint8", "image", tf.make_tensor_proto(_GREY, tf.uint8, shape)))
            files = tf.make_tensor_proto([picture] * count, tf.string, (count,))
            records.write(_record(name, "serve_bytes", "image_bytes", files))


def _record(name: str, signature: str, input_name: str, value: object) -> bytes:
    request = PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    request.inputs[input_name].CopyFrom(value)
    log = PredictionLog()
    log.predict_log.request.CopyFrom(request)
    return log.SerializeToString(deterministic=True)
