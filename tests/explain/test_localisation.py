import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from keras_deid.explain.localisation import NOTHING, Localisation, highest, localise

# Six pixels, the region is the left column.
MAP = np.array([[4.0, 0.0, 1.0], [1.0, 2.0, 0.0]])
REGION = np.array([[1, 0, 0], [1, 0, 0]])


def test_what_is_left_out_counts_for_nothing():
    attention = np.array([[9.0, 3.0, 1.0], [9.0, 0.0, 2.0]])
    person = np.array([[1, 1, 0], [1, 0, 0]])
    mosaic = np.array([[1, 0, 0], [1, 0, 0]])
    # Of the four pixels that are left one is on the person, with half of the map; its maximum is there as well.
    assert localise(attention, person & ~mosaic, mosaic) == Localisation(2.0, pointing=1.0, top_iou=1.0, separation=1.0)
    assert localise(attention * mosaic, person & ~mosaic, mosaic) is NOTHING
    assert localise(attention, mosaic, mosaic) is NOTHING


def test_worked_out():
    found = localise(MAP, REGION)
    assert found.energy == pytest.approx((5 / 8) / (2 / 6))
    assert found.pointing == 1
    # The two highest are 4 (inside) and 2 (outside): one shared, three together.
    assert found.top_iou == pytest.approx(1 / 3)
    # 4 is higher than all of 0, 1, 2, 0; 1 is higher than two of them and equal to one.
    assert found.separation == pytest.approx((4 + 2.5) / 8)


def test_a_maximum_that_is_shared():
    found = localise(np.array([[3.0, 3.0, 3.0, 0.0]]), np.array([[1, 0, 0, 1]]))
    assert found.pointing == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("attention", "region"), [(np.zeros((2, 3)), REGION), (MAP, np.zeros((2, 3))), (np.zeros((2, 3)), np.zeros((2, 3)))]
)
def test_nothing_is_divided_by_nothing(attention, region):
    assert localise(attention, region) is NOTHING


REGIONS = arrays.arrays(bool, (5, 4)).filter(np.any)
MAPS = arrays.arrays(np.float64, (5, 4), elements=st.integers(0, 9).map(float)).filter(np.any)


@given(REGIONS, st.floats(0.1, 100))
def test_a_flat_map_is_one(region, level):
    found = localise(np.full(region.shape, level), region)
    assert found.energy == pytest.approx(1)
    assert np.isnan(found.separation) if region.all() else found.separation == pytest.approx(0.5)


@given(MAPS, REGIONS, st.floats(0.01, 100))
def test_scale_does_not_matter(attention, region, factor):
    one, other = localise(attention, region), localise(attention * factor, region)
    assert one.energy == pytest.approx(other.energy)
    assert (one.pointing, one.top_iou) == (other.pointing, other.top_iou)


@given(REGIONS)
def test_the_region_itself_is_the_best_map(region):
    found = localise(region.astype(float), region)
    assert found.energy == pytest.approx(1 / region.mean())
    assert (found.pointing, found.top_iou) == (1, 1)
    assert np.isnan(found.separation) if region.all() else found.separation == 1


@given(MAPS, REGIONS)
def test_region_and_rest_share_the_map(attention, region):
    fraction = region.mean()
    inside = localise(attention, region).energy * fraction
    outside = localise(attention, ~region).energy * (1 - fraction) if not region.all() else 0
    assert inside + outside == pytest.approx(1)
    if not region.all():
        assert localise(attention, region).separation + localise(attention, ~region).separation == pytest.approx(1)


@given(MAPS, REGIONS)
def test_separation_is_the_fraction_of_pairs_in_order(attention, region):
    if not region.all():
        differences = attention[region][:, None] - attention[~region][None]
        expected = ((differences > 0) + (differences == 0) / 2).mean()
        assert localise(attention, region).separation == pytest.approx(expected)
        assert localise(attention * 2 + 3, region).separation == pytest.approx(expected)


@given(MAPS, st.integers(0, 20))
def test_the_highest(attention, count):
    marked = highest(attention, count)
    assert marked.sum() == count
    if 0 < count < 20:
        assert attention[marked].min() >= attention[~marked].max()


@pytest.fixture(scope="module")
def compared_with_quantus():
    """Quantus, with 50 random maps without ties, their regions, and our measurements of them."""
    quantus = pytest.importorskip("quantus")
    random = np.random.default_rng(0)
    maps = random.permuted(np.tile(np.arange(48.0), (50, 1)), axis=1).reshape(50, 1, 6, 8)
    regions = random.random((50, 1, 6, 8)) < random.uniform(0.1, 0.9, (50, 1, 1, 1))
    regions[:, 0, 0, 0] = True
    plain = {"normalise": False, "abs": False, "disable_warnings": True}
    return quantus, plain, maps, regions, [localise(*pair) for pair in zip(maps[:, 0], regions[:, 0], strict=True)]


def test_energy_is_quantus_s_attribution_localisation_by_the_area(compared_with_quantus):
    quantus, plain, maps, regions, ours = compared_with_quantus
    inside = quantus.AttributionLocalisation(**plain).evaluate_batch(x_batch=maps, a_batch=maps, s_batch=regions)
    expected = inside / regions.mean(axis=(1, 2, 3))
    np.testing.assert_allclose([found.energy for found in ours], expected)


def test_pointing_is_quantus_s(compared_with_quantus):
    quantus, plain, maps, regions, ours = compared_with_quantus
    hits = quantus.PointingGame(**plain).evaluate_batch(a_batch=maps, s_batch=regions)
    np.testing.assert_array_equal([found.pointing for found in ours], hits)
    assert 0 < np.mean(hits) < 1


def test_top_area_iou_follows_from_quantus_s_top_k_intersection(compared_with_quantus):
    quantus, plain, maps, regions, ours = compared_with_quantus
    for index, found in enumerate(ours):
        k = int(regions[index].sum())
        metric = quantus.TopKIntersection(k=k, **plain)
        (share,) = metric.evaluate_batch(a_batch=maps[[index]], s_batch=regions[[index]])
        # Of two sets of k pixels that share a part p of them: p / (2 - p).
        assert found.top_iou == pytest.approx(share / (2 - share))
