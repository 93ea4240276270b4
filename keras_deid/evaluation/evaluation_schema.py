"""What other code relies on in `evaluation.json` and `evaluation_blocks.json`; further keys may be there."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic

Number = Annotated[float, pydantic.Field(strict=True)]
_Count = Annotated[int, pydantic.Field(strict=True, ge=0)]
_Means = dict[str, Number | None]
_Bounds = dict[str, tuple[Number, Number] | None]


class _Deidentify(pydantic.BaseModel):
    method: str


class _Settings(pydantic.BaseModel):
    deidentify: _Deidentify | None = None


class _Data(pydantic.BaseModel):
    path: str | None = None
    fingerprint: str | None = None


class _Intervals(pydantic.BaseModel):
    baselines: dict[str, _Bounds] = {}
    restored: _Bounds = {}
    original: _Bounds = {}


class EvaluationSchema(pydantic.BaseModel):
    """The means of a split; of a locator or of another version, some parts are missing."""

    split: str | None = None
    images: _Count | None = None
    baselines: dict[str, _Means] = {}
    restored: _Means = {}
    original: _Means = {}
    intervals: _Intervals = _Intervals()
    settings: _Settings = _Settings()
    data: _Data = _Data()


class _Part(pydantic.BaseModel):
    block: Number
    baselines: dict[str, _Means]
    restored: _Means
    intervals: _Intervals

    @pydantic.model_validator(mode="after")
    def _has_all_intervals(self) -> _Part:
        of_sources = {**self.intervals.baselines, "restored": self.intervals.restored}
        for source, means in {**self.baselines, "restored": self.restored}.items():
            for metric in means:
                if metric not in of_sources.get(source, {}):
                    raise ValueError(f"intervals should have {source}.{metric}")
        return self


class StudySchema(pydantic.BaseModel):
    """The means of a split at several block sizes."""

    split: str
    images: _Count
    settings: dict[str, Any]
    data: dict[str, Any]
    blocks: list[_Part]
