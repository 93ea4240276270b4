"""From a trained run to a model that a server offers: `saved_models/NAME/VERSION/`.

A server looks at the folder of a model every second and loads the highest number it finds, half-copied or not. So a
version is written under another name beside that folder and comes into being, complete, by a single rename.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

from keras_deid.atomic import write_json
from keras_deid.config import load_config
from keras_deid.errors import UserError, cannot_write
from keras_deid.serving.model_card import write_model_card
from keras_deid.serving.saved_model import write_saved_model
from keras_deid.serving.server_files import write_server_files
from keras_deid.staging import staging

_PUBLISHING = "publishing.json"
"""In the hidden folder: the version that is about to get its place."""
# What stands in a URL without being escaped, and cannot be taken for a version.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def export(run: Path, to: Path | None = None, version: int | None = None, locator: Path | None = None) -> Path:
    """Exports the generator of a run, and perhaps a locator, under a version of its own.

    The same weights give the same bytes each time, but for TensorFlow's `fingerprint.pb`.

    Args:
        run: folder with `config.yaml` and `generator.keras`; the metrics in `evaluation.json` go into the model card.
        to: folder of the model, whose name is the model's on a server; `saved_models/NAME`, with the name in the run's
            configuration, if not given.
        version: >= 1; one more than the highest that is there, if not given.
        locator: folder of a run with `locator.keras`; the model is exported without one if not given.

    Returns:
        The folder of the version: a SavedModel with warm-up requests, `model_card.json` and `model_card.md`. In the
        folder above it, `serving/` has the files that TensorFlow Serving is started with.

    Raises:
        UserError: if the run is not trained, the version exists, or the folder cannot be written.
    """
    _check_run(run, "config.yaml", "generator.keras")
    if locator is not None:
        _check_run(locator, "locator.keras")
    config = load_config(run / "config.yaml")
    base = to or Path("saved_models") / config.name
    _check_base(base, version)
    try:
        with staging(base, "is being exported to by another process; wait for it") as partial:
            try:
                return _published(base, version, locator, run, partial) or _export(run, base, version, locator, partial)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise cannot_write(base, error) from error


def _published(base: Path, version: int | None, locator: Path | None, run: Path, partial: Path) -> Path | None:
    """Returns the version of the same export if that was killed when the version had its place already."""
    try:
        done = json.loads((partial / _PUBLISHING).read_text(encoding="utf-8"))
        target = base / str(done["version"])
        same = done["source"] == _source(run, locator) and version in (None, done["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return target if same and target.is_dir() else None


def _source(run: Path, locator: Path | None) -> list[str]:
    """Stands for what an export is made from."""
    files = [run / "config.yaml", run / "generator.keras", *([] if locator is None else [locator / "locator.keras"])]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def _export(run: Path, base: Path, version: int | None, locator: Path | None, partial: Path) -> Path:
    """Writes a version in the folder `partial`, and gives it its place."""
    model = partial / "model"
    shutil.rmtree(model, ignore_errors=True)  # of an export that was killed
    (partial / _PUBLISHING).unlink(missing_ok=True)
    target = base / str(version or max(versions(base), default=0) + 1)
    _check_free(target)
    write_saved_model(run, model, base.name, locator)
    write_model_card(model, run, base.name, locator)
    base.mkdir(exist_ok=True)
    write_server_files(base / "serving", base.name)
    _check_free(target)
    write_json(partial / _PUBLISHING, {"version": int(target.name), "source": _source(run, locator)})
    model.rename(target)
    return target


def versions(base: Path) -> list[int]:
    """Lists the versions in the folder of a model, the lowest first, as a server sees them."""
    if not base.is_dir():
        return []
    return sorted(int(path.name) for path in base.iterdir() if re.fullmatch(r"[0-9]+", path.name) and path.is_dir())


def _check_run(run: Path, *files: str) -> None:
    for name in files:
        if not (run / name).is_file():
            raise UserError(f"{run / name}: no such file; give the folder of a trained run, such as runs/NAME")


def _check_base(base: Path, version: int | None) -> None:
    if not _NAME.fullmatch(base.resolve().name):
        raise UserError(f"{base}: a model's name has letters, digits, '_', '-' and '.', a letter first; choose another")
    if version is not None and version < 1:
        raise UserError(f"version: expected a whole number of at least 1, received {version}")
    if base.exists() and not base.is_dir():
        raise UserError(f"{base}: is not a folder; choose another")


def _check_free(target: Path) -> None:
    if target.exists():
        raise UserError(f"{target}: exists; versions are never replaced; choose another --version, or none")
