"""The files that TensorFlow Serving is started with."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from keras_deid.atomic import write_text

BATCH_SIZES = (1, 2, 4, 8, 16, 32)
"""A server fills a batch up to one of these sizes; the last one is its largest batch."""

_MODEL = """\
  config {{
    name: "{name}"
    base_path: "{folder}/{name}"
    model_platform: "tensorflow"
  }}
"""

_MONITORING = """\
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""

_README = """\
# Serving {name}

From the folder that holds `{name}/`:

```sh
{command}
```

REST is on port 8501, gRPC on 8500, both of this machine alone. A version that is exported while the server runs is
served within a second or so. Metrics: http://127.0.0.1:8501/monitoring/prometheus/metrics

With `--enable_batching` the server puts requests together, and fails those with `boxes` unless all have the same number
of boxes (and, as pixels, the same size): fill up with rows of zeros, or leave the option out.

Take a server at least as new as the TensorFlow that the model was exported with ({tensorflow}).
"""


def docker_command(name: str) -> str:
    """Returns the command that serves a model, to be typed in the folder that holds the model's."""
    files = f"/models/{name}/serving"
    lines = (
        "docker run --rm -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501",
        '--mount type=bind,source="$PWD",target=/models,readonly',
        f"tensorflow/serving:{version('tensorflow')}",
        f"--model_config_file={files}/models.config",
        f"--enable_batching --batching_parameters_file={files}/batching.config",
        f"--monitoring_config_file={files}/monitoring.config",
    )
    return " \\\n  ".join(lines)


def models_config(names: Sequence[str], folder: Path) -> str:
    """Returns the server's list of models.

    Args:
        names: of the models.
        folder: that holds their folders, as the server sees it.
    """
    models = "".join(_MODEL.format(name=name, folder=folder) for name in names)
    return f"model_config_list {{\n{models}}}\n"


def write_server_files(folder: Path, name: str) -> None:
    """Writes `models.config`, `batching.config`, `monitoring.config` and a README with the command.

    A configuration that is there already stays as it is: it may have been edited, to give versions labels for instance.
    So does a README that is about something else.

    Args:
        folder: is made if it does not exist.
        name: of the model; in the container it lies in `/models/NAME`.
    """
    folder.mkdir(exist_ok=True)
    files = {
        "models.config": models_config([name], Path("/models")),
        "batching.config": _batching(),
        "monitoring.config": _MONITORING,
        "README.md": _README.format(name=name, command=docker_command(name), tensorflow=version("tensorflow")),
    }
    for file, text in files.items():
        if (folder / file).exists() and not _is_ours(folder / file):
            continue
        write_text(folder / file, text)


def _is_ours(file: Path) -> bool:
    return file.name == "README.md" and file.read_bytes().startswith(b"# Serving ")


def _batching() -> str:
    """Two milliseconds are little beside what a picture takes, and enough for requests that come together to meet."""
    values = {"max_batch_size": BATCH_SIZES[-1], "batch_timeout_micros": 2000, "max_enqueued_batches": 100}
    lines = [f"{key} {{ value: {value} }}" for key, value in values.items()]
    return "\n".join(lines + [f"allowed_batch_sizes: {size}" for size in BATCH_SIZES]) + "\n"
