from keras_deid.explain.claims import merit_claims, where_claims


def test_a_claim_that_holds_at_every_layer(finding, compared):
    (claim,) = where_claims([finding(depth, 2.0, compared("edges", 1.0)) for depth in (1, 2)])
    assert (claim.kind, claim.verdict, claim.layers) == ("where", "holds", ("cbam_1", "cbam_2"))
    assert claim.sentence == (
        "The maps light up on the de-identified region: holds. On 20 photos they put more there than a flat map at 2 "
        "of 2 layers and the picture's edges at 2."
    )


def test_a_claim_that_holds_at_some_layers_against_some_controls(finding, compared):
    rows = [
        finding(1, 2.0, compared("edges", 1.0), compared("shuffled masks", 0.0, decides=False)),
        finding(2, 2.0, compared("edges", 0.0), compared("shuffled masks", 0.0, decides=False), pictures=18),
        finding(3, 0.9, compared("edges", 1.0), compared("shuffled masks", 0.0, decides=False)),
    ]
    (claim,) = where_claims(rows)
    assert (claim.verdict, claim.layers) == ("holds in part", ("cbam_1",))
    assert claim.sentence == (
        "The maps light up on the de-identified region: holds at cbam_1, not at cbam_2 and cbam_3. On 18 to 20 "
        "photos they put more there than a flat map at 2 of 3 layers and the picture's edges at 2; the same maps "
        "against other pictures' regions at 0, which does not decide."
    )


def test_many_layers_where_it_does_not_hold_are_counted(finding, compared):
    rows = [finding(depth, 2.0, compared("edges", 1.0 if depth == 1 else 0.0)) for depth in (1, 2, 3, 4)]
    assert ": holds at cbam_1, not at the other 3. " in where_claims(rows)[0].sentence


def test_a_claim_that_does_not_hold(finding, compared):
    (claim,) = where_claims([finding(1, 0.8, compared("edges", -1.0), region="person")])
    assert (claim.verdict, claim.layers) == ("does not hold", ())
    assert claim.sentence == (
        "The maps light up on the person rather than the background: does not hold. On 20 photos they put more there "
        "than a flat map at 0 of 1 layer and the picture's edges at 0."
    )


def test_of_the_person_the_original_photos_are_told_apart(finding, compared):
    rows = [
        finding(depth, 2.0, compared("original photo", -0.5, value=2.0 + depth, decides=False), region="person")
        for depth in (1, 2)
    ]
    (claim,) = where_claims(rows)
    assert claim.verdict == "holds"
    assert claim.sentence.endswith(
        "a flat map at 2 of 2 layers. On the original photos, with the same people, it is 3.00 to 4.00 times the flat "
        "share."
    )


def test_cbam_s_merit(finding, compared):
    twins = {"twin0": 1.0, "twin1": 1.0}
    seeds = {"seed0": 2.0, "seed1": 2.0}
    differences = (0.5, -0.5, 0.0)
    rows = [
        finding(depth, 2.0, compared("without attention", difference, runs=twins), runs=seeds)
        for depth, difference in enumerate(differences, 1)
    ]
    (claim,) = merit_claims(rows)
    assert (claim.kind, claim.verdict, claim.layers) == ("merit", "holds in part", ("cbam_1",))
    assert claim.sentence == (
        "CBAM puts more on the de-identified region than the same network without it: holds at cbam_1, not at "
        "cbam_2 and cbam_3. On 20 photos, over 2 seeds each, the difference lies above 0 at 1 of 3 layers, below 0 at "
        "1, and cannot be told from 0 at 1."
    )
    assert "without" not in where_claims(rows)[0].sentence


def test_without_a_twin_cbam_s_merit_is_not_tested(finding, compared):
    (claim,) = merit_claims([finding(1, 2.0, compared("edges", 1.0))])
    assert (claim.verdict, claim.layers) == ("not tested", ())
    assert claim.sentence.endswith("without it: not tested; give runs without CBAM (--versus).")


def test_each_target_and_region_has_its_claims(finding, compared):
    rows = [finding(1, 2.0), finding(1, 2.0, region="person")]
    assert [claim.region for claim in where_claims(rows)] == ["mosaic", "person"]
