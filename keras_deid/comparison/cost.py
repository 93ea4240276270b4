"""What a run costs: parameters, training time, memory."""

from __future__ import annotations

from keras_deid.comparison.runs import Run

COSTS = {
    "parameters_generator": "parameters of G",
    "parameters_discriminator": "parameters of D",
    "images_seen": "images seen",
    "minutes": "minutes of training",
    "images_per_second": "images/s in training",
    "peak_memory_mb": "peak memory, MB",
}
_FORMS = {"minutes": ",.1f", "images_per_second": ",.1f"}


def costs_of(run: Run) -> dict[str, float | None]:
    """The costs of a run by the names of `COSTS`; None for what its summary does not tell."""
    parameters = run.summary.get("parameters", {})
    return {
        "parameters_generator": parameters.get("generator"),
        "parameters_discriminator": parameters.get("discriminator"),
        "images_seen": run.images_seen,
        "minutes": run.minutes,
        "images_per_second": run.summary.get("images_per_second"),
        "peak_memory_mb": run.summary.get("peak_memory_mb"),
    }


def cost_words(runs: tuple[Run, ...]) -> dict[str, str]:
    """Writes the costs of a model: of each run where they differ, as in "8.2, 8.4"; empty for what is not known."""
    of_runs = [costs_of(run) for run in runs]
    written = {name: [_written(name, costs[name]) for costs in of_runs] for name in COSTS}
    return {name: ", ".join(dict.fromkeys(filter(None, texts))) for name, texts in written.items()}


def _written(name: str, value: float | None) -> str:
    return "" if value is None else format(value, _FORMS.get(name, ",.0f"))
