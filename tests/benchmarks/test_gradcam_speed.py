import numpy as np
import pytest

from benchmarks import gradcam_speed
from keras_deid.config import Config
from keras_deid.training.networks import build_discriminator, build_generator

CONFIG = Config.model_validate(
    {
        "name": "tiny",
        "data": {"image_size": [16, 16]},
        "generator": {"filters": 4, "blocks": 2, "reduction": 4},
        "discriminator": {"filters": 4, "layers": 1},
    }
)


def make_run(folder, config):
    random = np.random.default_rng(0)
    for name, network in (
        ("generator", build_generator(config)),
        ("discriminator", build_discriminator(config)),
    ):
        for weight in network.weights:
            weight.assign(np.asarray(weight) + random.normal(0, 0.3, weight.shape))
        network.save(folder / f"{name}.keras")
    config.save(folder / "config.yaml")
    return folder


@pytest.mark.parametrize("attention", ["between", "none"])
def test_the_maps_agree(tmp_path, monkeypatch, attention):
    pytest.importorskip("torch")
    pytest.importorskip("pytorch_grad_cam")
    from benchmarks import gradcam_keras, gradcam_torch

    config = CONFIG.model_copy(update={"generator": CONFIG.generator.model_copy(update={"attention": attention})})
    # In this process TensorFlow has started, and its threads are what they are.
    for kind in ("intra", "inter"):
        monkeypatch.setattr(
            gradcam_keras.tf.config.threading, f"set_{kind}_op_parallelism_threads", lambda threads: None
        )
    ours = gradcam_keras.Contestant(make_run(tmp_path, config), config, 1, 3)
    theirs = gradcam_torch.Contestant(config, 1, ours.weights(), ours.pictures())
    for form in theirs._forms.values():
        for one, other in zip(ours.maps(), form.maps(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * max(other.max(), 1e-9))
    assert len(theirs.keep_the_fastest(0.01)) == 4
    assert ours.rate(0.01) > 0 and theirs.rate(0.01) > 0


def test_maps_that_differ_are_not_measured():
    maps = np.ones((2, 4, 4))
    assert gradcam_speed.agreement(["a", "b"], [maps, maps], [maps, maps * 1.001]) == pytest.approx(0.001, rel=0.01)
    with pytest.raises(AssertionError, match="b: the maps differ by 1.0e-01"):
        gradcam_speed.agreement(["a", "b"], [maps, maps * 0.9], [maps, maps])
    with pytest.raises(AssertionError, match="a: all maps are zero"):
        gradcam_speed.agreement(["a"], [maps * 0], [maps * 0])


def test_what_has_no_twin_is_refused(tmp_path, capsys):
    resize = CONFIG.model_copy(update={"generator": CONFIG.generator.model_copy(update={"upsampling": "resize"})})
    resize.save(tmp_path / "config.yaml")
    assert gradcam_speed.main([str(tmp_path)]) == 2
    assert "error: generator.upsampling: the benchmark has it" in capsys.readouterr().err
