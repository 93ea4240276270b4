"""How close a picture comes to the original: PSNR, SSIM, MS-SSIM and L1, over the picture and over regions of it.

Everything here is about one picture; means over pictures are taken in `keras_deid.evaluation.evaluation`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from skimage.metrics import structural_similarity

from keras_deid.boxes import clip_box, scale_box

PEAK = 255.0
# Identical pictures have an infinite PSNR, and one such picture would make every mean infinite.
PSNR_CAP = 100.0
# Side of the 11 x 11 Gaussian window (standard deviation 1.5) of Wang et al.
SSIM_WINDOW = 11
# The scores "in the box" are over the face box enlarged by this factor: with hair, ears and neck, and with the seam
# between what was restored and what was not, where a restorer that is good inside may still be caught.
BOX_CONTEXT = 1.5
# Four times halved, rounding up, it still has the 11 pixels that a window needs.
MS_SSIM_LEAST_SIDE = 161


def picture_scores(
    original: np.ndarray, picture: np.ndarray, mask: np.ndarray, box: Sequence[float] | np.ndarray
) -> dict[str, float]:
    """Measures one picture against the original by every name in `keras_deid.evaluation.metrics.METRICS`.

    Args:
        original: uint8 `(height, width, 3)`, the photo before it was de-identified.
        picture: uint8 `(height, width, 3)`, what is measured: a restored picture, or a baseline.
        mask: `(height, width)` or `(height, width, 1)`, 1 where the photo was de-identified.
        box: (x0, y0, x1, y1) of the face in pixels.

    Returns:
        psnr_mask, psnr_box, psnr_outside and psnr in dB, at most 100; ssim_mask, ssim_box and ssim, at most 1; ms_ssim
        in [0, 1]; l1_mask, l1_box and l1 in [0, 1]. A score over a region without pixels is NaN: the masked ones where
        the mask is empty, those in the box where it is, psnr_outside where the mask covers the picture; so is ms_ssim
        where a side is under `MS_SSIM_LEAST_SIDE`.

    Raises:
        ValueError: if shapes differ, or a side is under 11 pixels.
    """
    inside, in_box = as_region(mask, original), box_region(box, original)
    similarity = ssim_map(original, picture)
    return {
        "psnr_mask": psnr(original, picture, inside),
        "ssim_mask": mean_over(similarity, inside),
        "psnr_outside": psnr(original, picture, ~inside),
        "psnr": psnr(original, picture),
        "ssim": ssim(similarity),
        "l1": l1(original, picture),
        "l1_mask": l1(original, picture, inside),
        "psnr_box": psnr(original, picture, in_box),
        "ssim_box": mean_over(similarity, in_box),
        "l1_box": l1(original, picture, in_box),
        "ms_ssim": ms_ssim(original, picture),
    }


def psnr(original: np.ndarray, picture: np.ndarray, region: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB: `10 log10(255^2 / MSE)`, the MSE over pixels and channels.

    Args:
        original: uint8 `(height, width, 3)`.
        picture: uint8 `(height, width, 3)`.
        region: bool `(height, width)`, the pixels that count; all of them if None.

    Returns:
        dB, at most `PSNR_CAP` (100 dB, which stands for "identical"); NaN if the region has no pixels.

    Raises:
        ValueError: if the shapes differ.
    """
    difference = _difference(original, picture)
    squared = np.square(difference).mean(axis=-1)
    error = mean_over(squared, region)
    if error == 0:
        return PSNR_CAP
    return float(min(10.0 * np.log10(PEAK**2 / error), PSNR_CAP)) if np.isfinite(error) else float("nan")


def l1(original: np.ndarray, picture: np.ndarray, region: np.ndarray | None = None) -> float:
    """Mean absolute difference over pixels and channels, in [0, 1] (1 is white against black).

    Args:
        original: uint8 `(height, width, 3)`.
        picture: uint8 `(height, width, 3)`.
        region: bool `(height, width)`, the pixels that count; all of them if None.

    Returns:
        a number in [0, 1]; NaN if the region has no pixels.

    Raises:
        ValueError: if the shapes differ.
    """
    return mean_over(np.abs(_difference(original, picture)).mean(axis=-1), region) / PEAK


def ssim_map(original: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Structural similarity at each pixel, mean over the colour channels.

    Gaussian window of 11 x 11 pixels with standard deviation 1.5, K1 = 0.01, K2 = 0.03; pictures are mirrored at their
    borders.

    Args:
        original: uint8 `(height, width, 3)`, sides of at least 11 pixels.
        picture: uint8 `(height, width, 3)`.

    Returns:
        float64 `(height, width)`, at most 1.

    Raises:
        ValueError: if the shapes differ, or a side is under 11 pixels.

    Reference:
        [Wang et al., 2004](https://doi.org/10.1109/TIP.2003.819861), eq. 13-16.
    """
    _difference(original, picture)
    if min(original.shape[:2]) < SSIM_WINDOW:
        raise ValueError(f"SSIM needs sides of at least {SSIM_WINDOW} pixels. Received: shape {original.shape}")
    _, similarity = structural_similarity(
        original,
        picture,
        full=True,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=PEAK,
        channel_axis=-1,
    )
    return similarity.mean(axis=-1)


def ssim(similarity: np.ndarray) -> float:
    """Mean SSIM of a picture: of the windows that lie wholly inside it, as Wang et al. take it.

    Args:
        similarity: `(height, width)` from `ssim_map`.

    Returns:
        The same number as `skimage.metrics.structural_similarity` and `tf.image.ssim`.
    """
    border = SSIM_WINDOW // 2
    return float(similarity[border:-border, border:-border].mean())


def ms_ssim(original: np.ndarray, picture: np.ndarray) -> float:
    """SSIM at five scales, each half the size of the one before, with the paper's weights.

    Args:
        original: uint8 `(height, width, 3)`.
        picture: uint8 `(height, width, 3)`.

    Returns:
        a number in [0, 1], 1 for identical pictures; NaN if a side is under `MS_SSIM_LEAST_SIDE` pixels, where the
        fifth scale has no room for a window. TensorFlow's: where the contrast of two pictures is opposed (a negative
        term, whose broken power does not exist) it is 0.

    Raises:
        ValueError: if the shapes differ.

    Reference:
        [Wang et al., 2003](https://doi.org/10.1109/ACSSC.2003.1292216), eq. 7.
    """
    _difference(original, picture)
    if min(original.shape[:2]) < MS_SSIM_LEAST_SIDE:
        return float("nan")
    return float(tf.image.ssim_multiscale(original[None], picture[None], PEAK)[0])


def mean_over(values: np.ndarray, region: np.ndarray | None = None) -> float:
    """Mean of `(height, width)` values over a bool region of the same shape (None: all); NaN if it is empty."""
    chosen = values if region is None else values[region]
    return float(chosen.mean()) if chosen.size else float("nan")


def as_region(mask: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Turns a 0/1 mask, `(height, width)` or `(height, width, 1)`, into a bool region of the picture.

    Raises:
        ValueError: if the mask is not of the picture's height and width.
    """
    region = np.asarray(mask)
    if region.ndim == 3 and region.shape[-1] == 1:
        region = region[..., 0]
    if region.shape != picture.shape[:2]:
        raise ValueError(f"Expected a mask of shape {picture.shape[:2]}. Received: {np.shape(mask)}")
    return region > 0.5


def box_region(box: Sequence[float] | np.ndarray, picture: np.ndarray) -> np.ndarray:
    """The face box enlarged about its centre by `BOX_CONTEXT`, clipped to the picture.

    Args:
        box: (x0, y0, x1, y1) in pixels; one without area has an empty region.
        picture: `(height, width, 3)`.

    Returns:
        bool `(height, width)`: pixels whose centres are inside.
    """
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = (float(edge) for edge in box)
    left, top, right, bottom = clip_box(scale_box((x0, y0, x1, y1), BOX_CONTEXT), (height, width))
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    return ((rows >= top) & (rows < bottom))[:, None] & ((columns >= left) & (columns < right))


def _difference(original: np.ndarray, picture: np.ndarray) -> np.ndarray:
    if original.shape != picture.shape or original.ndim != 3:
        raise ValueError(
            "Expected two pictures of one shape (height, width, channels). "
            f"Received: {original.shape} and {picture.shape}"
        )
    return original.astype(np.float64) - picture.astype(np.float64)
