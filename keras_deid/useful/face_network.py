"""The small face detector: a heat map of the faces' middles, and how far away their edges are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_deid.boxes import Box
from keras_deid.models.locator import STRIDE, locator
from keras_deid.models.pixels import to_signed
from keras_deid.useful.average_precision import Detection
from keras_deid.useful.windows import WINDOW, draw_window

STEPS = 300
BATCH_SIZE = 16
DETECTIONS = 20
"""In a picture, at most: the surest ones."""
_FILTERS = 8
_LEARNING_RATE = 4e-3
_CELLS = WINDOW // STRIDE
_SPREAD = 9.0
"""Side of a face over the standard deviation of its spot in the heat map."""
_PRIOR = -2.19
"""Logit of a face in a cell before anything is learned, a tenth, as in the reference."""
_PREDICTED = 64


def face_network() -> keras.Model:
    """Builds the locator's network with two outputs of its own.

    Returns:
        a compiled model from float `(batch, height, width, 3)` in [-1, 1], of sides that are multiples of 32, to
        `(batch, height / STRIDE, width / STRIDE, 5)`: for each cell the logit of a face's middle, and how far the
        face's left, upper, right and lower edge are from the middle of the cell, in cells.

    Reference:
        [Zhou et al., 2019](https://arxiv.org/abs/1904.07850), with the edges of
        [Liu et al., 2020](https://arxiv.org/abs/1909.00700).
    """
    network = _new_network()
    rate = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, STEPS)
    network.compile(keras.optimizers.Adam(rate), loss=detection_loss, jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    return network


def _new_network() -> keras.Model:
    trunk = locator(filters=_FILTERS)
    features = trunk.get_layer("merge_1_relu").output
    heat = keras.layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(_PRIOR), name="heat")(features)
    edges = keras.layers.Conv2D(4, 1, bias_initializer="ones", name="edges")(features)
    return keras.Model(trunk.input, keras.layers.Concatenate(name="faces")([heat, edges]), name="faces")


def target(faces: Sequence[Box]) -> np.ndarray:
    """Draws what the network should answer.

    Args:
        faces: pixels of the window, with an area.

    Returns:
        float32 `(cells, cells, 5)`: a spot of height 1 for each face, as wide and high as `_SPREAD` says, about the
        middle of the cell in which the face's middle lies; and the four distances to the edges of the face whose spot
        is highest there.
    """
    middles = np.arange(_CELLS, dtype=np.float32) + 0.5
    answer = np.zeros((_CELLS, _CELLS, 5), np.float32)
    for face in faces:
        x0, y0, x1, y1 = (edge / STRIDE for edge in face)
        column, row = (min(int((one + other) / 2), _CELLS - 1) for one, other in ((x0, x1), (y0, y1)))
        across = ((middles - middles[column]) * _SPREAD / (x1 - x0)) ** 2
        down = ((middles - middles[row]) * _SPREAD / (y1 - y0)) ** 2
        spot = np.exp(-(down[:, None] + across[None]) / 2)
        edges = np.broadcast_arrays(middles - x0, (middles - y0)[:, None], x1 - middles, (y1 - middles)[:, None])
        higher = spot > answer[..., 0]
        answer[higher] = np.stack([spot, *edges], axis=-1)[higher]
    return answer


def detection_loss(true: Any, predicted: Any) -> Any:
    """Focal loss of the heat map, which weighs cells near a middle less, and mean distance of the edges on the spots.

    Args:
        true: float `(batch, cells, cells, 5)`, of `target`.
        predicted: of the network, of the same shape.

    Returns:
        scalar; the first per face (equation 1 of Zhou et al., 2019), the second in cells.
    """
    heat, logits = true[..., 0], predicted[..., 0]
    found = ops.sigmoid(logits)
    is_middle = ops.cast(heat >= 1, "float32")
    of_middles = is_middle * (1 - found) ** 2 * ops.softplus(-logits)
    of_others = (1 - is_middle) * (1 - heat) ** 4 * found**2 * ops.softplus(logits)
    focal = ops.sum(of_middles + of_others) / ops.maximum(ops.sum(is_middle), 1.0)
    away = ops.mean(ops.abs(true[..., 1:] - predicted[..., 1:]), axis=-1)
    return focal + ops.sum(heat * away) / ops.maximum(ops.sum(heat), 1.0)


def train_anew(network: keras.Model, pictures: np.ndarray, faces: Sequence[Sequence[Box]], seed: int) -> None:
    """Trains a network from new weights for `STEPS` steps, whatever the number of pictures.

    The compiled network is kept, so that it is traced once.

    Args:
        network: of `face_network`.
        pictures: uint8 `(pictures, SIDE, SIDE, 3)`.
        faces: of each picture, pixels.
        seed: of the weights, the order and the windows: the same for the same seed, whichever pictures they are.
    """
    keras.utils.set_random_seed(seed)
    network.set_weights(_new_network().get_weights())
    for variable in network.optimizer.variables:
        variable.assign(ops.zeros_like(variable))
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(pictures)) for _ in range(-(-STEPS * BATCH_SIZE // len(pictures)))])
    for step in range(STEPS):
        numbers = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
        examples = [draw_window(pictures[number], faces[number], rng) for number in numbers]
        inputs = to_signed(np.stack([window for window, _ in examples]))
        network.train_on_batch(inputs, np.stack([target(seen) for _, seen in examples]))


def detect(network: keras.Model, pictures: np.ndarray) -> list[list[Detection]]:
    """Finds faces in uint8 pictures `(pictures, SIDE, SIDE, 3)`: of each the `DETECTIONS` surest, the surest first."""
    found: list[list[Detection]] = []
    for start in range(0, len(pictures), _PREDICTED):
        answers = network(to_signed(pictures[start : start + _PREDICTED]), training=False)
        heat = ops.sigmoid(answers[..., :1])
        is_peak = heat >= ops.max_pool(heat, 3, 1, "same")
        heat = ops.convert_to_numpy(ops.where(is_peak, heat, 0.0))[..., 0]
        edges = ops.convert_to_numpy(answers[..., 1:])
        found += [_peaks(*answer) for answer in zip(heat, edges, strict=True)]
    return found


def _peaks(heat: np.ndarray, edges: np.ndarray) -> list[Detection]:
    surest = np.argsort(-heat, axis=None, kind="stable")[:DETECTIONS]
    found = []
    for row, column in zip(*np.unravel_index(surest, heat.shape), strict=True):
        if heat[row, column] == 0:
            break
        x, y = column + 0.5, row + 0.5
        left, top, right, bottom = edges[row, column].tolist()
        box = ((x - left) * STRIDE, (y - top) * STRIDE, (x + right) * STRIDE, (y + bottom) * STRIDE)
        found.append((float(heat[row, column]), tuple(float(edge) for edge in box)))
    return found  # type: ignore[return-value]
