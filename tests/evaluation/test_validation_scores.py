import numpy as np
import pytest
import tensorflow as tf

from keras_deid.evaluation.image_quality import picture_scores
from keras_deid.evaluation.validation_scores import VALIDATION_METRICS, validation_scores

BOX = (4.0, 4.0, 16.0, 20.0)


def batch(seed=0, size=(28, 20)):
    random = np.random.default_rng(seed)
    y = random.integers(0, 256, (4, *size, 3)).astype(np.uint8)
    y[1] = 200 + random.integers(0, 3, y[1].shape)  # almost flat and bright: hard for float32
    y[2] = np.linspace(0, 255, size[1])[None, :, None]
    x = np.clip(y + random.normal(0, 40, y.shape), 0, 255).astype(np.uint8)
    restored = np.clip(y + random.normal(0, 10, y.shape), 0, 255).astype(np.uint8)
    mask = np.zeros((4, *size, 1), np.float32)
    mask[0, :9, :7] = mask[1, -6:, -6:] = mask[2, 10:20, 5:15] = mask[3, 0, 0] = 1
    return x, y, mask, restored


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_scores_of_the_final_evaluation(seed):
    x, y, mask, restored = batch(seed)
    scores = validation_scores(x, y, mask, restored)
    assert tuple(scores) == VALIDATION_METRICS
    for index in range(len(x)):
        expected = picture_scores(y[index], restored[index], mask[index], BOX)
        baseline = picture_scores(y[index], x[index], mask[index], BOX)
        for name in ("psnr_mask", "ssim_mask", "psnr_outside", "psnr", "ssim"):
            assert float(scores[name][index]) == pytest.approx(expected[name], abs=1e-3), name
        gain = expected["psnr_mask"] - baseline["psnr_mask"]
        assert float(scores["psnr_mask_gain"][index]) == pytest.approx(gain, abs=1e-3)


def test_float_pictures_are_taken_as_they_are():
    x, y, mask, restored = batch()
    whole = validation_scores(x, y, mask, restored)
    floats = validation_scores(*(tf.constant(value, tf.float32) for value in (x, y, mask, restored)))
    np.testing.assert_array_equal(whole["ssim_mask"], floats["ssim_mask"])


def test_works_inside_a_graph():
    values = batch()
    graph = tf.function(validation_scores)(*(tf.constant(value) for value in values))
    for name, value in validation_scores(*values).items():
        np.testing.assert_allclose(graph[name], value, rtol=1e-4, err_msg=name)


def test_a_generator_that_copies_gains_exactly_nothing():
    x, y, mask, _ = batch()
    assert validation_scores(x, y, mask, x)["psnr_mask_gain"].numpy().tolist() == [0, 0, 0, 0]


def test_a_perfect_restoration_is_100_db():
    x, y, mask, _ = batch()
    scores = validation_scores(x, y, mask, y)
    for name in ("psnr_mask", "psnr_outside", "psnr"):
        assert scores[name].numpy().tolist() == [100] * 4
    np.testing.assert_allclose(scores["ssim"], 1, atol=1e-4)


def test_regions_without_pixels_have_no_scores():
    x, y, mask, restored = batch()
    nothing = validation_scores(x, y, np.zeros_like(mask), restored)
    assert np.isnan(nothing["psnr_mask"]).all() and np.isnan(nothing["ssim_mask"]).all()
    assert np.isfinite(nothing["psnr_outside"]).all()
    everything = validation_scores(x, y, np.ones_like(mask), restored)
    assert np.isnan(everything["psnr_outside"]).all()
    np.testing.assert_allclose(everything["psnr_mask"], everything["psnr"], rtol=1e-5)
