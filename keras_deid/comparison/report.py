"""`comparison.html`: one file that answers first, then shows the figures, the pictures and the curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_deid.comparison import figures
from keras_deid.comparison.answers import Answer
from keras_deid.comparison.cost import COSTS, cost_words
from keras_deid.comparison.gallery import Gallery
from keras_deid.comparison.metrics import PRIMARY
from keras_deid.comparison.models import Model, floors_of
from keras_deid.comparison.table import TO_BEST, Table, markdown
from keras_deid.config import Config
from keras_deid.evaluation.table import input_name
from keras_deid.explain.figures import enlarged, png, scale_bar
from keras_deid.page import render_page

RESTORED_PER_SECOND = "images/s restored"


@dataclass(frozen=True)
class Contents:
    """Everything that the page tells.

    Attributes:
        models: that are compared.
        table: their figures.
        attention: is attention worth it here?
        best: which model is the best?
        places: sentences on where attention sits.
        budget: what each run was given to learn with, in a sentence.
        same_budget: whether it was the same for all.
        speeds: images that each model's generator restores in a second.
        gallery: the picture grid.
        blocks: (strength, dB) by name of a floor or a model; empty where the strength cannot be chosen.
        settings: what somebody needs who wants to repeat it, by its name.
        command: that does so.
    """

    models: Sequence[Model]
    table: Table
    attention: Answer
    best: Answer
    places: Sequence[str]
    budget: str
    same_budget: bool
    speeds: Mapping[str, float]
    gallery: Gallery
    blocks: Mapping[str, Sequence[tuple[float, float]]]
    settings: Mapping[str, Any]
    command: str


def page(contents: Contents) -> str:
    """Writes the page, which holds all its pictures."""
    return render_page(
        "comparison/report.html",
        contents=contents,
        table=contents.table,
        primary=PRIMARY,
        to_best=TO_BEST,
        costs=cost_table(contents),
        columns={label: [png(enlarged(one)) for one in shown] for label, shown in contents.gallery.columns.items()},
        scale=None if contents.gallery.top is None else scale_bar(contents.gallery.top),
        learning={against: figures.learning_curves(contents.models, against) for against in ("images", "minutes")},
        blocks=_block_plot(contents),
        several_seeds=any(len(model.runs) > 1 for model in contents.models),
    )


def cost_table(contents: Contents) -> tuple[list[str], dict[str, list[str]]]:
    """Lays out what the models cost.

    Returns:
        the headings, and by model its cells; a column that nobody knows anything for is left out.
    """
    words = {model.name: cost_words(model.runs) for model in contents.models}
    known = [name for name in COSTS if any(costs[name] for costs in words.values())]
    rows = {
        model: [*(costs[name] for name in known), f"{contents.speeds[model]:,.0f}" if model in contents.speeds else ""]
        for model, costs in words.items()
    }
    return [*(COSTS[name] for name in known), RESTORED_PER_SECOND], rows


def summary_markdown(contents: Contents) -> str:
    """Writes answers, table and costs as Markdown, for documents and for the terminal."""
    headings, rows = cost_table(contents)
    lines = [
        contents.attention.headline,
        contents.best.headline,
        contents.budget,
        "",
        *(f"- {sentence}" for sentence in (*contents.attention.sentences, *contents.places, *contents.best.sentences)),
        "",
        markdown(contents.table),
        "",
        f"| | {' | '.join(headings)} |",
        "|---|" + "---|" * len(headings),
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()),
    ]
    return "\n".join(lines) + "\n"


def _block_plot(contents: Contents) -> bytes | None:
    if not contents.blocks:
        return None
    first = contents.models[0].runs[0]
    floors = floors_of(contents.models)
    input_ = input_name(first.figures)
    named = {input_ if name == "mosaic" else name: points for name, points in contents.blocks.items()}
    return figures.block_curves(named, [input_ if name == "mosaic" else name for name in floors], _unit(first.config))


def _unit(config: Config) -> str:
    what = "mosaic block" if config.deidentify.method == "mosaic" else "standard deviation of the blur"
    return f"{what}, {'widths of the face' if config.deidentify.unit == 'face' else 'pixels'}"
