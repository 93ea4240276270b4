"""What sharing a batch costs: two devices of one process, and two processes, against one device.

    python -m benchmarks.scaling_speed

All have the same cores and the same batch, so that a ratio of 1 means that sharing costs nothing; on machines of their
own, two would be up to twice as fast. See docs/scaling.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
from concurrent.futures import ThreadPoolExecutor

from benchmarks.turns import Contestant, header, take_turns
from keras_deid.cli.ending import exit_codes
from keras_deid.config import Config, load_config

MODULE = "benchmarks.scaling_contestant"


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints a table of images per second."""
    options = _parser().parse_args(argv)
    settings = [f"training.batch_size={options.batch}", "training.precision=float32", *options.settings]
    config = load_config(options.config, settings)
    one, mirrored, both = (_with(config, strategy) for strategy in ("one", "mirrored", "multi_worker"))
    cores = os.cpu_count() or 1
    addresses = [f"localhost:{port}" for port in _free_ports(2)]
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(2))
        made = pool.map(lambda n: Contestant(MODULE, both, max(cores // 2, 1), 1, addresses, n), range(2))
        workers = [stack.enter_context(worker) for worker in made]
        alone = stack.enter_context(Contestant(MODULE, one, cores, 1, [], 0))
        devices = stack.enter_context(Contestant(MODULE, mirrored, cores, 2, [], 0))

        def together() -> float:
            return min(pool.map(lambda worker: float(worker.call("rate", options.steps)), workers))

        contests = {
            "two logical devices, one process": lambda: devices.call("rate", options.steps),
            "two processes on loopback": together,
        }
        print(
            f"{config.name}: batch {options.batch}, {cores} cores, {options.rounds} rounds of {options.steps} steps; "
            f"gradients of a step: {alone.call('gradient_bytes') / 1e6:.1f} MB"
        )
        print(header("images", "one device"))
        for name, ours in contests.items():
            rates = take_turns(ours, lambda: alone.call("rate", options.steps), options.rounds)
            print(rates.row(name), flush=True)
    return 0


def _with(config: Config, strategy: str) -> Config:
    return config.model_copy(update={"training": config.training.model_copy(update={"strategy": strategy})})


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", metavar="NAME|FILE", default="street64", help="default: street64")
    parser.add_argument("--batch", metavar="N", type=int, default=8, help="pictures in a batch (default: 8)")
    parser.add_argument("--rounds", metavar="N", type=int, default=5, help="turns of each (default: 5)")
    parser.add_argument("--steps", metavar="N", type=int, default=20, help="steps in a turn (default: 20)")
    parser.add_argument("settings", metavar="key=value", nargs="*", help="settings of the configuration")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
