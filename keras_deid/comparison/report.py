"""`comparison.html` and its Markdown: answers first, then the metrics, the pictures and the curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from keras_deid.comparison import plots
from keras_deid.comparison.answers import AttentionAnswer, BestAnswer, Pair
from keras_deid.comparison.budget import Budget
from keras_deid.comparison.cost import COSTS, cost_words
from keras_deid.comparison.entries import Entry, baselines_of
from keras_deid.comparison.gallery import Gallery
from keras_deid.comparison.table import TO_BEST, Table, to_best_words
from keras_deid.config import Config
from keras_deid.evaluation.baselines import INPUT
from keras_deid.evaluation.evaluation_file import input_name
from keras_deid.evaluation.metrics import PRIMARY
from keras_deid.report.images import enlarged, png
from keras_deid.report.overlay import scale_bar
from keras_deid.report.page import render, wording

RESTORED_PER_SECOND = "images/s restored"
SCHEMA = 1


@dataclass(frozen=True)
class Contents:
    """Everything that the page tells.

    Attributes:
        entries: that are compared.
        table: their metrics.
        attention: is attention worth it here?
        best: which entry is the best?
        places: pairs of entries that differ in where attention sits.
        budget: what the runs were given to learn with.
        speeds: images that each entry's generator restores in a second.
        gallery: the picture grid.
        blocks: (strength, dB) by name of a baseline or an entry; empty where the strength cannot be chosen.
        settings: what is needed to repeat it, by its name.
        command: that does so.
    """

    entries: Sequence[Entry]
    table: Table
    attention: AttentionAnswer
    best: BestAnswer
    places: Sequence[Pair]
    budget: Budget
    speeds: Mapping[str, float]
    gallery: Gallery
    blocks: Mapping[str, Sequence[tuple[float, float]]]
    settings: Mapping[str, Any]
    command: str

    @property
    def budget_sentence(self) -> str:
        """What the runs were given to learn with, in words."""
        return wording("comparison/words.jinja").budget(self.budget)

    def as_json(self) -> dict[str, Any]:
        """Returns the form of `comparison.json`: the answers as numbers and booleans."""
        return {
            "schema": SCHEMA,
            "entries": [row.name for row in self.table.entries],
            "pictures": self.table.pictures,
            "attention": asdict(self.attention),
            "best": asdict(self.best),
            "places": [asdict(pair) for pair in self.places],
            "budget": {**asdict(self.budget), "is_same": self.budget.is_same},
            "restored_per_second": dict(self.speeds),
            "blocks": {name: list(points) for name, points in self.blocks.items()},
            "notes": list(self.gallery.notes),
            "settings": dict(self.settings),
            "command": self.command,
        }


def page(contents: Contents) -> str:
    """Writes the page, which holds all its pictures."""
    return render(
        "comparison/report.html",
        contents=contents,
        words=wording("comparison/words.jinja"),
        table=contents.table,
        primary=PRIMARY,
        to_best=TO_BEST,
        costs=cost_table(contents),
        columns={label: [png(enlarged(one)) for one in shown] for label, shown in contents.gallery.columns.items()},
        scale=None if contents.gallery.top is None else scale_bar(contents.gallery.top),
        learning={against: plots.learning_curves(contents.entries, against) for against in ("images", "minutes")},
        blocks=_block_plot(contents),
        several_seeds=any(len(entry.runs) > 1 for entry in contents.entries),
    )


def cost_table(contents: Contents) -> tuple[list[str], dict[str, list[str]]]:
    """Lays out what the entries cost.

    Returns:
        the headings, and by entry its cells; a column without any value is left out.
    """
    words = {entry.name: cost_words(entry.runs) for entry in contents.entries}
    known = [name for name in COSTS if any(costs[name] for costs in words.values())]
    rows = {
        name: [*(costs[cost] for cost in known), f"{contents.speeds[name]:,.0f}" if name in contents.speeds else ""]
        for name, costs in words.items()
    }
    return [*(COSTS[name] for name in known), RESTORED_PER_SECOND], rows


def summary_markdown(contents: Contents) -> str:
    """Writes answers, table and costs as Markdown, for documents and for the terminal."""
    return render(
        "comparison/comparison.md.jinja",
        contents=contents,
        table=contents.table,
        primary=PRIMARY,
        to_best=TO_BEST,
        to_best_words=to_best_words,
        costs=cost_table(contents),
    )


def _block_plot(contents: Contents) -> bytes | None:
    if not contents.blocks:
        return None
    first = contents.entries[0].runs[0]
    label = input_name(first.evaluation)
    named = {label if name == INPUT else name: points for name, points in contents.blocks.items()}
    baselines = [label if name == INPUT else name for name in baselines_of(contents.entries)]
    return plots.block_curves(named, baselines, _unit(first.config))


def _unit(config: Config) -> str:
    what = "mosaic block" if config.deidentify.method == "mosaic" else "standard deviation of the blur"
    return f"{what}, {'face widths' if config.deidentify.unit == 'face' else 'pixels'}"
