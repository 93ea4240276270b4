from pathlib import Path

import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.restoring.whole import check_fits, fit_back, fit_into


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("size", "frame"),
    [
        ((100, 200), (0, 16, 64, 48)),
        ((200, 100), (16, 0, 48, 64)),
        ((1, 1000), (0, 31, 64, 32)),
        ((64, 64), (0, 0, 64, 64)),
    ],
)
def test_a_picture_lies_in_the_middle_in_its_proportions(size, frame):
    answer = np.zeros((64, 64, 3), np.uint8)
    x0, y0, x1, y1 = frame
    answer[y0:y1, x0:x1] = 200
    assert (fit_back(answer, size) == 200).all()
    answer[:] = 200
    answer[y0:y1, x0:x1] = 0
    assert (fit_back(answer, size) == 0).all()


def test_the_edge_is_repeated_around_it():
    picture = noise(4, 8)
    np.testing.assert_array_equal(fit_into(picture, (8, 8)), np.pad(picture, ((2, 2), (0, 0), (0, 0)), mode="edge"))


@pytest.mark.parametrize("size", [(16, 24), (4, 24), (16, 5)])
def test_what_the_model_leaves_alone_comes_back(size):
    picture = noise(*size)
    np.testing.assert_array_equal(fit_back(fit_into(picture, (16, 24)), size), picture)


def test_it_is_as_large_as_fits():
    fitted = fit_into(np.full((100, 50, 3), 9, np.uint8), (16, 24))
    assert fitted.shape == (16, 24, 3) and (fitted == 9).all()
    assert fit_back(fitted, (100, 50)).shape == (100, 50, 3)


def test_a_large_picture_is_refused_in_one_line():
    check_fits("a.jpg", (64, 96), (16, 24))
    with pytest.raises(UserError) as raised:
        check_fits(Path("in") / "a.jpg", (64, 97), (16, 24))
    assert str(raised.value) == (
        "in/a.jpg: 97 x 64 pixels would be shrunk 4.0 times for a model of 24 x 16; leave --whole out, or shrink the "
        "picture first"
    )
