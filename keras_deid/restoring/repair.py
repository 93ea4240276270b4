"""Restores the regions of pictures: cut out, restored at their own detail, put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from keras_deid.data.crops import Square, cut_square, square_about
from keras_deid.data.flat import fill_flat
from keras_deid.data.images import resize_image
from keras_deid.restoring.crop_batches import BATCH_SIZE
from keras_deid.restoring.detail import Place, add_detail, resized_opacity
from keras_deid.restoring.found import Region
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.steady import Steady
from keras_deid.restoring.views import restore_views
from keras_deid.restoring.whole import fit_back, fit_into

_PIXELS_HELD = 8_000_000
"""Regions are restored together until their squares have so many pixels."""
_LEAST_FILLED = 8
"""Pixels: smaller regions look flat whatever they show."""


def restore_regions(
    model: PictureModel,
    pictures: Sequence[np.ndarray],
    regions: Sequence[Sequence[Region]],
    steady: Steady | None = None,
    tracks: Sequence[int] = (),
) -> list[np.ndarray]:
    """Restores the regions of several pictures.

    Each region is restored at the model's size first. Where it is larger in the picture, the answer is enlarged twice
    and the model adds the detail that this lacks, tile by tile, until the region has its own size.

    Args:
        model: what restores; in one that is not square, a square lies in the middle with its edge repeated.
        pictures: uint8 `(height, width, 3)`, RGB; are not changed.
        regions: of each picture; where two overlap, the later one lies on top.
        steady: keeps the squares of a video steady; the pictures are its frames in their order.
        tracks: with `steady`, to which track each region belongs, of all pictures one after the other.

    Returns:
        Pictures of the same shapes. Pixels outside the regions are the same.
    """
    places = [
        Place(picture, region, square_about(region.box, model.context))
        for picture, found in zip(pictures, regions, strict=True)
        for region in found
    ]
    results = [picture.copy() if found else picture for picture, found in zip(pictures, regions, strict=True)]
    targets = (result for result, found in zip(results, regions, strict=True) for _ in found)
    number = iter(tracks)
    for batch in _batches(places):
        crops = [_seen(place, min(model.size)) for place in batch]
        if steady is None:
            squares: Iterable[np.ndarray] = _restore_batch(model, batch, crops)
        else:
            squares = _restore_steadily(model, batch, crops, steady, [next(number) for _ in batch])
        for place, square in zip(batch, squares, strict=True):
            _put_back(next(targets), place.region, place.square, square)
    return results


def _batches(places: Sequence[Place]) -> Iterator[list[Place]]:
    batch: list[Place] = []
    for place in places:
        batch.append(place)
        if len(batch) == BATCH_SIZE or sum(one.square.side**2 for one in batch) >= _PIXELS_HELD:
            yield batch
            batch = []
    if batch:
        yield batch


def _restore_batch(model: PictureModel, batch: Sequence[Place], crops: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns the restored squares; `crops` are what the model sees of them."""
    size = min(model.size)
    answers = restore_views(model, [fit_into(crop, model.size) for crop in crops])
    return add_detail(model, batch, [fit_back(answer, (size, size)) for answer in answers])


def _restore_steadily(
    model: PictureModel, batch: Sequence[Place], crops: Sequence[np.ndarray], steady: Steady, tracks: Sequence[int]
) -> Iterator[np.ndarray]:
    """Yields the squares of a video; those that are repeated do not go through the model."""
    repeats = [steady.repeats(track, crop) for track, crop in zip(tracks, crops, strict=True)]
    asked = [index for index, repeated in enumerate(repeats) if not repeated]
    answers = iter(_restore_batch(model, [batch[index] for index in asked], [crops[index] for index in asked]))
    for track, crop, repeated in zip(tracks, crops, repeats, strict=True):
        yield steady.repeat(track) if repeated else steady.smooth(track, crop, next(answers))


def _seen(place: Place, size: int) -> np.ndarray:
    """Returns what the model sees of a region; a flat one, large enough to be called so, is filled from around it."""
    crop = cut_square(place.picture, place.square, size)
    x0, y0, x1, y1 = place.region.box
    if min(x1 - x0, y1 - y0) < _LEAST_FILLED:
        return crop
    return fill_flat(crop, resized_opacity(place.region, place.square, size))


def _put_back(picture: np.ndarray, region: Region, square: Square, answer: np.ndarray) -> None:
    """Replaces the region's pixels, and no others."""
    x0, y0, x1, y1 = region.box
    own_size = resize_image(answer, (square.side, square.side))
    restored = own_size[y0 - square.top : y1 - square.top, x0 - square.left : x1 - square.left]
    below = picture[y0:y1, x0:x1]
    if region.opacity is None:
        below[:] = restored
    else:
        below[:] = np.round(below + region.opacity[..., None] * (restored.astype(np.float32) - below)).astype(np.uint8)
