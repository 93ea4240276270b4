"""How fast photographs are prepared, against the `deface` command on the same photographs.

    python -m benchmarks.prepare_speed PHOTOS --limit 300

Both find the faces of every photograph with the same network. `scripts/prepare.py` then writes a data set of crops,
`deface` the photographs with blurred faces. The commands take turns, each in a fresh folder, and their whole time
counts, from the start of Python to its end. See docs/speed.md.
"""

from __future__ import annotations

import argparse
import shlex
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
from keras_deid.errors import UserError

PREPARE = Path(__file__).parents[1] / "scripts" / "prepare.py"


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints a table of photos per second."""
    options = _parser().parse_args(argv)
    photos = find_images(options.photos)[: options.limit]
    print(f"{len(photos)} photos, {options.rounds} rounds", flush=True)
    words = ["deface", *shlex.split(options.deface)]
    rates = take_turns(partial(_prepare, photos), partial(_deface, photos, words), options.rounds)
    print(header("photos", shlex.join(words)), rates.row("preparing"), sep="\n")
    return 0


def _prepare(photos: list[Path]) -> float:
    """Prepares the photographs with the default settings; returns photos per second."""
    with tempfile.TemporaryDirectory() as folder:
        linked = link_photos(photos, Path(folder))
        return len(photos) / _seconds([sys.executable, str(PREPARE), str(linked), "--out", f"{folder}/prepared"])


def _deface(photos: list[Path], words: list[str]) -> float:
    """Blurs the faces of the photographs, beside the links that `deface` is given; returns photos per second."""
    with tempfile.TemporaryDirectory() as folder:
        linked = link_photos(photos, Path(folder))
        taken = _seconds([str(Path(sys.executable).with_name(words[0])), *words[1:], str(linked)])
        written = len(list(linked.glob("*_anonymized*")))
        if written != len(photos):
            raise UserError(f"deface: wrote {written} of {len(photos)} photos; it takes no other image formats")
        return len(photos) / taken


def _seconds(words: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True)
    taken = time.perf_counter() - started
    if done.returncode:
        raise UserError(f"{shlex.join(words)}: exit code {done.returncode}\n{done.stderr}")
    return taken


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.prepare_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", metavar="PHOTOS", type=Path, help="folder of photographs, with its sub-folders")
    parser.add_argument("--limit", metavar="N", type=int, help="only the first photographs (default: all)")
    parser.add_argument("--rounds", metavar="N", type=int, default=2, help="turns of each (default: 2)")
    parser.add_argument(
        "--deface",
        metavar="WORDS",
        default="",
        help="further words for deface, for instance --deface='--scale 288x416'",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
