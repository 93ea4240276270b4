import numpy as np
import pytest
from PIL import Image

from keras_deid.data.images import write_png
from keras_deid.data.pairs import Pairs, difference_mask, open_folders, open_side_by_side
from keras_deid.errors import UserError

HEIGHT, WIDTH = 12, 16
REGION = np.s_[3:8, 4:11]


def original(seed):
    return np.random.default_rng(seed).integers(50, 200, (HEIGHT, WIDTH, 3), np.uint8)


def hidden(picture):
    picture = picture.copy()
    picture[REGION] = 0
    return picture


def write_folders(folder, names):
    for seed, name in enumerate(names):
        write_png(folder / "x" / name, hidden(original(seed)))
        write_png(folder / "y" / name, original(seed))
    return folder / "x", folder / "y"


def everything(pairs):
    return {pair.path: pair for split in ("train", "val", "test") for pair in pairs.read(split)}


def expected_mask():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[REGION] = 1
    return mask


class TestDifferenceMask:
    def test_is_where_a_channel_differs_enough(self):
        y = np.full((12, 12, 3), 100, np.uint8)
        x = y.copy()
        x[0, 0, 1] = 108
        x[4, 5, 2] = 109
        x[6, 8, 0] = 91
        mask = difference_mask(x, y)
        assert mask.dtype == np.uint8
        assert sorted(map(tuple, np.argwhere(mask))) == [(4, 5), (6, 8)]

    def test_holes_are_closed_and_the_border_stays(self):
        y = np.full((20, 20, 3), 100, np.uint8)
        x = y.copy()
        x[5:15, 4:16] = 0
        x[9:12, 8] = 100
        expected = np.zeros((20, 20), np.uint8)
        expected[5:15, 4:16] = 1
        np.testing.assert_array_equal(difference_mask(x, y), expected)

    def test_equal_pictures_have_an_empty_mask(self):
        assert not difference_mask(original(0), original(0)).any()

    def test_jpeg_leaves_no_specks(self, tmp_path):
        y = np.dstack([*np.meshgrid(np.arange(48) * 3, np.arange(48) * 4), np.full((48, 48), 90)]).astype(np.uint8)
        x = y.copy()
        x[16:32, 16:32] = 0  # JPEG codes squares of 16 pixels one by one: hardly anything spreads beyond
        for name, picture in (("x.jpg", x), ("y.jpg", y)):
            Image.fromarray(picture).save(tmp_path / name, quality=75)
        read = [np.asarray(Image.open(tmp_path / name)) for name in ("x.jpg", "y.jpg")]
        mask = difference_mask(*read)
        assert mask[16:32, 16:32].all()
        mask[15:33, 15:33] = 0
        assert not mask.any()


class TestFolders:
    def test_pairs_have_x_y_mask_and_box(self, tmp_path):
        pairs = everything(open_folders(*write_folders(tmp_path, ["a.png", "sub/b.png"])))
        assert set(pairs) == {"a", "sub/b"}
        for seed, name in enumerate(["a", "sub/b"]):
            np.testing.assert_array_equal(pairs[name].x, hidden(original(seed)))
            np.testing.assert_array_equal(pairs[name].y, original(seed))
            np.testing.assert_array_equal(pairs[name].mask, expected_mask())
            np.testing.assert_array_equal(pairs[name].box, np.float32([4, 3, 11, 8]))
            assert pairs[name].box.dtype == np.float32

    def test_suffixes_may_differ(self, tmp_path):
        x, y = write_folders(tmp_path, ["a.png"])
        (y / "a.png").rename(y / "a.PNG")
        Image.open(x / "a.png").save(x / "a.bmp")
        (x / "a.png").unlink()
        assert set(everything(open_folders(x, y))) == {"a"}

    def test_masks_from_a_folder(self, tmp_path):
        x, y = write_folders(tmp_path, ["a.png"])
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[:2] = 255
        write_png(tmp_path / "masks" / "a.png", mask)
        (pair,) = everything(open_folders(x, y, tmp_path / "masks")).values()
        np.testing.assert_array_equal(pair.mask, mask // 255)

    def test_the_box_of_an_empty_mask_is_the_picture(self, tmp_path):
        for folder in "xy":
            write_png(tmp_path / folder / "a.png", original(0))
        (pair,) = everything(open_folders(tmp_path / "x", tmp_path / "y")).values()
        np.testing.assert_array_equal(pair.box, [0, 0, WIDTH, HEIGHT])

    def test_missing_folder(self, tmp_path):
        x, y = write_folders(tmp_path, ["a.png"])
        with pytest.raises(UserError, match="nowhere.*does not exist"):
            open_folders(x, tmp_path / "nowhere")

    def test_empty_folder(self, tmp_path):
        x, y = write_folders(tmp_path, ["a.png"])
        (tmp_path / "empty").mkdir()
        with pytest.raises(UserError, match="empty: no picture"):
            open_folders(tmp_path / "empty", y)

    def test_names_on_one_side_only(self, tmp_path):
        x, y = write_folders(tmp_path, ["a.png", "b.png", "c.png", "d.png", "e.png", "f.png"])
        for name in "abcd":
            (y / f"{name}.png").unlink()
        (x / "f.png").unlink()
        with pytest.raises(UserError) as caught:
            open_folders(x, y)
        message = str(caught.value)
        assert f"4 in {x} only (a, b, c, ...)" in message and f"1 in {y} only (f)" in message
        assert "\n" not in message

    def test_a_name_twice(self, tmp_path):
        x, y = write_folders(tmp_path, ["a.png"])
        Image.open(x / "a.png").save(x / "a.bmp")
        with pytest.raises(UserError, match="a.png: there is a.bmp too"):
            open_folders(x, y)

    def test_sizes_that_differ(self, tmp_path):
        x, y = write_folders(tmp_path, ["a.png"])
        write_png(y / "a.png", original(0)[:10])
        with pytest.raises(UserError, match="16 x 12 pixels, but .* has 16 x 10"):
            everything(open_folders(x, y))

    def test_broken_picture(self, tmp_path):
        x, y = write_folders(tmp_path, ["a.png"])
        (x / "a.png").write_bytes((x / "a.png").read_bytes()[:60])
        with pytest.raises(UserError, match="a.png"):
            everything(open_folders(x, y))

    def test_mask_that_is_missing(self, tmp_path):
        x, y = write_folders(tmp_path, ["a.png", "b.png"])
        write_png(tmp_path / "masks" / "a.png", np.zeros((HEIGHT, WIDTH), np.uint8))
        with pytest.raises(UserError, match=r"masks: no mask for 1 pictures .* \(b\)"):
            open_folders(x, y, tmp_path / "masks")

    def test_mask_of_another_size(self, tmp_path):
        x, y = write_folders(tmp_path, ["a.png"])
        write_png(tmp_path / "masks" / "a.png", np.zeros((HEIGHT, WIDTH + 1), np.uint8))
        with pytest.raises(UserError, match="17 x 12 pixels, but its picture has 16 x 12"):
            everything(open_folders(x, y, tmp_path / "masks"))


class TestSideBySide:
    @pytest.mark.parametrize("original_half", ["left", "right"])
    def test_halves(self, tmp_path, original_half):
        halves = [hidden(original(0)), original(0)]
        write_png(tmp_path / "1.png", np.hstack(halves if original_half == "right" else halves[::-1]))
        (pair,) = everything(open_side_by_side(tmp_path, original_half)).values()
        np.testing.assert_array_equal(pair.x, hidden(original(0)))
        np.testing.assert_array_equal(pair.y, original(0))
        np.testing.assert_array_equal(pair.mask, expected_mask())

    def test_masks_have_the_size_of_a_half(self, tmp_path):
        write_png(tmp_path / "pairs" / "1.png", np.hstack([original(0), original(1)]))
        write_png(tmp_path / "masks" / "1.png", expected_mask() * 255)
        (pair,) = everything(open_side_by_side(tmp_path / "pairs", "right", tmp_path / "masks")).values()
        np.testing.assert_array_equal(pair.mask, expected_mask())

    def test_odd_width(self, tmp_path):
        write_png(tmp_path / "1.png", original(0)[:, :15])
        with pytest.raises(UserError, match="1.png: 15 x 12 pixels .* the width is odd"):
            everything(open_side_by_side(tmp_path))

    def test_missing_folder(self, tmp_path):
        with pytest.raises(UserError, match="does not exist"):
            open_side_by_side(tmp_path / "nowhere")


class TestSplits:
    NAMES = [f"{i:03d}" for i in range(200)]

    def split(self, keys, **fractions):
        return Pairs(keys, read=None, **fractions).keys

    def test_by_name_without_sub_folders(self):
        splits = self.split(self.NAMES, val_fraction=0.2, test_fraction=0.1)
        assert sorted(sum(splits.values(), [])) == self.NAMES
        assert 25 <= len(splits["val"]) <= 55 and 10 <= len(splits["test"]) <= 32
        more = self.split([*self.NAMES, "new"], val_fraction=0.2, test_fraction=0.1)
        assert all(set(splits[split]) <= set(more[split]) for split in splits)

    def test_sub_folders_are_kept(self):
        keys = [f"{split}/{name}" for split in ("test", "train", "val") for name in self.NAMES]
        splits = self.split(keys)
        assert {split: len(names) for split, names in splits.items()} == {"train": 200, "val": 200, "test": 200}
        assert all(name.startswith(split) for split, names in splits.items() for name in names)

    def test_a_split_without_sub_folder_is_taken_out_of_training(self):
        splits = self.split([f"{split}/{name}" for split in ("test", "train") for name in self.NAMES], val_fraction=0.2)
        assert len(splits["test"]) == 200
        assert 25 <= len(splits["val"]) <= 55 and len(splits["train"]) + len(splits["val"]) == 200

    def test_counts(self):
        pairs = Pairs(self.NAMES, read=None)
        assert pairs.counts == {split: len(keys) for split, keys in pairs.keys.items()}

    def test_order_does_not_depend_on_the_order_given(self):
        assert self.split(self.NAMES) == self.split(self.NAMES[::-1])
