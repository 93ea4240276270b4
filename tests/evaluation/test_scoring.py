import keras
import numpy as np
import pytest

from keras_deid.config import DeidentifyConfig
from keras_deid.data.deidentify import deidentify
from keras_deid.data.x_y_mask import enlarged_mosaics
from keras_deid.errors import UserError
from keras_deid.evaluation.evaluation import SHOWN
from keras_deid.evaluation.image_quality import picture_scores
from keras_deid.evaluation.metrics import ALL_METRICS, GROUP_METRICS
from keras_deid.evaluation.scoring import brightness, restore, score_pictures

SIZE = 32
BOX = (8.0, 8.0, 24.0, 24.0)


class BrightFaceFinder:
    """Finds the face at its place in every picture whose middle is not black."""

    def detect(self, image):
        scale = image.shape[0] / SIZE
        face = type("Face", (), {"box": tuple(edge * scale for edge in BOX)})
        return [face] if image[image.shape[0] // 2, image.shape[1] // 2].any() else []


def examples(count, batch_size=4, method="mosaic", box=BOX):
    random = np.random.default_rng(0)
    y = random.integers(1, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)
    boxes, blocks = np.tile(np.float32(BOX), (count, 1)), np.full(count, 4, np.float32)
    x, mask = (np.asarray(value) for value in deidentify(y, boxes, blocks, method=method))
    settings = DeidentifyConfig(method=method, block_size=0.25)
    enlarged = enlarged_mosaics(x, y, boxes[:, None], blocks[:, None], settings)
    whole = {
        **{kernel: np.asarray(pictures) for kernel, pictures in enlarged.items()},
        "x": x,
        "y": y,
        "mask": mask,
        "box": np.tile(np.float32(box), (count, 1)),
        "boxes": boxes[:, None],
        "block": blocks,
        "path": np.array([f"photo {index}.jpg#0".encode() for index in range(count)], object),
    }
    for start in range(0, count, batch_size):
        yield {key: value[start : start + batch_size] for key, value in whole.items()}


def model_of(function, shape=(None, None, 3)):
    picture = keras.Input(shape)
    return keras.Model(picture, function(picture))


def test_a_generator_that_copies_scores_as_its_input(copying):
    metrics = score_pictures(copying, examples(6), BrightFaceFinder()).metrics("test")
    assert metrics["restored"] == metrics["baselines"]["input"]
    assert metrics["intervals"]["restored"] == metrics["intervals"]["baselines"]["input"]
    assert metrics["restored"]["psnr_outside"] == 100


def test_the_metrics_have_the_form_that_other_commands_read(copying):
    metrics = score_pictures(copying, examples(6), BrightFaceFinder()).metrics("val")
    assert (metrics["split"], metrics["images"]) == ("val", 6)
    assert list(metrics["baselines"]) == ["input", "bilinear", "bicubic"]
    for means in (*metrics["baselines"].values(), metrics["restored"]):
        assert tuple(means) == ALL_METRICS
    assert metrics["original"] == {"faces_found": 1.0}
    assert metrics["intervals"]["level"] == 0.95
    # These 32 pixels have no room for five scales.
    assert metrics["restored"]["ms_ssim"] is metrics["intervals"]["restored"]["ms_ssim"] is None
    known = {name: bounds for name, bounds in metrics["intervals"]["baselines"]["bicubic"].items() if bounds}
    assert set(known) == {*ALL_METRICS} - {"ms_ssim"}
    for name, (low, high) in known.items():
        assert low <= metrics["baselines"]["bicubic"][name] <= high


def test_means_are_over_pictures_whatever_the_batches(copying):
    by_four = score_pictures(copying, examples(6, batch_size=4), BrightFaceFinder()).metrics("test")
    one_by_one = score_pictures(copying, examples(6, batch_size=1), BrightFaceFinder()).metrics("test")
    assert by_four["baselines"]["bicubic"].pop("ms_ssim") is None
    for name, value in by_four["baselines"]["bicubic"].items():
        assert value == pytest.approx(one_by_one["baselines"]["bicubic"][name], abs=1e-4)
    (batch,) = examples(6, batch_size=6)
    pictures = zip(batch["y"], batch["x"], batch["mask"], strict=True)
    expected = np.mean([picture_scores(y, x, mask, BOX)["psnr_mask"] for y, x, mask in pictures])
    assert by_four["restored"]["psnr_mask"] == pytest.approx(expected)


def test_a_generator_that_paints_black_loses_every_face():
    black = model_of(keras.layers.Rescaling(scale=0.0, offset=-1.0))
    metrics = score_pictures(black, examples(3), BrightFaceFinder()).metrics("test")
    assert metrics["restored"]["faces_found"] == 0
    assert metrics["baselines"]["input"]["faces_found"] == 1
    assert metrics["restored"]["psnr"] < 10


@pytest.mark.parametrize("method", ["blur", "box"])
def test_other_methods_have_no_block_means(copying, method):
    metrics = score_pictures(copying, examples(3, method=method), BrightFaceFinder()).metrics("test")
    assert list(metrics["baselines"]) == ["input"]
    assert list(metrics["intervals"]["baselines"]) == ["input"]


def test_scores_that_no_picture_has_are_none(copying):
    metrics = score_pictures(copying, examples(3, box=(0, 0, 0, 0)), BrightFaceFinder()).metrics("test")
    assert metrics["original"]["faces_found"] is None
    assert metrics["intervals"]["restored"]["faces_found"] is None
    assert metrics["restored"]["faces_found"] is None


def test_one_picture_has_metrics_but_no_intervals(copying):
    metrics = score_pictures(copying, examples(1), BrightFaceFinder()).metrics("test")
    assert metrics["restored"]["psnr_mask"] > 0
    assert metrics["intervals"]["restored"]["psnr_mask"] is None


def test_without_a_detector_no_face_is_looked_for(copying):
    metrics = score_pictures(copying, examples(2), None).metrics("test")
    assert metrics["restored"]["faces_found"] is metrics["original"]["faces_found"] is None
    assert metrics["restored"]["psnr_mask"] > 0


def test_each_score_says_what_it_may_be_grouped_by(copying):
    evaluation = score_pictures(copying, examples(2), BrightFaceFinder())
    assert [row.source for row in evaluation.scores] == ["original", "input", "bilinear", "bicubic", "restored"] * 2
    first = evaluation.scores[0]
    assert (first.path, first.box_width, first.block) == ("photo 0.jpg#0", 16.0, 4.0)
    assert 0.3 < first.brightness < 0.7
    table = evaluation.table()
    assert table.loc[table["source"] == "input", "faces_found"].tolist() == [1.0, 1.0]


def test_groups_hold_each_picture_once_and_its_own_scores(copying):
    evaluation = score_pictures(copying, examples(6), BrightFaceFinder())
    whole = evaluation.metrics("test")
    groups = whole["groups"]
    assert list(groups) == ["face_width", "block", "brightness"]
    (only,) = groups["face_width"]
    assert (only["low"], only["high"], only["images"]) == (16, 16, 6)
    for source, means in only["baselines"].items():
        assert means == {name: whole["baselines"][source][name] for name in GROUP_METRICS}
    assert only["original"] == {"faces_found": 1.0}
    assert only["intervals"]["restored"]["psnr_mask"] == whole["intervals"]["restored"]["psnr_mask"]
    assert [group["images"] for group in groups["brightness"]] == [2, 2, 2]
    darkest = sorted((row for row in evaluation.scores if row.source == "input"), key=lambda row: row.brightness)[:2]
    expected = np.mean([row.scores["psnr_mask"] for row in darkest])
    assert groups["brightness"][0]["baselines"]["input"]["psnr_mask"] == pytest.approx(expected)


def test_faces_and_blocks_that_are_not_known_are_in_no_group(copying):
    batches = [{**batch, "block": 0 * batch["block"]} for batch in examples(3, box=(0, 0, 0, 0))]
    groups = score_pictures(copying, batches, BrightFaceFinder()).metrics("test")["groups"]
    assert (groups["face_width"], groups["block"]) == ([], [])
    assert sum(group["images"] for group in groups["brightness"]) == 3


class GreyValues:
    """Stands in for `LearnedMetrics`, without PyTorch: distances of mean grey values."""

    def __init__(self):
        self.seen = []

    def picture_scores(self, original, sources):
        self.seen.append(len(sources[original]))
        means = {source: pictures.mean(axis=(1, 2, 3)) for source, pictures in sources.items()}
        return {
            source: [{} if source == original else {"lpips": float(value)} for value in values]
            for source, values in means.items()
        }

    def set_scores(self, original):
        return {source: {"fid": 2.5, "kid": None} for source in ("input", "bilinear", "bicubic", "restored")}


def test_learned_metrics_stand_beside_the_others(copying):
    learned = GreyValues()
    evaluation = score_pictures(copying, examples(6), BrightFaceFinder(), learned)
    metrics = evaluation.metrics("test")
    assert learned.seen == [4, 2]
    expected = np.mean([batch["x"].mean() for batch in examples(6, batch_size=1)])
    assert metrics["restored"]["lpips"] == metrics["baselines"]["input"]["lpips"] == pytest.approx(expected)
    assert (metrics["restored"]["fid"], metrics["restored"]["kid"]) == (2.5, None)
    low, high = metrics["intervals"]["restored"]["lpips"]
    assert low <= expected <= high
    assert metrics["intervals"]["restored"]["fid"] is None
    assert metrics["original"] == {"faces_found": 1.0}
    assert "lpips" in evaluation.scores[-1].scores and "lpips" not in evaluation.scores[0].scores


def test_the_first_pictures_are_kept_to_be_shown(copying):
    evaluation = score_pictures(copying, examples(SHOWN + 2), BrightFaceFinder())
    (batch,) = examples(SHOWN + 2, batch_size=SHOWN + 2)
    assert evaluation.images == SHOWN + 2
    np.testing.assert_array_equal(evaluation.shown["original"], batch["y"][:SHOWN])
    np.testing.assert_array_equal(evaluation.shown["restored"], batch["x"][:SHOWN])


def test_restore_gives_back_every_grey_value(copying):
    pictures = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    restored = restore(copying, pictures)
    assert restored.dtype == np.uint8
    np.testing.assert_array_equal(restored, pictures)


def test_brightness_is_that_inside_the_mask():
    picture, mask = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 1))
    picture[0], mask[0] = 255, 1
    assert brightness(picture, mask) == 1
    assert brightness(picture, np.ones((4, 4))) == 0.25
    assert np.isnan(brightness(picture, np.zeros((4, 4))))


def test_no_pictures_is_an_error(copying):
    with pytest.raises(UserError, match="no pictures"):
        score_pictures(copying, [], BrightFaceFinder())


def test_pictures_of_another_size_are_an_error():
    with pytest.raises(UserError, match=r"takes pictures of 64 x 48 pixels, the data set gives 32 x 32"):
        restore(model_of(keras.layers.Identity(), (64, 48, 3)), np.zeros((1, 32, 32, 3), np.uint8))


def test_values_that_are_not_finite_are_an_error():
    spoiled = model_of(keras.layers.Rescaling(float("nan")))
    with pytest.raises(UserError, match="not finite"):
        restore(spoiled, np.zeros((1, 32, 32, 3), np.uint8))
