"""Pictures in groups: by the colour of the clothes, by the background, by the number of people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from keras_deid.explain.pictures import Pictures

LEAST_FRACTION = 0.01
"""Of the picture that must show clothes, or background, for these to have a group."""

TORSO = 3
"""Heights of the face, below it, in which the person counts as clothes: further down are legs, often bare."""

# Lightness L and chroma C are those of CIE Lab, L in 0..100.
DARK, LIGHT = 25.0, 70.0
COLOURLESS = 12.0
"""Chroma below which a pixel has no colour to speak of."""
HUES = {"red": (345.0, 45.0), "yellow or brown": (45.0, 110.0), "green": (110.0, 195.0), "blue": (195.0, 300.0)}
"""Angles in the plane of a and b, in degrees; what is left over is purple."""
COLOURS = ("dark", "grey", "light", *HUES, "purple")

EDGE = 12.0
"""Grey levels, of 256, that a pixel's neighbours differ by for an edge."""
BUSY = 0.4
"""Fraction of the background that is edges, from which on it is busy."""
BRIGHT = 50.0
"""Mean lightness from which on the background is bright."""
BORDER = 2
"""Pixels around the person that count as neither, so that the outline is no edge of the background."""

MOST_PEOPLE = 3


@dataclass(frozen=True)
class Group:
    """Some of the pictures.

    Attributes:
        by: what tells the groups apart, one of `GROUPED_BY`.
        name: of this one.
        members: bool `(pictures,)`.
    """

    by: str
    name: str
    members: np.ndarray


def groups_of(pictures: Pictures) -> list[Group]:
    """Parts pictures in every way of `GROUPED_BY`, as they are before anything is hidden.

    Returns:
        the groups that at least one picture is in, in the order of `GROUPED_BY`. A picture of which something is not
        known, as the clothes without a person mask, is in no group of that kind. A kind that tells no two pictures
        apart has no groups.
    """
    groups = []
    for by, (names, _) in GROUPED_BY.items():
        of_picture = names_of(pictures, by)
        there = [name for name in names if name in of_picture]
        if len(there) > 1:
            groups += [Group(by, name, np.array([one == name for one in of_picture])) for name in there]
    return groups


def names_of(pictures: Pictures, by: str) -> list[str | None]:
    """Names each picture's group; None where it is not known.

    Args:
        pictures: the pictures.
        by: one of `GROUPED_BY`.
    """
    _, name_of = GROUPED_BY[by]
    return [name_of(pictures, index) for index in range(len(pictures))]


def clothing_colour(picture: np.ndarray, clothes: np.ndarray) -> str | None:
    """Names the colour that most pixels of the clothes have.

    A pixel is dark below the lightness 25; without colour (chroma below 12) it is dark below 40, light from 70 on, and
    grey between; otherwise its hue names it.

    Args:
        picture: uint8 `(height, width, 3)`, RGB.
        clothes: bool `(height, width)`.

    Returns:
        one of `COLOURS`; None where clothes cover less than `LEAST_FRACTION` of the picture.
    """
    if clothes.mean() < LEAST_FRACTION:
        return None
    lightness, a, b = (channel[clothes] for channel in np.moveaxis(_lab(picture), -1, 0))
    hue = np.degrees(np.arctan2(b, a)) % 360
    named = np.full(lightness.shape, COLOURS.index("purple"))
    for name, (start, stop) in HUES.items():
        inside = (start <= hue) & (hue < stop) if start < stop else (start <= hue) | (hue < stop)
        named[inside] = COLOURS.index(name)
    colourless = np.hypot(a, b) < COLOURLESS
    named[colourless] = COLOURS.index("grey")
    named[colourless & (lightness >= LIGHT)] = COLOURS.index("light")
    named[(lightness < DARK) | (colourless & (lightness < DARK + 15))] = COLOURS.index("dark")
    return COLOURS[int(np.bincount(named, minlength=len(COLOURS)).argmax())]


def edge_density(picture: np.ndarray, background: np.ndarray) -> float:
    """Returns the fraction of the background's pixels that lie on an edge.

    Args:
        picture: uint8 `(height, width, 3)`, RGB.
        background: bool `(height, width)`, not empty.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # A Sobel kernel sums up four differences between neighbours two pixels apart.
    step = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 4
    return float((step[background] >= EDGE).mean())


def _clothing(pictures: Pictures, index: int) -> str | None:
    """Of the person in `TORSO` heights of the face below it, without what is de-identified."""
    if pictures.boxes is None:
        return None
    _, top, _, bottom = (float(edge) for edge in pictures.boxes[index, 0])
    torso = np.zeros_like(pictures.person[index])
    torso[max(0, round(bottom)) : max(0, round(bottom + TORSO * (bottom - top)))] = True
    return clothing_colour(pictures.y[index], pictures.person[index] & torso & ~pictures.mask[index])


def _clutter(pictures: Pictures, index: int) -> str | None:
    background = _background(pictures, index)
    if background is None:
        return None
    return "busy" if edge_density(pictures.y[index], background) >= BUSY else "plain"


def _brightness(pictures: Pictures, index: int) -> str | None:
    background = _background(pictures, index)
    if background is None:
        return None
    return "bright" if _lab(pictures.y[index])[background][:, 0].mean() >= BRIGHT else "dark"


def _people(pictures: Pictures, index: int) -> str | None:
    """Counts the faces of which the middle is in the picture."""
    if pictures.boxes is None:
        return None
    height, width = pictures.size
    x0, y0, x1, y1 = pictures.boxes[index].T
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    inside = (0 <= middle_x) & (middle_x < width) & (0 <= middle_y) & (middle_y < height)
    count = int((inside & (x1 > x0) & (y1 > y0)).sum())
    return None if not count else f"{MOST_PEOPLE} or more" if count >= MOST_PEOPLE else str(count)


GROUPED_BY: dict[str, tuple[tuple[str, ...], Callable[[Pictures, int], str | None]]] = {
    "clothes": (COLOURS, _clothing),
    "background": (("plain", "busy"), _clutter),
    "background's brightness": (("dark", "bright"), _brightness),
    "people": (("1", "2", f"{MOST_PEOPLE} or more"), _people),
}
"""What pictures are grouped by: the names of its groups, and what names that of a picture."""


def _background(pictures: Pictures, index: int) -> np.ndarray | None:
    """Marks what is not the person; None without a person mask, or where too little is left."""
    person = pictures.person[index]
    square = np.ones((2 * BORDER + 1, 2 * BORDER + 1), np.uint8)
    background = cv2.dilate(person.astype(np.uint8), square) == 0
    return background if person.any() and background.mean() >= LEAST_FRACTION else None


def _lab(picture: np.ndarray) -> np.ndarray:
    """Returns L in 0..100, a and b of each pixel: float32 `(height, width, 3)`."""
    return cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
