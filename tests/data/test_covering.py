import numpy as np
import pytest
import tensorflow as tf

from keras_deid.data.covering import cover, cover_in_graph
from keras_deid.data.sources import Example

LOAD = 20


@pytest.mark.parametrize("shape", [(40, 40), (33, 47), (61, 45), (20, 20), (12, 15)])
def test_streamed_pictures_are_resized_as_cached_ones_are(shape):
    y, x = np.mgrid[: shape[0], : shape[1]] * np.float32(255) / max(shape)
    picture = np.dstack([y, x, 255 - y]).astype(np.uint8)
    boxes = np.float32([[2, 3, 9, 11]])
    expected = cover(Example("", picture, boxes, has_person=False), (LOAD, LOAD))
    resized, resized_boxes = cover_in_graph(tf.constant(picture), tf.constant(boxes), (LOAD, LOAD))
    assert resized.shape == expected.picture.shape and min(resized.shape[:2]) == LOAD
    np.testing.assert_allclose(resized_boxes, expected.boxes, rtol=1e-6)
    assert np.abs(resized.numpy().astype(int) - expected.picture).mean() < 1
