"""The signatures that take boxes restore as the client does."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_deid.restoring.found import given_region
from keras_deid.restoring.model import LocalModel
from keras_deid.restoring.repair import restore_regions

from .conftest import as_strings, decode, encode


@pytest.fixture(scope="module")
def photo():
    """Smooth, as photographs are, and neither as large nor as wide as what the network sees."""
    noise = np.random.default_rng(5).integers(0, 256, (8, 10, 3)).astype("uint8")
    return np.asarray(Image.fromarray(noise).resize((150, 90), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def by_the_client(model):
    """What `keras-deid restore --boxes` makes of a picture with the model alone."""
    local = LocalModel(model)

    def restore(photo, boxes):
        return restore_regions(local, [photo], [[given_region(tuple(box), photo.shape[:2]) for box in boxes]])[0]

    return restore


def restore_boxes(signatures, image, boxes):
    tensors = {"image": tf.constant(image), "boxes": tf.constant(boxes, tf.float32)}
    return signatures["serve_uint8_boxes"](**tensors)["restored"].numpy()


@pytest.mark.parametrize(
    "boxes",
    [
        [(40, 20, 70, 60)],
        [(40.25, 20.75, 70.5, 60.125)],
        [(20, 20, 60, 60), (40, 30, 90, 80), (30, 10, 50, 40)],  # overlap
        [(-30, -20, 25, 30), (130, 70, 400, 300)],  # reach outside
        [(0, 0, 40, 30), (110, 60, 150, 90)],  # touch the border
        [(60, -50, 90, 500)],  # taller than the picture
        [(20, 0, 30, 90), (-10, 40, 200, 50)],  # as high, as wide as the picture
        [(-1e30, -1e30, 1e30, 1e30)],
        [(0, 0, 150, 90)],
        [(70, 40, 73, 42)],  # a crop of six pixels, which is enlarged
        [(70.25, 40.5, 70.5, 40.625)],
    ],
)
def test_boxes_are_restored_as_by_the_client(signatures, by_the_client, photo, boxes):
    restored = restore_boxes(signatures, photo[None], [boxes])[0]
    np.testing.assert_allclose(np.int32(restored), by_the_client(photo, boxes), atol=1)
    assert (restored != photo).any()


def test_boxes_leave_all_other_pixels_as_they_are(signatures, photo):
    restored = restore_boxes(signatures, photo[None], [[(40, 20, 70, 60), (100.5, 10, 120, 30)]])[0]
    inside = np.zeros(photo.shape[:2], bool)
    inside[20:60, 40:70] = inside[10:30, 100:120] = True
    np.testing.assert_array_equal(restored[~inside], photo[~inside])
    assert (restored[inside] != photo[inside]).any(axis=1).mean() > 0.5


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 0, 0),
        (np.nan,) * 4,
        (10, 10, np.nan, 20),
        (-np.inf, 0, np.inf, 20),
        (30, 30, 30, 60),
        (60, 60, 30, 30),
        (-20, 0, 0, 20),
        (150, 0, 170, 20),
        (3e38, 3e38, 3.2e38, 3.2e38),
    ],
)
def test_a_row_that_is_no_box_changes_nothing(signatures, photo, box):
    np.testing.assert_array_equal(restore_boxes(signatures, photo[None], [[box]])[0], photo)
    good = (40, 20, 70, 60)
    both = restore_boxes(signatures, photo[None], [[box, good, box]])
    np.testing.assert_array_equal(both, restore_boxes(signatures, photo[None], [[good]]))


@pytest.mark.parametrize(
    ("image", "boxes"),
    [((0, 90, 150, 3), (0, 2, 4)), ((2, 90, 150, 3), (2, 0, 4)), ((0, 0, 0, 3), (0, 0, 4)), ((2, 0, 9, 3), (2, 1, 4))],
)
def test_boxes_of_nothing(signatures, image, boxes):
    picture = np.full(image, 7, "uint8")
    np.testing.assert_array_equal(restore_boxes(signatures, picture, np.full(boxes, 5)), picture)
    if not image[0]:
        tensors = {"image_bytes": tf.constant([], tf.string), "boxes": tf.zeros(boxes)}
        assert signatures["serve_bytes_boxes"](**tensors)["restored_bytes"].shape == (0,)


def test_boxes_in_files_of_different_sizes_equal_those_in_pixels(signatures, photo):
    batch = [photo, photo[10:70, 20:90], photo[:16, :24]]
    boxes = np.float32(
        [[(40, 20, 70, 60), (5, 5, 30, 30)], [(3, 3, 40, 40), (0,) * 4], [(2, 2, 14, 14), (9, 2, 20, 9)]]
    )
    contents = tf.constant([encode(picture) for picture in batch])
    files = signatures["serve_bytes_boxes"](image_bytes=contents, boxes=tf.constant(boxes))["restored_bytes"].numpy()
    for picture, own, content in zip(batch, boxes, files, strict=True):
        np.testing.assert_array_equal(decode(content), restore_boxes(signatures, picture[None], own[None])[0])


def test_boxes_through_the_c_api(in_child, by_the_client, photo):
    boxes = np.float32([[(40, 20, 70, 60)]])
    files = as_strings(encode(photo))
    pixels, contents = in_child(
        ("serve_uint8_boxes", {"image": photo[None], "boxes": boxes}),
        ("serve_bytes_boxes", {"image_bytes": files, "boxes": boxes}),
    )
    np.testing.assert_array_equal(decode(contents[0]), pixels[0])
    np.testing.assert_allclose(np.int32(pixels[0]), by_the_client(photo, boxes[0].tolist()), atol=1)
