"""The signatures of an exported model, as graphs: guards, decoding, the network, encoding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_deid.models.pixels import to_signed, to_uint8
from keras_deid.serving.graph.bombs import assert_small
from keras_deid.serving.graph.decode import decode
from keras_deid.serving.graph.locate import as_file, hidden, map_size
from keras_deid.serving.graph.regions import cut_square, in_region, paste, plan_parts
from keras_deid.serving.graph.resize import resize
from keras_deid.serving.graph.views import restore_views
from keras_deid.serving.metadata import DESCRIBE, LOCATE, LOCATE_BYTES, description

SIGNATURES = ("serving_default", "serve_uint8", "serve_bytes", "serve_uint8_boxes", "serve_bytes_boxes", DESCRIBE)
"""What a server offers."""

LOCATOR_SIGNATURES = (LOCATE, LOCATE_BYTES)
"""What it offers as well if the model was exported with a locator."""

BOX_LIMIT = 1000
"""Boxes of one picture: each costs a run of the network."""

_PICTURES_AT_ONCE = 4
"""Of a batch, that are in memory in their own size."""

_LOCATED_AT_ONCE = 1
"""The same for the locator, whose features of a picture are several times as large as the picture."""


class RestoringModule(tf.Module):
    """A generator, and perhaps a locator, behind the signatures that a server offers.

    Dimension 0 is the batch in all of them.

    - `serving_default`: `image` float32 `(batch, height, width, 3)` in [0, 1] -> `restored`, the same.
    - `serve_uint8`: `image` uint8 `(batch, height, width, 3)` -> `restored`, the same.
    - `serve_bytes`: `image_bytes` string `(batch,)`, files of any size and shape -> `restored_bytes` string `(batch,)`,
      PNG of each picture's own size. The network sees a picture shrunk or enlarged to fit its own size, in its own
      proportions, with the edge pixels repeated where it does not fill it. What is transparent is laid over white; of
      an animation the first frame is taken; an EXIF orientation is not seen: the client turns the picture.
    - `serve_uint8_boxes`: `image` uint8 `(batch, any height, any width, 3)` and `boxes` float32 `(batch, boxes, 4)`,
      (x0, y0, x1, y1) in pixels -> `restored`, uint8 like `image`. Each box is restored as
      `keras_deid.restoring.repair` does, but at the network's size alone: where a box is larger, the answer is enlarged
      but no detail is added tile by tile and no flat region is filled, which a client does. All other pixels come back
      as they are. A row of zeros or of NaN is ignored.
    - `serve_bytes_boxes`: `image_bytes` and `boxes` -> `restored_bytes`, the same for files.
    - `describe`: `row` int32 `(batch,)`, of any value -> `description` string `(batch,)`: JSON with `context` and
      `adds_detail`, for clients that cut regions out themselves. It has an input because batching needs one.
    - `locate`, with a locator: `image` uint8 `(batch, any height, any width, 3)` -> `hidden` float32
      `(batch, height / 4, width / 4)`, rounded up: the probability of being hidden.
    - `locate_bytes`, with a locator: `image_bytes` as above -> `hidden_bytes` string `(batch,)`: the same of each
      picture, as a grey PNG of 16 bits in which 65,535 stands for 1.

    The module holds the variables in a list of its own: `keras.export.ExportArchive` writes them in an order that
    differs from run to run, and twice if the model is tracked as well.

    Args:
        generator: float32 model `(batch, height, width, 3)` in [-1, 1] -> the same, of a fixed height and width.
        context: >= 1; side of what the network sees of a box, relative to the box's longer side.
        adds_detail: whether the generator has learned to add detail to a restored face that was enlarged.
        locator: float32 model of pictures of any size, see `keras_deid.models.locator`; None: without one.
    """

    def __init__(
        self, generator: keras.Model, context: float, adds_detail: bool = False, locator: keras.Model | None = None
    ) -> None:
        super().__init__(name="restorer")
        _, self._height, self._width, _ = generator.input_shape
        self._generator = _untracked(generator)
        self._context = context
        self._description = description(context, adds_detail)
        self._locator: Any = None if locator is None else _untracked(locator)
        self.generator_variables = [variable.value for variable in generator.variables]
        self.locator_variables = [] if locator is None else [variable.value for variable in locator.variables]

    def signatures(self) -> dict[str, Any]:
        """Returns the traced functions under the names of their signatures."""
        sizes = (None, self._height, self._width, 3)
        files = tf.TensorSpec((None,), tf.string, "image_bytes")
        pictures = tf.TensorSpec((None, None, None, 3), tf.uint8, "image")
        boxes = tf.TensorSpec((None, None, 4), tf.float32, "boxes")
        functions = (
            _trace(self._serve_float, tf.TensorSpec(sizes, tf.float32, "image")),
            _trace(self._serve_uint8, tf.TensorSpec(sizes, tf.uint8, "image")),
            _trace(self._serve_bytes, files),
            _trace(self._serve_uint8_boxes, pictures, boxes),
            _trace(self._serve_bytes_boxes, files, boxes),
            _trace(self._describe, tf.TensorSpec((None,), tf.int32, "row")),
        )
        offered = dict(zip(SIGNATURES, functions, strict=True))
        if self._locator is not None:
            locating = _trace(self._locate, pictures), _trace(self._locate_bytes, files)
            offered |= zip(LOCATOR_SIGNATURES, locating, strict=True)
        return offered

    def _serve_float(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        signed = self._restore_signed(to_signed(self._guarded(image) * 255.0))
        return {"restored": tf.clip_by_value((signed + 1.0) / 2.0, 0.0, 1.0)}

    def _serve_uint8(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"restored": self._restore_uint8(self._guarded(image))}

    def _serve_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        image_bytes = tf.ensure_shape(image_bytes, (None,))

        def see(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            picture = decode(content)
            return self._framed(picture), tf.shape(picture)[:2]

        framed, sizes = tf.map_fn(
            see,
            image_bytes,
            parallel_iterations=_PICTURES_AT_ONCE,
            fn_output_signature=(
                tf.TensorSpec((self._height, self._width, 3), tf.uint8),
                tf.TensorSpec((2,), tf.int32),
            ),
        )
        # Of an empty batch `map_fn` does not know the shapes.
        framed = tf.reshape(framed, (tf.size(image_bytes), self._height, self._width, 3))
        files = tf.map_fn(
            lambda pair: tf.io.encode_png(self._unframed(pair[0], pair[1])),
            (self._restore_uint8(framed), sizes),
            parallel_iterations=_PICTURES_AT_ONCE,
            fn_output_signature=tf.TensorSpec((), tf.string),
        )
        return {"restored_bytes": files}

    def _serve_uint8_boxes(self, image: tf.Tensor, boxes: tf.Tensor) -> dict[str, tf.Tensor]:
        image = _guarded_pictures(image)
        boxes = _guarded_boxes(boxes, tf.shape(image)[0])
        restored = tf.cond(
            tf.equal(tf.size(image), 0),  # here, too, `map_fn` would not know the shapes
            lambda: image,
            lambda: tf.map_fn(
                lambda pair: self._restore_regions(pair[0], pair[1]),
                (image, boxes),
                parallel_iterations=_PICTURES_AT_ONCE,
                fn_output_signature=tf.TensorSpec((None, None, 3), tf.uint8),
            ),
        )
        return {"restored": tf.ensure_shape(restored, (None, None, None, 3))}

    def _serve_bytes_boxes(self, image_bytes: tf.Tensor, boxes: tf.Tensor) -> dict[str, tf.Tensor]:
        image_bytes = tf.ensure_shape(image_bytes, (None,))
        boxes = _guarded_boxes(boxes, tf.size(image_bytes))
        files = tf.map_fn(
            lambda pair: tf.io.encode_png(self._restore_regions(decode(pair[0]), pair[1])),
            (image_bytes, boxes),
            parallel_iterations=_PICTURES_AT_ONCE,
            fn_output_signature=tf.TensorSpec((), tf.string),
        )
        return {"restored_bytes": files}

    def _describe(self, row: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.size(tf.ensure_shape(row, (None,)))
        return {"description": tf.repeat(tf.constant([self._description]), rows)}

    def _locate(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        image = _guarded_pictures(image)
        count, height, width, _ = tf.unstack(tf.shape(image))
        probability = tf.cond(
            tf.equal(tf.size(image), 0),  # as for boxes
            lambda: tf.zeros((count, map_size(height), map_size(width))),
            lambda: tf.map_fn(
                lambda picture: hidden(self._locator, picture),
                image,
                parallel_iterations=_LOCATED_AT_ONCE,
                fn_output_signature=tf.TensorSpec((None, None), tf.float32),
            ),
        )
        return {"hidden": tf.ensure_shape(probability, (None, None, None))}

    def _locate_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        files = tf.map_fn(
            lambda content: as_file(hidden(self._locator, decode(content))),
            tf.ensure_shape(image_bytes, (None,)),
            parallel_iterations=_LOCATED_AT_ONCE,
            fn_output_signature=tf.TensorSpec((), tf.string),
        )
        return {"hidden_bytes": files}

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

    def _restore_regions(self, picture: tf.Tensor, boxes: tf.Tensor) -> tf.Tensor:
        """Restores the boxes of a picture, uint8 `(height, width, 3)`; the later ones lie on top."""
        parts = plan_parts(boxes, self._context, tf.shape(picture)[:2])
        size = min(self._height, self._width)

        def restore_part(result: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
            square, region = part[:3], part[3:]
            framed = self._framed(cut_square(picture, square, size))
            restored = self._unframed(restore_views(self._restore_uint8, framed), tf.constant((size, size)))
            return paste(result, in_region(restored, square, region), region)

        return tf.foldl(restore_part, parts, picture, parallel_iterations=1)

    def _framed(self, picture: tf.Tensor) -> tf.Tensor:
        """Returns uint8 `(height, width, 3)` for the network: what is not filled has the edge repeated."""
        inner, top, left = self._frame(tf.shape(picture)[:2])
        rows = tf.clip_by_value(tf.range(self._height) - top, 0, inner[0] - 1)
        columns = tf.clip_by_value(tf.range(self._width) - left, 0, inner[1] - 1)
        framed = tf.gather(tf.gather(resize(picture, inner), rows), columns, axis=1)
        return tf.ensure_shape(framed, (self._height, self._width, 3))

    def _unframed(self, restored: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        """Returns uint8 `(size[0], size[1], 3)`: the picture without what was repeated around it."""
        inner, top, left = self._frame(size)
        return resize(restored[top : top + inner[0], left : left + inner[1]], size)

    def _frame(self, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns the (height, width) that a picture has in front of the network, and where it begins there."""
        outer = tf.constant((self._height, self._width), tf.float64)
        size = tf.cast(size, tf.float64)
        inner = tf.cast(tf.clip_by_value(tf.round(size * tf.reduce_min(outer / size)), 1.0, outer), tf.int32)
        top, left = tf.unstack((tf.cast(outer, tf.int32) - inner) // 2)
        return inner, top, left


def _untracked(generator: keras.Model) -> Any:
    """Hides the model from `tf.Module`, which would save its weights a second time."""
    return lambda pictures: generator(pictures, training=False)


def _trace(function: Callable[..., dict[str, tf.Tensor]], *inputs: tf.TensorSpec) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(*inputs)


def _guarded_pictures(image: tf.Tensor) -> tf.Tensor:
    image = tf.ensure_shape(image, (None, None, None, 3))
    with tf.control_dependencies([assert_small(tf.shape(image, tf.int64)[1:3])]):
        return tf.identity(image)


def _guarded_boxes(boxes: tf.Tensor, pictures: tf.Tensor) -> tf.Tensor:
    boxes = tf.ensure_shape(boxes, (None, None, 4))
    count, most = tf.shape(boxes)[0], tf.shape(boxes)[1]
    fits = tf.debugging.Assert(tf.equal(count, pictures), ["boxes: expected for pictures:", pictures, "got:", count])
    few = tf.debugging.Assert(most <= BOX_LIMIT, [f"boxes: expected at most {BOX_LIMIT} a picture, got:", most])
    with tf.control_dependencies([fits, few]):
        return tf.identity(boxes)
