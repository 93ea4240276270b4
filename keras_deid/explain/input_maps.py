"""Maps at the input, which are no class activation maps: integrated gradients, and occlusion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from saliency.core import INPUT_OUTPUT_GRADIENTS
from saliency.core import IntegratedGradients as _IntegratedGradients

from keras_deid.data.evaluation_examples import evaluation_batch

INPUT = "input"
"""In the place of a layer's name: these maps are of the picture itself."""

STEPS = 32
"""Pictures on the way from grey to the picture itself, over which gradients are averaged."""

CELLS = 16
"""Occluded squares along the shorter side of the picture."""

InputMaps = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Pictures float32 `(batch, height, width, 3)` in [-1, 1], and patch weights `(batch, rows, columns)` -> float32 maps
`(batch, map's height, map's width)`, >= 0."""


def integrated_gradients(model: keras.Model) -> InputMaps:
    """Returns what maps how much each pixel adds to the score, compared with a grey picture.

    With x the picture and 0 the grey one, pixel and channel i get x_i times the mean of dS/dx_i over the pictures
    between them; together they are S(x) - S(0). A pixel's channels are added up. As in Grad-CAM, only what speaks for
    the score counts: negative sums become 0.

    Args:
        model: float `(batch, height, width, 3)` in [-1, 1] -> patch logits `(batch, rows, columns, 1)`.

    Returns:
        maps of the picture's size.

    Reference:
        [Sundararajan et al., 2017](https://arxiv.org/abs/1703.01365), eq. 1 and 3; the sums are those of PAIR's
        `saliency`.
    """
    library = _IntegratedGradients()

    @tf.function(reduce_retracing=True, autograph=False)
    def gradients(x: tf.Tensor, patch_weights: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            score = _score(model, x, patch_weights)
        return tape.gradient(score, x)

    def call(x: np.ndarray, call_model_args: Any, expected_keys: Any) -> dict[str, np.ndarray]:
        return {INPUT_OUTPUT_GRADIENTS: gradients(tf.constant(x, tf.float32), call_model_args).numpy()}

    def take(x: np.ndarray, patch_weights: np.ndarray) -> np.ndarray:
        added = [
            library.GetMask(picture, call, tf.constant(weights, tf.float32), x_steps=STEPS, batch_size=STEPS)
            for picture, weights in zip(x, patch_weights, strict=True)
        ]
        return np.maximum(np.stack(added).sum(axis=-1), 0).astype(np.float32)

    return take


def occlusion(model: keras.Model) -> InputMaps:
    """Returns what maps how far the score falls when a square of the picture turns grey.

    The squares are next to each other, `CELLS` along the shorter side, so that each pixel is hidden once: overlapping
    windows would hide the middle more often than the border. Where the score rises, the map is 0.

    Args:
        model: float `(batch, height, width, 3)` in [-1, 1] -> patch logits `(batch, rows, columns, 1)`.

    Returns:
        maps with a cell for each square.

    Reference:
        [Zeiler and Fergus, 2014](https://arxiv.org/abs/1311.2901), section 4.2, with their grey.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def scores(x: tf.Tensor, patch_weights: tf.Tensor) -> tf.Tensor:
        return _score(model, x, patch_weights)

    def of_picture(picture: np.ndarray, weights: tf.Tensor) -> np.ndarray:
        rows, columns = (_edges(side, min(picture.shape[:2])) for side in picture.shape[:2])
        squares = [
            (slice(*rows[row : row + 2]), slice(*columns[column : column + 2]))
            for row in range(len(rows) - 1)
            for column in range(len(columns) - 1)
        ]
        shown = scores(tf.constant(picture[None], tf.float32), weights).numpy()
        left = []
        size = evaluation_batch(picture.shape[:2])
        for first in range(0, len(squares), size):
            some = squares[first : first + size]
            hidden = np.repeat(picture[None], len(some), axis=0)
            for one, square in zip(hidden, some, strict=True):
                one[square] = 0
            left.append(scores(tf.constant(hidden, tf.float32), weights).numpy())
        return np.maximum(shown - np.concatenate(left), 0).reshape(len(rows) - 1, len(columns) - 1)

    def take(x: np.ndarray, patch_weights: np.ndarray) -> np.ndarray:
        maps = [
            of_picture(picture, tf.constant(weights, tf.float32))
            for picture, weights in zip(x, patch_weights, strict=True)
        ]
        return np.stack(maps).astype(np.float32)

    return take


INPUT_METHODS: dict[str, Callable[[keras.Model], InputMaps]] = {
    "integrated-gradients": integrated_gradients,
    "occlusion": occlusion,
}

CELL_WIDTHS: dict[str, Callable[[tuple[int, int]], int]] = {
    "integrated-gradients": lambda size: 1,
    "occlusion": lambda size: -(-min(size) // CELLS),
}
"""How many pixels wide a cell of the maps is, of pictures of (height, width)."""


def _score(model: keras.Model, x: tf.Tensor, patch_weights: tf.Tensor) -> tf.Tensor:
    """Returns the score of each picture, `(batch,)`, all with the same patch weights `(rows, columns)`."""
    logits = tf.cast(model(x, training=False)[..., 0], tf.float32)
    return tf.reduce_sum(logits * patch_weights, axis=(1, 2))


def _edges(side: int, shorter: int) -> np.ndarray:
    """Parts a side into squares as wide as the shorter side has `CELLS` of, in whole pixels."""
    count = max(1, round(side * min(CELLS, shorter) / shorter))
    return np.linspace(0, side, count + 1).round().astype(int)
