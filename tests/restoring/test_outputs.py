"""Nothing is lost: outputs are never inputs, and only files that were restored before are replaced."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from keras_deid.errors import UserError
from keras_deid.locking import locked_file, locked_folder
from keras_deid.restoring import pictures, threads
from keras_deid.restoring import restore as restore_module
from keras_deid.restoring.finding import find_in
from keras_deid.restoring.manifest import MANIFEST
from keras_deid.restoring.region_sources import Located
from keras_deid.restoring.restore import restore_file, restore_folder

from .conftest import Negative, files_of, random_picture
from .synthetic_videos import make_video, plain


@pytest.fixture
def photos(tmp_path):
    """`photos/2020` with two pictures, one of a format that has its mark beside it, and one in a folder."""
    source = tmp_path / "photos" / "2020"
    (source / "sub").mkdir(parents=True)
    for seed, name in enumerate(("a.png", "b.bmp", "sub/c.png")):
        Image.fromarray(random_picture(seed)).save(source / name)
    return source


def nothing():
    return Located(lambda pixels: np.zeros((pixels.shape[0] // 4, pixels.shape[1] // 4), np.float32), "none")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("out", "message"),
    [
        (".", "holds the folder of pictures"),
        ("..", "holds the folder of pictures"),
        ("2020", "lies in the folder of pictures"),
        ("2020/sub", "lies in the folder of pictures"),
        ("2020/new", "lies in the folder of pictures"),
        ("link", "lies in the folder of pictures"),
        ("into", r"a\.png: is the input .*a\.png"),
    ],
)
def test_an_output_is_never_an_input(photos, out, message, overwrite):
    (photos.parent / "link").symlink_to("2020")
    (photos.parent / "into").mkdir()
    for name in ("a.png", "b.bmp"):
        (photos.parent / "into" / name).symlink_to(f"../2020/{name}")
    before = files_of(photos.parent)
    with pytest.raises(UserError, match=message):
        restore_folder(photos, photos.parent / out, Negative(), None, overwrite=overwrite)
    assert files_of(photos.parent) == before


def test_an_output_is_not_an_input_that_is_a_link(tmp_path, photos):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").symlink_to(photos / "a.png")
    with pytest.raises(UserError, match="is the input"):
        restore_folder(tmp_path / "in", photos, Negative(), None, overwrite=True)


@pytest.mark.parametrize("name", ["a.png", "b.bmp", "b.bmp.xmp", "sub/c.png"])
def test_files_of_others_are_replaced_only_on_demand(photos, tmp_path, name):
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_bytes(b"precious")
    with pytest.raises(UserError, match=f"{name}: exists and was not restored here.*--overwrite") as raised:
        restore_folder(photos, out, Negative(), None)
    assert str(raised.value).count("\n") == 0
    assert files_of(out) == {name: b"precious"}
    assert restore_folder(photos, out, Negative(), None, overwrite=True).restored == 3
    restore_folder(photos, tmp_path / "expected", Negative(), None)
    assert files_of(out) == files_of(tmp_path / "expected")


def test_files_of_others_with_other_names_stay(photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "z.png").write_bytes(b"precious")
    assert restore_folder(photos, tmp_path / "out", Negative(), None).restored == 3
    assert (tmp_path / "out" / "z.png").read_bytes() == b"precious"


def test_beside_a_manifest_too_files_of_others_stay(photos, tmp_path):
    out = tmp_path / "out"
    restore_folder(photos, out, Negative(), None)
    for folder in (photos, out):
        Image.fromarray(random_picture(9)).save(folder / "new.png")
    with pytest.raises(UserError, match=r"new\.png: exists and was not restored here"):
        restore_folder(photos, out, Negative(), None)


def test_a_file_that_was_written_but_not_noted_is_no_file_of_others(photos, tmp_path, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(restore_module.Manifest, "add", stop)
    with pytest.raises(KeyboardInterrupt):
        restore_folder(photos, tmp_path / "out", Negative(), None)
    monkeypatch.undo()
    assert (tmp_path / "out" / "a.png").is_file()
    assert restore_folder(photos, tmp_path / "out", Negative(), None).restored == 3


def test_the_work_of_another_model_is_replaced_only_on_demand(photos, tmp_path):
    restore_folder(photos, tmp_path / "out", Negative(), None)
    with pytest.raises(UserError, match="--overwrite"):
        restore_folder(photos, tmp_path / "out", Negative(), nothing())
    assert restore_folder(photos, tmp_path / "out", Negative(), nothing(), overwrite=True).copied == 3
    assert files_of(tmp_path / "out")["a.png"] == files_of(photos)["a.png"]
    assert len(json.loads((tmp_path / "out" / MANIFEST).read_text())["files"]) == 3


@pytest.mark.parametrize("name", ["a.png", "b.bmp"])
def test_a_single_file_is_replaced_only_on_demand(photos, tmp_path, name):
    out = tmp_path / f"out{photos.joinpath(name).suffix}"
    restore_file(photos / name, out, Negative(), None)
    before = files_of(tmp_path)
    with pytest.raises(UserError, match=f"{out.name}: exists; .*--overwrite"):
        restore_file(photos / name, out, Negative(), nothing())
    assert files_of(tmp_path) == before
    assert restore_file(photos / name, out, Negative(), nothing(), overwrite=True) == 0
    assert out.read_bytes() == (photos / name).read_bytes()


def test_a_video_is_replaced_only_on_demand(tmp_path):
    source = make_video(tmp_path / "in.mp4", plain(3))
    (tmp_path / "out.mp4").write_bytes(b"precious")
    with pytest.raises(UserError, match=r"out\.mp4: exists; .*--overwrite"):
        restore_file(source, tmp_path / "out.mp4", Negative(), None)
    assert (tmp_path / "out.mp4").read_bytes() == b"precious"
    restore_file(source, tmp_path / "out.mp4", Negative(), None, overwrite=True)
    assert (tmp_path / "out.mp4").read_bytes() != b"precious"


def test_a_single_output_is_never_the_input(photos, tmp_path):
    (tmp_path / "same.png").symlink_to(photos / "a.png")
    with pytest.raises(UserError, match="is the input"):
        restore_file(photos / "a.png", tmp_path / "same.png", Negative(), None, overwrite=True)


def test_a_list_of_regions_is_replaced_only_on_demand(photos, tmp_path):
    csv_file = tmp_path / "boxes.csv"
    find_in(photos, nothing(), csv_file)
    csv_file.write_text("corrected by hand")
    with pytest.raises(UserError, match=r"boxes\.csv: exists; .*--overwrite"):
        find_in(photos, nothing(), csv_file)
    assert csv_file.read_text() == "corrected by hand"
    find_in(photos, nothing(), csv_file, overwrite=True)
    assert csv_file.read_text().startswith("path,")
    with pytest.raises(UserError, match="is the input"):
        find_in(photos / "a.png", nothing(), photos / "a.png", overwrite=True)


def test_overlays_are_no_inputs_of_the_next_call(photos, tmp_path):
    with pytest.raises(UserError, match="lies in the folder of pictures"):
        find_in(photos, nothing(), tmp_path / "boxes.csv", photos / "overlays")
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "a.png.png").write_bytes(b"precious")
    with pytest.raises(UserError, match=r"a\.png\.png: exists"):
        find_in(photos, nothing(), tmp_path / "boxes.csv", tmp_path / "overlays")
    assert not (tmp_path / "boxes.csv").exists()


class Disturbed(Negative):
    """Does something to the output while it restores."""

    def __init__(self, disturb):
        super().__init__()
        self.disturb = disturb

    def restore(self, batch):
        self.disturb()
        return super().restore(batch)


def test_an_output_folder_that_is_removed_is_said_and_not_made_again(photos, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(UserError, match="was removed or replaced meanwhile; run the same command again"):
        restore_folder(photos, out, Disturbed(lambda: shutil.rmtree(out)), None)
    assert not out.exists()
    assert restore_folder(photos, out, Negative(), None).restored == 3


def test_an_output_folder_that_is_replaced_is_said(photos, tmp_path):
    out = tmp_path / "out"

    def replace():
        out.rename(tmp_path / "moved")
        out.mkdir()

    with pytest.raises(UserError, match="was removed or replaced meanwhile"):
        restore_folder(photos, out, Disturbed(replace), None)
    assert not out.exists() or list(out.iterdir()) == []


def test_files_that_are_removed_meanwhile_are_said_and_made_again(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "BATCH_SIZE", 1)
    out, calls = tmp_path / "out", []

    def remove():
        calls.append(1)
        if len(calls) == 3:
            while not (out / "a.png").exists() or len((out / ".manifest.jsonl").read_text().splitlines()) < 3:
                pass
            (out / "a.png").unlink()

    monkeypatch.setattr(threads, "AHEAD", 0)
    with pytest.raises(UserError, match=r"1 of 3 restored files were removed.*a\.png.*run the same command again"):
        restore_folder(photos, out, Disturbed(remove), None)
    assert MANIFEST not in files_of(out)
    report = restore_folder(photos, out, Negative(), None)
    assert (report.restored, report.kept) == (1, 2)


def test_a_second_process_is_refused(photos, tmp_path):
    out = tmp_path / "out"
    with locked_folder(out, ""), pytest.raises(UserError, match="is being restored to by another process"):
        restore_folder(photos, out, Negative(), None)
    with locked_file(tmp_path / "a.png", ""), pytest.raises(UserError, match="is being written by another process"):
        restore_file(photos / "a.png", tmp_path / "a.png", Negative(), None)
    csv_file = tmp_path / "boxes.csv"
    with locked_file(csv_file, ""), pytest.raises(UserError, match="is being written by another process"):
        find_in(photos, nothing(), csv_file)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


TOGETHER = """
import sys, time
from pathlib import Path
import numpy as np
from keras_deid.errors import UserError
from keras_deid.restoring.restore import restore_folder

class Negative:
    name, identity, size, context = "negative", "0", (16, 24), 2.0
    adds_detail, mark = False, None
    def restore(self, batch):
        time.sleep(0.5)
        return 255 - batch

try:
    restore_folder(Path(sys.argv[1]), Path(sys.argv[2]), Negative(), None)
except UserError as error:
    sys.exit(str(error))
"""


def test_of_two_processes_one_does_the_work(photos, tmp_path):
    words = [sys.executable, "-c", TOGETHER, str(photos), str(tmp_path / "out")]
    both = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [child.communicate()[1] for child in both]
    restore_folder(photos, tmp_path / "expected", Negative(), None)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "expected")
    # The second may also have come when the first had ended.
    codes = sorted(child.returncode for child in both)
    assert codes == [0, 0] or (codes == [0, 1] and "is being restored to by another process" in "".join(errors))


@pytest.mark.parametrize("length", [200, 240, 251])
def test_a_long_name_is_a_name_like_any_other(photos, tmp_path, length):
    shutil.copy(photos / "a.png", photos / f"{'n' * length}.png")
    report = restore_folder(photos, tmp_path / "out", Negative(), None)
    assert (report.restored, report.broken) == (4, [])


def test_planted_links_are_not_followed(photos, tmp_path):
    out = tmp_path / "out"
    restore_folder(photos, out, Negative(), None)
    (tmp_path / "precious").write_bytes(b"precious")
    for name in (MANIFEST, ".manifest.jsonl", ".partial.a.png"):
        (out / name).unlink(missing_ok=True)
        (out / name).symlink_to(tmp_path / "precious")
    with pytest.raises(UserError):
        restore_folder(photos, out, Negative(), None)
    for name in (MANIFEST, ".manifest.jsonl"):
        (out / name).unlink()
    restore_folder(photos, out, Negative(), None, overwrite=True)
    assert (tmp_path / "precious").read_bytes() == b"precious"
