"""Files and requests that are made to do harm, all from seeds."""

import functools
import io
import struct
import zlib

import numpy as np
from PIL import Image

from .conftest import HEIGHT, WIDTH, as_strings, encode

KINDS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
HUGE = (0, 1, 65_535, 60_000, 2**24 - 1, 2**27, 2**31 - 1, 2**31, 2**32 - 1)


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, *, before=b"", pixels=b""):
    """A PNG whose header claims a size, whatever its pixels are."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = before + png_chunk(b"IDAT", zlib.compress(pixels, 9)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def png_with_texts(count, size=7_000_000):
    """A PNG of one pixel, and texts of some kilobytes that unpack to megabytes each."""
    return png(1, 1, before=png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * size, 9)) * count, pixels=bytes(4))


def jpeg_claiming(width, height, progressive=False):
    content = io.BytesIO()
    Image.new("RGB", (2, 1)).save(content, "JPEG", progressive=progressive)
    return content.getvalue().replace(struct.pack(">HH", 1, 2), struct.pack(">HH", height, width), 1)


def jpeg_with_scans(count):
    content = io.BytesIO()
    Image.new("RGB", (16, 16)).save(content, "JPEG", progressive=True)
    at = content.getvalue().rindex(b"\xff\xda")
    return content.getvalue()[:at] + content.getvalue()[at:-2] * count + b"\xff\xd9"


def gif_frame(width, height, left=0):
    codes = b"\x02\x16\x8c\x2d\x99\x87\x2a\x1c\xdc\x33\xa0\x02\x75\xec\x95\xfa\xa8\xde\x60\x8c\x04\x91\x4c\x01\x00"
    return b"," + struct.pack("<HHHHB", left, 0, width, height, 0) + codes


def gif(*frames, screen=(10, 10)):
    colours = bytes(range(12))
    return b"GIF89a" + struct.pack("<HHBBB", *screen, 0x91, 0, 0) + colours + b"".join(frames) + b";"


def gif_remark(length):
    return b"!\xfe" + (b"\x01a" * length) + b"\0"


def bmp_claiming(width, height, bits=24):
    header = struct.pack("<IHHIIiiHHIIiiII", 70, 0, 0, 54, 40, width, height, 1, bits, 0, 0, 0, 0, 0, 0)
    return b"BM" + header + bytes(16)


def webp(chunk, data):
    body = b"WEBP" + chunk + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_lossy(width, height):
    return webp(b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(40))


def webp_lossless(width, height):
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(40))


def webp_extended(width, height, flags=0x02):
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return webp(b"VP8X", bytes([flags, 0, 0, 0]) + size + b"ANIM\x06\0\0\0" + bytes(6))


def jpeg_xl():
    return b"\xff\x0a\xfa\x7f" + bytes(60)


@functools.cache
def bombs():
    """Files that are small and ask for gigabytes or minutes."""
    return {
        "png": png(60_000, 60_000),
        "png wide": png(2**31 - 1, 1),
        "png high": png(1, 2**31 - 1),
        "png largest": png(2**31 - 1, 2**31 - 1),
        "png that keeps its word": png(6000, 6000, pixels=bytes(6000 * 18_001)),
        "png texts": png_with_texts(60),
        "jpeg": jpeg_claiming(65_000, 65_000),
        "jpeg progressive": jpeg_claiming(65_000, 65_000, progressive=True),
        "jpeg scans": jpeg_with_scans(1000),
        "gif": gif(gif_frame(65_535, 65_535)),
        "gif wide and high": gif(gif_frame(65_535, 1), gif_frame(1, 65_535)),
        "gif frames": gif(*[gif_frame(5000, 5000)] * 100),
        "gif remarks": gif(*[gif_remark(1)] * 10_000, gif_frame(10, 10)),
        "gif bytes": gif(gif_remark(5_000_000), gif_frame(10, 10)),
        "webp lossy": webp_lossy(16_383, 16_383),
        "webp lossless": webp_lossless(16_384, 16_384),
        "webp animation": webp_extended(2**16, 2**15),
    }


def picture_file(random):
    kind = KINDS[random.integers(len(KINDS))]
    height, width = (int(side) for side in random.integers(1, 40, 2))
    return bytearray(encode(random.integers(0, 256, (height, width, 3)).astype("uint8"), kind))


def flipped(random):
    content = picture_file(random)
    for _ in range(random.integers(1, 9)):
        at = random.integers(len(content)) if random.random() < 0.5 else random.integers(min(64, len(content)))
        content[at] ^= 1 << random.integers(8)
    return bytes(content)


def cut_off(random):
    content = picture_file(random)
    return bytes(content[: random.integers(len(content))])


def overwritten(random):
    content = picture_file(random)
    at = random.integers(len(content))
    content[at : at + random.integers(9)] = random.bytes(random.integers(9))
    return bytes(content)


def noise(random):
    begin = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"RIFF\x20\0\0\0WEBPVP8 ", b"\xff\x0a"]
    return begin[random.integers(len(begin))] + random.bytes(random.integers(200))


def claiming(random):
    width, height = (HUGE[random.integers(len(HUGE))] for _ in range(2))
    short = width % 65_536, height % 65_536
    return [
        lambda: png(width, height),
        lambda: jpeg_claiming(*short),
        lambda: gif(gif_frame(*short), gif_frame(*short[::-1])),
        lambda: gif(*[gif_frame(*(int(side) for side in random.integers(1, 3000, 2)))] * random.integers(1, 50)),
        lambda: bmp_claiming(width % 2**31, height % 2**31, int(random.choice([8, 24, 32]))),
        lambda: webp_lossy(*short),
        lambda: webp_lossless(width % 2**14 + 1, height % 2**14 + 1),
        lambda: webp_extended(width % 2**24 + 1, height % 2**24 + 1),
    ][random.integers(8)]()


def any_file(random):
    makers = (flipped, cut_off, overwritten, noise, claiming)
    return makers[random.integers(len(makers))](random)


def any_shape(random, fitting):
    """A shape that fits, or one that was changed here and there."""
    shape = list(fitting)
    for _ in range(random.integers(3)):
        change = random.integers(3)
        at = random.integers(len(shape)) if shape else 0
        if change == 0 and shape:
            del shape[at]
        elif change == 1:
            shape.insert(at, int(random.integers(4)))
        elif shape:
            shape[at] = int(random.choice([0, 1, 2, 5, 17, 70_000 if np.prod(shape) < 10_000 else 3]))
    return shape if np.prod(shape) < 10**6 else fitting


def any_array(random, fitting, dtype):
    shape = any_shape(random, fitting)
    if random.random() < 0.05:
        dtype = str(random.choice(["uint8", "float32", "int32", "int64"]))
    if dtype == "uint8":
        return random.integers(0, 256, shape).astype(dtype)
    values = random.choice([0, 0.5, 1, -1, 1e30, -3e38, np.nan, np.inf, -np.inf, 255], shape)
    with np.errstate(invalid="ignore"):
        return np.asarray(values).astype(dtype)


def any_boxes(random, count):
    rows = int(random.choice([0, 1, 1, 2, 3, 20]))
    boxes = random.uniform(-20, 60, (count, rows, 4))
    ordered = random.random() < 0.7
    if ordered:
        boxes[..., 2:] = boxes[..., :2] + np.abs(boxes[..., 2:])
    special = random.random(boxes.shape) < random.choice([0, 0.1, 0.5])
    boxes[special] = random.choice([0, -1, 1e9, -1e9, 3e38, -3e38, np.nan, np.inf, -np.inf, 1e-30], int(special.sum()))
    return boxes.astype("float32")


def any_request(random):
    """A request to one of the signatures: (name, inputs)."""
    signature = random.choice(
        [
            "serving_default",
            "serve_uint8",
            "serve_bytes",
            "serve_uint8_boxes",
            "serve_bytes_boxes",
            "describe",
            "locate",
            "locate_bytes",
        ]
    )
    count = int(random.integers(1, 4))
    inputs = {}
    if signature == "serving_default":
        inputs["image"] = any_array(random, (count, HEIGHT, WIDTH, 3), "float32")
    elif signature == "serve_uint8":
        inputs["image"] = any_array(random, (count, HEIGHT, WIDTH, 3), "uint8")
    elif signature == "describe":
        inputs["row"] = any_array(random, (count,), "int32")
    elif signature in ("serve_uint8_boxes", "locate"):
        sides = (int(side) for side in random.integers(0, 50, 2))
        inputs["image"] = any_array(random, (count, *sides, 3), "uint8")
    else:
        contents = as_strings(*(any_file(random) for _ in range(count)))
        inputs["image_bytes"] = contents.reshape([1, *contents.shape]) if random.random() < 0.02 else contents
    if signature.endswith("_boxes"):
        wrong = random.random() < 0.2
        inputs["boxes"] = any_array(random, (count, 2, 4), "float32") if wrong else any_boxes(random, count)
    return str(signature), inputs
