"""Pictures of a video as upright RGB, and back into the frame's own colours and orientation."""

from __future__ import annotations

import struct

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

# ITU-T H.273 matrices -> those of ffmpeg's scaler.
_SCALER = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
_BT709, _BT601 = 1, 5
_HD_HEIGHT = 720
"""Players take a video without a colour matrix for BT.709 from this height on, and for BT.601 below."""
_LIMITED, _FULL = 1, 2

_PLANAR = ("yuv420p", "yuv422p", "yuv444p")
"""Formats of which single regions can be replaced, the other pixels staying as they were decoded."""

Turn = tuple[bool, bool, bool]
"""What makes a picture upright: swap rows and columns, then mirror left to right, then top to bottom."""


def display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    """Returns the nine numbers of the frame's display matrix; None if it is shown as it is stored."""
    data = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
    return struct.unpack("<9i", bytes(data)) if data is not None else None


def turn_of(matrix: tuple[int, ...] | None) -> Turn:
    """Returns what makes the pictures of a display matrix upright; those at an odd angle stay as they are stored.

    The matrix takes the column x and the row y to the column `a x + c y` and the row `b x + d y`.
    """
    if matrix is None:
        return (False, False, False)
    a, b, _, c, d = matrix[:5]
    if b == c == 0:
        return (False, a < 0, d < 0)
    if a == d == 0:
        return (True, c < 0, b < 0)
    return (False, False, False)


def turned(pixels: np.ndarray, turn: Turn) -> np.ndarray:
    """Returns pixels `(height, width, ...)` upright."""
    swap, mirror, flip = turn
    if swap:
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels[:: -1 if flip else 1, :: -1 if mirror else 1])


def turned_back(pixels: np.ndarray, turn: Turn) -> np.ndarray:
    """Undoes `turned`."""
    swap, mirror, flip = turn
    pixels = pixels[:: -1 if flip else 1, :: -1 if mirror else 1]
    return np.ascontiguousarray(pixels.swapaxes(0, 1) if swap else pixels)


def output_format(frame: VideoFrame, encoder: str) -> str:
    """Returns the pixel format to encode: that of the frame where the encoder takes it."""
    name = frame.format.name.replace("yuvj", "yuv")
    odd = bool(frame.width % 2 or frame.height % 2)
    if name not in _PLANAR:
        name = "yuv444p" if frame.format.is_rgb else "yuv420p"
    # x264 halves no odd side.
    return "yuv444p" if odd and encoder == "libx264" else name


def output_matrix(frame: VideoFrame) -> tuple[int, int]:
    """Returns matrix and range to note for the output: those of the frame; RGB gets a matrix, as it becomes YUV."""
    if frame.format.is_rgb:
        return (_BT709 if frame.height >= _HD_HEIGHT else 6, _LIMITED)
    return (frame.colorspace, _range(frame) if frame.format.name.startswith("yuvj") else frame.color_range)


def read_rgb(frame: VideoFrame) -> np.ndarray:
    """Returns the pixels as they are stored, uint8 `(height, width, 3)`, RGB."""
    if frame.format.is_rgb:
        return frame.to_ndarray(format="rgb24")
    return frame.to_ndarray(
        format="rgb24", src_colorspace=_matrix(frame), src_color_range=_range(frame), dst_color_range=_FULL
    )


def unchanged(frame: VideoFrame, pixel_format: str) -> VideoFrame:
    """Returns the frame in the output's pixel format, see `output_format`, its values the same if they can be."""
    if not _same_planes(frame, pixel_format):
        return with_pixels(frame, read_rgb(frame), np.ones((frame.height, frame.width), bool), pixel_format)
    new = VideoFrame(frame.width, frame.height, pixel_format)
    _keep_planes(frame, new, np.zeros((frame.height, frame.width), bool))
    return _described(new, frame)


def with_pixels(frame: VideoFrame, pixels: np.ndarray, changed: np.ndarray, pixel_format: str) -> VideoFrame:
    """Returns a frame with new pixels, with the timestamp and the colour tags of the old one.

    Args:
        frame: the old one.
        pixels: uint8 `(height, width, 3)`, RGB, as they are stored.
        changed: bool `(height, width)`; where False, the values of the old frame stay if the format allows.
        pixel_format: see `output_format`.
    """
    new = VideoFrame.from_ndarray(pixels, "rgb24").reformat(
        format=pixel_format,
        dst_colorspace=_matrix(frame),
        src_color_range=_FULL,
        dst_color_range=_LIMITED if frame.format.is_rgb else _range(frame),
    )
    if _same_planes(frame, pixel_format):
        _keep_planes(frame, new, changed)
    return _described(new, frame)


def _described(new: VideoFrame, old: VideoFrame) -> VideoFrame:
    """Gives a frame the time and the colour tags of the one that it was made from."""
    new.pts, new.time_base, new.duration = old.pts, old.time_base, old.duration
    new.colorspace, new.color_range = output_matrix(old)
    new.color_primaries, new.color_trc = old.color_primaries, old.color_trc
    return new


def _same_planes(frame: VideoFrame, pixel_format: str) -> bool:
    # The formats with a j are those without, in full range.
    return frame.format.name.replace("yuvj", "yuv") == pixel_format


def _keep_planes(old: VideoFrame, new: VideoFrame, changed: np.ndarray) -> None:
    """Brings the old values back where nothing changed; a colour value stays if none of its pixels changed."""
    for number, (source, target) in enumerate(zip(old.planes, new.planes, strict=True)):
        mask = changed
        if number and (target.height, target.width) != changed.shape:
            across, down = changed.shape[1] > target.width, changed.shape[0] > target.height
            mask = np.pad(mask, ((0, changed.shape[0] % 2 * down), (0, changed.shape[1] % 2 * across)))
            mask = mask[0::2] | mask[1::2] if down else mask
            mask = mask[:, 0::2] | mask[:, 1::2] if across else mask
        np.copyto(_values(target), _values(source), where=~mask)


def _values(plane: object) -> np.ndarray:
    """Returns a view of a plane's values, `(height, width)`."""
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload,attr-defined]
    return rows[: plane.height, : plane.width]  # type: ignore[attr-defined]


def _matrix(frame: VideoFrame) -> int:
    return _SCALER.get(frame.colorspace, _BT709 if frame.height >= _HD_HEIGHT else _BT601)


def _range(frame: VideoFrame) -> int:
    if frame.format.name.startswith("yuvj"):
        return _FULL
    return frame.color_range if frame.color_range in (_LIMITED, _FULL) else _LIMITED
