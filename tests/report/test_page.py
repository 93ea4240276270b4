import pytest

from keras_deid.report.page import count_of, data_uri, listed, render, wording


@pytest.mark.parametrize(("words", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_lists_in_words(words, text):
    assert listed(words) == text


def test_counts_in_words():
    assert (count_of(1, "photo"), count_of(2, "photo")) == ("1 photo", "2 photos")


def test_pictures_are_inside_the_page():
    assert data_uri(b"\x89PNG") == "data:image/png;base64,iVBORw=="


def test_sentences_are_plain_text_that_a_page_escapes():
    note = wording("explain/words.jinja").note({"kind": "no_cbam", "places": "<ends>"})
    assert note == "This run has no CBAM: its maps are taken at the <ends>."
    assert type(note) is str


def test_markdown_tables():
    table = wording("report/markdown.jinja").table(["", "a"], [["x", 1], ["y", 2]])
    assert table == "|  | a |\n| --- | --- |\n| x | 1 |\n| y | 2 |\n"


def test_text_is_not_escaped_outside_pages():
    text = render("explain/localisation.md.jinja", command="a < b", notes=[], verdicts=[], sections=[], regated=[])
    assert text.startswith("```bash\na < b\n```")
