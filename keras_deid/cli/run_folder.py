"""Loads the configuration of a trained run from its folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_deid.errors import UserError
from keras_deid.shipped import run_names

if TYPE_CHECKING:
    from keras_deid.config import Config


def load_run_config(run: Path, overrides: Sequence[str] = (), prepared: Path | None = None) -> "Config":
    """Loads the configuration that was saved with a run.

    Args:
        run: folder of the run.
        overrides: `key=value` words.
        prepared: prepared data set to use instead of the run's own data.

    Raises:
        UserError: if the folder is not a run folder, or an override is wrong.
    """
    from keras_deid.config import load_config

    path = run / "config.yaml"
    if not path.is_file():
        lacking = path if run.is_dir() else run
        shipped = ", ".join(run_names())
        raise UserError(
            f"{lacking}: does not exist; give the folder of a trained run, such as runs/NAME, or one of {shipped}"
        )
    config = load_config(path, overrides)
    if prepared is None:
        return config
    data = config.data.model_copy(update={"source": "prepared", "path": prepared})
    return config.model_copy(update={"data": data})
