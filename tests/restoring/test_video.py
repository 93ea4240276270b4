import json
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_deid.errors import UserError
from keras_deid.restoring import restore as restore_module
from keras_deid.restoring.manifest import MANIFEST
from keras_deid.restoring.region_sources import Listed
from keras_deid.restoring.restore import restore_file, restore_folder
from keras_deid.restoring.steady import Steady
from keras_deid.restoring.video import restore_video
from keras_deid.restoring.views import VIEWS
from keras_deid.restoring.xmp import SYNTHETIC_PARTS, SYNTHETIC_WHOLE

from .conftest import files_of
from .synthetic_videos import make_video, plain, read_video
from .video_fakes import Negative, located

FRAMES, RATE = 20, Fraction(25, 2)


def times_of(contents):
    """When the packets of each other track begin."""
    return [[time for time, _ in track.packets] for track in contents.tracks]


@pytest.fixture(autouse=True)
def _every_frame_is_restored(monkeypatch):
    """So that what is restored can be counted; test_video_regions.py has the frames that repeat the one before."""
    monkeypatch.setattr("keras_deid.restoring.video.Steady", lambda: Steady(still=-1.0))


@pytest.fixture
def video(tmp_path):
    """Makes a video of plain pictures that become brighter, 4 levels each, with a tone or without."""

    def make(name="in.mp4", size=(48, 32), sound=True):
        tones = [(0, "eng")] if sound else []
        return make_video(tmp_path / name, plain(FRAMES, size), time_base=1 / RATE, tones=tones)

    return make


def listed(tmp_path, *rows):
    (tmp_path / "boxes.csv").write_text("\n".join(["path,x0,y0,x1,y1,frame", *rows]) + "\n")
    return Listed(tmp_path / "boxes.csv")


@pytest.mark.parametrize("size", [(48, 32), (47, 31)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_pictures_are_restored_and_the_rest_stays(video, tmp_path, size, suffix):
    source, out, seen, model = video(size=size), tmp_path / f"out{suffix}", [], Negative()
    assert restore_video(source, out, model, None, progress=lambda *counts: seen.append(counts)).frames == FRAMES
    assert model.batches == [16, 4] and seen[-1] == (FRAMES, FRAMES, source.name)
    before, after = read_video(source), read_video(out)
    assert after.video["size"] == size and after.video["rate"] == RATE
    expected = 255 - (40 + 4 * np.arange(FRAMES))
    np.testing.assert_allclose(after.pixels.mean(axis=(1, 2, 3)), expected, atol=3)
    assert [[data for _, data in track.packets] for track in after.tracks] == [
        [data for _, data in track.packets] for track in before.tracks
    ]
    assert SYNTHETIC_WHOLE.encode() in out.read_bytes()


def test_a_silent_video(video, tmp_path):
    assert restore_video(video(sound=False), tmp_path / "out.mp4", Negative(), None).frames == FRAMES
    assert not read_video(tmp_path / "out.mp4").tracks


def test_boxes_hold_for_their_frame_or_for_all(video, tmp_path):
    source, model = video(), Negative()
    boxes = listed(tmp_path, "in.mp4,4,4,12,12,", "in.mp4,30,10,40,20,5", "in.mp4,0,0,9,9,999")
    assert restore_video(source, tmp_path / "out.mkv", model, boxes).frames == FRAMES
    assert sum(model.batches) == VIEWS * (FRAMES + 1)
    before, after = read_video(source).pixels.astype(int), read_video(tmp_path / "out.mkv").pixels.astype(int)
    changed = np.abs(after - before).max(axis=3) > 12
    assert changed[:, 6:10, 6:10].all()
    assert changed[5, 12:18, 32:38].all() and not changed[[4, 6], 12:18, 32:38].any()
    assert not changed[:, 24:, :].any() and not changed[:, :, 44:].any()
    assert SYNTHETIC_PARTS.encode() in (tmp_path / "out.mkv").read_bytes()


def test_boxes_are_found_by_the_name_in_the_folder(video, tmp_path):
    model = Negative()
    boxes = listed(tmp_path, "sub/in.mp4,4,4,12,12,")
    assert restore_video(video(), tmp_path / "out.mp4", model, boxes, name="sub/in.mp4").frames == FRAMES
    assert sum(model.batches) == VIEWS * FRAMES


def test_boxes_outside_of_a_video_and_frames_that_it_lacks_are_said(video, tmp_path):
    source, model = video(), Negative()
    boxes = listed(tmp_path, "in.mp4,48,0,60,10,", "in.mp4,4,4,12,12,", f"in.mp4,4,4,12,12,{FRAMES}")
    restore_file(source, tmp_path / "out.mp4", model, boxes)
    assert sum(model.batches) == VIEWS * FRAMES
    assert boxes.complaints == [
        f"{tmp_path}/boxes.csv:2: the box 48,0,60,10 lies outside of in.mp4, which is 48 x 32 pixels",
        f"{tmp_path}/boxes.csv:4: in.mp4 has no frame {FRAMES}",
    ]


@pytest.mark.parametrize(
    "name", ["12:30.mp4", "file:a.mp4", "concat:x|y.mp4", "caf\udce9.mp4", " a .mp4", "%03d.mp4", "-i.mp4"]
)
def test_any_name_is_a_file(video, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    video().rename(name)
    assert restore_video(Path(name), Path(f"out {name}"), Negative(), None).frames == FRAMES
    assert len(read_video(tmp_path / f"out {name}").frames) == FRAMES


def test_without_regions_a_video_is_copied(video, tmp_path):
    source, model = video(), Negative()
    assert restore_video(source, tmp_path / "out.mp4", model, located()).frames == FRAMES
    assert (tmp_path / "out.mp4").read_bytes() == source.read_bytes() and not model.batches


def test_without_regions_another_container_is_not_marked_as_synthetic(video, tmp_path):
    source, out = video(), tmp_path / "out.mkv"
    assert restore_video(source, out, Negative(), located()).frames == FRAMES
    before, after = read_video(source), read_video(out)
    assert b"DigitalSourceType" not in out.read_bytes()
    np.testing.assert_allclose(after.pixels.astype(int), before.pixels, atol=3)
    # Matroska begins at 0: what came before, the encoder's first silence, moves all tracks together.
    assert after.times[0] - before.times[0] == pytest.approx(1024 / 48000, abs=1e-3)
    for old, new in ((before.times, after.times), *zip(times_of(before), times_of(after), strict=True)):
        np.testing.assert_allclose(
            [float(time - after.times[0]) for time in new], [float(time - before.times[0]) for time in old], atol=1.1e-3
        )
    assert [track.language for track in after.tracks] == ["eng"]


def test_a_large_video_is_not_squeezed_into_a_small_model(tmp_path):
    source = make_video(tmp_path / "in.mp4", plain(3, (96, 64)))
    with pytest.raises(UserError, match="in.mp4: 96 x 64 pixels would be shrunk 6.0 times") as caught:
        restore_video(source, tmp_path / "out.mp4", Negative(), None)
    assert len(str(caught.value).splitlines()) == 1 and not (tmp_path / "out.mp4").exists()


@pytest.fixture
def mixed(video, tmp_path):
    """A folder with two videos, one that is broken, and a picture."""
    source = tmp_path / "in"
    (source / "sub").mkdir(parents=True)
    video("a.mp4").rename(source / "a.mp4")
    video("b.mkv", sound=False).rename(source / "sub" / "b.mkv")
    (source / "broken.mov").write_bytes(b"junk" * 100)
    (source / ".hidden.mp4").write_bytes(b"junk")
    Image.fromarray(np.full((16, 24, 3), 40, np.uint8)).save(source / "still.png")
    return source


def test_a_folder_with_videos_continues_where_it_stopped(mixed, tmp_path, monkeypatch):
    report = restore_folder(mixed, tmp_path / "in_one_go", Negative(), None)
    assert (report.restored, [error.path.name for error in report.broken]) == (3, ["broken.mov"])
    whole = files_of(tmp_path / "in_one_go")
    assert whole.keys() == {"a.mp4", "sub/b.mkv", "still.png", "skipped.csv", MANIFEST}
    rows = json.loads(whole[MANIFEST])["files"]
    assert [(row["path"], row.get("frames")) for row in rows] == [
        ("a.mp4", FRAMES),
        ("still.png", None),
        ("sub/b.mkv", FRAMES),
    ]

    class Stopping(Negative):
        def restore(self, pictures):
            if sum(self.batches) > 1 + FRAMES:  # within the second video
                raise KeyboardInterrupt
            return super().restore(pictures)

    with pytest.raises(KeyboardInterrupt):
        restore_folder(mixed, tmp_path / "out", Stopping(), None)
    halfway = files_of(tmp_path / "out")
    assert halfway.keys() == {"a.mp4", "still.png", ".manifest.jsonl"}
    (tmp_path / "out" / "sub" / f".partial.{'0' * 16}.mkv").write_bytes(b"as a kill leaves it")
    seen, model = [], Negative()
    report = restore_folder(mixed, tmp_path / "out", model, None, video_progress=lambda *counts: seen.append(counts))
    assert (report.restored, report.kept) == (1, 2) and sum(model.batches) == FRAMES
    assert seen == [(done, FRAMES, "b.mkv") for done in range(1, FRAMES + 1)]
    after = files_of(tmp_path / "out")
    assert after.keys() == whole.keys()
    for name in whole.keys() - {"sub/b.mkv", MANIFEST}:
        assert after[name] == whole[name]
    pictures = [read_video(folder / "sub" / "b.mkv").pixels for folder in (tmp_path / "out", tmp_path / "in_one_go")]
    np.testing.assert_array_equal(*pictures)
    monkeypatch.setattr(restore_module, "restore_video", None)  # what is done is not done again
    (mixed / "broken.mov").unlink()
    assert restore_folder(mixed, tmp_path / "out", Negative(), None).kept == 3


def test_pictures_have_no_frames(mixed, tmp_path):
    boxes = listed(tmp_path, "still.png,0,0,9,9,1")
    with pytest.raises(UserError, match="boxes.csv:2: still.png is a picture and has no frames"):
        restore_folder(mixed, tmp_path / "out", Negative(), boxes)
    with pytest.raises(
        UserError, match="boxes.csv:2: expected the number of a frame, from 0, or nothing; received '1.5'"
    ):
        listed(tmp_path, "a.mp4,0,0,9,9,1.5")


def test_a_folder_counts_videos_without_regions_as_copied(mixed, tmp_path):
    (mixed / "broken.mov").unlink()
    boxes = listed(tmp_path, "sub/b.mkv,0,0,9,9,1")
    report = restore_folder(mixed, tmp_path / "out", Negative(), boxes)
    assert (report.restored, report.copied, report.done) == (1, 2, 3)
    rows = json.loads((tmp_path / "out" / MANIFEST).read_text())["files"]
    assert {row["path"]: row["copied"] for row in rows} == {"a.mp4": True, "still.png": True, "sub/b.mkv": False}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("No space left on device")])
def test_an_interrupted_video_leaves_nothing(video, tmp_path, error):
    class Failing(Negative):
        def restore(self, pictures):
            raise error

    source = video()
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else UserError):
        restore_video(source, tmp_path / "out.mp4", Failing(), None)
    assert list(tmp_path.iterdir()) == [source]


KILLED = """
import sys, time
from pathlib import Path
from keras_deid.restoring.restore import restore_file

class Slow:
    name, identity, size, context, adds_detail = "slow", "0", (16, 16), 2.0, False
    def restore(self, batch):
        print("working", flush=True)
        time.sleep(60)
        return batch

restore_file(Path(sys.argv[1]), Path(sys.argv[1]).with_name("out.mp4"), Slow(), None)
"""


def test_a_killed_video_is_not_there(tmp_path):
    source = make_video(tmp_path / "in.mp4", plain(FRAMES))
    words = [sys.executable, "-c", KILLED, str(source)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"working\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out.mp4").exists()
    # What the kill left is removed.
    restore_file(source, tmp_path / "out.mp4", Negative(), None)
    assert len(read_video(tmp_path / "out.mp4").pixels) == FRAMES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_refuses_what_cannot_be(video, tmp_path):
    source = video()
    (tmp_path / "broken.mp4").write_bytes(b"junk" * 100)
    for given, out, message in (
        (tmp_path / "broken.mp4", tmp_path / "out.mp4", "cannot be read as a video"),
        (tmp_path / "missing.mp4", tmp_path / "out.mp4", "does not exist"),
        (source, tmp_path / "out.gif", "unknown format"),
        (source, source, "is the video itself"),
        (source, tmp_path / "nowhere" / "out.mp4", "no such folder"),
    ):
        with pytest.raises(UserError, match=message):
            restore_video(given, out, Negative(), None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.mp4", "in.mp4"]


def test_a_broken_video_is_said_without_the_noise_of_ffmpeg(video, tmp_path, capfd):
    source = video()
    content = bytearray(source.read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    (tmp_path / "broken.mp4").write_bytes(content)
    try:
        restore_video(tmp_path / "broken.mp4", tmp_path / "out.mp4", Negative(), None)
    except UserError as error:
        assert str(error).startswith(f"{tmp_path}/broken.mp4: ")
    assert capfd.readouterr().err == ""
