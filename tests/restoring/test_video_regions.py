"""Regions that a locator finds in a video: bridged, dropped, cut, steady."""

import numpy as np

from keras_deid.restoring.steady import Steady, flicker
from keras_deid.restoring.video import restore_video
from keras_deid.restoring.views import VIEWS

from .synthetic_videos import make_video, read_video
from .video_fakes import Negative, located, mark_red

FRAMES = 20


def red_square(count, places, size=(96, 64), ground=90):
    """Pictures with red squares of 24 pixels; `places` gives their left edges in each frame."""
    pictures = []
    for number in range(count):
        picture = np.full((size[1], size[0], 3), ground, np.uint8)
        for left in places(number):
            picture[20:44, left : left + 24] = (220, 30, 30)
            # Not of one flat colour, which would be filled from around it before it is restored.
            picture[20:44, left : left + 24, 0] += np.linspace(0, 30, 24).astype(np.uint8)
        pictures.append(picture)
    return pictures


def restored_frames(path, lefts):
    """In which frames the middle of the square at its place is the negative of red."""
    pixels = read_video(path).pixels.astype(int)
    result = []
    for number, left in enumerate(lefts):
        red, green, _ = pixels[number, 28:36, left + 8 : left + 16].mean(axis=(0, 1))
        result.append(red < 110 < green)
    return result


def test_a_region_is_found_and_what_is_missed_is_bridged(tmp_path):
    lefts = [10 + 2 * number for number in range(FRAMES)]
    source = make_video(tmp_path / "in.mp4", red_square(FRAMES, lambda number: [lefts[number]]))
    calls = []

    def forgetful(picture):
        """Misses the square in the middle of the picture, in some frames in a row."""
        marked = mark_red(picture)
        left = np.flatnonzero(marked.any(axis=0))[0] * 4
        calls.append(left)
        return marked * 0 if 20 < left < 36 else marked

    assert restore_video(source, tmp_path / "out.mp4", Negative(), located(forgetful)).frames == FRAMES
    assert sum(20 < left < 36 for left in calls) >= 4
    assert all(restored_frames(tmp_path / "out.mp4", lefts))


def test_only_some_frames_are_looked_at(tmp_path):
    source = make_video(tmp_path / "in.mp4", red_square(31, lambda number: [30]))
    calls = []

    def counting(picture):
        calls.append(1)
        return mark_red(picture)

    restore_video(source, tmp_path / "out.mp4", Negative(), located(counting))
    assert len(calls) == 6 * 11  # every third frame, in its own size and two larger ones, each also mirrored
    assert all(restored_frames(tmp_path / "out.mp4", [30] * 31))


def test_of_a_region_that_is_still_every_second_frame_is_restored(tmp_path):
    def restored(lefts):
        model = Negative()
        source = make_video(tmp_path / "in.mp4", red_square(len(lefts), lambda number: [lefts[number]]))
        restore_video(source, tmp_path / "out.mp4", model, located())
        assert all(restored_frames(tmp_path / "out.mp4", lefts))
        return sum(model.batches) / VIEWS

    assert restored([30] * FRAMES) == FRAMES / 2
    assert restored([10 + 2 * number for number in range(FRAMES)]) < 0.8 * FRAMES  # the square moves with its region


def test_a_single_false_frame_is_not_restored(tmp_path):
    def almost_red(picture):
        return mark_red(picture) * np.float32(0.85)

    false = 9
    pictures = red_square(FRAMES, lambda number: [10, 60] if number == false else [10])
    source = make_video(tmp_path / "in.mp4", pictures)
    restore_video(source, tmp_path / "out.mp4", Negative(), located(almost_red))
    pixels = read_video(tmp_path / "out.mp4").pixels.astype(int)
    assert all(restored_frames(tmp_path / "out.mp4", [10] * FRAMES))
    red, green, _ = pixels[false, 28:36, 68:76].mean(axis=(0, 1))
    assert red > 180 and green < 80


def test_a_scene_cut_ends_the_tracks(tmp_path):
    """Behind the cut the square is missed for some frames: nothing of the scene before is put there."""
    first = red_square(10, lambda number: [10], ground=90)
    second = red_square(12, lambda number: [] if number < 4 else [14], ground=220)
    source = make_video(tmp_path / "in.mp4", [*first, *second])
    restore_video(source, tmp_path / "out.mp4", Negative(), located())
    assert restored_frames(tmp_path / "out.mp4", [10] * 10) == [True] * 10
    after = read_video(tmp_path / "out.mp4").pixels.astype(int)
    np.testing.assert_allclose(after[10:14], 220, atol=14)
    assert restored_frames(tmp_path / "out.mp4", [10] * 10 + [14] * 12)[14:] == [True] * 8


def test_restored_regions_are_steady(tmp_path, monkeypatch):
    """A model whose answers tremble: they flicker less in the video than they would without smoothing."""

    class Trembling(Negative):
        def restore(self, batch):
            random = np.random.default_rng(len(self.batches))
            self.batches.append(len(batch))
            return np.clip(batch + random.normal(0, 25, batch.shape[:1])[:, None, None, None], 0, 255).astype(np.uint8)

    source = make_video(tmp_path / "in.mp4", red_square(FRAMES, lambda number: [30]))
    boxes = [(30, 20, 54, 44)] * FRAMES

    def measured(name):
        restore_video(source, tmp_path / name, Trembling(), located())
        return flicker(list(read_video(tmp_path / name).pixels), boxes)

    smoothed = measured("smoothed.mp4")
    monkeypatch.setattr("keras_deid.restoring.video.Steady", lambda: Steady(weight=0.0, still=-1.0))
    assert smoothed < 0.6 * measured("unsteady.mp4")
