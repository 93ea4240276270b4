from keras_deid.explain.verdicts import merit_verdicts, where_verdicts
from keras_deid.report.page import wording

WORDS = wording("explain/words.jinja")


def test_a_claim_that_holds_at_every_layer(finding, compared):
    (verdict,) = where_verdicts([finding(depth, 2.0, compared("edges", 1.0)) for depth in (1, 2)])
    assert (verdict.kind, verdict.verdict, verdict.layers) == ("where", "holds", ("cbam_1", "cbam_2"))
    assert WORDS.verdict(verdict) == (
        "The maps light up on the de-identified region: holds. On 20 photos they put more there than a flat map at 2 "
        "of 2 layers and the picture's edges at 2."
    )


def test_a_claim_that_holds_at_some_layers_against_some_controls(finding, compared):
    rows = [
        finding(1, 2.0, compared("edges", 1.0), compared("shuffled masks", 0.0, decides=False)),
        finding(2, 2.0, compared("edges", 0.0), compared("shuffled masks", 0.0, decides=False), pictures=18),
        finding(3, 0.9, compared("edges", 1.0), compared("shuffled masks", 0.0, decides=False)),
    ]
    (verdict,) = where_verdicts(rows)
    assert (verdict.verdict, verdict.layers) == ("holds in part", ("cbam_1",))
    assert WORDS.verdict(verdict) == (
        "The maps light up on the de-identified region: holds at cbam_1, not at cbam_2 and cbam_3. On 18 to 20 "
        "photos they put more there than a flat map at 2 of 3 layers and the picture's edges at 2; the same maps "
        "against other pictures' regions at 0, which does not decide."
    )


def test_many_layers_where_it_does_not_hold_are_counted(finding, compared):
    rows = [finding(depth, 2.0, compared("edges", 1.0 if depth == 1 else 0.0)) for depth in (1, 2, 3, 4)]
    assert ": holds at cbam_1, not at the other 3. " in WORDS.verdict(where_verdicts(rows)[0])


def test_a_claim_that_does_not_hold(finding, compared):
    (verdict,) = where_verdicts([finding(1, 0.8, compared("edges", -1.0), region="person")])
    assert (verdict.verdict, verdict.layers) == ("does not hold", ())
    assert WORDS.verdict(verdict) == (
        "The maps light up on the person rather than the background: does not hold. On 20 photos they put more there "
        "than a flat map at 0 of 1 layer and the picture's edges at 0."
    )


def test_of_the_person_the_original_photos_are_told_apart(finding, compared):
    rows = [
        finding(depth, 2.0, compared("original photo", -0.5, value=2.0 + depth, decides=False), region="person")
        for depth in (1, 2)
    ]
    (verdict,) = where_verdicts(rows)
    assert verdict.verdict == "holds"
    assert WORDS.verdict(verdict).endswith(
        "a flat map at 2 of 2 layers. On the original photos, with the same people, it is 3.00 to 4.00 times the flat "
        "fraction."
    )


def test_cbam_s_merit(finding, compared):
    without = {"plain0": 1.0, "plain1": 1.0}
    seeds = {"seed0": 2.0, "seed1": 2.0}
    differences = (0.5, -0.5, 0.0)
    rows = [
        finding(depth, 2.0, compared("without attention", difference, runs=without), runs=seeds)
        for depth, difference in enumerate(differences, 1)
    ]
    (verdict,) = merit_verdicts(rows)
    assert (verdict.kind, verdict.verdict, verdict.layers) == ("merit", "holds in part", ("cbam_1",))
    assert WORDS.verdict(verdict) == (
        "CBAM puts more on the de-identified region than the same network without it: holds at cbam_1, not at "
        "cbam_2 and cbam_3. On 20 photos, over 2 seeds each, the difference lies above 0 at 1 of 3 layers, below 0 at "
        "1, and cannot be told from 0 at 1."
    )
    assert "without" not in WORDS.verdict(where_verdicts(rows)[0])


def test_without_a_network_to_compare_with_cbam_s_merit_is_not_tested(finding, compared):
    (verdict,) = merit_verdicts([finding(1, 2.0, compared("edges", 1.0))])
    assert (verdict.verdict, verdict.layers) == ("not tested", ())
    assert WORDS.verdict(verdict).endswith("without it: not tested; give runs without CBAM (--versus).")


def test_each_target_and_region_has_its_verdicts(finding, compared):
    rows = [finding(1, 2.0), finding(1, 2.0, region="person")]
    assert [verdict.region for verdict in where_verdicts(rows)] == ["mask", "person"]
