"""How fast a folder of photographs is restored, against the bare model on ready tensors.

    python -m benchmarks.restoring_speed PHOTOS --limit 300

The command's restoring (decode, model, encode, write; not the start of Python and of TensorFlow) and the same model on
tensors of its input size that lie ready in memory take turns, the former each time into a fresh folder. What remains
without a model is measured as well: all that a photograph costs beside it. From the processor time of both follows the
most that this machine could reach if none of its cores ever waited. See docs/restoring.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.linked_photos import link_photos
from benchmarks.turns import header, rate
from keras_deid.cli.ending import exit_codes
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.data.images import find_images
from keras_deid.restoring.model import LocalModel, PictureModel
from keras_deid.restoring.repair import BATCH_SIZE
from keras_deid.restoring.restore import restore_folder
from keras_deid.serving.export import export

SHIPPED = Path("saved_models/street64_any/run")


class Turn(NamedTuple):
    """What a contestant did: images per second, and processor seconds for each, of all cores together."""

    rate: float
    processor_seconds: float


class Idle:
    """A model that gives back what it gets, at once."""

    def __init__(self, model: PictureModel) -> None:
        self.name, self.identity, self.size, self.context = model.name, "idle", model.size, model.context
        self.adds_detail, self.mark = model.adds_detail, model.mark

    def restore(self, pictures: np.ndarray) -> np.ndarray:
        """Returns the pictures, uint8 `(batch, *size, 3)`."""
        return pictures


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints tables of images per second."""
    options = _parser().parse_args(argv)
    photos = find_images(options.photos)[: options.limit]
    start_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        model = LocalModel(_exported(options.model, Path(folder)))
        linked = link_photos(photos, Path(folder))
        print(f"{len(photos)} photos, {model.size[1]} x {model.size[0]} model, {options.rounds} rounds", flush=True)
        model.restore(_ready(model))  # the first call compiles
        contestants = {
            "command": partial(_command, linked, model, len(photos)),
            "bare": partial(_bare, model, options.seconds),
            "files": partial(_command, linked, Idle(model), len(photos)),
        }
        rounds = [{name: turn() for name, turn in contestants.items()} for _ in range(options.rounds)]
    _report(rounds)
    return 0


def _report(rounds: list[dict[str, Turn]]) -> None:
    """Prints medians; the ratios are of turns of the same round."""
    ratios = [turns["command"].rate / turns["bare"].rate for turns in rounds]
    print(header("images", "bare model"))
    ours, bare = (statistics.median(turns[name].rate for turns in rounds) for name in ("command", "bare"))
    ratio = statistics.median(ratios)
    print(f"| restoring | {ours:.1f} | {bare:.1f} | {ratio:.2f} | {min(ratios):.2f} - {max(ratios):.2f} |\n")
    files = statistics.median(turns["files"].rate for turns in rounds)
    costs = {name: statistics.median(turns[name].processor_seconds for turns in rounds) for name in rounds[0]}
    cores = len(os.sched_getaffinity(0))
    most, most_bare = cores / (costs["bare"] + costs["files"]), cores / costs["bare"]
    print(f"files without a model (decode, encode, write): {files:.1f} images/s")
    print(f"processor time an image: model {costs['bare'] * 1e3:.1f} ms, files {costs['files'] * 1e3:.1f} ms")
    print(f"if none of {cores} cores ever waited: {most:.1f} images/s, bare model {most_bare:.1f}")


def _command(photos: Path, model: PictureModel, count: int) -> Turn:
    with tempfile.TemporaryDirectory() as out:
        return _timed(lambda: restore_folder(photos, Path(out), model, None), count)


def _bare(model: LocalModel, seconds: float) -> Turn:
    pictures = _ready(model)
    processor = time.process_time()
    started = time.perf_counter()
    reached = rate(lambda: model.restore(pictures), BATCH_SIZE, seconds)
    return Turn(reached, (time.process_time() - processor) / (reached * (time.perf_counter() - started)))


def _timed(work: Callable[[], object], count: int) -> Turn:
    processor, started = time.process_time(), time.perf_counter()
    work()
    return Turn(count / (time.perf_counter() - started), (time.process_time() - processor) / count)


def _ready(model: LocalModel) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (BATCH_SIZE, *model.size, 3)).astype(np.uint8)


def _exported(model: Path, folder: Path) -> Path:
    """Returns the exported model; a run is exported first."""
    return export(model, folder / "saved_models" / "model") if (model / "generator.keras").is_file() else model


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.restoring_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", metavar="PHOTOS", type=Path, help="folder of photographs, with its sub-folders")
    parser.add_argument("--limit", metavar="N", type=int, help="only the first photographs (default: all)")
    parser.add_argument("--model", type=Path, default=SHIPPED, help=f"saved_models/NAME or a run (default: {SHIPPED})")
    parser.add_argument("--rounds", metavar="N", type=int, default=3, help="turns of each (default: 3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a turn of the bare model (default: 10)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
