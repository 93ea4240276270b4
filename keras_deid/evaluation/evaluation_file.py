"""`evaluation.json` as a file that other commands read: its schema, and whether it is still up to date."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic

from keras_deid.config.mistakes import check_schema
from keras_deid.errors import UserError
from keras_deid.evaluation.evaluation_schema import EvaluationSchema, StudySchema
from keras_deid.locking import locked_file

# 2: "baselines" (was "inputs"), of which the first is "input" whatever the method; "block_size" in the settings.
SCHEMA = 2
# Of the files of every version: what at least one of is in the JSON file, and how the table begins.
_KEYS = {"split", "nme", "baselines"}
_HEADERS = (b"path,", b"block,")


def read_evaluation(path: Path) -> dict[str, Any]:
    """Reads a file that `keras-deid evaluate` has written.

    Raises:
        UserError: if it is missing, damaged, of another schema, or something in it is of another type.
    """
    return _read_checked(path, EvaluationSchema)


def read_study(path: Path) -> dict[str, Any]:
    """Reads a file that `keras-deid evaluate --blocks` has written.

    Raises:
        UserError: as `read_evaluation`, and if something is missing.
    """
    return _read_checked(path, StudySchema)


def _read_checked(path: Path, model: type[pydantic.BaseModel]) -> dict[str, Any]:
    content = read_json(path)
    schema = content.get("schema", 1)
    if schema != SCHEMA:
        raise UserError(
            f"{path}: has schema {schema}, this version reads schema {SCHEMA}; evaluate the run again with "
            "keras-deid evaluate"
        )
    check_schema(path, model, content, "evaluate the run again with keras-deid evaluate")
    return content


def read_json(path: Path) -> dict[str, Any]:
    """Reads an object from a JSON file.

    Raises:
        UserError: if the file is missing or damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); finish the run with keras-deid train") from None
    except (ValueError, RecursionError):
        raise UserError(f"{path}: is not readable as JSON; evaluate or train the run again") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected an object, received {type(values).__name__}; evaluate the run again")
    return values


def is_current(file: Path, run: Path) -> bool:
    """Whether a file about a run exists and is not older than its weights."""
    return file.is_file() and file.stat().st_mtime >= (run / "generator.keras").stat().st_mtime


def check_out(out: Path) -> None:
    """Finds out before the work whether its result can be written.

    Raises:
        UserError: if `out` is not named `*.json`, is a folder, its folder does not exist, or something else than an
            evaluation would be replaced.
    """
    if out.suffix != ".json":
        raise UserError(f"{out}: metrics are written as JSON; choose a name that ends in .json")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent}: no such folder; make it, or write {out.name} elsewhere")
    if out.is_dir():
        raise UserError(f"{out}: is a folder; give the name of a file")
    other = _something_else(out)
    if other is not None:
        raise UserError(f"{other}: is there and belongs to no evaluation; choose another name")


@contextlib.contextmanager
def held_out(out: Path) -> Iterator[None]:
    """Holds the files of an evaluation while they are made.

    Raises:
        UserError: as `check_out`, and if another process makes them.
    """
    check_out(out)
    with locked_file(out, f"{out}: is being written by another process; wait for it or choose another --out"):
        yield


def _something_else(out: Path) -> Path | None:
    """Returns a file that an evaluation would replace though no evaluation has written it."""
    table, picture = out.with_suffix(".csv"), out.with_suffix(".png")
    if out.exists():
        try:
            content = json.loads(out.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # a damaged evaluation is made again
            return None
        return None if isinstance(content, dict) and _KEYS & content.keys() else out
    # The table is written first, the JSON file last.
    if table.exists():
        with open(table, "rb") as file:
            return None if file.readline().startswith(_HEADERS) else table
    return picture if picture.exists() else None


def input_name(evaluation: Mapping[str, Any]) -> str:
    """What to call the input: by the method by which it came about.

    Args:
        evaluation: the form of `evaluation.json`; without settings the input is taken for a mosaic.

    Returns:
        "mosaic", "blur", "box", or "input" for pairs that came de-identified.
    """
    deidentify = evaluation.get("settings", {}).get("deidentify", {"method": "mosaic"})
    return "input" if deidentify is None else deidentify["method"]
