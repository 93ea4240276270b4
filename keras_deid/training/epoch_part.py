"""A part of an epoch: an epoch that was interrupted has several, and one line in `history.csv`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pydantic


@dataclass(frozen=True)
class EpochPart:
    """What some consecutive steps have come to.

    Attributes:
        steps: how many.
        seconds: that they took.
        waited: seconds of these that they waited for data.
        means: of the losses over the steps, by name.
    """

    steps: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    means: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Mapping[str, Any] | None) -> EpochPart:
        """Returns the part that `as_json` has described; an empty one for None, or what somebody has edited."""
        try:
            return pydantic.TypeAdapter(cls).validate_python(content or {})
        except pydantic.ValidationError:
            return cls()

    def as_json(self) -> dict[str, Any]:
        """Describes the part for a JSON file."""
        return asdict(self)

    def __add__(self, later: EpochPart) -> EpochPart:
        """Returns this part and a later one together; losses that only one has are the mean of that one's steps."""
        steps = self.steps + later.steps
        means = dict(later.means)
        for name, mean in self.means.items():
            other = later.means.get(name)
            means[name] = mean if other is None else (self.steps * mean + later.steps * other) / steps
        return EpochPart(steps, self.seconds + later.seconds, self.waited + later.waited, means)
