"""Runs the stand-in."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import uvicorn

from keras_deid.errors import UserError
from keras_deid.serving.stand_in.app import rest_app
from keras_deid.serving.stand_in.connections import PromptHTTP
from keras_deid.serving.stand_in.grpc_server import grpc_server
from keras_deid.serving.stand_in.library import Library
from keras_deid.serving.stand_in.limits import Limits
from keras_deid.serving.stand_in.model_config import ModelConfig

POLL_SECONDS = 1.0
"""How often new versions are looked for, as TensorFlow Serving does."""
IDLE_SECONDS = 30
"""An idle connection is closed after."""
_CONNECTIONS = 256
_SWITCH_SECONDS = 0.0005
"""A thread gives way to others after: with Python's 5 ms, requests would wait again and again while a new version is
loaded."""


def run_stand_in(
    folder: Path,
    host: str,
    port: int,
    grpc_port: int,
    *,
    configs: Mapping[str, ModelConfig] | None = None,
    limits: Limits = Limits(),  # noqa: B008 - cannot be changed
    started: Callable[[list[str]], object] = lambda names: None,
) -> None:
    """Serves the models of a folder until the process is told to stop.

    Args:
        folder: holds `NAME/VERSION/`.
        host: address to listen on.
        port: of REST.
        grpc_port: of gRPC.
        configs: how models are served, by name; if given, others are not served.
        limits: what is refused.
        started: is called with the names of the models, once they are loaded.

    Raises:
        UserError: if the folder holds no model that can be loaded, or a port is taken.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give saved_models/, which scripts/export.py writes")
    for option, wanted in (("--port", port), ("--grpc-port", grpc_port)):
        _check_free(host, wanted, option)
    library = Library(folder, configs)
    library.refresh()
    if not library.names():
        raise UserError(f"{folder}: no model in it that can be loaded; export one with scripts/export.py")
    sys.setswitchinterval(_SWITCH_SECONDS)
    server, _ = grpc_server(library, f"{host}:{grpc_port}", limits)
    server.start()
    started(library.names())
    library.watch(POLL_SECONDS)
    try:
        uvicorn.run(
            rest_app(library, limits),
            host=host,
            port=port,
            http=PromptHTTP,
            log_level="warning",
            timeout_keep_alive=IDLE_SECONDS,
            limit_concurrency=_CONNECTIONS,
            server_header=False,
        )
    finally:
        library.close()
        server.stop(grace=None)


def _check_free(host: str, port: int, option: str) -> None:
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise UserError(f"{host}:{port}: is taken or not of this machine; choose another {option} or --host") from error
