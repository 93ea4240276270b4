import numpy as np
import pytest

from keras_deid.data import locator_batches as module
from keras_deid.data.locator_batches import locator_batches, locator_window
from keras_deid.hiding.afterwards import Afterwards
from keras_deid.hiding.hiding import Hiding
from keras_deid.hiding.mixture import Draw
from keras_deid.hiding.region import region_around

from .conftest import assert_equal, take
from .photographed import photograph, placed

SIZE = 64


def windows(count, picture=None, size=SIZE):
    return [locator_window(picture or photograph(), size, np.random.default_rng(seed)) for seed in range(count)]


def test_shapes_and_ranges():
    for picture in (photograph(), photograph(size=(40, 500)), photograph(face=(-20, -30, 15, 12))):
        for window, label in windows(12, picture):
            assert window.shape == (SIZE, SIZE, 3) and window.dtype == np.uint8
            assert label.shape == (SIZE, SIZE, 1) and label.dtype == np.float32
            assert 0 <= label.min() and label.max() <= 1
            assert window.flags["C_CONTIGUOUS"] and label.flags["C_CONTIGUOUS"]


def test_a_photograph_without_faces_gives_windows():
    picture = photograph()
    empty = type(picture)(picture.path, picture.pixels, np.zeros((0, 4), np.float32))
    labels = np.stack([label for _, label in windows(60, empty)])
    # Only what is hidden beside faces, now and then.
    assert 0 < (labels.max(axis=(1, 2, 3)) > 0).mean() < 0.3


def test_an_example_depends_on_the_generator_alone():
    first, again = windows(5), windows(5)
    assert_equal(first, again)
    assert any((one[0] != other[0]).any() for one, other in zip(first, first[1:], strict=False))


def test_some_windows_are_clean_and_most_are_not():
    labels = np.stack([label for _, label in windows(120)])
    hidden = labels.max(axis=(1, 2, 3)) > 0
    assert 0.45 < hidden.mean() < 0.85
    assert 0.02 < labels[hidden].mean() < 0.6


@pytest.fixture
def plain(monkeypatch):
    """Windows in which the faces alone are hidden, in blue, and nothing else happens."""
    for name in ("_CLEAN", "_CROWDED", "_LOOKALIKE", "_ELSEWHERE", "_LEFT_OPEN", "_SHRUNK"):
        monkeypatch.setattr(module, name, 0.0)
    for name in ("_LARGER", "_SMALLER"):
        monkeypatch.setattr(module, name, (0.0, 1.0, 1.0))

    def draw(face, size, rng):
        return Draw(region_around(face, 1.0, size), Hiding("solid", colour=(0, 0, 255)), Afterwards())

    monkeypatch.setattr(module, "draw", draw)


def test_labels_are_where_pixels_are_hidden(plain):
    seen = 0
    for window, label in windows(20, placed()):
        blue = window[..., 2] == 255
        np.testing.assert_array_equal(label[..., 0] == 1, blue)
        np.testing.assert_array_equal(label[..., 0] > 0, blue)
        seen += blue.any()
    assert seen > 12


def test_labels_follow_a_photograph_that_is_shrunk_after_hiding(plain, monkeypatch):
    monkeypatch.setattr(module, "_SHRUNK", 1.0)
    edges = 0
    for window, label in windows(20, placed()):
        inside, outside = label[..., 0] > 0.99, label[..., 0] < 0.01
        assert (window[inside] == (0, 0, 255)).all()
        assert window[outside][:, 2].max(initial=0) <= 3  # of 255: a hundredth
        edges += (~inside & ~outside).sum()
    assert edges > 100  # pixels that are hidden in part, which an unshrunk photograph does not have


@pytest.mark.parametrize(
    ("larger", "smaller"), [((1.0, 1.7, 1.7), (0.0, 1.0, 1.0)), ((0.0, 1.0, 1.0), (1.0, 0.5, 0.5))]
)
def test_labels_follow_a_photograph_that_is_looked_at_in_another_size(plain, monkeypatch, larger, smaller):
    """Its pixels say where they are; so do those of the window, in steps of the factors in both directions."""
    monkeypatch.setattr(module, "_LARGER", larger)
    monkeypatch.setattr(module, "_SMALLER", smaller)
    edges = 0
    for window, label in windows(20, placed()):
        inside, outside = label[..., 0] > 0.99, label[..., 0] < 0.01
        assert np.abs(window[inside].astype(int) - (0, 0, 255)).max(initial=0) <= 8
        assert window[outside][:, 2].max(initial=0) <= 24  # cubic interpolation overshoots at edges
        edges += (~inside & ~outside).sum()
    assert edges > 100


def test_looks_are_drawn_as_often_as_it_is_written():
    looks = np.array([module._draw_look(np.random.default_rng(seed)) for seed in range(400)])
    assert 0.28 < (looks > 1).mean() < 0.42 and 0.1 < (looks < 1).mean() < 0.2
    assert looks.min() >= 0.5 and looks.max() <= 1.75


def test_a_crowd_has_more_hidden_faces(plain, monkeypatch):
    def parts():
        labels = [label[..., 0] for _, label in windows(20, placed())]
        return sum(float((label > 0.5).mean()) for label in labels)

    alone = parts()
    monkeypatch.setattr(module, "_CROWDED", 1.0)
    assert parts() > 1.05 * alone


def test_half_of_the_windows_are_mirrored(plain):
    mirrored = []
    for window, label in windows(20, placed()):
        clear = window[..., 0].astype(float)
        clear[label[..., 0] > 0] = np.nan
        mirrored.append(np.nanmean(np.diff(clear, axis=1)) < 0)
    assert 3 < sum(mirrored) < 17


def test_all_faces_of_a_photograph_are_hidden(plain):
    picture = photograph(face=(60, 40, 80, 66), others=[(95, 45, 115, 71)])
    hidden = [(label[..., 0].max(axis=0) > 0).astype(int) for _, label in windows(20, picture)]
    assert max(np.count_nonzero(np.diff(row, prepend=0, append=0) == 1) for row in hidden) == 2


def test_batches_are_a_function_of_seed_and_step():
    pictures = [photograph(number) for number in range(5)]
    how = {"size": SIZE, "batch_size": 2, "seed": 3}
    first = take(locator_batches(pictures, **how), 4)
    assert [part.shape for part in first[0]] == [(2, SIZE, SIZE, 3), (2, SIZE, SIZE, 1)]
    assert_equal(first, take(locator_batches(pictures, **how), 4))
    assert_equal(first[2:], take(locator_batches(pictures, **how, start_step=2), 2))
    other = take(locator_batches(pictures, **{**how, "seed": 4}), 1)
    assert (other[0][0] != first[0][0]).any()
