"""What comes back is what went in: depth, mode, transparency, pages, and what the file says."""

import io
import json
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from keras_deid.data.images import ImageError, read_image
from keras_deid.errors import UserError
from keras_deid.restoring import picture_files
from keras_deid.restoring.manifest import MANIFEST
from keras_deid.restoring.picture_files import copy_without_words, open_picture, write_picture
from keras_deid.restoring.region_sources import Listed
from keras_deid.restoring.restore import restore_folder
from keras_deid.restoring.tiff_tags import tags_for_tifffile
from keras_deid.restoring.xmp import SYNTHETIC_PARTS

from .conftest import Negative

HEIGHT, WIDTH = 24, 32
REGION = np.s_[6:14, 8:20]
OUTSIDE = np.ones((HEIGHT, WIDTH), bool)
OUTSIDE[REGION] = False
RED = (200, 30, 40)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="a picture" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def random(channels, dtype=np.uint8, most=256):
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    return np.random.default_rng(0).integers(0, most, shape).astype(dtype)


def restored(path, out, colour=RED, source_type=SYNTHETIC_PARTS):
    """Writes the picture with its region in one colour; returns the notes."""
    opened = open_picture(path)
    pixels = opened.pixels.copy()
    pixels[REGION] = colour
    return write_picture(out, pixels, opened, source_type)


def pictures():
    """Pictures by the mode in which they are stored."""
    palette = Image.fromarray(random(1, most=100), "P")
    palette.putpalette(np.random.default_rng(1).integers(0, 256, 300).tolist())
    return {
        "RGB": Image.fromarray(random(3)),
        "RGBA": Image.fromarray(random(4)),
        "L": Image.fromarray(random(1)),
        "LA": Image.fromarray(random(2)),
        "I;16": Image.fromarray(random(1, np.uint16, 65536)),
        "CMYK": Image.fromarray(random(4), "CMYK"),
        "P": palette,
    }


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        *(("png", mode) for mode in ("RGB", "RGBA", "L", "LA", "I;16", "P")),
        *(("tif", mode) for mode in ("RGB", "RGBA", "L", "LA", "I;16", "CMYK", "P")),
        *(("webp", mode) for mode in ("RGB", "RGBA")),
        *(("bmp", mode) for mode in ("RGB", "L", "P")),
        ("gif", "P"),
    ],
)
def test_mode_and_depth_stay_and_so_does_every_pixel_outside(tmp_path, suffix, mode):
    path, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    pictures()[mode].save(path, **({"lossless": True, "exact": True} if suffix == "webp" else {}))
    notes = restored(path, out)
    with Image.open(path) as before, Image.open(out) as after:
        assert after.mode == before.mode
        if mode == "P":
            assert notes == ("the restored colours are those of a palette",)
            before, after = before.convert("RGB"), after.convert("RGB")
        else:
            assert notes == ()
        old, new = np.asarray(before), np.asarray(after)
    np.testing.assert_array_equal(new[OUTSIDE], old[OUTSIDE])
    if mode.endswith("A"):
        np.testing.assert_array_equal(new[..., -1], old[..., -1])
    if mode in ("RGB", "P"):
        np.testing.assert_allclose(new[REGION].reshape(-1, 3), np.tile(RED, (96, 1)), atol=1)
    elif mode in ("L", "I;16"):
        assert (new[REGION] == (82 if mode == "L" else 82 * 257)).all()  # 0.299 R + 0.587 G + 0.114 B


def test_a_cutout_shows_the_restored_colour_and_stays_a_cutout(tmp_path):
    values = random(4)
    values[REGION] = (10, 20, 30, 255)
    values[6:8, 8:20, 3] = 0
    Image.fromarray(values).save(tmp_path / "in.png")
    restored(tmp_path / "in.png", tmp_path / "out.png")
    after = np.asarray(Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(after[..., 3], values[..., 3])
    assert (after[8:14, 8:20, :3] == RED).all()


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_a_channel_stay(tmp_path, suffix, channels):
    values = random(channels, np.uint16, 65536)
    path, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    if suffix == "png":
        path.write_bytes(cv2.imencode(".png", values[:, :, [2, 1, 0, 3][:channels]])[1].tobytes())
    else:
        tifffile.imwrite(path, values, photometric="rgb", extrasamples=["unassalpha"] if channels == 4 else None)
    assert restored(path, out) == ()
    after = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)[:, :, [2, 1, 0, 3][:channels]]
    assert after.dtype == np.uint16
    np.testing.assert_array_equal(after[OUTSIDE], values[OUTSIDE])
    if channels == 3:
        assert (after[REGION] == np.array(RED, np.uint16) * 257).all()
    assert SYNTHETIC_PARTS.encode() in out.read_bytes()


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_grey_or_cmyk_jpeg_stays_one(tmp_path, mode):
    smooth = np.linspace(40, 200, HEIGHT * WIDTH * (4 if mode == "CMYK" else 1)).astype(np.uint8)
    picture = Image.fromarray(smooth.reshape(HEIGHT, WIDTH, *([4] if mode == "CMYK" else [])), mode)
    picture.save(tmp_path / "in.jpg", quality=95, icc_profile=b"its profile")
    assert restored(tmp_path / "in.jpg", tmp_path / "out.jpg") == ()
    with Image.open(tmp_path / "in.jpg") as before, Image.open(tmp_path / "out.jpg") as after:
        assert after.mode == mode and after.info["icc_profile"] == b"its profile"
        far = np.s_[16:]
        np.testing.assert_allclose(np.asarray(after)[far].astype(int), np.asarray(before)[far], atol=12)


def test_black_and_white_become_grey_and_are_said(tmp_path):
    Image.fromarray(random(1, bool, 2)).save(tmp_path / "in.png")
    assert restored(tmp_path / "in.png", tmp_path / "out.png") == ("black and white became grey",)
    with Image.open(tmp_path / "in.png") as before, Image.open(tmp_path / "out.png") as after:
        assert before.mode == "1" and after.mode == "L"
        np.testing.assert_array_equal(np.asarray(after)[OUTSIDE], np.asarray(before)[OUTSIDE] * 255)


@pytest.mark.parametrize(("mode", "key"), [("L", 9), ("RGB", (9, 9, 9))])
def test_a_colour_that_stands_for_transparency_stays_alone(tmp_path, mode, key):
    values = random({"L": 1, "RGB": 3}[mode])
    values[8:10, 10:12] = key
    Image.fromarray(values).save(tmp_path / "in.png", transparency=key)
    assert restored(tmp_path / "in.png", tmp_path / "out.png", (9, 9, 9)) == ()
    with Image.open(tmp_path / "in.png") as before, Image.open(tmp_path / "out.png") as after:
        assert after.mode == mode and after.info["transparency"] == key
        old, new = np.asarray(before.convert("RGBA")), np.asarray(after.convert("RGBA"))
    np.testing.assert_array_equal(new[..., 3], old[..., 3])
    np.testing.assert_array_equal(new[OUTSIDE], old[OUTSIDE])
    assert (new[REGION][..., :3] <= 10).all()


def test_a_full_palette_gives_the_nearest_colours(tmp_path):
    picture = Image.fromarray(np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint8), "P")
    picture.putpalette([value for level in range(256) for value in (level, level, 255 - level)])
    picture.save(tmp_path / "in.gif", transparency=255)
    restored(tmp_path / "in.gif", tmp_path / "out.gif", (90, 90, 165))
    with Image.open(tmp_path / "in.gif") as before, Image.open(tmp_path / "out.gif") as after:
        old, new = np.asarray(before.convert("RGBA")), np.asarray(after.convert("RGBA"))
    np.testing.assert_array_equal(new[OUTSIDE], old[OUTSIDE])
    np.testing.assert_array_equal(new[..., 3], old[..., 3])
    assert (np.abs(new[REGION][..., :3].astype(int) - (90, 90, 165)) <= 3)[new[REGION][..., 3] > 0].all()


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_an_animation_is_refused(tmp_path, suffix):
    frames = [Image.fromarray(random(3) // (number + 1)) for number in range(3)]
    frames[0].save(tmp_path / f"in.{suffix}", save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(ImageError, match="is an animation of 3 pictures; convert it to a video first"):
        open_picture(tmp_path / f"in.{suffix}")


def test_the_other_pages_of_a_tiff_stay(tmp_path):
    pages = [Image.fromarray(random(3)), Image.fromarray(random(1)), Image.fromarray(random(1, np.uint16, 65536))]
    pages[0].save(tmp_path / "in.tif", save_all=True, append_images=pages[1:])
    assert restored(tmp_path / "in.tif", tmp_path / "out.tif") == ("only the first of its 3 pages is restored",)
    assert restored(tmp_path / "in.tif", tmp_path / "out.png") == ("the other 2 pictures in the file are left out",)
    with Image.open(tmp_path / "out.tif") as out:
        assert out.n_frames == 3
        np.testing.assert_array_equal(np.asarray(out)[OUTSIDE], random(3)[OUTSIDE])
        for number in (1, 2):
            out.seek(number)
            assert out.mode == pages[number].mode
            np.testing.assert_array_equal(np.asarray(out), np.asarray(pages[number]))


def exif(orientation=1):
    values = Image.Exif()
    values[0x010F], values[0x013B], values[0x0112] = "Camera", "A. Photographer", orientation
    values.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    values.get_ifd(0x8825)[1], values.get_ifd(0x8825)[2] = "N", (52.0, 30.0, 0.0)
    return values


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif"])
def test_exif_xmp_and_profile_stay(tmp_path, suffix):
    path, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    words = {"pnginfo": info} if suffix == "png" else {"xmp": XMP}
    Image.fromarray(random(3)).save(path, exif=exif(), icc_profile=PROFILE, **words)
    assert restored(path, out) == ()
    with Image.open(out) as after:
        assert after.info["icc_profile"] == PROFILE
        found = after.getexif()
        assert (found[0x010F], found[0x013B]) == ("Camera", "A. Photographer")
        assert found.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05" and found.get_ifd(0x8825)[1] == "N"
        packet = after.info.get("xmp") or after.info["XML:com.adobe.xmp"].encode()
    assert b'dc:format="a picture"' in packet and SYNTHETIC_PARTS.encode() in packet
    assert packet.count(b"rdf:RDF>") == 1 and b"Orientation" not in packet


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_turned_picture_is_upright_and_says_so(tmp_path, suffix):
    lossless = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(random(3)).save(tmp_path / f"in.{suffix}", exif=exif(6), **lossless)
    opened = open_picture(tmp_path / f"in.{suffix}")
    assert opened.pixels.shape == (WIDTH, HEIGHT, 3)
    write_picture(tmp_path / f"out.{suffix}", opened.pixels, opened, SYNTHETIC_PARTS)
    with Image.open(tmp_path / f"out.{suffix}") as after:
        assert after.size == (HEIGHT, WIDTH) and after.getexif().get(0x0112, 1) == 1


def test_16_bits_a_channel_are_turned_upright(tmp_path):
    values = random(3, np.uint16, 65536)
    png = cv2.imencode(".png", values[:, :, ::-1])[1].tobytes()
    content = exif(6).tobytes().removeprefix(b"Exif\0\0")
    (tmp_path / "in.png").write_bytes(png[:33] + png_chunk(b"eXIf", content) + png[33:])
    opened = open_picture(tmp_path / "in.png")
    np.testing.assert_array_equal(opened.stored, np.rot90(values, -1))
    assert opened.notes == ()


def test_the_mark_of_an_earlier_tool_is_replaced(tmp_path):
    earlier = XMP.replace(b'dc:format="a picture"', b'Iptc4xmpExt:DigitalSourceType="http://a.camera"')
    Image.fromarray(random(3)).save(tmp_path / "in.jpg", xmp=earlier)
    restored(tmp_path / "in.jpg", tmp_path / "once.jpg")
    restored(tmp_path / "once.jpg", tmp_path / "twice.jpg")
    for name in ("once.jpg", "twice.jpg"):
        with Image.open(tmp_path / name) as after:
            assert after.info["xmp"].count(b"DigitalSourceType>") == 2 and b"a.camera" not in after.info["xmp"]


def test_an_xmp_packet_that_is_damaged_is_replaced_and_said(tmp_path):
    Image.fromarray(random(3)).save(tmp_path / "in.jpg", xmp=b"junk")
    assert restored(tmp_path / "in.jpg", tmp_path / "out.jpg") == ("its XMP packet is damaged and replaced",)


def png_chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_gamma_resolution_and_texts_of_a_png_stay_as_they_are(tmp_path):
    plain = io.BytesIO()
    Image.fromarray(random(3)).save(plain, "PNG")
    chunks = [
        png_chunk(b"gAMA", struct.pack(">I", 100_000)),
        png_chunk(b"cHRM", struct.pack(">8I", *range(31000, 31008))),
        png_chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
        png_chunk(b"tEXt", b"Author\0A. Photographer"),
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a remark")),
        png_chunk(b"iTXt", "Title\0\0\0de\0Titel\0Straße".encode()),
        png_chunk(b"tIME", struct.pack(">H5B", 2026, 1, 2, 3, 4, 5)),
    ]
    png = plain.getvalue()
    (tmp_path / "in.png").write_bytes(png[:33] + b"".join(chunks) + png[33:])
    restored(tmp_path / "in.png", tmp_path / "out.png")
    after = (tmp_path / "out.png").read_bytes()
    for chunk in chunks:
        assert after.count(chunk) == 1
    with Image.open(tmp_path / "out.png") as picture:
        picture.load()
        assert picture.text["Title"] == "Straße" and picture.text["Comment"] == "a remark"


def test_resolution_comments_and_iptc_of_a_jpeg_stay(tmp_path):
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x78\0\x03who"
    plain = io.BytesIO()
    Image.fromarray(random(3)).save(plain, "JPEG", dpi=(300, 300), comment=b"a remark")
    jpeg = plain.getvalue()
    segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
    (tmp_path / "in.jpg").write_bytes(jpeg[:2] + jpeg[2:20] + segment + jpeg[20:])
    restored(tmp_path / "in.jpg", tmp_path / "out.jpg")
    after = (tmp_path / "out.jpg").read_bytes()
    assert after.count(segment) == 1 and after.count(b"a remark") == 1
    with Image.open(tmp_path / "out.jpg") as picture:
        picture.load()
        assert picture.info["dpi"] == (300, 300) and picture.info["comment"] == b"a remark"


def test_tags_of_a_tiff_stay(tmp_path):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270], tags[315], tags[33723] = "a street", "A. Photographer", b"iptc"
    tags[34665], tags[34853] = {0x9003: "2026:01:02 03:04:05"}, {1: "N"}
    Image.fromarray(random(3)).save(tmp_path / "in.tif", tiffinfo=tags, dpi=(300, 300), icc_profile=PROFILE)
    assert restored(tmp_path / "in.tif", tmp_path / "out.tif") == ()
    with Image.open(tmp_path / "out.tif") as after:
        assert [after.tag_v2[tag] for tag in (270, 315, 33723)] == ["a street", "A. Photographer", b"iptc"]
        assert after.info["dpi"] == (300, 300) and after.info["icc_profile"] == PROFILE
        assert after.getexif().get_ifd(0x8769) == {0x9003: "2026:01:02 03:04:05"}
        assert after.getexif().get_ifd(0x8825) == {1: "N"}
        assert SYNTHETIC_PARTS.encode() in after.tag_v2[700]


def test_places_on_maps_in_a_tiff_stay(tmp_path):
    values = {33550: (1.0, 2.0, 0.0), 33922: (0.0, 0.0, 0.0, 5.5, 6.5, 0.0), 34735: (1, 1, 0, 1), 34737: "WGS 84|"}
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for (tag, value), kind in zip(values.items(), (12, 12, 3, 2), strict=True):
        tags[tag] = value
        tags.tagtype[tag] = kind
    Image.fromarray(random(3)).save(tmp_path / "in.tif", tiffinfo=tags)
    assert restored(tmp_path / "in.tif", tmp_path / "out.tif") == ()
    with Image.open(tmp_path / "out.tif") as after:
        assert {tag: after.tag_v2[tag] for tag in values} == values


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_a_tiff_says_stays_in_every_depth(tmp_path, dtype):
    iptc = b"\x1c\x02\x78\0\x03who"
    numbers = {33550: (12, (1.0, 2.0, 0.0)), 34735: (3, (1, 1, 0, 1))}
    white = (318, 5, 2, (3127, 10000, 329, 1000), True)
    texts = {270: "a street", 315: "A. Photographer", 306: "2026:01:02 03:04:05", 34737: "WGS 84|"}
    tags = [white, *((tag, kind, len(values), values, True) for tag, (kind, values) in numbers.items())]
    tags += [(tag, 2, 0, text, True) for tag, text in texts.items() if tag != 270]
    tags += [(33723, 4, 2, struct.unpack("<2I", iptc), True), (34377, 7, 4, b"8BIM", True), (50341, 7, 3, b"any", True)]
    values = random(3, dtype, np.iinfo(dtype).max + 1)
    tifffile.imwrite(
        tmp_path / "in.tif",
        values,
        photometric="rgb",
        description="a street",
        metadata=None,
        software=False,
        extratags=tags,
        resolution=(300, 300),
        iccprofile=PROFILE,
    )
    assert restored(tmp_path / "in.tif", tmp_path / "out.tif") == ("its TIFF tags 50341 are left out",)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        page = file.pages[0]
        np.testing.assert_array_equal(page.asarray()[OUTSIDE], values[OUTSIDE])
        kept = {tag: page.tags[tag].value for tag in (*numbers, *texts, 318, 33723, 34377, 34675)}
    x, one, y, other = kept.pop(318)
    assert (x / one, y / other) == pytest.approx((0.3127, 0.329))
    assert kept == {
        **{tag: found for tag, (_, found) in numbers.items()},
        **texts,
        **{33723: iptc, 34377: b"8BIM", 34675: PROFILE},
    }


def test_exif_and_gps_of_a_tiff_of_16_bits_are_said(tmp_path):
    """Their tags lie inside of tags, which tifffile does not write."""
    inner = {34665: {0x9003: "2026:01:02 03:04:05"}, 34853: {1: "N"}}
    assert tags_for_tifffile(inner) == ([], ("its EXIF is left out", "its GPS position is left out"))
    assert tags_for_tifffile({305: "made by"}) == ([(305, 2, 7, "made by", True)], ())


def test_what_a_gif_or_bmp_says_stays(tmp_path):
    Image.fromarray(random(1, most=9)).save(tmp_path / "in.gif", comment=b"a remark")
    Image.fromarray(random(3)).save(tmp_path / "in.bmp", dpi=(300, 300))
    restored(tmp_path / "in.gif", tmp_path / "out.gif")
    restored(tmp_path / "in.bmp", tmp_path / "out.bmp")
    with Image.open(tmp_path / "out.gif") as gif, Image.open(tmp_path / "out.bmp") as bmp:
        assert gif.info["comment"] == b"a remark" and round(bmp.info["dpi"][0]) == 300
    for name in ("out.gif.xmp", "out.bmp.xmp"):
        assert SYNTHETIC_PARTS.encode() in (tmp_path / name).read_bytes()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
@pytest.mark.parametrize("how", ["restored", "copied"])
def test_nobody_and_no_place_is_named_without_words(tmp_path, suffix, how):
    path, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    options = {"exif": exif(6), "icc_profile": PROFILE}
    if suffix == "tif":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[315], tags[34853] = "A. Photographer", {1: "N"}
        options = {"tiffinfo": tags, "icc_profile": PROFILE}
    if suffix in ("jpg", "webp", "avif"):
        options["xmp"] = XMP.replace(b"a picture", b"A. Photographer")
    if suffix == "webp":
        options |= {"lossless": True}
    Image.fromarray(random(3)).save(path, **options)
    assert b"Photographer" in path.read_bytes()
    opened = open_picture(path)
    assert opened.words
    if how == "copied":
        assert copy_without_words(out, opened) == ()
    else:
        write_picture(out, 255 - opened.pixels, opened, SYNTHETIC_PARTS, keep_words=False)
    assert b"Photographer" not in out.read_bytes()
    assert (SYNTHETIC_PARTS.encode() in out.read_bytes()) == (how == "restored")
    again = open_picture(out)
    assert again.pixels.shape == opened.pixels.shape
    assert not Image.open(out).getexif().get_ifd(0x8825) and Image.open(out).info["icc_profile"] == PROFILE
    if how == "copied" and suffix != "avif":
        np.testing.assert_array_equal(again.pixels, opened.pixels)
        assert not again.words


def test_pictures_of_telephones_stay_what_they_are(tmp_path):
    pytest.importorskip("pillow_heif")
    upright = XMP.replace(b'tiff:Orientation="6"', b"")
    Image.fromarray(random(3)).save(
        tmp_path / "in.heic", "HEIF", quality=-1, chroma=444, matrix_coefficients=0, exif=exif(), xmp=upright
    )
    assert restored(tmp_path / "in.heic", tmp_path / "out.heic") == ()
    with Image.open(tmp_path / "out.heic") as after:
        assert after.format == "HEIF" and after.getexif()[0x013B] == "A. Photographer"
        np.testing.assert_array_equal(np.asarray(after)[OUTSIDE], random(3)[OUTSIDE])
        assert SYNTHETIC_PARTS.encode() in after.info["xmp"] and b"a picture" in after.info["xmp"]


def test_a_file_that_says_nothing_has_no_words(tmp_path):
    for suffix in ("jpg", "png", "webp", "tif", "bmp", "gif"):
        Image.fromarray(random(3)).save(tmp_path / f"in.{suffix}")
        assert not open_picture(tmp_path / f"in.{suffix}").words, suffix


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("out.webp", (2, 16_384), "16384 x 2 pixels; WEBP holds at most 16383 a side; choose another format"),
        ("out.gif", (65_536, 1), "1 x 65536 pixels; GIF holds at most 65535 a side"),
        ("out.jpg", (1, 65_501), "65501 x 1 pixels; JPEG holds at most 65500 a side"),
    ],
)
def test_what_a_format_cannot_hold_is_one_line(tmp_path, name, size, message):
    Image.new("RGB", size[::-1]).save(tmp_path / "in.png")
    opened = open_picture(tmp_path / "in.png")
    with pytest.raises(ImageError, match=message):
        write_picture(tmp_path / name, opened.pixels, opened, SYNTHETIC_PARTS)
    assert not (tmp_path / name).exists()


def test_words_that_a_jpeg_cannot_hold_are_left_out_and_said(tmp_path):
    values = exif()
    values[0x010E] = "x" * 70_000
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.replace(b"a picture", b"y" * 70_000).decode())
    Image.fromarray(random(3)).save(tmp_path / "in.png", exif=values, pnginfo=info)
    assert restored(tmp_path / "in.png", tmp_path / "out.jpg") == (
        "its EXIF is larger than a JPEG holds and left out",
        "its XMP packet is larger than a JPEG holds and left out",
    )
    Image.open(tmp_path / "out.jpg").load()


def test_a_profile_of_other_colours_is_left_out_and_said(tmp_path):
    Image.fromarray(random(4), "CMYK").save(tmp_path / "in.tif", icc_profile=b"of inks")
    assert restored(tmp_path / "in.tif", tmp_path / "out.png") == (
        "its colour profile is of other colours and left out",
    )
    assert "icc_profile" not in Image.open(tmp_path / "out.png").info


class TestFolders:
    def restore(self, tmp_path, boxes, **how):
        (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\n" + boxes)
        return restore_folder(tmp_path / "in", tmp_path / "out", Negative(), Listed(tmp_path / "boxes.csv"), **how)

    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "in").mkdir()
        for name in ("a.png", "c.jpg"):
            Image.fromarray(random(3)).save(tmp_path / "in" / name, exif=exif(6))
        Image.fromarray(random(1, bool, 2)).save(tmp_path / "in" / "b.png")
        return tmp_path / "in"

    def test_what_could_not_stay_is_in_the_manifest_and_on_the_terminal(self, folder, tmp_path, caplog):
        report = self.restore(tmp_path, "b.png,1,1,9,9\na.png,1,1,9,9\n")
        assert (report.restored, report.copied) == (2, 1)
        rows = json.loads((tmp_path / "out" / MANIFEST).read_text())["files"]
        assert [row.get("notes") for row in rows] == [None, ["black and white became grey"], None]
        assert [record.getMessage() for record in caplog.records] == ["b.png: black and white became grey"]

    def test_what_cannot_be_written_does_not_stop_the_rest(self, folder, tmp_path, monkeypatch):
        def encode(pixels, file_format, *rest):
            if file_format == "JPEG":
                raise ValueError("EXIF data is too long")
            return encoded(pixels, file_format, *rest)

        encoded = picture_files.encode
        monkeypatch.setattr(picture_files, "encode", encode)
        report = self.restore(tmp_path, "b.png,1,1,9,9\na.png,1,1,9,9\nc.jpg,1,1,9,9\n")
        assert report.restored == 2 and report.done == 3
        assert [str(error) for error in report.broken] == [
            f"{folder}/c.jpg: cannot be written as JPEG (EXIF data is too long); choose another format"
        ]
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png", MANIFEST, "skipped.csv"]

    def test_an_animation_does_not_stop_the_rest(self, folder, tmp_path):
        Image.fromarray(random(3)).save(
            folder / "d.gif", save_all=True, append_images=[Image.fromarray(random(3) // 2)]
        )
        report = self.restore(tmp_path, "a.png,1,1,9,9\n")
        assert (report.restored, report.copied, len(report.broken)) == (1, 2, 1)

    def test_without_words(self, folder, tmp_path):
        report = self.restore(tmp_path, "a.png,1,1,9,9\n", keep_words=False)
        assert (report.restored, report.copied) == (1, 2)
        for name in ("a.png", "c.jpg"):
            assert b"Photographer" in (folder / name).read_bytes()
            assert b"Photographer" not in (tmp_path / "out" / name).read_bytes()
        assert (tmp_path / "out" / "b.png").read_bytes() == (folder / "b.png").read_bytes()
        np.testing.assert_array_equal(read_image(tmp_path / "out" / "c.jpg"), read_image(folder / "c.jpg"))
        with pytest.raises(UserError, match="choose another folder"):
            self.restore(tmp_path, "a.png,1,1,9,9\n")

    def test_what_has_no_output_is_in_skipped_csv(self, folder, tmp_path):
        (folder / "notes.txt").touch()
        (folder / "link").symlink_to(tmp_path)
        (folder / "junk.png").write_bytes(b"junk")
        report = self.restore(tmp_path, "a.png,1,1,9,9\n")
        assert report.left_out == {"link": "link to a folder", "notes.txt": ".txt is not a format that is read"}
        lines = (tmp_path / "out" / "skipped.csv").read_text().splitlines()
        assert [line.partition(",")[0] for line in lines] == ["path", "junk.png", "link", "notes.txt"]
        assert "broken image: not a picture of a known kind" in lines[1]
        for name in ("notes.txt", "link", "junk.png"):
            (folder / name).unlink()
        self.restore(tmp_path, "a.png,1,1,9,9\n")
        assert not (tmp_path / "out" / "skipped.csv").exists()

    def test_a_foreign_skipped_csv_is_not_replaced(self, folder, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "skipped.csv").write_text("mine")
        with pytest.raises(UserError, match="skipped.csv: exists and was not written here; choose another folder"):
            self.restore(tmp_path, "a.png,1,1,9,9\n")
        assert (tmp_path / "out" / "skipped.csv").read_text() == "mine"
