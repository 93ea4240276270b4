"""How long a server takes to answer, for 1, 8 and 32 clients at a time.

    python -m benchmarks.serving_latency saved_models/NAME

Starts the stand-in of `scripts/serve.py` in a process of its own, or takes the server of `--rest` and `--grpc`. Each
client sends a picture of the model's size, waits for the answer, and sends the next. A client is a thread with the
client of this package, and its time includes what that does: JSON, base64. See docs/serving.md.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_deid.cli.ending import exit_codes
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.data.images import encode_png
from keras_deid.errors import UserError
from keras_deid.serving.client import RestModel
from keras_deid.serving.export import versions

SERVE = Path(__file__).parents[1] / "scripts" / "serve.py"
START_SECONDS = 120.0
WARM_UP = 3
"""Requests of a client before its time is taken."""

Request = Callable[[], object]


class Addresses(NamedTuple):
    """Where a server is: `HOST:PORT` of REST and of gRPC."""

    rest: str
    grpc: str


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints a table of latencies."""
    options = _parser().parse_args(argv)
    if options.rest is None and not versions(options.model):
        raise UserError(f"{options.model}: no exported model; give saved_models/NAME, which scripts/export.py writes")
    start_tensorflow()
    with _server(options) as addresses:
        kinds = _kinds(addresses, options.model.resolve().name)
        print("| request | clients | median | 99th percentile | requests/s |\n|---|---|---|---|---|", flush=True)
        for name, connect in kinds.items():
            for clients in options.clients:
                print(_row(name, connect, clients, options.seconds), flush=True)
    return 0


def _kinds(addresses: Addresses, model: str) -> dict[str, Callable[[], Request]]:
    """Returns for each kind of request what connects a client, and gives what sends one request."""
    from keras_deid.serving.grpc_client import GrpcModel

    url, address = f"http://{addresses.rest}/v1/models/{model}", f"{addresses.grpc}/{model}"
    size = RestModel(url, wait=START_SECONDS).size
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    file = encode_png(picture)

    def rest_bytes() -> Request:
        client = RestModel(url)
        return lambda: client.restore_files([file])

    def rest_uint8() -> Request:
        client = RestModel(url)
        return lambda: client.predict("serve_uint8", {"image": [picture.tolist()]})

    def grpc_bytes() -> Request:
        client = GrpcModel(address)
        files = np.array([file], object)
        return lambda: client.predict("serve_bytes", {"image_bytes": files})

    return {"REST, PNG in base64": rest_bytes, "REST, uint8 in JSON": rest_uint8, "gRPC, PNG": grpc_bytes}


def _row(name: str, connect: Callable[[], Request], clients: int, seconds: float) -> str:
    times, taken = _measure(connect, clients, seconds)
    median, high = np.percentile(times, (50, 99)) * 1e3
    return f"| {name} | {clients} | {median:.0f} ms | {high:.0f} ms | {len(times) / taken:.0f} |"


def _measure(connect: Callable[[], Request], clients: int, seconds: float) -> tuple[list[float], float]:
    """Lets clients send for so many seconds; returns the time of each request, and that of all of them together."""
    times: list[float] = []
    failures: list[Exception] = []
    begin = threading.Barrier(clients + 1)

    def run() -> None:
        try:
            request = connect()
            for _ in range(WARM_UP):
                request()
            begin.wait(START_SECONDS)
            end = time.perf_counter() + seconds
            while (started := time.perf_counter()) < end:
                request()
                times.append(time.perf_counter() - started)
        except Exception as error:
            failures.append(error)
            begin.abort()

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    with contextlib.suppress(threading.BrokenBarrierError):
        begin.wait(START_SECONDS)
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return times, time.perf_counter() - started


@contextlib.contextmanager
def _server(options: argparse.Namespace) -> Iterator[Addresses]:
    if options.rest is not None:
        yield Addresses(options.rest, options.grpc)
        return
    rest, grpc = _free_port(), _free_port()
    words = [str(SERVE), str(options.model.resolve().parent), "--stand-in", f"--port={rest}", f"--grpc-port={grpc}"]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL) as process:
        try:
            yield Addresses(f"127.0.0.1:{rest}", f"127.0.0.1:{grpc}")
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving_latency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="FOLDER", type=Path, help="saved_models/NAME, which scripts/export.py writes")
    parser.add_argument("--clients", metavar="N", type=int, nargs="+", default=[1, 8, 32], help="(default: 1 8 32)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each row (default: 10)")
    parser.add_argument(
        "--rest", metavar="HOST:PORT", help="of a server that is running (default: starts the stand-in)"
    )
    parser.add_argument("--grpc", metavar="HOST:PORT", help="its gRPC", default="127.0.0.1:8500")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
