import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_deid.serving.graph.bombs import (
    GIF_BLOCK_LIMIT,
    JPEG_SCAN_LIMIT,
    PIXEL_LIMIT,
    PNG_TEXT_LIMIT,
    SIDE_LIMIT,
    refuse_bombs,
)

from .. import hostile
from ..conftest import encode

traced = tf.function(refuse_bombs, input_signature=[tf.TensorSpec((), tf.string)])


def refused(content):
    try:
        assert traced(content).numpy() == content
    except tf.errors.InvalidArgumentError as error:
        return error.message
    return None


@pytest.mark.parametrize("name", hostile.bombs())
def test_what_asks_for_too_much_is_refused(name):
    assert "too large" in (refused(hostile.bombs()[name]) or "")


@pytest.mark.parametrize("kind", hostile.KINDS)
@pytest.mark.parametrize("size", [(1, 1), (300, 200), (200, 1300)])
def test_pictures_pass(kind, size):
    assert refused(encode(np.random.default_rng(0).integers(0, 256, (*size, 3)).astype("uint8"), kind)) is None


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}, {"exif": b"Exif\0\0", "quality": 50}])
def test_webp_of_all_three_kinds_passes(options):
    assert refused(encode(np.zeros((40, 50, 3), np.uint8), "WEBP", **options)) is None


@pytest.mark.parametrize("content", [b"", b"junk", b"II*\0", hostile.jpeg_xl(), b"\0\0\0\x0cJXL \r\n\x87\n"])
def test_unknown_kinds_are_refused_even_if_the_decoder_knows_them(content):
    assert "Unknown image file format" in refused(content)


def test_an_animation_passes_up_to_the_limit_of_all_its_frames():
    side = 1000
    most = PIXEL_LIMIT // side**2
    assert refused(hostile.gif(*[hostile.gif_frame(side, side)] * most)) is None
    assert "too large" in refused(hostile.gif(*[hostile.gif_frame(side, side)] * (most + 1)))
    assert refused(hostile.gif(hostile.gif_remark(100_000), hostile.gif_frame(10, 10))) is None
    assert "too large" in refused(hostile.gif(hostile.gif_remark(100_000), hostile.gif_frame(SIDE_LIMIT, 10_000)))
    remarks = [hostile.gif_remark(2)] * (GIF_BLOCK_LIMIT - 1)
    assert refused(hostile.gif(*remarks, hostile.gif_frame(10, 10))) is None
    animation = io.BytesIO()
    frames = [Image.fromarray(np.full((30, 40), level, np.uint8)) for level in (0, 100, 200)]
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:], loop=0, comment=b"c" * 600)
    assert refused(animation.getvalue()) is None
    assert "too large" in refused(animation.getvalue()[:-1] + hostile.gif_frame(SIDE_LIMIT, SIDE_LIMIT))


def test_limits_are_reached_and_not_passed():
    assert refused(hostile.png(SIDE_LIMIT, 1)) is None and refused(hostile.png(PIXEL_LIMIT // 1000, 1000)) is None
    assert "too large" in refused(hostile.png(SIDE_LIMIT + 1, 1))
    assert "too large" in refused(hostile.png(PIXEL_LIMIT // 1000 + 1, 1000))
    assert refused(hostile.png_with_texts(PNG_TEXT_LIMIT, 10)) is None
    assert "too many texts" in refused(hostile.png_with_texts(PNG_TEXT_LIMIT + 1, 10))
    assert refused(hostile.jpeg_with_scans(JPEG_SCAN_LIMIT - 10)) is None
