import numpy as np
import pytest
import tensorflow as tf

from keras_deid.data.sources import Example
from keras_deid.data.training_batches import steps_per_epoch
from keras_deid.data.training_pictures import load_training_pictures
from keras_deid.errors import UserError

from .conftest import LOAD, SIZE, assert_equal, batches, config, coordinates, endless, serve, take

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
