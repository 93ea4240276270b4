"""How fast a folder of street photographs with hidden faces is restored.

    python -m benchmarks.restoring_speed PHOTOS --limit 60

The faces of untouched photographs are hidden first, as tools hide them. Then these are measured:

- the command's restoring (decode, find, restore, encode, write; not the start of Python), in turns with the two bare
  networks, which get what they get in there, ready in memory;
- what each part costs, in processor time of all cores together, one photograph after the other;
- with --deface, the whole commands `keras-deid restore` and `deface`, from the start of Python to their end, in turns.
  `deface` detects and hides on the same photographs: what a program can reach that reads, looks and writes.

See docs/restoring.md.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.heard import Heard
from benchmarks.hidden_photos import hide_photos
from benchmarks.turns import header, take_turns
from keras_deid.cli.arguments import PRECISIONS, RUNTIMES
from keras_deid.cli.ending import exit_codes
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.data.images import find_images
from keras_deid.errors import UserError
from keras_deid.restoring.locate import find_regions
from keras_deid.restoring.looks import Mark
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.picture_files import open_picture, write_picture
from keras_deid.restoring.region_sources import Located
from keras_deid.restoring.repair import restore_regions
from keras_deid.restoring.restore import WORKERS, restore_folder
from keras_deid.restoring.run_locator import RunLocator
from keras_deid.restoring.run_model import RunModel
from keras_deid.restoring.runtime import choose_runtime
from keras_deid.restoring.xmp import SYNTHETIC_PARTS
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN

PARTS = ("decoding", "finding: network", "finding: the rest", "restoring: network", "restoring: the rest", "encoding")


class Turn(NamedTuple):
    """What a contestant did: photographs per second, and processor seconds for each, of all cores together."""

    rate: float
    processor_seconds: float


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints tables."""
    options = _parser().parse_args(argv)
    runtime = choose_runtime(options.runtime, options.precision, start_tensorflow)
    with tempfile.TemporaryDirectory() as place:
        hidden = Path(place) / "hidden"
        faces = hide_photos(find_images(options.photos), hidden, options.limit)
        photos = find_images(hidden)
        model, locator = RunModel(options.run, runtime), RunLocator(options.locator, runtime)
        print(
            f"{len(photos)} photographs, {faces} hidden faces; {runtime.name}, {runtime.precision}; "
            f"{options.rounds} rounds",
            flush=True,
        )
        _parts(photos, model, locator.mark)  # the first pictures of a size take longer
        heard, parts = _parts(photos, model, locator.mark)
        contestants = {
            "restoring": partial(_folder, hidden, model, locator, len(photos)),
            "bare": partial(_bare, model, locator.mark, heard, len(photos)),
        }
        rounds = [{name: turn() for name, turn in contestants.items()} for _ in range(options.rounds)]
        _report(rounds, parts)
        if options.deface is not None:
            _commands(hidden, len(photos), options)
    return 0


def _report(rounds: list[dict[str, Turn]], parts: dict[str, float]) -> None:
    """Prints medians; the ratios are of turns of the same round."""
    ratios = [turns["restoring"].rate / turns["bare"].rate for turns in rounds]
    print(header("photographs", "bare networks"))
    ours, bare = (statistics.median(turns[name].rate for turns in rounds) for name in ("restoring", "bare"))
    ratio = statistics.median(ratios)
    print(f"| restoring | {ours:.1f} | {bare:.1f} | {ratio:.2f} | {min(ratios):.2f} - {max(ratios):.2f} |\n")
    total = sum(parts.values())
    print("| part | ms of processor time a photograph | share |\n|---|---|---|")
    for part in PARTS:
        print(f"| {part} | {parts[part] * 1e3:.1f} | {parts[part] / total:.0%} |")
    cost = statistics.median(turns["restoring"].processor_seconds for turns in rounds)
    cores = len(os.sched_getaffinity(0))
    print(f"\nprocessor time a photograph, all of it together: {cost * 1e3:.1f} ms", end="; ")
    print(f"if none of {cores} cores ever waited: {cores / cost:.1f} photographs/s", flush=True)


def _folder(photos: Path, model: PictureModel, locator: RunLocator, count: int) -> Turn:
    regions = Located(locator.mark, locator.identity)
    with tempfile.TemporaryDirectory() as out:
        return _timed(lambda: restore_folder(photos, Path(out), model, regions), count)


def _bare(model: PictureModel, mark: Mark, heard: Heard, count: int) -> Turn:
    """Gives the networks what they got, as many pictures at a time as the command does."""

    def work() -> None:
        with ThreadPoolExecutor(WORKERS) as readers:
            found = readers.map(mark, heard.pictures)
            for crops in heard.crops:
                model.restore(crops)
            list(found)

    return _timed(work, count)


def _timed(work: Callable[[], object], count: int) -> Turn:
    processor, started = time.process_time(), time.perf_counter()
    work()
    return Turn(count / (time.perf_counter() - started), (time.process_time() - processor) / count)


def _parts(photos: list[Path], model: PictureModel, mark: Mark) -> tuple[Heard, dict[str, float]]:
    """Restores photographs one after the other; returns processor seconds for a photograph by part."""
    heard = Heard(model, mark)
    steps = np.zeros(4)
    with tempfile.TemporaryDirectory() as out:
        for photo in photos:
            times = [time.process_time()]
            opened = open_picture(photo)
            times.append(time.process_time())
            regions = find_regions(heard.look, opened.pixels)
            times.append(time.process_time())
            (restored,) = restore_regions(heard, [opened.pixels], [regions])
            times.append(time.process_time())
            write_picture(Path(out) / photo.name, restored, opened, SYNTHETIC_PARTS)
            times.append(time.process_time())
            steps += np.diff(times)
    decoding, finding, restoring, encoding = (float(seconds) for seconds in steps)
    locator, restorer = heard.seconds()
    seconds = (decoding, locator, finding - locator, restorer, restoring - restorer, encoding)
    return heard, {part: passed / len(photos) for part, passed in zip(PARTS, seconds, strict=True)}


def _commands(hidden: Path, count: int, options: argparse.Namespace) -> None:
    """Prints how fast the whole commands are."""
    beside = Path(sys.executable)
    ours = [str(beside.with_name("keras-deid")), "restore", "--run", options.run, "--locator", options.locator]
    ours += ["--runtime", options.runtime, "--precision", options.precision]
    theirs = ["deface", *shlex.split(options.deface)]

    def restore() -> float:
        with tempfile.TemporaryDirectory() as out:
            return count / _seconds([*ours, str(hidden), f"{out}/restored"])

    def deface() -> float:
        with tempfile.TemporaryDirectory() as place:
            copies = Path(place) / "photos"
            copies.mkdir()
            for photo in find_images(hidden):
                (copies / photo.name).symlink_to(photo)
            return count / _seconds([str(beside.with_name("deface")), *theirs[1:], str(copies)])

    rates = take_turns(restore, deface, options.rounds)
    print("\n" + header("photographs", shlex.join(theirs)), rates.row("whole commands"), sep="\n")


def _seconds(words: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True)
    taken = time.perf_counter() - started
    if done.returncode:
        raise UserError(f"{shlex.join(words)}: exit code {done.returncode}\n{done.stderr}")
    return taken


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.restoring_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", metavar="PHOTOS", type=Path, help="folder of untouched photographs of people")
    parser.add_argument("--limit", metavar="N", type=int, default=60, help="how many with faces (default: 60)")
    parser.add_argument("--rounds", metavar="N", type=int, default=3, help="turns of each (default: 3)")
    parser.add_argument("--run", default=DEFAULT_RUN, help="restorer (default: %(default)s)")
    parser.add_argument("--locator", default=LOCATOR_RUN, help="locator (default: %(default)s)")
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto", help="(default: auto)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="(default: auto)")
    parser.add_argument(
        "--deface",
        metavar="WORDS",
        nargs="?",
        const="",
        help="measure the command deface as well, with these further words if any, e.g. --deface='--scale 288x416'",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
