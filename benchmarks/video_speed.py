"""How fast a video of 768 x 432 pixels is restored.

    python -m benchmarks.video_speed RUN LOCATOR

The video shows drawn persons who walk through the picture, their faces hidden by mosaics of 8 pixels. Its regions are
found, tracked, restored, and the result is encoded. Prints frames per second, and the processor time of a frame, of
all cores together and by part: with idle processors the former is at most their number divided by the latter. Also
prints how close the regions come to the drawn originals, and how much they flicker. See docs/restoring.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from benchmarks.heard import Heard
from keras_deid.boxes import Rectangle
from keras_deid.cli.arguments import PRECISIONS, RUNTIMES
from keras_deid.cli.ending import exit_codes
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.evaluation.image_quality import psnr
from keras_deid.hiding.methods import block_means
from keras_deid.restoring.region_sources import Located
from keras_deid.restoring.run_locator import RunLocator
from keras_deid.restoring.run_model import RunModel
from keras_deid.restoring.runtime import choose_runtime
from keras_deid.restoring.steady import flicker
from keras_deid.restoring.video import restore_video
from keras_deid.restoring.video_colours import read_rgb, unchanged
from keras_deid.restoring.video_reading import VideoReader
from keras_deid.restoring.video_writing import VideoWriter
from keras_deid.synthetic import draw_scene

WIDTH, HEIGHT = 768, 432
_FIRST = 36
"""Frames of a first video, of which the networks' part is measured."""


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints the frames per second."""
    options = _parser().parse_args(argv)
    runtime = choose_runtime(options.runtime, options.precision, start_tensorflow)
    model = RunModel(options.run, runtime)
    locator = RunLocator(options.locator, runtime)
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.mp4", Path(folder) / "out.mp4"
        heard = Heard(model, locator.mark)
        _draw(source, _FIRST, options.persons)
        restore_video(source, out, heard, Located(heard.look, "benchmark"))
        heard.seconds()
        networks = [passed / _FIRST for passed in heard.seconds()]
        _draw(source, options.frames, options.persons)
        processor, started = time.process_time(), time.perf_counter()
        restore_video(source, out, model, Located(locator.mark, "benchmark"))
        seconds, worked = time.perf_counter() - started, (time.process_time() - processor) / options.frames
        quality = _quality(source, out, options.persons)
        decoding, encoding = (passed / options.frames for passed in _recoded(source, out))
    print(
        f"{options.frames} frames of {WIDTH} x {HEIGHT} with {options.persons} persons; {runtime.name}, "
        f"{runtime.precision}: {options.frames / seconds:.1f} frames/s, {worked * 1e3:.0f} ms of processor time a frame"
    )
    print("\n| part | ms of processor time a frame | share |\n|---|---|---|")
    parts = {"decoding": decoding, "finding": networks[0], "restoring": networks[1], "encoding": encoding}
    parts["the rest"] = worked - sum(parts.values())
    for part, passed in parts.items():
        print(f"| {part} | {passed * 1e3:.1f} | {passed / worked:.0%} |")
    print("\n| | PSNR in the regions, dB | flicker, levels of 255 |\n|---|---|---|")
    for name, (closeness, unsteadiness) in quality.items():
        print(f"| {name} | {closeness:.2f} | {unsteadiness:.2f} |")
    return 0


def _quality(source: Path, out: Path, persons: int) -> dict[str, tuple[float, float]]:
    """Returns the PSNR in the regions and their flicker, means over the persons and the first frames, of each video."""
    walkers = _walkers(persons)
    found = {}
    for name, path in (("hidden", source), ("restored", out)):
        closeness, unsteadiness = [], []
        frames = _first_frames(path)
        for number, walker in enumerate(walkers):
            places = [_place(number, frame, walker) for frame in range(len(frames))]
            for frame, (x0, y0, x1, y1) in zip(frames, places, strict=True):
                top, left, bottom, right = walker.face
                closeness.append(psnr(walker.original[top:bottom, left:right], frame[y0:y1, x0:x1]))
            unsteadiness.append(flicker(frames, places))
        found[name] = float(np.mean(closeness)), float(np.mean(unsteadiness))
    return found


def _first_frames(path: Path) -> list[np.ndarray]:
    with VideoReader(path) as reader:
        return [read_rgb(frame) for frame in islice(reader.frames(lambda packet: None), _FIRST)]


def _recoded(source: Path, out: Path) -> tuple[float, float]:
    """Returns the processor seconds of decoding a video, and of encoding it as it is."""
    with VideoReader(source) as reader, VideoWriter(out, ".mp4", reader, None) as writer:
        before = time.process_time()
        frames = list(reader.frames(writer.copy))
        decoded = time.process_time()
        for frame in frames:
            writer.write(unchanged(frame, writer.pixel_format))
    return decoded - before, time.process_time() - decoded


class _Walker(NamedTuple):
    """A drawn person, the face as it is and hidden.

    Attributes:
        original: uint8 `(side, side, 3)`.
        hidden: likewise.
        face: top, left, bottom, right.
    """

    original: np.ndarray
    hidden: np.ndarray
    face: tuple[int, int, int, int]


def _walkers(persons: int) -> list[_Walker]:
    walkers = []
    for number in range(persons):
        scene = draw_scene(seed=number + 1, size=min(WIDTH // persons, 320))
        left, top, right, bottom = (int(edge) for edge in scene.box)
        hidden = scene.image.copy()
        hidden[top:bottom, left:right] = block_means(hidden[top:bottom, left:right], 8)
        walkers.append(_Walker(scene.image, hidden, (top, left, bottom, right)))
    return walkers


def _place(number: int, frame: int, walker: _Walker) -> Rectangle:
    """Returns where the face of a walker is in a frame."""
    x, y = _corner(number, frame, walker)
    top, left, bottom, right = walker.face
    return (x + left, y + top, x + right, y + bottom)


def _corner(number: int, frame: int, walker: _Walker) -> tuple[int, int]:
    """Returns the left and the top edge of a walker in a frame."""
    side = len(walker.original)
    return (number * side + frame) % (WIDTH - side + 1), HEIGHT - side


def _draw(path: Path, frames: int, persons: int) -> None:
    """Writes a video in which persons walk in front of a street."""
    street = draw_scene(seed=0, size=WIDTH).image[:HEIGHT]
    walkers = _walkers(persons)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=Fraction(25), width=WIDTH, height=HEIGHT, options={"crf": "20"})
        for frame in range(frames):
            picture = street.copy()
            for number, walker in enumerate(walkers):
                left, top = _corner(number, frame, walker)
                picture[top:, left : left + len(walker.hidden)] = walker.hidden
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")))
        file.mux(stream.encode(None))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.video_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="a restorer: its folder, or the name of a shipped one")
    parser.add_argument("locator", metavar="LOCATOR", help="a locator, likewise")
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto", help="(default: auto)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="(default: auto)")
    parser.add_argument("--frames", metavar="N", type=int, default=250, help="length of the video (default: 250)")
    parser.add_argument("--persons", metavar="N", type=int, default=2, help="in each frame (default: 2)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
