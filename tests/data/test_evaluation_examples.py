import numpy as np
import pytest

from keras_deid.data.deidentify import mosaic
from keras_deid.data.evaluation_examples import evaluation_batch, evaluation_examples
from keras_deid.data.sources import Example
from keras_deid.errors import UserError

from .conftest import SIZE, config, coordinates, serve


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


@pytest.mark.parametrize(
    ("size", "count"),
    [((64, 64), 16), ((128, 128), 16), ((192, 128), 10), ((256, 256), 4), ((256, 512), 2), ((1024, 1024), 1)],
)
def test_of_large_pictures_fewer_are_evaluated_at_a_time(size, count):
    assert evaluation_batch(size) == count
