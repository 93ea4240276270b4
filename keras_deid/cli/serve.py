"""`keras-deid serve`: serves exported models."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import click

from keras_deid.cli.arguments import PATH, Positive
from keras_deid.cli.command import Command
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.errors import UserError

SERVER = "tensorflow_model_server"
_PORT = click.IntRange(0, 65535)


class _Options(NamedTuple):
    """What is served, and where."""

    models: Path
    host: str
    port: int
    grpc_port: int
    models_config: Path | None
    body_limit: float
    pixel_limit: float


@click.command("serve", cls=Command)
@click.argument("models", metavar="FOLDER", type=PATH)
@click.option("--port", type=_PORT, default=8501, show_default=True, help="Port of REST.")
@click.option("--grpc-port", type=_PORT, default=8500, show_default=True, help="Port of gRPC.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that the stand-in listens on.")
@click.option(
    "--models-config",
    metavar="FILE",
    type=PATH,
    help="A models.config of TensorFlow Serving with models, versions and labels.  "
    "[default: the highest version of every model]",
)
@click.option("--stand-in", is_flag=True, help="Start the stand-in even if TensorFlow Serving is installed.")
@click.option(
    "--body-limit",
    metavar="MIB",
    type=Positive(),
    default=64,
    show_default=True,
    help="Largest request that the stand-in accepts.",
)
@click.option(
    "--pixel-limit",
    metavar="MILLIONS",
    type=Positive(),
    default=32,
    show_default=True,
    help="Largest picture that the stand-in accepts.",
)
def main(
    models: Path,
    port: int,
    grpc_port: int,
    host: str,
    models_config: Path | None,
    stand_in: bool,
    body_limit: float,
    pixel_limit: float,
) -> int:
    """Serve the exported models in FOLDER, which has NAME/VERSION/ in it.

    Starts TensorFlow Serving (tensorflow_model_server) if it is installed. Otherwise prints the docker command for it
    and starts a local stand-in that speaks the same protocols, for trials and tests.
    """
    from keras_deid.serving.server_files import docker_command

    options = _Options(models, host, port, grpc_port, models_config, body_limit, pixel_limit)
    names = _models(models)
    if models_config is not None and not models_config.is_file():
        raise UserError(f"{models_config}: does not exist; give --models-config a models.config")
    server = None if stand_in else shutil.which(SERVER)
    if server is not None:
        _become_server(server, options, names)
    print(f"TensorFlow Serving{'' if stand_in else ' is not installed here; it'} is started by, for instance:")
    print(f"\ncd {models.resolve()}\n{docker_command(names[0])}\n")
    _run_stand_in(options)
    return 0


def _models(folder: Path) -> list[str]:
    from keras_deid.serving.export import versions

    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give saved_models/, which keras-deid export writes")
    names = sorted(base.name for base in folder.iterdir() if not base.name.startswith(".") and versions(base))
    if not names:
        raise UserError(f"{folder}: no exported model in it; give saved_models/ rather than saved_models/NAME")
    return names


def _become_server(server: str, options: _Options, names: list[str]) -> None:
    config = options.models_config
    if config is None:
        from keras_deid.serving.server_files import models_config

        config = Path(tempfile.mkdtemp(prefix="keras_deid_serve_")) / "models.config"
        config.write_text(models_config(names, options.models.resolve()), encoding="utf-8")
    words = [
        SERVER,
        f"--rest_api_port={options.port}",
        f"--model_config_file={config}",
        f"--port={options.grpc_port}",
        # Without it, labels need loaded versions, and no version is loaded at the start.
        "--allow_version_labels_for_unavailable_models",
    ]
    print(f"TensorFlow Serving listens on all addresses of this machine, REST on port {options.port}", flush=True)
    os.execv(server, words)


def _run_stand_in(options: _Options) -> None:
    start_tensorflow()
    try:
        from keras_deid.serving.stand_in.limits import Limits
        from keras_deid.serving.stand_in.model_config import read_models_config
        from keras_deid.serving.stand_in.run import run_stand_in
    except ImportError as error:
        missing = error.name or str(error)
        raise UserError(f"the stand-in needs {missing}; install it with: pip install 'keras-deid[serve]'") from error

    def say(names: list[str]) -> None:
        print("This is a stand-in for trying out and for tests, not TensorFlow Serving. Ctrl-C ends it.")
        for name in names:
            print(f"http://{options.host}:{options.port}/v1/models/{name}")
            print(f"gRPC: {options.host}:{options.grpc_port}/{name}")
        sys.stdout.flush()

    run_stand_in(
        options.models,
        options.host,
        options.port,
        options.grpc_port,
        configs=None if options.models_config is None else read_models_config(options.models_config),
        limits=Limits(int(options.body_limit * 2**20), int(options.pixel_limit * 1e6)),
        started=say,
    )
