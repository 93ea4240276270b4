"""What the examples of a prepared data set depend on besides the photographs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from keras_deid.errors import UserError

REGIONS = ("face", "photo")


@dataclass(frozen=True)
class Settings:
    """What to make of the photographs; `prepare` says what each means.

    Raises:
        UserError: if a value is out of its range.
    """

    region: str
    context: float
    size: int
    min_face: float
    min_score: float
    val_share: float
    test_share: float

    def __post_init__(self) -> None:
        expected = {
            "region": ("one of " + ", ".join(REGIONS), self.region in REGIONS),
            "context": ("a number >= 1", 1 <= self.context < math.inf),
            "size": ("a whole number from 8 to 4096", isinstance(self.size, int) and 8 <= self.size <= 4096),
            "min_face": ("a number > 0", 0 < self.min_face < math.inf),
            "min_score": ("a number between 0 and 1", 0 < self.min_score < 1),
            "val_share": ("a number >= 0 and < 1", 0 <= self.val_share < 1),
            "test_share": ("a number >= 0 and < 1", 0 <= self.test_share < 1),
        }
        for name, (what, holds) in expected.items():
            if not holds:
                raise UserError(f"{name}: expected {what}; received {getattr(self, name)}")
        if self.val_share + self.test_share >= 1:
            raise UserError(
                "val_share, test_share: expected a sum < 1, so that there is something to train on; "
                f"received {self.val_share} + {self.test_share}"
            )
