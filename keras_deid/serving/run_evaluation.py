"""What a model card takes from the `evaluation.json` of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pydantic

from keras_deid.config.mistakes import check_schema
from keras_deid.errors import UserError

_Means = dict[str, Annotated[float, pydantic.Field(strict=True)] | None]


class _Data(pydantic.BaseModel):
    fingerprint: str | None = None


class _Evaluation(pydantic.BaseModel):
    split: str | None = None
    images: Annotated[int, pydantic.Field(strict=True)] | None = None
    inputs: dict[str, _Means] = {}
    baselines: dict[str, _Means] = {}
    restored: _Means = {}
    data: _Data = _Data()


def read_evaluation(run: Path) -> dict[str, Any]:
    """Returns what `evaluation.json` holds, of any version; nothing for a run that was not evaluated.

    Raises:
        UserError: if the file is damaged, or something in it is of another type.
    """
    path = run / "evaluation.json"
    mend = "evaluate the run again, or delete the file"
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (ValueError, RecursionError):
        raise UserError(f"{path}: is not readable as an evaluation; {mend}") from None
    check_schema(path, _Evaluation, content, mend)
    return dict(content)


def metrics_of(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Returns what the card has of an evaluation; version 0.1 called the baselines inputs, the first `mosaic`."""
    if "inputs" in evaluation:
        baselines = {"input" if name == "mosaic" else name: row for name, row in evaluation["inputs"].items()}
        evaluation = {**evaluation, "baselines": baselines}
    return {key: evaluation[key] for key in ("split", "images", "baselines", "restored") if key in evaluation}
