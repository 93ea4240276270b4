"""Which worker this process is, as `TF_CONFIG` says."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from keras_deid.errors import UserError


@dataclass(frozen=True)
class Worker:
    """One of the processes that train together, usually one for each machine.

    Attributes:
        number: from 0.
        count: how many there are.
    """

    number: int
    count: int

    @property
    def chief(self) -> bool:
        """Whether it is the one that writes."""
        return self.number == 0


ALONE = Worker(0, 1)


def this_worker(strategy: str) -> Worker:
    """Returns the worker that this process is.

    Args:
        strategy: `training.strategy`; `"one"` and `"mirrored"` ignore `TF_CONFIG`.

    Raises:
        UserError: if `TF_CONFIG` cannot be read, or is missing where the strategy needs it.

    Reference:
        [Distributed training with TensorFlow](https://www.tensorflow.org/guide/distributed_training), "Setting up the
        TF_CONFIG environment variable".
    """
    text = os.environ.get("TF_CONFIG")
    if strategy == "multi_worker" and not text:
        raise UserError("training.strategy=multi_worker: set TF_CONFIG on each machine, see docs/scaling.md")
    if strategy not in ("auto", "multi_worker") or not text:
        return ALONE
    try:
        content = json.loads(text)
        jobs, task = content.get("cluster", {}), content.get("task", {})
        order = [(job, index) for job in ("chief", "worker") for index in range(len(jobs.get(job, ())))]
        if not jobs:
            return ALONE
        return Worker(order.index((task["type"], int(task["index"]))), len(order))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(
            "TF_CONFIG: expected "
            '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}} '
            f"with an index of that list, received {text!r}"
        ) from None
