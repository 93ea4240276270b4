import numpy as np
import pytest

from keras_deid.config import DataConfig, DeidentifyConfig
from keras_deid.data.deidentify import deidentify as hide
from keras_deid.data.deidentify import strength_in_pixels
from keras_deid.data.evaluation_examples import evaluation_examples
from keras_deid.data.images import write_png
from keras_deid.data.x_y_mask import enlarged_mosaics
from keras_deid.evaluation.baselines import baselines
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
    strength = strength_in_pixels(deidentify.block_size, boxes, deidentify.unit)
    enlarged = enlarged_mosaics(x, y, boxes, strength, deidentify)
    return {"x": np.asarray(x), "y": y, "mask": mask, **{kernel: np.asarray(one) for kernel, one in enlarged.items()}}


MOSAIC = DeidentifyConfig(block_size=0.25)


def test_a_mosaic_has_three():
    example = batch(MOSAIC)
    pictures = baselines(example)
    assert list(pictures) == ["input", "bilinear", "bicubic"]
    np.testing.assert_array_equal(pictures["input"], example["x"])
    for picture in pictures.values():
        assert (picture.dtype, picture.shape) == (np.uint8, (2, 32, 32, 3))


def test_block_means_of_a_ramp_enlarge_to_the_ramp():
    example = batch(MOSAIC)
    pictures = baselines(example)
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
    picture = baselines(example)["bicubic"]
    assert (picture[region] != example["x"][region]).any()
    np.testing.assert_allclose(picture[region].astype(int), example["y"][region].astype(int), atol=6)


@pytest.mark.parametrize(
    "deidentify",
    [MOSAIC, DeidentifyConfig(shape="ellipse"), DeidentifyConfig(scale=1.4, unit="pixels", block_size=3.0)],
    ids=["rectangle", "ellipse", "scaled"],
)
def test_outside_the_mask_a_baseline_is_the_input(deidentify):
    example = batch(deidentify)
    inside = example["mask"][..., 0] > 0
    pictures = baselines(example)
    for picture in pictures.values():
        np.testing.assert_array_equal(picture[~inside], example["x"][~inside])
    assert (pictures["bicubic"][inside] != example["x"][inside]).mean() > 0.5


@pytest.mark.parametrize("method", ["blur", "box"])
def test_without_blocks_the_input_is_the_only_baseline(method):
    deidentify = DeidentifyConfig(method=method)
    assert list(baselines(batch(deidentify))) == ["input"]


def test_pairs_of_unknown_blocks_have_no_other_baseline(tmp_path):
    for side in ("x", "y"):
        (tmp_path / side / "test").mkdir(parents=True)
        write_png(tmp_path / side / "test" / "one.png", np.full((32, 32, 3), 100, np.uint8))
    pairs = DataConfig(source="folders", path=tmp_path, image_size=(32, 32))
    (example,) = evaluation_examples(pairs, MOSAIC, "test", 4, with_baselines=True)
    assert list(baselines(example)) == ["input"]


def test_examples_carry_their_baselines_only_on_request():
    scenes = DataConfig.model_validate({"image_size": [32, 32], "synthetic": {"train": 1, "val": 1, "test": 2}})
    (without,) = evaluation_examples(scenes, MOSAIC, "test", 4)
    (with_baselines,) = evaluation_examples(scenes, MOSAIC, "test", 4, with_baselines=True)
    assert set(with_baselines) - set(without) == {"bilinear", "bicubic"}
