"""Paths as they are written into files that others may get: without what they say of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from keras_deid.config.schema import Config

_PATHS = ("path", "photos", "boxes", "masks")
"""Settings in `data`."""


def shown_place(place: Path | str) -> str:
    """Returns how a report names a file or folder.

    Args:
        place: a path or a URL.

    Returns:
        a relative path as it is; an absolute one relative to the working folder if it lies in there, else, as for a
        URL, its name.
    """
    if isinstance(place, str) and "://" in place:
        return place.rstrip("/").rpartition("/")[2]
    path = Path(place)
    if not path.is_absolute():
        return path.as_posix()
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else path.name


def portable(config: Config) -> Config:
    """Returns a configuration with paths relative to the working folder, as a run keeps it.

    They may begin with `..`: with the name alone the data would not be found again.
    """
    places = {name: getattr(config.data, name) for name in _PATHS}
    data = config.data.model_copy(update={name: _relative(place) for name, place in places.items()})
    start = config.training.start_from
    if start is not None and Path(start).is_absolute():
        start = os.path.relpath(start)
    return config.model_copy(
        update={"data": data, "training": config.training.model_copy(update={"start_from": start})}
    )


def _relative(place: Path | str | None) -> Path | str | None:
    return Path(os.path.relpath(place)) if isinstance(place, Path) and place.is_absolute() else place
