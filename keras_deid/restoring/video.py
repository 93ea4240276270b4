"""Restores a video, picture by picture; its sound, its size and its frame rate stay."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

from keras_deid.atomic import whole_file
from keras_deid.data.boxes_csv import FrameBox
from keras_deid.data.images import ImageError
from keras_deid.errors import UserError
from keras_deid.progress import Progress, silent
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.parts import listed_part, restore_parts
from keras_deid.restoring.picture_files import SYNTHETIC_PARTS, SYNTHETIC_WHOLE
from keras_deid.restoring.regions import Part, cut_out, put_back, whole_picture

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv")
"""Containers that hold H.264 and whatever sound the source has."""

BATCH_SIZE = 16
"""Pictures of a video that are in memory at a time."""
QUALITY = 18
"""H.264's constant rate factor: 18 is where most people see no difference."""


def restore_video(
    source: Path,
    out: Path,
    model: PictureModel,
    *,
    boxes: Sequence[FrameBox] | None = None,
    progress: Progress = silent,
) -> int:
    """Restores a video.

    The output is H.264, whole or not there, and its description says that it is synthetic (MP4 and MOV: `comment`,
    Matroska: `COMMENT`).

    Args:
        source: video that ffmpeg reads.
        out: file to write, `.mp4`, `.mov` or `.mkv`; is replaced if it exists.
        model: what restores.
        boxes: the regions to restore, each in the frame that it names, or in all of them; what names a frame that the
            video does not have is without effect. If None, the whole of each picture is the model's input.
        progress: counts the pictures of the video; their total is a close estimate.

    Returns:
        How many pictures the video has.

    Raises:
        ImageError: if the video cannot be read, or a box lies outside of its pictures.
        UserError: if `out` cannot be written.
    """
    _check(source, out)
    frames = imageio_ffmpeg.read_frames(source, pix_fmt="rgb24")
    done = 0
    try:
        description = _description(source, frames)
        total = max(round(description["fps"] * description["duration"]), 1)
        pictures = _pictures(source, frames, description)
        parts_of = _parts_of(source, description, model, boxes)
        with whole_file(out) as partial:
            # The ffmpeg of a call that was killed may still write to it.
            partial.unlink(missing_ok=True)
            writer = _writer(partial, source, description, SYNTHETIC_WHOLE if boxes is None else SYNTHETIC_PARTS)
            writer.send(None)
            try:
                for restored in _restored(pictures, parts_of, model):
                    writer.send(np.ascontiguousarray(restored))
                    done += 1
                    progress(done, max(total, done), source.name)
            finally:
                writer.close()
            if not done:
                raise ImageError(source, "has no pictures that ffmpeg reads")
    except OSError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{out}: cannot be written: {reason}; make room or choose another place") from error
    finally:
        frames.close()
    return done


def is_video(path: Path) -> bool:
    """Whether a file's name is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def find_videos(folder: Path) -> list[Path]:
    """Lists the videos in a folder and its sub-folders, sorted; hidden files and folders are left out."""
    relative = (path.relative_to(folder) for path in folder.rglob("*") if is_video(path) and path.is_file())
    return [folder / path for path in sorted(relative) if not any(part.startswith(".") for part in path.parts)]


def _check(source: Path, out: Path) -> None:
    if not is_video(out):
        raise UserError(f"{out}: unknown format; choose a name that ends in one of {' '.join(VIDEO_SUFFIXES)}")
    if not source.is_file():
        raise ImageError(source, "does not exist")
    if out.resolve() == source.resolve():
        raise UserError(f"{out}: is the video itself; choose another name")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent}: no such folder; make it, or write {out.name} elsewhere")


def _description(source: Path, frames: Iterator[Any]) -> dict[str, Any]:
    try:
        return next(frames)
    except (OSError, RuntimeError, StopIteration, LookupError, AttributeError) as error:
        raise ImageError(source, "cannot be read as a video") from error


def _pictures(source: Path, frames: Iterator[Any], description: dict[str, Any]) -> Iterator[np.ndarray]:
    width, height = description["size"]
    try:
        for frame in frames:
            yield np.frombuffer(frame, np.uint8).reshape(height, width, 3)
    except RuntimeError as error:
        raise ImageError(source, "broken video: ends within a picture") from error


def _parts_of(
    source: Path, description: dict[str, Any], model: PictureModel, boxes: Sequence[FrameBox] | None
) -> Callable[[int], tuple[Part, ...]]:
    """Returns what finds the parts of a frame that go through the model."""
    width, height = description["size"]
    if boxes is None:
        whole = (whole_picture((height, width), model.size),)
        return lambda frame: whole
    by_frame: dict[int | None, list[Part]] = {}
    for row in boxes:
        by_frame.setdefault(row.frame, []).append(listed_part(source, row.box, (height, width), model))
    always = by_frame.get(None, [])
    return lambda frame: (*always, *by_frame.get(frame, []))


def _restored(
    pictures: Iterable[np.ndarray], parts_of: Callable[[int], tuple[Part, ...]], model: PictureModel
) -> Iterator[np.ndarray]:
    numbered = enumerate(pictures)
    while batch := [(picture, parts_of(frame)) for frame, picture in itertools.islice(numbered, BATCH_SIZE)]:
        inputs = [cut_out(picture, part, model.size) for picture, parts in batch for part in parts]
        answers = iter(restore_parts(model, inputs))
        for picture, parts in batch:
            yield put_back(picture, parts, list(itertools.islice(answers, len(parts))))


def _writer(path: Path, source: Path, description: dict[str, Any], source_type: str) -> Generator[None, Any, None]:
    width, height = description["size"]
    has_sound = bool(description.get("audio_codec"))
    sound = {"audio_path": str(source), "audio_codec": "copy"} if has_sound else {}
    return imageio_ffmpeg.write_frames(
        str(path),
        (width, height),
        fps=exact_rate(description["fps"]),
        codec="libx264",
        quality=None,
        macro_block_size=1,
        # Half as many colours as pixels on both axes: not with odd sides.
        pix_fmt_out="yuv444p" if width % 2 or height % 2 else "yuv420p",
        output_params=["-crf", str(QUALITY), "-metadata", f"comment=DigitalSourceType {source_type}"],
        **sound,
    )


def exact_rate(rate: float) -> Fraction:
    """Returns the frame rate that ffmpeg prints with two decimals: television's are thousands of a 1001st.

    With 23.98 for 24000/1001 the pictures of an hour would end half a second before its sound.
    """
    television = Fraction(round(rate) * 1000, 1001)
    return television if abs(rate - television) < 0.006 and rate % 1 else Fraction(str(rate))
