import csv
import io

from keras_deid.evaluation.evaluate import csv_text
from keras_deid.evaluation.evaluation import CSV_COLUMNS, Evaluation, PictureScores


def lines_of(scores):
    return list(csv.DictReader(io.StringIO(csv_text(Evaluation(scores)))))


def test_csv_has_a_line_for_each_picture_and_source():
    scores = {
        "psnr_mask": 20.5,
        "ssim_mask": 0.5,
        "psnr_outside": float("nan"),
        "psnr": 30.0,
        "ssim": 0.9,
        "l1": 0.01,
        "faces_found": 1.0,
    }
    rows = [
        PictureScores('a "b", c.jpg#0', "original", {"faces_found": 0.0}, 20.0, 4.0, 0.25),
        PictureScores("ü.jpg#1", "restored", scores, 20.0, 4.0, float("nan")),
    ]
    lines = lines_of(rows)
    assert list(lines[0]) == list(CSV_COLUMNS)
    assert (lines[0]["path"], lines[0]["psnr"], lines[0]["faces_found"]) == ('a "b", c.jpg#0', "", "0")
    assert (lines[1]["path"], lines[1]["psnr_mask"], lines[1]["psnr_outside"]) == ("ü.jpg#1", "20.5", "")
    assert (lines[1]["box_width"], lines[1]["block"], lines[1]["brightness"]) == ("20", "4", "")


def test_further_scores_have_columns_after_the_others():
    rows = [
        PictureScores("a.jpg#0", "original", {"faces_found": 1.0}, 20.0, 4.0, 0.25),
        PictureScores("a.jpg#0", "restored", {"faces_found": 1.0, "lpips": 0.125}, 20.0, 4.0, 0.25),
    ]
    lines = lines_of(rows)
    assert list(lines[0]) == [*CSV_COLUMNS, "lpips"]
    assert [line["lpips"] for line in lines] == ["", "0.125"]
