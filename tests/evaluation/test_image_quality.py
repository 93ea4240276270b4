import numpy as np
import pytest
import tensorflow as tf
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from keras_deid.evaluation.image_quality import (
    MS_SSIM_LEAST_SIDE,
    box_region,
    l1,
    ms_ssim,
    picture_scores,
    psnr,
    ssim,
    ssim_map,
)
from keras_deid.evaluation.metrics import METRICS

SIZE = 16
BOX = (4.0, 4.0, 12.0, 12.0)


def flat(value):
    return np.full((SIZE, SIZE, 3), value, np.uint8)


def noisy_pair(seed=0, shape=(24, 20, 3), spread=30):
    random = np.random.default_rng(seed)
    original = random.integers(0, 256, shape)
    return original.astype(np.uint8), np.clip(original + random.normal(0, spread, shape), 0, 255).astype(np.uint8)


@pytest.fixture
def quarter():
    """A mask over the upper left quarter, and a picture that is 51 too bright there."""
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[: SIZE // 2, : SIZE // 2] = 1
    return mask, np.where(mask[..., None] > 0, flat(151), flat(100))


def test_worked_values(quarter):
    mask, picture = quarter
    scores = picture_scores(flat(100), picture, mask, BOX)
    assert tuple(scores) == METRICS
    # Inside, MSE = 51^2 = (255 / 5)^2; over the picture a quarter of that; the difference 51 = 0.2 on a quarter.
    assert scores["psnr_mask"] == pytest.approx(20 * np.log10(5))
    assert scores["psnr"] == pytest.approx(20 * np.log10(5) + 10 * np.log10(4))
    assert scores["l1"] == pytest.approx(0.05)
    assert scores["l1_mask"] == pytest.approx(0.2)
    assert scores["psnr_outside"] == 100
    assert np.isnan(scores["ms_ssim"])


def test_worked_values_in_the_box(quarter):
    mask, picture = quarter
    # 8 x 8 pixels in the middle of 16 x 16 are 12 x 12 with context, 6 x 6 of them in the upper left quarter.
    scores = picture_scores(flat(100), picture, mask, BOX)
    assert scores["psnr_box"] == pytest.approx(20 * np.log10(5) + 10 * np.log10(4))
    assert scores["l1_box"] == pytest.approx(0.05)
    # 6 x 6 pixels with their upper left corner outside the picture are 9 x 9, of which 7.5 x 7.5 are left: 7 centres.
    corner = picture_scores(flat(100), picture, mask, (0, 0, 6, 6))
    assert corner["psnr_box"] == pytest.approx(20 * np.log10(5))
    assert corner["l1_box"] == pytest.approx(0.2)


def test_the_box_with_context():
    # 4 x 2 pixels are 6 x 3 with context: columns 3 to 9, rows 3.5 to 6.5.
    rows, columns = np.nonzero(box_region((4, 4, 8, 6), flat(0)))
    assert sorted(set(rows.tolist())) == [3, 4, 5]
    assert sorted(set(columns.tolist())) == [3, 4, 5, 6, 7, 8]
    assert len(rows) == 18
    assert box_region((0, 0, SIZE, SIZE), flat(0)).all()
    assert not box_region((0, 0, 0, 0), flat(0)).any()


def test_the_ssim_in_the_box_is_the_mean_of_the_map_there():
    original, picture = noisy_pair()
    scores = picture_scores(original, picture, np.zeros(original.shape[:2]), BOX)
    assert scores["ssim_box"] == pytest.approx(ssim_map(original, picture)[2:14, 2:14].mean())


def test_without_a_face_there_are_no_scores_in_the_box():
    scores = picture_scores(flat(0), flat(51), np.ones((SIZE, SIZE)), (0, 0, 0, 0))
    assert np.isnan([scores["psnr_box"], scores["ssim_box"], scores["l1_box"]]).all()


def test_ms_ssim_of_flat_pictures_is_the_weighted_luminance_of_the_coarsest_scale():
    a, b, c1 = 100, 150, (0.01 * 255) ** 2
    side = MS_SSIM_LEAST_SIDE
    one, other = (np.full((side, side, 3), value, np.uint8) for value in (a, b))
    luminance = (2 * a * b + c1) / (a * a + b * b + c1)
    assert ms_ssim(one, other) == pytest.approx(luminance**0.1333, abs=1e-4)
    assert ms_ssim(one, one) == pytest.approx(1)


def test_ms_ssim_forgives_fine_noise_more_than_ssim_does():
    original, picture = noisy_pair(shape=(MS_SSIM_LEAST_SIDE, MS_SSIM_LEAST_SIDE, 3), spread=60)
    assert ssim(ssim_map(original, picture)) < ms_ssim(original, picture) < 1


def test_ms_ssim_needs_room_for_five_scales():
    original, picture = noisy_pair(shape=(MS_SSIM_LEAST_SIDE, MS_SSIM_LEAST_SIDE - 1, 3))
    assert np.isnan(ms_ssim(original, picture))


def test_one_channel_of_three_counts_a_third():
    picture = flat(0)
    picture[..., 1] = 51
    assert psnr(flat(0), picture) == pytest.approx(20 * np.log10(5) + 10 * np.log10(3))
    assert l1(flat(0), picture) == pytest.approx(0.2 / 3)


def test_uint8_differences_do_not_wrap_around():
    assert l1(flat(0), flat(255)) == l1(flat(255), flat(0)) == 1.0
    assert psnr(flat(255), flat(0)) == pytest.approx(0)


def test_identical_pictures_are_100_db():
    scores = picture_scores(flat(7), flat(7), np.ones((SIZE, SIZE)), BOX)
    assert (scores["psnr"], scores["psnr_mask"], scores["ssim"], scores["l1"]) == (100, 100, 1, 0)


def test_almost_identical_pictures_are_no_better_than_identical_ones():
    original = np.zeros((256, 256, 3), np.uint8)
    picture = original.copy()
    picture[0, 0, 0] = 1  # 101.1 dB
    assert psnr(original, picture) == 100


def test_ssim_of_flat_pictures_is_their_luminance_term():
    a, b, c1 = 100, 150, (0.01 * 255) ** 2
    similarity = ssim_map(flat(a), flat(b))
    np.testing.assert_allclose(similarity, (2 * a * b + c1) / (a * a + b * b + c1), rtol=1e-9)
    assert ssim(similarity) == pytest.approx(similarity[0, 0])


def test_ssim_of_the_negative_is_negative():
    original, _ = noisy_pair()
    assert ssim(ssim_map(original, 255 - original)) < -0.5


@pytest.mark.parametrize("seed", range(3))
def test_whole_picture_scores_equal_skimage_and_tensorflow(seed):
    original, picture = noisy_pair(seed)
    scores = picture_scores(original, picture, np.zeros((24, 20)), BOX)
    assert scores["psnr"] == pytest.approx(peak_signal_noise_ratio(original, picture, data_range=255))
    assert scores["psnr"] == pytest.approx(float(tf.image.psnr(original, picture, 255)), abs=1e-3)
    assert scores["ssim"] == pytest.approx(
        structural_similarity(
            original,
            picture,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=-1,
        )
    )
    assert scores["ssim"] == pytest.approx(float(tf.image.ssim(original[None], picture[None], 255)[0]), abs=1e-3)


def test_the_ssim_in_the_mask_knows_nothing_of_what_is_far_away(quarter):
    mask, picture = quarter
    far_corner = picture.copy()
    far_corner[-2:, -2:] = 0
    # The window reaches 5 pixels: rows and columns up to 7 do not see those from 14 on.
    assert picture_scores(flat(100), picture, mask, BOX)["ssim_mask"] == pytest.approx(
        picture_scores(flat(100), far_corner, mask, BOX)["ssim_mask"]
    )
    assert (
        picture_scores(flat(100), far_corner, mask, BOX)["ssim_mask"]
        != picture_scores(flat(100), far_corner, 1 - mask, BOX)["ssim_mask"]
    )


def test_an_empty_mask_has_no_scores_inside():
    scores = picture_scores(flat(0), flat(51), np.zeros((SIZE, SIZE)), BOX)
    assert np.isnan([scores["psnr_mask"], scores["ssim_mask"]]).all()
    assert scores["psnr_outside"] == scores["psnr"] == pytest.approx(20 * np.log10(5))


def test_a_mask_over_everything_leaves_no_outside():
    scores = picture_scores(flat(0), flat(51), np.ones((SIZE, SIZE)), BOX)
    assert np.isnan(scores["psnr_outside"])
    assert scores["psnr_mask"] == scores["psnr"] == pytest.approx(20 * np.log10(5))


def test_a_mask_of_one_pixel():
    mask = np.zeros((SIZE, SIZE))
    mask[0, -1] = 1
    picture = flat(0)
    picture[0, -1] = 51
    scores = picture_scores(flat(0), picture, mask, BOX)
    assert scores["psnr_mask"] == pytest.approx(20 * np.log10(5))
    assert scores["psnr_outside"] == 100


def test_masks_with_and_without_a_channel_are_the_same(quarter):
    mask, picture = quarter
    scores = picture_scores(flat(100), picture, mask, BOX)
    assert picture_scores(flat(100), picture, mask[..., None], BOX) == pytest.approx(scores, nan_ok=True)


@pytest.mark.parametrize("mask_shape", [(SIZE, SIZE - 1), (SIZE,), (SIZE, SIZE, 3)])
def test_masks_of_another_shape_are_refused(mask_shape):
    with pytest.raises(ValueError, match="mask of shape"):
        picture_scores(flat(0), flat(0), np.zeros(mask_shape), BOX)


@pytest.mark.parametrize("measure", [psnr, l1, ssim_map, ms_ssim])
def test_pictures_of_another_shape_are_refused(measure):
    with pytest.raises(ValueError, match="one shape"):
        measure(flat(0), flat(0)[1:])


def test_pictures_smaller_than_the_window_are_refused():
    with pytest.raises(ValueError, match="at least 11 pixels"):
        ssim_map(flat(0)[:10], flat(0)[:10])
