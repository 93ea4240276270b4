"""Restores a video, picture by picture; its sound, its size and its frame rate stay."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

from keras_deid.errors import UserError
from keras_deid.serving.model import Restorer
from keras_deid.serving.picture_files import SYNTHETIC_WHOLE
from keras_deid.serving.regions import cut_out, put_back, whole_picture

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv")
"""Containers that hold H.264 and whatever sound the source has."""

BATCH_SIZE = 16
QUALITY = 18
"""H.264's constant rate factor: 18 is where most people see no difference."""


def restore_video(
    source: Path, out: Path, model: Restorer, progress: Callable[[int, int], object] = lambda done, total: None
) -> int:
    """Restores a video; the whole of each of its pictures is the model's input.

    The output is H.264, whole or not there, and its description says that it is synthetic (MP4 and MOV: `comment`,
    Matroska: `COMMENT`).

    Args:
        source: video that ffmpeg reads.
        out: file to write, `.mp4`, `.mov` or `.mkv`; is replaced if it exists.
        model: what restores.
        progress: is called with the number of pictures that are done, and about how many there are.

    Returns:
        How many pictures the video has.

    Raises:
        UserError: if the video cannot be read, or `out` cannot be written.
    """
    _check(source, out)
    frames = imageio_ffmpeg.read_frames(source, pix_fmt="rgb24")
    try:
        description = next(frames)
    except (OSError, RuntimeError, StopIteration) as error:
        raise UserError(f"{source}: cannot be read as a video; give one that ffmpeg plays") from error
    width, height = description["size"]
    total = max(round(description["fps"] * description["duration"]), 1)
    pictures = (np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in frames)
    # ffmpeg takes the container from the suffix.
    partial = out.with_name(f".partial.{out.name}")
    done = 0
    try:
        writer = _writer(partial, source, description)
        writer.send(None)
        try:
            for restored in _restored(pictures, model):
                writer.send(np.ascontiguousarray(restored))
                done += 1
                progress(done, max(total, done))
        finally:
            writer.close()
        if not done:
            raise UserError(f"{source}: has no pictures; give a video that ffmpeg plays")
        os.replace(partial, out)
    except OSError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{out}: cannot be written: {reason}") from error
    finally:
        frames.close()
        partial.unlink(missing_ok=True)
    return done


def is_video(path: Path) -> bool:
    """Whether a file's name is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def _check(source: Path, out: Path) -> None:
    if not is_video(out):
        raise UserError(f"{out}: unknown format; choose a name that ends in one of {' '.join(VIDEO_SUFFIXES)}")
    if not source.is_file():
        raise UserError(f"{source}: does not exist; give a video")
    if out.resolve() == source.resolve():
        raise UserError(f"{out}: is the video itself; choose another name")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent}: no such folder; make it, or write {out.name} elsewhere")


def _restored(pictures: Iterable[np.ndarray], model: Restorer) -> Iterator[np.ndarray]:
    remaining = iter(pictures)
    while batch := list(itertools.islice(remaining, BATCH_SIZE)):
        part = whole_picture(batch[0].shape[:2], model.size)
        answers = model.restore(np.stack([cut_out(picture, part, model.size) for picture in batch]))
        for picture, answer in zip(batch, answers, strict=True):
            yield put_back(picture, [part], [answer])


def _writer(path: Path, source: Path, description: dict[str, Any]) -> Generator[None, Any, None]:
    width, height = description["size"]
    has_sound = bool(description.get("audio_codec"))
    sound = {"audio_path": str(source), "audio_codec": "copy"} if has_sound else {}
    return imageio_ffmpeg.write_frames(
        str(path),
        (width, height),
        fps=description["fps"],
        codec="libx264",
        quality=None,
        macro_block_size=1,
        # Half as many colours as pixels on both axes: not with odd sides.
        pix_fmt_out="yuv444p" if width % 2 or height % 2 else "yuv420p",
        output_params=["-crf", str(QUALITY), "-metadata", f"comment=DigitalSourceType {SYNTHETIC_WHOLE}"],
        **sound,
    )
