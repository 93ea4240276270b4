import numpy as np
import pytest

from keras_deid.data.images import read_image
from keras_deid.hiding.kinds import KINDS
from keras_deid.useful.pictures import GREY, SIDE, SOURCES, fit, fit_faces, kind_of, training_pictures


def test_a_photograph_fills_the_square_with_its_longer_side():
    fitted = fit(np.full((2 * SIDE, SIDE, 3), 7, np.uint8))
    assert fitted.shape == (SIDE, SIDE, 3)
    assert (fitted[:, : SIDE // 2] == 7).all() and (fitted[:, SIDE // 2 :] == GREY).all()
    small = fit(np.full((10, 20, 3), 7, np.uint8))
    assert (small[: SIDE // 2] == 7).all() and (small[SIDE // 2 :] == GREY).all()
    ((x0, y0, x1, y1),) = fit_faces([(2, 4, 6, 8)], (10, 20))
    assert (x0, y0, x1, y1) == pytest.approx((2 * SIDE / 20, 4 * SIDE / 20, 6 * SIDE / 20, 8 * SIDE / 20))


def test_the_kind_depends_on_the_name_alone():
    kinds = list(KINDS)
    drawn = {f"{number}.jpg": kind_of(f"{number}.jpg", kinds) for number in range(300)}
    assert set(drawn.values()) == set(kinds)
    counts = [list(drawn.values()).count(kind) for kind in kinds]
    assert min(counts) > 10 and max(counts) < 45  # 25 of each
    assert kind_of("7.png", kinds) == drawn["7.jpg"]
    assert kind_of("7.jpg", ["gaussian"]) == "gaussian"


@pytest.mark.parametrize("kind", ["deface_solid", "shrunk_jpeg60", "deface_mosaic10"])
def test_the_pictures_of_a_photograph(scenes, subject, kind):
    path, face = scenes.folder / "a.png", scenes.boxes["a.png"]
    pixels = read_image(path)
    row = training_pictures("a.png", path, pixels, [face], subject(kind))
    assert row.shape == (SIDE, len(SOURCES) * SIDE, 3) and row.dtype == np.uint8
    pictures = dict(zip(SOURCES, np.split(row, len(SOURCES), axis=1), strict=True))
    assert np.array_equal(pictures["original"], fit(pixels))
    x0, y0, x1, y1 = (round(edge) for edge in fit_faces([face], pixels.shape[:2])[0])
    inside = {source: picture[y0:y1, x0:x1].astype(float) for source, picture in pictures.items()}
    changed = {source: np.abs(one - inside["original"]).mean() for source, one in inside.items()}
    assert changed["original"] == 0 and all(changed[source] > 1 for source in SOURCES[1:])
    if kind == "deface_solid":
        assert (inside["input"] == 0).all() and np.array_equal(pictures["bicubic"], pictures["input"])
        middle = inside["restored"][4:-4, 4:-4]
        assert abs(middle - 128).max() <= 1  # found, and painted by the model
    if kind == "deface_mosaic10":
        assert changed["bicubic"] < changed["input"]
        assert np.array_equal(pictures["restored"], pictures["input"])  # not black: not found


def test_a_photograph_without_faces_is_left_as_it_is(scenes, subject):
    path = scenes.folder / "wall.png"
    pixels = read_image(path)
    row = training_pictures("wall.png", path, pixels, [], subject("deface_solid"))
    assert all(np.array_equal(one, fit(pixels)) for one in np.split(row, len(SOURCES), axis=1))
