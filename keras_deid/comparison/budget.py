"""What the runs were given to learn with, and whether it was the same for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keras_deid.comparison.runs import Run

# Two budgets agree if the larger is at most this much more than the smaller.
TOLERANCE = 0.1


@dataclass(frozen=True)
class Budget:
    """The budgets of runs.

    Attributes:
        runs: how many.
        images: fewest and most training images seen; None if no run tells.
        minutes: least and most minutes of training; None if no run tells.
        agrees_in: "images" and "minutes", as far as all runs agree in them within the tolerance.
        tolerance: by how much the largest may be more than the smallest, as a fraction.
    """

    runs: int
    images: tuple[float, float] | None
    minutes: tuple[float, float] | None
    agrees_in: tuple[str, ...]
    tolerance: float = TOLERANCE

    @property
    def is_same(self) -> bool:
        """Whether the runs agree in one of the two at least."""
        return self.runs == 1 or bool(self.agrees_in)


def budget_of(runs: Sequence[Run]) -> Budget:
    """Compares what the runs were given.

    Args:
        runs: at least one.
    """
    images, minutes = [run.images_seen for run in runs], [run.minutes for run in runs]
    agrees_in = tuple(name for name, values in (("images", images), ("minutes", minutes)) if _agree(values))
    return Budget(len(runs), _range(images), _range(minutes), agrees_in)


def _agree(values: Sequence[float | None]) -> bool:
    known = [value for value in values if value is not None]
    return len(known) == len(values) and max(known) <= (1 + TOLERANCE) * min(known)


def _range(values: Sequence[float | None]) -> tuple[float, float] | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None
