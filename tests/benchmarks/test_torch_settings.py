import pytest

from benchmarks.torch_settings import check_settings
from benchmarks.training_speed import FURTHER_SETTINGS
from keras_deid.config import Config
from keras_deid.errors import UserError


def config_with(**generator):
    return Config.model_validate({"generator": generator})


def test_the_networks_of_the_twins_are_taken():
    check_settings(config_with(), FURTHER_SETTINGS)
    check_settings(config_with(attention="none"), FURTHER_SETTINGS)
    check_settings(config_with(dropout=0.5))  # which does nothing once a network is trained


@pytest.mark.parametrize(
    ("generator", "said"),
    [
        ({"network": "unet", "attention": "none"}, "generator.network: .* for 'resnet' only, received 'unet'"),
        ({"upsampling": "resize"}, "generator.upsampling: .* for 'transposed' only, received 'resize'"),
        ({"attention": "branch"}, "generator.attention: .* for 'between' and 'none' only"),
        ({"dropout": 0.5}, "generator.dropout: .* for 0.0 only, received 0.5"),
    ],
)
def test_others_are_refused(generator, said):
    with pytest.raises(UserError, match=said):
        check_settings(config_with(**generator), FURTHER_SETTINGS)
