import numpy as np
import pytest

from keras_deid.explain.controls import CONTROLS
from keras_deid.explain.findings import deciding, summarise
from keras_deid.explain.group_findings import group_findings
from keras_deid.explain.groups import Group
from keras_deid.explain.localisation import NOTHING, Localisation
from keras_deid.explain.networks import ITSELF
from keras_deid.explain.pictures import Pictures
from keras_deid.explain.study import Measurement, Study
from keras_deid.explain.targets import TARGETS
from keras_deid.report.page import wording

PATHS = tuple(f"{number}.jpg" for number in range(20))
WORDS = wording("explain/words.jinja")
MASKS = np.ones((20, 4, 4), bool)


def study(region="mask", **energies):
    """A study in which each control (`itself` for the maps) has these energies: a list, or one list for each run."""
    blank = np.zeros((20, 4, 4, 3), np.uint8)
    masks = {"mask": ~MASKS, "person": ~MASKS, region: MASKS.copy()}
    made = Study(Pictures(blank, blank, **masks, paths=PATHS), [TARGETS["real"]], "gradcam", ("cbam_1",))
    for control, values in energies.items():
        name = ITSELF if control == "itself" else control.replace("_", " ")
        for run, of_run in enumerate(np.atleast_2d(values)):
            for path, energy in zip(PATHS, of_run, strict=True):
                found = NOTHING if np.isnan(energy) else Localisation(energy, 1.0, 0.5, 0.5)
                row = Measurement(f"run{run}", path, "cbam_1", 1, "real", name, region, found, bool(np.isnan(energy)))
                made.measurements.append(row)
    return made


def around(mean):
    """Twenty values with this mean, that vary alike."""
    return mean + np.tile([-0.1, 0.1], 10)


def test_what_holds():
    (finding,) = summarise(study(itself=around(2.3), edges=around(1.2), centred_gaussian=np.full(20, 1.9)))
    assert finding.holds
    assert finding.metrics["energy"].mean == pytest.approx(2.3)
    assert {comparison.control for comparison in finding.comparisons} == {"edges", "centred gaussian"}
    sentence = WORDS.finding(finding)
    assert sentence.startswith(
        "On 20 photos the maps at cbam_1 put 2.30 (2.25 to 2.35) times the flat fraction on the "
    )
    assert "; a centred Gaussian: 1.90, difference +0.40 (0.35 to 0.45). Holds against every control." in sentence


def test_differences_are_taken_picture_by_picture():
    """Energies that vary much, but always 0.1 above the control's."""
    spread = np.linspace(1.2, 8, 20)
    (finding,) = summarise(study(itself=spread, edges=spread - 0.1))
    (comparison,) = finding.comparisons
    assert (comparison.difference.low, comparison.difference.high) == pytest.approx((0.1, 0.1))
    assert comparison.is_beaten


def test_what_does_not_hold():
    (finding,) = summarise(study(itself=around(1.5), centred_gaussian=np.full(20, 1.9)))
    assert not finding.holds
    assert "Does not hold: above a flat map, but not above a centred Gaussian." in WORDS.finding(finding)
    assert "difference -0.40 (-0.45 to -0.35)" in WORDS.finding(finding)
    (flat,) = summarise(study(itself=around(0.9), edges=around(0.5)))
    assert WORDS.finding(flat).endswith("Does not hold: not above a flat map.")


def test_the_person_is_there_before_it_is_deidentified():
    energies = {"itself": around(1.5), "edges": around(1.2), "original_photo": around(1.6)}
    (person,), (mask,) = summarise(study("person", **energies)), summarise(study("mask", **energies))
    assert person.holds and not mask.holds
    assert "; the picture's edges: 1.20" in WORDS.finding(person)
    assert WORDS.finding(person).endswith("that decides. On the original photo, with the same person, it is 1.60.")
    assert len(person.comparisons) == len(mask.comparisons) == 2


def test_other_pictures_regions_decide_only_where_they_are_elsewhere():
    energies = {"itself": around(1.5), "shuffled_masks": around(1.5)}
    same_place, elsewhere = study(**energies), study(**energies)
    # A row of each picture, another one in the picture that it changes with, 20 // 3 = 6 before it.
    elsewhere.pictures.mask[:] = np.eye(4, dtype=bool)[np.arange(20) % 4][:, :, None]
    assert [summarise(one)[0].holds for one in (same_place, elsewhere)] == [True, False]


def test_what_decides():
    assert set(CONTROLS) - deciding("mask", 0.5) == {"without attention"}
    assert set(CONTROLS) - deciding("mask", float("nan")) == {"without attention"}
    assert set(CONTROLS) - deciding("mask", 0.51) == {"without attention", "shuffled masks"}
    assert set(CONTROLS) - deciding("person", 0.4) == {"without attention", "original photo"}


def test_zero_maps_are_counted_and_left_out():
    energies = around(2.0)
    energies[:4] = np.nan
    (finding,) = summarise(study(itself=energies, edges=around(1.0)))
    assert (finding.pictures, finding.zero_maps, finding.comparisons[0].pictures) == (16, 4, 16)
    assert finding.metrics["energy"].mean == pytest.approx(2.0)
    assert "On 16 photos" in WORDS.finding(finding) and "4 maps zero everywhere are left out" in WORDS.finding(finding)


def test_all_maps_zero():
    (finding,) = summarise(study(itself=np.full(20, np.nan), edges=around(1.0)))
    assert WORDS.finding(finding) == ("At cbam_1 all 20 maps are zero everywhere: nothing can be said. Does not hold.")
    assert not finding.holds and finding.strongest is None
    assert finding.as_json()["energy"] == {"mean": None, "low": None, "high": None}


def test_seeds_count_with_their_mean():
    (finding,) = summarise(study(itself=[around(2.0), around(3.0)], without_attention=[around(1.0), around(2.0)]))
    assert finding.metrics["energy"].mean == pytest.approx(2.5)
    assert finding.runs == {"run0": pytest.approx(2.0), "run1": pytest.approx(3.0)}
    (comparison,) = finding.comparisons
    assert comparison.runs == {"run0": pytest.approx(1.0), "run1": pytest.approx(2.0)}
    assert comparison.difference.mean == pytest.approx(1.0)
    assert (finding.pictures, finding.seeds) == (20, 2)
    assert WORDS.finding(finding).startswith("On 20 photos, over 2 seeds, the maps at cbam_1 put 2.50 (")


def test_intervals_are_over_seeds_too():
    """Pictures that vary little, seeds that lie far apart: the two seeds' own means are as likely as their mean."""
    (finding,) = summarise(study(itself=[around(2.0), around(3.0)], edges=[around(1.0), around(2.5)]))
    energy, (edges,) = finding.metrics["energy"], finding.comparisons
    assert (energy.low, energy.high) == pytest.approx((2.0, 3.0), abs=0.06)
    # Run by run the differences are 1.0 and 0.5.
    assert (edges.difference.low, edges.difference.high) == pytest.approx((0.5, 1.0), abs=0.06)


def test_runs_without_cbam_have_seeds_of_their_own():
    """2.0 and 3.0 against 1.0 and 2.0: any seed may meet any, so that the differences are 0 to 2, not 1."""
    (finding,) = summarise(study(itself=[around(2.0), around(3.0)], without_attention=[around(1.0), around(2.0)]))
    (without,) = finding.comparisons
    assert (without.difference.low, without.difference.high) == pytest.approx((0.0, 2.0), abs=0.06)


def test_a_picture_that_one_seed_has_no_map_for_is_left_out():
    half = around(3.0)
    half[:10] = np.nan
    (finding,) = summarise(study(itself=[around(2.0), half]))
    assert (finding.pictures, finding.zero_maps) == (10, 10)
    assert finding.metrics["energy"].mean == pytest.approx(2.5)


def test_the_network_without_cbam_does_not_decide_where_the_maps_lie():
    (finding,) = summarise(study(itself=around(2.0), edges=around(1.0), without_attention=around(3.0)))
    assert finding.holds
    assert WORDS.finding(finding).endswith("Without CBAM it is 3.00, difference -1.00 (-1.00 to -1.00).")
    assert finding.comparison("without attention").is_ahead


def test_members_alone_count():
    """Ten pictures with 3 times the flat fraction, then ten with half of it."""
    halves = np.repeat([3.0, 0.5], 10) + np.tile([-0.1, 0.1], 10)
    made = study(itself=halves, edges=np.full(20, 1.2))
    first = np.arange(20) < 10
    (high,), (low,) = summarise(made, first), summarise(made, ~first)
    assert (high.pictures, low.pictures) == (10, 10)
    assert (high.metrics["energy"].mean, low.metrics["energy"].mean) == pytest.approx((3.0, 0.5))
    assert (high.holds, low.holds) == (True, False)
    assert high.comparison("edges").difference.mean == pytest.approx(1.8)


def test_groups_have_findings_of_their_own(monkeypatch):
    made = study(itself=np.repeat([3.0, 0.5], 10) + np.tile([-0.1, 0.1], 10))
    members = {"1": np.arange(20) < 16, "2": np.arange(20) >= 16}
    groups = [Group("people", name, which) for name, which in members.items()]
    monkeypatch.setattr("keras_deid.explain.group_findings.groups_of", lambda pictures: groups)
    one, two = group_findings(made)
    assert (one.by, one.name, one.pictures, two.pictures, two.findings) == ("people", "1", 16, 4, [])
    (finding,) = one.about("real", "mask")
    assert finding.metrics["energy"].mean == pytest.approx((10 * 3 + 6 * 0.5) / 16)
    assert one.about("real", "person") == [] and two.about("real", "mask") == []
    assert one.as_json()["findings"][0]["energy"] == vars(finding.metrics["energy"])
