"""Whether a map names the pixels that the score depends on: deletion and insertion."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import keras
import numpy as np

STEPS = 5


@dataclass(frozen=True)
class Curves:
    """The score while pixels are taken away, and while they are put back, the map's highest first.

    Attributes:
        deletion: float `(pictures, STEPS + 1)`, the score with 0, 1/STEPS, ... of the pixels replaced by grey.
        insertion: the same, with as many pixels of a blurred picture replaced by the real ones.
    """

    deletion: np.ndarray
    insertion: np.ndarray

    def areas(self) -> tuple[np.ndarray, np.ndarray]:
        """Areas under both curves, by the trapezoid rule over [0, 1]: float `(pictures,)` each, in logits."""
        return _area(self.deletion), _area(self.insertion)


def faithfulness(model: keras.Model, x: np.ndarray, maps: np.ndarray, patch_weights: np.ndarray) -> Curves:
    """Follows the score along a map's order of pixels.

    A map that names what the score rests on has a low area under the deletion curve and a high one under the insertion
    curve. G repairs some of what is taken away, which makes this a mild test.

    Args:
        model: `chain(...).model`.
        x: float32 `(pictures, height, width, 3)` in [-1, 1].
        maps: float `(pictures, height, width)`; only the order of its values counts.
        patch_weights: float32 `(pictures, rows, columns)`, from a target.

    Reference:
        [Petsiuk et al., 2018](https://arxiv.org/abs/1806.07421), section 3.3; their grey and their blur.
    """
    ranks = np.stack([_ranks(one) for one in maps])[..., None]
    grey, blurred = np.zeros_like(x), np.stack([_blurred(one) for one in x])
    deletion, insertion = [], []
    for step in range(STEPS + 1):
        chosen = ranks < step / STEPS
        deletion.append(_scores(model, np.where(chosen, grey, x), patch_weights))
        insertion.append(_scores(model, np.where(chosen, x, blurred), patch_weights))
    return Curves(np.stack(deletion, axis=1), np.stack(insertion, axis=1))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Returns the place of each value in descending order, in [0, 1)."""
    ranks = np.empty(values.size)
    ranks[np.argsort(-values, axis=None, kind="stable")] = np.arange(values.size) / values.size
    return ranks.reshape(values.shape)


def _blurred(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), max(picture.shape[:2]) / 16)


def _scores(model: keras.Model, x: np.ndarray, patch_weights: np.ndarray) -> np.ndarray:
    logits = keras.ops.convert_to_numpy(model(x, training=False))[..., 0]
    return (logits * patch_weights).sum(axis=(1, 2))


def _area(curves: np.ndarray) -> np.ndarray:
    return np.trapezoid(curves, dx=1 / STEPS, axis=1)
