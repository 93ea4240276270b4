import subprocess

import imageio_ffmpeg
import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.serving.picture_files import SYNTHETIC_WHOLE
from keras_deid.serving.video import restore_video

from .test_restore import Negative

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
    assert restore_video(source, out, model, lambda *counts: seen.append(counts)) == FRAMES
    assert model.batches == [16, 4] and seen[-1] == (FRAMES, FRAMES)
    description, pictures = read_video(out)
    assert description["size"] == size and description["fps"] == RATE
    expected = 255 - (40 + 4 * np.arange(FRAMES))
    np.testing.assert_allclose(pictures.mean(axis=(1, 2, 3)), expected, atol=3)
    assert sound_of(out) == sound_of(source)
    assert SYNTHETIC_WHOLE.encode() in out.read_bytes()


def test_a_silent_video(make_video, tmp_path):
    assert restore_video(make_video(sound=False), tmp_path / "out.mp4", Negative()) == FRAMES
    assert not read_video(tmp_path / "out.mp4")[0].get("audio_codec")


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
