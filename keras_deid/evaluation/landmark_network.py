"""The small network that finds landmarks in windows about faces, and how it is trained."""

from __future__ import annotations

import keras
import numpy as np

from keras_deid.evaluation.face_windows import WINDOW
from keras_deid.evaluation.landmarks import LANDMARKS, mirror_landmarks
from keras_deid.models.pixels import to_signed

_EPOCHS, _BATCH_SIZE, _LEARNING_RATE = 12, 128, 1e-3
# x and y of the middle of a window, in fractions of its side: where the network looks for a landmark before it learns.
_MIDDLE = 0.5
# Windows that go through the network at a time when it is tried.
_PREDICTED = 1024


def landmark_network() -> keras.Model:
    """Builds three convolutions and two dense layers that predict the landmarks.

    Returns:
        a compiled model from float windows `(batch, WINDOW, WINDOW, 3)` in [-1, 1] to `(batch, 2 * LANDMARKS)`: x and y
        of each landmark from the middle of the window, in fractions of its side.
    """
    convolutions = (
        keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu", name=f"conv_{filters}")
        for filters in (16, 32, 64)
    )
    network = keras.Sequential(
        [
            keras.Input((WINDOW, WINDOW, 3), name="window"),
            *convolutions,
            keras.layers.Flatten(name="features"),
            keras.layers.Dense(64, activation="relu", name="hidden"),
            keras.layers.Dense(2 * LANDMARKS, name="landmarks"),
        ],
        name="landmarks",
    )
    network.compile(keras.optimizers.Adam(_LEARNING_RATE), keras.losses.MeanAbsoluteError(), jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    return network


def train_anew(network: keras.Model, pixels: np.ndarray, landmarks: np.ndarray, seed: int) -> None:
    """Trains a network from new weights, on windows and their mirrors.

    The compiled network is kept: to trace a new one each time would take longer than the training.

    Args:
        network: of `landmark_network`.
        pixels: uint8 `(windows, WINDOW, WINDOW, 3)`.
        landmarks: float `(windows, LANDMARKS, 2)`, as `Windows` has them.
        seed: of the weights and of the order: the same for the same seed, whatever the network has learned before.
    """
    keras.utils.set_random_seed(seed)
    network.set_weights(keras.models.clone_model(network).get_weights())
    for variable in network.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    network.optimizer.learning_rate = _LEARNING_RATE
    inputs = keras.ops.convert_to_numpy(to_signed(np.concatenate([pixels, pixels[:, :, ::-1]])))
    targets = np.concatenate([landmarks, mirror_landmarks(landmarks)]).reshape(len(inputs), -1) - _MIDDLE
    network.fit(inputs, targets.astype("float32"), _BATCH_SIZE, _EPOCHS, verbose=0)


def find_landmarks(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Finds landmarks in uint8 windows: float `(windows, LANDMARKS, 2)`, as `Windows` has them."""
    batches = (pixels[start : start + _PREDICTED] for start in range(0, len(pixels), _PREDICTED))
    found = np.concatenate([keras.ops.convert_to_numpy(network(to_signed(batch))) for batch in batches])
    return found.reshape(-1, LANDMARKS, 2) + _MIDDLE
