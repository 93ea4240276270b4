"""From a generator and a data set to figures: every picture is scored, then means and intervals are taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import cv2
import keras
import numpy as np

from keras_deid.config import DeidentifyConfig
from keras_deid.errors import UserError
from keras_deid.evaluation.faces_found import Detector, face_found
from keras_deid.evaluation.floors import floors
from keras_deid.evaluation.groups import GROUPED_BY, in_thirds
from keras_deid.evaluation.image_quality import METRICS, as_region, picture_scores
from keras_deid.evaluation.learned_metrics import LearnedMetrics
from keras_deid.intervals import LEVEL, RESAMPLES, mean_interval
from keras_deid.models.pixels import to_signed, to_uint8

ALL_METRICS = (*METRICS, "faces_found")
# What is told of each group of pictures.
GROUP_METRICS = ("psnr_mask", "ssim_mask", "l1_mask", "psnr_box", "ssim_box", "psnr_outside", "faces_found")
RESTORED = "restored"
ORIGINAL = "original"
# Pictures kept for the picture grid: the first of the split, always the same ones.
SHOWN = 8

# Of one source: by metric, a score for each picture, float64 `(pictures,)`.
_Scores = dict[str, np.ndarray]


@dataclass(frozen=True)
class PictureRow:
    """The scores of one picture from one source, and what they may be grouped by.

    Attributes:
        path: of the photo, as the data set names it.
        source: "original", "mosaic", "bilinear", "bicubic" or "restored".
        scores: `ALL_METRICS` (original: faces_found only), and lpips if it was asked for; faces_found is 1 or 0; NaN
            where a score does not exist.
        box_width: width of the face box in pixels.
        block: side of a mosaic block (blur: standard deviation) in pixels; 0 if it is not known.
        brightness: mean grey value of the original inside the mask, in [0, 1]; NaN where the mask is empty.
    """

    path: str
    source: str
    scores: Mapping[str, float]
    box_width: float
    block: float
    brightness: float


@dataclass
class Evaluation:
    """All scores of a data set.

    Attributes:
        rows: one for each picture and source.
        shown: for each source, its first `SHOWN` pictures, uint8 `(height, width, 3)`.
        of_sets: for each source but the original, the metrics of all its pictures together: fid and kid, or nothing.
    """

    rows: list[PictureRow] = field(default_factory=list)
    shown: dict[str, list[np.ndarray]] = field(default_factory=dict)
    of_sets: dict[str, dict[str, float | None]] = field(default_factory=dict)

    def add(self, rows: Iterable[PictureRow], pictures: Mapping[str, np.ndarray]) -> None:
        """Adds the scores of one example, and keeps its pictures if they are among the first `SHOWN`."""
        self.rows.extend(rows)
        for source, picture in pictures.items():
            shown = self.shown.setdefault(source, [])
            if len(shown) < SHOWN:
                shown.append(picture)

    @property
    def images(self) -> int:
        """How many pictures were scored."""
        return sum(row.source == RESTORED for row in self.rows)

    def figures(self, split: str) -> dict[str, Any]:
        """Means over pictures, in the form of `evaluation.json`.

        Args:
            split: name of the part of the data that was scored.

        Returns:
            `{"split", "images", "inputs": {"mosaic": {...}, ...}, "restored": {...}, "original": {"faces_found"},
            "intervals": {...}, "groups": {...}}`: PSNR in dB, SSIM, L1 in [0, 1] and the share of faces found; lpips,
            fid and kid if they were asked for. "intervals" repeats the form with `[low, high]`. "groups" has, for each
            of `GROUPED_BY`, a list of `{"low", "high", "images"}` with `GROUP_METRICS` in the same form. None stands
            where no picture has the score.
        """
        scores = {source: self._scores(source) for source in dict.fromkeys(row.source for row in self.rows)}
        means, intervals = _means(scores), _intervals(scores)
        for source, values in self.of_sets.items():
            means[source] |= values
            intervals[source] |= dict.fromkeys(values)
        return {
            "split": split,
            "images": self.images,
            **_by_role(means),
            "intervals": {"level": LEVEL, "resamples": RESAMPLES, **_by_role(intervals)},
            "groups": {by: list(self._groups(by, scores)) for by in GROUPED_BY},
        }

    def values(self, source: str, metric: str) -> np.ndarray:
        """The scores of a source, one for each picture in the order of the data: float64 `(pictures,)`, with NaN."""
        return np.array([row.scores[metric] for row in self.rows if row.source == source], dtype=np.float64)

    def _scores(self, source: str) -> _Scores:
        of_source = [row.scores for row in self.rows if row.source == source]
        return {metric: np.array([scores[metric] for scores in of_source], np.float64) for metric in of_source[0]}

    def _groups(self, by: str, scores: Mapping[str, _Scores]) -> Iterator[dict[str, Any]]:
        for group in in_thirds(np.array([_grouping(row)[by] for row in self.rows if row.source == RESTORED])):
            chosen = {
                source: {name: of_source[name][group.members] for name in GROUP_METRICS if name in of_source}
                for source, of_source in scores.items()
            }
            yield {
                "low": group.low,
                "high": group.high,
                "images": int(group.members.sum()),
                **_by_role(_means(chosen)),
                "intervals": _by_role(_intervals(chosen)),
            }


def evaluate(
    generator: keras.Model,
    examples: Iterable[Mapping[str, Any]],
    deidentify: DeidentifyConfig,
    detector: Detector,
    learned: LearnedMetrics | None = None,
) -> Evaluation:
    """Restores every picture and scores it, together with the original's and the floors' scores.

    Args:
        generator: maps float `(batch, height, width, 3)` in [-1, 1] to the same.
        examples: batches of `keras_deid.data.evaluation_examples`.
        deidentify: how the examples were de-identified.
        detector: finds faces, for faces_found.
        learned: LPIPS, FID and KID; None: without them.

    Raises:
        UserError: if there is no picture, the generator takes pictures of another size, or what it returns is not
            finite.
    """
    evaluation = Evaluation()
    for batch in examples:
        batch = {key: np.asarray(values) for key, values in batch.items()}
        restored = restore(generator, batch["x"])
        sources = {ORIGINAL: batch["y"], **floors(batch, deidentify), RESTORED: restored}
        lpips = learned.picture_scores(ORIGINAL, sources) if learned else {}
        for index in range(len(restored)):
            example = {key: values[index] for key, values in batch.items()}
            pictures = {source: values[index] for source, values in sources.items()}
            further = {source: scores[index] for source, scores in lpips.items()}
            evaluation.add(score_example(example, pictures, detector, further), pictures)
    if not evaluation.rows:
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
    detector: Detector,
    further: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
) -> Iterator[PictureRow]:
    """Scores the pictures of one example.

    Args:
        example: "y", "mask", "box", "block" and "path" of one picture.
        pictures: uint8 `(height, width, 3)` by source.
        detector: finds faces.
        further: scores by source that were taken elsewhere.

    Yields:
        a row for each source, in order.
    """
    original, box = example["y"], example["box"]
    for source, picture in pictures.items():
        found = {"faces_found": face_found(detector, picture, box)}
        quality = {} if source == ORIGINAL else picture_scores(original, picture, example["mask"], box)
        yield PictureRow(
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


def named_values(figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Flattens the means of `Evaluation.figures` into pairs such as ("restored/psnr_mask", 21.84), without Nones."""
    sources = {ORIGINAL: figures["original"], **figures["inputs"], RESTORED: figures["restored"]}
    for source, means in sources.items():
        for metric, value in means.items():
            if value is not None:
                yield f"{source}/{metric}", value


def _means(scores: Mapping[str, _Scores]) -> dict[str, dict[str, float | None]]:
    return {source: {metric: _mean(values) for metric, values in named.items()} for source, named in scores.items()}


def _mean(values: np.ndarray) -> float | None:
    return None if np.isnan(values).all() else float(np.nanmean(values))


def _intervals(scores: Mapping[str, _Scores]) -> dict[str, dict[str, list[float] | None]]:
    return {source: {metric: _interval(values) for metric, values in named.items()} for source, named in scores.items()}


def _interval(values: np.ndarray) -> list[float] | None:
    bounds = mean_interval(values)
    return None if np.isnan(bounds).any() else list(bounds)


def _grouping(row: PictureRow) -> dict[str, float]:
    """What `GROUPED_BY` names; NaN where it is not known."""
    known = {"face_width": row.box_width, "block": row.block, "brightness": row.brightness}
    return {name: float("nan") if name != "brightness" and value <= 0 else value for name, value in known.items()}


def _by_role(of_source: Mapping[str, Any]) -> dict[str, Any]:
    inputs = {source: value for source, value in of_source.items() if source not in (RESTORED, ORIGINAL)}
    return {"inputs": inputs, "restored": of_source[RESTORED], "original": of_source[ORIGINAL]}


def _text(path: bytes | str) -> str:
    return path.decode("utf-8", "replace") if isinstance(path, bytes) else str(path)
