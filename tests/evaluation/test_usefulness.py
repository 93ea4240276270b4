import keras
import numpy as np
import pytest

from keras_deid.evaluation.face_windows import WINDOW
from keras_deid.evaluation.landmark_network import landmark_network, train_anew
from keras_deid.evaluation.recovered import recovered
from keras_deid.evaluation.tables import usefulness_table
from keras_deid.evaluation.usefulness import labelled

ONE_EACH = np.arange(4)


def test_what_is_lost_and_given_back_is_worked_out():
    errors = {
        "original": np.array([[0.04, 0.04, 0.04, 0.04], [0.06, 0.06, 0.06, 0.06]]),
        "input": np.array([[0.14, 0.14, 0.14, 0.14], [0.16, 0.16, 0.16, 0.16]]),
        "restored": np.array([[0.06, 0.06, 0.06, 0.06], [0.08, 0.08, 0.08, 0.08]]),
    }
    found = recovered(errors, ONE_EACH)
    assert found["values"] == pytest.approx({"original": 0.05, "input": 0.15, "restored": 0.07})
    assert found["lost"] == pytest.approx(0.1)
    assert found["fraction"] == pytest.approx(0.8)
    # Every picture and every seed loses as much, so that chance changes the values, and not what lies between them.
    assert found["intervals"]["original"] == pytest.approx([0.04, 0.06])
    assert found["intervals"]["lost"] == pytest.approx([0.1, 0.1])
    assert found["intervals"]["fraction"] == pytest.approx([0.8, 0.8])


def failed(fraction, seeds=3, pictures=200, seed=0):
    """Whether two windows of each picture failed, of which a fraction did."""
    return np.random.default_rng(seed).random((seeds, 2 * pictures)) < fraction


PICTURE = np.repeat(np.arange(200), 2)


def test_the_fraction_given_back_lies_between_the_two():
    errors = {"original": failed(0.1), "input": failed(0.4, seed=1), "restored": failed(0.2, seed=2)}
    found = recovered(errors, PICTURE)
    assert found["values"] == pytest.approx({"original": 0.1, "input": 0.4, "restored": 0.2}, abs=0.03)
    assert found["lost"] == pytest.approx(found["values"]["input"] - found["values"]["original"])
    assert found["fraction"] == pytest.approx(2 / 3, abs=0.1)
    for name in ("lost", "fraction"):
        low, high = found["intervals"][name]
        assert low < found[name] < high
    assert recovered(errors, PICTURE) == found


def test_windows_of_one_picture_are_no_evidence_of_their_own():
    independent, copies = failed(0.3, seeds=1, pictures=100), np.repeat(failed(0.3, seeds=1, pictures=50), 2, axis=1)
    widths = []
    for errors, picture in ((independent, np.arange(200)), (copies, np.repeat(np.arange(100), 2))):
        low, high = recovered(dict.fromkeys(("original", "input", "restored"), errors), picture)["intervals"]["input"]
        widths.append(high - low)
    assert widths[1] == pytest.approx(2**0.5 * widths[0], rel=0.2)


@pytest.mark.parametrize("hidden", [0.1, 0.02])
def test_where_nothing_is_lost_there_is_no_fraction(hidden):
    errors = {"original": failed(0.1), "input": failed(hidden, seed=1), "restored": failed(0.3, seed=2)}
    found = recovered(errors, PICTURE)
    assert found["fraction"] is found["intervals"]["fraction"] is None


def test_only_faces_that_the_detector_finds_in_the_original_are_labelled():
    class Detector:
        def detect(self, image):
            return [Found()] if image.max() else []

    class Found:
        box = (64, 64, 128, 128)
        landmarks = ((80, 80), (112, 80), (96, 96), (80, 112), (112, 112))

    pictures = np.zeros((3, 64, 64, 3), np.uint8)
    pictures[1:] = 255
    boxes = np.array([[16, 16, 32, 32], [16, 16, 32, 32], [0, 0, 0, 0]], np.float32)
    ((index, box, landmarks),) = labelled(Detector(), {"y": pictures, "box": boxes})
    assert (index, box) == (1, (16.0, 16.0, 32.0, 32.0))
    np.testing.assert_allclose(landmarks, [[20, 20], [28, 20], [24, 24], [20, 28], [28, 28]])


def test_the_small_network_learns_the_same_from_the_same_seed_whatever_it_learned_before():
    random = np.random.default_rng(0)
    pixels = random.integers(0, 60, (300, WINDOW, WINDOW, 3)).astype(np.uint8)
    starts = random.integers(4, 20, (300, 2))
    for window, (x, y) in zip(pixels, starts, strict=True):
        window[y : y + 8, x : x + 8] += 180
    middle = ((starts + 4) / WINDOW).astype("float32")
    landmarks = np.repeat(middle[:, None], 5, axis=1)
    inputs = pixels.astype("float32") / 127.5 - 1
    network = landmark_network()

    def found(seed):
        train_anew(network, pixels, landmarks, seed)
        return keras.ops.convert_to_numpy(network(inputs)).reshape(-1, 5, 2) + 0.5

    first, other, again = found(1), found(2), found(1)
    assert abs(first - landmarks).mean() < abs(landmarks.mean(axis=0) - landmarks).mean() / 2
    np.testing.assert_allclose(first, again, atol=1e-3)
    assert abs(first - other).max() > 0.01


def usefulness_of(fraction):
    values = {"original": 0.05, "input": 0.15, "restored": 0.07}
    intervals = {name: [value - 0.01, value + 0.01] for name, value in values.items()}
    metric = {
        "values": values,
        "lost": 0.1,
        "fraction": fraction,
        "intervals": {**intervals, "lost": [0.08, 0.12], "fraction": fraction and [fraction - 0.1, fraction + 0.05]},
    }
    return {
        "train_pictures": 1600,
        "test_pictures": 186,
        "seeds": 5,
        "nme": metric,
        "failure_rate": metric,
        "settings": {"deidentify": {"method": "blur"}},
    }


def test_the_table_says_what_was_given_back():
    lines = usefulness_table(usefulness_of(0.8)).splitlines()
    assert lines[1].split("  ")[0] == "trained on"
    assert [line.split()[0] for line in lines[2:5]] == ["original", "blur", "restored"]
    assert "0.050 (0.040 to 0.060)" in lines[2]
    assert lines[5] == "mean error (NME): the blur adds 0.100; restoration takes 80% of it away (interval 70% to 85%)"


def test_the_table_says_when_a_fraction_would_mean_nothing():
    assert usefulness_table(usefulness_of(None)).splitlines()[-1] == (
        "failures (above 10%): what the blur adds cannot be told from nothing (0.100, interval 0.080 to 0.120): a "
        "fraction given back would mean nothing"
    )
