"""Means of the scores by kind, by family and over all kinds, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_deid.field.score import METRICS, ORIGINAL, SOURCES, Record
from keras_deid.hiding.kinds import KINDS
from keras_deid.statistics import mean_interval


class Scored(NamedTuple):
    """A photograph in a kind.

    Attributes:
        path: of the photograph.
        kind: how its faces were hidden.
        record: of `keras_deid.field.score.score_photograph`.
    """

    path: str
    kind: str
    record: Record


def summarise(scored: Sequence[Scored], untouched: Mapping[str, Record]) -> dict[str, Any]:
    """Takes the means.

    Args:
        scored: of each photograph and kind.
        untouched: for each photograph as it is, by path: `found`, the number of regions found.

    Returns:
        `kinds` and `families` by name, and `overall`: each with `photographs`, `faces`, `regions` (`recall`,
        `precision`, and `false`, a number), `psnr_gain`, `sources` (estimates by source and metric),
        `changed_outside` (pixels in a photograph) and `difference_outside`; and `untouched`, with `photographs`,
        `false_regions` in a photograph, `false_regions_total` and `copied`, a fraction. An estimate has `mean`,
        `low`, `high` and `count`; None where there is none.
    """
    kinds = [kind for kind in KINDS if any(one.kind == kind for one in scored)]
    families = list(dict.fromkeys(KINDS[kind].family for kind in kinds))
    return {
        "untouched": _untouched(untouched),
        "overall": _group(scored),
        "families": {
            family: _group([one for one in scored if KINDS[one.kind].family == family]) for family in families
        },
        "kinds": {
            kind: {
                "description": KINDS[kind].description,
                "family": KINDS[kind].family,
                **_group([one for one in scored if one.kind == kind]),
            }
            for kind in kinds
        },
    }


def estimate(groups: Iterable[Sequence[float | None]]) -> dict[str, float | int | None]:
    """Takes the mean of values, and its 95 % interval over the photographs that they come from.

    Every value counts the same; photographs are resampled as a whole, by the usual linear form of a ratio of sums:
    with s_i the sum of the n_i values of photograph i and m the mean, the mean of m + (s_i - m n_i) / mean(n).

    Args:
        groups: for each photograph its values; None is left out.

    Returns:
        `mean`, `low` and `high`, in the unit of the values and no farther out than these, and `count`, the number of
        values.

    Reference:
        Cochran, Sampling Techniques, 3rd edition, 1977, section 6.3.
    """
    known = [[value for value in group if value is not None] for group in groups]
    known = [group for group in known if group]
    values = [value for group in known for value in group]
    if not values:
        return {"mean": None, "low": None, "high": None, "count": 0}
    mean = float(np.mean(values))
    sums, counts = np.array([sum(group) for group in known]), np.array([len(group) for group in known])
    bounds = np.clip(mean_interval(mean + (sums - mean * counts) / counts.mean()), min(values), max(values))
    low, high = (None if np.isnan(bound) else float(bound) for bound in bounds)
    return {"mean": mean, "low": low, "high": high, "count": len(values)}


def _group(scored: Sequence[Scored]) -> dict[str, Any]:
    paths = list(dict.fromkeys(one.path for one in scored))
    records: dict[str, list[Record]] = {path: [] for path in paths}
    for one in scored:
        records[one.path].append(one.record)
    groups = list(records.values())
    faces = [[face for record in group for face in record["faces"]] for group in groups]

    def of_faces(source: str, metric: str) -> dict[str, Any]:
        return estimate([[face["sources"][source][metric] for face in group] for group in faces])

    return {
        "photographs": len(groups),
        "faces": sum(len(group) for group in faces),
        "regions": {
            "recall": estimate([[float(face["region_found"]) for face in group] for group in faces]),
            "precision": estimate([[value for record in group for value in _hits(record)] for group in groups]),
            "false": sum(record["found"] - record["matched"] for group in groups for record in group),
        },
        "psnr_gain": estimate([[_gain(face["sources"]) for face in group] for group in faces]),
        "sources": {
            ORIGINAL: {"found": of_faces(ORIGINAL, "found")},
            **{source: {metric: of_faces(source, metric) for metric in METRICS} for source in SOURCES},
        },
        "changed_outside": estimate([[float(record["changed_outside"]) for record in group] for group in groups]),
        "difference_outside": estimate([[record["difference_outside"] for record in group] for group in groups]),
    }


def _hits(record: Record) -> list[float]:
    """Returns 1 for each region found that is one, 0 for each that is not."""
    return [1.0] * record["matched"] + [0.0] * (record["found"] - record["matched"])


def _gain(sources: Mapping[str, Record]) -> float | None:
    before, after = sources["input"]["psnr"], sources["restored"]["psnr"]
    return None if before is None or after is None else after - before


def _untouched(untouched: Mapping[str, Record]) -> dict[str, Any]:
    found = [record["found"] for record in untouched.values()]
    return {
        "photographs": len(found),
        "false_regions": estimate([[float(number)] for number in found]),
        "false_regions_total": sum(found),
        "copied": estimate([[float(number == 0)] for number in found]),
    }
