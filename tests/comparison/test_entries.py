import numpy as np
import pytest

from keras_deid.comparison.entries import baselines_of, picture_metrics, set_metrics


def test_scores_and_baselines(make_entry):
    model = make_entry("one", 1.0, 2.0)
    scores = model.scores("psnr_mask")
    assert scores.shape == (2, 24)
    assert scores[1].mean() - scores[0].mean() == pytest.approx(1.0, abs=0.1)
    assert baselines_of([model]) == ["input", "bicubic"]


def test_only_metrics_that_all_runs_have_are_compared(make_entry):
    one, other = make_entry("one", 1.0), make_entry("other", 1.0)
    one.runs[0].scores["restored"]["lpips"] = np.zeros(24)
    for model in (one, other):
        model.runs[0].scores["restored"]["never"] = np.full(24, np.nan)
        model.runs[0].evaluation["restored"]["fid"] = 12.5
    one.runs[0].evaluation["restored"]["kid"] = 0.1
    other.runs[0].evaluation["restored"]["kid"] = None
    assert picture_metrics([one, other]) == ["psnr_mask", "ssim_mask", "faces_found"]
    assert set_metrics([one, other]) == ["fid"]
