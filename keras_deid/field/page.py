"""`field.html`: one file with the tables and a comparison sheet for each kind; it opens without a network."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from keras_deid.field.table import facts, tables
from keras_deid.report.page import render

_QUALITY = 92


def page(content: Mapping[str, Any], sheets: Mapping[str, np.ndarray], command: str) -> str:
    """Writes the page.

    Args:
        content: of `field.json`.
        sheets: by kind, uint8 `(height, width, 3)`.
        command: that does the evaluation.
    """
    return render(
        "field/field.html",
        contents={"settings": content["settings"], "command": command},
        content=content,
        facts=facts(content),
        tables=tables(content),
        sheets={kind: _jpeg_uri(picture) for kind, picture in sheets.items()},
    )


def _jpeg_uri(picture: np.ndarray) -> str:
    """Returns a picture as what the `src` of an image may be; as PNG the pages would be several times as large."""
    encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")
