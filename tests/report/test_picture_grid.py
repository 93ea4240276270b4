import numpy as np
import pytest
from PIL import Image

from keras_deid.report.picture_grid import LEAST_TILE, picture_grid, write_grid


def grid_of(sizes, labels=("original", "restored"), rows=2):
    return {label: [np.full((*sizes, 3), 10 * row + 100, np.uint8) for row in range(rows)] for label in labels}


def test_the_grid_has_a_column_a_source_and_a_row_a_picture():
    columns = grid_of((32, 64), rows=3)
    grid = picture_grid(columns)
    height, width = LEAST_TILE, 2 * LEAST_TILE
    assert grid.shape[0] == pytest.approx(3 * height, abs=60)
    assert grid.shape[1] == pytest.approx(2 * width, abs=30)
    for value in (100, 110, 120):
        assert (grid == value).all(axis=-1).sum() >= 2 * height * width


def test_small_pictures_are_enlarged_without_smoothing():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[::2] = 255
    grid = picture_grid({"original": [picture]})
    assert (grid == 0).all(axis=-1).sum() == pytest.approx(LEAST_TILE**2 / 2, rel=0.02)


def test_large_pictures_are_left_as_they_are():
    assert picture_grid({"original": [np.zeros((200, 300, 3), np.uint8)]}).shape[1] < 320


def test_labels_are_drawn():
    with_label, without = (picture_grid({label: [np.zeros((64, 64, 3), np.uint8)]}) for label in ("mosaic", ""))
    assert (with_label != without).any()


def test_grids_that_do_not_fit_together_are_refused():
    with pytest.raises(ValueError, match="one length"):
        picture_grid({"original": [np.zeros((8, 8, 3), np.uint8)], "restored": []})
    with pytest.raises(ValueError, match="one length"):
        picture_grid({})


def test_the_grid_is_written_as_png(tmp_path):
    write_grid(tmp_path / "evaluation.png", grid_of((64, 64)))
    with Image.open(tmp_path / "evaluation.png") as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image), picture_grid(grid_of((64, 64))))
