import pytest

from keras_deid.comparison.budget import budget_of
from keras_deid.comparison.entries import runs_of
from keras_deid.report.page import wording


def budget_and_words(entries):
    budget = budget_of(runs_of(entries))
    return wording("comparison/words.jinja").budget(budget), budget.is_same


@pytest.mark.parametrize(
    ("images", "seconds", "same", "words"),
    [
        (
            2000,
            600.0,
            True,
            "The same budget in images seen and minutes for every run: 2,000 images seen, 10.0",
        ),
        (2000, 900.0, True, "The same budget in images seen for every run: 2,000 images seen, 10.0 to 15.0 minutes"),
        (2300, 650.0, True, "The same budget in minutes for every run: 2,000 to 2,300 images seen, 10.0 to 10.8"),
        (2300, 900.0, False, "The budgets differ by more than 10%"),
    ],
)
def test_one_of_images_and_minutes_has_to_agree(make_entry, images, seconds, same, words):
    models = [make_entry("one", 1.0), make_entry("other", 1.0, images=images, seconds=seconds)]
    sentence, is_same = budget_and_words(models)
    assert is_same == same
    assert sentence.startswith(words)


def test_the_budget_of_one_run_is_just_told(make_entry):
    assert budget_and_words([make_entry("one", 1.0)]) == ("Budget: 2,000 images seen, 10.0 minutes of training.", True)
