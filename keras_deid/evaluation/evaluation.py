"""From the scores of single pictures to means with intervals, over all pictures and over groups of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from keras_deid.evaluation.evaluation_file import SCHEMA
from keras_deid.evaluation.groups import GROUPED_BY, in_thirds
from keras_deid.evaluation.metrics import ALL_METRICS, GROUP_METRICS
from keras_deid.statistics import LEVEL, RESAMPLES, mean_interval

RESTORED = "restored"
ORIGINAL = "original"
# Pictures kept for the picture grid: the first of the split, always the same ones.
SHOWN = 8
# Columns of `evaluation.csv` that are not scores, and those that every file has.
NOT_SCORES = ("path", "source", "box_width", "block", "brightness")
CSV_COLUMNS = (*NOT_SCORES[:2], *ALL_METRICS, *NOT_SCORES[2:])


@dataclass(frozen=True)
class PictureScores:
    """The scores of one picture from one source, and what they may be grouped by.

    Attributes:
        path: of the photo, as the data set names it.
        source: "original", "input", "bilinear", "bicubic" or "restored".
        scores: `ALL_METRICS` (original: faces_found only), and lpips on request; faces_found is 1 or 0; NaN where a
            score does not exist.
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
        scores: one for each picture and source.
        shown: for each source, its first `SHOWN` pictures, uint8 `(height, width, 3)`.
        of_sets: for each source but the original, the metrics of all its pictures together: fid and kid, or nothing.
    """

    scores: list[PictureScores] = field(default_factory=list)
    shown: dict[str, list[np.ndarray]] = field(default_factory=dict)
    of_sets: dict[str, dict[str, float | None]] = field(default_factory=dict)

    def add(self, scores: Iterable[PictureScores], pictures: Mapping[str, np.ndarray]) -> None:
        """Adds the scores of one example, and keeps its pictures if they are among the first `SHOWN`."""
        self.scores.extend(scores)
        for source, picture in pictures.items():
            shown = self.shown.setdefault(source, [])
            if len(shown) < SHOWN:
                shown.append(picture)

    @property
    def images(self) -> int:
        """How many pictures were scored."""
        return sum(one.source == RESTORED for one in self.scores)

    def table(self) -> pd.DataFrame:
        """Returns a row for each picture and source; the columns of `CSV_COLUMNS`, then those of further scores."""
        rows = [{**vars(one), **one.scores} for one in self.scores]
        table = pd.DataFrame(rows).drop(columns="scores")
        further = [name for name in table if name not in CSV_COLUMNS]
        return table.reindex(columns=[*CSV_COLUMNS, *further])

    def metrics(self, split: str) -> dict[str, Any]:
        """Means over pictures, in the form of `evaluation.json`.

        Args:
            split: name of the part of the data that was scored.

        Returns:
            `{"schema", "split", "images", "baselines": {"input": {...}, ...}, "restored": {...}, "original":
            {"faces_found"}, "intervals": {...}, "groups": {...}}`: PSNR in dB, SSIM, L1 in [0, 1] and the fraction of
            faces found; lpips, fid and kid on request. "intervals" repeats the form with `[low, high]`. "groups" has,
            for each of `GROUPED_BY`, a list of `{"low", "high", "images"}` with `GROUP_METRICS` in the same form.
            None stands where no picture has the score.
        """
        by_source = self._by_source()
        means, intervals = _means(by_source), _intervals(by_source)
        for source, values in self.of_sets.items():
            means[source] |= values
            intervals[source] |= dict.fromkeys(values)
        return {
            "schema": SCHEMA,
            "split": split,
            "images": self.images,
            **_by_role(means),
            "intervals": {"level": LEVEL, "resamples": RESAMPLES, **_by_role(intervals)},
            "groups": {by: list(self._groups(by, by_source)) for by in GROUPED_BY},
        }

    def _by_source(self) -> dict[str, pd.DataFrame]:
        """Returns, by source, a column for each of its scores and a row for each picture."""
        table = self.table()
        first = {one.source: one.scores for one in reversed(self.scores)}
        return {source: rows[list(first[source])] for source, rows in table.groupby("source", sort=False)}

    def _groups(self, by: str, by_source: Mapping[str, pd.DataFrame]) -> Iterator[dict[str, Any]]:
        for group in in_thirds(np.array([_grouping(one)[by] for one in self.scores if one.source == RESTORED])):
            chosen = {
                source: scores.loc[group.members, [name for name in GROUP_METRICS if name in scores]]
                for source, scores in by_source.items()
            }
            yield {
                "low": group.low,
                "high": group.high,
                "images": int(group.members.sum()),
                **_by_role(_means(chosen)),
                "intervals": _by_role(_intervals(chosen)),
            }


def _means(by_source: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, float | None]]:
    return {source: {name: _mean(scores[name]) for name in scores} for source, scores in by_source.items()}


def _mean(values: pd.Series) -> float | None:
    return None if values.isna().all() else float(np.nanmean(values.to_numpy()))


def _intervals(by_source: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, list[float] | None]]:
    return {source: {name: _interval(scores[name]) for name in scores} for source, scores in by_source.items()}


def _interval(values: pd.Series) -> list[float] | None:
    bounds = mean_interval(values.to_numpy())
    return None if np.isnan(bounds).any() else list(bounds)


def _grouping(one: PictureScores) -> dict[str, float]:
    """What `GROUPED_BY` names; NaN where it is not known."""
    known = {"face_width": one.box_width, "block": one.block, "brightness": one.brightness}
    return {name: float("nan") if name != "brightness" and value <= 0 else value for name, value in known.items()}


def _by_role(of_source: Mapping[str, Any]) -> dict[str, Any]:
    others = {source: value for source, value in of_source.items() if source not in (RESTORED, ORIGINAL)}
    return {"baselines": others, "restored": of_source[RESTORED], "original": of_source[ORIGINAL]}
