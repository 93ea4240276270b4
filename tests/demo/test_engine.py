import io

import numpy as np
import pytest
from PIL import Image

from keras_deid.demo import engine as engine_module
from keras_deid.demo.attention import Attention
from keras_deid.demo.engine import TARGET, Engine, load_engine
from keras_deid.demo.picture import read_picture, restored_file, restored_name
from keras_deid.errors import UserError
from keras_deid.restoring.xmp import SYNTHETIC_PARTS

from .conftest import HIDING, SIDE, Negative, png_of


@pytest.fixture
def picture(scene):
    return read_picture(png_of(scene), "scene.png")


def test_the_regions_are_found_the_surest_first(engine, picture):
    first, second = engine.find(picture, 0.5)
    # Grown by three pixels from where the probability crosses 0.5, to the pixel: the picture is looked at enlarged.
    np.testing.assert_allclose([first.box, second.box], [(97, 37, 167, 107), (18, 178, 62, 222)], atol=1)
    assert 1 > first.score > 0.75 > second.score > 0.5


def test_another_threshold_needs_no_second_look(engine, mark, picture):
    first, _ = engine.find(picture, 0.5)
    assert [region.box for region in engine.find(picture, 0.75)] == [
        first.box
    ] and mark.calls == 8  # in four sizes, and mirrored
    assert engine.find(picture, 0.99) == [] and mark.calls == 8


@pytest.mark.parametrize("threshold", [0, 1, -3, 2])
def test_a_threshold_out_of_range_is_refused(engine, picture, threshold):
    with pytest.raises(UserError, match="between 0 and 1"):
        engine.find(picture, threshold)


def test_only_the_boxes_change(engine, picture, scene):
    restored = engine.restore(picture, [(100, 40, 164, 104)])
    assert restored is picture.restored
    outside = np.ones(scene.shape[:2], bool)
    outside[40:104, 100:164] = False
    assert (restored[outside] == scene[outside]).all() and (picture.pixels == scene).all()
    # The hiding has one flat colour: the model saw what lies around it in its place.
    assert (restored[60:84, 120:144] != scene[60:84, 120:144]).any(axis=-1).all()
    assert (restored[60:84, 120:144] != 255 - np.array(HIDING)).any(axis=-1).all()


def test_a_found_region_keeps_its_outline_and_a_moved_box_has_corners(engine, picture, scene):
    found = engine.find(picture)[0]
    x0, y0, x1, y1 = found.box
    outlined = engine.restore(picture, [found.box])
    sharp = engine.restore(picture, [(x0 - 1, y0, x1 + 1, y1)])

    def change(restored):
        return abs(restored[y0, x0].astype(int) - scene[y0, x0]).sum()

    assert found.opacity[0, 0] < 0.5 and change(outlined) < 0.5 * change(sharp)


@pytest.mark.parametrize(
    ("boxes", "message"), [([], "no region to restore"), ([(300, 300, 400, 400)], "outside of the picture")]
)
def test_boxes_that_cannot_be_restored(engine, picture, boxes, message):
    with pytest.raises(UserError, match=message):
        engine.restore(picture, boxes)
    assert picture.restored is None


def test_the_file_is_whole_marked_and_named_after_its_source(engine, picture):
    with pytest.raises(UserError, match="restore it first"):
        restored_file(picture)
    engine.restore(picture, [(100, 40, 164, 104)])
    with Image.open(io.BytesIO(restored_file(picture))) as opened:
        assert opened.format == "PNG" and SYNTHETIC_PARTS in opened.info["XML:com.adobe.xmp"]
        assert (np.asarray(opened) == picture.restored).all()
    assert restored_name(picture) == "scene_restored.png"


def test_a_photograph_is_turned_upright(scene):
    exif = Image.Exif()
    exif[0x0112] = 6  # is to be turned clockwise
    picture = read_picture(png_of(scene[:100], "JPEG", exif=exif, quality=95), "C:\\photos\\on its side.jpg")
    assert picture.pixels.shape == (256, 100, 3) and picture.name == "on its side.jpg"
    assert abs(picture.pixels[:, ::-1].transpose(1, 0, 2).astype(int) - scene[:100]).mean() < 10


@pytest.mark.parametrize("content", [b"", b"no picture", "half"])
def test_a_broken_file_is_one_clear_line(content, scene):
    if content == "half":
        whole = png_of(scene)
        content = whole[: len(whole) // 2]
    with pytest.raises(
        UserError,
        match=r"^my\.png: broken image: .*; choose a JPEG, .* of at most 100 million pixels$",
    ):
        read_picture(content, "folder/my.png")


def test_a_large_picture_is_shrunk_for_the_screen_alone(engine, monkeypatch):
    monkeypatch.setattr(engine_module, "VIEW_SIDE", 64)
    picture = read_picture(png_of(np.full((100, 200, 3), 7, np.uint8)), "large.png")
    assert engine.view(picture).shape == (32, 64, 3) and picture.pixels.shape == (100, 200, 3)
    assert engine.view(picture, box=(0, 0, 20, 20)).shape == (30, 30, 3)  # from (-10, -10) to (30, 30)
    with pytest.raises(UserError, match="restore it first"):
        engine.view(picture, restored=True)


def test_the_maps_are_of_the_crop_that_the_restorer_saw(engine, picture):
    box = (100, 40, 164, 104)
    explained = engine.explain(picture, box)
    assert explained.crop.shape == (SIDE, SIDE, 3)
    assert (explained.crop[4:12, 4:12] == HIDING).all()  # a box of 64 in a square of 128, of 16 pixels
    assert (explained.restored == 255 - explained.crop).all()
    attention = explained.attention
    assert tuple(attention.overlays) == engine.attention.layers == ("cbam_1", "cbam_2")
    assert {pixels.shape for pixels in attention.overlays.values()} == {(SIDE, SIDE, 3)}
    assert attention.top >= 1


def test_the_maps_explain_the_patches_that_see_the_region(engine, monkeypatch):
    seen = []
    explainer = engine.attention._explainer
    monkeypatch.setattr(
        engine.attention, "_explainer", lambda x, weights: seen.append(weights) or explainer(x, weights)
    )
    inside = np.zeros((SIDE, SIDE), np.uint8)
    inside[0, 0] = 1
    crop = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    engine.attention.look(crop, inside)
    assert seen[0][0, 0, 0] > 0 and seen[0][0, -1, -1] == 0 and seen[0].sum() == pytest.approx(1)


def test_a_map_that_is_zero_is_said_to_be(engine):
    crop = np.full((SIDE, SIDE, 3), 128, np.uint8)
    nothing = engine.attention.look(crop, np.zeros((SIDE, SIDE), np.uint8))
    assert nothing.zero == ("cbam_1", "cbam_2") and nothing.top == 1


def test_a_run_without_a_discriminator_says_so_and_restores(picture, mark, make_network, tmp_path):
    make_network().generator.save(tmp_path / "generator.keras")

    def load():
        return Attention(engine_module.load_network(tmp_path).explained, TARGET)

    engine = Engine(Negative(), mark, load)
    with pytest.raises(UserError, match="discriminator.keras: no such file"):
        engine.explain(picture, (100, 40, 164, 104))
    assert engine.restore(picture, [(100, 40, 164, 104)]).shape == (256, 256, 3)


def test_a_folder_that_is_no_run_is_one_line(tmp_path):
    with pytest.raises(UserError, match="generator.keras: no such file"):
        load_engine(tmp_path, tmp_path)


def test_a_picture_that_is_too_large_says_how_large_it_may_be(monkeypatch, scene):
    monkeypatch.setattr("keras_deid.data.images.PIXEL_LIMIT", 256 * 256 - 1)
    with pytest.raises(
        UserError, match=r"^a\.png: too large \(256 x 256, .*; choose a .* of at most 100 million pixels$"
    ):
        read_picture(png_of(scene), "a.png")
