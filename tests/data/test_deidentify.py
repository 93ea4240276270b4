import math

import cv2
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.data.deidentify import deidentify, gaussian_blur, mosaic, strength_in_pixels

from .drawn import HEIGHT, WIDTH, as_rows, few, grey, inside, noise, one, ramp


@st.composite
def boxes(draw, margin=3.0):
    """Boxes of at least a pixel that may reach beyond the picture."""
    x0 = draw(st.floats(-margin, WIDTH - 1, width=32))
    y0 = draw(st.floats(-margin, HEIGHT - 1, width=32))
    return x0, y0, draw(st.floats(x0 + 1, WIDTH + margin)), draw(st.floats(y0 + 1, HEIGHT + margin))


blocks = st.floats(0.5, 9, width=32)


def test_mosaic_worked_by_hand():
    picture = grey([[0, 4, 8, 12], [16, 20, 24, 28], [32, 36, 40, 44], [48, 52, 56, 60]])
    result = mosaic(picture, one(1, 1, 4, 3), tf.constant([2.0]))
    # Blocks: columns 1-2 have the mean of 20, 24, 36, 40; column 3, cut by the box, that of 28, 44.
    assert as_rows(result) == [[0, 4, 8, 12], [16, 30, 30, 36], [32, 30, 30, 36], [48, 52, 56, 60]]


@pytest.mark.parametrize(
    ("box", "block", "expected"),
    [
        ((0, 0, 5, 1), 2.5, [1, 1, 6, 6, 6]),  # the centre 2.5 begins the second block
        ((0.6, 0, 4, 1), 1.7, [0, 2, 4, 4, 9]),  # 0.5 is left of the box; 1.5 in block 0; 2.5 and 3.5 in block 1
        ((-1, 0, 5, 1), 2, [0, 2, 2, 8, 8]),  # counted from the box's corner, beyond the picture
        ((0, 0, 5, 1), 100, [4, 4, 4, 4, 4]),
        ((0, 0, 5, 1), 0.1, [0, 2, 3, 6, 9]),  # a block is at least a pixel
        ((2, 0, 2, 1), 2, [0, 2, 3, 6, 9]),
    ],
)
def test_mosaic_of_one_row(box, block, expected):
    assert as_rows(mosaic(grey([[0, 2, 3, 6, 9]]), one(*box), tf.constant([block], tf.float32))) == [expected]


@few
@given(x0=st.floats(0, 5, width=32), width=st.floats(10, 60, width=32), across=st.integers(2, 8))
def test_a_fraction_of_the_width_gives_that_many_blocks(x0, width, across):
    picture = grey([np.arange(80)])
    box = one(x0, 0, np.float32(x0) + np.float32(width), 1)
    result = as_rows(mosaic(picture, box, (box[:, 2] - box[:, 0]) / across))[0]
    covered = inside(box[0].numpy(), 1, 80)[0]
    assert len(set(np.array(result)[covered])) == across


@few
@given(box=boxes(), block=blocks, seed=st.integers(0, 99))
def test_mosaic_equals_means_taken_one_by_one(box, block, seed):
    picture = noise(seed=seed)
    expected = picture[0].astype(np.float64)
    box, side = np.float32(box), np.float32(max(block, 1))
    last = np.maximum(np.ceil((box[2:] - box[:2]) / side - 1e-3), 1) - 1
    members = {}
    for y, x in np.argwhere(inside(box)):
        index = np.floor((np.float32([x + 0.5, y + 0.5]) - box[:2]) / side)
        members.setdefault(tuple(np.minimum(index, last)), []).append((y, x))
    for pixels in members.values():
        ys, xs = np.transpose(pixels)
        expected[ys, xs] = picture[0, ys, xs].astype(np.float64).mean(axis=0)
    result = mosaic(picture, one(*box), tf.constant([block], tf.float32))
    np.testing.assert_allclose(result[0], expected, atol=0.5001)


@few
@given(box=boxes(), block=blocks)
def test_mosaic_of_a_mosaic_is_itself(box, block):
    once = mosaic(noise(), one(*box), tf.constant([block], tf.float32))
    np.testing.assert_array_equal(mosaic(once, one(*box), tf.constant([block], tf.float32)), once)


@few
@given(box=boxes(), block=blocks)
def test_mosaic_keeps_the_mean(box, block):
    picture = noise()
    result = np.asarray(mosaic(picture, one(*box), tf.constant([block], tf.float32)))
    region = inside(np.float32(box))
    if region.any():
        assert abs(result[0][region].mean() - picture[0][region].mean()) <= 0.5


@few
@given(
    box=boxes(),
    strength=blocks,
    scale=st.floats(0.5, 2),
    method=st.sampled_from(["mosaic", "blur", "box"]),
    shape=st.sampled_from(["rectangle", "ellipse"]),
)
def test_outside_the_mask_nothing_changes(box, strength, scale, method, shape):
    picture = noise()
    x, mask = deidentify(
        picture, one(*box), tf.constant([strength], tf.float32), method=method, shape=shape, scale=scale
    )
    assert x.dtype == tf.uint8 and x.shape == picture.shape
    assert mask.dtype == tf.float32 and mask.shape == (1, HEIGHT, WIDTH, 1)
    assert set(np.unique(mask)) <= {0, 1}
    differs = (np.asarray(x) != picture).any(axis=-1, keepdims=True)
    assert not (differs & (np.asarray(mask) == 0)).any()


def test_the_mask_is_where_x_differs():
    picture = ramp(HEIGHT, WIDTH, 5, 7) + 1
    for method in ("blur", "box"):
        x, mask = deidentify(picture, one(2, 3, 11, 9), tf.constant([4.0]), method=method)
        matches = (np.asarray(x) != picture) == (np.asarray(mask) == 1)
        assert matches.mean() > 0.95  # a blurred pixel may happen to keep its value
        assert np.asarray(mask).sum() == 9 * 6
    assert matches.all()


def test_a_picture_of_a_batch_does_not_depend_on_the_others():
    pictures = noise(batch=4)
    faces = tf.constant([[1, 1, 9, 9], [0.3, 2.2, 15.1, 11.8], [4, 4, 6, 6], [0, 0, 0, 0]], tf.float32)
    strength = tf.constant([2.0, 3.3, 1.0, 0.0])
    for method in ("mosaic", "blur"):
        together, masks = deidentify(pictures, faces, strength, method=method, shape="ellipse", scale=1.2)
        for i in range(4):
            alone, mask = deidentify(
                pictures[i : i + 1], faces[i : i + 1], strength[i : i + 1], method=method, shape="ellipse", scale=1.2
            )
            np.testing.assert_array_equal(alone[0], together[i])
            np.testing.assert_array_equal(mask[0], masks[i])
    assert not np.asarray(masks[3]).any()


def test_runs_in_tf_data_on_pictures_of_unknown_size():
    def pictures():
        for size in (8, 20):
            yield noise(size, size + 4)

    dataset = tf.data.Dataset.from_generator(pictures, output_signature=tf.TensorSpec((None, None, None, 3), tf.uint8))
    dataset = dataset.map(lambda batch: deidentify(batch, one(1, 1, 7, 7), tf.constant([3.0])))
    for source, (x, mask) in zip(pictures(), dataset, strict=True):
        expected, _ = deidentify(source, one(1, 1, 7, 7), tf.constant([3.0]))
        np.testing.assert_array_equal(x, expected)
        assert np.asarray(mask).sum() == 36


def test_solid_box_is_black():
    x, mask = deidentify(noise() | 1, one(2, 3, 5, 7), tf.constant([1.0]), method="box")
    np.testing.assert_array_equal(np.asarray(x) == 0, np.repeat(np.asarray(mask) == 1, 3, axis=-1))


def test_blur_keeps_a_flat_picture():
    flat = np.full((1, 9, 14, 3), 77, np.uint8)
    np.testing.assert_array_equal(gaussian_blur(flat, tf.constant([2.5])), flat)


def test_blur_of_a_point_is_the_gaussian():
    picture = np.zeros((1, 21, 21, 1), np.uint8)
    picture[0, 10, 10] = 255
    result = gaussian_blur(picture, tf.constant([1.0]))
    for dy, dx in ((0, 0), (0, 1), (2, 1)):
        expected = 255 * math.exp(-(dy**2 + dx**2) / 2) / (2 * math.pi)
        assert abs(int(result[0, 10 + dy, 10 + dx, 0]) - expected) <= 0.51


def test_blur_of_sigma_zero_leaves_the_picture():
    np.testing.assert_array_equal(gaussian_blur(noise(), tf.constant([0.0])), noise())


def test_blur_sees_the_whole_picture_not_only_the_region():
    picture = grey([[200] * 4 + [0] * 4])
    x, _ = deidentify(picture, one(4, 0, 8, 1), tf.constant([1.0]), method="blur")
    row = as_rows(x)[0]
    assert row[:4] == [200] * 4
    assert row[4] > 50 and row[4] > row[5] > row[6]


def test_strength_in_widths_of_the_face():
    faces = tf.constant([[[10.0, 0, 30, 50], [0, 0, 5, 5]]])
    np.testing.assert_allclose(strength_in_pixels(0.2, faces, "face"), [[4, 1]])
    np.testing.assert_allclose(strength_in_pixels(tf.constant([[3.0]]), faces, "pixels"), [[3, 3]])


def test_blur_like_opencv():
    picture = cv2.GaussianBlur(noise(48, 48)[0], (0, 0), 2)
    ours = np.asarray(gaussian_blur(picture[None], tf.constant([3.0])))[0]
    theirs = cv2.GaussianBlur(picture, (0, 0), 3, borderType=cv2.BORDER_REFLECT)
    np.testing.assert_allclose(ours[14:-14, 14:-14].astype(int), theirs[14:-14, 14:-14], atol=1)
