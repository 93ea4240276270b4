"""The same batches and examples come from every source."""

import numpy as np
import pytest

from keras_deid.data.evaluation_examples import evaluation_examples
from keras_deid.data.images import encode_png, write_png
from keras_deid.data.training_pictures import load_training_pictures
from keras_deid.errors import UserError
from keras_deid.preparation.stored import StoredExample
from keras_deid.preparation.writing import write_prepared

from .conftest import LOAD, SIZE, batches, config


class TestSources:
    def test_synthetic(self):
        settings = config(
            data={"source": "synthetic", "synthetic": {"train": 6, "val": 3, "test": 2}},
            deidentify={"block_size": 0.5},
        )
        assert len(load_training_pictures(settings.data)) == 6
        ((x, y, mask),) = batches(1, settings)
        assert (x != y).any() and not ((x != y).any(axis=-1, keepdims=True) & (mask == 0)).any()
        (batch,) = evaluation_examples(settings.data, settings.deidentify, "test", 4)
        assert batch["y"].shape == (2, SIZE, SIZE, 3) and batch["has_person"].numpy().all()

    @pytest.mark.parametrize("region", ["face", "photo"])
    def test_prepared(self, tmp_path, region):
        prepare(tmp_path, region)
        settings = config(data={"path": str(tmp_path)}, deidentify={"method": "box"})
        assert len(load_training_pictures(settings.data)) == 4
        ((x, y, mask),) = batches(1, settings, batch_size=2)
        np.testing.assert_array_equal(x, np.where(mask == 1, 0, y))
        (batch,) = evaluation_examples(settings.data, settings.deidentify, "val", 4)
        assert batch["path"].numpy().tolist() == [b"val/0.jpg#0"]
        np.testing.assert_allclose(batch["box"], [[2, 3, 7, 9]])
        assert batch["boxes"].shape[1] == (2 if region == "photo" else 1)
        assert batch["person"].numpy().sum() == 0 and not batch["has_person"].numpy().any()

    def test_folders(self, tmp_path):
        rng = np.random.default_rng(0)
        for split, count in (("train", 4), ("val", 2)):
            for i in range(count):
                y = rng.integers(60, 200, (LOAD, LOAD, 3), np.uint8)
                x = y.copy()
                x[8:14, 6:13] = 255 - i
                write_png(tmp_path / "y" / split / f"{i}.png", y)
                write_png(tmp_path / "x" / split / f"{i}.png", x)
        settings = config(data={"source": "folders", "path": str(tmp_path)}, deidentify={"method": "box"})
        assert len(load_training_pictures(settings.data)) == 4
        for x, y, mask in batches(6, settings):
            assert mask.dtype == np.float32
            np.testing.assert_array_equal(mask.sum(axis=(1, 2, 3)), 6 * 7)
            np.testing.assert_array_equal(x >= 252, np.repeat(mask == 1, 3, axis=-1))
            np.testing.assert_array_equal(np.where(mask == 1, 0, x), np.where(mask == 1, 0, y))
        same_size = config(data={"source": "folders", "path": str(tmp_path), "image_size": [LOAD, LOAD]})
        (batch,) = evaluation_examples(same_size.data, same_size.deidentify, "val", 4)
        np.testing.assert_allclose(batch["box"], [[6, 8, 13, 14]] * 2)
        assert not batch["block"].numpy().any() and not batch["person"].numpy().any()
        assert batch["mask"].numpy().sum() == 2 * 6 * 7

    def test_side_by_side(self, tmp_path):
        y = np.full((SIZE, SIZE, 3), 90, np.uint8)
        x = y.copy()
        x[4:9, 4:9] = 200
        for i in range(3):
            write_png(tmp_path / "train" / f"{i}.png", np.hstack([y, x]))
        settings = config(
            data={
                "source": "side_by_side",
                "path": str(tmp_path),
                "original_half": "left",
                "load_scale": 1.0,
                "prepare": {"val_fraction": 0.0, "test_fraction": 0.0},
            }
        )
        ((batch_x, batch_y, mask),) = batches(1, settings, batch_size=3)
        assert (batch_y == 90).all()
        np.testing.assert_array_equal(batch_x == 200, np.repeat(mask == 1, 3, axis=-1))

    @pytest.mark.parametrize("source", ["folders", "side_by_side", "unpaired_folders"])
    @pytest.mark.parametrize("side", [SIZE + 1, 53])
    def test_pairs_of_any_size(self, tmp_path, source, side):
        y = np.full((side, side + 2, 3), 90, np.uint8)
        x = y.copy()
        x[3:9, 3:9] = 200
        for split in ("train", "test"):
            if source == "side_by_side":
                write_png(tmp_path / split / "0.png", np.hstack([x, y]))
            elif source == "folders":
                write_png(tmp_path / "x" / split / "0.png", x)
                write_png(tmp_path / "y" / split / "0.png", y)
            else:
                write_png(tmp_path / f"{split}A" / "0.png", x)
                write_png(tmp_path / f"{split}B" / "0.png", y)
        settings = config(data={"source": source, "path": str(tmp_path), "load_scale": 1.25})
        (batch,) = evaluation_examples(settings.data, settings.deidentify, "test", 4)
        assert batch["x"].shape == batch["y"].shape == (1, SIZE, SIZE, 3)
        assert (batch["y"].numpy() == 90).all() and (batch["x"].numpy() >= 90).all()
        changed = (batch["x"].numpy() > 145).all(axis=-1, keepdims=True)
        np.testing.assert_array_equal(batch["mask"].numpy() == 1, changed)
        if source != "unpaired_folders":
            ((_, shown, _),) = batches(1, settings, batch_size=1)
            assert shown.shape == (1, SIZE, SIZE, 3) and (shown == 90).all()

    def test_nothing_there(self, tmp_path):
        for source, message in (("prepared", "nowhere"), ("folders", "nowhere/x"), ("side_by_side", "nowhere")):
            settings = config(data={"source": source, "path": str(tmp_path / "nowhere")})
            with pytest.raises(UserError, match=message):
                load_training_pictures(settings.data)


def prepare(folder, region):
    rng = np.random.default_rng(0)

    def stored(split, number):
        png = encode_png(rng.integers(1, 256, (SIZE, SIZE, 3), np.uint8))
        return StoredExample(f"{split}/{number}.jpg#0", split, png, ((2, 3, 7, 9), (10, 1, 14, 5)), b"")

    examples = [*(stored("train", i) for i in range(4)), stored("val", 0)]
    write_prepared(folder, examples, {"settings": {"region": region, "size": SIZE}})
