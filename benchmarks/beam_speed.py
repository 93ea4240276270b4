"""How fast photographs are prepared on Apache Beam's direct runner, against the local command.

    python -m benchmarks.beam_speed PHOTOS --limit 1000

Both are the command `keras-deid prepare` with so many processes, on the same photographs. They take turns, each in a
fresh folder, and their whole time counts, from the start of Python to its end. Their data sets must have one
fingerprint. The processor time of all their processes is printed too, which other work on the computer hardly disturbs.
See docs/beam.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.linked_photos import link_photos
from benchmarks.turns import header, take_turns
from keras_deid.cli.ending import exit_codes
from keras_deid.data.images import find_images
from keras_deid.data.prepared import DESCRIPTION
from keras_deid.errors import UserError


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints a table of photos per second."""
    options = _parser().parse_args(argv)
    photos = find_images(options.photos)[: options.limit]
    print(f"{len(photos)} photos, {options.workers} processes, {options.rounds} rounds", flush=True)
    on_beam = ["--runner", "DirectRunner", "--", f"--direct_num_workers={options.workers}"]
    on_beam.append("--direct_running_mode=multi_processing")
    fingerprints: set[str] = set()
    processor: tuple[list[float], list[float]] = ([], [])
    rates = take_turns(
        partial(_prepare, photos, on_beam, fingerprints, processor[0]),
        partial(_prepare, photos, ["--workers", str(options.workers)], fingerprints, processor[1]),
        options.rounds,
    )
    if len(fingerprints) > 1:
        raise UserError("the two made different data sets")
    print(header("photos", "the local command"), rates.row("preparing on Beam"), sep="\n")
    ours, theirs = map(statistics.median, processor)
    print(f"processor time: {ours:.1f} s on Beam, {theirs:.1f} s by the local command")
    return 0


def _prepare(photos: list[Path], words: list[str], fingerprints: set[str], processor: list[float]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        linked = link_photos(photos, Path(folder))
        command = [sys.executable, "-m", "keras_deid.cli", "prepare", str(linked), "--out", f"{folder}/out", *words]
        used, started = _processor_time(), time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        taken = time.perf_counter() - started
        processor.append(_processor_time() - used)
        if done.returncode:
            raise UserError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
        fingerprints.add(json.loads(Path(folder, "out", DESCRIPTION).read_text())["fingerprint"])
        return len(photos) / taken


def _processor_time() -> float:
    """Returns what processes have used that this one has started, and those that they have, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.beam_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", metavar="PHOTOS", type=Path, help="folder of photographs, with its sub-folders")
    parser.add_argument("--limit", metavar="N", type=int, help="only the first photographs (default: all)")
    parser.add_argument("--workers", metavar="N", type=int, default=2, help="processes of each (default: 2)")
    parser.add_argument("--rounds", metavar="N", type=int, default=2, help="turns of each (default: 2)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
