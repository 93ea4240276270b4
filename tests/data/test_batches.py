import numpy as np
import pytest
import tensorflow as tf

from keras_deid.config import Config
from keras_deid.data.covering import cover, cover_in_graph
from keras_deid.data.deidentify import mosaic
from keras_deid.data.evaluation_examples import evaluation_examples
from keras_deid.data.images import encode_png, write_png
from keras_deid.data.preparation.writing import StoredExample, write_prepared
from keras_deid.data.sources import Example, Source
from keras_deid.data.training_batches import steps_per_epoch, training_batches
from keras_deid.data.training_pictures import load_training_pictures
from keras_deid.errors import UserError

SIZE, LOAD = 16, 20


def config(**sections):
    data = {"image_size": [SIZE, SIZE], "load_scale": LOAD / SIZE, "source": "prepared", "path": "unused"}
    return Config.model_validate({**sections, "data": {**data, **sections.get("data", {})}})


def coordinates(number, height=LOAD, width=LOAD, box=(5, 4, 12, 11), person=False):
    """An example in which each pixel says where it is and of which picture."""
    y, x = np.mgrid[:height, :width]
    picture = np.dstack([y + 1, x + 1, np.full_like(x, number), (x >= 10) if person else np.zeros_like(x)])
    return Example(f"{number:03d}", picture.astype(np.uint8), np.float32([box]), has_person=person)


def serve(monkeypatch, **splits):
    """Has these examples read."""
    counts = {split: len(splits.get(split, [])) for split in ("train", "val", "test")}
    stream = streamed(splits["train"]) if splits.get("train") else None
    source = Source(counts, 3, lambda split: iter(splits[split]), stream)
    for reader in ("training_pictures", "evaluation_examples"):
        monkeypatch.setattr(f"keras_deid.data.{reader}.open_source", lambda data, size: source)


def streamed(examples):
    """The examples as a prepared data set of photos reads them."""
    signature = {
        "image": tf.TensorSpec((None, None, 3), tf.uint8),
        "box": tf.TensorSpec((4,), tf.float32),
        "boxes": tf.TensorSpec((None, 4), tf.float32),
    }

    def read():
        for example in examples:
            yield {"image": example.picture[..., :3], "box": example.boxes[0], "boxes": example.boxes}

    return tf.data.Dataset.from_generator(read, output_signature=signature)


def take(dataset, count):
    return [tuple(part.numpy() for part in batch) for batch in dataset.take(count)]


def endless(settings=None, storage=None, **arguments):
    settings = settings or config()
    arguments = {"batch_size": 4, "seed": 1, **arguments}
    pictures = load_training_pictures(settings.data, **(storage or {}))
    return training_batches(pictures, settings.data, settings.deidentify, **arguments)


def batches(count, *args, **arguments):
    return take(endless(*args, **arguments), count)


def assert_equal(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for part, counterpart in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, counterpart)


CACHED_AND_STREAMED = pytest.mark.parametrize("storage", [{}, {"cache_limit": 0}], ids=["cached", "streamed"])


@CACHED_AND_STREAMED
class TestTrainingBatches:
    def test_shapes_and_types(self, monkeypatch, storage):
        serve(monkeypatch, train=[coordinates(i) for i in range(5)])
        dataset = endless(config(data={"image_size": [20, 16]}), storage)
        assert [(part.shape.as_list(), part.dtype) for part in dataset.element_spec] == [
            ([4, 20, 16, 3], tf.uint8),
            ([4, 20, 16, 3], tf.uint8),
            ([4, 20, 16, 1], tf.float32),
        ]
        ((x, y, mask),) = take(dataset, 1)
        assert x.shape == y.shape == (4, 20, 16, 3) and mask.shape == (4, 20, 16, 1)

    @pytest.mark.parametrize("shape", [(LOAD, LOAD), (LOAD, 29), (31, LOAD)])
    def test_picture_and_mask_are_cut_and_mirrored_alike(self, monkeypatch, storage, shape):
        boxes = [(5, 4, 12, 11), (0, 0, 6, 5), (11, 9, 20, 20), (3.6, 4.4, 9.4, 13.6)]
        serve(monkeypatch, train=[coordinates(i, *shape, box) for i, box in enumerate(boxes)])
        mirrored, starts = [], set()
        for x, y, mask in batches(30, config(deidentify={"method": "box"}), storage=storage):
            rows, columns, number = y[..., 0] - 1, y[..., 1] - 1, y[:, 0, 0, 2]
            assert (y[..., 2] == number[:, None, None]).all()
            x0, y0, x1, y1 = np.float32(boxes)[number].T[:, :, None, None]
            inside = (columns + 0.5 >= x0) & (columns + 0.5 < x1) & (rows + 0.5 >= y0) & (rows + 0.5 < y1)
            np.testing.assert_array_equal(mask[..., 0], inside)
            np.testing.assert_array_equal(x, np.where(mask == 1, 0, y))
            assert (np.diff(rows.astype(int), axis=1) == 1).all()
            steps = np.unique(np.diff(columns.astype(int), axis=2), axis=2)
            assert steps.shape[2] == 1 and set(steps.ravel()) <= {-1, 1}
            mirrored.extend(steps[:, 0, 0] == -1)
            starts.update(zip(rows[:, 0, 0].tolist(), columns.min(axis=(1, 2)).tolist(), strict=True))
            # the whole box is in view
            np.testing.assert_array_equal(mask.sum(axis=(1, 2, 3)), [whole_area(boxes[n]) for n in number])
        assert 0.3 < np.mean(mirrored) < 0.7
        assert len(starts) > 15

    def test_a_box_larger_than_the_window_is_cut_inside(self, monkeypatch, storage):
        serve(monkeypatch, train=[coordinates(0, 40, LOAD, (0, 5, LOAD, 35))])
        rows = {y[0, 0, 0, 0] - 1 for _, y, _ in batches(60, batch_size=1, storage=storage)}
        assert min(rows) >= 5 and max(rows) <= 35 - SIZE and len(rows) > 8

    def test_no_flip(self, monkeypatch, storage):
        serve(monkeypatch, train=[coordinates(i) for i in range(4)])
        for _, y, _ in batches(8, config(data={"flip": False}), storage=storage):
            assert (np.diff(y[..., 1].astype(int), axis=2) == 1).all()

    def test_every_picture_once_an_epoch_in_an_order_of_its_own(self, monkeypatch, storage):
        serve(monkeypatch, train=[coordinates(i) for i in range(12)])
        orders = []
        drawn = batches(9, storage=storage)
        for epoch in range(3):
            orders.append([n for _, y, _ in drawn[3 * epoch : 3 * epoch + 3] for n in y[:, 0, 0, 2].tolist()])
            assert sorted(orders[-1]) == list(range(12))
        assert orders[0] != orders[1] != orders[2] != orders[0]

    def test_what_does_not_fill_a_batch_changes(self, monkeypatch, storage):
        serve(monkeypatch, train=[coordinates(i) for i in range(7)])
        left_out = set()
        for _, y, _ in batches(20, storage=storage):
            left_out.add(frozenset(range(7)) - set(y[:, 0, 0, 2].tolist()))
        assert len(left_out) > 3 and all(len(numbers) == 3 for numbers in left_out)

    @pytest.mark.parametrize("start", [1, 3, 4, 7])
    def test_a_run_that_continues_sees_the_same(self, monkeypatch, storage, start):
        serve(monkeypatch, train=[coordinates(i) for i in range(14)])
        settings = config(deidentify={"train_block_size": [0.2, 0.6]})
        whole = batches(9, settings, storage=storage)
        assert_equal(whole[start:], batches(9 - start, settings, start_step=start, storage=storage))

    def test_another_seed_gives_other_batches(self, monkeypatch, storage):
        serve(monkeypatch, train=[coordinates(i) for i in range(40)])
        first, second = batches(3, seed=1, storage=storage), batches(3, seed=2, storage=storage)
        assert not any((a[1] == b[1]).all() for a, b in zip(first, second, strict=True))

    def test_global_seed_and_generators_do_not_matter(self, monkeypatch, storage):
        serve(monkeypatch, train=[coordinates(i) for i in range(12)])
        tf.random.set_seed(5)
        first = batches(4, storage=storage)
        tf.random.set_seed(6)
        np.random.seed(7)
        assert_equal(first, batches(4, storage=storage))

    def test_all_faces_are_hidden(self, monkeypatch, storage):
        two = Example("two", coordinates(0).picture, np.float32([[6, 6, 10, 10], [10, 6, 14, 9]]), has_person=False)
        serve(monkeypatch, train=[two, coordinates(1, box=(6, 6, 10, 10))])
        for _, y, mask in batches(4, batch_size=2, storage=storage):
            area = dict(zip(y[:, 0, 0, 2].tolist(), mask.sum(axis=(1, 2, 3)).tolist(), strict=True))
            assert area == {0: 4 * 4 + 4 * 3, 1: 4 * 4}


def whole_area(box):
    centres = np.arange(40) + 0.5
    return np.prod([((centres >= box[i]) & (centres < box[i + 2])).sum() for i in (0, 1)])


class TestStrength:
    def widths(self, **deidentify):
        """Widths of the first block of mosaics of a face of 12 x 4."""
        settings = config(data={"load_scale": 1.0, "flip": False}, deidentify=deidentify)
        found = []
        for x, _, _ in batches(40, settings):
            row = x[:, 6, 2:14, 1]
            found.extend((row == row[:, :1]).sum(axis=1))
        return found

    @pytest.fixture(autouse=True)
    def source(self, monkeypatch):
        serve(monkeypatch, train=[coordinates(i, SIZE, SIZE, (2, 5, 14, 9)) for i in range(4)])

    def test_is_drawn_from_the_range(self):
        found = self.widths(unit="pixels", train_block_size=[1.6, 4.4])
        assert set(found) == {2, 3, 4}

    def test_is_relative_to_the_face(self):
        assert set(self.widths(train_block_size=[0.25, 0.25])) == {3}
        assert set(self.widths(train_block_size=[0.5, 0.5])) == {6}


def test_enlarged_pictures_are_resized_before_they_are_cut(monkeypatch):
    flat = Example("flat", np.full((50, 40, 4), 9, np.uint8), np.float32([[10, 20, 20, 30]]), has_person=False)
    serve(monkeypatch, train=[flat])
    for _, y, mask in batches(4, config(deidentify={"method": "box"}), batch_size=1):
        assert (y == 9).all()
        assert mask.sum() == 5 * 5  # 40 x 50 becomes 20 x 25, so the face has half its size


def test_steps_per_epoch(monkeypatch):
    assert steps_per_epoch(11, 4) == 2
    assert steps_per_epoch(4, 4) == 1
    with pytest.raises(UserError, match="11 pictures, fewer than training.batch_size=12"):
        steps_per_epoch(11, 12)
    serve(monkeypatch, train=[coordinates(i) for i in range(3)])
    with pytest.raises(UserError, match="3 pictures, fewer than training.batch_size=4"):
        batches(1)


def test_no_training_pictures(monkeypatch):
    serve(monkeypatch, val=[coordinates(0)])
    with pytest.raises(UserError, match="the train split of unused is empty"):
        load_training_pictures(config().data)


@pytest.mark.parametrize("shape", [(40, 40), (33, 47), (61, 45), (20, 20), (12, 15)])
def test_streamed_pictures_are_resized_as_cached_ones_are(shape):
    y, x = np.mgrid[: shape[0], : shape[1]] * np.float32(255) / max(shape)
    picture = np.dstack([y, x, 255 - y]).astype(np.uint8)
    boxes = np.float32([[2, 3, 9, 11]])
    expected = cover(Example("", picture, boxes, has_person=False), (LOAD, LOAD))
    resized, resized_boxes = cover_in_graph(tf.constant(picture), tf.constant(boxes), (LOAD, LOAD))
    assert resized.shape == expected.picture.shape and min(resized.shape[:2]) == LOAD
    np.testing.assert_allclose(resized_boxes, expected.boxes, rtol=1e-6)
    assert np.abs(resized.numpy().astype(int) - expected.picture).mean() < 1


class TestEvaluationExamples:
    def examples(self, settings=None, split="val", batch_size=4):
        settings = settings or config()
        dataset = evaluation_examples(settings.data, settings.deidentify, split, batch_size)
        return [{key: value.numpy() for key, value in batch.items()} for batch in dataset]

    def test_keys_shapes_types_and_order(self, monkeypatch):
        serve(monkeypatch, val=[coordinates(i, person=True) for i in range(6)])
        found = self.examples()
        assert [len(batch["path"]) for batch in found] == [4, 2]
        assert [path for batch in found for path in batch["path"]] == [f"{i:03d}".encode() for i in range(6)]
        assert {key: (value.shape[1:], value.dtype.name) for key, value in found[0].items()} == {
            "x": ((SIZE, SIZE, 3), "uint8"),
            "y": ((SIZE, SIZE, 3), "uint8"),
            "mask": ((SIZE, SIZE, 1), "float32"),
            "person": ((SIZE, SIZE, 1), "uint8"),
            "has_person": ((), "bool"),
            "box": ((4,), "float32"),
            "boxes": ((1, 4), "float32"),
            "block": ((), "float32"),
            "path": ((), "object"),
        }

    def test_is_the_same_every_time(self, monkeypatch):
        serve(monkeypatch, test=[coordinates(i) for i in range(3)])
        first, second = self.examples(split="test"), self.examples(split="test")
        for key in first[0]:
            np.testing.assert_array_equal(first[0][key], second[0][key])

    def test_the_whole_picture_is_resized_with_box_person_and_block(self, monkeypatch):
        big = coordinates(7, 2 * SIZE, 2 * SIZE, (4, 8, 24, 28), person=True)
        serve(monkeypatch, val=[big])
        ((batch),) = self.examples()
        np.testing.assert_allclose(batch["box"], [[2, 4, 12, 14]])
        np.testing.assert_allclose(batch["boxes"], [[[2, 4, 12, 14]]])
        np.testing.assert_allclose(batch["block"], [2])  # a fifth of the face's 10 pixels
        np.testing.assert_allclose(batch["y"][0, :, 0, 0], np.arange(SIZE) * 2 + 1.5, atol=0.5)  # means of two rows
        np.testing.assert_array_equal(batch["person"][0, 0, :, 0], np.arange(SIZE) >= 5)
        assert batch["has_person"][0]
        np.testing.assert_array_equal(batch["x"], mosaic(batch["y"], batch["box"], batch["block"]))
        assert batch["mask"].sum() == 100

    @pytest.mark.parametrize(("x0", "left"), [(13, 12), (0, 0), (2, 2), (34, 24)])
    def test_wide_photos_are_cut_near_the_middle_with_the_face(self, monkeypatch, x0, left):
        serve(monkeypatch, val=[coordinates(0, SIZE, 40, (x0, 3, x0 + 6, 9))])
        (batch,) = self.examples()
        np.testing.assert_array_equal(batch["y"][0, 0, :, 1], np.arange(SIZE) + left + 1)
        np.testing.assert_allclose(batch["box"], [[x0 - left, 3, x0 - left + 6, 9]])

    def test_scale_enlarges_the_region_not_the_face(self, monkeypatch):
        serve(monkeypatch, val=[coordinates(0, SIZE, SIZE, (4, 4, 8, 8))])
        (batch,) = self.examples(config(deidentify={"scale": 2.0, "block_size": 0.5}))
        assert batch["mask"].sum() == 64
        np.testing.assert_allclose(batch["box"], [[4, 4, 8, 8]])
        np.testing.assert_allclose(batch["block"], [2])

    def test_faces_are_filled_up(self, monkeypatch):
        two = Example("two", np.zeros((SIZE, SIZE, 4), np.uint8), np.float32([[1, 1, 3, 3], [5, 5, 9, 9]]), False)
        serve(monkeypatch, val=[two, coordinates(1, SIZE, SIZE, (2, 2, 6, 6))])
        (batch,) = self.examples()
        np.testing.assert_array_equal(batch["boxes"][1, 1], np.zeros(4))
        np.testing.assert_array_equal(batch["mask"].sum(axis=(1, 2, 3)), [4 + 16, 16])

    def test_an_empty_split_is_an_error(self, monkeypatch):
        serve(monkeypatch, train=[coordinates(0)])
        with pytest.raises(UserError, match="the val split of unused is empty"):
            self.examples()


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
