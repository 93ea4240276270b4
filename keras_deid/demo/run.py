"""Runs the page on the loopback interface."""

from __future__ import annotations

import socket

import uvicorn

from keras_deid.demo.app import demo_app
from keras_deid.demo.engine import Engine
from keras_deid.errors import UserError

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """Takes a port; a browser that comes early waits until the page is there.

    Args:
        port: 0 for any that is free.

    Raises:
        UserError: if it is taken.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise UserError(
            f"{HOST}:{port}: is taken or not allowed; choose another --port, or 0 for a free one"
        ) from error


def page_server(engine: Engine) -> uvicorn.Server:
    """Makes the server; `run(sockets=[listen(port)])` runs it until the process is told to stop."""
    return uvicorn.Server(uvicorn.Config(demo_app(engine), log_level="warning", server_header=False, ws="none"))
