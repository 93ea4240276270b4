import csv
import json
import os
import re

import numpy as np
import pytest

from keras_deid.data.images import read_image
from keras_deid.errors import UserError
from keras_deid.field.csv_file import COLUMNS
from keras_deid.field.evaluate import check_out, evaluate
from keras_deid.field.photographs import find_photographs
from keras_deid.hiding.kinds import KINDS
from keras_deid.restoring.views import VIEWS
from keras_deid.staging import staging


def run(scenes, out, subject, **settings):
    photographs = find_photographs(scenes.folder)
    return evaluate(photographs, out, subject, settings={"split": "all"}, command="keras-deid field X", **settings)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_what_is_measured(scenes, subject, out):
    steps = []
    content = run(
        scenes, out, subject("deface_solid", "pillow_mosaic"), progress=lambda done, total, what: steps.append(done)
    )
    assert steps == [0, 1, 2, 3]
    assert content["faces"] == 2 and content["untouched"]["photographs"] == 3
    assert content["untouched"]["copied"]["mean"] == 1 and content["untouched"]["false_regions_total"] == 0
    solid, mosaic = content["kinds"]["deface_solid"], content["kinds"]["pillow_mosaic"]
    # The locator finds what is black, and the model paints it grey.
    assert solid["regions"]["recall"]["mean"] == solid["regions"]["precision"]["mean"] == 1
    assert solid["psnr_gain"]["mean"] > 3
    assert solid["sources"]["input"]["found"]["mean"] == 0
    assert solid["sources"]["restored"]["found"]["mean"] == 1
    assert solid["sources"]["restored"]["nme"]["mean"] == 0
    assert solid["sources"]["input"]["sharpness"]["mean"] == 0
    # It does not find mosaics: nothing changes.
    assert mosaic["regions"]["recall"]["mean"] == 0 and mosaic["regions"]["precision"]["mean"] is None
    assert mosaic["psnr_gain"]["mean"] == 0
    assert mosaic["sources"]["restored"] == mosaic["sources"]["input"]
    assert mosaic["sources"]["bicubic"]["psnr"]["mean"] > mosaic["sources"]["input"]["psnr"]["mean"]
    assert content["overall"]["regions"]["recall"]["mean"] == 0.5
    assert content["overall"]["changed_outside"]["mean"] == 0


def test_what_is_written(scenes, subject, out):
    content = run(scenes, out, subject("deface_solid", "pillow_mosaic"))
    assert json.loads((out / "field.json").read_text()) == json.loads(json.dumps(content))
    settings = content["settings"]
    assert (content["schema"], settings["model"], settings["model_sha256"]) == (1, "grey", "0")
    assert (settings["locator_sha256"], settings["threshold"], settings["split"]) == ("black", 0.65, "all")
    assert settings["kinds"] == ["deface_solid", "pillow_mosaic"] and "tensorflow" in content["versions"]
    with open(out / "field.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS
    assert [(line["path"], line["kind"]) for line in lines] == [
        (name, kind) for name in ("a.png", "b.png") for kind in ("deface_solid", "pillow_mosaic")
    ]
    gains = [float(line["restored_psnr"]) - float(line["input_psnr"]) for line in lines if line["family"] == "solid"]
    assert np.mean(gains) == pytest.approx(content["kinds"]["deface_solid"]["psnr_gain"]["mean"], abs=1e-3)
    assert lines[0]["region_found"] == "1" and lines[1]["region_found"] == "0" and lines[0]["input_nme"] == ""
    text = (out / "field.md").read_text()
    assert "| deface solid | 2 | 100.0 % (100.0 % to 100.0 %) | 100.0 % |" in text
    assert "| regions_recall | all kinds | 0.500 | at least 0.97 | no |" in text
    assert "3 photographs with 2 faces." in text
    for kind in ("deface_solid", "pillow_mosaic"):
        sheet = read_image(out / "sheets" / f"{kind}.png")
        width = (sheet.shape[1] - 4) // 4
        hidden, restored = (sheet[22:, 4 + column * width :][:, : width - 4] for column in (1, 3))
        assert (hidden == restored).all() == (kind == "pillow_mosaic")


def test_the_page_needs_nothing_else(scenes, subject, out):
    run(scenes, out, subject("deface_solid", "pillow_mosaic"))
    page = (out / "field.html").read_text()
    sources = re.findall(r'src="([^"]{30})', page)
    assert len(sources) == 2 and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "http" not in re.sub(r"data:[^\"]*", "", page)
    assert KINDS["pillow_mosaic"].description in page and "<td>psnr_gain</td>" in page
    assert "keras-deid field X" in page and "invented" in page


def test_every_kind_can_be_evaluated(scenes, subject, out):
    (scenes.folder / "b.png").unlink()
    scenes.csv.write_text("".join(scenes.csv.read_text().splitlines(True)[:2]))
    content = run(scenes, out, subject(*KINDS))
    assert list(content["kinds"]) == list(KINDS)
    for kind, numbers in content["kinds"].items():
        assert numbers["faces"] == 1
        assert all(numbers["sources"][source]["psnr"]["mean"] > 3 for source in ("input", "restored")), kind
        assert (out / "sheets" / f"{kind}.png").is_file()
        assert numbers["changed_outside"]["mean"] == 0
    assert len(content["verdicts"]) == 5 + 3 * len(KINDS)


def test_an_evaluation_continues_where_it_stopped(scenes, subject, out):
    def stop(done, total, what):
        if done == 1:
            raise KeyboardInterrupt

    stopped = subject("deface_solid")
    with pytest.raises(KeyboardInterrupt):
        run(scenes, out, stopped, progress=stop)
    assert stopped.model.seen == VIEWS and not (out / "field.json").exists()
    check_out(out, scenes.folder)
    again = subject("deface_solid")
    content = run(scenes, out, again)
    assert again.model.seen == VIEWS and content["faces"] == 2
    assert read_image(out / "sheets" / "deface_solid.png").shape[0] > 2 * 128  # both faces
    # With another kind, only that one is new.
    more = subject("deface_solid", "solid_ellipse")
    assert list(run(scenes, out, more)["kinds"]) == ["deface_solid", "solid_ellipse"]
    assert more.model.seen == 0  # its grey is not black
    assert run(scenes, out, subject("deface_solid")) == content


def test_in_little_memory_the_results_are_the_same(scenes, subject, out, tmp_path, monkeypatch):
    kinds = ("deface_solid", "pillow_mosaic", "shrunk_jpeg60")
    content = run(scenes, out, subject(*kinds))
    monkeypatch.setattr("keras_deid.field.evaluate._PIXELS_HELD", 1)
    assert run(scenes, tmp_path / "again", subject(*kinds)) == content


def test_a_photograph_that_changed_is_evaluated_again(scenes, subject, out):
    run(scenes, out, subject("deface_solid"))
    os.utime(scenes.folder / "b.png", ns=(5, 5))
    again = subject("deface_solid")
    run(scenes, out, again)
    assert again.model.seen == VIEWS


def test_two_evaluations_do_not_share_a_folder(scenes, subject, out):
    with staging(out / "field", "taken"), pytest.raises(UserError, match="another evaluation writes to"):
        run(scenes, out, subject("deface_solid"))


def test_false_regions_in_untouched_photographs_are_counted(scenes, subject, out):
    def mark_corners(picture):  # both of the upper ones: of the mirrored picture the same
        marked = np.zeros((picture.shape[0] // 4, picture.shape[1] // 4), np.float32)
        marked[2:8, 2:8] = marked[2:8, -8:-2] = 1
        return marked

    content = run(scenes, out, subject("deface_solid", mark=mark_corners))
    assert content["untouched"]["false_regions_total"] == 4  # and parts of the plain wall, which hide nothing
    assert content["untouched"]["copied"]["mean"] == pytest.approx(1 / 3)
    assert content["kinds"]["deface_solid"]["regions"]["false"] == 4
    assert content["kinds"]["deface_solid"]["regions"]["precision"]["mean"] == 0


def test_what_cannot_be_read_is_left_out(scenes, subject, out):
    (scenes.folder / "broken.png").write_bytes(b"junk")
    content = run(scenes, out, subject("deface_solid"))
    (skipped,) = content["skipped"]
    assert skipped["path"].endswith("broken.png") and skipped["reason"].startswith("broken image")
    assert content["faces"] == 2 and "1 could not be read" in (out / "field.md").read_text()
    assert "broken.png: broken image" in (out / "field.html").read_text()


def test_other_models_need_another_folder(scenes, subject, out):
    run(scenes, out, subject("deface_solid"))
    other = subject("deface_solid")
    other.model.identity = "1"
    with pytest.raises(UserError, match="holds the evaluation of other models or settings"):
        run(scenes, out, other)


def test_without_a_face_there_is_nothing_to_evaluate(scenes, subject, out):
    scenes.csv.write_text("path,x0,y0,x1,y1\n")
    with pytest.raises(UserError, match="no face of at least 16 pixels in 3 photographs"):
        run(scenes, out, subject("deface_solid"))


def test_when_nothing_can_be_read_one_line_says_so(scenes, subject, out):
    for name in ("a.png", "b.png", "wall.png"):
        (scenes.folder / name).write_bytes(b"junk")
    with pytest.raises(UserError, match="none of the 3 photographs can be read; the first one: .*a.png: broken image"):
        run(scenes, out, subject("deface_solid"))


def test_a_folder_that_cannot_be_used_is_one_line(scenes, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is not a folder"):
        check_out(tmp_path / "file", scenes.folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    with pytest.raises(UserError, match="holds something else than a field evaluation; choose an empty folder"):
        check_out(tmp_path / "full", scenes.folder)
    with pytest.raises(UserError, match="lies in the folder of photographs"):
        check_out(scenes.folder / "out", scenes.folder)
    (tmp_path / "empty").mkdir()
    check_out(tmp_path / "empty", scenes.folder)
    check_out(tmp_path / "new", scenes.folder)
