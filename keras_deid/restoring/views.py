"""Several views of a crop: what the model knows of a face is in all its answers, what it made up is not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_deid.restoring.crop_batches import restore_crops
from keras_deid.restoring.model import PictureModel

VIEWS = 4
"""Of each crop: as it is, mirrored, moved by a pixel down and to the right, and both."""


def restore_views(model: PictureModel, crops: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Restores four views of each crop, and returns the means of their answers.

    Detail is not restored this way: all of it is made up, and a mean has less.

    Args:
        model: what restores.
        crops: uint8 `(*model.size, 3)`.

    Returns:
        For each crop uint8 of its shape. Its last row and column, which the moved views lack, are the means of two.

    Reference:
        [Lim et al., 2017](https://arxiv.org/abs/1707.02921), section 3.4, self-ensemble: of its eight views two show
        upright faces; [Coifman and Donoho, 1995](https://doi.org/10.1007/978-1-4612-2544-7_9), cycle spinning: the mean
        over shifts.
    """
    moved = [np.pad(crop, ((1, 0), (1, 0), (0, 0)), "edge")[:-1, :-1] for crop in crops]
    seen = [*crops, *moved]
    answers = np.array(list(restore_crops(model, [*seen, *(crop[:, ::-1] for crop in seen)])), np.float32)
    return [_mean(*answers[number :: len(crops)]) for number in range(len(crops))]


def _mean(own: np.ndarray, moved: np.ndarray, mirrored: np.ndarray, moved_mirrored: np.ndarray) -> np.ndarray:
    twice, twice_moved = own + mirrored[:, ::-1], moved + moved_mirrored[:, ::-1]
    total = 2 * twice
    total[:-1, :-1] = twice[:-1, :-1] + twice_moved[1:, 1:]
    return np.round(total / VIEWS).astype(np.uint8)
