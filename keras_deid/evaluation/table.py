"""The figures of an evaluation as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COLUMNS = (
    ("psnr_mask", "PSNR dB", "{:.2f}"),
    ("ssim_mask", "SSIM", "{:.4f}"),
    ("psnr_outside", "PSNR dB", "{:.2f}"),
    ("psnr", "PSNR dB", "{:.2f}"),
    ("ssim", "SSIM", "{:.4f}"),
    ("l1", "L1", "{:.4f}"),
    ("faces_found", "found", "{:.1%}"),
)
# Headings above the columns, and how many columns each stands over.
_GROUPS = (("in the mask", 2), ("outside", 1), ("whole picture", 3), ("faces", 1))
_NAME_WIDTH, _WIDTH, _GAP = 10, 7, "  "


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


def input_name(figures: Mapping[str, Any]) -> str:
    """What to call the input, which `evaluation.json` always has as "mosaic": the method by which it came about.

    Args:
        figures: the form of `evaluation.json`; without settings the input is taken for a mosaic.

    Returns:
        "mosaic", "blur", "box", or "input" for pairs that came de-identified.
    """
    deidentify = figures.get("settings", {}).get("deidentify", {"method": "mosaic"})
    return "input" if deidentify is None else deidentify["method"]


def _row(name: str, values: Mapping[str, float | None]) -> str:
    cells = (_cell(values.get(metric), form) for metric, _, form in _COLUMNS)
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
