"""The metrics of an evaluation as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from keras_deid.evaluation.baselines import INPUT
from keras_deid.evaluation.evaluation import ORIGINAL, RESTORED
from keras_deid.evaluation.evaluation_file import input_name
from keras_deid.evaluation.groups import GROUPED_BY
from keras_deid.evaluation.image_quality import MS_SSIM_LEAST_SIDE
from keras_deid.evaluation.metrics import PRIMARY, Metric
from keras_deid.evaluation.usefulness import FAILURE, OUTCOMES

_COLUMNS = ("psnr_mask", "ssim_mask", "psnr_outside", "psnr", "ssim", "l1", "faces_found")
_FURTHER_COLUMNS = ("psnr_box", "ssim_box", "l1_box", "l1_mask", "ms_ssim", "lpips", "fid", "kid")
_GROUP_COLUMNS = ("psnr_mask", "ssim_mask", "psnr_box", "psnr_outside", "faces_found")
_OUTCOMES = {"nme": "mean error (NME)", "failure_rate": f"failures (above {FAILURE:.0%})"}


def metrics_table(evaluation: Mapping[str, Any]) -> str:
    """Lays out the metrics: a row for the original, each baseline and the restored pictures, a column for each metric.

    Args:
        evaluation: the form of `evaluation.json`.

    Returns:
        lines without a final newline; the last one says how far the restored pictures are above the best baseline.
    """
    images = evaluation["images"]
    title = f"{evaluation['split']} split, {images} picture{'s' if images != 1 else ''}"
    rows = [[name, *_cells(means, _COLUMNS)] for name, means in _sources(evaluation, evaluation)]
    return "\n".join([title, _aligned(rows, ["", *_headings(_COLUMNS)]), *_against_the_best_baseline(evaluation)])


def further_table(evaluation: Mapping[str, Any]) -> str:
    """Lays out the metrics that `metrics_table` has no room for: in the face's box with context, and those of networks.

    Args:
        evaluation: the form of `evaluation.json`.

    Returns:
        lines without a final newline: a column for each metric that any of the sources has, and a line that says why
        there is no MS-SSIM where there is none.
    """
    sources = [(name, means) for name, means in _sources(evaluation, evaluation) if name != ORIGINAL]
    columns = [name for name in _FURTHER_COLUMNS if any(means.get(name) is not None for _, means in sources)]
    rows = [[name, *_cells(means, columns)] for name, means in sources]
    lines = ["box: the face's box with context; overall: the whole picture", _aligned(rows, ["", *_headings(columns)])]
    if all(means.get("ms_ssim") is None for _, means in sources):
        lines.append(f"no MS-SSIM: its five scales need pictures of at least {MS_SSIM_LEAST_SIDE} px")
    return "\n".join(lines)


def group_table(evaluation: Mapping[str, Any]) -> str:
    """Lays out the metrics of each group of pictures: by the size of the face, by block, by brightness.

    Args:
        evaluation: the form of `evaluation.json`.

    Returns:
        lines without a final newline: for each group, a row for each source that `metrics_table` has; a grouping in
        which no picture has a value is left out.
    """
    tables = []
    for by, groups in evaluation["groups"].items():
        if not groups:
            continue
        heading, form = GROUPED_BY[by]
        rows = []
        for group in groups:
            low, high = form.format(group["low"]), form.format(group["high"])
            title = f"{low if low == high else f'{low} to {high}'} ({group['images']})"
            for name, means in _sources(evaluation, group):
                rows.append([title, name, *_cells(means, _GROUP_COLUMNS)])
                title = ""
        tables.append(_aligned(rows, [f"by {heading} (pictures)", "", *_headings(_GROUP_COLUMNS)], names=2))
    return "\n".join(tables)


def blocks_table(study: Mapping[str, Any]) -> str:
    """Lays out the in-mask PSNR and the fraction of faces found: a row for each block, two columns for each source.

    Args:
        study: what `evaluate_blocks` returns.

    Returns:
        lines without a final newline.
    """
    columns = (PRIMARY, "faces_found")
    sources = [name for name, _ in _sources(study, study["blocks"][0]) if name != ORIGINAL]
    headings = [f"{name}\n{unit}" for name in sources for unit in ("dB", "found")]
    rows = [
        [
            f"{part['block']:g}",
            *(cell for name, means in _sources(study, part) if name != ORIGINAL for cell in _cells(means, columns)),
        ]
        for part in study["blocks"]
    ]
    title = f"{study['split']} split, {study['images']} pictures; PSNR in the mask in dB, faces found again"
    return f"{title}\n{_aligned(rows, ['block', *headings], names=0)}"


def usefulness_table(usefulness: Mapping[str, Any]) -> str:
    """Lays out what `evaluate_usefulness` returns, and says what it means.

    Returns:
        lines without a final newline.
    """
    hidden = input_name(usefulness)
    title = (
        f"landmarks found in {usefulness['test_pictures']} original test pictures by a small network, trained on "
        f"{usefulness['train_pictures']} pictures ({usefulness['seeds']} seeds; 95 % intervals; lower is better)"
    )
    rows = [
        [hidden if source == INPUT else source, *(_with_interval(usefulness[outcome], source) for outcome in OUTCOMES)]
        for source in usefulness[OUTCOMES[0]]["values"]
    ]
    verdicts = (_recovered(_OUTCOMES[outcome], usefulness[outcome], hidden) for outcome in OUTCOMES)
    return "\n".join([title, _aligned(rows, ["trained on", *_OUTCOMES.values()]), *verdicts])


def _sources(evaluation: Mapping[str, Any], part: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields name and means of each source that the evaluation, or a part of it, has."""
    yield ORIGINAL, part[ORIGINAL]
    for source, means in part["baselines"].items():
        yield (input_name(evaluation) if source == INPUT else source), means
    yield RESTORED, part[RESTORED]


def _cells(means: Mapping[str, float | None], columns: Sequence[str]) -> list[str]:
    return [Metric.of(name).written(means.get(name)) for name in columns]


def _headings(columns: Sequence[str]) -> list[str]:
    return [Metric.of(name).short_heading for name in columns]


def _aligned(rows: Sequence[Sequence[str]], headings: Sequence[str], names: int = 1) -> str:
    """Sets the first columns, which hold names, to the left, the others to the right, and headings of one line low."""
    if any("\n" in heading for heading in headings):
        headings = [heading if "\n" in heading else f"\n{heading}" for heading in headings]
    alignment = ["left"] * names + ["right"] * (len(headings) - names)
    return tabulate(rows, headings, tablefmt="plain", disable_numparse=True, colalign=alignment)


def _against_the_best_baseline(evaluation: Mapping[str, Any]) -> list[str]:
    """A line that compares the restored pictures with the best baseline, where there is something to compare."""
    known = {source: means[PRIMARY] for source, means in evaluation["baselines"].items() if means[PRIMARY] is not None}
    restored = evaluation[RESTORED][PRIMARY]
    if not known or restored is None:
        return []
    best = max(known, key=lambda source: known[source])
    gain = restored - known[best]
    interval = evaluation.get("intervals", {}).get(RESTORED, {}).get(PRIMARY)
    within = f" (95 % interval {interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    name = f"the {input_name(evaluation)} itself" if best == INPUT else f"{best} enlargement of the block means"
    side = "above" if gain >= 0 else "below"
    return [f"restored, in the mask: {restored:.2f} dB{within}, {abs(gain):.2f} dB {side} {name}"]


def _with_interval(outcome: Mapping[str, Any], source: str) -> str:
    low, high = outcome["intervals"][source]
    return f"{outcome['values'][source]:.3f} ({low:.3f} to {high:.3f})"


def _recovered(name: str, outcome: Mapping[str, Any], hidden: str) -> str:
    lost, (low, high) = outcome["lost"], outcome["intervals"]["lost"]
    if outcome["fraction"] is None:
        return (
            f"{name}: what the {hidden} adds cannot be told from nothing ({lost:.3f}, interval {low:.3f} to "
            f"{high:.3f}): a fraction given back would mean nothing"
        )
    least, most = outcome["intervals"]["fraction"]
    return (
        f"{name}: the {hidden} adds {lost:.3f}; restoration takes {outcome['fraction']:.0%} of it away "
        f"(interval {least:.0%} to {most:.0%})"
    )
