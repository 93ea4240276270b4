import numpy as np
import pytest

from keras_deid.data.step_plan import batches_by_step, picture_numbers


def numbers(steps, pictures=10, batch_size=3, seed=1):
    return [picture_numbers(step, pictures, batch_size, seed).tolist() for step in steps]


def test_an_epoch_shows_no_picture_twice():
    for epoch in range(4):
        shown = np.concatenate(numbers(range(3 * epoch, 3 * epoch + 3)))
        assert len(shown) == len(set(shown)) == 9 and set(shown) <= set(range(10))


def test_an_epoch_of_whole_batches_shows_every_picture_once():
    shown = np.concatenate(numbers(range(5), pictures=10, batch_size=2))
    assert sorted(shown) == list(range(10))


def test_epochs_and_seeds_differ():
    assert numbers([0]) != numbers([3])
    assert numbers(range(6)) == numbers(range(6))
    assert numbers([0]) != numbers([0], seed=2)


@pytest.mark.parametrize("start", [0, 1, 4])
def test_batches_are_those_of_their_steps_from_anywhere(start):
    def make(step):
        return np.full((2, 3), step, np.uint8), np.array([step / 2], np.float32)

    batches = list(batches_by_step(make, [(2, 3), (1,)], (np.uint8, np.float32), start).take(5))
    assert [int(batch[0][0, 0]) for batch in batches] == list(range(start, start + 5))
    assert [float(batch[1][0]) for batch in batches] == [step / 2 for step in range(start, start + 5)]
    assert batches[0][0].shape == (2, 3) and batches[0][0].dtype == "uint8" and batches[0][1].dtype == "float32"
