"""The scores of a photograph whose faces were hidden in one kind, and of its faces."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_deid.boxes import Box, Rectangle
from keras_deid.evaluation.image_quality import SSIM_WINDOW, mean_over, psnr, ssim_map
from keras_deid.evaluation.landmarks import FaceWithLandmarks, LandmarkDetector, normalized_mean_errors
from keras_deid.field.matching import best_match, match_regions
from keras_deid.field.outside import changed_outside, difference_outside
from keras_deid.field.sharpness import relative_sharpness
from keras_deid.hiding.kinds import Hidden
from keras_deid.restoring.found import Region

ORIGINAL = "original"
SOURCES = ("input", "bicubic", "inpainted", "restored")
"""The hidden photograph, two baselines, and what the model makes of it."""
METRICS = ("psnr", "ssim", "found", "nme", "sharpness")
_HALF = 0.5

Record = dict[str, Any]
"""What JSON can hold; a number that does not exist is None."""


def score_photograph(
    hidden: Hidden,
    faces: Sequence[Box],
    found: Sequence[Region],
    pictures: Mapping[str, np.ndarray],
    detector: LandmarkDetector,
    original_faces: Sequence[FaceWithLandmarks],
) -> Record:
    """Scores a photograph at its own size.

    Args:
        hidden: the photograph with hidden faces.
        faces: the true boxes, in pixels of `hidden.picture`, one for each of `hidden.regions`.
        found: the regions that were restored.
        pictures: by each of `SOURCES`, uint8 of the shape of `hidden.picture`; what is the input itself may be absent.
        detector: finds faces again.
        original_faces: what it finds in `hidden.original`.

    Returns:
        `hidden`, `found` and `matched`: numbers of regions; `changed_outside`, pixels outside the found regions, and
        `difference_outside`, levels of 255, of the restored picture; and `faces`, for each face `face`, `region`,
        `region_found` and `sources`, with `METRICS` by each of `SOURCES`, and `found` by `ORIGINAL`.
    """
    matches = match_regions(hidden.regions, [region.box for region in found])
    before, restored = pictures["input"], pictures["restored"]
    detected = {source: detector.detect(picture) for source, picture in pictures.items()}
    records = []
    for face, region, match in zip(faces, hidden.regions, matches, strict=True):
        points = _landmarks(face, original_faces)
        sources: dict[str, Record] = {ORIGINAL: {"found": float(points is not None)}}
        for source in SOURCES:
            if source in pictures:
                sources[source] = {
                    **_closeness(hidden, pictures[source], region),
                    **_usefulness(face, points, detected[source]),
                }
            else:
                sources[source] = sources["input"]
        records.append(
            {
                "face": [round(edge, 2) for edge in face],
                "region": list(region),
                "region_found": match is not None,
                "sources": sources,
            }
        )
    return {
        "hidden": len(hidden.regions),
        "found": len(found),
        "matched": sum(match is not None for match in matches),
        "changed_outside": changed_outside(before, restored, [region.box for region in found]),
        "difference_outside": _number(difference_outside(before, restored, hidden.mask)),
        "faces": records,
    }


def _closeness(hidden: Hidden, picture: np.ndarray, region: Rectangle) -> Record:
    """Scores the hidden pixels of a region."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = region
    # What lies farther away is in no window of SSIM.
    left, top = max(x0 - SSIM_WINDOW, 0), max(y0 - SSIM_WINDOW, 0)
    around = slice(top, min(y1 + SSIM_WINDOW, height)), slice(left, min(x1 + SSIM_WINDOW, width))
    inside = np.zeros(picture.shape[:2], bool)
    inside[y0:y1, x0:x1] = hidden.mask[y0:y1, x0:x1] > _HALF
    before, after, inside = hidden.original[around], picture[around], inside[around]
    return {
        "psnr": _number(psnr(before, after, inside)),
        "ssim": _number(mean_over(ssim_map(before, after), inside)),
        "sharpness": _number(relative_sharpness(before, after, inside)),
    }


def _usefulness(face: Box, points: np.ndarray | None, detected: Sequence[FaceWithLandmarks]) -> Record:
    """Tells whether a face is found again, and how far off its landmarks are."""
    again = _landmarks(face, detected)
    if points is None or again is None:
        return {"found": float(again is not None), "nme": None}
    size = math.sqrt((face[2] - face[0]) * (face[3] - face[1]))
    error = normalized_mean_errors(again[None], points[None], np.array([size]))
    return {"found": 1.0, "nme": _number(float(error[0]))}


def _landmarks(face: Box, detected: Sequence[FaceWithLandmarks]) -> np.ndarray | None:
    best = best_match(face, [one.box for one in detected])
    return None if best is None else np.array(detected[best].landmarks)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 5)
