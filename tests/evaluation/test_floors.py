import numpy as np
import pytest

from keras_deid.config import DeidentifyConfig
from keras_deid.data.deidentify import deidentify as hide
from keras_deid.data.deidentify import strength_in_pixels
from keras_deid.evaluation.floors import floors
from keras_deid.evaluation.image_quality import psnr


def batch(deidentify):
    """Two smooth pictures of 32 x 32 pixels with two faces each; in the second picture the second one fills up."""
    ramp = np.linspace(0, 255, 32)
    y = np.stack([np.tile(ramp[None, :, None], (32, 1, 3)), np.tile(ramp[:, None, None], (1, 32, 3))]).astype(np.uint8)
    boxes = np.array([[[8, 8, 24, 24], [26, 26, 31, 31]], [[4, 8, 20, 24], [0, 0, 0, 0]]], np.float32)
    x, mask = y, np.zeros((2, 32, 32, 1), np.float32)
    for face in range(2):
        block = strength_in_pixels(deidentify.block_size, boxes[:, face], deidentify.unit)
        how = {"method": deidentify.method, "shape": deidentify.shape, "scale": deidentify.scale}
        x, region = hide(x, boxes[:, face], block, **how)
        mask = np.maximum(mask, region)
    first_block = strength_in_pixels(deidentify.block_size, boxes[:, 0], deidentify.unit)
    return {"x": np.asarray(x), "y": y, "mask": mask, "boxes": boxes, "block": np.asarray(first_block)}


MOSAIC = DeidentifyConfig(block_size=0.25)


def test_a_mosaic_has_three():
    example = batch(MOSAIC)
    pictures = floors(example, MOSAIC)
    assert list(pictures) == ["mosaic", "bilinear", "bicubic"]
    np.testing.assert_array_equal(pictures["mosaic"], example["x"])
    for picture in pictures.values():
        assert (picture.dtype, picture.shape) == (np.uint8, (2, 32, 32, 3))


def test_block_means_of_a_ramp_enlarge_to_the_ramp():
    example = batch(MOSAIC)
    pictures = floors(example, MOSAIC)
    # Between the outermost block centres, 2 pixels inside the region, a straight line is what bilinear gives back.
    inner = (0, slice(8, 24), slice(10, 22))
    np.testing.assert_allclose(pictures["bilinear"][inner].astype(int), example["y"][inner].astype(int), atol=2)
    for kernel in ("bilinear", "bicubic"):
        for picture, mosaic, original in zip(pictures[kernel], example["x"], example["y"], strict=True):
            assert psnr(original, picture) > psnr(original, mosaic)


def test_every_face_is_enlarged():
    example = batch(MOSAIC)
    # The second face is 5 pixels wide: blocks of 1.25 pixels, of which the fourth holds two columns.
    region = (0, slice(26, 31), slice(26, 31))
    picture = floors(example, MOSAIC)["bicubic"]
    assert (picture[region] != example["x"][region]).any()
    np.testing.assert_allclose(picture[region].astype(int), example["y"][region].astype(int), atol=6)


@pytest.mark.parametrize(
    "deidentify",
    [MOSAIC, DeidentifyConfig(shape="ellipse"), DeidentifyConfig(scale=1.4, unit="pixels", block_size=3.0)],
    ids=["rectangle", "ellipse", "scaled"],
)
def test_outside_the_mask_a_floor_is_the_input(deidentify):
    example = batch(deidentify)
    inside = example["mask"][..., 0] > 0
    pictures = floors(example, deidentify)
    for picture in pictures.values():
        np.testing.assert_array_equal(picture[~inside], example["x"][~inside])
    assert (pictures["bicubic"][inside] != example["x"][inside]).mean() > 0.5


@pytest.mark.parametrize("method", ["blur", "box"])
def test_without_blocks_the_input_is_the_only_floor(method):
    deidentify = DeidentifyConfig(method=method)
    assert list(floors(batch(deidentify), deidentify)) == ["mosaic"]


def test_pairs_of_unknown_blocks_have_no_other_floor():
    assert list(floors({**batch(MOSAIC), "block": np.zeros(2, np.float32)}, MOSAIC)) == ["mosaic"]
