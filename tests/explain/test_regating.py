import numpy as np
import pytest

from keras_deid.explain import regating
from keras_deid.explain.networks import Network
from keras_deid.explain.pictures import Pictures
from keras_deid.explain.regating import (
    REPLACEMENTS,
    Regated,
    background_gate,
    mean_gate,
    others_gate,
    regate,
)
from keras_deid.models.pixels import to_signed, to_uint8

GATES = np.array([[[0.1, 0.9], [0.5, 0.7]], [[0.2, 0.2], [0.4, 0.8]]])
INSIDE = np.array([[[False, True], [False, False]], [[True, False], [False, True]]])


@pytest.fixture
def shown():
    """Three pictures of noise whose upper left quarter is grey."""
    y = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    mask = np.zeros((3, 16, 16), bool)
    mask[:, :8, :8] = True
    return Pictures(np.where(mask[..., None], 128, y).astype(np.uint8), y, mask, mask, ("a", "b", "c"))


def test_replacements_worked_out():
    assert mean_gate(GATES, INSIDE).tolist() == [[[0.55, 0.55]] * 2, [[0.4, 0.4]] * 2]
    assert others_gate(GATES, INSIDE).tolist() == [GATES[1].tolist(), GATES[0].tolist()]
    # The lowest value goes inside; outside, the order stays: 0.1, 0.5, 0.7 become 0.5, 0.7, 0.9.
    assert background_gate(GATES, INSIDE).tolist() == [[[0.5, 0.1], [0.7, 0.9]], [[0.2, 0.4], [0.8, 0.2]]]


@pytest.mark.parametrize(
    "options",
    [{}, {"attention": "branch"}, {"global_skip": True}, {"attention": "branch", "global_skip": True}],
    ids=str,
)
def test_with_its_own_gates_it_is_the_generator(make_network, shown, options):
    network = make_network(**options)
    x = np.asarray(to_signed(shown.x))
    expected = np.asarray(to_uint8(network.generator(x, training=False)))
    regated = Regated(network.generator, network.layers)
    assert np.abs(regated(x, shown.mask).astype(int) - expected).max() <= 1  # rounding
    own = regated(x, shown.mask, network.layers, lambda gates, inside: gates)
    assert np.abs(own.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("attention", ["between", "branch"])
def test_a_closed_gate_lets_nothing_through(make_network, shown, attention):
    network = make_network(attention=attention)
    x = np.asarray(to_signed(shown.x))
    regated = Regated(network.generator, network.layers)
    closed = regated(x, shown.mask, ["cbam_2"], lambda gates, inside: np.zeros_like(gates))
    seen = []
    regated(x, shown.mask, ["cbam_2"], lambda gates, inside: seen.append(inside) or gates)
    assert seen[0].shape == (3, 4, 4) and seen[0][:, :2, :2].all() and seen[0].sum() == 12
    if attention == "between":  # nothing of the picture is left; G has no way around its last module
        assert (closed == closed[:1]).all()
    assert not (closed == regated(x, shown.mask)).all()


def test_what_is_lost(make_network, shown, monkeypatch):
    networks = [Network("a", make_network()), Network("b", make_network())]
    found = regate(networks, shown)
    assert [(one.module, one.replacement) for one in found] == [
        (module, replacement) for module in ("cbam_1", "cbam_2", "all") for replacement in REPLACEMENTS
    ]
    assert all(one.lost.low <= one.lost.mean <= one.lost.high for one in found)
    # Whatever restores the picture exactly is better than any other.
    assert found[0].as_json()["lost"].keys() == {"mean", "low", "high"}
    monkeypatch.setattr(regating, "REPLACEMENTS", {"own": lambda gates, inside: gates})
    assert [one.lost.mean for one in regate(networks, shown)] == [0, 0, 0]


def test_where_there_is_nothing_to_replace(make_network, shown):
    assert regate([Network("a", make_network(attention="none"))], shown) == []
    one = Pictures(shown.x[:1], shown.y[:1], shown.mask[:1], shown.person[:1], ("a",))
    assert regate([Network("a", make_network())], one) == []
    untouched = Pictures(shown.y, shown.y, shown.mask & False, shown.person, shown.paths)
    assert regate([Network("a", make_network())], untouched) == []
