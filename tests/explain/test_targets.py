import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.errors import UserError
from keras_deid.explain.targets import TARGETS, PatchView
from keras_deid.models.patch_discriminator import patch_discriminator


@pytest.mark.parametrize(("layers", "size"), [(1, 16), (2, 34), (3, 70)])
def test_patches_see_what_the_discriminator_says(layers, size):
    discriminator = patch_discriminator((64, 64, 3), filters=2, layers=layers)
    assert PatchView.of(discriminator).size == size


@pytest.mark.parametrize("layers", [1, 2])
def test_the_view_is_where_the_gradient_is(layers):
    discriminator = patch_discriminator((40, 40, 3), filters=2, layers=layers, normalization="none")
    view = PatchView.of(discriminator)
    x = tf.random.stateless_uniform((1, 40, 40, 3), (1, 2))
    rows, columns = discriminator.output_shape[1:3]
    for row, column in [(0, 0), (1, 2), (rows // 2, columns // 2), (rows - 1, columns - 1)]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            logit = discriminator(x)[0, row, column, 0]
        touched = np.abs(tape.gradient(logit, x)[0]).sum(axis=-1) > 0
        expected = np.zeros((40, 40), bool)
        y0, x0 = view.start + row * view.stride, view.start + column * view.stride
        expected[max(y0, 0) : y0 + view.size, max(x0, 0) : x0 + view.size] = True
        np.testing.assert_array_equal(touched, expected)


def test_patches_that_meet_a_mask():
    mask = np.zeros((2, 12, 12))
    mask[0, 5, 9] = 1
    # Patches of 4 px at -2, 1, 4, 7: rows 4 (4..7) alone hold row 5 - and 2 does: 1..4 does not; columns 7..10 hold 9.
    expected = np.zeros((2, 4, 4), bool)
    expected[0, 2, 3] = True
    np.testing.assert_array_equal(PatchView(4, 3, -2).meets(mask, 4, 4), expected)


def test_weights_of_the_targets():
    mask = np.zeros((2, 12, 12))
    mask[0, 4, 7:11] = 1
    real, fake, masked = (TARGETS[name].patch_weights(mask, PatchView(4, 3, -2), 4, 4) for name in TARGETS)
    np.testing.assert_array_equal(real, np.full((2, 4, 4), 1 / 16))
    np.testing.assert_array_equal(fake, -real)
    # Row 4 is seen by patch rows 1 (1..4) and 2 (4..7), columns 7..10 by patch columns 2 (4..7) and 3 (7..10).
    expected = np.zeros((2, 4, 4))
    expected[0, 1:3, 2:4] = 1 / 4
    np.testing.assert_array_equal(masked, expected)


def test_another_kind_of_discriminator():
    picture = keras.Input((16, 16, 3))
    same = keras.Model(picture, keras.layers.Conv2D(1, 4, 2, padding="same", name="odd")(picture))
    with pytest.raises(UserError, match="odd is none"):
        PatchView.of(same)
