import numpy as np
import pytest

from keras_deid.useful.average_precision import Ranked
from keras_deid.useful.summary import summarise

PICTURES = 40
FACES = np.ones(PICTURES, int)
SOURCES = ("original", "input", "bicubic", "inpainted", "restored")


def finds(found, seed=0):
    """Finds the faces of so many pictures, without a mistake: that fraction is its average precision."""
    picture = np.random.default_rng(seed).permutation(PICTURES)[:found]
    return Ranked(np.linspace(0.9, 0.5, found), np.ones(found, bool), picture)


def of(**found):
    return {source: [finds(number) for number in found[source]] for source in SOURCES if source in found}


def test_what_is_lost_and_given_back():
    summary = summarise(
        of(original=[40, 40], input=[10, 14], bicubic=[10, 14], inpainted=[19, 19], restored=[33, 33]), FACES
    )
    sources = summary["sources"]
    assert {source: numbers["ap"] for source, numbers in sources.items()} == pytest.approx(
        {"original": 1.0, "input": 0.3, "bicubic": 0.3, "inpainted": 0.475, "restored": 0.825}
    )
    assert sources["input"]["seeds"] == pytest.approx([0.25, 0.35])
    assert summary["lost"]["ap"] == pytest.approx(0.7) and summary["lost"]["interval"][0] > 0.5
    assert sources["original"]["given_back"] is None and sources["input"]["given_back"] is None
    assert sources["bicubic"]["given_back"] == 0 and sources["bicubic"]["given_back_interval"] == [0, 0]
    assert sources["inpainted"]["given_back"] == pytest.approx(0.25)
    assert sources["restored"]["given_back"] == pytest.approx(0.75)
    low, high = sources["restored"]["given_back_interval"]
    assert 0.5 < low < 0.75 < high < 0.95
    assert list(summary["beyond"]) == ["input", "bicubic", "inpainted"]
    assert summary["beyond"]["inpainted"]["ap"] == pytest.approx(0.35)
    assert 0.15 < summary["beyond"]["inpainted"]["interval"][0] < 0.35


def test_nothing_is_given_back_of_no_loss():
    summary = summarise(of(original=[20], input=[20], bicubic=[20], inpainted=[20], restored=[40]), FACES)
    assert summary["lost"] == {"ap": 0.0, "interval": [0.0, 0.0]}
    assert all(numbers["given_back"] is None for numbers in summary["sources"].values())
    # Hidden photographs that teach more have lost nothing, either.
    summary = summarise(of(original=[10], input=[40], bicubic=[20], inpainted=[20], restored=[40]), FACES)
    assert summary["lost"]["interval"][1] < 0
    assert all(numbers["given_back"] is None for numbers in summary["sources"].values())


def test_a_kind_without_blocks():
    summary = summarise(of(original=[40], input=[10], inpainted=[20], restored=[30]), FACES)
    assert list(summary["sources"]) == ["original", "input", "inpainted", "restored"]
    assert list(summary["beyond"]) == ["input", "inpainted"]


def test_the_interval_is_as_wide_as_pictures_and_seeds_say():
    steady = summarise(of(**{source: [20, 20] for source in SOURCES}), FACES)["sources"]["original"]["interval"]
    # Half of the pictures: the standard error of a fraction of one half of 40.
    assert np.diff(steady) == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(PICTURES), rel=0.15)
    apart = summarise(of(**{source: [10, 30] for source in SOURCES}), FACES)["sources"]["original"]["interval"]
    assert np.diff(apart) > 1.5 * np.diff(steady)


def test_draws_without_a_face_are_left_out():
    faces = np.array([1, 0, 0])
    found = Ranked(np.array([0.9]), np.array([True]), np.array([0]))
    summary = summarise({source: [found] for source in SOURCES}, faces)
    assert summary["sources"]["original"]["interval"] == [1.0, 1.0]
