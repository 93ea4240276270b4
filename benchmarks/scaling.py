"""How rate and memory of restoring grow with the batch, the picture, the regions in it, and the threads.

    python -m benchmarks.scaling

Each line of a table is measured in a process of its own, on pictures of random pixels: pieces per
second, processor time of a piece (all cores together), and the most memory that the process has held. Near-linear means
that the processor time of a piece stays as it is. See docs/speed.md.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.turns import Contestant as Process
from keras_deid.cli.arguments import PRECISIONS, RUNTIMES
from keras_deid.cli.ending import exit_codes
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.restoring.crop_batches import BATCH_SIZE
from keras_deid.restoring.found import given_region
from keras_deid.restoring.locate import find_regions
from keras_deid.restoring.repair import restore_regions
from keras_deid.restoring.run_locator import RunLocator
from keras_deid.restoring.run_model import RunModel
from keras_deid.restoring.runtime import choose_runtime
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN

BATCHES = (1, 2, 4, 8, 16, 32, 64)
SIDES = (256, 512, 1024, 2048)
REGIONS = (1, 2, 4, 8, 16)
_FACE = 48
"""Pixels of the side of a region."""
_STREET = (832, 544)


class Contestant:
    """Measures in its own process.

    Args:
        runtime: name of the runtime.
        precision: of the runtime.
        seconds: how long to measure.
        cores: how many of this process' cores may be used.
    """

    def __init__(self, runtime: str, precision: str, seconds: float, cores: int) -> None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
        self._runtime = choose_runtime(runtime, precision, start_tensorflow)
        self._seconds = seconds

    def batch(self, count: int) -> tuple[float, float, float]:
        """Restores ready batches; a piece is a crop."""
        model = RunModel(DEFAULT_RUN, self._runtime)
        crops = _noise(count, *model.size)
        return self._measured(lambda: model.restore(crops), count)

    def side(self, side: int) -> tuple[float, float, float]:
        """Looks for regions in square pictures, two at a time; a piece is a million pixels."""
        locator = RunLocator(LOCATOR_RUN, self._runtime)
        (picture,) = _noise(1, side, side)
        with ThreadPoolExecutor(2) as pool:

            def work() -> None:
                list(pool.map(lambda pixels: find_regions(locator.mark, pixels), (picture, picture)))

            return self._measured(work, 2 * side * side / 1e6)

    def regions(self, count: int) -> tuple[float, float, float]:
        """Restores regions of a street photograph; a piece is a region."""
        model = RunModel(DEFAULT_RUN, self._runtime)
        (picture,) = _noise(1, *_STREET)
        corners = [(8 + 80 * (index % 6), 8 + 80 * (index // 6)) for index in range(count)]
        found = [given_region((x, y, x + _FACE, y + _FACE), _STREET) for x, y in corners]
        return self._measured(lambda: restore_regions(model, [picture], [found]), count)

    def _measured(self, work: Callable[[], object], pieces: float) -> tuple[float, float, float]:
        work()  # the first time takes longer
        done, processor, started = 0.0, time.process_time(), time.perf_counter()
        while (passed := time.perf_counter() - started) < self._seconds:
            work()
            done += pieces
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return done / passed, (time.process_time() - processor) / done, most


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints tables."""
    options = _parser().parse_args(argv)
    cores = len(os.sched_getaffinity(0))
    _table("crops in a batch", "crops", "batch", [(count, cores) for count in BATCHES], options)
    _table("pixels of a side", "Mpixels found in", "side", [(side, cores) for side in SIDES], options)
    _table("regions of a photograph", "regions", "regions", [(count, cores) for count in REGIONS], options)
    threads = [(BATCH_SIZE, used) for used in (1, 2, 4, 8, 16) if used <= cores]
    _table(f"{BATCH_SIZE} crops on so many cores", "crops", "batch", threads, options, by_cores=True)
    return 0


def _table(
    what: str,
    unit: str,
    method: str,
    points: Sequence[tuple[int, int]],
    options: argparse.Namespace,
    by_cores: bool = False,
) -> None:
    print(f"| {what} | {unit}/s | ms of processor time each | most memory, MB |\n|---|---|---|---|")
    for value, cores in points:
        with Process("benchmarks.scaling", options.runtime, options.precision, options.seconds, cores) as process:
            rate, processor, memory = process.call(method, value)
        print(f"| {cores if by_cores else value} | {rate:.1f} | {processor * 1e3:.1f} | {memory:.0f} |", flush=True)
    print()


def _noise(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", metavar="S", type=float, default=5.0, help="for each line (default: 5)")
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto", help="(default: auto)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="(default: auto)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
