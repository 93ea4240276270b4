"""Where the time of a training step goes, operation by operation, and what the machine could do.

    python -m benchmarks.training_profile

TensorFlow's profiler counts the operations of some steps of `keras-deid train`. In the same run these peaks are
measured: the fastest of some convolutions, and copying memory. The last column says what an operation would need at
least, if it computed at the former and moved its inputs and outputs at the latter. See docs/speed.md.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.operation_costs import costs, kind_of, table
from benchmarks.training_speed import TOLERANCE as PRECISIONS
from benchmarks.training_speed import drawn_batch
from keras_deid.cli.ending import exit_codes
from keras_deid.config import load_config

_CONVOLUTIONS = ((64, 64), (32, 128), (32, 256), (16, 256))
"""(side of the picture, channels) of 3 x 3 convolutions in batches of 8, of which the fastest is the peak."""
_COPIED = 2**28
"""Bytes; more than the processor's caches hold."""
_OPERATION = re.compile(r"[^:]+:(\w+)")
_TURNS = 10
_ROWS = 15


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints a table for each precision."""
    options = _parser().parse_args(argv)
    config = load_config(options.config)
    height, width = config.data.image_size
    print(f"{config.name}: {height} x {width} px, batch {config.training.batch_size}; {options.threads} threads")
    from benchmarks.keras_contestant import Contestant

    batch = drawn_batch(config)
    for precision in options.precision:
        contestant = Contestant(config, precision, options.threads, batch)
        contestant.training_rate(options.seconds)  # warms up
        with tempfile.TemporaryDirectory() as folder:
            steps, seconds = contestant.profile(Path(folder), options.seconds)
            milliseconds = {kind: passed / steps for kind, passed in times(Path(folder)).items()}
        flops, bandwidth = convolution_peak(precision), copying_peak()
        print(
            f"\n{precision}: {seconds / steps * 1e3:.1f} ms a step; the peaks of this machine now: "
            f"{flops / 1e9:.0f} GFLOP/s in convolutions, {bandwidth / 1e9:.1f} GB/s in copying\n"
        )
        print(table(milliseconds, costs(contestant.graph()), flops, bandwidth, _ROWS), flush=True)
    return 0


def times(folder: Path) -> Counter[str]:
    """Reads what TensorFlow's profiler wrote: the milliseconds of all operations, by kind.

    Operations that run at the same time on several threads are all counted, each in full.
    """
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    spent: Counter[str] = Counter()
    for path in folder.rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace()
        space.ParseFromString(path.read_bytes())
        for plane in space.planes:
            if not plane.name.startswith("/host:CPU"):
                continue
            for line in plane.lines:
                for event in line.events:
                    # An operation is called NAME:KIND; other events have no colon, two of them, or a blank behind it.
                    if name := _OPERATION.fullmatch(plane.event_metadata[event.metadata_id].name):
                        spent[kind_of(name[1])] += event.duration_ps / 1e9
    return spent


def convolution_peak(precision: str) -> float:
    """Returns how many floating point operations a second the fastest of some convolutions does."""
    import tensorflow as tf

    kind = tf.bfloat16 if precision == "mixed_bfloat16" else tf.float32
    convolve = tf.function(lambda pictures, kernel: tf.nn.conv2d(pictures, kernel, 1, "SAME"))
    rates = []
    for side, channels in _CONVOLUTIONS:
        pictures = tf.cast(tf.random.normal((8, side, side, channels)), kind)
        kernel = tf.cast(tf.random.normal((3, 3, channels, channels)), kind)
        work = 2 * 8 * side**2 * 9 * channels**2
        rates.append(work / _least_seconds(lambda: convolve(pictures, kernel)))  # noqa: B023
    return max(rates)


def copying_peak() -> float:
    """Returns how many bytes a second are read and written when memory is copied."""
    source = np.ones(_COPIED, np.uint8)
    target = np.empty_like(source)
    return 2 * _COPIED / _least_seconds(lambda: np.copyto(target, source))


def _least_seconds(work: Callable[[], Any]) -> float:
    work()
    taken = []
    for _ in range(_TURNS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training_profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    config = Path(__file__).parents[1] / "configs" / "street64.yaml"
    parser.add_argument("--config", metavar="FILE", type=Path, default=config, help="default: configs/street64.yaml")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=list(PRECISIONS), help="default: both")
    parser.add_argument("--seconds", metavar="S", type=float, default=3.0, help="of each part (default: 3)")
    parser.add_argument("--threads", metavar="N", type=int, default=os.cpu_count(), help="default: one for each core")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
