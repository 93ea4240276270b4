import json

import pytest

from keras_deid.comparison.report import page


def test_names_are_escaped_on_the_page(make_entry, make_contents):
    entries = [make_entry("a<i>b", 1.0), make_entry("c", 2.0, attention="none")]
    html = page(make_contents(entries))
    assert "<i>" not in html
    # The answers, the table and the title name it.
    assert html.count("a&lt;i&gt;b") >= 4


def test_the_answers_are_written_as_json(make_entry, make_contents):
    contents = make_contents([make_entry("with", 2.0), make_entry("without", 1.0, attention="none")])
    answers = json.loads(json.dumps(contents.as_json(), allow_nan=False))
    assert answers["attention"]["holds"] is True
    assert answers["attention"]["pairs"][0]["gains"]["psnr_mask"]["mean"] == pytest.approx(1.0)
    assert answers["best"]["following"] == "without" and answers["best"]["tied"] == []
    assert answers["budget"]["agrees_in"] == ["images", "minutes"]
