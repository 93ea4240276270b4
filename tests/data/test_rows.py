"""Workers that share a batch make the rows of the same batches."""

import numpy as np
import pytest

from keras_deid.data.locator_batches import locator_batches
from keras_deid.data.restorer_batches import restorer_batches
from keras_deid.data.training_pictures import load_training_pictures
from keras_deid.data.unpaired import _halves, unpaired_batches
from keras_deid.hiding.mixture import DEFAULT_WEIGHTS

from .conftest import config, coordinates, endless, serve, take
from .photographed import photograph

PARTS = [slice(0, 1), slice(1, 4)]
STEPS = 5  # two epochs and a half


@pytest.fixture
def many(monkeypatch):
    serve(monkeypatch, train=[coordinates(number) for number in range(9)])


def assert_parts_make_the_whole(batches):
    whole = take(batches(), STEPS)
    parts = [take(batches(rows=rows), STEPS) for rows in PARTS]
    for step, batch in enumerate(whole):
        for part, *pieces in zip(batch, *(made[step] for made in parts), strict=True):
            assert [len(piece) for piece in pieces] == [1, 3]
            np.testing.assert_array_equal(np.concatenate(pieces), part)


@pytest.mark.parametrize("limit", [10**9, 0])
def test_pictures_in_memory_and_streamed_ones(many, limit):
    assert_parts_make_the_whole(lambda **rows: endless(storage={"cache_limit": limit}, start_step=1, **rows))


def test_pictures_without_pairs(many):
    settings = config()
    halves = _halves(load_training_pictures(settings.data))
    assert_parts_make_the_whole(
        lambda **rows: unpaired_batches(halves, settings.data, settings.deidentify, batch_size=4, seed=1, **rows)
    )


def test_draws_from_the_catalogue():
    photographs = [photograph()] * 9
    assert_parts_make_the_whole(
        lambda **rows: restorer_batches(
            photographs, size=32, context=1.25, weights=DEFAULT_WEIGHTS, batch_size=4, seed=1, **rows
        )
    )
    assert_parts_make_the_whole(lambda **rows: locator_batches(photographs, size=64, batch_size=4, seed=1, **rows))
