import json
import subprocess
from fractions import Fraction

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from keras_deid.data.boxes_csv import FrameBox
from keras_deid.errors import UserError
from keras_deid.restoring import restore as restore_module
from keras_deid.restoring.manifest import MANIFEST
from keras_deid.restoring.picture_files import SYNTHETIC_PARTS, SYNTHETIC_WHOLE
from keras_deid.restoring.restore import restore_file, restore_folder
from keras_deid.restoring.video import exact_rate, restore_video

from .conftest import Negative, files_of

FRAMES, RATE = 20, 12.5


@pytest.fixture
def make_video(tmp_path):
    """Makes a video of plain pictures that become brighter, 4 levels each, with a tone or without."""

    def make(name="in.mp4", size=(48, 32), sound=True):
        path = tmp_path / name
        width, height = size
        tone = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={FRAMES / RATE}"] if sound else []
        pictures = b"".join(np.full((height, width, 3), 40 + 4 * k, np.uint8).tobytes() for k in range(FRAMES))
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(RATE), "-i", "-"]
        codec = ["-c:v", "libx264", "-pix_fmt", "yuv444p", "-crf", "4"]
        words = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, *tone, *codec, str(path)]
        subprocess.run(words, input=pictures, check=True, timeout=60)
        return path

    return make


def read_video(path):
    frames = imageio_ffmpeg.read_frames(path)
    description = next(frames)
    width, height = description["size"]
    return description, np.stack([np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in frames])


def sound_of(path):
    """The packets of the sound as they are in the file."""
    words = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-"]
    return subprocess.run(words, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("size", [(48, 32), (47, 31)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_pictures_are_restored_and_the_rest_stays(make_video, tmp_path, size, suffix):
    source, out, seen, model = make_video(size=size), tmp_path / f"out{suffix}", [], Negative()
    assert restore_video(source, out, model, progress=lambda *counts: seen.append(counts)) == FRAMES
    assert model.batches == [16, 4] and seen[-1] == (FRAMES, FRAMES, source.name)
    description, pictures = read_video(out)
    assert description["size"] == size and description["fps"] == RATE
    expected = 255 - (40 + 4 * np.arange(FRAMES))
    np.testing.assert_allclose(pictures.mean(axis=(1, 2, 3)), expected, atol=3)
    assert sound_of(out) == sound_of(source)
    assert SYNTHETIC_WHOLE.encode() in out.read_bytes()


def test_a_silent_video(make_video, tmp_path):
    assert restore_video(make_video(sound=False), tmp_path / "out.mp4", Negative()) == FRAMES
    assert not read_video(tmp_path / "out.mp4")[0].get("audio_codec")


def test_boxes_hold_for_their_frame_or_for_all(make_video, tmp_path):
    source, model = make_video(), Negative()
    boxes = [FrameBox(2, (4, 4, 12, 12), None), FrameBox(3, (30, 10, 40, 20), 5), FrameBox(4, (0, 0, 9, 9), 999)]
    assert restore_video(source, tmp_path / "out.mkv", model, boxes=boxes) == FRAMES
    assert sum(model.batches) == FRAMES + 1
    before, after = read_video(source)[1].astype(int), read_video(tmp_path / "out.mkv")[1].astype(int)
    changed = np.abs(after - before).max(axis=3) > 12
    assert changed[:, 6:10, 6:10].all()
    assert changed[5, 12:18, 32:38].all() and not changed[[4, 6], 12:18, 32:38].any()
    assert not changed[:, 24:, :].any() and not changed[:, :, 44:].any()
    assert SYNTHETIC_PARTS.encode() in (tmp_path / "out.mkv").read_bytes()


def test_a_box_outside_of_the_video_is_said_before_the_work(make_video, tmp_path):
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\nin.mp4,48,0,60,10\n")
    source, model = make_video(), Negative()
    with pytest.raises(UserError, match="the box 48,0,60,10 lies outside of its 48 x 32 pixels"):
        restore_file(source, tmp_path / "out.mp4", model, boxes=tmp_path / "boxes.csv")
    assert not model.batches and not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("printed", "rate"),
    [
        (23.98, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (24.0, 24),
        (12.5, Fraction(25, 2)),
        (23.9, Fraction(239, 10)),
        (0.0, 0),
    ],
)
def test_the_rates_of_television_are_exact(printed, rate):
    assert exact_rate(printed) == rate


@pytest.fixture
def mixed(make_video, tmp_path):
    """A folder with two videos, one that is broken, and a picture."""
    source = tmp_path / "in"
    (source / "sub").mkdir(parents=True)
    make_video("a.mp4").rename(source / "a.mp4")
    make_video("b.mkv", sound=False).rename(source / "sub" / "b.mkv")
    (source / "broken.mov").write_bytes(b"junk" * 100)
    (source / ".hidden.mp4").write_bytes(b"junk")
    Image.fromarray(np.full((16, 24, 3), 40, np.uint8)).save(source / "still.png")
    return source


def test_a_folder_with_videos_continues_where_it_stopped(mixed, tmp_path, monkeypatch):
    report = restore_folder(mixed, tmp_path / "in_one_go", Negative())
    assert (report.restored, [error.path.name for error in report.broken]) == (3, ["broken.mov"])
    whole = files_of(tmp_path / "in_one_go")
    assert whole.keys() == {"a.mp4", "sub/b.mkv", "still.png", MANIFEST}
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
        restore_folder(mixed, tmp_path / "out", Stopping())
    halfway = files_of(tmp_path / "out")
    assert halfway.keys() == {"a.mp4", "still.png", ".manifest.jsonl"}
    (tmp_path / "out" / "sub" / ".partial.b.mkv").write_bytes(b"as a kill leaves it")
    seen, model = [], Negative()
    report = restore_folder(mixed, tmp_path / "out", model, video_progress=lambda *counts: seen.append(counts))
    assert (report.restored, report.kept) == (1, 2) and sum(model.batches) == FRAMES
    assert seen == [(done, FRAMES, "b.mkv") for done in range(1, FRAMES + 1)]
    after = files_of(tmp_path / "out")
    assert after.keys() == whole.keys()
    for name in whole.keys() - {"sub/b.mkv", MANIFEST}:
        assert after[name] == whole[name]
    pictures = [read_video(folder / "sub" / "b.mkv")[1] for folder in (tmp_path / "out", tmp_path / "in_one_go")]
    np.testing.assert_array_equal(*pictures)
    monkeypatch.setattr(restore_module, "restore_video", None)  # what is done is not done again
    (mixed / "broken.mov").unlink()
    assert restore_folder(mixed, tmp_path / "out", Negative()).kept == 3


def test_pictures_have_no_frames(mixed, tmp_path):
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1,frame\nstill.png,0,0,9,9,1\n")
    with pytest.raises(UserError, match="boxes.csv:2: still.png is a picture and has no frames"):
        restore_folder(mixed, tmp_path / "out", Negative(), boxes=tmp_path / "boxes.csv")
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1,frame\na.mp4,0,0,9,9,1.5\n")
    with pytest.raises(
        UserError, match="boxes.csv:2: expected the number of a frame, from 0, or nothing; received '1.5'"
    ):
        restore_folder(mixed, tmp_path / "out", Negative(), boxes=tmp_path / "boxes.csv")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("No space left on device")])
def test_an_interrupted_video_leaves_nothing(make_video, tmp_path, error):
    class Failing(Negative):
        def restore(self, pictures):
            raise error

    source = make_video()
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else UserError):
        restore_video(source, tmp_path / "out.mp4", Failing())
    assert list(tmp_path.iterdir()) == [source]


def test_refuses_what_cannot_be(make_video, tmp_path):
    source = make_video()
    (tmp_path / "broken.mp4").write_bytes(b"junk" * 100)
    for given, out, message in (
        (tmp_path / "broken.mp4", tmp_path / "out.mp4", "cannot be read as a video"),
        (tmp_path / "missing.mp4", tmp_path / "out.mp4", "does not exist"),
        (source, tmp_path / "out.gif", "unknown format"),
        (source, source, "is the video itself"),
        (source, tmp_path / "nowhere" / "out.mp4", "no such folder"),
    ):
        with pytest.raises(UserError, match=message):
            restore_video(given, out, Negative())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.mp4", "in.mp4"]
