import numpy as np
import pytest

from keras_deid.field.sheets import columns, face_row, sheet
from keras_deid.hiding.kinds import Hidden


def row(region, size=200):
    original = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    hidden = Hidden(original // 2, original, np.ones((size, size), np.float32), (region,), (None,))
    pictures = {"input": hidden.picture, "inpainted": original // 4, "restored": original // 8}
    return original, face_row("gaussian", hidden, pictures, region)


def test_a_face_is_shown_pixel_for_pixel():
    original, tiles = row((50, 40, 150, 140))
    assert tiles.shape == (150, 4 * 150, 3)
    shown = original[15:165, 25:175]
    for number, divisor in enumerate((1, 2, 4, 8)):
        np.testing.assert_array_equal(tiles[:, 150 * number : 150 * (number + 1)], shown // divisor)


def test_a_small_face_is_enlarged_by_a_whole_factor():
    original, tiles = row((50, 50, 70, 70))
    assert tiles.shape == (5 * 30, 4 * 5 * 30, 3)
    np.testing.assert_array_equal(tiles[::5, :150:5], original[45:75, 45:75])


def test_a_large_face_is_shrunk():
    assert row((0, 0, 400, 400), 400)[1].shape == (320, 4 * 320, 3)


@pytest.mark.parametrize(("kind", "baseline"), [("editor_jpeg70", "bicubic"), ("median", "inpainted")])
def test_the_columns(kind, baseline):
    assert columns(kind) == ("original", "hidden", baseline, "restored")


def test_a_sheet_has_a_row_for_each_face():
    rows = [np.full((side, 2 * side, 3), level, np.uint8) for side, level in ((130, 10), (200, 20))]
    picture = sheet(["one", "two"], rows)
    assert picture.shape == (22 + 130 + 4 + 200 + 4, 4 + 2 * 204, 3)
    assert (picture[22:] == 10).all(axis=2).sum() == 2 * 130 * 130
    assert (picture[22:] == 20).all(axis=2).sum() == 2 * 200 * 200
    assert (picture[:22] < 100).any()  # the labels
