"""The servers that the conformance tests run against: the stand-in always, TensorFlow Serving where there is one.

TensorFlow Serving is what `TF_SERVING_URL` (http://HOST:PORT) and `TF_SERVING_GRPC` (HOST:PORT) name; it serves the
folder that `test_models_for_a_server_elsewhere` wrote to `TF_SERVING_MODELS`. Without them it is started here if
`tensorflow_model_server` is on the PATH. docs/serving.md has the commands.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn

from keras_deid.serving.stand_in.app import rest_app
from keras_deid.serving.stand_in.connections import PromptHTTP
from keras_deid.serving.stand_in.grpc_server import grpc_server
from keras_deid.serving.stand_in.library import Library
from keras_deid.serving.stand_in.limits import Limits
from keras_deid.serving.stand_in.model_config import read_models_config
from keras_deid.serving.stand_in.run import IDLE_SECONDS

STAND_IN, REAL = KINDS = "stand-in", "tensorflow_model_server"
POLL_SECONDS = 0.2
START_SECONDS = 120

MODELS_CONFIG = """\
model_config_list {{
  config {{
    name: "tiny" base_path: "{base}/tiny" model_platform: "tensorflow" version_labels {{ key: "stable" value: 1 }}
  }}
  config {{ name: "renewed" base_path: "{base}/renewed" model_platform: "tensorflow" }}
}}
"""


@dataclass(frozen=True)
class Server:
    kind: str
    rest: str  # HOST:PORT
    grpc: str | None  # likewise
    folder: Path | None  # where new versions are published, if that is known


def write_models(model, folder, base):
    """Writes two models of one version, tiny and renewed, and a `models.config` that sees the folder as `base`."""
    for name in ("tiny", "renewed"):
        if not (folder / name / "1").exists():
            shutil.copytree(model, folder / name / "1")
    (folder / "models.config").write_text(MODELS_CONFIG.format(base=base))


@contextlib.contextmanager
def serving(kind, model, folder):
    """Gives a server of two models, tiny with the label stable, and renewed."""
    if kind == REAL and "TF_SERVING_URL" in os.environ:
        models = os.environ.get("TF_SERVING_MODELS")
        rest = urlsplit(os.environ["TF_SERVING_URL"]).netloc
        wait_for(rest)
        yield Server(kind, rest, os.environ.get("TF_SERVING_GRPC"), models and Path(models))
        return
    if kind == REAL and shutil.which(REAL) is None:
        pytest.skip(f"needs {REAL} on the PATH, or a server in TF_SERVING_URL; docs/serving.md has the commands")
    write_models(model, folder, folder)
    with (real_server if kind == REAL else both_stand_ins)(folder) as addresses:
        yield Server(kind, *addresses, folder)


@contextlib.contextmanager
def real_server(folder):
    ports = free_port(), free_port()
    words = [REAL, f"--rest_api_port={ports[0]}", f"--port={ports[1]}", f"--model_config_file={folder}/models.config"]
    words += ["--allow_version_labels_for_unavailable_models", "--file_system_poll_wait_seconds=1"]
    with subprocess.Popen(words) as process:
        try:
            wait_for(f"127.0.0.1:{ports[0]}")
            yield tuple(f"127.0.0.1:{port}" for port in ports)
        finally:
            process.terminate()


@contextlib.contextmanager
def both_stand_ins(folder):
    library = Library(folder, read_models_config(folder / "models.config"))
    library.refresh()
    library.watch(POLL_SECONDS)
    server, port = grpc_server(library, "127.0.0.1:0", Limits())
    server.start()
    with stand_in(library, Limits()) as address:
        yield address, f"127.0.0.1:{port}"
    server.stop(grace=None)
    library.close()


@contextlib.contextmanager
def stand_in(library, limits):
    """Gives the address of the REST interface."""
    server = uvicorn.Server(
        uvicorn.Config(rest_app(library, limits), http=PromptHTTP, log_level="warning", timeout_keep_alive=IDLE_SECONDS)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(rest, names=("tiny", "renewed"), version=None):
    """Waits until all models are served, in a version if one is given."""
    deadline = time.monotonic() + START_SECONDS
    waiting = set(names)
    while waiting:
        for name in sorted(waiting):
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"http://{rest}/v1/models/{name}", timeout=10) as answer:
                    rows = json.load(answer)["model_version_status"]
                if any(row["state"] == "AVAILABLE" and version in (None, row["version"]) for row in rows):
                    waiting.remove(name)
        assert time.monotonic() < deadline, f"{rest}: does not serve {sorted(waiting)}"
        time.sleep(0.2)
