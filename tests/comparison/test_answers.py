import pytest

from keras_deid.comparison.answers import attention_answer, attention_pairs, best_answer, place_sentences
from keras_deid.comparison.table import make_table

SPEEDS = {"with": 80.0, "without": 100.0}


def test_pairs_differ_in_attention_alone(make_model):
    models = [
        make_model("between", 1.0),
        make_model("branch", 1.0, attention="branch", gate_init="default"),
        make_model("none", 1.0, attention="none"),
        make_model("none_reduced", 1.0, attention="none", reduction=2),  # without attention reduction means nothing
        make_model("wide", 1.0, filters=8),
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
def test_one_pair_gives_a_plain_answer(make_model, gain, holds, opening):
    models = [make_model("with", gain, spread=0.2), make_model("without", 1.0, spread=0.2, attention="none")]
    answer = attention_answer(models, SPEEDS)
    assert answer.holds is holds
    assert answer.headline.startswith(opening)
    (sentence,) = answer.sentences
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
def test_several_pairs_give_one_answer(make_model, gains, holds, words):
    models = [
        make_model("between", gains[0], spread=0.2),
        make_model("branch", gains[1], spread=0.2, attention="branch"),
        make_model("none", 1.0, spread=0.2, attention="none"),
    ]
    answer = attention_answer(models, SPEEDS)
    assert answer.holds is holds
    assert words in answer.headline
    assert len(answer.sentences) == 2


def test_without_such_a_pair_the_answer_is_that_there_is_none(make_model):
    answer = attention_answer([make_model("a", 1.0), make_model("b", 1.0, attention="none", filters=8)], {})
    assert answer.holds is None
    assert "cannot be told: no two of these models differ in attention alone" in answer.headline


def test_seeds_are_told(make_model):
    models = [make_model("with", 1.5, 1.6), make_model("without", 1.0, 1.0, 1.0, attention="none")]
    assert "2 and 3 seeds: " in attention_answer(models, {}).sentences[0]


def test_places_of_attention_are_compared(make_model):
    models = [make_model("between", 1.0), make_model("branch", 2.0, attention="branch")]
    (sentence,) = place_sentences(models, {})
    assert sentence.startswith("between against branch") and sentence.endswith("worse.")
    assert place_sentences([models[0], make_model("open", 1.0, attention="branch", gate_init="default")], {}) == []


def test_the_best_is_named_with_what_it_beats(make_model):
    models = [make_model("a", 1.0), make_model("b", 2.0)]
    answer = best_answer(models, make_table(models))
    assert answer.headline.startswith("b is the best in the mask, 2") and answer.headline.endswith("the next, a.")
    assert answer.holds is True
    assert answer.sentences[0].startswith("+3.00 (") and answer.sentences[0].endswith("against the mosaic itself.")
    assert answer.sentences[1].endswith("against bicubic enlargement.")


def test_a_tie_is_called_one(make_model):
    models = [make_model("a", 1.0, spread=1.0), make_model("b", 1.01, spread=1.0), make_model("c", -3.0)]
    headline = best_answer(models, make_table(models)).headline
    assert "but is not really better than" in headline and "c" not in headline.split("than")[1]


def test_a_floor_that_is_not_beaten_is_told(make_model):
    models = [make_model("a", -0.5)]
    answer = best_answer(models, make_table(models))
    assert answer.holds is False
    assert answer.headline.startswith("a restores the mask to ")
    assert answer.headline.endswith("dB. It is not shown to beat bicubic enlargement.")
    assert answer.sentences[1].endswith("against bicubic enlargement, which is not really beaten.")
