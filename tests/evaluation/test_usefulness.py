import keras
import numpy as np
import pytest

from keras_deid.evaluation.face_windows import WINDOW
from keras_deid.evaluation.usefulness import (
    accuracy,
    average_precision,
    face_network,
    recovered,
    train_anew,
    usefulness_table,
)

ONCE = np.ones((1, 4))


def test_average_precision_is_worked_out():
    # Ranked: face, background, face, background: precision 1 at the first face, 2 of 3 at the second.
    logits, is_face = np.array([4.0, 3, 2, 1]), np.array([True, False, True, False])
    assert average_precision(logits, is_face, ONCE) == pytest.approx([(1 + 2 / 3) / 2])
    assert average_precision(-logits, is_face, ONCE) == pytest.approx([(1 / 2 + 2 / 4) / 2])


def test_windows_that_rank_alike_are_worth_chance():
    assert average_precision(np.zeros(4), np.array([True, True, False, False]), ONCE) == pytest.approx([0.5])


def test_a_window_that_counts_twice_is_two_windows():
    logits, is_face = np.array([4.0, 3, 2, 1]), np.array([True, False, True, False])
    twice = average_precision(logits, is_face, np.array([[1.0, 2, 1, 0]]))
    assert twice == pytest.approx(
        average_precision(np.array([4.0, 3, 3, 2]), np.array([True, False, False, True]), ONCE)
    )


def test_average_precision_of_no_face_does_not_exist():
    assert np.isnan(average_precision(np.array([1.0, 2]), np.array([True, False]), np.array([[0.0, 1]]))).all()


def test_accuracy_is_worked_out():
    is_face = np.array([True, True, False, False])
    assert accuracy(np.array([1.0, -1, -1, -1]), is_face, ONCE) == pytest.approx([0.75])
    assert accuracy(np.array([1.0, -1, -1, -1]), is_face, np.array([[1.0, 2, 1, 0]])) == pytest.approx([0.5])


def logits_of(right_share, seeds=3, pictures=200, seed=0):
    """Logits on a face and a background window of each picture, of which a share is right."""
    random = np.random.default_rng(seed)
    signs = np.tile([1.0, -1.0], pictures)
    right = random.random((seeds, 2 * pictures)) < right_share
    return np.where(right, signs, -signs)


IS_FACE = np.tile([True, False], 200)
PICTURE = np.repeat(np.arange(200), 2)


def test_the_share_given_back_lies_between_the_two():
    logits = {"original": logits_of(0.9), "mosaic": logits_of(0.6, seed=1), "restored": logits_of(0.8, seed=2)}
    figures = recovered("accuracy", logits, IS_FACE, PICTURE)
    assert figures["values"] == pytest.approx({"original": 0.9, "mosaic": 0.6, "restored": 0.8}, abs=0.03)
    assert figures["lost"] == pytest.approx(figures["values"]["original"] - figures["values"]["mosaic"])
    assert figures["share"] == pytest.approx(2 / 3, abs=0.1)
    for name in ("lost", "share"):
        low, high = figures["intervals"][name]
        assert low < figures[name] < high
    assert recovered("accuracy", logits, IS_FACE, PICTURE) == figures


def test_restored_pictures_as_good_as_originals_give_back_all():
    logits = {"original": logits_of(0.9), "mosaic": logits_of(0.6, seed=1), "restored": logits_of(0.9)}
    figures = recovered("average_precision", logits, IS_FACE, PICTURE)
    assert figures["share"] == 1
    assert figures["intervals"]["share"] == [1, 1]


def test_where_nothing_is_lost_there_is_no_share():
    logits = {"original": logits_of(0.9), "mosaic": logits_of(0.9, seed=1), "restored": logits_of(0.7, seed=2)}
    figures = recovered("accuracy", logits, IS_FACE, PICTURE)
    assert figures["share"] is figures["intervals"]["share"] is None


def test_the_small_network_learns_the_same_from_the_same_seed_whatever_it_learned_before():
    random = np.random.default_rng(0)
    is_face = np.tile([True, False], 200)
    pixels = random.integers(0, 100, (400, WINDOW, WINDOW, 3)).astype(np.uint8)
    pixels[is_face, 8:24, 8:24] += 120
    inputs = pixels.astype("float32") / 127.5 - 1
    network = face_network()

    def logits(seed):
        train_anew(network, pixels, is_face, seed)
        return keras.ops.convert_to_numpy(network(inputs))[:, 0]

    first, other, again = logits(1), logits(2), logits(1)
    assert ((first > 0) == is_face).all()
    np.testing.assert_allclose(first, again, atol=1e-2)
    assert abs(first - other).max() > 0.1


def figures_of(share):
    values = {"original": 0.95, "mosaic": 0.6, "restored": 0.88}
    intervals = {name: [value - 0.01, value + 0.01] for name, value in values.items()}
    metric = {
        "values": values,
        "lost": 0.35,
        "share": share,
        "intervals": {**intervals, "lost": [0.3, 0.4], "share": share and [share - 0.1, share + 0.05]},
    }
    return {
        "train_pictures": 1600,
        "test_pictures": 186,
        "seeds": 5,
        "average_precision": metric,
        "accuracy": metric,
        "settings": {"deidentify": {"method": "blur"}},
    }


def test_the_table_says_what_was_given_back():
    lines = usefulness_table(figures_of(0.8)).splitlines()
    assert lines[1].split("  ")[0] == "trained on"
    assert [line.split()[0] for line in lines[2:5]] == ["original", "blur", "restored"]
    assert "0.950 (0.940 to 0.960)" in lines[2]
    assert lines[5] == (
        "average precision: the blur loses 0.350; restoration gives 80% of it back (interval 70% to 85%)"
    )


def test_the_table_says_when_a_share_would_mean_nothing():
    assert usefulness_table(figures_of(None)).splitlines()[-1] == (
        "accuracy: what the blur loses cannot be told from nothing (0.350, interval 0.300 to 0.400): a share given "
        "back would mean nothing"
    )
