"""Whether memory stays flat and the rate constant when there is much more data than before.

    python -m benchmarks.load --pictures 200000

Draws tiny pictures, prepares them on Apache Beam's direct runner, makes the training batches of an epoch from records
(nothing kept in memory), and restores the pictures on the direct runner: one in twenty has a box, the rest is copied.
For each quarter of each step it prints the rate and the memory of this process. See docs/beam.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_deid.beam.prepare import prepare_on_beam
from keras_deid.beam.restore import restore_on_beam
from keras_deid.beam.shards import shard_count
from keras_deid.cli.ending import exit_codes
from keras_deid.config import Config
from keras_deid.data.images import encode_png
from keras_deid.data.training_batches import training_batches
from keras_deid.data.training_pictures import load_training_pictures
from keras_deid.errors import UserError
from keras_deid.restoring.choice import Choice

SIDE = 32
"""Of a picture, in pixels."""
RESTORED = 20
"""One in so many pictures is restored."""
_SECONDS = 0.05
_QUARTERS = 4
_BATCH = 64


@dataclass(frozen=True)
class Quarter:
    """A quarter of a step.

    Attributes:
        rate: pictures per second.
        memory: most memory of the process in it, in bytes.
    """

    rate: float
    memory: int


class Watch:
    """Looks at the progress of a step and at the memory of this process, many times a second.

    Args:
        total: pictures in the step.
        done: returns the fraction of the step that is done.
    """

    def __init__(self, total: int, done: Callable[[], float]) -> None:
        self._total, self._done = total, done
        self._seen: list[tuple[float, float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_SECONDS):
            self._seen.append((time.perf_counter(), self._done(), _memory()))

    def quarters(self) -> list[Quarter]:
        """Returns the quarters between the first picture and the last one."""
        working = [look for look in self._seen if look[1] > 0]
        seconds, done, memory = (np.array(column) for column in zip(*working, strict=True))
        edges = np.linspace(done[0], done[-1], _QUARTERS + 1)
        places = np.searchsorted(done, edges)
        if len(set(places)) <= _QUARTERS:
            raise UserError("the step was over too soon to measure quarters; give more --pictures")
        return [
            Quarter(
                float((done[stop] - done[start]) * self._total / (seconds[stop] - seconds[start])),
                int(memory[start : stop + 1].max()),
            )
            for start, stop in zip(places, places[1:], strict=False)
        ]


def measure(pictures: int, folder: Path) -> dict[str, list[Quarter]]:
    """Runs all steps on so many pictures, in an empty folder; returns the quarters of each step."""
    source = draw_pictures(pictures, folder)
    boxes, some_boxes = _write_boxes(source, folder)
    shards = shard_count(pictures)
    found: dict[str, list[Quarter]] = {}
    prepared, restored = folder / "prepared", folder / "restored"
    with Watch(pictures, lambda: _files_in(prepared / "manifest") / shards) as watch:
        prepare_on_beam(str(source), str(prepared), boxes=str(boxes), size=SIDE, min_face=1.0, runner="DirectRunner")
    found["preparing"] = watch.quarters()
    found["training batches"] = _batches(prepared)
    with Watch(pictures, lambda: _files_in(restored / "manifest") / shards) as watch:
        restore_on_beam(str(source), str(restored), Choice(), boxes=str(some_boxes), runner="DirectRunner")
    found["restoring"] = watch.quarters()
    return found


def draw_pictures(count: int, folder: Path) -> Path:
    """Writes tiny pictures of noise, a thousand in a folder."""
    source = folder / "pictures"
    for number in range(count):
        path = source / f"{number // 1000:04d}" / f"{number:07d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)))
    return source


def _write_boxes(source: Path, folder: Path) -> tuple[Path, Path]:
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*.png"))
    lists = {"boxes.csv": names, "some_boxes.csv": names[::RESTORED]}
    for file, listed in lists.items():
        rows = [f"{name},8,8,24,24" for name in listed]
        (folder / file).write_text("\n".join(["path,x0,y0,x1,y1", *rows]) + "\n")
    return folder / "boxes.csv", folder / "some_boxes.csv"


def _batches(prepared: Path) -> list[Quarter]:
    config = Config.model_validate(
        {"data": {"source": "prepared", "path": str(prepared), "image_size": [SIDE, SIDE], "load_scale": 1.0}}
    )
    pictures = load_training_pictures(config.data, cache_limit=0)
    steps = len(pictures) // _BATCH
    made = 0
    with Watch(steps * _BATCH, lambda: made / steps) as watch:
        for _ in training_batches(pictures, config.data, config.deidentify, batch_size=_BATCH, seed=1).take(steps):
            made += 1
    return watch.quarters()


def _files_in(folder: Path) -> int:
    return len(os.listdir(folder)) if folder.is_dir() else 0


def _memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", metavar="N", type=int, default=200_000, help="(default: 200000)")
    pictures = parser.parse_args(argv).pictures
    with tempfile.TemporaryDirectory() as folder:
        found = measure(pictures, Path(folder))
    print(f"{pictures} pictures of {SIDE} x {SIDE} pixels; pictures/s and memory in MB of each quarter")
    print("| | 1st | 2nd | 3rd | 4th |\n|---|---|---|---|---|")
    for step, quarters in found.items():
        cells = [f"{quarter.rate:.0f}, {quarter.memory / 1e6:.0f} MB" for quarter in quarters]
        print(f"| {step} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
