import numpy as np
import pytest

from keras_deid.field.score import METRICS, SOURCES
from keras_deid.field.summary import Scored, estimate, summarise
from keras_deid.statistics import mean_interval


def record(*faces, found=None, matched=None, changed=0):
    """Faces are (region found, PSNR of the input, PSNR of the restored)."""
    hit = sum(face[0] for face in faces)
    return {
        "hidden": len(faces),
        "found": hit if found is None else found,
        "matched": hit if matched is None else matched,
        "changed_outside": changed,
        "difference_outside": None,
        "faces": [
            {
                "face": [0, 0, 1, 1],
                "region": [0, 0, 1, 1],
                "region_found": bool(region),
                "sources": {
                    "original": {"found": 1.0},
                    **{
                        source: dict.fromkeys(METRICS) | {"psnr": after if source == "restored" else before}
                        for source in SOURCES
                    },
                },
            }
            for region, before, after in faces
        ],
    }


def test_an_estimate_weighs_every_value_the_same():
    found = estimate([[1.0, 1.0, 1.0], [0.0], [None], []])
    assert found["mean"] == 0.75 and found["count"] == 4
    assert 0 <= found["low"] < 0.75 < found["high"] <= 1


def test_with_a_value_a_photograph_it_is_the_usual_interval():
    values = np.random.default_rng(0).normal(5, 1, 40)
    found = estimate([[value] for value in values])
    assert found["mean"] == pytest.approx(values.mean())
    assert (found["low"], found["high"]) == pytest.approx(mean_interval(values))


def test_kinds_of_one_photograph_do_not_make_it_surer():
    values = np.random.default_rng(0).normal(5, 1, 40)
    once, often = estimate([[value] for value in values]), estimate([[value] * 12 for value in values])
    assert (often["low"], often["high"]) == pytest.approx((once["low"], once["high"]))


@pytest.mark.parametrize("groups", [[], [[]], [[None], [None]]])
def test_nothing_has_no_mean(groups):
    assert estimate(groups) == {"mean": None, "low": None, "high": None, "count": 0}


def test_one_photograph_has_no_interval():
    assert estimate([[1.0, 2.0]]) == {"mean": 1.5, "low": None, "high": None, "count": 2}


def test_the_summary_of_two_photographs():
    scored = [
        Scored("a", "pillow_mosaic", record((1, 20, 22), (0, 10, 11), found=3)),
        Scored("a", "deface_solid", record((1, 5, 15), (1, 5, 15))),
        Scored("b", "pillow_mosaic", record((1, 18, 24), changed=4)),
        Scored("b", "deface_solid", record((0, 5, 5))),
    ]
    summary = summarise(scored, {"a": {"found": 2}, "b": {"found": 0}, "c": {"found": 0}, "d": {"found": 0}})
    assert list(summary["kinds"]) == ["deface_solid", "pillow_mosaic"]  # the order of the catalogue
    mosaic = summary["kinds"]["pillow_mosaic"]
    assert mosaic["family"] == "mosaic" and mosaic["description"].startswith("Pillow")
    assert (mosaic["photographs"], mosaic["faces"]) == (2, 3)
    assert mosaic["regions"]["recall"]["mean"] == pytest.approx(2 / 3)
    assert mosaic["regions"]["precision"]["mean"] == pytest.approx(2 / 4)
    assert mosaic["regions"]["false"] == 2
    assert mosaic["psnr_gain"]["mean"] == pytest.approx((2 + 1 + 6) / 3)
    assert mosaic["sources"]["input"]["psnr"]["mean"] == pytest.approx(16)
    assert mosaic["sources"]["restored"]["nme"]["mean"] is None
    assert mosaic["changed_outside"]["mean"] == 2
    assert summary["families"]["solid"]["psnr_gain"]["mean"] == pytest.approx(20 / 3)
    assert summary["overall"]["faces"] == 6
    assert summary["overall"]["regions"]["recall"]["mean"] == pytest.approx(4 / 6)
    clean = summary["untouched"]
    assert clean["photographs"] == 4 and clean["false_regions_total"] == 2
    assert clean["false_regions"]["mean"] == 0.5 and clean["copied"]["mean"] == 0.75
