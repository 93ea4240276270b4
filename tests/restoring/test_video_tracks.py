"""What of a video stays: times, tracks, titles, colours, shape, orientation."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.restoring.region_sources import Listed
from keras_deid.restoring.video import restore_video
from keras_deid.restoring.video_colours import (
    display_matrix,
    output_format,
    read_rgb,
    turn_of,
    turned,
    turned_back,
    with_pixels,
)
from keras_deid.restoring.views import VIEWS

from .synthetic_videos import make_video, plain, read_video
from .video_fakes import Negative

QUARTER = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
"""A telephone's portrait video: stored lying, shown turned."""


def restored(source, name=None, boxes=None):
    out = source.with_name(name or f"out{source.suffix}")
    regions = None
    if boxes is not None:
        rows = "\n".join(f"{source.name},{box}" for box in boxes)
        source.with_name("boxes.csv").write_text(f"path,x0,y0,x1,y1\n{rows}\n")
        regions = Listed(source.with_name("boxes.csv"))
    count = restore_video(source, out, Negative(), regions).frames
    before, after = read_video(source), read_video(out)
    assert count == len(before.frames) == len(after.frames)
    return before, after


def packets(contents, kind):
    return [track for track in contents.tracks if track.kind == kind]


@pytest.mark.parametrize(
    ("name", "time_base", "pts"),
    [
        ("in.mp4", Fraction(1, 90000), [0, 3003, 3753, 9009, 9010, 30000, 30001, 90000]),
        ("in.mov", Fraction(1, 600), [0, 1, 2, 40, 41, 100, 101, 777]),
        ("in.mkv", Fraction(1, 1000), [0, 33, 40, 41, 500, 501, 502, 2000]),
        ("in.mp4", Fraction(15), [*range(8)]),  # a frame in 15 seconds
        ("in.mp4", Fraction(1, 1000), [*range(8)]),
        ("in.mkv", Fraction(1, 1000), [*range(8)]),
        ("in.mp4", Fraction(1001, 24000), [*range(8)]),
    ],
)
def test_every_frame_keeps_its_time(tmp_path, name, time_base, pts):
    source = make_video(tmp_path / name, plain(len(pts)), pts=pts, time_base=time_base)
    before, after = restored(source)
    assert after.times == before.times and len(set(after.times)) == len(pts)
    np.testing.assert_allclose(
        [float(time - before.times[0]) for time in after.times], [float(number * time_base) for number in pts]
    )
    assert after.video["duration"] == before.video["duration"]
    expected = 255 - (40 + 4 * np.arange(len(pts)))
    np.testing.assert_allclose(after.pixels.mean(axis=(1, 2, 3)), expected, atol=3)  # none dropped, none doubled


def test_pictures_that_start_late_stay_late(tmp_path):
    source = make_video(tmp_path / "in.mp4", plain(10), pts=range(8, 18), tones=[(0, "eng")])
    before, after = restored(source)
    assert after.times == before.times and after.times[0] == Fraction(8, 25)
    assert after.tracks == before.tracks


@pytest.mark.parametrize("name", ["in.mp4", "in.mov", "in.mkv"])
def test_all_sound_is_copied_at_its_time(tmp_path, name):
    source = make_video(tmp_path / name, plain(20), tones=[(0, "eng"), (0.5, "fra")])
    before, after = restored(source)
    assert after.tracks == before.tracks
    assert [track.language for track in after.tracks] == ["eng", "fra"]
    first = [float(track.packets[0][0]) for track in after.tracks]
    assert first[1] - first[0] == pytest.approx(0.5, abs=0.01)


def test_subtitles_are_copied_where_the_container_takes_them(tmp_path):
    texts = [(0.1, 0.2, "Guten Tag"), (0.5, 0.25, "Auf Wiedersehen")]
    source = make_video(tmp_path / "in.mkv", plain(20), tones=[(0, "eng")], subtitles=texts)
    before, after = restored(source)
    (subtitles,) = packets(after, "subtitle")
    assert subtitles.language == "deu"
    assert [(float(time), data.decode()) for time, data in subtitles.packets] == [
        (0.1, texts[0][2]),
        (0.5, texts[1][2]),
    ]
    assert after.tracks == before.tracks
    with pytest.raises(UserError, match=r"its subtitle track \(subrip\) does not fit into .mp4; write .mkv$") as caught:
        restore_video(source, tmp_path / "out.mp4", Negative(), None)
    assert len(str(caught.value).splitlines()) == 1
    assert not list(tmp_path.glob("*out.mp4"))


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
def test_titles_chapters_and_the_time_of_recording_stay(tmp_path, name):
    metadata = {"title": "A walk", "artist": "N. N.", "creation_time": "2020-02-03T04:05:06.000000Z", "comment": "mine"}
    chapters = [
        {"id": 1, "start": 0, "end": 300, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}},
        {"id": 2, "start": 300, "end": 760, "time_base": Fraction(1, 1000), "metadata": {"title": "Two"}},
    ]
    source = make_video(tmp_path / name, plain(20), metadata=metadata, chapters=chapters, language="fra")
    before, after = restored(source)
    for key in ("title", "creation_time", "artist"):
        assert {low.lower(): value for low, value in after.metadata.items()}[key] == metadata[key]
    comment = {key.lower(): value for key, value in after.metadata.items()}["comment"]
    assert comment.startswith("mine; DigitalSourceType http")
    assert after.video["language"] == before.video["language"] == "fra"
    assert [(chapter["metadata"]["title"], chapter["start"] * chapter["time_base"]) for chapter in after.chapters] == [
        ("One", 0),
        ("Two", Fraction(3, 10)),
    ]


def test_keys_of_telephones_stay(tmp_path):
    source = tmp_path / "in.mov"
    with av.open(str(source), "w", container_options={"movflags": "use_metadata_tags"}) as file:
        file.metadata["com.apple.quicktime.model"] = "A telephone"
        video = file.add_stream("libx264", rate=25, width=48, height=32)
        for picture in plain(4):
            file.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        file.mux(video.encode(None))
    _, after = restored(source)
    assert after.metadata["com.apple.quicktime.model"] == "A telephone"
    assert after.metadata["comment"].startswith("DigitalSourceType")


BT709, BT601, LIMITED, FULL = 1, 6, 1, 2


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
@pytest.mark.parametrize(
    "colours", [(BT709, LIMITED, 1, 1), (BT601, LIMITED, 6, 6), (BT709, FULL, 1, 13), (5, LIMITED, 5, 6)]
)
def test_colours_keep_their_tags_and_their_look(tmp_path, colours, pixel_format, monkeypatch):
    """The model sees the colours as they are meant, and its answers look as it means them."""
    monkeypatch.setattr("keras_deid.restoring.repair.fill_flat", lambda crop, inside: crop)  # the region has one colour
    picture = np.full((64, 96, 3), 90, np.uint8)
    picture[16:48, 32:64] = (200, 60, 40)
    source = make_video(tmp_path / "in.mp4", [picture] * 6, colours=colours, pixel_format=pixel_format)
    seen = []

    class Watching(Negative):
        def restore(self, batch):
            seen.extend(batch[:, 8, 8])
            return super().restore(batch)

    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\nin.mp4,40,24,56,40\n")
    restore_video(source, tmp_path / "out.mp4", Watching(), Listed(tmp_path / "boxes.csv"))
    # four views of every second frame
    np.testing.assert_allclose(np.array(seen, int), [[200, 60, 40]] * (3 * VIEWS), atol=5)
    before, after = read_video(source), read_video(tmp_path / "out.mp4")
    assert after.video["colours"] == before.video["colours"] == colours
    assert after.video["format"].replace("yuvj", "yuv") == pixel_format
    middle = after.pixels[:, 28:36, 44:52].mean(axis=(1, 2))
    np.testing.assert_allclose(middle, [[55, 195, 215]] * 6, atol=7)
    np.testing.assert_allclose(after.pixels[:, :12].astype(int), before.pixels[:, :12], atol=4)


def test_pixels_outside_the_regions_are_not_converted():
    """Before the frame is encoded, all that is new lies in the region."""
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, (64, 96, 3)).astype(np.uint8) for _ in range(3)]
    for number, pixel_format in enumerate(("yuv420p", "yuv422p", "yuv444p")):
        frame = av.VideoFrame.from_ndarray(frames[number], "rgb24").reformat(format=pixel_format)
        frame.pts, frame.time_base = 7, Fraction(1, 25)
        before = [bytes(plane) for plane in frame.planes]
        pixels, changed = read_rgb(frame), np.zeros((64, 96), bool)
        changed[11:31, 21:51] = True
        pixels[changed] = 255 - pixels[changed]
        new = with_pixels(frame, pixels, changed, output_format(frame, "libx264"))
        assert (new.format.name, new.pts, new.time_base) == (pixel_format, 7, Fraction(1, 25))
        for plane, old in zip(new.planes, before, strict=True):
            down, across = 64 // plane.height, 96 // plane.width
            different = np.frombuffer(plane, np.uint8) != np.frombuffer(old, np.uint8)
            different = different.reshape(-1, plane.line_size)[: plane.height, : plane.width]
            rows, columns = np.flatnonzero(different.any(axis=1)), np.flatnonzero(different.any(axis=0))
            assert (rows[0], columns[0]) == (11 // down, 21 // across)
            assert (rows[-1], columns[-1]) == (30 // down, 50 // across)


@pytest.mark.parametrize("colours", [(BT709, LIMITED, 1, 1), (BT709, FULL, 1, 13)])
@pytest.mark.parametrize("size", [(96, 64), (95, 63)])
def test_frames_without_a_region_look_the_same(tmp_path, colours, size):
    picture = np.full((size[1], size[0], 3), (200, 60, 40), np.uint8)
    source = make_video(tmp_path / "in.mkv", [picture] * 4, colours=colours)
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1,frame\nin.mkv,40,24,56,40,2\n")
    restore_video(source, tmp_path / "out.mkv", Negative(), Listed(tmp_path / "boxes.csv"))
    before, after = read_video(source), read_video(tmp_path / "out.mkv")
    assert after.video["colours"] == colours
    np.testing.assert_allclose(after.pixels[[0, 1, 3]].astype(int), before.pixels[[0, 1, 3]], atol=5)
    assert (after.pixels[2, 28:36, 44:52, 0] < 80).all()


def test_a_cover_is_no_video(tmp_path):
    source = tmp_path / "in.mp4"
    with av.open(str(source), "w") as file:
        cover = file.add_stream("mjpeg", rate=1, width=64, height=64)
        cover.pix_fmt, cover.disposition = "yuvj420p", av.stream.Disposition.attached_pic
        video = file.add_stream("libx264", rate=25, width=48, height=32)
        file.mux(cover.encode(av.VideoFrame.from_ndarray(plain(1, (64, 64))[0], "rgb24")))
        file.mux(cover.encode(None))
        for picture in plain(4):
            file.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        file.mux(video.encode(None))
    assert restore_video(source, tmp_path / "out.mp4", Negative(), None).frames == 4
    with av.open(str(source)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        covers = [
            [stream for stream in file.streams if stream.disposition & av.stream.Disposition.attached_pic]
            for file in (before, after)
        ]
        assert [len(streams) for streams in covers] == [1, 1]
        pictures = [
            [bytes(packet) for packet in file.demux(streams[0]) if packet.size]
            for file, streams in zip((before, after), covers, strict=True)
        ]
        assert pictures[0] == pictures[1] != []


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (None, [[1, 2, 3], [4, 5, 6]]),
        ((1, 0, 0, 0, 1, 0, 0, 0, 1), [[1, 2, 3], [4, 5, 6]]),
        ((0, 1, 0, -1, 0, 0, 0, 0, 1), [[4, 1], [5, 2], [6, 3]]),  # a quarter turn clockwise
        ((-1, 0, 0, 0, -1, 0, 0, 0, 1), [[6, 5, 4], [3, 2, 1]]),
        ((0, -1, 0, 1, 0, 0, 0, 0, 1), [[3, 6], [2, 5], [1, 4]]),
        ((-1, 0, 0, 0, 1, 0, 0, 0, 1), [[3, 2, 1], [6, 5, 4]]),  # mirrored
        ((0, 1, 0, 1, 0, 0, 0, 0, 1), [[1, 4], [2, 5], [3, 6]]),
        ((7, 7, 0, -7, 7, 0, 0, 0, 1), [[1, 2, 3], [4, 5, 6]]),  # at an angle: as it is stored
    ],
)
def test_pictures_are_turned_upright_and_back(matrix, expected):
    stored = np.array([[1, 2, 3], [4, 5, 6]])
    turn = turn_of(matrix)
    np.testing.assert_array_equal(turned(stored, turn), expected)
    np.testing.assert_array_equal(turned_back(turned(stored, turn), turn), stored)


@pytest.mark.parametrize("name", ["in.mp4", "in.mov", "in.mkv"])
def test_a_turned_video_is_restored_upright_and_stays_turned(tmp_path, name):
    pictures = plain(6, (96, 64))
    for picture in pictures:
        picture[:20, :30] = 0
    source = make_video(tmp_path / name, pictures, matrix=QUARTER)
    opened, upright = cv2.VideoCapture(str(source)).read()  # OpenCV turns by itself
    stored = read_video(source).pixels[0].astype(int)
    assert opened
    np.testing.assert_allclose(turned(stored, turn_of(QUARTER)), upright, atol=3)
    # Upright the video is 64 wide and 96 high.
    (tmp_path / "boxes.csv").write_text(f"path,x0,y0,x1,y1\n{name},40,80,56,96\n")
    out = tmp_path / f"out{source.suffix}"
    assert restore_video(source, out, Negative(), Listed(tmp_path / "boxes.csv")).frames == 6
    before, after = read_video(source), read_video(out)
    assert after.video["size"] == (96, 64)
    assert display_matrix(after.frames[0]) == display_matrix(before.frames[0]) == QUARTER
    assert after.frames[0].rotation == before.frames[0].rotation == -90  # counter-clockwise
    changed = np.abs(after.pixels.astype(int) - before.pixels).max(axis=3) > 12
    # Upright (x, y) is stored at (y, 63 - x).
    assert changed[:, 10:22, 82:94].all() and not changed[:, 28:].any() and not changed[:, :, :76].any()


def test_wide_pixels_stay_wide(tmp_path):
    before, after = restored(make_video(tmp_path / "in.mp4", plain(4), aspect=Fraction(16, 11)))
    assert after.video["aspect"] == before.video["aspect"] == Fraction(16, 11)


def test_webm_stays_webm(tmp_path):
    options = {"crf": "10", "b:v": "0"}
    source = make_video(tmp_path / "in.webm", plain(8), encoder="libvpx-vp9", pixel_format="yuv420p", options=options)
    before, after = restored(source)
    assert after.video["codec"] in ("vp9", "libvpx-vp9") and after.times == before.times
    np.testing.assert_allclose(after.pixels.mean(axis=(1, 2, 3)), 255 - (40 + 4 * np.arange(8)), atol=4)


@pytest.mark.parametrize("size", [(95, 63), (96, 63), (95, 64)])
def test_odd_sizes(tmp_path, size):
    options = {"crf": "10", "b:v": "0"}
    source = make_video(
        tmp_path / "in.mkv", plain(4, size), encoder="libvpx-vp9", pixel_format="yuv420p", options=options
    )
    before, after = restored(source, boxes=["70,40,95,63"])
    assert after.video["size"] == size
    changed = np.abs(after.pixels.astype(int) - before.pixels).max(axis=3) > 12
    assert changed[:, 42:62, 72:94].all() and not changed[:, :38].any() and not changed[:, :, :68].any()


def remux(source, target, twice=False, **options):
    """Copies a video; with `twice` its pictures become a second track, too."""
    with av.open(str(source)) as old, av.open(str(target), "w", container_options=options) as new:
        copies = {stream.index: [new.add_stream_from_template(stream, opaque=True)] for stream in old.streams}
        if twice:
            copies[0].append(new.add_stream_from_template(old.streams.video[0], opaque=True))
            new.add_attachment("font.ttf", "font/ttf", b"not a font")
        for packet in old.demux():
            if packet.size:
                times, first = (packet.pts, packet.dts, packet.time_base), packet.stream.index
                for copy in copies[first]:
                    packet.stream, packet.time_base = copy, times[2]
                    packet.pts, packet.dts = times[:2]
                    new.mux(packet)
    return target


def test_other_video_tracks_and_attached_files_are_copied(tmp_path):
    source = make_video(tmp_path / "plain.mp4", plain(6), tones=[(0, "eng")])
    before, after = restored(remux(source, tmp_path / "in.mkv", twice=True))
    assert after.tracks == before.tracks
    assert [len(track.packets) for track in packets(after, "video")] == [6]
    with av.open(str(tmp_path / "out.mkv")) as file:
        (attachment,) = file.streams.attachments
        assert (attachment.name, attachment.mimetype, attachment.data) == ("font.ttf", "font/ttf", b"not a font")


@pytest.mark.parametrize(
    ("pixel_format", "colours", "what"),
    [
        ("yuv420p10le", None, "10 bits a channel"),
        ("yuv420p", (9, 1, 9, 16), "HDR"),
        ("yuv420p", (9, 1, 9, 18), "HDR"),
    ],
)
def test_what_has_more_than_8_bits_is_refused(tmp_path, pixel_format, colours, what):
    source = make_video(tmp_path / "in.mp4", plain(4), pixel_format=pixel_format, colours=colours)
    with pytest.raises(UserError, match=f"in.mp4: is a video with {what}") as caught:
        restore_video(source, tmp_path / "out.mp4", Negative(), None)
    assert len(str(caught.value).splitlines()) == 1 and list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
def test_a_truncated_video_is_refused(tmp_path, name):
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (32, 48, 3)).astype(np.uint8) for _ in range(100)]
    whole = make_video(tmp_path / f"whole{name}", pictures, tones=[(0, "eng")])
    if name.endswith("mp4"):  # the index first, as on the web
        whole = remux(whole, tmp_path / name, movflags="faststart")
    content = whole.read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(UserError, match=f"{name}: broken video: ends ") as caught:
        restore_video(tmp_path / name, tmp_path / f"out{name}", Negative(), None)
    assert len(str(caught.value).splitlines()) == 1 and not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("boxes", [["10,5,30,25"], []])
def test_without_words_titles_places_and_chapters_go(tmp_path, boxes):
    metadata = {"title": "A walk", "artist": "A. Photographer", "location": "+52.5+013.4/"}
    source = make_video(tmp_path / "in.mp4", plain(6), tones=[(0, "deu")], metadata=metadata)
    assert b"Photographer" in source.read_bytes()
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\n" + "".join(f"in.mp4,{box}\n" for box in boxes))
    out = tmp_path / "out.mp4"
    restore_video(source, out, Negative(), Listed(tmp_path / "boxes.csv"), keep_words=False)
    for word in (b"A walk", b"Photographer", b"+52.5"):
        assert word not in out.read_bytes()
    assert [track.language for track in packets(read_video(out), "audio")] == ["deu"]
    assert (b"DigitalSourceType" in out.read_bytes()) == bool(boxes)
