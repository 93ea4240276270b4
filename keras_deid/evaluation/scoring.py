"""Scores of single pictures: every one is restored, and compared with its original together with the baselines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import cv2
import keras
import numpy as np

from keras_deid.errors import UserError
from keras_deid.evaluation.baselines import baselines
from keras_deid.evaluation.evaluation import ORIGINAL, RESTORED, Evaluation, PictureScores
from keras_deid.evaluation.faces_found import Detector, face_found
from keras_deid.evaluation.image_quality import as_region, picture_scores
from keras_deid.evaluation.learned_metrics import LearnedMetrics
from keras_deid.models.pixels import to_signed, to_uint8


def score_pictures(
    generator: keras.Model,
    examples: Iterable[Mapping[str, Any]],
    detector: Detector | None,
    learned: LearnedMetrics | None = None,
) -> Evaluation:
    """Restores every picture and scores it, together with the original and the baselines.

    Args:
        generator: maps float `(batch, height, width, 3)` in [-1, 1] to the same.
        examples: batches of `keras_deid.data.evaluation_examples`, with baselines.
        detector: finds faces, for faces_found; None: without it.
        learned: LPIPS, FID and KID; None: without them.

    Raises:
        UserError: if there is no picture, the generator takes pictures of another size, or what it returns is not
            finite.
    """
    evaluation = Evaluation()
    for batch in examples:
        batch = {key: np.asarray(values) for key, values in batch.items()}
        restored = restore(generator, batch["x"])
        sources = {ORIGINAL: batch["y"], **baselines(batch), RESTORED: restored}
        lpips = learned.picture_scores(ORIGINAL, sources) if learned else {}
        for index in range(len(restored)):
            example = {key: values[index] for key, values in batch.items()}
            pictures = {source: values[index] for source, values in sources.items()}
            further = {source: scores[index] for source, scores in lpips.items()}
            evaluation.add(score_example(example, pictures, detector, further), pictures)
    if not evaluation.scores:
        raise UserError("no pictures to evaluate: the split of this data set is empty; choose another split or data")
    if learned:
        evaluation.of_sets = learned.set_scores(ORIGINAL)
    return evaluation


def restore(generator: keras.Model, x: np.ndarray) -> np.ndarray:
    """Runs the generator on pictures.

    Args:
        generator: maps float `(batch, height, width, 3)` in [-1, 1] to the same.
        x: uint8 `(batch, height, width, 3)`.

    Returns:
        uint8, the same shape.

    Raises:
        UserError: if the generator takes pictures of another size, or what it returns is not finite.
    """
    expected = generator.input_shape[1:3]
    if any(side not in (None, given) for side, given in zip(expected, x.shape[1:3], strict=True)):
        raise UserError(
            f"the generator takes pictures of {expected[0]} x {expected[1]} pixels, the data set gives "
            f"{x.shape[1]} x {x.shape[2]}; set data.image_size=[{expected[0]},{expected[1]}]"
        )
    signed = keras.ops.convert_to_numpy(generator(to_signed(x), training=False))
    if not np.isfinite(signed).all():
        raise UserError("the generator returns values that are not finite; its weights are spoiled, train it again")
    return keras.ops.convert_to_numpy(to_uint8(signed))


def score_example(
    example: Mapping[str, Any],
    pictures: Mapping[str, np.ndarray],
    detector: Detector | None,
    further: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
) -> Iterator[PictureScores]:
    """Scores the pictures of one example.

    Args:
        example: "y", "mask", "box", "block" and "path" of one picture.
        pictures: uint8 `(height, width, 3)` by source.
        detector: finds faces; None: faces_found is NaN.
        further: scores by source that were taken elsewhere.

    Yields:
        the scores of each source, in order.
    """
    original, box = example["y"], example["box"]
    for source, picture in pictures.items():
        found = {"faces_found": face_found(detector, picture, box) if detector else float("nan")}
        quality = {} if source == ORIGINAL else picture_scores(original, picture, example["mask"], box)
        yield PictureScores(
            path=_text(example["path"]),
            source=source,
            scores={**quality, **found, **further.get(source, {})},
            box_width=float(box[2] - box[0]),
            block=float(example["block"]),
            brightness=brightness(original, example["mask"]),
        )


def brightness(original: np.ndarray, mask: np.ndarray) -> float:
    """Mean grey value (Rec. 601) of a uint8 picture inside the mask, in [0, 1]; NaN where the mask is empty."""
    inside = as_region(mask, original)
    return float(cv2.cvtColor(original, cv2.COLOR_RGB2GRAY)[inside].mean() / 255) if inside.any() else float("nan")


def _text(path: bytes | str) -> str:
    return path.decode("utf-8", "replace") if isinstance(path, bytes) else str(path)
