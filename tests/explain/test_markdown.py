from keras_deid.explain.findings import Comparison, grouped
from keras_deid.explain.regating import Regating
from keras_deid.explain.verdicts import where_verdicts
from keras_deid.report.page import render
from keras_deid.statistics import Estimate


def test_tables(finding, compared):
    nothing = Estimate(None, None, None)
    rows = [
        finding(1, 2.0, compared("edges", 1.0, 0.9), compared("centred gaussian", -0.3, 2.3)),
        finding(2, 1.5, compared("edges", 0.5, 1.0), Comparison("centred gaussian", nothing, nothing, 0, True, {})),
        finding(1, 1.2, compared("edges", 0.2), region="person", runs={"a": 1.0, "b": 1.4}),
    ]
    text = render(
        "explain/localisation.md.jinja",
        command="python x",
        notes=[{"kind": "few_pictures", "pictures": 12}],
        verdicts=where_verdicts(rows),
        sections=grouped(rows),
        groups=[],
        regated=[
            Regating(module, replacement, Estimate(lost, lost - 0.1, lost + 0.1))
            for module, lost in (("cbam_1", 0.5), ("all", 1.5))
            for replacement in ("mean", "another")
        ],
    )
    assert text.startswith("```bash\npython x\n```\n\n- The maps light up on the de-identified region: ")
    assert "- Note: Only 12 pictures: the intervals are rough.\n\nTimes the flat fraction" in text
    assert (
        "| layer | on the de-identified region | separation | zero maps | edges | centred gaussian |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| cbam_1 | 2.00 (1.90 to 2.10) | 0.50 (0.40 to 0.60) | 0 | 0.90 | 2.30 * |\n"
        "| cbam_2 | 1.50 (1.40 to 1.60) | 0.50 (0.40 to 0.60) | 0 | 1.00 | – |\n"
    ) in text
    assert "score `real`, with 95 % intervals (20 photos, over 2 seeds)," in text
    assert (
        "| layer | on the person | separation | zero maps | edges |\n| --- | --- | --- | --- | --- |\n"
        "| cbam_1 | 1.20 (1.10 to 1.30) | 0.50 (0.40 to 0.60) | 0 | 1.00 |\n"
    ) in text
    assert text.endswith(
        "| module | their mean over the picture | another picture's gates |\n| --- | --- | --- |\n"
        "| cbam_1 | +0.50 (0.40 to 0.60) | +0.50 (0.40 to 0.60) |\n"
        "| all | +1.50 (1.40 to 1.60) | +1.50 (1.40 to 1.60) |\n"
    )
