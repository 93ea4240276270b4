import numpy as np
import pytest

from keras_deid.explain.pictures import Pictures
from keras_deid.figures import people
from keras_deid.figures.people import people_figure, spread, various

KINDS = [("dark", "plain"), ("dark", "plain"), ("dark", "busy"), ("red", "plain"), ("red", "busy")]


@pytest.fixture
def pictures(monkeypatch):
    """Five pictures of 24 x 16, whose groups are `KINDS`."""
    blank, mask = np.zeros((5, 24, 16, 3), np.uint8), np.zeros((5, 24, 16), bool)
    mask[:, 4:8, 4:8] = True
    monkeypatch.setattr(people, "GROUPED_BY", ("clothes", "background"))
    monkeypatch.setattr(people, "names_of", lambda pictures, by: [kind[by == "background"] for kind in KINDS])
    return Pictures(blank, blank, mask, mask, tuple("abcde"))


def test_people_differ_before_they_are_alike(pictures):
    # The first; then the one who shares nothing with it; then those who share as little as can be with both.
    assert various(pictures, 2) == [0, 4]
    # Every kind has then been seen once: each of the others shares two, and the first of them comes next, and so on.
    assert various(pictures, 9) == [0, 4, 1, 2, 3]


def test_layers_from_the_first_to_the_last():
    names = [f"cbam_{index}" for index in range(1, 10)]
    assert spread(names[:3]) == names[:3]
    nine = spread(names)
    assert len(nine) == 6 and nine[0] == "cbam_1" and nine[-1] == "cbam_9"


def test_a_column_for_each_source_and_layer():
    blank = np.zeros((2, 24, 16, 3), np.uint8)
    none = np.zeros((2, 24, 16), bool)
    maps = {"cbam_1": np.ones((2, 6, 4), np.float32), "cbam_2": np.zeros((2, 6, 4), np.float32)}
    figure = people_figure(Pictures(blank, blank, none, none, ("a", "b")), blank, maps)
    assert len(figure.axes) == 2 * 5 + 1
    words = [text.get_text() for text in figure.texts]
    assert words[:5] == ["input", "restored", "original", "cbam_1", "cbam_2"]
    width, height = figure.get_size_inches()
    # A flat map has the colour of 1 on the scale of 0 to 3; a zero map that of 0.
    flat, zero = (figure.axes[2 * place].images[0].get_array()[0, 0] for place in (3, 4))
    assert width <= 7.16 and height <= 9.0 and not np.array_equal(flat, zero)
    box = figure.axes[0].get_position()
    assert box.height * height / (box.width * width) == pytest.approx(24 / 16, rel=1e-3)
