import numpy as np
import pytest
import tensorflow as tf

from keras_deid.training.pool import ImagePool

SHAPE = (1, 1, 1)


def numbered(first, count):
    """Pictures of one pixel whose value is their number."""
    return tf.reshape(tf.range(first, first + count, dtype=tf.float32), (count, *SHAPE))


def numbers(pictures):
    return np.asarray(pictures).ravel().astype(int).tolist()


def test_returns_what_it_is_given_while_it_fills():
    pool = ImagePool(5, SHAPE)
    assert numbers(pool.exchange(numbered(1, 3))) == [1, 2, 3]
    assert int(pool.filled.numpy()) == 3
    assert numbers(pool.exchange(numbered(4, 2))) == [4, 5]
    assert int(pool.filled.numpy()) == 5
    assert numbers(pool.pictures) == [1, 2, 3, 4, 5]


def test_swaps_about_half_once_it_is_full():
    pool = ImagePool(20, SHAPE, seed=1)
    exchange = tf.function(pool.exchange)
    exchange(numbered(0, 20))
    given = [numbered(first, 20) for first in range(20, 420, 20)]
    shown = [exchange(fakes) for fakes in given]
    swapped = np.mean([np.not_equal(a, b).mean() for a, b in zip(given, shown, strict=True)])
    assert 0.4 < swapped < 0.6
    # Nothing is lost, and nothing is shown twice.
    past = sorted(number for pictures in shown for number in numbers(pictures)) + numbers(pool.pictures)
    assert sorted(past) == list(range(420))
    assert int(pool.filled.numpy()) == 20


def test_a_swapped_picture_takes_the_place_of_the_one_that_is_shown():
    pool = ImagePool(2, SHAPE, seed=3)
    pool.exchange(numbered(0, 2))
    for number in range(2, 12):
        before = numbers(pool.pictures)
        (shown,) = numbers(pool.exchange(numbered(number, 1)))
        expected = [number if past == shown else past for past in before]
        assert numbers(pool.pictures) == expected


def test_a_batch_may_be_larger_than_the_pool():
    pool = ImagePool(2, SHAPE)
    shown = numbers(pool.exchange(numbered(0, 6)))
    assert shown[:2] == [0, 1]
    assert sorted(shown[2:] + numbers(pool.pictures)) == list(range(6))


def test_the_seed_decides():
    def shown(seed):
        pool = ImagePool(3, SHAPE, seed=seed)
        return [numbers(pool.exchange(numbered(first, 3))) for first in range(0, 30, 3)]

    assert shown(7) == shown(7)
    assert shown(7) != shown(8)


def test_is_no_weight_that_is_trained():
    assert ImagePool(3, SHAPE).trainable_weights == []


def test_an_empty_pool_is_an_error():
    with pytest.raises(ValueError, match="Received: size=0"):
        ImagePool(0, SHAPE)
