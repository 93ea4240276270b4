import keras
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks import torch_networks  # noqa: E402
from keras_deid.models.patch_discriminator import patch_discriminator  # noqa: E402
from keras_deid.models.resnet_generator import resnet_generator  # noqa: E402


def _shuffle_weights(model):
    generator = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(np.asarray(weight) + generator.normal(0.0, 0.05, weight.shape))


def _outputs(model, counterpart, shape):
    picture = np.random.default_rng(1).uniform(-1.0, 1.0, shape).astype("float32")
    with torch.no_grad():
        received = counterpart(torch.from_numpy(picture.transpose(0, 3, 1, 2).copy())).numpy().transpose(0, 2, 3, 1)
    return keras.ops.convert_to_numpy(model(picture)), received


@pytest.mark.parametrize(
    "options",
    [
        {"attention": "between"},
        {"attention": "none"},
        {"normalization": "none", "residual_scale": 0.25},
        {"global_skip": True},
    ],
    ids=str,
)
def test_generators_agree(options):
    model = resnet_generator((32, 40, 3), filters=8, blocks=2, **options)
    _shuffle_weights(model)
    counterpart = torch_networks.torch_generator(8, 2, **options)
    torch_networks.copy_weights(model.get_weights(), counterpart)
    expected, received = _outputs(model, counterpart, (2, 32, 40, 3))
    np.testing.assert_allclose(received, expected, atol=1e-4)


def test_discriminators_agree():
    model = patch_discriminator((64, 48, 3), filters=8)
    _shuffle_weights(model)
    counterpart = torch_networks.torch_discriminator(8)
    torch_networks.copy_weights(model.get_weights(), counterpart)
    expected, received = _outputs(model, counterpart, (2, 64, 48, 3))
    np.testing.assert_allclose(received, expected, atol=1e-4)


def test_other_settings_are_refused():
    model = resnet_generator((32, 32, 3), filters=8, blocks=2)
    with pytest.raises(ValueError, match="weights"):
        torch_networks.copy_weights(model.get_weights(), torch_networks.torch_generator(8, 3))
    with pytest.raises(ValueError, match="should fit"):
        torch_networks.copy_weights(model.get_weights(), torch_networks.torch_generator(16, 2))
    with pytest.raises(ValueError, match="attention"):
        torch_networks.torch_generator(8, 2, "branch")
    with pytest.raises(ValueError, match="normalization"):
        torch_networks.torch_generator(8, 2, normalization="batch")
