"""How fast a training step and restoring are, against the same networks in PyTorch.

    pip install -e '.[bench]'
    python -m benchmarks.training_speed

Both frameworks get the same weights, batch, losses and optimizers, and must agree before they are measured. Each runs
in a process of its own; the two take turns. PyTorch uses the memory layout that is faster here, and is measured in
eager mode, with both networks translated by torch.compile (needs a C++ compiler), and, eager, in the order of the
public Pix2Pix code, in which restored pictures pass through D twice. Restoring is in the batches of
`keras-deid restore`. See docs/speed.md.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.torch_settings import RESTORING_WAYS, TRAINING_WAYS, check_settings
from benchmarks.turns import Contestant, header, take_turns
from keras_deid.cli.ending import exit_codes
from keras_deid.config import Config, load_config

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]

FURTHER_SETTINGS = {
    "generator.gate_init": "open",
    "generator.dropout": 0.0,
    "loss.adversarial": "log",
    "training.pool": 0,
}
"""What training in PyTorch has, beside the networks themselves."""

CHECKED_STEPS = 3
TOLERANCE = {"float32": 1e-3, "mixed_bfloat16": 5e-2}
"""Greatest relative difference that is taken for rounding; bfloat16 has 8 significant bits."""


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints a table of images per second."""
    options = _parser().parse_args(argv)
    config = load_config(options.config, _overrides(options))
    check_settings(config, FURTHER_SETTINGS)
    height, width = config.data.image_size
    print(
        f"{config.name}: {height} x {width} px, batch {config.training.batch_size}, {config.generator.filters} filters,"
        f" {config.generator.blocks} blocks; {options.threads} threads, {options.rounds} rounds of {options.seconds} s"
    )
    rows = [row for precision in options.precision for row in _measure(config, precision, options)]
    print(header("images", "PyTorch"), *rows, sep="\n")
    return 0


def _measure(config: Config, precision: str, options: argparse.Namespace) -> list[str]:
    given = config, precision, options.threads, drawn_batch(config)
    with (
        Contestant("benchmarks.keras_contestant", *given) as ours,
        Contestant("benchmarks.torch_contestant", *given, ours.call("weights"), options.against) as theirs,
    ):
        print(f"{precision}: the two agree to", _agreement(ours, theirs, TOLERANCE[precision]))
        for what, rates in theirs.call("keep_the_fastest", options.seconds / 2).items():
            forms = "; ".join(f"{form} {rate:.1f}" for form, rate in rates.items())
            print(f"{precision}: PyTorch, {what}, images/s: {forms}", flush=True)
        rows = []
        for name, method, ways in (
            ("training step", "training_rate", tuple(TRAINING_WAYS)),
            ("restoring", "restoring_rate", RESTORING_WAYS),
            ("restoring on OpenVINO", "openvino_rate", RESTORING_WAYS),
        ):
            our_turn = partial(ours.call, method, options.seconds)
            our_turn()  # warms up; PyTorch has done that above
            their_method = "training_rate" if method == "training_rate" else "restoring_rate"
            for way in (way for way in ways if way in options.against):
                rates = take_turns(our_turn, partial(theirs.call, their_method, way, options.seconds), options.rounds)
                rows.append(rates.row(f"{name}, {precision}, against {TRAINING_WAYS[way]}"))
        return rows


def _agreement(ours: Contestant, theirs: Contestant, tolerance: float) -> str:
    """Compares G(x), D(y) and the logs of some training steps; returns the greatest relative differences."""
    found = {}
    for name, one, other in zip(("G", "D"), ours.call("outputs"), theirs.call("outputs"), strict=True):
        found[name] = float(np.abs(one - other).max() / np.abs(other).max())
    logs = zip(ours.call("losses", CHECKED_STEPS), theirs.call("losses", CHECKED_STEPS), strict=True)
    found[f"losses of {CHECKED_STEPS} steps"] = max(
        abs(one[name] / other[name] - 1.0) for one, other in logs for name in other
    )
    for name, difference in found.items():
        if not difference < tolerance:
            raise AssertionError(f"{name}: the two differ by {difference:.1e}, more than {tolerance:.0e}")
    return ", ".join(f"{difference:.1e} ({name})" for name, difference in found.items())


def drawn_batch(config: Config) -> Batch:
    """Draws pictures of noise: (x, y, mask) as in `PairedGAN`; the mask covers 6 %, as a face does of a crop."""
    random = np.random.default_rng(0)
    height, width = config.data.image_size
    y = random.integers(0, 256, (config.training.batch_size, height, width, 3)).astype("uint8")
    mask = np.zeros((*y.shape[:3], 1), "float32")
    mask[:, height // 4 : height // 2, width // 4 : width // 2] = 1.0
    return np.where(mask == 1.0, 128, y).astype("uint8"), y, mask


def _overrides(options: argparse.Namespace) -> list[str]:
    size = None if options.size is None else f"[{options.size}, {options.size}]"
    settings = {
        "data.image_size": size,
        "training.batch_size": options.batch,
        "generator.filters": options.filters,
        "discriminator.filters": options.filters,
        "generator.blocks": options.blocks,
    }
    return [f"{key}={value}" for key, value in settings.items() if value is not None]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    config = Path(__file__).parents[1] / "configs" / "street64.yaml"
    parser.add_argument("--config", metavar="FILE", type=Path, default=config, help="default: configs/street64.yaml")
    for name, meaning in (
        ("size", "side of the pictures, in pixels"),
        ("batch", "pictures in a batch"),
        ("filters", "channels of the first convolution, in G and in D"),
        ("blocks", "ResNet blocks of G"),
    ):
        parser.add_argument(f"--{name}", metavar="N", type=int, help=f"{meaning} (default: as in the configuration)")
    parser.add_argument("--precision", nargs="+", choices=TOLERANCE, default=list(TOLERANCE), help="default: both")
    parser.add_argument(
        "--against",
        nargs="+",
        choices=TRAINING_WAYS,
        default=list(TRAINING_WAYS),
        help="ways to run PyTorch (default: all)",
    )
    parser.add_argument("--rounds", metavar="N", type=int, default=7, help="turns of each (default: 7)")
    parser.add_argument("--seconds", metavar="S", type=float, default=2.0, help="length of a turn (default: 2)")
    parser.add_argument("--threads", metavar="N", type=int, default=os.cpu_count(), help="default: one for each core")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
