"""The terms of equations (1) to (3): pure functions of logits and pictures, without weights.

Adversarial terms take logits, never probabilities; the reconstruction terms are in the units of the networks' pictures
(a difference of 2 is black against white).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

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

    A generator that has come to copy its input sits in that kink and cannot leave it: outside the region every step
    costs, however small.

    Reference:
        [Lai et al., 2017](https://arxiv.org/abs/1704.03915), section 3.3.
    """
    return ops.sqrt(ops.square(restored - original) + epsilon**2) - epsilon


def mean_inside(values: Any, mask: Any) -> Any:
    """Returns the mean of `values` (batch, height, width, channels) where `mask` (..., 1) is 1; 0 for an empty mask."""
    inside = ops.sum(mask) * values.shape[-1]
    return ops.sum(values * mask) / ops.maximum(inside, 1.0)


def composite(restored: Any, deidentified: Any, mask: Any) -> Any:
    """Returns m*G(x) + (1-m)*x: the restored region in the picture as it came."""
    return mask * restored + (1.0 - mask) * deidentified
