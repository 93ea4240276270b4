import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from keras_deid.data import images
from keras_deid.data.images import (
    ImageError,
    encode_png,
    find_images,
    image_size,
    read_image,
    read_mask,
    resize_image,
    resize_mask,
    write_png,
)
from keras_deid.errors import UserError

RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)


def quarters(height=40, width=60):
    """Red, green / blue, grey: says which way up it is and which channel is which."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = RED
    picture[: height // 2, width // 2 :] = GREEN
    picture[height // 2 :, : width // 2] = BLUE
    picture[height // 2 :, width // 2 :] = GREY
    return picture


def centres(picture):
    height, width = picture.shape[:2]
    rows, columns = (height // 4, 3 * height // 4), (width // 4, 3 * width // 4)
    return [tuple(int(value) for value in picture[row, column]) for row in rows for column in columns]


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.gif", "a.jpg", "a.webp"])
def test_rgb_files(tmp_path, name):
    Image.fromarray(quarters()).save(tmp_path / name, quality=95)
    picture = read_image(tmp_path / name)
    assert picture.shape == (40, 60, 3) and picture.dtype == np.uint8
    assert np.abs(np.array(centres(picture)) - np.array([RED, GREEN, BLUE, GREY])).max() <= 6
    assert image_size(tmp_path / name) == (40, 60)


def test_palette(tmp_path):
    Image.fromarray(quarters()).quantize(8).save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == "P"
    assert centres(read_image(tmp_path / "a.png")) == [RED, GREEN, BLUE, GREY]


def test_palette_with_a_transparent_colour(tmp_path):
    picture = Image.fromarray(quarters()).quantize(8)
    picture.save(tmp_path / "a.png", transparency=picture.getpixel((0, 0)))
    assert centres(read_image(tmp_path / "a.png")) == [(255, 255, 255), GREEN, BLUE, GREY]


def test_grey(tmp_path):
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png") == 77).all()
    assert read_image(tmp_path / "a.png").shape == (8, 8, 3)


def test_black_and_white(tmp_path):
    Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1").save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_transparency_is_laid_over_white(tmp_path):
    colours = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 51]]], np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").tolist() == [[[255, 0, 0], [255, 255, 255], [204, 204, 204]]]


def test_grey_with_transparency(tmp_path):
    Image.fromarray(np.array([[[10, 255], [10, 0]]], np.uint8), mode="LA").save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").tolist() == [[[10] * 3, [255] * 3]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey(tmp_path, suffix):
    levels = np.array([[0, 128, 32768, 65407, 65535]], np.uint16)
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), levels)
    assert read_image(tmp_path / f"a.{suffix}")[0, :, 0].tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_colour(tmp_path, suffix):
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), quarters()[:, :, ::-1].astype(np.uint16) * 257)
    assert centres(read_image(tmp_path / f"a.{suffix}")) == [RED, GREEN, BLUE, GREY]


def test_cmyk_jpeg(tmp_path):
    Image.fromarray(quarters()).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert Image.open(tmp_path / "a.jpg").mode == "CMYK"
    assert np.abs(np.array(centres(read_image(tmp_path / "a.jpg"))) - [RED, GREEN, BLUE, GREY]).max() <= 6


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (0, 255)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (read_image(tmp_path / "a.gif") == 0).all()


def test_jpeg_of_two_pictures(tmp_path):
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (0, 255)]
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:])
    assert (read_image(tmp_path / "a.jpg") == 0).all()


# What the four quarters are after the orientation is applied, from the upper left, row by row.
ORIENTATIONS = {
    1: [RED, GREEN, BLUE, GREY],
    2: [GREEN, RED, GREY, BLUE],
    3: [GREY, BLUE, GREEN, RED],
    4: [BLUE, GREY, RED, GREEN],
    5: [RED, BLUE, GREEN, GREY],
    6: [BLUE, RED, GREY, GREEN],
    7: [GREY, GREEN, BLUE, RED],
    8: [GREEN, GREY, RED, BLUE],
}


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_exif_orientation(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(quarters()).save(path, exif=exif, quality=95)
    picture = read_image(path)
    assert np.abs(np.array(centres(picture)) - ORIENTATIONS[orientation]).max() <= 6
    assert picture.shape[:2] == image_size(path) == ((60, 40) if orientation >= 5 else (40, 60))


def test_orientation_of_a_palette_picture_with_transparency(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(quarters()).quantize(8)
    picture.save(tmp_path / "a.png", transparency=picture.getpixel((0, 0)), exif=exif)
    assert centres(read_image(tmp_path / "a.png")) == [BLUE, (255, 255, 255), GREY, GREEN]


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
def test_broken_exif_does_not_matter(tmp_path, exif):
    Image.fromarray(quarters()).save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert read_image(tmp_path / "a.jpg").shape == (40, 60, 3)


def test_suffix_does_not_decide(tmp_path):
    Image.fromarray(quarters()).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert centres(read_image(tmp_path / "a.jpg")) == [RED, GREEN, BLUE, GREY]


def test_truncated_jpeg(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(
        ImageError, match="a.jpg: broken image: .*truncated.*; mend, replace or remove the file"
    ) as caught:
        read_image(tmp_path / "a.jpg")
    assert caught.value.reason.startswith("broken image: ")
    assert isinstance(caught.value, UserError)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"])
def test_files_that_are_no_pictures(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    for read in (read_image, read_mask, image_size):
        with pytest.raises(ImageError, match="broken image"):
            read(tmp_path / "a.jpg")


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=8), st.sampled_from(["png", "jpg", "gif", "tif", "webp"]))
def test_damaged_files_are_read_or_refused(tmp_path_factory, place, damage, suffix):
    path = tmp_path_factory.mktemp("damaged") / f"a.{suffix}"
    Image.fromarray(quarters()).save(path)
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place : place + len(damage)] = damage
    path.write_bytes(content)
    try:
        assert read_image(path).ndim == 3
    except ImageError as error:
        assert "\n" not in str(error)


def test_missing_file(tmp_path):
    with pytest.raises(ImageError, match="a.jpg: does not exist"):
        read_image(tmp_path / "a.jpg")


def test_other_formats_are_not_opened(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    with pytest.raises(ImageError, match="a PostScript file, which is not read"):
        read_image(tmp_path / "a.jpg")


def test_floating_point_pixels(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="floating-point"):
        read_image(tmp_path / "a.tif")


def bomb(path, side):
    """A bitmap that claims a size in its header."""
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 2835, 2835, 0, 0)
    path.write_bytes(b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header)
    return path


@pytest.mark.parametrize("side", [11_000, 60_000])
def test_pixel_limit_holds_before_decoding(tmp_path, side):
    path = bomb(tmp_path / "a.bmp", side)
    for read in (read_image, read_mask, image_size):
        with pytest.raises(ImageError, match="too large"):
            read(path)


def test_pixel_limit_is_exact(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "PIXEL_LIMIT", 2400)
    Image.fromarray(quarters()).save(tmp_path / "a.png")
    read_image(tmp_path / "a.png")
    monkeypatch.setattr(images, "PIXEL_LIMIT", 2399)
    with pytest.raises(ImageError, match=r"too large \(60 x 40, more than 2399 pixels\)"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("high", [1, 200, 255])
def test_masks_written_with_any_levels(tmp_path, high):
    mask = np.array([[0, 1, 1], [0, 0, 1]], np.uint8)
    Image.fromarray(mask * np.uint8(high)).save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png"), mask)
    assert read_mask(tmp_path / "m.png").dtype == np.uint8


def test_masks_of_one_bit_sixteen_bits_and_colour(tmp_path):
    mask = np.array([[0, 1], [1, 0]], np.uint8)
    Image.fromarray(mask * np.uint8(255)).convert("1").save(tmp_path / "1.png")
    cv2.imwrite(str(tmp_path / "16.png"), mask.astype(np.uint16) * 65535)
    Image.fromarray(np.stack([mask * np.uint8(255)] * 3, axis=2)).save(tmp_path / "c.png")
    for name in ("1.png", "16.png", "c.png"):
        assert np.array_equal(read_mask(tmp_path / name), mask)


def test_soft_and_empty_masks(tmp_path):
    Image.fromarray(np.array([[0, 100, 127, 128, 255]], np.uint8)).save(tmp_path / "soft.png")
    assert read_mask(tmp_path / "soft.png").tolist() == [[0, 0, 0, 1, 1]]
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "empty.png")
    assert read_mask(tmp_path / "empty.png").sum() == 0


def test_find_images(tmp_path):
    for name in ("b.jpg", "a.PNG", "street/2.webp", "street/night/1.tiff", "a/z.jpeg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("notes.txt", ".hidden.jpg", ".cache/1.jpg", "jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == ["a.PNG", "a/z.jpeg", "b.jpg", "street/2.webp", "street/night/1.tiff"]


def test_a_hidden_folder_can_be_searched_itself(tmp_path):
    (tmp_path / ".photos").mkdir()
    (tmp_path / ".photos/a.jpg").touch()
    assert find_images(tmp_path / ".photos") == [tmp_path / ".photos/a.jpg"]


def test_nothing_to_find(tmp_path):
    with pytest.raises(UserError, match="no picture in it"):
        find_images(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        find_images(tmp_path / "missing")
    (tmp_path / "a.jpg").touch()
    with pytest.raises(UserError, match="is not a folder"):
        find_images(tmp_path / "a.jpg")


def test_write_png(tmp_path):
    write_png(tmp_path / "new/a.png", quarters())
    assert np.array_equal(read_image(tmp_path / "new/a.png"), quarters())
    write_png(tmp_path / "m.png", np.eye(3, dtype=np.uint8))
    assert np.array_equal(read_mask(tmp_path / "m.png"), np.eye(3))


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8)])
def test_write_png_takes_pictures_only(tmp_path, image):
    with pytest.raises(ValueError, match="Received: dtype="):
        write_png(tmp_path / "a.png", image)


def test_write_png_where_it_cannot(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_png(tmp_path / "file/a.png", quarters())


def test_resize_image_by_means():
    picture = np.array([[0, 100, 10, 20], [200, 100, 30, 40]], np.uint8)
    assert resize_image(picture, (1, 2)).tolist() == [[100, 25]]
    assert resize_image(quarters(), (20, 30)).shape == (20, 30, 3)


@pytest.mark.parametrize("size", [(16, 16), (25, 30), (45, 41)])
@pytest.mark.parametrize("channels", [1, 4, 5, 7, 9])
def test_resize_image_of_any_number_of_channels(channels, size):
    picture = np.random.default_rng(0).integers(0, 256, (37, 41, channels), np.uint8)
    expected = [resize_image(picture[:, :, channel], size) for channel in range(channels)]
    np.testing.assert_array_equal(resize_image(picture, size), np.stack(expected, axis=2))


def test_resize_image_up_keeps_flat_areas():
    assert centres(resize_image(quarters(), (120, 90))) == [RED, GREEN, BLUE, GREY]


def test_resize_mask_by_halves():
    mask = np.array([[1, 0, 1, 0], [1, 0, 0, 0]], np.uint8)
    assert resize_mask(mask, (1, 2)).tolist() == [[1, 0]]
    assert resize_mask(np.eye(2, dtype=np.uint8), (4, 4)).tolist() == np.kron(np.eye(2), np.ones((2, 2))).tolist()


def test_encode_png(tmp_path):
    (tmp_path / "a.png").write_bytes(encode_png(quarters()))
    assert np.array_equal(read_image(tmp_path / "a.png"), quarters())
    (tmp_path / "m.png").write_bytes(encode_png(np.eye(5, dtype=np.uint8)))
    assert np.array_equal(read_mask(tmp_path / "m.png"), np.eye(5))
    assert encode_png(quarters()) == encode_png(quarters())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "broken image: empty file"),
        (b"junk", "broken image: not a picture of a known kind"),
        (b"<svg/>", "an SVG drawing, which is not read; convert it to one of JPEG, PNG"),
        (b"%PDF-1.7", "a PDF file, which is not read"),
        (b"\x89PNG\r\n\x1a\n junk", "broken image: "),
        (b"\xff\xd8\xff junk", "broken image: "),
    ],
)
def test_a_broken_picture_is_told_from_another_kind_of_file(tmp_path, content, reason):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError) as raised:
        read_image(tmp_path / "a.png")
    assert raised.value.reason.startswith(reason)
