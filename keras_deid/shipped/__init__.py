"""Presets and trained runs that come with the package and are found by name from any folder.

`configs` and `saved_models` in this folder are links to the folders beside the package; a wheel holds their files.
"""

from __future__ import annotations

import os
from pathlib import Path

from keras_deid.errors import UserError

DEFAULT_RUN = "street64_any"
"""The run that restores by default."""
LOCATOR_RUN = "locator"
"""The run that finds hidden regions by default."""

_PRESETS = Path(__file__).parent / "configs"
_RUNS = Path(__file__).parent / "saved_models"
_SUFFIXES = (".yaml", ".yml")


def preset_names() -> list[str]:
    """Lists the presets, such as `street64` and `ablation/branch`: the main ones first."""
    found = [path.relative_to(_PRESETS).with_suffix("") for path in _PRESETS.glob("**/*.yaml")]
    return [path.as_posix() for path in sorted(found, key=lambda path: (len(path.parts), path))]


def run_names() -> list[str]:
    """Lists the trained runs, such as `street64`."""
    return sorted(path.parent.parent.name for path in _RUNS.glob("*/run/config.yaml"))


def find_config(name_or_path: str | os.PathLike[str]) -> Path:
    """Finds a configuration.

    Args:
        name_or_path: a file, or the name of a preset. A file of this name comes before a preset.

    Returns:
        the file. An absolute path, or one that ends in .yaml, is returned unchanged, whether it exists or not.

    Raises:
        UserError: if it is neither; the message lists the presets.
    """
    path = Path(name_or_path)
    if path.is_file() or path.suffix in _SUFFIXES or path.is_absolute():
        return path
    names = preset_names()
    if path.as_posix() in names:
        return _PRESETS / path.with_suffix(".yaml")
    if path.exists():
        return path
    raise UserError(f"{path}: no such file or preset; the presets are {', '.join(names)}")


def find_run(name_or_path: str | os.PathLike[str]) -> Path:
    """Finds the folder of a trained run.

    Args:
        name_or_path: a folder, or the name of a shipped run. A run in a folder of this name comes before a shipped one.

    Returns:
        the folder. Any other path is returned unchanged; opening it raises the error.
    """
    path = Path(name_or_path)
    if not (path / "config.yaml").is_file() and path.as_posix() in run_names():
        return _RUNS / path / "run"
    return path


def name_of_run(run: Path) -> str:
    """Returns what `find_run` finds a run by on another computer: a shipped one's name, else its absolute path."""
    return run.parent.name if run.is_relative_to(_RUNS) else str(run.absolute())


def products_folder(run: Path) -> Path:
    """Returns the folder for files about a run: the run's own, or `runs/NAME` for a shipped run found by name.

    The installed package is never changed.
    """
    return Path("runs") / run.parent.name if run.is_relative_to(_RUNS) else run
