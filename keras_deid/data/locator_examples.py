"""The windows that a locator is validated on, the same ones every time."""

from __future__ import annotations

import itertools

import numpy as np

from keras_deid.config import DataConfig
from keras_deid.data.locator_batches import locator_window
from keras_deid.data.photographs import count_photographs, read_photographs
from keras_deid.data.step_plan import picture_numbers

BATCHES = 8
_SEED = 2026


def locator_examples(data: DataConfig, *, size: int, batch_size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Makes batches of windows of validation photographs; only the photographs that they need are kept meanwhile.

    Args:
        data: where the photographs are.
        size: side of the windows, in pixels.
        batch_size: windows in a batch; fewer if there are fewer photographs.

    Returns:
        batches as of `keras_deid.data.locator_batches.locator_batches`.

    Raises:
        UserError: as `read_photographs`.
    """
    count = count_photographs(data, "val")
    batch_size = min(batch_size, count)
    plan = [picture_numbers(step, count, batch_size, _SEED).tolist() for step in range(BATCHES)]
    wanted = set(itertools.chain.from_iterable(plan))
    read = enumerate(itertools.islice(read_photographs(data, "val"), max(wanted) + 1))
    photographs = {number: photograph for number, photograph in read if number in wanted}
    batches = []
    for step, numbers in enumerate(plan):
        generators = [np.random.default_rng([_SEED, step, row]) for row in range(batch_size)]
        examples = [
            locator_window(photographs[number], size, rng) for number, rng in zip(numbers, generators, strict=True)
        ]
        windows, labels = zip(*examples, strict=True)
        batches.append((np.stack(windows), np.stack(labels)))
    return batches
