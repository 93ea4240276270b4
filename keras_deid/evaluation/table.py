"""The figures of an evaluation as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_deid.evaluation.groups import GROUPED_BY
from keras_deid.evaluation.image_quality import MS_SSIM_LEAST_SIDE

_COLUMNS = (
    ("psnr_mask", "PSNR dB", "{:.2f}"),
    ("ssim_mask", "SSIM", "{:.4f}"),
    ("psnr_outside", "PSNR dB", "{:.2f}"),
    ("psnr", "PSNR dB", "{:.2f}"),
    ("ssim", "SSIM", "{:.4f}"),
    ("l1", "L1", "{:.4f}"),
    ("faces_found", "found", "{:.1%}"),
)
_FURTHER_COLUMNS = (
    ("psnr_box", "PSNR dB", "{:.2f}"),
    ("ssim_box", "SSIM", "{:.4f}"),
    ("l1_box", "L1", "{:.4f}"),
    ("l1_mask", "L1 mask", "{:.4f}"),
    ("ms_ssim", "MS-SSIM", "{:.4f}"),
    ("lpips", "LPIPS", "{:.4f}"),
    ("fid", "FID", "{:.2f}"),
    ("kid", "KID", "{:.5f}"),
)
_GROUP_COLUMNS = (
    ("psnr_mask", "mask dB", "{:.2f}"),
    ("ssim_mask", "SSIM", "{:.4f}"),
    ("psnr_box", "box dB", "{:.2f}"),
    ("psnr_outside", "out dB", "{:.2f}"),
    ("faces_found", "found", "{:.1%}"),
)
# Headings above the columns, and how many columns each stands over.
_GROUPS = (("in the mask", 2), ("outside", 1), ("whole picture", 3), ("faces", 1))
_NAME_WIDTH, _WIDTH, _GAP = 10, 7, "  "
_GROUP_WIDTH = 26


def table(figures: Mapping[str, Any]) -> str:
    """Lays out the figures: a row for the original, each input and the restored pictures, a column for each metric.

    Args:
        figures: the form of `evaluation.json`.

    Returns:
        lines without a final newline; the last one says how far the restored pictures are above the best input.
    """
    groups = "".join(_GAP + heading.center(width * (_WIDTH + len(_GAP)) - len(_GAP)) for heading, width in _GROUPS)
    headings = "".join(f"{_GAP}{heading:>{_WIDTH}}" for _, heading, _ in _COLUMNS)
    rows = {"original": figures["original"], **figures["inputs"], "restored": figures["restored"]}
    lines = [
        f"{figures['split']} split, {figures['images']} picture{'s' if figures['images'] != 1 else ''}",
        (" " * _NAME_WIDTH + groups).rstrip(),
        " " * _NAME_WIDTH + headings,
        *(_row(input_name(figures) if name == "mosaic" else name, values) for name, values in rows.items()),
    ]
    return "\n".join([*lines, *_verdict(figures)])


def further_table(figures: Mapping[str, Any]) -> str:
    """Lays out the figures that `table` has no room for: in the face's box with context, and those of networks.

    Args:
        figures: the form of `evaluation.json`.

    Returns:
        lines without a final newline: a column for each metric that any of the sources has, and a line that says why
        there is no MS-SSIM where there is none.
    """
    rows = {**figures["inputs"], "restored": figures["restored"]}
    columns = [column for column in _FURTHER_COLUMNS if any(row.get(column[0]) is not None for row in rows.values())]
    lines = [
        "in the face's box with context (L1 mask: in the mask; MS-SSIM, LPIPS, FID, KID: whole picture)",
        " " * _NAME_WIDTH + "".join(f"{_GAP}{heading:>{_WIDTH}}" for _, heading, _ in columns),
        *(_row(input_name(figures) if name == "mosaic" else name, values, columns) for name, values in rows.items()),
    ]
    if all(row.get("ms_ssim") is None for row in rows.values()):
        lines.append(f"no MS-SSIM: its five scales need pictures of at least {MS_SSIM_LEAST_SIDE} px")
    return "\n".join(lines)


def group_table(figures: Mapping[str, Any]) -> str:
    """Lays out the figures of each group of pictures: by the size of the face, by block, by brightness.

    Args:
        figures: the form of `evaluation.json`.

    Returns:
        lines without a final newline: for each group, a row for each source that `table` has; nothing of what is not
            known of any picture.
    """
    lines = []
    for by, groups in figures["groups"].items():
        if not groups:
            continue
        heading, form = GROUPED_BY[by]
        headings = "".join(f"{_GAP}{name:>{_WIDTH}}" for _, name, _ in _GROUP_COLUMNS)
        lines.append(f"{f'by {heading} (pictures)':<{_GROUP_WIDTH + _NAME_WIDTH}}{headings}")
        for group in groups:
            low, high = form.format(group["low"]), form.format(group["high"])
            words = f"{low if low == high else f'{low} to {high}'} ({group['images']})"
            rows = {"original": group["original"], **group["inputs"], "restored": group["restored"]}
            for name, values in rows.items():
                label = input_name(figures) if name == "mosaic" else name
                lines.append(f"{words:<{_GROUP_WIDTH}}{_row(label, values, _GROUP_COLUMNS)}")
                words = ""
    return "\n".join(lines)


def input_name(figures: Mapping[str, Any]) -> str:
    """What to call the input, which `evaluation.json` always has as "mosaic": the method by which it came about.

    Args:
        figures: the form of `evaluation.json`; without settings the input is taken for a mosaic.

    Returns:
        "mosaic", "blur", "box", or "input" for pairs that came de-identified.
    """
    deidentify = figures.get("settings", {}).get("deidentify", {"method": "mosaic"})
    return "input" if deidentify is None else deidentify["method"]


def _row(name: str, values: Mapping[str, float | None], columns: Sequence[tuple[str, str, str]] = _COLUMNS) -> str:
    cells = (_cell(values.get(metric), form) for metric, _, form in columns)
    return f"{name:<{_NAME_WIDTH}}" + "".join(f"{_GAP}{cell:>{_WIDTH}}" for cell in cells)


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _verdict(figures: Mapping[str, Any]) -> list[str]:
    """A line that compares the restored pictures with the best input, where there is something to compare."""
    inputs = {
        name: values["psnr_mask"] for name, values in figures["inputs"].items() if values["psnr_mask"] is not None
    }
    restored = figures["restored"]["psnr_mask"]
    if not inputs or restored is None:
        return []
    best = max(inputs, key=lambda name: inputs[name])
    gain = restored - inputs[best]
    interval = figures.get("intervals", {}).get("restored", {}).get("psnr_mask")
    within = f" (95 % interval {interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    name = f"the {input_name(figures)} itself" if best == "mosaic" else f"{best} enlargement of the block means"
    side = "above" if gain >= 0 else "below"
    return [f"restored, in the mask: {restored:.2f} dB{within}, {abs(gain):.2f} dB {side} {name}"]
