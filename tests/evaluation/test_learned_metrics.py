import sys
import urllib.error

import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.evaluation.learned_metrics import LearnedMetrics, fid, kid, load_learned_metrics

torch = pytest.importorskip("torch")
pytest.importorskip("torchmetrics")

# The set -a, -a, a, a in each of two coordinates, uncorrelated: mean 0, variance a^2 * 4 / 3.
CORNERS = torch.tensor([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])


def mean_colours(pictures):
    """A network of no layers: the mean of each channel, in [0, 1]."""
    return pictures.float().mean(dim=(2, 3)) / 255


def mean_difference(originals, others):
    return (originals - others).abs().mean(dim=(1, 2, 3))


def test_fid_of_a_shift_is_its_square():
    assert fid(CORNERS, CORNERS + torch.tensor([3.0, 4.0])) == pytest.approx(25, rel=1e-4)


def test_fid_of_a_stretch_is_the_difference_of_the_deviations_squared():
    # Deviations 1.1547 and 3 * 1.1547 in each of two coordinates: 2 * (2 * 1.1547)^2.
    assert fid(CORNERS, 3 * CORNERS) == pytest.approx(2 * 4 * 4 / 3, rel=1e-4)


def test_fid_of_samples_of_gaussians_is_near_the_formula():
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(20000, 3, generator=generator)
    other = 2 * torch.randn(20000, 3, generator=generator) + 1
    assert fid(one, other) == pytest.approx(3 * 1 + 3 * (2 - 1) ** 2, rel=0.05)


def test_equal_sets_have_no_distance():
    assert fid(CORNERS, CORNERS) == pytest.approx(0, abs=1e-3)
    assert kid(CORNERS, CORNERS) <= 1e-6


def test_kid_of_two_pairs_is_worked_out():
    # k(x, y) = (xy / 1 + 1)^3 of one feature: within {0, 0} 1, within {1, 1} 8, between them 1: 1 + 8 - 2.
    assert kid(torch.zeros(2, 1), torch.ones(2, 1)) == pytest.approx(7)


def test_kid_of_large_sets_draws_the_same_subsets_each_time(monkeypatch):
    monkeypatch.setattr("keras_deid.evaluation.learned_metrics.KID_SUBSET", 20)
    random = torch.Generator().manual_seed(0)
    one, other = (torch.randn(50, 2, generator=random) for _ in range(2))
    state = torch.random.get_rng_state()
    assert kid(one, other) == kid(one, other)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert kid(one, other + 1) > kid(one, other)


def pictures_of(*values):
    return np.stack([np.full((8, 8, 3), value, np.uint8) for value in values])


def test_networks_see_each_picture_of_each_source():
    learned = LearnedMetrics(("lpips", "fid", "kid"), mean_difference, mean_colours)
    scores = []
    for originals in ((0, 51), (102,)):
        sources = {"original": pictures_of(*originals), "restored": pictures_of(*(value + 51 for value in originals))}
        scores.append(learned.picture_scores("original", sources))
    assert scores[0]["original"] == [{}, {}]
    for batch in scores:
        assert [score["lpips"] for score in batch["restored"]] == pytest.approx([0.2] * len(batch["restored"]))
    of_sets = learned.set_scores("original")
    assert list(of_sets) == ["restored"]
    # Three channels, each 0.2 brighter, with the same spread.
    assert of_sets["restored"]["fid"] == pytest.approx(3 * 0.2**2, rel=1e-3)
    assert of_sets["restored"]["kid"] > 0


def test_only_what_was_asked_for_is_measured():
    sources = {"original": pictures_of(0, 9), "restored": pictures_of(7, 8)}
    kid_alone = LearnedMetrics(("kid",), features=mean_colours)
    assert kid_alone.picture_scores("original", sources)["restored"] == [{}, {}]
    assert list(kid_alone.set_scores("original")["restored"]) == ["kid"]
    lpips_alone = LearnedMetrics(("lpips",), perceptual=mean_difference)
    lpips_alone.picture_scores("original", sources)
    assert lpips_alone.set_scores("original") == {}


def test_one_picture_is_no_set():
    learned = LearnedMetrics(("fid", "kid"), features=mean_colours)
    learned.picture_scores("original", {"original": pictures_of(0), "restored": pictures_of(5)})
    assert learned.set_scores("original") == {"restored": {"fid": None, "kid": None}}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (urllib.error.URLError("no route to host"), "cannot be downloaded .*no route to host"),
        (RuntimeError("operator torchvision::nms does not exist"), "torch and torchvision have to fit"),
        (ModuleNotFoundError("requires that torchvision is installed. Either"), "is installed; pip install"),
    ],
)
@pytest.mark.parametrize("name", ["lpips", "fid", "kid"])
def test_networks_that_cannot_be_had_are_one_line(monkeypatch, name, error, message):
    def fails():
        raise error

    monkeypatch.setattr("keras_deid.evaluation.learned_metrics._alexnet", fails)
    monkeypatch.setattr("keras_deid.evaluation.learned_metrics._inception", fails)
    with pytest.raises(UserError, match=f"--metrics {name}: .*{message}") as caught:
        load_learned_metrics([name])
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["lpips", "fid"])
def test_without_torchmetrics_it_is_said_how_to_install_it(monkeypatch, name):
    for module in [module for module in sys.modules if module.startswith("torchmetrics.image")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "torchmetrics.image", None)
    with pytest.raises(UserError, match=r"pip install -e '\.\[metrics\]'"):
        load_learned_metrics([name])
