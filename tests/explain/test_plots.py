import io

import numpy as np
from PIL import Image

from keras_deid.explain import plots
from keras_deid.explain.findings import Comparison, Finding
from keras_deid.explain.gates import Gates
from keras_deid.statistics import Estimate


def opened(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def finding(depth, mean):
    estimate = Estimate(mean, None if mean is None else mean - 0.1, None if mean is None else mean + 0.1)
    comparison = Comparison("edges", estimate, estimate, 5, decides=True, runs={})
    metrics = {"energy": estimate, "pointing": estimate, "top_iou": estimate, "separation": estimate}
    return Finding("real", "mask", f"cbam_{depth}", depth, 5, 0, metrics, [comparison], {})


def test_plots_can_be_drawn_with_what_is_missing():
    for plot in (
        plots.energy_by_layer([finding(1, 1.5), finding(2, None)]),
        plots.energy_by_layer([finding(1, None)]),
        plots.cascade_plot({"cbam_1": {"nothing": Estimate(1.0, 1.0, 1.0), "D": Estimate(None, None, None)}}),
        plots.channel_gates({"cbam_1": Gates(np.ones((2, 3, 3)), np.random.default_rng(0).random((2, 8)))}),
    ):
        height, width = opened(plot).shape[:2]
        assert width > height / 2 > 30
