"""PSNR and SSIM of whole batches in TensorFlow: fast enough to be taken at the end of every epoch.

The definitions are those of `keras_deid.evaluation.image_quality`, with which the values agree to 1e-3.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from keras_deid.evaluation.image_quality import PEAK, PSNR_CAP, SSIM_WINDOW

VALIDATION_METRICS = ("psnr_mask", "psnr_mask_gain", "ssim_mask", "psnr_outside", "psnr", "ssim")


def validation_scores(x: tf.Tensor, y: tf.Tensor, mask: tf.Tensor, restored: tf.Tensor) -> dict[str, tf.Tensor]:
    """Scores each picture of a batch, so that the mean over pictures is right for batches of any sizes.

    Args:
        x: de-identified pictures, uint8 or float in [0, 255], `(batch, height, width, 3)`.
        y: originals, the same.
        mask: `(batch, height, width, 1)`, 1 where de-identified.
        restored: restored pictures, the same as x.

    Returns:
        `VALIDATION_METRICS`, each float32 `(batch,)`: psnr_mask, psnr_outside and psnr in dB, at most 100;
        psnr_mask_gain in dB, the restored picture's psnr_mask less the input's (exactly 0 is a generator that
        copies); ssim_mask and ssim, at most 1. NaN where a region has no pixels.
    """
    x, y, restored = (tf.cast(picture, tf.float32) for picture in (x, y, restored))
    inside = tf.cast(mask > 0.5, tf.float32)
    similarity = _ssim_map(y, restored)
    psnr_mask = _psnr(y, restored, inside)
    border = SSIM_WINDOW // 2
    return {
        "psnr_mask": psnr_mask,
        "psnr_mask_gain": psnr_mask - _psnr(y, x, inside),
        "ssim_mask": _mean_over(similarity, inside),
        "psnr_outside": _psnr(y, restored, 1.0 - inside),
        "psnr": _psnr(y, restored, tf.ones_like(inside)),
        "ssim": tf.reduce_mean(similarity[:, border:-border, border:-border], axis=(1, 2, 3)),
    }


def _psnr(original: tf.Tensor, picture: tf.Tensor, region: tf.Tensor) -> tf.Tensor:
    error = _mean_over(tf.square(original - picture), region)
    # NaN, an empty region, must survive: tf.minimum would be free to drop it.
    decibels = 10.0 * tf.math.log(PEAK**2 / error) / tf.math.log(10.0)
    return tf.where(decibels > PSNR_CAP, PSNR_CAP, decibels)


def _mean_over(values: tf.Tensor, region: tf.Tensor) -> tf.Tensor:
    """Mean of `(batch, height, width, channels)` over a `(batch, height, width, 1)` region; NaN if it is empty."""
    by_pixel = tf.reduce_mean(values, axis=-1, keepdims=True)
    return tf.reduce_sum(by_pixel * region, axis=(1, 2, 3)) / tf.reduce_sum(region, axis=(1, 2, 3))


def _ssim_map(original: tf.Tensor, picture: tf.Tensor) -> tf.Tensor:
    """SSIM at each pixel and channel (Wang et al., 2004, eq. 13), float32 `(batch, height, width, channels)`."""
    # Variances do not change with a shift, and come out of float32 more exactly when values are small.
    shift = PEAK / 2
    a, b = original - shift, picture - shift
    moments = _gaussian_mean(tf.concat([a, b, a * a, b * b, a * b], axis=-1))
    mean_a, mean_b, mean_aa, mean_bb, mean_ab = tf.split(moments, 5, axis=-1)
    variance_a, variance_b = mean_aa - mean_a**2, mean_bb - mean_b**2
    covariance = mean_ab - mean_a * mean_b
    mean_a, mean_b = mean_a + shift, mean_b + shift
    c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return luminance * structure


def _gaussian_mean(values: tf.Tensor) -> tf.Tensor:
    """Weighted mean over the 11 x 11 window, down and then across, with mirrored borders."""
    radius = SSIM_WINDOW // 2
    weights = np.exp(-0.5 * np.square(np.arange(-radius, radius + 1) / 1.5))
    weights = (weights / weights.sum()).astype(np.float32)
    channels = values.shape[-1]
    down = np.tile(weights[:, None, None, None], (1, 1, channels, 1))
    padded = tf.pad(values, [[0, 0], [radius, radius], [radius, radius], [0, 0]], mode="SYMMETRIC")
    columns = tf.nn.depthwise_conv2d(padded, down, strides=[1, 1, 1, 1], padding="VALID")
    return tf.nn.depthwise_conv2d(columns, down.transpose(1, 0, 2, 3), strides=[1, 1, 1, 1], padding="VALID")
