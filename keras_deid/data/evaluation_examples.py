"""The pictures of a split as they are evaluated: all of them, in a stable order, without augmentation."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from keras_deid.config import DataConfig, DeidentifyConfig
from keras_deid.data.catalogue_examples import catalogue_examples
from keras_deid.data.covering import cover, cut_middle
from keras_deid.data.deidentify import strength_in_pixels
from keras_deid.data.picture_cache import padded_boxes
from keras_deid.data.sources import PAIR_CHANNELS, Example, no_pictures, open_source
from keras_deid.data.x_y_mask import enlarged_mosaics, x_y_mask
from keras_deid.errors import UserError

_BATCH_SIZE = 16
_MOST_PIXELS = 2**18
"""Of a batch: 16 pictures of 256 px take 6 GB in the paper's generator, 4 of them 2 GB."""


def evaluation_batch(image_size: tuple[int, int]) -> int:
    """Returns how many pictures of a size, (height, width), are evaluated at a time; no metric depends on it."""
    height, width = image_size
    return max(min(_BATCH_SIZE, _MOST_PIXELS // (height * width)), 1)


def evaluation_examples(
    data: DataConfig, deidentify: DeidentifyConfig, split: str, batch_size: int, *, with_baselines: bool = False
) -> tf.data.Dataset:
    """Returns the pictures of a split in a stable order, without augmentation.

    The whole stored picture is resized to `data.image_size`; where the shapes differ, it is resized to cover that size
    and cut around the middle, or as near to it as keeps the face in view. The split is read once and kept in memory.

    Args:
        data: source and sizes.
        deidentify: what hides the faces, at the fixed strength `block_size`; not used for pairs.
        split: `"train"`, `"val"` or `"test"`.
        batch_size: pictures in a batch; the last one may have fewer.
        with_baselines: adds what restored pictures have to beat, for mosaics that were made here.

    Returns:
        data set of dicts of batches: `x`, `y` uint8 `(batch, height, width, 3)`; `mask` float32 and `person` uint8
        `(batch, height, width, 1)`, 0 or 1; `has_person` bool `(batch,)`; `box` float32 `(batch, 4)`, the face (of a
        pair: what surrounds the region); `boxes` float32 `(batch, faces, 4)`, all that were de-identified, `box` first,
        those that only fill up without area; `block` float32 `(batch,)`, mosaic block or blur sigma of `box` in pixels,
        0 if it is not known; `path` string `(batch,)`; with baselines of mosaics `bilinear` and `bicubic`, like `x`,
        their block means enlarged.

    Raises:
        UserError: if the data cannot be opened or read, or the split is empty.
    """
    examples = _examples(data, deidentify, split)
    if not examples:
        raise UserError(no_pictures(data, split, "choose another split"))
    stored = {
        "picture": np.stack([example.picture for example in examples]),
        "boxes": padded_boxes([example.boxes for example in examples]),
        "has_person": np.array([example.has_person for example in examples]),
        "path": np.array([example.path for example in examples]),
    }

    def batch(stored: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        picture, boxes = stored["picture"], stored["boxes"]
        strength = strength_in_pixels(deidentify.block_size, boxes, deidentify.unit)
        x, y, mask = x_y_mask(picture, boxes, strength, deidentify)
        is_pair = picture.shape[-1] == PAIR_CHANNELS
        wanted = with_baselines and not is_pair
        return {
            "x": x,
            "y": y,
            "mask": mask,
            "person": tf.zeros_like(picture[..., :1]) if is_pair else picture[..., 3:],
            "has_person": stored["has_person"],
            "box": boxes[:, 0],
            "boxes": boxes,
            "block": tf.zeros_like(strength[:, 0]) if is_pair else strength[:, 0],
            "path": stored["path"],
            **(enlarged_mosaics(x, y, boxes, strength, deidentify) if wanted else {}),
        }

    with tf.device("/cpu:0"):
        return tf.data.Dataset.from_tensor_slices(stored).batch(batch_size).map(batch).prefetch(1)


def _examples(data: DataConfig, deidentify: DeidentifyConfig, split: str) -> list[Example]:
    if deidentify.method == "catalogue":
        return list(catalogue_examples(data, deidentify, split))
    source = open_source(data, data.image_size)
    if not source.counts[split]:
        return []
    return [cut_middle(cover(example, data.image_size), data.image_size) for example in source.read(split)]
