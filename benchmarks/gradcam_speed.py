"""How fast attention maps are, against pytorch-grad-cam on the same networks in PyTorch.

    pip install -e '.[bench]'
    python -m benchmarks.gradcam_speed saved_models/street64_any/run

Both explain a run's G and D, with its weights, on the same drawn scenes: Grad-CAM at every explained layer, enlarged to
the picture. The maps must agree before anything is measured. Each side runs in a process of its own; the two take
turns. pytorch-grad-cam uses the memory layout and the way to its gradients that are faster here. See docs/attention.md.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.torch_settings import check_settings
from benchmarks.turns import Contestant, header, take_turns
from keras_deid.cli.ending import exit_codes
from keras_deid.config import load_config

TOLERANCE = 1e-2
"""Greatest difference of two maps, relative to the greatest value of the layer's maps, that is taken for rounding."""


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints a table of images per second."""
    options = _parser().parse_args(argv)
    config = load_config(options.run / "config.yaml")
    check_settings(config)
    with Contestant("benchmarks.gradcam_keras", options.run, config, options.threads, options.batch) as ours:
        given = config, options.threads, ours.call("weights"), ours.call("pictures")
        with Contestant("benchmarks.gradcam_torch", *given) as theirs:
            layers = ours.call("layers")
            print(
                f"{config.name}: {config.data.image_size[0]} x {config.data.image_size[1]} px, batch {options.batch}, "
                f"{len(layers)} layers; {options.threads} threads, {options.rounds} rounds of {options.seconds} s"
            )
            print(f"the maps agree to {agreement(layers, ours.call('maps'), theirs.call('maps')):.1e}")
            tried = theirs.call("keep_the_fastest", options.seconds)
            print("pytorch-grad-cam, images/s:", "; ".join(f"{form} {rate:.1f}" for form, rate in tried.items()))
            our_turn, their_turn = (partial(side.call, "rate", options.seconds) for side in (ours, theirs))
            our_turn()  # warms up; the other has done that above
            row = take_turns(our_turn, their_turn, options.rounds).row(f"Grad-CAM at {len(layers)} layers")
    print(header("images", "pytorch-grad-cam"), row, sep="\n")
    return 0


def agreement(layers: list[str], ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """Compares maps, float `(pictures, rows, columns)` for each layer.

    Returns:
        the greatest difference, relative to the greatest value of the layer's maps.

    Raises:
        AssertionError: if that is more than `TOLERANCE`, or all maps of a layer are zero, which agrees with anything.
    """
    greatest = 0.0
    for layer, one, other in zip(layers, ours, theirs, strict=True):
        if not other.any():
            raise AssertionError(f"{layer}: all maps are zero: nothing is compared")
        difference = float(np.abs(one - other).max() / other.max())
        if not difference < TOLERANCE:
            raise AssertionError(f"{layer}: the maps differ by {difference:.1e}, more than {TOLERANCE:.0e}")
        greatest = max(greatest, difference)
    return greatest


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gradcam_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run = Path(__file__).parents[1] / "saved_models" / "street64_any" / "run"
    parser.add_argument(
        "run", metavar="RUN", type=Path, nargs="?", default=run, help="default: the shipped street64_any"
    )
    parser.add_argument("--batch", metavar="N", type=int, default=32, help="pictures at once (default: 32)")
    parser.add_argument("--rounds", metavar="N", type=int, default=7, help="turns of each (default: 7)")
    parser.add_argument("--seconds", metavar="S", type=float, default=5.0, help="length of a turn (default: 5)")
    parser.add_argument("--threads", metavar="N", type=int, default=os.cpu_count(), help="default: one for each core")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
