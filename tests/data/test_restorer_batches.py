import numpy as np
import pytest

from keras_deid.data import restorer_batches as module
from keras_deid.data.repeats import REPEATS, with_repeats
from keras_deid.data.restorer_batches import first_face, hidden_crop, restorer_batches, restorer_crop
from keras_deid.hiding import mixture
from keras_deid.hiding.afterwards import Afterwards
from keras_deid.hiding.mixture import DEFAULT_WEIGHTS

from .conftest import assert_equal, take
from .photographed import photograph, placed

SIZE, CONTEXT = 32, 1.25


def crops(count, picture=None, weights=DEFAULT_WEIGHTS):
    picture = picture or photograph()
    return [restorer_crop(picture, SIZE, CONTEXT, np.random.default_rng(seed), weights) for seed in range(count)]


LARGE = photograph(face=(100, 90, 260, 300), size=(400, 380))


@pytest.mark.parametrize(
    "picture", [photograph(), LARGE, photograph(face=(-10, -8, 20, 25)), photograph(face=(185, 140, 205, 170))]
)
def test_shapes_and_ranges(picture):
    for crop in crops(20, picture):
        assert crop.hidden.shape == crop.original.shape == (SIZE, SIZE, 3)
        assert crop.hidden.dtype == crop.original.dtype == np.uint8
        assert crop.mask.shape == (SIZE, SIZE, 1) and crop.mask.dtype == np.float32
        assert crop.mask.min() >= 0 and crop.mask.max() <= 1 and crop.mask.max() > 0.4
        assert all(part.flags["C_CONTIGUOUS"] for part in crop[:3])


def test_an_example_depends_on_the_generator_alone():
    assert_equal([crop[:3] for crop in crops(5)], [crop[:3] for crop in crops(5)])
    assert (crops(2)[0].hidden != crops(2)[1].hidden).any()


def test_only_the_masked_pixels_are_hidden_where_nothing_happens_afterwards(monkeypatch):
    monkeypatch.setattr(mixture, "_draw_afterwards", lambda rng: Afterwards())
    monkeypatch.setattr(module, "_DETAIL", 0.0)
    monkeypatch.setattr(module, "fill_flat", lambda crop, inside: crop)  # which fills a rim around the region, too
    for crop in crops(20):
        changed = (crop.hidden != crop.original).any(axis=2)
        assert not changed[crop.mask[..., 0] == 0].any()
        assert changed[crop.mask[..., 0] == 1].mean() > 0.8


def test_a_crop_is_the_region_with_its_context(monkeypatch):
    monkeypatch.setattr(module, "_DETAIL", 0.0)
    # The region fills 1 / 1.25 of the crop, a twentieth less or more on each side.
    for crop in crops(20):
        inside = crop.mask[..., 0] > 0.5
        side = max(np.count_nonzero(inside.any(axis=0)), np.count_nonzero(inside.any(axis=1)))
        assert 0.68 <= side / SIZE <= 0.92
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        for places in (rows, columns):
            assert abs((places[0] + places[-1] + 1) / 2 - SIZE / 2) < 0.06 * SIZE + 1


def test_the_face_is_where_the_crop_says():
    face = (60, 40, 100, 92)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        picture = placed(face)
        crop = hidden_crop(picture.pixels, first_face(picture), SIZE, CONTEXT, rng, {"solid": 1})
        # The original's pixels say which place of the photograph they show: those of the face, at its edges.
        x0, y0, x1, y1 = crop.face
        row, column = crop.original[SIZE // 2, :, 0].astype(float), crop.original[:, SIZE // 2, 1].astype(float)
        centres = np.arange(SIZE) + 0.5
        found = [np.interp(edge, centres, line) for edge, line in ((x0, row), (y0, column), (x1, row), (y1, column))]
        np.testing.assert_allclose(found, np.array(face) - 0.5, atol=4)


def test_half_of_the_crops_are_mirrored_with_their_face():
    mirrored = 0
    for crop in crops(30, placed((60, 40, 100, 92)), {"solid": 1}):
        slope = np.median(np.diff(crop.original[SIZE // 2, :, 0].astype(float)))
        mirrored += slope < 0
        middle = (crop.face[0] + crop.face[2]) / 2
        shown = crop.original[SIZE // 2, min(max(int(middle), 0), SIZE - 1), 0]
        assert abs(int(shown) - 80) < 5
    assert 6 < mirrored < 24


def test_large_faces_are_seen_in_detail_now_and_then(monkeypatch):
    monkeypatch.setattr(module, "_DETAIL", 1.0)
    sides, whole = [], 0
    for crop in crops(40, LARGE):
        sides.append((crop.face[2] - crop.face[0]) / SIZE)
        changed = np.abs(crop.hidden.astype(int) - crop.original).mean(axis=2)
        assert not changed[crop.mask[..., 0] == 0].any()
        assert changed[crop.mask[..., 0] == 1].mean() > 5  # noise loses its finest detail
        whole += (crop.mask == 1).all()
    low, high = module._DETAIL_WIDTHS
    assert low * 0.97 <= min(sides) < 1.5 < 3.0 < max(sides) <= high * 1.03
    assert 10 < whole < 34


def test_small_faces_are_not_seen_in_detail(monkeypatch):
    monkeypatch.setattr(module, "_DETAIL", 1.0)
    small = photograph(face=(60, 40, 76, 60))
    assert all((crop.mask < 1).any() for crop in crops(20, small))


def test_photographs_with_large_faces_are_listed_several_times():
    small = photograph(1)
    assert [picture.path for picture in with_repeats([small, LARGE])] == ["001", *["000"] * REPEATS]


def test_batches_are_a_function_of_seed_and_step():
    pictures = [photograph(number) for number in range(5)]
    how = {"size": SIZE, "context": CONTEXT, "weights": DEFAULT_WEIGHTS, "batch_size": 2, "seed": 3}
    first = take(restorer_batches(pictures, **how), 4)
    assert [part.shape for part in first[0]] == [(2, SIZE, SIZE, 3)] * 2 + [(2, SIZE, SIZE, 1)]
    assert [part.dtype for part in first[0]] == [np.uint8, np.uint8, np.float32]
    assert_equal(first, take(restorer_batches(pictures, **how), 4))
    assert_equal(first[2:], take(restorer_batches(pictures, **how, start_step=2), 2))
    assert (take(restorer_batches(pictures, **{**how, "seed": 4}), 1)[0][0] != first[0][0]).any()
