"""Refuses files that are small and decode to much, before a decoder takes the memory.

TensorFlow's decoders believe what a file says of itself: a PNG of a hundred bytes gets three gigabytes if it asks for
them. So the sizes are read here first. No file is let through whose kind has no reader here, not even if the decoder
knows more kinds (JPEG XL).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

PIXEL_LIMIT = 32_000_000
"""Largest picture, in pixels: three or four bytes each decoded, twelve and more while it is enlarged."""

SIDE_LIMIT = 65_535
"""Longest side of a picture, in pixels; JPEG and GIF end here as well."""

PNG_TEXT_LIMIT = 8
"""Texts in a PNG that may be compressed: each can take 8 MB and a tenth of a second."""

JPEG_SCAN_LIMIT = 32
"""Passes over a progressive JPEG: each takes the time of a whole picture. Encoders make about ten."""

GIF_BYTES_LIMIT = 8 * 2**20
GIF_BLOCK_LIMIT = 4096
"""Pictures and remarks in a GIF: they are found one after the other."""

_HEADER_BYTES = 32


def refuse_bombs(content: tf.Tensor) -> tf.Tensor:
    """Fails (INVALID_ARGUMENT) for a file that is of an unknown kind or says that it is too large.

    Args:
        content: string scalar, the bytes of a file; broken ones are for the decoder to find.

    Returns:
        The same.
    """
    kinds: list[tuple[bytes, Callable[[tf.Tensor], tf.Tensor]]] = [
        (b"\x89PNG", _png_size),
        (b"\xff\xd8\xff", _jpeg_size),
        (b"GIF8", _gif_size),
        (b"RIFF", _webp_size),
        (b"BM", _bmp_size),
    ]
    found = [tf.equal(tf.strings.substr(_header_of(content), 0, len(magic)), magic) for magic, _ in kinds]
    known = tf.debugging.Assert(
        tf.reduce_any(tf.stack(found)), ["Unknown image file format: expected PNG, JPEG, GIF, BMP or WebP"]
    )
    with tf.control_dependencies([known]):
        size = tf.case(
            [(is_kind, lambda read=read: read(content)) for is_kind, (_, read) in zip(found, kinds, strict=True)],
            default=lambda: tf.zeros(2, tf.int64),
        )
    with tf.control_dependencies([assert_small(size)]):
        return tf.identity(content)


def assert_small(size: tf.Tensor) -> tf.Operation:
    """Fails (INVALID_ARGUMENT) for a (height, width), int64, beyond the limits."""
    pixels = tf.reduce_prod(tf.minimum(size, 2**31))  # two sides of four bytes: the product would not fit into eight
    small = (tf.reduce_max(size) <= SIDE_LIMIT) & (pixels <= PIXEL_LIMIT)
    return tf.debugging.Assert(small, ["the picture is too large; height and width:", size])


def _png_size(content: tf.Tensor) -> tf.Tensor:
    texts = tf.strings.length(content) - tf.strings.length(tf.strings.regex_replace(content, "[zi]TXt", ""))
    few = tf.debugging.Assert(texts <= PNG_TEXT_LIMIT * len("zTXt"), ["the PNG is too large: too many texts in it"])
    header = _bytes_of(_header_of(content))
    with tf.control_dependencies([few]):
        return tf.stack([_number(header, range(23, 19, -1)), _number(header, range(19, 15, -1))])


def _jpeg_size(content: tf.Tensor) -> tf.Tensor:
    data = _bytes_of(content)
    # Elsewhere in the pixels a 0xFF is followed by 0, so that it cannot be mistaken.
    scans = tf.math.count_nonzero((data[:-1] == 0xFF) & (data[1:] == 0xDA))
    few = tf.debugging.Assert(scans <= JPEG_SCAN_LIMIT, ["the JPEG is too large: too many scans in it:", scans])
    with tf.control_dependencies([few]):
        return tf.cast(tf.image.extract_jpeg_shape(content)[:2], tf.int64)


def _webp_size(content: tf.Tensor) -> tf.Tensor:
    """Reads the size from whichever of its three kinds of chunks a WebP begins with; what is none is no bomb."""
    header = _bytes_of(_header_of(content))
    chunk = tf.strings.substr(_header_of(content), 12, 4)
    lossless = _number(header, range(21, 25))
    sizes = {
        b"VP8 ": (_number(header, (28, 29)) % 2**14, _number(header, (26, 27)) % 2**14),
        b"VP8L": (lossless // 2**14 % 2**14 + 1, lossless % 2**14 + 1),
        b"VP8X": (_number(header, range(27, 30)) + 1, _number(header, range(24, 27)) + 1),
    }
    size = tf.zeros(2, tf.int64)
    for name, found in sizes.items():
        size = tf.where(tf.equal(chunk, name), tf.stack(found), size)
    return size


def _bmp_size(content: tf.Tensor) -> tf.Tensor:
    """A BMP cannot say more than it holds: the decoder compares."""
    del content
    return tf.zeros(2, tf.int64)


def _gif_size(content: tf.Tensor) -> tf.Tensor:
    """Adds up the pictures of an animation: the decoder unpacks all of them, even if one is asked for.

    Returns:
        The largest height and width among them, or beyond the limits if they are too large together.
    """
    short = tf.debugging.Assert(
        tf.strings.length(content) <= GIF_BYTES_LIMIT, ["the GIF is too large; bytes:", tf.strings.length(content)]
    )
    with tf.control_dependencies([short]):
        data = tf.pad(tf.cast(_bytes_of(content), tf.int32), ((0, _HEADER_BYTES),))  # to read beyond the end
    ends = _ends_of_chains(data)
    last = tf.size(data) - 1

    def table(flags: tf.Tensor) -> tf.Tensor:  # bytes of a colour table
        return tf.where(flags >= 128, 3 * 2 ** (flags % 8 + 1), 0)

    def goes_on(at: tf.Tensor, blocks: tf.Tensor, pixels: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        del pixels, size
        begins_block = (data[at] == ord(",")) | (data[at] == ord("!"))
        return begins_block & (blocks <= GIF_BLOCK_LIMIT) & (at < last - _HEADER_BYTES)

    def step(at: tf.Tensor, blocks: tf.Tensor, pixels: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, ...]:
        is_picture = data[at] == ord(",")
        found = tf.stack([_number(data, (at + 7, at + 8)), _number(data, (at + 5, at + 6))])
        found = tf.where(is_picture, found, tf.zeros(2, tf.int64))
        chain = tf.where(is_picture, at + 11 + table(data[at + 9]), at + 2)
        after = tf.minimum(ends[tf.minimum(chain, last)] + 1, last)
        return after, blocks + 1, pixels + tf.reduce_prod(found), tf.maximum(size, found)

    nothing = (tf.zeros((), tf.int64), tf.zeros(2, tf.int64))
    begin = tf.minimum(13 + table(data[10]), last)
    _, blocks, pixels, size = tf.while_loop(goes_on, step, (begin, 0, *nothing))
    beyond = (pixels > PIXEL_LIMIT) | (blocks > GIF_BLOCK_LIMIT)
    return tf.where(beyond, tf.constant([SIDE_LIMIT + 1] * 2, tf.int64), size)


def _ends_of_chains(data: tf.Tensor) -> tf.Tensor:
    """Finds for every place of a GIF where a chain of sub-blocks that begins there would end.

    A sub-block is a length and so many bytes; one of length 0 ends the chain. All chains are followed at once, each
    time twice as far: a step for every sub-block would let a small file take minutes.

    Args:
        data: int32 `(bytes,)`, ending in zeros.

    Returns:
        int32 `(bytes,)`, the places of the last sub-blocks.
    """
    count = tf.size(data)
    reach = tf.minimum(tf.range(count) + tf.where(data > 0, data + 1, 0), count - 1)
    return tf.while_loop(
        lambda hops, reach: hops < count,
        lambda hops, reach: (2 * hops, tf.gather(reach, reach)),
        (1, reach),
    )[1]


def _header_of(content: tf.Tensor) -> tf.Tensor:
    padded = tf.strings.join([tf.strings.substr(content, 0, _HEADER_BYTES), tf.constant(b"\0" * _HEADER_BYTES)])
    return tf.strings.substr(padded, 0, _HEADER_BYTES)


def _bytes_of(content: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_raw(content, tf.uint8)


def _number(data: tf.Tensor, places: Iterable[Any]) -> tf.Tensor:
    """Reads an unsigned number, int64, whose lowest byte stands at the first of the places."""
    return tf.add_n([tf.cast(data[place], tf.int64) * 256**power for power, place in enumerate(places)])
