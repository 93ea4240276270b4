"""The signatures of an exported model, as graphs: guards, decoding, the network, encoding."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_deid.models.pixels import to_signed, to_uint8

PIXEL_LIMIT = 32_000_000
"""Largest picture that `serve_bytes` decodes, in pixels: three bytes each decoded, twelve while it is resized."""

_HEADER_BYTES = 24


class RestoringModule(tf.Module):
    """A generator behind the three signatures that a server offers; dimension 0 is the batch in all of them.

    - `serving_default`: `image` float32 `(batch, height, width, 3)` in [0, 1] -> `restored`, the same.
    - `serve_uint8`: `image` uint8 `(batch, height, width, 3)` -> `restored`, the same.
    - `serve_bytes`: `image_bytes` string `(batch,)`, files of any size and shape -> `restored_bytes` string `(batch,)`,
      PNG of each picture's own size. The network sees a picture shrunk or enlarged to fit its own size, in its own
      proportions, with the edge pixels repeated where it does not fill it. What is transparent is laid over white; of
      an animation the first frame is taken; an EXIF orientation is not seen: whoever sends the file turns the picture.

    The module holds the variables in a list of its own: `keras.export.ExportArchive` writes them in an order that
    differs from run to run, and twice if the model is tracked as well.

    Args:
        generator: float32 model `(batch, height, width, 3)` in [-1, 1] -> the same, of a fixed height and width.
    """

    def __init__(self, generator: keras.Model) -> None:
        super().__init__(name="restorer")
        _, self._height, self._width, _ = generator.input_shape
        self._generator = _untracked(generator)
        self.generator_variables = [variable.value for variable in generator.variables]

    def signatures(self) -> dict[str, Any]:
        """Returns the traced functions under the names of their signatures."""
        sizes = (None, self._height, self._width, 3)
        return {
            "serving_default": tf.function(self._serve_float, autograph=False).get_concrete_function(
                tf.TensorSpec(sizes, tf.float32, "image")
            ),
            "serve_uint8": tf.function(self._serve_uint8, autograph=False).get_concrete_function(
                tf.TensorSpec(sizes, tf.uint8, "image")
            ),
            "serve_bytes": tf.function(self._serve_bytes, autograph=False).get_concrete_function(
                tf.TensorSpec((None,), tf.string, "image_bytes")
            ),
        }

    def _serve_float(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        signed = self._restore_signed(to_signed(self._guarded(image) * 255.0))
        return {"restored": tf.clip_by_value((signed + 1.0) / 2.0, 0.0, 1.0)}

    def _serve_uint8(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"restored": self._restore_uint8(self._guarded(image))}

    def _serve_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        image_bytes = tf.ensure_shape(image_bytes, (None,))
        framed, sizes = tf.map_fn(
            self._decode_and_frame,
            image_bytes,
            fn_output_signature=(
                tf.TensorSpec((self._height, self._width, 3), tf.uint8),
                tf.TensorSpec((2,), tf.int32),
            ),
        )
        # Of an empty batch `map_fn` does not know the shapes.
        framed = tf.reshape(framed, (tf.size(image_bytes), self._height, self._width, 3))
        files = tf.map_fn(
            lambda pair: tf.io.encode_png(self._unframe(pair[0], pair[1])),
            (self._restore_uint8(framed), sizes),
            fn_output_signature=tf.TensorSpec((), tf.string),
        )
        return {"restored_bytes": files}

    def _guarded(self, image: tf.Tensor) -> tf.Tensor:
        """Has to be the first operation: a tensor of a wrong rank that reaches a convolution aborts the server."""
        return tf.ensure_shape(image, (None, self._height, self._width, 3))

    def _restore_signed(self, signed: tf.Tensor) -> tf.Tensor:
        """Runs the network, which cannot pad an empty batch: that one gets a picture, whose result is dropped."""
        count = tf.shape(signed)[0]
        spare = tf.cast(tf.equal(count, 0), tf.int32)
        return self._generator(tf.pad(signed, ((0, spare), (0, 0), (0, 0), (0, 0))))[:count]

    def _restore_uint8(self, pictures: tf.Tensor) -> tf.Tensor:
        return to_uint8(self._restore_signed(to_signed(pictures)))

    def _decode_and_frame(self, content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns uint8 `(height, width, 3)` for the network, and the size of the picture, int32 `(2,)`."""
        picture = _decode(content)
        size = tf.shape(picture)[:2]
        inner, top, left = self._frame(size)
        rows = tf.clip_by_value(tf.range(self._height) - top, 0, inner[0] - 1)
        columns = tf.clip_by_value(tf.range(self._width) - left, 0, inner[1] - 1)
        framed = tf.gather(tf.gather(_resize(picture, inner), rows), columns, axis=1)
        return tf.ensure_shape(framed, (self._height, self._width, 3)), size

    def _unframe(self, restored: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        """Returns uint8 `(size[0], size[1], 3)`: the picture without what was repeated around it."""
        inner, top, left = self._frame(size)
        return _resize(restored[top : top + inner[0], left : left + inner[1]], size)

    def _frame(self, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns the (height, width) that a picture has in front of the network, and where it begins there."""
        outer = tf.constant((self._height, self._width), tf.float32)
        scale = tf.reduce_min(outer / tf.cast(size, tf.float32))
        inner = tf.cast(tf.clip_by_value(tf.round(tf.cast(size, tf.float32) * scale), 1.0, outer), tf.int32)
        top, left = tf.unstack((tf.cast(outer, tf.int32) - inner) // 2)
        return inner, top, left


def _untracked(generator: keras.Model) -> Any:
    """Hides the model from `tf.Module`, which would save its weights a second time."""
    return lambda pictures: generator(pictures, training=False)


def _decode(content: tf.Tensor) -> tf.Tensor:
    """Decodes a file to uint8 `(height, width, 3)`; what is transparent is laid over white."""
    claimed = _claimed_pixels(content)
    with tf.control_dependencies([_assert_small(claimed)]):
        picture = tf.io.decode_image(content, channels=0, expand_animations=False)
    channels = tf.shape(picture)[2]
    decoded = tf.cast(tf.size(picture) // tf.maximum(channels, 1), tf.int64)
    with tf.control_dependencies([_assert_small(decoded)]):
        picture = tf.identity(picture)
    colours = tf.cond(channels < 3, lambda: tf.repeat(picture[..., :1], 3, axis=2), lambda: picture[..., :3])
    return tf.cond(tf.equal(channels % 2, 0), lambda: _over_white(colours, picture[..., -1:]), lambda: colours)


def _claimed_pixels(content: tf.Tensor) -> tf.Tensor:
    """Reads from the header how many pixels a PNG, GIF or JPEG decodes to: a few kilobytes can become gigabytes.

    The others cannot: WebP ends at 16,383 pixels a side, and a BMP is as large as what it holds.

    Returns:
        int64 scalar, 0 for other formats.
    """
    padded = tf.strings.join([tf.strings.substr(content, 0, _HEADER_BYTES), tf.constant(b"\0" * _HEADER_BYTES)])
    header = tf.cast(tf.io.decode_raw(tf.strings.substr(padded, 0, _HEADER_BYTES), tf.uint8), tf.int64)
    places = tf.constant([1, 256, 256**2, 256**3], tf.int64)
    png_width, png_height = (tf.reduce_sum(tf.reverse(header[at : at + 4], [0]) * places) for at in (16, 20))
    gif_width, gif_height = (tf.reduce_sum(header[at : at + 2] * places[:2]) for at in (6, 8))

    def jpeg_pixels() -> tf.Tensor:
        return tf.reduce_prod(tf.cast(tf.image.extract_jpeg_shape(content)[:2], tf.int64))

    def begins(with_bytes: bytes) -> tf.Tensor:
        return tf.equal(tf.strings.substr(padded, 0, len(with_bytes)), with_bytes)

    none = tf.zeros((), tf.int64)
    pixels = tf.cond(begins(b"\xff\xd8\xff"), jpeg_pixels, lambda: none)
    pixels = tf.where(begins(b"GIF8"), gif_width * gif_height, pixels)
    # Sides of four bytes each, whose product might not fit into eight.
    png_pixels = tf.minimum(png_width, 2 * PIXEL_LIMIT) * tf.minimum(png_height, 2 * PIXEL_LIMIT)
    return tf.where(begins(b"\x89PNG"), png_pixels, pixels)


def _assert_small(pixels: tf.Tensor) -> tf.Operation:
    return tf.debugging.Assert(pixels <= PIXEL_LIMIT, ["the picture is too large; pixels:", pixels])


def _over_white(colours: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    opacity = tf.cast(alpha, tf.float32) / 255.0
    return tf.cast(tf.round(tf.cast(colours, tf.float32) * opacity + 255.0 * (1.0 - opacity)), tf.uint8)


def _resize(picture: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Resizes uint8 as `keras_deid.data.images.resize_image` does: by area to become smaller, else cubic."""
    resized = tf.cond(
        tf.reduce_all(size <= tf.shape(picture)[:2]),
        lambda: tf.image.resize(picture, size, "area"),
        lambda: tf.image.resize(picture, size, "bicubic"),
    )
    return tf.saturate_cast(tf.round(resized), tf.uint8)
