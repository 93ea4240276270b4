import dataclasses

import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.explain.localisation import localise
from keras_deid.explain.maps import attention_maps, enlarge
from keras_deid.explain.networks import ITSELF, Network, weights_for
from keras_deid.explain.pictures import Pictures
from keras_deid.explain.study import conduct, count_maps
from keras_deid.explain.targets import TARGETS
from keras_deid.models.pixels import to_signed


@pytest.fixture
def shown():
    """Four pictures of 16 px; the last has no person."""
    y = np.random.default_rng(2).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    mask, person = np.zeros((4, 16, 16), bool), np.zeros((4, 16, 16), bool)
    for index in range(4):
        mask[index, 2 + index : 7 + index, 5:10] = True
    person[:3, :, 4:12] = True
    return Pictures(np.where(mask[..., None], 128, y).astype(np.uint8), y, mask, person, tuple("abcd"))


def chosen(study, **wanted):
    return [row for row in study.measurements if all(getattr(row, name) == value for name, value in wanted.items())]


def test_rows_and_their_numbers(make_network, shown):
    network = make_network()
    done = []
    networks = [Network("r", network)]
    study = conduct(
        networks,
        shown,
        [TARGETS["real"], TARGETS["masked-patches"]],
        "gradcam",
        lambda *progress: done.append(progress),
    )
    assert done[-1] == (count_maps(networks, 4, 2, "gradcam"), 4 * 2 * 3 * 2, "maps")
    controls = {row.control for row in study.measurements}
    assert controls == {ITSELF, "random weights", "original photo", "centred gaussian", "edges", "shuffled masks"}
    # pictures x layers x targets x regions x the maps and their five controls
    assert len(study.measurements) == 4 * 2 * 2 * 3 * 6
    weights = weights_for(network, TARGETS["masked-patches"], shown.mask)
    maps = attention_maps(network.model, "cbam_2", np.asarray(to_signed(shown.x)), weights)
    for index, path in enumerate(shown.paths):
        (row,) = chosen(study, path=path, layer="cbam_2", target="masked-patches", control=ITSELF, region="mask")
        expected = localise(enlarge(maps[[index]], (16, 16))[0], shown.mask[index])
        assert row.depth == 2
        assert row.found.energy == pytest.approx(expected.energy, rel=1e-4, nan_ok=True)
        assert row.zero == (not maps[index].any())
        (row,) = chosen(study, path=path, layer="cbam_2", target="masked-patches", control=ITSELF, region="rest")
        near = np.zeros((16, 16), bool)
        # Rows 2 + index to 6 + index and columns 5 to 9, with 4 pixels around them.
        near[max(index - 2, 0) : index + 11, 1:14] = True
        expected = localise(enlarge(maps[[index]], (16, 16))[0], shown.person[index] & ~near, near)
        assert row.found.energy == pytest.approx(expected.energy, rel=1e-4, nan_ok=True)


def test_a_control_sees_what_its_name_says(make_network, shown):
    network = make_network()
    study = conduct([Network("r", network)], shown, [TARGETS["real"]], "gradcam")
    weights = weights_for(network, TARGETS["real"], shown.mask)
    maps = attention_maps(network.model, "cbam_1", np.asarray(to_signed(shown.y)), weights)
    rows = chosen(study, layer="cbam_1", control="original photo", region="mask")
    for index, row in enumerate(rows):
        expected = localise(enlarge(maps[[index]], (16, 16))[0], shown.mask[index])
        assert row.found.energy == pytest.approx(expected.energy, rel=1e-4, nan_ok=True)
    maps = study.maps["real", "cbam_1"]
    rows = chosen(study, layer="cbam_1", control="shuffled masks", region="mask")
    for index, row in enumerate(rows):
        expected = localise(enlarge(maps[[index]], (16, 16))[0], shown.mask[(index - 1) % 4])
        assert row.found.energy == pytest.approx(expected.energy, rel=1e-4, nan_ok=True)


def test_costly_controls_see_the_first_pictures_only(make_network, shown, monkeypatch):
    monkeypatch.setattr("keras_deid.explain.study.VARIANT_PICTURES", 3)
    done = []
    networks = [Network("r", make_network()), Network("plain", make_network(attention="none"), "without attention")]
    study = conduct(networks, shown, [TARGETS["real"]], "gradcam", lambda *progress: done.append(progress))
    assert done[-1] == (count_maps(networks, 4, 1, "gradcam"), 2 * (4 + 2 * 3) + 2 * 4, "maps")
    assert {row.path for row in chosen(study, control="random weights")} == set("abc")
    assert {row.path for row in chosen(study, control=ITSELF)} == set("abcd")


def test_a_picture_without_person_has_no_number(make_network, shown):
    study = conduct([Network("r", make_network())], shown, [TARGETS["real"]], "gradcam")
    assert all(np.isnan(row.found.energy) for row in chosen(study, path="d", region="person"))
    assert not np.isnan([row.found.energy for row in chosen(study, path="a", control="edges")]).any()


def test_without_a_mask_the_rest_of_the_person_is_the_person(shown):
    bare = dataclasses.replace(shown, mask=np.zeros_like(shown.mask))
    assert (list(shown.regions()), list(bare.regions())) == (["mask", "person", "rest"], ["person"])
    assert not (shown.regions()["rest"] & shown.mask).any()


def test_a_network_without_attention_is_a_control(make_network, shown):
    networks = [Network("r", make_network()), Network("plain", make_network(attention="none"), "without attention")]
    study = conduct(networks, shown, [TARGETS["real"]], "gradcam")
    rows = chosen(study, control="without attention")
    assert {(row.run, row.layer, row.depth) for row in rows} == {
        ("plain", "block_1_sum", 1),
        ("plain", "block_2_sum", 2),
    }
    assert {row.control for row in study.measurements if row.run == "plain"} == {"without attention"}


def test_one_picture_has_no_shuffled_mask(make_network, shown):
    one = Pictures(shown.x[:1], shown.y[:1], shown.mask[:1], shown.person[:1], shown.paths[:1])
    study = conduct([Network("r", make_network())], one, [TARGETS["real"]], "gradcam")
    assert not chosen(study, control="shuffled masks")


def test_pictures_of_another_size(make_network, shown):
    large = Pictures(*(np.repeat(part, 2, axis=1) for part in (shown.x, shown.y, shown.mask, shown.person)), "abcd")
    with pytest.raises(UserError, match="r: takes pictures of 16 x 16 pixels, these are 32 x 16"):
        conduct([Network("r", make_network())], large, [TARGETS["real"]], "gradcam")


def test_no_pictures(make_network, shown):
    none = Pictures(shown.x[:0], shown.y[:0], shown.mask[:0], shown.person[:0], ())
    with pytest.raises(UserError, match="no pictures to explain"):
        conduct([Network("r", make_network())], none, [TARGETS["real"]], "gradcam")
