"""Reads a video: its pictures with their timestamps, and the packets of everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from keras_deid.data.images import ImageError

_HDR_TRANSFERS = (16, 18)
"""ITU-T H.273: the transfer functions of HDR10 (PQ) and HLG."""
_ENDS_EARLY = 1.0
"""Seconds that may be missing at the end of a whole video: containers round their duration, and tracks differ."""


class VideoReader:
    """A video that is being read. Use it in a `with` statement.

    Attributes:
        path: the file.
        container: as PyAV opened it.
        stream: the video track that is restored, the first one that is not a cover picture.
        first: its first picture.
        total: close estimate of the number of pictures; 0 if the file does not say.

    Args:
        path: the file.

    Raises:
        ImageError: if it is missing, broken, has no pictures, or has more than 8 bits a channel.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise ImageError(path, "does not exist")
        try:
            self.container: InputContainer = av.open(str(path.absolute()), "r", metadata_errors="replace")
        except (av.FFmpegError, OSError, ValueError) as error:
            raise ImageError(path, "cannot be read as a video") from error
        try:
            self.stream = self._find_stream()
            self.stream.thread_type = "AUTO"
            self._packets: list[Packet] = []
            self._last_pts: int | None = None
            self._end = 0.0
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is None:
                raise ImageError(path, "has no pictures that can be decoded")
            self.first: VideoFrame = first
            _check_depth(path, first)
        except BaseException:
            self.container.close()
            raise
        self.total = self._estimate_total()

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        self.container.close()

    def frames(self, copy: Callable[[Packet], None]) -> Iterator[VideoFrame]:
        """Yields the pictures in the order in which they are shown, once.

        Their timestamps are those of the file, in units of `stream.time_base`, and increase.

        Args:
            copy: is given the packets of the other tracks, as they come.

        Raises:
            ImageError: if the file is broken or ends too early.
        """
        frame: VideoFrame | None = self.first
        while frame is not None:
            for packet in self._packets:
                copy(packet)
            self._packets.clear()
            yield frame
            frame = next(self._frames, None)
        for packet in self._packets:
            copy(packet)
        self._check_end()

    def _find_stream(self) -> VideoStream:
        for stream in self.container.streams.video:
            if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context is not None:
                return stream
        raise ImageError(self.path, "has no video track that can be decoded")

    def _decode(self) -> Iterator[VideoFrame]:
        """Yields pictures; the packets that are met on the way wait in `_packets`."""
        try:
            for packet in self.container.demux():
                if packet.pts is not None and packet.time_base:
                    self._end = max(self._end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream.index != self.stream.index:
                    if packet.size or packet.dts is not None:  # not the empty one that ends a track
                        self._packets.append(packet)
                    continue
                if packet.is_corrupt:
                    raise ImageError(self.path, "broken video: ends within a picture")
                for frame in packet.decode():
                    assert isinstance(frame, VideoFrame)
                    self._stamp(frame)
                    yield frame
        except av.FFmpegError as error:
            raise ImageError(self.path, f"broken video: {error.strerror or 'cannot be decoded'}") from error

    def _stamp(self, frame: VideoFrame) -> None:
        """Gives a picture without a timestamp, or with that of the one before, the next one: none may be lost."""
        if self._last_pts is not None:
            if frame.pts is None:
                frame.pts = self._last_pts + max(frame.duration, 1)
            frame.pts = max(frame.pts, self._last_pts + 1)
        elif frame.pts is None:
            frame.pts = 0
        self._last_pts = frame.pts

    def _check_end(self) -> None:
        expected, start = self.container.duration, self.container.start_time or 0
        if expected and self._end < (start + expected) / av.time_base - _ENDS_EARLY:
            raise ImageError(
                self.path,
                f"broken video: ends after {self._end:.1f} of {(start + expected) / av.time_base:.1f} seconds",
            )

    def _estimate_total(self) -> int:
        if self.stream.frames:
            return self.stream.frames
        rate, duration = self.stream.average_rate, self.container.duration
        return round(float(rate) * duration / av.time_base) if rate and duration else 0


def _check_depth(path: Path, frame: VideoFrame) -> None:
    bits = max(component.bits for component in frame.format.components)
    if bits > 8 or frame.color_trc in _HDR_TRANSFERS:
        what = "HDR" if frame.color_trc in _HDR_TRANSFERS else f"{bits} bits a channel"
        raise ImageError(path, f"is a video with {what}, of which restoring knows nothing; convert it to 8 bits, SDR")
