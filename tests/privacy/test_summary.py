import pytest

from keras_deid.privacy.summary import Probed, compare, summarise


@pytest.fixture
def probed():
    """Three people at 0, 10 and 20, one of which is taken for another when hidden, and again when restored."""
    places = {"a": (0.0, 9.0, 1.0), "b": (10.0, 9.0, 11.0), "c": (20.0, 9.0, 11.0)}
    people = []
    for path, (gallery, hidden, restored) in places.items():
        sources = {"hidden": [hidden], "restored": [restored], "flat": [9.0], "stranger": [9.0]}
        vectors = {"net": {"gallery": [gallery], "original": [gallery + 1]}}
        people.append(Probed(path, vectors, {"blur": {"net": sources}}))
    return people


def test_every_source_is_compared_with_the_gallery(probed):
    results = compare(probed, ["net"])
    assert list(results) == [
        ("net", "original", "original"),
        *(("net", "blur", source) for source in ("hidden", "restored", "flat", "stranger")),
    ]
    assert results["net", "original", "original"].rank.tolist() == [1, 1, 1]
    assert results["net", "blur", "hidden"].rank.tolist() == [2, 1, 3]
    assert results["net", "blur", "restored"].rank.tolist() == [1, 1, 2]


def test_means_and_paired_differences(probed):
    summary = summarise(compare(probed, ["net"]))
    assert summary["net"]["original"]["sources"]["original"]["rank1"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    blur = summary["net"]["blur"]
    assert set(blur) == {"sources", "added", "by_the_face"}
    assert blur["sources"]["hidden"]["rank1"]["mean"] == pytest.approx(1 / 3)
    assert blur["sources"]["hidden"]["median_rank"] == 2 and blur["sources"]["restored"]["median_rank"] == 1
    assert blur["added"]["rank1"]["mean"] == pytest.approx(1 / 3)  # of a alone
    assert blur["added"]["rank1"]["low"] == 0 and blur["added"]["rank1"]["high"] <= 1
    assert blur["by_the_face"] == blur["added"]  # the stranger lies where the hidden faces lie
