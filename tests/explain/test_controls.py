import numpy as np
import pytest

from keras_deid.explain.controls import (
    cascade,
    centred_gaussian,
    edge_map,
    randomised,
    rank_correlation,
    shuffled,
    shuffled_overlap,
    weights_kept,
)


def test_the_bell_is_in_the_middle():
    bell = centred_gaussian((8, 12))
    np.testing.assert_allclose(bell, bell[::-1, ::-1], rtol=1e-6)
    assert bell.argmax() in (3 * 12 + 5, 3 * 12 + 6, 4 * 12 + 5, 4 * 12 + 6)
    # A quarter of the side from the middle is one standard deviation.
    assert centred_gaussian((1, 8))[0, 1] == pytest.approx(np.exp(-((1.5 / 8 - 0.5) ** 2) * 8), rel=1e-6)


def test_edges_are_where_the_picture_changes():
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:, 8:] = 200
    edges = edge_map(picture, (4, 4))
    # Columns 7 and 8 have the step: 4 * 200 each, a quarter of the pixels of cells 1 and 2.
    np.testing.assert_allclose(edges, np.tile([0, 200, 200, 0], (4, 1)))
    assert not edge_map(np.full((16, 16, 3), 90, np.uint8), (4, 4)).any()


@pytest.mark.parametrize("count", [2, 3, 7, 200])
def test_nobody_keeps_their_own(count):
    order = shuffled(count)
    assert sorted(order) == list(range(count))
    assert (order != np.arange(count)).all()


def test_one_has_nobody_to_change_with():
    with pytest.raises(ValueError, match="count=1"):
        shuffled(1)


def test_overlap_of_what_is_exchanged():
    masks = np.zeros((3, 2, 4), bool)
    masks[0, 0, :2] = masks[1, 0, 1:3] = True
    # Only picture 1 and the one before it both have a region: 1 shared pixel of 3.
    assert shuffled_overlap(masks) == pytest.approx(1 / 3)
    assert np.isnan(shuffled_overlap(masks[:1])) and np.isnan(shuffled_overlap(masks[2:].repeat(2, axis=0)))


def test_random_weights_are_other_weights_of_the_same_layers(make_network, pictures):
    network = make_network()
    before = [weight.copy() for weight in network.model.get_weights()]
    other = randomised(network, seed=3)
    assert other.layers == network.layers
    assert not np.allclose(other.model(pictures), network.model(pictures))
    np.testing.assert_array_equal(other.model(pictures), randomised(network, seed=3).model(pictures))
    for weight, kept in zip(network.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_the_cascade_starts_at_the_output_and_ends_at_random(make_network, pictures):
    network = make_network(blocks=1)
    stages, outputs = [], []
    trained = np.asarray(network.model(pictures))
    with weights_kept(network):
        for stage in cascade(network, seed=3):
            stages.append(stage)
            outputs.append(np.asarray(network.model(pictures)))
    assert stages == ["nothing", "D", "head", "up_2", "up_1", "cbam_1", "block_1", "down_2", "down_1", "stem"]
    np.testing.assert_array_equal(outputs[0], trained)
    np.testing.assert_array_equal(network.model(pictures), trained)
    np.testing.assert_allclose(outputs[-1], randomised(network, seed=3).model(pictures), rtol=1e-4, atol=1e-7)


def test_rank_correlation():
    one = np.arange(6.0).reshape(2, 3)
    assert rank_correlation(one, np.exp(one)) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert np.isnan(rank_correlation(one, np.zeros((2, 3))))
