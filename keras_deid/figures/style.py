"""How the figures look, and how they are written: vector text with its fonts, for print."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from keras_deid.atomic import write_bytes

WIDTH = 7.16
"""Inches: both columns of a page."""
TEXT_SIZE = 6.5
INK, SOFT = "#222222", "#bbbbbb"
DPI = 300

# TrueType instead of Type 3, which many publishers refuse.
_SETTINGS: Any = {"pdf.fonttype": 42, "font.family": "DejaVu Sans"}


def write_figure(path: Path, figure: Figure) -> None:
    """Writes a figure as PDF, with its text as text and its fonts embedded, and as PNG of 300 dots an inch.

    Args:
        path: without ending; `.pdf` and `.png` are added.
        figure: the figure. The files say nothing of when they were written: the same figure gives the same files.
    """
    metadata = {"pdf": {"CreationDate": None}, "png": {"Software": None}}
    with matplotlib.rc_context(_SETTINGS):
        for form in ("pdf", "png"):
            file = io.BytesIO()
            figure.savefig(file, format=form, dpi=DPI, metadata=metadata[form])
            write_bytes(path.with_suffix(f".{form}"), file.getvalue())
