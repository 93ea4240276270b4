"""What a person can do on the page, without the page: find, restore, compare, explain."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from keras_deid.boxes import Box, box_to_crop
from keras_deid.data.crops import cut_square, square_about
from keras_deid.demo.attention import Attention, RegionAttention
from keras_deid.demo.picture import Picture
from keras_deid.errors import UserError
from keras_deid.explain.networks import load_network
from keras_deid.explain.targets import TARGETS
from keras_deid.restoring.found import Region, given_region
from keras_deid.restoring.locate import THRESHOLD, regions_in
from keras_deid.restoring.looks import Mark, look_at
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.repair import restore_regions
from keras_deid.restoring.run_locator import RunLocator
from keras_deid.restoring.run_model import RunModel
from keras_deid.restoring.runtime import TENSORFLOW, Runtime
from keras_deid.shipped import find_run

TARGET = TARGETS["masked-patches"]
"""What the maps explain: D's verdict on the patches that see the region."""
VIEW_SIDE = 2048
"""Pixels of the longer side above which a picture is shrunk for the screen."""


@dataclass(frozen=True)
class Explanation:
    """What the networks made of one region.

    Attributes:
        crop: what the restorer saw, uint8 `(height, width, 3)`.
        restored: its answer, of the same shape.
        attention: the maps.
    """

    crop: np.ndarray
    restored: np.ndarray
    attention: RegionAttention


class Engine:
    """Finds, restores and explains.

    Args:
        model: the restorer; its pictures are squares.
        mark: the locator.
        load_attention: makes what explains, when it is first asked for; may raise `UserError`.
    """

    def __init__(self, model: PictureModel, mark: Mark, load_attention: Callable[[], Attention]) -> None:
        self.model = model
        self._mark = mark
        self._load_attention = load_attention

    @functools.cached_property
    def attention(self) -> Attention:
        """What explains.

        Raises:
            UserError: if the run cannot be explained, for instance because it has no discriminator.
        """
        return self._load_attention()

    def find(self, picture: Picture, threshold: float = THRESHOLD) -> list[Region]:
        """Finds the hidden regions, the surest first.

        Args:
            picture: the photograph.
            threshold: least score, in (0, 1).

        Raises:
            UserError: if the threshold is not in (0, 1).
        """
        if not 0 < threshold < 1:
            raise UserError(f"threshold={threshold}: expected a number between 0 and 1")

        if picture.looks is None:
            picture.looks = look_at(self._mark, picture.pixels)
        picture.found = regions_in(picture.looks, picture.pixels, threshold)
        return picture.found

    def restore(self, picture: Picture, boxes: Sequence[Box]) -> np.ndarray:
        """Restores the regions in these boxes.

        A box that is exactly that of a region that was found keeps the region's outline; any other one is restored
        to its edges.

        Args:
            picture: the photograph; gets the result as `restored`.
            boxes: `(x0, y0, x1, y1)` in pixels of the photograph, at least one.

        Returns:
            uint8 `(height, width, 3)`: outside the regions the same pixels.

        Raises:
            UserError: if there is no box, or one lies outside of the picture.
        """
        if not boxes:
            raise UserError("there is no region to restore; add a box")
        regions = [self._region(picture, box) for box in boxes]
        picture.restored = restore_regions(self.model, [picture.pixels], [regions])[0]
        return picture.restored

    def explain(self, picture: Picture, box: Box) -> Explanation:
        """Shows what the restorer saw of a region, its answer, and where the chain of G and D looked.

        Args:
            picture: the photograph.
            box: the region, as for `restore`.

        Raises:
            UserError: if the run cannot be explained, or the box lies outside of the picture.
        """
        attention = self.attention
        region = self._region(picture, box)
        square = square_about(region.box, self.model.context)
        side = self.model.size[0]
        crop = cut_square(picture.pixels, square, side)
        x0, y0, x1, y1 = box_to_crop(region.box, square.edges, self.model.size)
        inside = np.zeros((side, side), np.uint8)
        inside[math.floor(y0) : math.ceil(y1), math.floor(x0) : math.ceil(x1)] = 1
        return Explanation(crop, self.model.restore(crop[None])[0], attention.look(crop, inside))

    def view(self, picture: Picture, restored: bool = False, box: Box | None = None) -> np.ndarray:
        """Returns what the screen shows: the picture, or the surroundings of a region, shrunk to `VIEW_SIDE`.

        Args:
            picture: the photograph.
            restored: whether the restored picture is shown.
            box: the region, as for `restore`; None: the whole picture.

        Returns:
            uint8 `(height, width, 3)`.

        Raises:
            UserError: if the picture is not restored yet, or the box lies outside of it.
        """
        pixels = picture.restored if restored else picture.pixels
        if pixels is None:
            raise UserError(f"{picture.name}: is not restored yet; restore it first")
        if box is not None:
            square = square_about(self._region(picture, box).box, self.model.context)
            x0, y0, x1, y1 = square.edges
            pixels = pixels[max(y0, 0) : y1, max(x0, 0) : x1]
        scale = VIEW_SIDE / max(pixels.shape[:2])
        if scale >= 1:
            return pixels
        height, width = (max(round(side * scale), 1) for side in pixels.shape[:2])
        return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)

    def _region(self, picture: Picture, box: Box) -> Region:
        for region in picture.found:
            if region.box == tuple(box):
                return region
        try:
            return given_region(box, picture.pixels.shape[:2])
        except ValueError as error:
            raise UserError("a box lies outside of the picture; move or delete it") from error


def load_engine(run: str | os.PathLike[str], locator: str | os.PathLike[str], runtime: Runtime = TENSORFLOW) -> Engine:
    """Loads the networks.

    Args:
        run: folder of a trained run, or the name of a shipped one: the restorer.
        locator: the same of the locator.
        runtime: what restorer and locator run on; what explains runs on TensorFlow.

    Raises:
        UserError: if one of them is not a trained run of its kind.
    """
    folder = find_run(run)
    model, finder = RunModel(folder, runtime), RunLocator(locator, runtime)
    return Engine(model, finder.mark, lambda: Attention(load_network(folder).chain, TARGET))
