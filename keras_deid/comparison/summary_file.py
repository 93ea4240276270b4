"""`summary.json` of a run, as far as a comparison reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pydantic

from keras_deid.config.mistakes import check_schema
from keras_deid.evaluation.evaluation_file import read_json
from keras_deid.evaluation.evaluation_schema import Number

_Count = Annotated[int, pydantic.Field(strict=True, ge=0)]


class _Summary(pydantic.BaseModel):
    epochs: _Count | None = None
    steps: _Count | None = None
    seconds: Number | None = None
    images_per_second: Number | None = None
    peak_memory_mb: Number | None = None
    parameters: dict[str, _Count] = {}


def read_summary(run: Path) -> dict[str, Any]:
    """Reads what training wrote of a run when it was finished.

    Args:
        run: its folder.

    Raises:
        UserError: if the file is missing, damaged, or something in it is of another type.
    """
    path = run / "summary.json"
    content = read_json(path)
    check_schema(path, _Summary, content, "train the run again")
    return content
