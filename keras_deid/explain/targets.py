"""What score is explained: which patches of D's verdict count, and with which sign."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import keras
import numpy as np

from keras_deid.errors import UserError


@dataclass(frozen=True)
class PatchView:
    """Which pixels each patch logit of D looks at directly.

    Patch (i, j) sees the square of `size` pixels with its upper left corner at (start + i stride, start + j stride), as
    far as it lies in the picture. Instance normalization lets every patch feel the whole picture's mean and
    variance; that is not counted.

    Attributes:
        size: side of the square, in pixels.
        stride: pixels between neighbours.
        start: row and column of the first square's corner; negative where D pads.
    """

    size: int
    stride: int
    start: int

    @classmethod
    def of(cls, discriminator: keras.Model) -> PatchView:
        """Works the view out from D's convolutions and paddings, which must be one behind the other and square.

        Raises:
            UserError: if D has a convolution of another kind.
        """
        size, stride, start = 1, 1, 0
        for layer in discriminator.layers:
            if isinstance(layer, keras.layers.ZeroPadding2D):
                start -= layer.padding[0][0] * stride
            elif isinstance(layer, keras.layers.Conv2D):
                (kernel, other), (step, _) = layer.kernel_size, layer.strides
                if kernel != other or layer.padding != "valid" or layer.dilation_rate != (1, 1):
                    raise UserError(f"what a patch sees is known for plain square convolutions, {layer.name} is none")
                size += (kernel - 1) * stride
                stride *= step
        return cls(size, stride, start)

    def meets(self, masks: np.ndarray, rows: int, columns: int) -> np.ndarray:
        """Tells which patches see something of the mask.

        Args:
            masks: `(pictures, height, width)`, not 0 inside.
            rows: of patches.
            columns: of patches.

        Returns:
            bool `(pictures, rows, columns)`.
        """
        inside = np.asarray(masks) != 0
        met = np.empty((len(inside), rows, columns), bool)
        for row in range(rows):
            for column in range(columns):
                seen = inside[:, self._span(row), self._span(column)]
                met[:, row, column] = seen.any(axis=(1, 2))
        return met

    def _span(self, index: int) -> slice:
        first = self.start + index * self.stride
        return slice(max(first, 0), max(first + self.size, 0))


class Target(ABC):
    """A score made from D's patch logits: their weighted sum.

    Attributes:
        name: as the command takes it.
        words: as the report calls it.
    """

    name: str
    words: str

    @abstractmethod
    def patch_weights(self, masks: np.ndarray, view: PatchView, rows: int, columns: int) -> np.ndarray:
        """Weighs the patches.

        Args:
            masks: `(pictures, height, width)`, not 0 where the pictures are de-identified.
            view: what the patches see.
            rows: of patches.
            columns: of patches.

        Returns:
            float32 `(pictures, rows, columns)`; absolute values sum to 1, or are all 0 where no patch counts.
        """


class Real(Target):
    """The mean patch logit: how real D finds the restored picture. The paper's score."""

    name = "real"
    words = "D's verdict “real”: the mean patch logit"

    def patch_weights(self, masks: np.ndarray, view: PatchView, rows: int, columns: int) -> np.ndarray:
        """Weighs all patches alike."""
        return np.full((len(masks), rows, columns), 1 / (rows * columns), np.float32)


class Fake(Target):
    """The negative of the mean patch logit."""

    name = "fake"
    words = "D's verdict “fake”: the negative of the mean patch logit"

    def patch_weights(self, masks: np.ndarray, view: PatchView, rows: int, columns: int) -> np.ndarray:
        """Weighs all patches alike, and negatively."""
        return -Real().patch_weights(masks, view, rows, columns)


class MaskedPatches(Target):
    """The mean logit of just the patches that see something of the de-identified region."""

    name = "masked-patches"
    words = "D's verdict “real” on the patches that see the de-identified region"

    def patch_weights(self, masks: np.ndarray, view: PatchView, rows: int, columns: int) -> np.ndarray:
        """Weighs the patches that meet the mask alike; all 0 for an empty mask."""
        met = view.meets(masks, rows, columns).astype(np.float32)
        return met / np.maximum(met.sum(axis=(1, 2), keepdims=True), 1)


TARGETS: dict[str, Target] = {target.name: target for target in (Real(), Fake(), MaskedPatches())}
