import numpy as np
import pytest

from keras_deid.data.images import read_image
from keras_deid.hiding.kinds import KINDS
from keras_deid.useful.pictures import DEFAULT_KINDS, GREY, SIDE, altered_pictures, fit, fit_faces, sources_of


def test_a_photograph_fills_the_square_with_its_longer_side():
    fitted = fit(np.full((2 * SIDE, SIDE, 3), 7, np.uint8))
    assert fitted.shape == (SIDE, SIDE, 3)
    assert (fitted[:, : SIDE // 2] == 7).all() and (fitted[:, SIDE // 2 :] == GREY).all()
    small = fit(np.full((10, 20, 3), 7, np.uint8))
    assert (small[: SIDE // 2] == 7).all() and (small[SIDE // 2 :] == GREY).all()
    ((x0, y0, x1, y1),) = fit_faces([(2, 4, 6, 8)], (10, 20))
    assert (x0, y0, x1, y1) == pytest.approx((2 * SIDE / 20, 4 * SIDE / 20, 6 * SIDE / 20, 8 * SIDE / 20))


def test_the_default_kinds_exist_and_only_mosaics_are_enlarged():
    assert {KINDS[kind].family for kind in DEFAULT_KINDS} == {"blur", "mosaic", "solid"}
    assert sources_of("deface_blur") == sources_of("deface_solid") == ("input", "inpainted", "restored")
    assert sources_of("deface_mosaic20") == ("input", "bicubic", "inpainted", "restored")


@pytest.mark.parametrize("kind", ["deface_solid", "shrunk_jpeg60", "deface_mosaic10"])
def test_the_pictures_of_a_photograph(scenes, subject, kind):
    path, face = scenes.folder / "a.png", scenes.boxes["a.png"]
    pixels = read_image(path)
    row = altered_pictures("a.png", path, pixels, [face], kind, subject())
    sources = sources_of(kind)
    assert row.shape == (SIDE, len(sources) * SIDE, 3) and row.dtype == np.uint8
    pictures = dict(zip(sources, np.split(row, len(sources), axis=1), strict=True))
    original = fit(pixels)
    x0, y0, x1, y1 = (round(edge) for edge in fit_faces([face], pixels.shape[:2])[0])
    inside = {source: picture[y0:y1, x0:x1].astype(float) for source, picture in pictures.items()}
    changed = {source: np.abs(one - original[y0:y1, x0:x1]).mean() for source, one in inside.items()}
    assert all(change > 1 for change in changed.values())
    if kind == "deface_solid":
        assert (inside["input"] == 0).all()
        assert abs(inside["restored"][4:-4, 4:-4] - 128).max() <= 1  # found, and painted by the model
    if kind == "deface_mosaic10":
        assert changed["bicubic"] < changed["input"]
        assert np.array_equal(pictures["restored"], pictures["input"])  # not black: not found


def test_a_photograph_without_faces_is_left_as_it_is(scenes, subject):
    path = scenes.folder / "wall.png"
    pixels = read_image(path)
    row = altered_pictures("wall.png", path, pixels, [], "deface_solid", subject())
    assert all(np.array_equal(one, fit(pixels)) for one in np.split(row, 3, axis=1))
