"""Counters that runners show while a pipeline runs."""

from __future__ import annotations

from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.runners.runner import PipelineResult

_NAMESPACE = "keras_deid"


def count(name: str, by: int = 1) -> None:
    """Adds to a counter; a step may call it while it processes, not before."""
    Metrics.counter(_NAMESPACE, name).inc(by)


def read_counters(result: PipelineResult) -> dict[str, int]:
    """Returns the counters of a pipeline that has ended, by name."""
    found = result.metrics().query(MetricsFilter().with_namespace(_NAMESPACE))["counters"]
    return {counter.key.metric.name: counter.result for counter in found}
