"""Drawn scenes as a `tf.data.Dataset`, in the form of a prepared data set's examples."""

import numpy as np
import tensorflow as tf

from keras_deid.synthetic.scene import draw_scene

SPLITS = ("train", "val", "test")

# A seed names one scene: the low 40 bits count pictures, the next 2 name the split, the rest is the data set's seed.
# Splits are therefore disjoint by construction, for every seed.
_INDEX_BITS = 40
_SPLIT_BITS = 2

# Scenes drawn in one call from tf.data into Python; the call costs as much as a small part of a scene.
_SCENES_A_CALL = 16


def scene_seed(split: str, index: int, seed: int = 0) -> int:
    """Returns the seed of picture `index` of a split: different for every (split, index, seed).

    Args:
        split: "train", "val" or "test".
        index: int in [0, 2**40).
        seed: int >= 0; the seed of the whole data set.

    Returns:
        int >= 0, for `draw_scene`.

    Raises:
        ValueError: if an argument is out of range.
    """
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received: {split!r}")
    if not 0 <= index < 1 << _INDEX_BITS:
        raise ValueError(f"`index` must be in [0, 2**{_INDEX_BITS}). Received: {index}")
    if seed < 0:
        raise ValueError(f"`seed` must be >= 0. Received: {seed}")
    return (((seed << _SPLIT_BITS) | SPLITS.index(split)) << _INDEX_BITS) | index


def scene_path(split: str, index: int) -> str:
    """Returns what names picture `index` of a split."""
    return f"synthetic/{split}/{index:06d}"


def synthetic_examples(
    split: str, size: int, count: int | None = None, seed: int = 0, start: int = 0
) -> tf.data.Dataset:
    """Draws the pictures `start`, `start + 1`, ... of a split, always the same ones for the same arguments.

    Args:
        split: "train", "val" or "test". No scene is in two of them.
        size: int >= 16; height and width of a picture, in pixels.
        count: number of pictures, or None for an endless data set.
        seed: int >= 0; different seeds give different pictures.
        start: index of the first picture. Earlier ones are not drawn, so a run that continues loses no time.

    Returns:
        data set of dicts: `"image"` uint8 `(size, size, 3)` RGB; `"box"` float32 `(4,)`, the face as (x0, y0, x1, y1)
        in pixels; `"person"` uint8 `(size, size)`, 1 on the person; `"has_person"` bool, always True; `"path"` string,
        `synthetic/<split>/<index>`.

    Raises:
        ValueError: if an argument is out of range.
    """
    scene_seed(split, start, seed)
    if size < 16:
        raise ValueError(f"`size` must be >= 16. Received: {size}")
    if count is not None and count < 0:
        raise ValueError(f"`count` must be >= 0, or None. Received: {count}")

    def draw(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scenes = [draw_scene(scene_seed(split, int(index), seed), size) for index in indices]
        images, boxes, persons = zip(*scenes, strict=True)
        return np.stack(images), np.stack(boxes), np.stack(persons)

    def examples(indices: tf.Tensor) -> dict[str, tf.Tensor]:
        image, box, person = tf.numpy_function(draw, [indices], (tf.uint8, tf.float32, tf.uint8), stateful=False)
        number = tf.strings.as_string(indices, width=6, fill="0")
        return {
            "image": tf.ensure_shape(image, (None, size, size, 3)),
            "box": tf.ensure_shape(box, (None, 4)),
            "person": tf.ensure_shape(person, (None, size, size)),
            "has_person": tf.ones_like(indices, dtype=tf.bool),
            "path": tf.strings.join([f"synthetic/{split}/", number]),
        }

    end = 1 << _INDEX_BITS if count is None else start + count
    indices = tf.data.Dataset.range(start, end).batch(_SCENES_A_CALL)
    # One call draws in the background while the pictures of the last one are used. More would not help: Python's lock
    # lets one draw at a time.
    return indices.map(examples, num_parallel_calls=1).unbatch()
