import keras
import numpy as np

from keras_deid.training.networks import build_discriminator, build_generator
from keras_deid.training.saved_networks import SavedNetworks


def test_what_is_trained_in_half_precision_is_saved_in_float32(tmp_path, tiny, policy):
    policy("mixed_float16")
    config = tiny(discriminator={"conditional": True})
    generator, discriminator = build_generator(config), build_discriminator(config)
    SavedNetworks(tmp_path, config).save(generator, discriminator)
    assert keras.mixed_precision.dtype_policy().name == "mixed_float16"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["discriminator.keras", "generator.keras"]
    for network, name in ((generator, "generator"), (discriminator, "discriminator")):
        loaded = keras.saving.load_model(tmp_path / f"{name}.keras", safe_mode=True)
        assert loaded.layers[2].compute_dtype == "float32"
        assert [layer.name for layer in loaded.layers] == [layer.name for layer in network.layers]
        for weight, expected in zip(loaded.get_weights(), network.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)


def test_saving_again_replaces(tmp_path, tiny):
    config = tiny()
    saved = SavedNetworks(tmp_path, config)
    discriminator = build_discriminator(config)
    saved.save(build_generator(config), discriminator)
    newer = build_generator(config)
    saved.save(newer, discriminator)
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    np.testing.assert_array_equal(loaded.get_weights()[0], newer.get_weights()[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["discriminator.keras", "generator.keras"]
