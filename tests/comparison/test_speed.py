import numpy as np
import pytest

from keras_deid.comparison.speed import ROUNDS, restored_per_second


def test_generators_take_turns_and_the_median_counts():
    now = 0.0
    called = []

    def generator(name, seconds):
        def restore(batch):
            nonlocal now
            called.append(name)
            now += seconds[min(called.count(name), len(seconds)) - 1]

        return restore

    generators = {
        "slow": generator("slow", [100.0, 1.0]),  # the first call compiles
        "fast": generator("fast", [100.0, 5.0, 0.5]),  # and the machine was busy in one of its turns
    }
    rates = restored_per_second(generators, np.zeros((8, 4, 4, 3)), clock=lambda: now)
    assert rates == {"slow": pytest.approx(8.0), "fast": pytest.approx(16.0)}
    assert called == ["slow", "fast"] * (ROUNDS + 1)


def test_a_turn_goes_on_until_there_is_something_to_measure():
    now = 0.0

    def restore(batch):
        nonlocal now
        now += 0.1

    assert restored_per_second({"one": restore}, np.zeros((2, 4, 4, 3)), clock=lambda: now)["one"] == pytest.approx(20)
    assert now == pytest.approx(0.1 + ROUNDS * 0.3, abs=0.51)
