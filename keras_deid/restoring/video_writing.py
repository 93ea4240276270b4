"""Writes a restored video: new pictures at their old times, everything else copied packet by packet."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import AttachmentStream, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from keras_deid.data.images import ImageError
from keras_deid.errors import UserError
from keras_deid.restoring.video_colours import display_matrix, output_format, output_matrix
from keras_deid.restoring.video_files import CONTAINERS
from keras_deid.restoring.video_reading import VideoReader

log = logging.getLogger(__name__)

_OF_THE_FILE = ("encoder", "major_brand", "minor_version", "compatible_brands", "duration", "comment")
"""Metadata, lower case, that is about the file that was read, not about what it shows."""
_OF_THE_TRACK = ("encoder", "vendor_id", "duration", "bps", "number_of_frames", "number_of_bytes", "_statistics")
_QUICKTIME = ("mp4", "mov")


class VideoWriter:
    """A video that is being written. Use it in a `with` statement.

    Attributes:
        pixel_format: of the frames that it takes, see `keras_deid.restoring.video_colours.with_pixels`.

    Args:
        path: file to write.
        suffix: of the container, a key of `CONTAINERS`.
        reader: the source.
        source_type: IPTC's digital source type, for the comment; None if nothing is restored.
        keep_words: whether titles, places, times and chapters are copied; languages always are.

    Raises:
        UserError: if the container does not take a track of the source.
        OSError: here and later, if the file cannot be written.
    """

    def __init__(
        self, path: Path, suffix: str, reader: VideoReader, source_type: str | None, keep_words: bool = True
    ) -> None:
        self._keep_words = keep_words
        self._kind = CONTAINERS[suffix]
        self.pixel_format = output_format(reader.first, self._kind.encoder)
        source = reader.container
        options: dict[str, str] = {}
        if self._kind.format in _QUICKTIME:
            options["video_track_timescale"] = str(_denominator(reader))
            if any(key.startswith("com.") for key in source.metadata):
                options["movflags"] = "use_metadata_tags"  # else the keys of telephones are lost
        if self._kind.encoder not in av.codecs_available:
            raise UserError(f"{path}: ffmpeg lacks the encoder {self._kind.encoder}; install PyAV with pip install av")
        self._container: OutputContainer = av.open(
            str(path.absolute()), "w", format=self._kind.format, container_options=options, metadata_errors="replace"
        )
        try:
            words = source.metadata if keep_words else {}
            self._container.metadata.update(_without(words, _OF_THE_FILE))
            comment = _comment(words, source_type)
            if comment:
                self._container.metadata["comment"] = comment
            if keep_words:
                self._container.set_chapters(source.chapters())
            self._muxing = threading.Lock()
            self._durations: dict[int, int] = {}
            self._video: VideoStream | None = None
            self._copies: dict[int, Stream] = {}
            for stream in source.streams:
                if stream.index == reader.stream.index:
                    self._video = self._add_video(reader)
                else:
                    self._add_copy(reader.path, stream, suffix)
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Writes what the encoder holds back, and closes the file; after an exception only the latter."""
        if error is None:
            try:
                self._encode(None)
                self._container.close()
            except av.FFmpegError as failure:
                raise _failure(failure) from failure
            return
        try:
            self._container.close()
        except (av.FFmpegError, OSError, ValueError):
            log.debug("the unfinished file could not be closed", exc_info=True)

    def write(self, frame: VideoFrame) -> None:
        """Writes the next picture."""
        assert frame.pts is not None
        self._durations[frame.pts] = frame.duration
        try:
            self._encode(frame)
        except av.FFmpegError as error:
            raise _failure(error) from error

    def copy(self, packet: Packet) -> None:
        """Copies a packet of another track; may be called from another thread than `write`."""
        target = self._copies.get(packet.stream.index)
        if target is None:
            return
        packet.stream = target
        try:
            with self._muxing:
                self._container.mux(packet)
        except av.FFmpegError as error:
            raise _failure(error) from error

    def _words_of(self, source: Stream) -> dict[str, str]:
        words = _without(source.metadata, _OF_THE_TRACK)
        return words if self._keep_words else {key: words[key] for key in ("language",) if key in words}

    def _encode(self, frame: VideoFrame | None) -> None:
        assert self._video is not None
        for packet in self._video.encode(frame):
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, 0)
            with self._muxing:
                self._container.mux(packet)

    def _add_video(self, reader: VideoReader) -> VideoStream:
        source, first = reader.stream, reader.first
        stream: Any = self._container.add_stream(
            self._kind.encoder,
            rate=source.average_rate or source.guessed_rate,
            options=dict(self._kind.options),
            width=first.width,
            height=first.height,
            time_base=source.time_base,
        )
        stream.pix_fmt = self.pixel_format
        context = stream.codec_context
        if source.sample_aspect_ratio:
            context.sample_aspect_ratio = source.sample_aspect_ratio
        context.colorspace, context.color_range = output_matrix(first)
        context.color_primaries, context.color_trc = first.color_primaries, first.color_trc
        stream.set_display_matrix(display_matrix(first))
        stream.metadata.update(self._words_of(source))
        stream.disposition = source.disposition
        return stream

    def _add_copy(self, path: Path, source: Stream, suffix: str) -> None:
        if isinstance(source, AttachmentStream):
            self._container.add_attachment(
                source.name or "attachment", source.mimetype or "application/octet-stream", source.data
            )
            return
        if source.type not in ("audio", "subtitle", "video"):
            log.warning("%s: its track %d (%s) is not copied", path, source.index, source.type)
            return
        try:
            copy = self._container.add_stream_from_template(source, opaque=True)
        except (ValueError, av.FFmpegError) as error:
            context = source.codec_context
            codec = context.codec.canonical_name if context is not None else "unknown codec"
            reason = f"its {source.type} track ({codec}) does not fit into {suffix}"
            if path.suffix.lower() == suffix:
                raise ImageError(path, reason) from error
            raise UserError(f"{path}: {reason}; write {path.suffix}") from error
        copy.metadata.update(self._words_of(source))
        copy.disposition = source.disposition
        self._copies[source.index] = copy


def check_output(source: Path, out: Path) -> None:
    """Refuses names that a video cannot be written to.

    Raises:
        UserError: if the suffix is unknown, the folder is missing, or it is the source.
    """
    if out.suffix.lower() not in CONTAINERS:
        raise UserError(f"{out}: unknown format; choose a name that ends in one of {' '.join(CONTAINERS)}")
    if out.resolve() == source.resolve():
        raise UserError(f"{out}: is the video itself; choose another name")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent}: no such folder; make it, or write {out.name} elsewhere")


def _failure(error: av.FFmpegError) -> OSError:
    """Returns the error of the system, or of the encoder, without ffmpeg's name of the hidden file."""
    return OSError(error.errno, error.strerror or str(error))


def _denominator(reader: VideoReader) -> int:
    time_base = reader.stream.time_base
    return time_base.denominator if time_base is not None else 90_000


def _comment(metadata: dict[str, str], source_type: str | None) -> str:
    old = next((value for key, value in metadata.items() if key.lower() == "comment"), "")
    new = f"DigitalSourceType {source_type}" if source_type else ""
    return "; ".join(part for part in (old, new) if part) if new not in old else old


def _without(metadata: dict[str, str], keys: tuple[str, ...]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if not key.lower().startswith(keys)}
