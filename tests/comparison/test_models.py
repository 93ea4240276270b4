import numpy as np
import pytest

from keras_deid.comparison.models import budget_words, floors_of, picture_metrics, set_metrics


def test_scores_and_floors(make_model):
    model = make_model("one", 1.0, 2.0)
    scores = model.scores("psnr_mask")
    assert scores.shape == (2, 24)
    assert scores[1].mean() - scores[0].mean() == pytest.approx(1.0, abs=0.1)
    assert floors_of([model]) == ["mosaic", "bicubic"]


def test_only_metrics_that_all_runs_have_are_compared(make_model):
    one, other = make_model("one", 1.0), make_model("other", 1.0)
    one.runs[0].scores["restored"]["lpips"] = np.zeros(24)
    for model in (one, other):
        model.runs[0].scores["restored"]["never"] = np.full(24, np.nan)
        model.runs[0].figures["restored"]["fid"] = 12.5
    one.runs[0].figures["restored"]["kid"] = 0.1
    other.runs[0].figures["restored"]["kid"] = None
    assert picture_metrics([one, other]) == ["psnr_mask", "ssim_mask", "faces_found"]
    assert set_metrics([one, other]) == ["fid"]


@pytest.mark.parametrize(
    ("images", "seconds", "same", "words"),
    [
        (
            2000,
            600.0,
            True,
            "The same budget in images seen and minutes for every run: 2,000 images seen, 10.0",
        ),
        (2000, 900.0, True, "The same budget in images seen for every run: 2,000 images seen, 10.0 to 15.0 minutes"),
        (2300, 650.0, True, "The same budget in minutes for every run: 2,000 to 2,300 images seen, 10.0 to 10.8"),
        (2300, 900.0, False, "The budgets differ by more than 10%"),
    ],
)
def test_one_of_images_and_minutes_has_to_agree(make_model, images, seconds, same, words):
    models = [make_model("one", 1.0), make_model("other", 1.0, images=images, seconds=seconds)]
    sentence, is_same = budget_words(models)
    assert is_same == same
    assert sentence.startswith(words)


def test_the_budget_of_one_run_is_just_told(make_model):
    assert budget_words([make_model("one", 1.0)]) == ("Budget: 2,000 images seen, 10.0 minutes of training.", True)
