"""The configuration of a trained run, for the commands that are given its folder."""

from collections.abc import Sequence
from pathlib import Path

from keras_deid.config import Config, load_config
from keras_deid.errors import UserError


def load_run_config(run: Path, overrides: Sequence[str] = (), prepared: Path | None = None) -> Config:
    """Loads the configuration that was saved with a run.

    Args:
        run: folder of the run.
        overrides: `key=value` words.
        prepared: prepared data set to look at instead of the run's own data.

    Raises:
        UserError: if the folder is not that of a run, or an override is a mistake.
    """
    path = run / "config.yaml"
    if not path.is_file():
        lacking = path if run.is_dir() else run
        raise UserError(f"{lacking}: does not exist; give the folder of a trained run, such as runs/NAME")
    config = load_config(path, overrides)
    if prepared is None:
        return config
    data = config.data.model_copy(update={"source": "prepared", "path": prepared})
    return config.model_copy(update={"data": data})
