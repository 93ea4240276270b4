import math

import pytest

from keras_deid.field.targets import TARGETS, verdicts


def numbers(family="mosaic", gain=2.0, found=0.9, sharpness=0.8):
    return {
        "family": family,
        "psnr_gain": {"mean": gain},
        "sources": {"restored": {"found": {"mean": found}, "sharpness": {"mean": sharpness}}},
    }


def summary(kinds, recall=0.98, nme=0.05, false=0.0, copied=1.0, changed=0.0):
    return {
        "overall": {
            "regions": {"recall": {"mean": recall}},
            "sources": {"restored": {"nme": {"mean": nme}}},
            "changed_outside": {"mean": changed},
        },
        "untouched": {"false_regions": {"mean": false}, "copied": {"mean": copied}},
        "kinds": kinds,
    }


def met(found, targets="street"):
    return {(verdict["name"], verdict["kind"]): verdict["met"] for verdict in verdicts(found, TARGETS[targets])}


def test_all_targets_are_met():
    found = met(summary({"a": numbers(), "b": numbers("solid", gain=8.0)}))
    assert len(found) == 5 + 2 * 3 and all(one is True for one in found.values())


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"recall": 0.96}, "regions_recall"),
        ({"nme": 0.081}, "nme"),
        ({"false": 0.02}, "false_regions_untouched"),
        ({"copied": 0.98}, "copied_untouched"),
        ({"changed": 0.01}, "changed_outside"),
    ],
)
def test_what_holds_over_all_kinds(changes, name):
    found = met(summary({"a": numbers()}, **changes))
    assert [key for key, one in found.items() if one is False] == [(name, None)]


@pytest.mark.parametrize(
    ("changes", "targets", "missed"),
    [
        ({"gain": 1.4}, "street", ["psnr_gain"]),
        ({"gain": 1.4}, "large", []),
        ({"family": "solid", "gain": 7.9}, "street", ["psnr_gain"]),
        ({"family": "solid", "gain": 7.9}, "large", []),
        ({"found": 0.84}, "street", ["found"]),
        ({"sharpness": 0.59}, "street", ["sharpness"]),
        ({"sharpness": 1.11}, "street", ["sharpness"]),
        ({"sharpness": 1.5}, "large", []),
        ({"sharpness": 0.3, "found": 0.7, "gain": 0.9}, "large", ["psnr_gain", "found", "sharpness"]),
    ],
)
def test_what_holds_for_every_kind(changes, targets, missed):
    found = met(summary({"a": numbers(**changes)}), targets)
    assert [key for key, one in found.items() if one is False] == [(name, "a") for name in missed]


def test_what_cannot_be_measured_has_no_verdict():
    assert met(summary({"a": numbers()}, nme=None))["nme", None] is None


def test_bounds_are_numbers_of_json():
    for targets in TARGETS.values():
        for verdict in verdicts(summary({"a": numbers()}), targets):
            assert all(bound is None or math.isfinite(bound) for bound in (verdict["least"], verdict["most"]))
