"""Quality against the size of the block: one model, the same pictures, one strength of the mosaic after the other."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_deid.atomic import write_bytes, write_json
from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.evaluation.evaluate import RESTORED
from keras_deid.evaluation.job import check_out, describe, evaluate_examples, is_deidentified
from keras_deid.evaluation.table import input_name

CSV_COLUMNS = ("block", "source", "metric", "value", "low", "high")
# Panels of the picture: the metric and the name of its axis.
PANELS = {"psnr_mask": "PSNR in the mask, dB", "ssim_mask": "SSIM in the mask", "faces_found": "faces found again"}
_UNITS = {"face": "widths of the face", "pixels": "pixels"}


def evaluate_blocks(
    generator: keras.Model,
    config: Config,
    split: str,
    blocks: Sequence[float],
    out: Path,
    limit: int | None = None,
    progress: Callable[[int], object] = lambda pictures: None,
) -> dict[str, Any]:
    """Evaluates a generator at several strengths of de-identification, and writes what comes out.

    Args:
        generator: maps float `(batch, height, width, 3)` in [-1, 1] to the same.
        config: its `data` and `deidentify` say what is evaluated; each of `blocks` takes the place of `block_size`.
        split: "train", "val" or "test".
        blocks: sizes of a mosaic block (or blur sigmas), > 0, in the unit of the configuration.
        out: JSON file to write; a CSV and a PNG are written beside it, under the same name.
        limit: only the first pictures of the split.
        progress: called with the number of pictures that each further step has done, `blocks` times over the split.

    Returns:
        what was written to `out`: `{"split", "images", "unit", "blocks": [{"block", "inputs", "restored", "original",
        "intervals"}, ...]}`, blocks in ascending order and each in the form of `evaluation.json`, with the settings,
        the data and the model they belong to.

    Raises:
        UserError: as `keras_deid.evaluation.job.evaluate_data`; if the pictures are hidden by something without a
            strength: a box, or pairs that came de-identified.
    """
    check_out(out)
    check_blocks(config)
    parts = []
    for block in sorted(set(blocks)):
        config_of_block = with_block(config, block)
        evaluation = evaluate_examples(generator, config_of_block, split, limit, progress)
        figures = {**evaluation.figures(split), **describe(config_of_block, generator)}
        parts.append({"block": block, **figures})
    first = parts[0]
    shared = {key: first[key] for key in ("split", "images", "settings", "data", "model")}
    figures = {
        **shared,
        "unit": config.deidentify.unit,
        "blocks": [
            {key: part[key] for key in ("block", "inputs", "restored", "original", "intervals")} for part in parts
        ],
    }
    del figures["settings"]["deidentify"]["block_size"]
    write_bytes(out.with_suffix(".csv"), _csv(figures))
    write_bytes(out.with_suffix(".png"), _png(figures))
    write_json(out, figures)
    return figures


def with_block(config: Config, block: float) -> Config:
    """Returns the configuration with another strength of the mosaic at evaluation."""
    deidentify = config.deidentify.model_copy(update={"block_size": block})
    return config.model_copy(update={"deidentify": deidentify})


def check_blocks(config: Config) -> None:
    """Finds out before the work whether the pictures are hidden by something that has a strength.

    Raises:
        UserError: if they are not.
    """
    if is_deidentified(config):
        raise UserError("--blocks: pairs come de-identified, with a block of their own; give a prepared set (--data)")
    if config.deidentify.method == "box":
        raise UserError("--blocks: a box has no strength; give deidentify.method=mosaic or deidentify.method=blur")


def blocks_table(figures: Mapping[str, Any]) -> str:
    """Lays out the in-mask PSNR and the share of faces found: a row for each block, a column for each source.

    Args:
        figures: what `evaluate_blocks` returns.

    Returns:
        lines without a final newline.
    """
    sources = [*figures["blocks"][0]["inputs"], RESTORED]
    names = [_label(source, figures) for source in sources]
    lines = [
        f"{figures['split']} split, {figures['images']} pictures; PSNR in the mask in dB, faces found again",
        f"{'block':>8}" + "".join(f"  {name:>15}" for name in names),
    ]
    for part in figures["blocks"]:
        cells = (_cell({**part["inputs"], RESTORED: part[RESTORED]}[source]) for source in sources)
        lines.append(f"{part['block']:>8g}" + "".join(f"  {cell:>15}" for cell in cells))
    return "\n".join(lines)


def _cell(means: Mapping[str, float | None]) -> str:
    psnr, found = means["psnr_mask"], means["faces_found"]
    return f"{'-' if psnr is None else f'{psnr:.2f}'} {'-' if found is None else f'{found:.1%}':>7}"


def _label(source: str, figures: Mapping[str, Any]) -> str:
    return input_name(figures) if source == "mosaic" else source


def _values(figures: Mapping[str, Any]) -> Iterator[tuple[float, str, str, float, list[float] | None]]:
    """Yields (block, source, metric, value, interval), without values that do not exist."""
    for part in figures["blocks"]:
        intervals = {**part["intervals"]["inputs"], RESTORED: part["intervals"][RESTORED]}
        for source, means in {**part["inputs"], RESTORED: part[RESTORED]}.items():
            for metric, value in means.items():
                if value is not None:
                    yield part["block"], source, metric, value, intervals[source][metric]


def _csv(figures: Mapping[str, Any]) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(CSV_COLUMNS)
    for block, source, metric, value, interval in _values(figures):
        low, high = (f"{bound:.6g}" for bound in interval) if interval else ("", "")
        lines.writerow((f"{block:g}", source, metric, f"{value:.6g}", low, high))
    return text.getvalue().encode()


def _png(figures: Mapping[str, Any]) -> bytes:
    values = list(_values(figures))
    figure = Figure(figsize=(4.2 * len(PANELS), 3.6), layout="constrained")
    for axes, (metric, label) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        for source in dict.fromkeys(source for _, source, *_ in values):
            points = [
                (block, value, *(interval or (value, value)))
                for block, of, named, value, interval in values
                if (of, named) == (source, metric)
            ]
            if not points:
                continue
            block, value, low, high = np.array(points).T
            (line,) = axes.plot(
                block,
                value,
                label=_label(source, figures),
                marker="o",
                linewidth=2.2 if source == RESTORED else 1.2,
                linestyle="-" if source == RESTORED else "--",
            )
            axes.fill_between(block, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
        axes.set(xlabel=f"block, {_UNITS[figures['unit']]}", ylabel=label)
        axes.grid(alpha=0.3)
    figure.axes[0].legend()
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=110)
    return png.getvalue()
