"""`scripts/serve.py saved_models`: offers exported models to other programs.

Starts TensorFlow Serving (`tensorflow_model_server`) where it is installed. Otherwise prints the docker command for it
and starts a local stand-in that speaks the same protocols, for trying out and for tests.
"""

import argparse
import math
import os
import shutil
import sys
import tempfile
from pathlib import Path

from keras_deid.cli.command import command
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.errors import UserError
from keras_deid.serving.export import versions
from keras_deid.serving.server_files import docker_command, models_config

SERVER = "tensorflow_model_server"


@command
def main(argv: list[str] | None = None) -> int:
    """Serves models; see `keras_deid.serving.stand_in.run`."""
    options = _parser().parse_args(argv)
    names = _models(options.models)
    if options.config is not None and not options.config.is_file():
        raise UserError(f"{options.config}: does not exist; give --config a models.config")
    server = None if options.stand_in else shutil.which(SERVER)
    if server is not None:
        _become_server(server, options, names)
    print(f"TensorFlow Serving{'' if options.stand_in else ' is not installed here; it'} is started by, for instance:")
    print(f"\ncd {options.models.resolve()}\n{docker_command(names[0])}\n")
    _run_stand_in(options)
    return 0


def _models(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give saved_models/, which scripts/export.py writes")
    names = sorted(base.name for base in folder.iterdir() if not base.name.startswith(".") and versions(base))
    if not names:
        raise UserError(f"{folder}: no exported model in it; give saved_models/ rather than saved_models/NAME")
    return names


def _become_server(server: str, options: argparse.Namespace, names: list[str]) -> None:
    config = options.config
    if config is None:
        config = Path(tempfile.mkdtemp(prefix="keras_deid_serve_")) / "models.config"
        config.write_text(models_config(names, options.models.resolve()), encoding="utf-8")
    words = [
        SERVER,
        f"--rest_api_port={options.port}",
        f"--model_config_file={config}",
        f"--port={options.grpc_port}",
        # Without it labels can only be given to versions that are loaded, and none is at the start.
        "--allow_version_labels_for_unavailable_models",
    ]
    print(f"TensorFlow Serving listens on all addresses of this machine, REST on port {options.port}", flush=True)
    os.execv(server, words)


def _run_stand_in(options: argparse.Namespace) -> None:
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
        configs=None if options.config is None else read_models_config(options.config),
        limits=Limits(int(options.body_limit * 2**20), int(options.pixel_limit * 1e6)),
        started=say,
    )


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="serve.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", metavar="FOLDER", type=Path, help="saved_models/, with NAME/VERSION/ in it")
    parser.add_argument("--port", type=int, default=8501, help="of REST (default: 8501)")
    parser.add_argument("--grpc-port", type=int, default=8500, help="of gRPC (default: 8500)")
    parser.add_argument("--host", default="127.0.0.1", help="where the stand-in listens (default: this machine alone)")
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="a models.config of TensorFlow Serving: which models and versions are served, and the versions' labels "
        "(default: the highest version of every model)",
    )
    parser.add_argument("--stand-in", action="store_true", help="the stand-in, even where TensorFlow Serving is there")
    parser.add_argument(
        "--body-limit",
        metavar="MIB",
        type=_positive,
        default=64,
        help="the stand-in refuses larger requests (default: 64)",
    )
    parser.add_argument(
        "--pixel-limit",
        metavar="MILLIONS",
        type=_positive,
        default=32,
        help="the stand-in refuses larger pictures (default: 32)",
    )
    return parser
