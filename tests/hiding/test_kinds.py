import numpy as np
import pytest
from deface.deface import anonymize_frame

from keras_deid.hiding.kinds import KINDS

FACES = [(40.0, 30.0, 90.0, 95.0), (150.4, 60.7, 185.2, 101.9)]
# What is compressed changes everywhere.
COMPRESSED = {"editor_jpeg70", "shrunk_jpeg60", "median", "solid_ellipse"}


def photograph():
    return np.random.default_rng(0).integers(0, 256, (160, 240, 3), np.uint8)


@pytest.mark.parametrize(
    ("name", "replacewith", "block"),
    [
        ("deface_blur", "blur", 20),
        ("deface_mosaic20", "mosaic", 20),
        ("deface_mosaic10", "mosaic", 10),
        ("deface_solid", "solid", 20),
    ],
)
def test_the_kinds_of_deface_are_deface_s(name, replacewith, block):
    expected = photograph()
    detections = np.array([[*face, 0.9] for face in FACES], np.float32)
    anonymize_frame(
        detections,
        expected,
        1.3,
        replacewith=replacewith,
        ellipse=True,
        draw_scores=False,
        replaceimg=None,
        mosaicsize=block,
    )
    np.testing.assert_array_equal(KINDS[name].hide(photograph(), FACES).picture, expected)


@pytest.mark.parametrize("face", [FACES[0], FACES[1], (0.0, 0.0, 30.0, 42.0), (200.0, 110.0, 239.0, 159.0)])
@pytest.mark.parametrize("name", [name for name in KINDS if name not in COMPRESSED])
def test_regions_are_what_changes(name, face):
    before = photograph()
    hidden = KINDS[name].hide(before, [face])
    changed = (hidden.picture != before).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    (region,) = hidden.regions
    found = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    # An ellipse touches its sides with few pixels, some of which keep their value.
    assert np.abs(np.subtract(found, region)).max() <= (1 if "blur" in name or "ellipse" in name else 0)
    assert not changed[hidden.mask == 0].any()
    assert changed[hidden.mask == 1].mean() > 0.9
    np.testing.assert_array_equal(hidden.original, before)


@pytest.mark.parametrize("name", sorted(COMPRESSED))
def test_what_is_compressed_is_hidden_as_well(name):
    smooth = np.tile(np.linspace(30, 220, 240)[None, :, None], (160, 1, 3)).astype(np.uint8)
    smooth[30:95, 40:90] = photograph()[30:95, 40:90]
    hidden = KINDS[name].hide(smooth, FACES[:1])
    error = np.abs(hidden.picture.astype(int) - hidden.original).mean(axis=2)
    assert error[hidden.mask == 1].mean() > 10 > 3 > error[hidden.mask == 0].mean()


@pytest.mark.parametrize("name", KINDS)
def test_every_face_has_a_region_around_it(name):
    hidden = KINDS[name].hide(photograph(), FACES)
    height, width = hidden.picture.shape[:2]
    factor = width / 240
    assert hidden.original.shape == hidden.picture.shape and hidden.mask.shape == (height, width)
    assert hidden.picture.dtype == hidden.original.dtype == np.uint8 and hidden.mask.dtype == np.float32
    for face, (x0, y0, x1, y1) in zip(FACES, hidden.regions, strict=True):
        assert 0 <= x0 <= face[0] * factor and 0 <= y0 <= face[1] * factor
        assert face[2] * factor - 1 <= x1 <= width and face[3] * factor - 1 <= y1 <= height
        inside = hidden.mask[y0:y1, x0:x1]
        assert inside[(y1 - y0) // 2, (x1 - x0) // 2] == 1 and inside.mean() > 0.7
    np.testing.assert_array_equal(KINDS[name].hide(photograph(), FACES).picture, hidden.picture)


def test_the_shrunk_kind_is_smaller():
    hidden = KINDS["shrunk_jpeg60"].hide(photograph(), FACES)
    assert hidden.picture.shape == (96, 144, 3)
    # 1.2 times the face, (35, 23.5, 95, 101.5) in the photograph, times 0.6
    assert hidden.regions[0] == (21, 14, 57, 61)
    assert hidden.mask[14:61, 21:57].mean() > 0.95


@pytest.mark.parametrize("name", KINDS)
def test_without_faces_nothing_is_hidden(name):
    hidden = KINDS[name].hide(photograph(), [])
    assert hidden.regions == () and not hidden.mask.any()
    if name not in COMPRESSED:
        np.testing.assert_array_equal(hidden.picture, photograph())


def test_a_face_outside_is_nothing_to_deface():
    hidden = KINDS["deface_solid"].hide(photograph(), [(-90.0, -90.0, -40.0, -40.0)])
    assert hidden.regions == () and not hidden.mask.any()


def test_kinds_are_of_three_families():
    assert {kind.family for kind in KINDS.values()} == {"mosaic", "blur", "solid"}
    assert len({kind.description for kind in KINDS.values()}) == len(KINDS)
