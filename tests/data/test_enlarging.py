import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.data.deidentify import mosaic
from keras_deid.data.enlarging import block_means_enlarged

from .drawn import few, inside, noise, one, ramp


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
class TestBlockMeansEnlarged:
    def test_flat_stays_flat(self, kernel):
        flat = np.full((1, 15, 17, 3), 131, np.uint8)
        result = block_means_enlarged(flat, one(1.3, 2.1, 14.2, 13), tf.constant([3.7]), kernel)
        np.testing.assert_array_equal(result, flat)

    def test_nothing_changes_outside(self, kernel):
        result = np.asarray(block_means_enlarged(noise(), one(2.2, 1, 13, 9.4), tf.constant([2.6]), kernel))
        outside = ~inside((2.2, 1, 13, 9.4))
        np.testing.assert_array_equal(result[0][outside], noise()[0][outside])

    def test_one_block_is_flat(self, kernel):
        result = np.asarray(block_means_enlarged(noise(), one(3, 3, 7, 7), tf.constant([50.0]), kernel))
        expected = mosaic(noise(), one(3, 3, 7, 7), tf.constant([50.0]))
        np.testing.assert_array_equal(result, expected)

    def test_whole_blocks_are_enlarged_as_tensorflow_enlarges(self, kernel):
        picture = noise(24, 32)
        block, box = 4, (4, 8, 28, 20)
        result = np.asarray(block_means_enlarged(picture, one(*box), tf.constant([block], tf.float32), kernel))
        region = picture[:, 8:20, 4:28].astype(np.float32)
        means = np.round(region.reshape(1, 3, block, 6, block, 3).mean(axis=(2, 4)))
        expected = tf.raw_ops.ScaleAndTranslate(
            images=means,
            size=[12, 24],
            scale=[float(block)] * 2,
            translation=[0.0, 0.0],
            kernel_type={"bilinear": "triangle", "bicubic": "keyscubic"}[kernel],
            antialias=False,
        )
        np.testing.assert_allclose(result[:, 8:20, 4:28], np.clip(expected, 0, 255), atol=0.501)

    def test_mosaic_and_original_give_the_same(self, kernel):
        box, block = one(1.5, 0, 13, 11), tf.constant([3.1])
        np.testing.assert_array_equal(
            block_means_enlarged(noise(), box, block, kernel),
            block_means_enlarged(mosaic(noise(), box, block), box, block, kernel),
        )

    def test_pictures_with_fewer_blocks_are_not_changed_by_the_others(self, kernel):
        pictures = noise(batch=2)
        faces = tf.constant([[0, 0, 16, 12], [2, 2, 9, 8]], tf.float32)
        block = tf.constant([1.5, 3.0])
        together = block_means_enlarged(pictures, faces, block, kernel)
        for i in range(2):
            alone = block_means_enlarged(pictures[i : i + 1], faces[i : i + 1], block[i : i + 1], kernel)
            np.testing.assert_array_equal(alone[0], together[i])


@few
@given(x0=st.floats(0, 4, width=32), y0=st.floats(0, 4, width=32), block=st.floats(2, 6, width=32))
def test_bilinear_reproduces_a_ramp_between_the_outermost_centres(x0, y0, block):
    picture = ramp(40, 44, 2, 3)
    result = np.asarray(block_means_enlarged(picture, one(x0, y0, 38, 36), tf.constant([block]), "bilinear"))
    inner = np.s_[:, math.ceil(y0 + block) : 30, math.ceil(x0 + block) : 32]
    # Means are rounded to integers before, the result after: half a level each.
    np.testing.assert_allclose(result[inner].astype(int), picture[inner], atol=1)


def test_bicubic_follows_waves_better_than_bilinear():
    x = np.arange(80)
    wave = np.repeat(np.round(128 + 100 * np.sin(x * 2 * np.pi / 40)).astype(np.uint8)[None, None, :, None], 8, axis=1)
    errors = {}
    for kernel in ("bilinear", "bicubic"):
        enlarged = np.asarray(block_means_enlarged(wave, one(0, 0, 80, 8), tf.constant([8.0]), kernel))
        errors[kernel] = np.square(enlarged[:, :, 12:-12].astype(int) - wave[:, :, 12:-12]).mean()
    assert errors["bicubic"] < 0.7 * errors["bilinear"]
