import keras
import numpy as np
import pytest

from keras_deid.explain.chain import chain
from keras_deid.explain.findings import Comparison, Finding
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.statistics import Estimate

SIDE = 16


@pytest.fixture
def make_network():
    """Makes a chained network of the smallest G and D; options are the generator's."""

    def make(channels=3, **options):
        settings = {"filters": 4, "blocks": 2, "reduction": 4, "normalization": "none", **options}
        # With N(0, 0.02) the maps of networks this small drown in rounding.
        generator = _livelier(resnet_generator((SIDE, SIDE, 3), **settings))
        discriminator = _livelier(
            patch_discriminator((SIDE, SIDE, channels), filters=4, layers=1, normalization="none")
        )
        return chain(generator, discriminator)

    return make


@pytest.fixture
def pictures():
    """Signed pictures, float32 (3, 16, 16, 3), with something to see in them."""
    return np.random.default_rng(0).uniform(-1, 1, (3, SIDE, SIDE, 3)).astype("float32")


def _livelier(network):
    random = np.random.default_rng(1)
    for weight in network.trainable_weights:
        if weight.path.endswith("kernel"):
            fan_in = np.prod(weight.shape[:-1])
            weight.assign(random.normal(0, np.sqrt(2 / fan_in), weight.shape))
    return network


@pytest.fixture
def policy():
    """Sets the global precision policy for one test."""
    yield keras.mixed_precision.set_dtype_policy
    keras.mixed_precision.set_dtype_policy("float32")


def _around(mean):
    return Estimate(mean, mean - 0.1, mean + 0.1)


@pytest.fixture
def compared():
    """Makes what is known about a control."""

    def make(control, difference, value=1.0, decides=True, runs=None):
        return Comparison(control, _around(value), _around(difference), 20, decides, runs or {})

    return make


@pytest.fixture
def finding():
    """Makes what was found out about a layer."""

    def make(depth, energy, *comparisons, region="mask", pictures=20, runs=None):
        return Finding(
            target="real",
            region=region,
            layer=f"cbam_{depth}",
            depth=depth,
            pictures=pictures,
            zero_maps=0,
            metrics={
                "energy": _around(energy),
                **{name: _around(0.5) for name in ("pointing", "top_iou", "separation")},
            },
            comparisons=list(comparisons),
            runs=runs or {},
        )

    return make
