import pytest

from keras_deid.training.epoch_part import EpochPart


def test_parts_add_up():
    first = EpochPart(steps=1, seconds=2.0, waited=0.5, means={"l1": 4.0, "old": 1.0})
    second = EpochPart(steps=3, seconds=4.0, waited=0.25, means={"l1": 8.0, "new": 2.0})
    # (1 x 4 + 3 x 8) / 4 = 7
    assert first + second == EpochPart(4, 6.0, 0.75, {"l1": 7.0, "old": 1.0, "new": 2.0})


def test_an_empty_part_changes_nothing():
    part = EpochPart(3, 0.1, 0.2, {"l1": 1 / 3})
    assert EpochPart() + part == part


@pytest.mark.parametrize("part", [EpochPart(), EpochPart(3, 0.1, 0.2, {"l1": 1 / 3})])
def test_comes_back_from_json(part):
    assert EpochPart.of(part.as_json()) == part


def test_of_nothing_is_empty():
    assert EpochPart.of(None) == EpochPart()


@pytest.mark.parametrize("content", [{"steps": "x"}, {"means": {"l1": None}}, {"seconds": []}, [1], "x", {"other": 1}])
def test_of_something_that_was_edited_is_empty(content):
    assert EpochPart.of(content) == EpochPart()
