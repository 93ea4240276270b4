"""Controls: maps that do not depend on what the network has learned, which its own maps have to exceed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import keras
import numpy as np
from scipy.stats import spearmanr  # type: ignore[import-untyped]

from keras_deid.explain.chain import Chain, chain

ORIGINAL = "original photo"
NO_CBAM = "without attention"
# In the order of tables and plots; `words.jinja` words them.
CONTROLS = ("random weights", ORIGINAL, "centred gaussian", "edges", "shuffled masks", NO_CBAM)


def centred_gaussian(size: tuple[int, int]) -> np.ndarray:
    """A bell around the middle: the picture that photographers take. Standard deviation: a quarter of each side.

    Returns:
        float32 `(height, width)` in (0, 1].
    """
    rows, columns = (np.exp(-(((np.arange(side) + 0.5) / side - 0.5) ** 2) / (2 * 0.25**2)) for side in size)
    return np.outer(rows, columns).astype(np.float32)


def edge_map(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """How strong the edges of a picture are, no finer than the maps that it is compared with.

    Args:
        picture: uint8 `(height, width, 3)`.
        size: (rows, columns) of those maps; at most the picture's.

    Returns:
        float32 `size`: mean over each cell of the Sobel gradient's length.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    length = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return cv2.resize(length, size[::-1], interpolation=cv2.INTER_AREA)


def shuffled(count: int) -> np.ndarray:
    """Gives each picture another one's number: int `(count,)`, far apart in the data set; no picture keeps its own.

    Raises:
        ValueError: if there is only one.
    """
    if count < 2:
        raise ValueError(f"Exchanging masks needs at least two pictures. Received: count={count}")
    return np.roll(np.arange(count), max(1, count // 3))


def shuffled_overlap(masks: np.ndarray) -> float:
    """How alike the regions are that `shuffled` exchanges: mean intersection over union, in [0, 1].

    Args:
        masks: bool `(pictures, height, width)`.

    Returns:
        the mean over the pictures that have a region, as has the one they change with; NaN where there are none.
    """
    if len(masks) < 2:
        return float("nan")
    others = masks[shuffled(len(masks))]
    both = masks.any(axis=(1, 2)) & others.any(axis=(1, 2))
    if not both.any():
        return float("nan")
    shared, together = masks[both] & others[both], masks[both] | others[both]
    return float((shared.sum(axis=(1, 2)) / together.sum(axis=(1, 2))).mean())


def randomised(network: Chain, seed: int = 0) -> Chain:
    """Returns a copy of the network with new weights, drawn as before training.

    Reference:
        [Adebayo et al., 2018](https://arxiv.org/abs/1810.03292), section 3: the model parameter randomization test.
    """
    keras.utils.set_random_seed(seed)
    generator = keras.models.clone_model(network.generator)
    discriminator = keras.models.clone_model(network.discriminator)
    return chain(generator, discriminator)


@contextmanager
def weights_kept(network: Chain) -> Iterator[None]:
    """Lets a network's weights be changed, and gives it back those that it had."""
    trained = network.model.get_weights()
    try:
        yield
    finally:
        network.model.set_weights(trained)


def cascade(network: Chain, seed: int = 0) -> Iterator[str]:
    """Randomises a network from its output on, layer by layer.

    Args:
        network: its weights are changed; see `weights_kept`.
        seed: of the new weights.

    Yields:
        what was randomised last; first "nothing", while it is untouched. Layers of one block go together, as do all of
        D.

    Reference:
        [Adebayo et al., 2018](https://arxiv.org/abs/1810.03292), section 3.1: cascading randomization.
    """
    new = randomised(network, seed)
    yield "nothing"
    network.discriminator.set_weights(new.discriminator.get_weights())
    yield "D"
    for stage, names in reversed(_stages(network.generator).items()):
        for name in names:
            network.generator.get_layer(name).set_weights(new.generator.get_layer(name).get_weights())
        yield stage


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation of two maps, in [-1, 1]; NaN where one of them is constant."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(spearmanr(one, other, axis=None).statistic)


def _stages(generator: keras.Model) -> dict[str, list[str]]:
    """Layers with weights by the part of G that they belong to: stem, down_1, ..., block_1, cbam_1, ..., head."""
    stages: dict[str, list[str]] = {}
    for layer in generator.layers:
        if layer.weights:
            words = layer.name.split("_")
            part = layer.name if words[0] == "cbam" else "_".join(words[:-1])
            stages.setdefault(part.rstrip("ab") if words[0] == "block" else part, []).append(layer.name)
    return stages
