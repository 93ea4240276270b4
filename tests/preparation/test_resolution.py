"""Pictures that keep their own resolution."""

import numpy as np
import pytest

from keras_deid.config import DataConfig
from keras_deid.data.photographs import load_photographs

from .conftest import BOX, HEIGHT, WIDTH, draw, examples_of


def test_small_crops_keep_their_resolution(photos, out):
    # The crop is 2 x 40 pixels wide, the photograph's own.
    dataset = photos.prepare(out, size=96, enlarge=False)
    found = examples_of(dataset)
    for number, name in enumerate(photos.names):
        example = found[f"{name}#0"]
        assert example["image"].shape == (80, 80, 3) and example["person"].shape == (80, 80)
        left, top = (BOX[0] + BOX[2]) // 2 - 40, (BOX[1] + BOX[3]) // 2 - 40
        np.testing.assert_array_equal(example["image"], draw(number)[top : top + 80, left : left + 80])
        np.testing.assert_array_equal(example["box"], [25, 20, 55, 60])


@pytest.mark.parametrize(("enlarge", "side"), [(True, 96), (False, 80)])
def test_enlarging_is_the_default_and_size_is_the_most(photos, out, enlarge, side):
    found = examples_of(photos.prepare(out, size=96, enlarge=enlarge))
    assert {example["image"].shape for example in found.values()} == {(side, side, 3)}
    found = examples_of(photos.prepare(out.with_name("smaller"), size=32, enlarge=enlarge))
    assert {example["image"].shape for example in found.values()} == {(32, 32, 3)}


def test_whole_photographs_keep_their_resolution(photos, out):
    found = examples_of(photos.prepare(out, region="photo", size=200, enlarge=False))
    assert {example["image"].shape for example in found.values()} == {(HEIGHT, WIDTH, 3)}
    np.testing.assert_array_equal(found[f"{photos.names[1]}#0"]["image"], draw(1))
    found = examples_of(photos.prepare(out.with_name("enlarged"), region="photo", size=150))
    assert {example["image"].shape for example in found.values()} == {(150, 200, 3)}


def test_crops_of_several_sizes_can_be_read(photos, out):
    photos.list_boxes({name: [(60, 30, 84 + number, 70)] for number, name in enumerate(photos.names)})
    photos.prepare(out, size=96, enlarge=False, context=1.0)
    data = DataConfig(source="prepared", path=out)
    sides = {photograph.pixels.shape[0] for photograph in load_photographs(data)}
    assert len(sides) > 1 and max(sides) <= 96
