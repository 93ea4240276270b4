"""Small videos for the tests, and what is in a video."""

from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np

SECOND = 48_000


def plain(count, size=(48, 32)):
    """Pictures of one grey each that become brighter, 4 levels each."""
    width, height = size
    return [np.full((height, width, 3), 40 + 4 * k, np.uint8) for k in range(count)]


def make_video(
    path,
    pictures,
    *,
    pts=None,
    time_base=Fraction(1, 25),
    pixel_format="yuv444p",
    encoder="libx264",
    options=None,
    tones=(),
    subtitles=(),
    metadata=None,
    language=None,
    matrix=None,
    colours=None,
    aspect=None,
    chapters=(),
):
    """Writes a video.

    `tones` are pairs of a start in seconds and a language, `subtitles` triples of start, duration and text, `colours`
    the codes of matrix, range, primaries, and transfer.
    """
    pts = range(len(pictures)) if pts is None else pts
    with av.open(str(path), "w") as file:
        file.metadata.update(metadata or {})
        file.set_chapters(list(chapters))
        height, width = pictures[0].shape[:2]
        video = file.add_stream(
            encoder,
            rate=Fraction(1) / time_base if time_base > Fraction(1, 1000) else 25,
            width=width,
            height=height,
            time_base=time_base,
            options={"crf": "4"} if options is None else options,
        )
        video.pix_fmt = pixel_format
        if language:
            video.metadata["language"] = language
        if matrix:
            video.set_display_matrix(matrix)
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if colours:
            context = video.codec_context
            context.colorspace, context.color_range, context.color_primaries, context.color_trc = colours
        sounds = [_add_tone(file, language) for _, language in tones]
        texts = file.add_mux_stream("subrip", time_base=Fraction(1, 1000)) if subtitles else None
        if texts:
            texts.metadata["language"] = "deu"
        for picture, time in zip(pictures, pts, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            if colours:
                scaler = {1: 1, 5: 5, 6: 5, 9: 9}[colours[0]]
                frame = frame.reformat(
                    format=pixel_format, dst_colorspace=scaler, src_color_range=2, dst_color_range=colours[1]
                )
            frame.pts, frame.time_base = time, time_base
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        seconds = float(max(pts) * time_base)
        for sound, (start, _) in zip(sounds, tones, strict=True):
            file.mux(_tone(sound, start, max(seconds - start, 0.3)))
        for start, duration, text in subtitles:
            packet = av.Packet(text.encode())
            packet.stream, packet.time_base = texts, Fraction(1, 1000)
            packet.pts = packet.dts = int(start * 1000)
            packet.duration = int(duration * 1000)
            file.mux(packet)
    return path


def _add_tone(file, language):
    sound = file.add_stream("aac", rate=SECOND, layout="mono", time_base=Fraction(1, SECOND))
    sound.metadata["language"] = language
    return sound


def _tone(sound, start, seconds):
    count = int(seconds * SECOND) // 1024
    for block in range(count):
        samples = np.sin(np.arange(block * 1024, (block + 1) * 1024) * 440 * 2 * np.pi / SECOND)
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "fltp", "mono")
        frame.sample_rate = SECOND
        frame.pts, frame.time_base = int(start * SECOND) + block * 1024, Fraction(1, SECOND)
        yield from sound.encode(frame)
    yield from sound.encode(None)


class Track(NamedTuple):
    kind: str
    language: str | None
    packets: list


class Contents(NamedTuple):
    """What is in a video: its frames, their times in seconds (exact), and the packets of the other tracks."""

    pixels: np.ndarray
    times: list
    frames: list
    video: object
    metadata: dict
    chapters: list
    tracks: list


def read_video(path):
    """Reads a video; the frames as they are stored."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        frames, packets = [], {other.index: [] for other in file.streams if other.index != stream.index}
        for packet in file.demux():
            if packet.stream.index == stream.index:
                frames.extend(packet.decode())
            elif packet.size:
                packets[packet.stream.index].append((packet.pts * packet.time_base, bytes(packet)))
        context = stream.codec_context
        video = {
            "size": (context.width, context.height),
            "rate": stream.average_rate,
            "time_base": stream.time_base,
            "codec": context.name,
            "colours": (context.colorspace, context.color_range, context.color_primaries, context.color_trc),
            "aspect": stream.sample_aspect_ratio,
            "language": stream.language,
            "format": context.pix_fmt,
            "duration": file.duration,
        }
        tracks = [
            Track(other.type, other.language, packets[other.index]) for other in file.streams if other.index in packets
        ]
        pixels = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
        times = [frame.pts * frame.time_base for frame in frames]
        return Contents(pixels, times, frames, video, dict(file.metadata), file.chapters(), tracks)
