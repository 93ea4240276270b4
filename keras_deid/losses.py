"""The terms of equations (1) to (3): pure functions of logits and pictures, without weights.

Adversarial terms take logits, never probabilities; the reconstruction terms are in the units of the networks' pictures
(a difference of 2 is black against white).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops


class AdversarialLoss(NamedTuple):
    """A pair of losses, each to be minimized.

    Attributes:
        discriminator: (logits of real pictures, logits of restored pictures) -> scalar float32.
        generator: (logits of restored pictures) -> scalar float32.
    """

    discriminator: Callable[[Any, Any], Any]
    generator: Callable[[Any], Any]


def _log_discriminator(real_logits: Any, fake_logits: Any) -> Any:
    # -log D(y) = softplus(-logit);  -log(1 - D(G(x))) = softplus(logit)
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def _least_squares_discriminator(real_logits: Any, fake_logits: Any) -> Any:
    return ops.mean(ops.square(real_logits - 1.0)) + ops.mean(ops.square(fake_logits))


def _hinge_discriminator(real_logits: Any, fake_logits: Any) -> Any:
    return ops.mean(ops.relu(1.0 - real_logits)) + ops.mean(ops.relu(1.0 + fake_logits))


ADVERSARIAL: dict[str, AdversarialLoss] = {
    "log": AdversarialLoss(_log_discriminator, lambda fake_logits: ops.mean(ops.softplus(-fake_logits))),
    "minmax": AdversarialLoss(_log_discriminator, lambda fake_logits: -ops.mean(ops.softplus(fake_logits))),
    "lsgan": AdversarialLoss(_least_squares_discriminator, lambda fake_logits: ops.mean(ops.square(fake_logits - 1.0))),
    "hinge": AdversarialLoss(_hinge_discriminator, lambda fake_logits: -ops.mean(fake_logits)),
}
"""Adversarial losses by name.

`log`: equation (1) with the non-saturating generator term -log D(G(x)) (Goodfellow et al., 2014, arXiv 1406.2661,
section 3); `minmax`: equation (1) to the letter, G minimizes log(1 - D(G(x))); `lsgan`: Mao et al., 2016, arXiv
1611.04076, eq. 9; `hinge`: Lim and Ye, 2017, arXiv 1705.02894.
"""


def l1(restored: Any, original: Any) -> Any:
    """Returns |restored - original| for each value (equation (2) before its mean)."""
    return ops.abs(restored - original)


def charbonnier(restored: Any, original: Any, epsilon: float) -> Any:
    """Returns sqrt(d^2 + epsilon^2) - epsilon for each value: L1 without its kink at zero.

    A generator that has learned to copy its input sits in that kink and cannot leave it: outside the region every
    change raises the loss, however small.

    Reference:
        [Lai et al., 2017](https://arxiv.org/abs/1704.03915), section 3.3.
    """
    return ops.sqrt(ops.square(restored - original) + epsilon**2) - epsilon


def mean_inside(values: Any, mask: Any, area: Any = None) -> Any:
    """Returns the mean of `values` where a mask is 1; 0 for an empty mask.

    Args:
        values: `(batch, height, width, channels)`.
        mask: `(batch, height, width, 1)`.
        area: what to take for the sum of the mask; None: that sum. Where a batch is shared by replicas, each takes the
            mean of their sums, so that the mean of what they return is that of the whole batch.
    """
    inside = (ops.sum(mask) if area is None else area) * values.shape[-1]
    return ops.sum(values * mask) / ops.maximum(inside, 1.0)


def composite(restored: Any, deidentified: Any, mask: Any) -> Any:
    """Returns m*G(x) + (1-m)*x: the restored region inside the unchanged picture."""
    return mask * restored + (1.0 - mask) * deidentified


def layers_of(discriminator: keras.Model) -> keras.Model:
    """Returns D with the outputs of its hidden activations and its logits, which feature matching compares."""
    layers = [layer.output for layer in discriminator.layers if layer.name.endswith("_relu")]
    return keras.Model(discriminator.input, [*layers, discriminator.output], name="discriminator_layers")


def feature_distance(real: Sequence[Any], fake: Sequence[Any]) -> Any:
    """Returns the L1 distance between feature maps: the mean of each map, averaged over the maps, in float32.

    Reference:
        [Wang et al., 2018](https://arxiv.org/abs/1711.11585), eq. 4.
    """
    distances = [
        ops.mean(ops.abs(ops.cast(b, "float32") - ops.cast(a, "float32"))) for a, b in zip(real, fake, strict=True)
    ]
    return sum(distances) / len(distances)


def perceptual_distance(features: keras.Model, restored: Any, original: Any) -> Any:
    """Returns the L1 distance between the features of two pictures, each map scaled to a spread of 1.

    Args:
        features: signed pictures -> list of feature maps; not trained.
        restored: signed pictures.
        original: signed pictures; no gradient goes through them.

    Reference:
        [Johnson et al., 2016](https://arxiv.org/abs/1603.08155), eq. 2, with L1 in place of the squared distance.
    """
    wanted = features(original, training=False)
    distances = []
    for there, here in zip(wanted, features(restored, training=False), strict=True):
        there, here = ops.stop_gradient(ops.cast(there, "float32")), ops.cast(here, "float32")
        spread = ops.std(there, axis=(0, 1, 2), keepdims=True) + 1e-2
        distances.append(ops.mean(ops.abs(here - there) / spread))
    return sum(distances) / len(distances)


def cross_entropy(logits: Any, target: Any) -> Any:
    """Returns the binary cross-entropy of logits against targets in [0, 1], the mean over all values."""
    return ops.mean(ops.relu(logits) - logits * target + ops.softplus(-ops.abs(logits)))


DICE_ROOM = 16.0
"""Cells that `dice` adds to every picture, hidden and marked: it has a slope where nothing is hidden, too."""


def dice(logits: Any, target: Any) -> Any:
    """Returns the batch's mean of 1 - (2 |A * B| + room) / (|A|^2 + |B|^2 + room), A the probabilities, B the targets.

    Each picture counts alike, so that a small region weighs as much as a large one. `room` is `DICE_ROOM`.

    Args:
        logits: of A, `(batch, height, width, 1)`.
        target: B, of the same shape.

    Reference:
        [Milletari et al., 2016](https://arxiv.org/abs/1606.04797), section 3.
    """
    probability, cells = ops.sigmoid(logits), (1, 2, 3)
    shared = ops.sum(probability * target, cells)
    both = ops.sum(ops.square(probability), cells) + ops.sum(ops.square(target), cells)
    return ops.mean(1.0 - (2.0 * shared + DICE_ROOM) / (both + DICE_ROOM))
