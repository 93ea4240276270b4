"""The plan of a comparison: which runs take part, which of them have to be trained, and in which order."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_deid.comparison.summary_file import read_summary
from keras_deid.config import Config, load_config, portable
from keras_deid.errors import UserError

# What two seeds of one model may differ in: what they are called, and what leaves no trace in the weights.
_NOT_THE_MODEL = (
    "name",
    "description",
    "training.seed",
    "training.samples",
    "training.checkpoint_steps",
    "training.deterministic",
    "data.photos",
)
# What a run that is there already may differ in from the configuration that it is taken for.
_MAY_DIFFER = ("name", "description", "training.samples", "training.checkpoint_steps", "data.photos")
_FILES_OF_A_RUN = ("summary.json", "generator.keras", "history.csv")


@dataclass(frozen=True)
class PlannedRun:
    """A run that takes part in the comparison.

    Attributes:
        folder: where it is, or will be.
        config: its configuration.
        source: what the user gave, for messages.
        training: the words after `train.py` that make it; None for a run that was given ready.
    """

    folder: Path
    config: Config
    source: str
    training: tuple[str, ...] | None = None

    @property
    def is_trained(self) -> bool:
        """Whether training, and the evaluation that ends it, are done."""
        return _is_finished(self.folder, self.config)


def make_plan(
    paths: Sequence[Path],
    overrides: Sequence[str],
    *,
    seeds: int,
    out: Path,
    photos: Path | None = None,
    photo_settings: Sequence[str] = (),
) -> list[PlannedRun]:
    """Lists the runs to compare: those that are ready, then those to train, all models' first seeds first.

    Args:
        paths: configurations, and folders of finished runs.
        overrides: `key=value` words that hold for every configuration.
        seeds: how many times each configuration is trained, with training.seed = 0, 1, ...; for 1, with its own seed.
        out: folder that gets the runs, `NAME` and `NAME_seed1` and so on.
        photos: what `train.py --photos` is given.
        photo_settings: the settings that this means.

    Raises:
        UserError: if there is nothing to compare, something is neither a configuration nor a finished run, two models
            have one name, a run is given twice, what is in `out` is another run, or the data differ.
    """
    if not paths:
        raise UserError("nothing to compare: give configurations such as configs/ablation/*.yaml, or folders of runs")
    if seeds > 1 and any(word.startswith("training.seed=") for word in overrides):
        raise UserError(f"--seeds {seeds} trains with training.seed=0 to {seeds - 1}: leave out training.seed=...")
    planned = [_given_run(path) for path in paths if path.is_dir()]
    for seed in range(seeds):
        for path in paths:
            if not path.is_dir():
                planned.append(_training(path, overrides, seed if seeds > 1 else None, out, photos, photo_settings))
    for run in planned:
        _check_what_is_there(run)
    entries_of(planned)
    _check_data(planned)
    return planned


def entries_of(planned: Sequence[PlannedRun]) -> dict[str, list[PlannedRun]]:
    """Groups runs that differ in training.seed alone: they are one entry.

    Returns:
        by the entry's name (its configuration's, less an ending like "_seed1") its runs, by seed; entries in the order
        of the runs.

    Raises:
        UserError: if two models have one name, or two runs are the same seed of one model.
    """
    groups: dict[str, list[PlannedRun]] = {}
    for run in planned:
        groups.setdefault(_identity(run.config), []).append(run)
    entries: dict[str, list[PlannedRun]] = {}
    for group in groups.values():
        group.sort(key=lambda run: run.config.training.seed)
        for one, other in zip(group, group[1:], strict=False):
            if one.config.training.seed == other.config.training.seed:
                raise UserError(
                    f"{one.source} and {other.source}: the same model with the same seed "
                    f"{one.config.training.seed}; give one of them"
                )
        name = re.sub(r"_seed\d+$", "", group[0].config.name)
        if name in entries:
            raise UserError(
                f"{entries[name][0].source} and {group[0].source}: both are called {name!r} and are not seeds of one "
                f"model ({_what_differs(entries[name][0].config, group[0].config)}); the names should differ: change "
                "`name` in one of the configurations"
            )
        entries[name] = group
    return entries


def comparing_steps(entries: Mapping[str, Sequence[PlannedRun]]) -> int:
    """How many steps `keras_deid.comparison.compare.compare` reports: each entry, the pictures, the speed."""
    return len(entries) + 2


def model_settings(config: Config) -> dict[str, Any]:
    """Returns the settings that make a model what it is, by dotted key: those in which its seeds are alike."""
    return {
        key: value
        for key, value in config.flat().items()
        if key not in _NOT_THE_MODEL and not key.startswith(_of_other_methods(config))
    }


def _given_run(folder: Path) -> PlannedRun:
    if not (folder / "config.yaml").is_file():
        raise UserError(f"{folder}: is not a run: it has no config.yaml; give the folder of a trained run")
    run = PlannedRun(folder, load_config(folder / "config.yaml"), str(folder))
    for file in _FILES_OF_A_RUN:
        if not (folder / file).is_file():
            raise UserError(f"{folder}: is not finished: it has no {file}; finish it with keras-deid train")
    if not run.is_trained:
        raise UserError(
            f"{folder}: is not finished: summary.json has fewer epochs than config.yaml; finish it with "
            "keras-deid train"
        )
    return run


def _training(
    path: Path,
    overrides: Sequence[str],
    seed: int | None,
    out: Path,
    photos: Path | None,
    photo_settings: Sequence[str],
) -> PlannedRun:
    words = [*overrides, *([] if seed is None else [f"training.seed={seed}"])]
    config = load_config(path, [*photo_settings, *words])
    folder = out / (config.name if not seed else f"{config.name}_seed{seed}")
    options = ["--config", str(path), "--run", str(folder), *(["--photos", str(photos)] if photos else [])]
    source = str(path) if seed is None else f"{path} seed {seed}"
    return PlannedRun(folder, config, source, (*options, "--metrics-only", *words))


def _check_what_is_there(run: PlannedRun) -> None:
    """Sees that a folder which holds a run already holds the one that is meant."""
    if run.training is None or not (run.folder / "config.yaml").is_file():
        return
    there, given = portable(load_config(run.folder / "config.yaml")).flat(), portable(run.config).flat()
    without_meaning = _of_other_methods(run.config)
    for key in sorted(there | given):
        if there.get(key) != given.get(key) and key not in _MAY_DIFFER and not key.startswith(without_meaning):
            raise UserError(
                f"{run.folder}: was trained with {key}={there.get(key)!r}, {run.source} has {given.get(key)!r}; give "
                "the same settings, or choose another --out"
            )


def _check_data(planned: Sequence[PlannedRun]) -> None:
    """Sees before anything is trained that all are measured on the same pictures, as far as settings tell.

    Runs that are ready say more: see `keras_deid.comparison.runs.check_same_data`.
    """
    measured = {run.source: _measured_on(run.config) for run in planned}
    trained_on = {run.source: _trained_on(run.config) for run in planned if run.training is not None}
    for settings in (measured, trained_on):
        first = next(iter(settings), "")
        for source, theirs in settings.items():
            ours = settings[first]
            for key in ours | theirs:
                if ours.get(key) != theirs.get(key):
                    raise UserError(
                        f"{first} and {source}: different data ({key} is {ours.get(key)!r} and {theirs.get(key)!r}); "
                        "only models on the same pictures can be compared"
                    )


def _measured_on(config: Config) -> dict[str, Any]:
    flat = config.flat()
    return {
        key: value
        for key, value in flat.items()
        if key == "data.image_size" or (key.startswith("deidentify.") and key != "deidentify.train_block_size")
    }


def _trained_on(config: Config) -> dict[str, Any]:
    flat = portable(config).flat()
    kept = ("data.source", "data.path", *(("data.synthetic.",) if config.data.source == "synthetic" else ()))
    return {key: value for key, value in flat.items() if key.startswith(kept)}


def _is_finished(folder: Path, config: Config) -> bool:
    wanted = config.training.epochs + config.training.decay_epochs
    try:
        epochs = read_summary(folder).get("epochs", wanted)
    except UserError:
        return False
    return isinstance(epochs, int) and epochs >= wanted and (folder / "generator.keras").is_file()


def _of_other_methods(config: Config) -> tuple[str, ...]:
    """Names the settings that mean nothing for this way of training."""
    of_method = {
        "unpaired": ("loss.cycle_weight", "loss.identity_weight"),
        "unconditional": ("search.", "generator.latent"),
    }
    return tuple(key for method, keys in of_method.items() if method != config.training.method for key in keys)


def _identity(config: Config) -> str:
    return json.dumps(model_settings(config), sort_keys=True)


def _what_differs(one: Config, other: Config) -> str:
    ours, theirs = model_settings(one), model_settings(other)
    keys = [key for key in ours if ours[key] != theirs.get(key)]
    return f"{', '.join(keys[:3])} differ{'s' if len(keys) == 1 else ''}"


def minutes_left(planned: Sequence[PlannedRun]) -> float | None:
    """Estimates how long the training that is still to do takes, from the runs that are trained.

    Returns:
        minutes; None where no run is trained yet, from which to tell.
    """
    of_model: dict[str, list[float]] = {}
    for run in planned:
        if run.is_trained and (minutes := _minutes(run.folder)) is not None:
            of_model.setdefault(_identity(run.config), []).append(minutes)
    everything = [minutes for found in of_model.values() for minutes in found]
    if not everything:
        return None
    expected = [of_model.get(_identity(run.config), everything) for run in planned if not run.is_trained]
    return float(sum(sum(found) / len(found) for found in expected))


def _minutes(run: Path) -> float | None:
    seconds = read_summary(run).get("seconds")
    return seconds / 60 if isinstance(seconds, int | float) else None
