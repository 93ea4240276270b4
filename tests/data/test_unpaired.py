import numpy as np
import pytest
import tensorflow as tf

from keras_deid.config import Config
from keras_deid.data import unpaired
from keras_deid.data.evaluation_examples import evaluation_examples
from keras_deid.data.images import encode_png, write_png
from keras_deid.data.sources import open_source
from keras_deid.data.training_pictures import load_training_pictures
from keras_deid.data.unpaired import load_unpaired_pictures, unpaired_batches
from keras_deid.errors import UserError
from keras_deid.preparation.stored import StoredExample
from keras_deid.preparation.writing import write_prepared

from .conftest import assert_equal

SIZE = 16


def config(folder, source="prepared", **data):
    values = {"image_size": [SIZE, SIZE], "load_scale": 1.25, "source": source, "path": str(folder), **data}
    return Config.model_validate({"data": values})


def batches(settings, count, batch_size=3, seed=0, start_step=0, pictures=None):
    found = unpaired_batches(
        pictures or load_unpaired_pictures(settings.data),
        settings.data,
        settings.deidentify,
        batch_size=batch_size,
        seed=seed,
        start_step=start_step,
    )
    return [tuple(part.numpy() for part in batch) for batch in found.take(count)]


def prepare(folder, photos, faces=2):
    """Prepares photos of which each is of one grey, 10 times its number, as often as it has faces."""

    def stored(number, face):
        png = encode_png(np.full((SIZE, SIZE, 3), 10 * number, np.uint8))
        return StoredExample(f"street/{number}.jpg#{face}", "train", png, ((4, 4, 12, 12),), b"")

    examples = [stored(number, face) for number in range(photos) for face in range(faces)]
    write_prepared(folder, examples, {"settings": {"region": "face", "size": SIZE}})


def photos_in(pictures):
    return set((pictures[:, 0, 0, 0] // 10).tolist())


@pytest.fixture(params=["cached", "streamed"])
def halves(request, tmp_path, monkeypatch):
    """(configuration, both sides) of nine photos with two faces each."""
    prepare(tmp_path, photos=9)
    settings = config(tmp_path)
    if request.param == "streamed":
        streamed = load_training_pictures(settings.data, cache_limit=0)
        monkeypatch.setattr(unpaired, "load_training_pictures", lambda data: streamed)
    return settings, load_unpaired_pictures(settings.data)


class TestHalves:
    def test_are_of_different_photos_and_as_large_as_can_be(self, halves):
        settings, pictures = halves
        assert (len(pictures.x), len(pictures.y), len(pictures)) == (8, 10, 8)
        found = batches(settings, 6, batch_size=4, pictures=pictures)
        x_photos, y_photos = (set.union(*(photos_in(batch[side]) for batch in found)) for side in (0, 1))
        assert (len(x_photos), len(y_photos)) == (4, 5)
        assert not x_photos & y_photos

    def test_x_is_deidentified_and_y_is_not(self, tmp_path):
        random = np.random.default_rng(0)
        for number in range(6):
            y = random.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
            x = y.copy()
            x[4:10, 4:10] = 255
            write_png(tmp_path / "x" / "train" / f"{number}.png", x)
            write_png(tmp_path / "y" / "train" / f"{number}.png", y)
        whole = {"val_fraction": 0.0, "test_fraction": 0.0}
        settings = config(tmp_path, "folders", load_scale=1.0, flip=False, prepare=whole)
        for x, y, mask in batches(settings, 3):
            assert mask.sum() == 3 * 36 and (x[np.repeat(mask == 1, 3, axis=-1)] == 255).all()
            assert not (y[:, 4:10, 4:10] == 255).all(axis=(1, 2, 3)).any()

    def test_what_hides_the_faces_is_the_configured_one(self, halves):
        settings, pictures = halves
        boxed = Config.model_validate({**settings.model_dump(mode="json"), "deidentify": {"method": "box"}})
        ((x, y, mask),) = batches(boxed, 1, pictures=pictures)
        assert x.dtype == y.dtype == np.uint8 and mask.dtype == np.float32
        assert x.shape == y.shape == (3, SIZE, SIZE, 3) and mask.shape == (3, SIZE, SIZE, 1)
        assert mask.sum() > 0 and not x[np.repeat(mask == 1, 3, axis=-1)].any()
        assert (y == y[:, :1, :1]).all()

    def test_drawn_scenes_can_be_divided_too(self):
        settings = config(None, "synthetic", path=None, synthetic={"train": 7})
        pictures = load_unpaired_pictures(settings.data)
        assert (len(pictures.x), len(pictures.y)) == (3, 4)

    def test_the_same_photos_come_to_the_same_side_when_others_are_read(self, tmp_path):
        sides = {}
        for faces in (1, 3):
            (tmp_path / str(faces)).mkdir()
            prepare(tmp_path / str(faces), photos=6, faces=faces)
            found = batches(config(tmp_path / str(faces)), 8)
            sides[faces] = [set.union(*(photos_in(batch[side]) for batch in found)) for side in (0, 1)]
        assert sides[1] == sides[3]

    def test_one_photo_cannot_be_divided(self, tmp_path):
        prepare(tmp_path, photos=1, faces=4)
        with pytest.raises(UserError, match="at least two different scenes; add pictures"):
            load_unpaired_pictures(config(tmp_path).data)


class TestBatches:
    def test_depend_on_seed_and_step_alone(self, halves):
        settings, pictures = halves
        whole = batches(settings, 7, pictures=pictures)
        assert_equal(whole[5:], batches(settings, 2, start_step=5, pictures=pictures))
        others = batches(settings, 7, seed=1, pictures=pictures)
        for side in (0, 1):
            assert any((a[side] != b[side]).any() for a, b in zip(whole, others, strict=True))

    def test_what_x_and_y_meet_changes_from_epoch_to_epoch(self, tmp_path):
        prepare(tmp_path, photos=8, faces=1)
        found = batches(config(tmp_path), 12, batch_size=1)
        meetings = [(photos_in(x).pop(), photos_in(y).pop()) for x, y, _ in found]
        epochs = [dict(meetings[start : start + 4]) for start in (0, 4, 8)]
        assert all(len(epoch) == len(set(epoch.values())) == 4 for epoch in epochs)  # each picture once
        assert epochs[0] != epochs[1] or epochs[1] != epochs[2]

    def test_too_few_for_a_batch(self, tmp_path):
        prepare(tmp_path, photos=4, faces=1)
        with pytest.raises(UserError, match="2 pictures, fewer than training.batch_size=3"):
            batches(config(tmp_path), 1)


def write_sides(folder, **pictures):
    """Writes flat pictures, {folder: {name: grey}}."""
    for side, greys in pictures.items():
        for name, grey in greys.items():
            write_png(folder / side / name, np.full((20, 30, 3), grey, np.uint8))


class TestFolders:
    def test_are_shown_as_they_are(self, tmp_path):
        write_sides(
            tmp_path, trainA={f"{i}.png": 10 + i for i in range(4)}, trainB={f"b{i}.png": 200 + i for i in range(7)}
        )
        settings = config(tmp_path, "unpaired_folders")
        pictures = load_unpaired_pictures(settings.data)
        assert (len(pictures.x), len(pictures.y), len(pictures)) == (4, 7, 4)
        found = batches(settings, 7, batch_size=2, pictures=pictures)
        assert found[0][0].shape == (2, SIZE, SIZE, 3) and found[0][2].shape == (2, SIZE, SIZE, 1)
        assert {int(value) for x, _, _ in found for value in np.unique(x)} == set(range(10, 14))
        assert {int(value) for _, y, _ in found for value in np.unique(y)} == set(range(200, 207))
        assert not any(mask.any() for _, _, mask in found)
        assert_equal(found[4:], batches(settings, 3, batch_size=2, start_step=4, pictures=pictures))

    def test_are_cut_anywhere(self, tmp_path):
        ramp = np.tile(np.arange(60, dtype=np.uint8)[None, :, None], (20, 1, 3))
        for side in ("trainA", "trainB"):
            write_png(tmp_path / side / "ramp.png", ramp)
        settings = config(tmp_path, "unpaired_folders", flip=False)
        starts = {int(x[0, 0, 0, 0]) for x, _, _ in batches(settings, 60, batch_size=1)}
        assert min(starts) <= 4 and max(starts) >= 40

    def test_pictures_of_the_same_name_are_for_figures(self, tmp_path):
        y = np.full((SIZE, SIZE, 3), 90, np.uint8)
        x = y.copy()
        x[4:9, 4:10] = 200
        for name in ("a", "c"):
            write_png(tmp_path / "testA" / f"{name}.png", x)
            write_png(tmp_path / "testB" / f"{name}.png", y)
        write_png(tmp_path / "testB" / "alone.png", y)
        settings = config(tmp_path, "unpaired_folders")
        (batch,) = evaluation_examples(settings.data, settings.deidentify, "test", 4)
        assert batch["path"].numpy().tolist() == [b"test/a", b"test/c"]
        np.testing.assert_array_equal(batch["x"], np.stack([x, x]))
        np.testing.assert_array_equal(batch["y"], np.stack([y, y]))
        assert batch["mask"].numpy().sum() == 2 * 5 * 6

    def test_without_such_there_are_no_figures(self, tmp_path):
        write_sides(tmp_path, trainA={"1.png": 1}, trainB={"2.png": 2}, testA={"1.png": 1}, testB={"2.png": 2})
        settings = config(tmp_path, "unpaired_folders")
        assert open_source(settings.data, (SIZE, SIZE)).counts == {"train": 0, "val": 0, "test": 0}
        for split in ("val", "test"):
            with pytest.raises(UserError) as raised:
                evaluation_examples(settings.data, settings.deidentify, split, 4)
            assert str(raised.value) == (
                f"{tmp_path}: {split}A and {split}B have no picture of the same name, so that nothing can be compared; "
                "add some, or evaluate on other data"
            )

    def test_are_no_pairs(self, tmp_path):
        write_sides(tmp_path, trainA={"1.png": 1}, trainB={"1.png": 2})
        with pytest.raises(UserError, match="are not pairs; set training.method=unpaired, or give pairs"):
            load_training_pictures(config(tmp_path, "unpaired_folders").data)

    @pytest.mark.parametrize("missing", ["trainA", "trainB"])
    def test_both_have_to_be_there(self, tmp_path, missing):
        write_sides(tmp_path, trainA={"1.png": 1}, trainB={"1.png": 1})
        (tmp_path / missing / "1.png").unlink()
        with pytest.raises(UserError, match=missing):
            load_unpaired_pictures(config(tmp_path, "unpaired_folders").data)
        (tmp_path / missing).rmdir()
        with pytest.raises(UserError, match=f"{missing}: does not exist"):
            load_unpaired_pictures(config(tmp_path, "unpaired_folders").data)

    def test_pairs_have_to_be_alike(self, tmp_path):
        write_sides(tmp_path, testA={"1.png": 1})
        write_png(tmp_path / "testB" / "1.png", np.zeros((8, 8, 3), np.uint8))
        settings = config(tmp_path, "unpaired_folders")
        with pytest.raises(UserError, match="30 x 20 pixels, but .* has 8 x 8; pairs must be alike"):
            evaluation_examples(settings.data, settings.deidentify, "test", 4)


def test_faces_of_a_photo_have_its_hash():
    paths = tf.constant(["a/b.jpg#0", "a/b.jpg#12", "a/b.jpg", "a/c.jpg#0", "a#1/b.jpg#0"])
    same = unpaired._scene_hashes(paths).numpy()
    assert same[0] == same[1] == same[2] and len(set(same.tolist())) == 3
    assert same.min() >= 0
