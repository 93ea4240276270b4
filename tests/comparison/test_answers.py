import pytest

from keras_deid.comparison.answers import attention_answer, attention_pairs, best_answer, place_pairs
from keras_deid.comparison.table import make_table
from keras_deid.report.page import wording

WORDS = wording("comparison/words.jinja")
SPEEDS = {"with": 80.0, "without": 100.0}


def test_pairs_differ_in_attention_alone(make_entry):
    models = [
        make_entry("between", 1.0),
        make_entry("branch", 1.0, attention="branch", gate_init="default"),
        make_entry("none", 1.0, attention="none"),
        make_entry("none_reduced", 1.0, attention="none", reduction=2),  # without attention reduction means nothing
        make_entry("wide", 1.0, filters=8),
    ]
    names = [(ours.name, theirs.name) for ours, theirs in attention_pairs(models)]
    assert names == [
        ("between", "none"),
        ("between", "none_reduced"),
        ("branch", "none"),
        ("branch", "none_reduced"),
    ]


@pytest.mark.parametrize(
    ("gain", "holds", "opening"),
    [
        (1.5, True, "Attention is worth it here: +0.50 ("),
        (0.5, False, "Attention is not worth it here: -0.50 ("),
        (1.0, None, "Attention is not shown to be worth it here: +0.00 ("),
    ],
)
def test_one_pair_gives_a_plain_answer(make_entry, gain, holds, opening):
    models = [make_entry("with", gain, spread=0.2), make_entry("without", 1.0, spread=0.2, attention="none")]
    answer = attention_answer(models, SPEEDS)
    assert answer.holds is holds
    assert WORDS.attention(answer).startswith(opening)
    (pair,) = answer.pairs
    sentence = WORDS.pair(pair)
    assert sentence.startswith("with against without on 24 pictures, one seed each: PSNR in the mask ")
    assert "SSIM in the mask " in sentence and "faces found +0.0 (+0.0 to +0.0) points" not in sentence
    assert "faces found +0.0 (0.0 to 0.0) points" in sentence
    assert "; at -9.1% parameters of G and -20.0% images restored a second: " in sentence


@pytest.mark.parametrize(
    ("gains", "holds", "words"),
    [
        ((2.0, 3.0), True, "Attention is worth it here, wherever it was tried"),
        ((0.0, 0.5), False, "Attention is not worth it here: wherever it was tried"),
        ((1.0, 1.0), None, "all differences may be chance"),
        ((2.0, 0.0), None, "depends on its form: it helps in between; it harms in branch."),
        (
            (1.0, 0.0),
            None,
            "depends on its form: it harms in branch; no difference can be told from chance in between.",
        ),
    ],
)
def test_several_pairs_give_one_answer(make_entry, gains, holds, words):
    models = [
        make_entry("between", gains[0], spread=0.2),
        make_entry("branch", gains[1], spread=0.2, attention="branch"),
        make_entry("none", 1.0, spread=0.2, attention="none"),
    ]
    answer = attention_answer(models, SPEEDS)
    assert answer.holds is holds
    assert words in WORDS.attention(answer)
    assert len(answer.pairs) == 2


def test_without_such_a_pair_the_answer_is_that_there_is_none(make_entry):
    answer = attention_answer([make_entry("a", 1.0), make_entry("b", 1.0, attention="none", filters=8)], {})
    assert answer.holds is None
    assert "cannot be told: no two of these models differ in attention alone" in WORDS.attention(answer)


def test_seeds_are_told(make_entry):
    models = [make_entry("with", 1.5, 1.6), make_entry("without", 1.0, 1.0, 1.0, attention="none")]
    assert "2 and 3 seeds: " in WORDS.pair(attention_answer(models, {}).pairs[0])


def test_places_of_attention_are_compared(make_entry):
    models = [make_entry("between", 1.0), make_entry("branch", 2.0, attention="branch")]
    (pair,) = place_pairs(models, {})
    sentence = WORDS.pair(pair)
    assert sentence.startswith("between against branch") and sentence.endswith("worse.")
    assert place_pairs([models[0], make_entry("open", 1.0, attention="branch", gate_init="default")], {}) == []


def test_the_best_is_named_with_what_it_beats(make_entry):
    models = [make_entry("a", 1.0), make_entry("b", 2.0)]
    answer = best_answer(models, make_table(models))
    assert WORDS.best(answer).startswith("b is the best in the mask, 2") and WORDS.best(answer).endswith("the next, a.")
    assert answer.holds is True
    assert WORDS.baseline(answer.baselines[0]).startswith("+3.00 (") and WORDS.baseline(answer.baselines[0]).endswith(
        "against the mosaic itself."
    )
    assert WORDS.baseline(answer.baselines[1]).endswith("against bicubic enlargement.")


def test_a_tie_is_called_one(make_entry):
    models = [make_entry("a", 1.0, spread=1.0), make_entry("b", 1.01, spread=1.0), make_entry("c", -3.0)]
    headline = WORDS.best(best_answer(models, make_table(models)))
    assert "but is not really better than" in headline and "c" not in headline.split("than")[1]


def test_a_baseline_that_is_not_beaten_is_told(make_entry):
    models = [make_entry("a", -0.5)]
    answer = best_answer(models, make_table(models))
    assert answer.holds is False
    assert WORDS.best(answer).startswith("a restores the mask to ")
    assert WORDS.best(answer).endswith("dB. It is not shown to beat bicubic enlargement.")
    assert WORDS.baseline(answer.baselines[1]).endswith("against bicubic enlargement, which is not really beaten.")
