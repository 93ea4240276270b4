"""The pictures that face detectors learn from and are tried on: made once, and kept beside the results."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keras_deid.boxes import Box
from keras_deid.data.images import ImageError, read_image, write_png
from keras_deid.field.journal import UNTOUCHED, Journal
from keras_deid.field.photographs import read_photograph
from keras_deid.field.score import ORIGINAL, Record
from keras_deid.field.subject import Subject
from keras_deid.progress import Counter
from keras_deid.restoring.pictures import source_state
from keras_deid.useful.average_precision import counts
from keras_deid.useful.pictures import SIDE, altered_pictures, fit, fit_faces, sources_of


@dataclass
class Pictures:
    """Photographs of one part, in the detector's size.

    Attributes:
        names: of the photographs.
        faces: of each, in pixels of a picture.
        originals: of each, a file of `(SIDE, SIDE, 3)`.
        altered: by kind, of each, a file of `(SIDE, n * SIDE, 3)`: the pictures of the kind's n sources side by side.
    """

    names: list[str] = field(default_factory=list)
    faces: list[list[Box]] = field(default_factory=list)
    originals: list[Path] = field(default_factory=list)
    altered: dict[str, list[Path]] = field(default_factory=dict)

    def as_they_are(self) -> np.ndarray:
        """Reads the originals: uint8 `(photographs, SIDE, SIDE, 3)`."""
        return np.stack([read_image(path) for path in self.originals])

    def by_source(self) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
        """Yields kind (none for the originals), source, and the pictures, uint8 `(photographs, SIDE, SIDE, 3)`."""
        yield ("", ORIGINAL), self.as_they_are()
        for kind, paths in self.altered.items():
            rows = np.stack([read_image(path) for path in paths])
            for number, source in enumerate(sources_of(kind)):
                yield (kind, source), rows[:, :, number * SIDE : (number + 1) * SIDE]

    @property
    def that_count(self) -> np.ndarray:
        """Faces of each photograph that a detector is expected to find."""
        return np.array([sum(map(counts, faces)) for faces in self.faces], int)


class Gathering:
    """Makes the pictures, or takes those that an earlier call has made.

    Args:
        work: folder that keeps them.
        subject: what is measured.
        journal: has the faces.

    Attributes:
        skipped: photographs that cannot be read.
    """

    def __init__(self, work: Path, subject: Subject, journal: Journal) -> None:
        self._work = work
        self._subject = subject
        self._journal = journal
        self.skipped: list[ImageError] = []

    def photographs(self, photographs: Mapping[str, Path], kinds: Sequence[str], counter: Counter) -> Pictures:
        """Gathers the pictures of photographs.

        Args:
            photographs: by name, untouched.
            kinds: in which they are hidden.
            counter: counts the photographs.
        """
        made = Pictures(altered={kind: [] for kind in kinds})
        for name, path in photographs.items():
            try:
                original, faces, altered = self._photograph(name, path, kinds)
            except ImageError as error:
                self.skipped.append(error)
            else:
                made.names.append(name)
                made.faces.append(faces)
                made.originals.append(original)
                for kind, altered_picture in altered.items():
                    made.altered[kind].append(altered_picture)
            counter.add(1)
        return made

    def _photograph(self, name: str, path: Path, kinds: Sequence[str]) -> tuple[Path, list[Box], dict[str, Path]]:
        before = source_state(path)
        read = functools.cache(lambda: read_photograph(path))
        original, record = self._kept(name, UNTOUCHED, before, lambda: self._untouched(name, read()))
        faces: list[Box] = [tuple(face) for face in record["faces"]]
        altered = {}
        for kind in kinds:
            make = functools.partial(self._altered, name, path, read, faces, kind)
            altered[kind], _ = self._kept(name, kind, before, make)
        return original, fit_faces(faces, tuple(record["size"])), altered

    def _kept(
        self, name: str, kind: str, before: Record, make: Callable[[], tuple[np.ndarray, Record]]
    ) -> tuple[Path, Record]:
        number = hashlib.sha256(json.dumps([name, kind, before]).encode()).hexdigest()[:16]
        place = self._work / "pictures" / f"{number}.png"
        record = self._journal.get(name, kind, before)
        if record is not None and place.is_file():
            return place, record
        picture, record = make()
        write_png(place, picture)
        self._journal.add(name, kind, before, record)
        return place, record

    def _untouched(self, name: str, pixels: np.ndarray) -> tuple[np.ndarray, Record]:
        faces = self._subject.faces.faces(name, pixels)
        return fit(pixels), {"faces": [list(face) for face in faces], "size": list(pixels.shape[:2])}

    def _altered(
        self, name: str, path: Path, read: Callable[[], np.ndarray], faces: Sequence[Box], kind: str
    ) -> tuple[np.ndarray, Record]:
        return altered_pictures(name, path, read(), faces, kind, self._subject), {}
