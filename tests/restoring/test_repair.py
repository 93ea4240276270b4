import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_deid.restoring import repair
from keras_deid.restoring.crop_batches import BATCH_SIZE
from keras_deid.restoring.found import Region
from keras_deid.restoring.repair import restore_regions
from keras_deid.restoring.views import VIEWS

from .conftest import Fake

RED = (250, 0, 10)


def red(batch):
    return np.broadcast_to(np.uint8(RED), batch.shape).copy()


def noise(height=60, width=80, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def smooth(height, width):
    rows, columns = np.mgrid[:height, :width]
    waves = [127 + 100 * np.sin((rows + 2 * columns) / 40 + phase) for phase in range(3)]
    return np.rint(np.dstack(waves)).astype(np.uint8)


def inside(picture, *boxes):
    mask = np.zeros(picture.shape[:2], bool)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask


BOXES = [
    (10, 20, 30, 40),
    (0, 0, 9, 15),
    (70, 45, 80, 60),  # at the border
    (0, 0, 80, 60),  # all of the picture
    (20, 0, 60, 60),  # as high as the picture: the square reaches beyond it
    (40, 30, 41, 31),
]


@pytest.mark.parametrize("size", [(16, 16), (16, 24)])
@pytest.mark.parametrize("box", BOXES)
def test_what_is_painted_is_in_the_region_alone(box, size):
    before = noise()
    (restored,) = restore_regions(Fake(red, size), [before], [[Region(box)]])
    expected = np.where(inside(before, box)[..., None], np.uint8(RED), before)
    np.testing.assert_array_equal(restored, expected)
    np.testing.assert_array_equal(before, noise())


@pytest.mark.parametrize("box", BOXES)
def test_a_model_that_changes_nothing_changes_nothing_at_its_own_size(box):
    side = max(box[2] - box[0], box[3] - box[1])
    before = noise()
    (restored,) = restore_regions(Fake(size=(side, side), context=1.0), [before], [[Region(box)]])
    np.testing.assert_array_equal(restored, before)


@pytest.mark.parametrize("adds_detail", [False, True])
def test_a_model_that_changes_nothing_leaves_smooth_pictures_as_they_are(adds_detail):
    before = smooth(300, 400)
    model = Fake(size=(64, 64), context=1.25, adds_detail=adds_detail)
    (restored,) = restore_regions(model, [before], [[Region((100, 40, 260, 250))]])
    assert np.abs(restored.astype(int) - before).max() <= 3


def test_the_opacity_mixes_the_answer_with_the_picture():
    opacity = np.zeros((10, 20), np.float32)
    opacity[:, 5:] = 0.25
    opacity[:, 10:] = 1
    before = np.full((40, 50, 3), 100, np.uint8)
    (restored,) = restore_regions(Fake(red), [before], [[Region((12, 8, 32, 18), 0.9, opacity)]])
    np.testing.assert_array_equal(restored[8:18, 12:17], before[8:18, 12:17])
    assert restored[10, 20].tolist() == [138, 75, 78]  # 137.5, 75, 77.5, to even
    assert (restored[8:18, 22:32] == RED).all()
    outside = ~inside(before, (12, 8, 32, 18))
    np.testing.assert_array_equal(restored[outside], before[outside])


def test_where_regions_overlap_the_later_one_lies_on_top():
    seen = []

    def in_turn(batch):
        seen.append(batch)
        answers = (100, 200) * VIEWS  # of each view both
        return np.stack([np.full(crop.shape, value, np.uint8) for crop, value in zip(batch, answers, strict=True)])

    before = noise()
    regions = [Region((5, 5, 25, 25)), Region((15, 15, 35, 35))]
    (restored,) = restore_regions(Fake(in_turn, context=1.0), [before], [regions])
    assert (restored[10, 10] == 100).all() and (restored[20, 20] == 200).all() and (restored[30, 30] == 200).all()
    # Both are cut out of the picture as it came.
    (batch,) = seen
    assert len(batch) == VIEWS * 2 and np.unique(batch[1]).size > 100


def test_pictures_without_regions_are_the_same_arrays():
    pictures = [noise(seed=seed) for seed in range(3)]
    restored = restore_regions(Fake(red), pictures, [[], [Region((1, 1, 5, 5))], []])
    assert restored[0] is pictures[0] and restored[2] is pictures[2]
    assert (restored[1][1:5, 1:5] == RED).all()
    assert restore_regions(Fake(red), [], []) == []


def test_regions_of_several_pictures_go_through_the_model_together():
    model = Fake(red)
    pictures = [noise(seed=seed) for seed in range(3)]
    boxes = [(x, y, x + 8, y + 8) for x in range(0, 64, 8) for y in range(0, 16, 8)]
    restored = restore_regions(model, pictures, [[Region(box) for box in boxes]] * 3)
    assert [len(batch) for batch in model.batches] == [BATCH_SIZE] * 6  # four views of 48 regions
    for picture, result in zip(pictures, restored, strict=True):
        np.testing.assert_array_equal(result, np.where(inside(picture, *boxes)[..., None], np.uint8(RED), picture))


def test_the_model_sees_the_region_with_its_context():
    before = noise()
    model = Fake(size=(20, 20), context=2.0)
    restore_regions(model, [before], [[Region((30, 20, 40, 30))]])
    np.testing.assert_array_equal(model.batches[0][0], before[15:35, 25:45])


def test_beyond_the_picture_it_sees_its_edge_repeated():
    before = noise()
    model = Fake(size=(20, 20), context=2.0)
    restore_regions(model, [before], [[Region((0, 50, 10, 60))]])
    np.testing.assert_array_equal(model.batches[0][0], np.pad(before[45:60, :15], ((0, 5), (5, 0), (0, 0)), "edge"))


def test_the_answer_is_the_mean_of_all_views():
    ramp = np.arange(0, 40, 2, dtype=np.uint8)[None, None, :, None]  # what a model adds that knows left from right
    model = Fake(lambda batch: batch // 2 + ramp, size=(20, 20), context=1.0)
    before = noise()
    (restored,) = restore_regions(model, [before], [[Region((30, 20, 50, 40))]])
    (seen,) = model.batches
    np.testing.assert_array_equal(seen[0], before[20:40, 30:50])
    np.testing.assert_array_equal(seen[1][1:, 1:], before[20:39, 30:49])  # moved down and to the right
    np.testing.assert_array_equal(seen[1][0, 1:], before[20, 30:49])
    np.testing.assert_array_equal(seen[2:], seen[:2, :, ::-1])
    np.testing.assert_array_equal(restored[20:40, 30:50], before[20:40, 30:50] // 2 + 19)


# ---- Regions that are larger than the model -------------------------------------------------------------------------


def test_small_regions_are_restored_once():
    model = Fake(size=(64, 64), adds_detail=True, context=1.0)
    restore_regions(model, [noise(200, 200)], [[Region((10, 10, 106, 106))]])  # 96 is 1.5 times 64
    assert [batch.shape for batch in model.batches] == [(VIEWS, 64, 64, 3)]


def test_large_regions_are_restored_again_in_tiles_of_the_model_s_size():
    model = Fake(size=(64, 64), adds_detail=True, context=1.0)
    restore_regions(model, [noise(400, 400)], [[Region((10, 10, 210, 210))]])
    # At 64 pixels, at 128 and, as 200 is more than 1.5 times 128, at 256: tiles that overlap by a quarter.
    assert [batch.shape[1:] for batch in model.batches] == [(64, 64, 3)] * len(model.batches)
    assert [len(batch) for batch in model.batches] == [VIEWS, 9, 25]  # several views at 64 pixels alone


def test_without_detail_it_is_enlarged():
    model = Fake(red, size=(64, 64), adds_detail=False)
    restore_regions(model, [noise(400, 400)], [[Region((10, 10, 330, 330))]])
    assert [len(batch) for batch in model.batches] == [VIEWS]


def test_detail_that_the_tiles_add_arrives():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 40

    def detail(batch):
        return np.clip(batch.astype(int) + stripes, 0, 255).astype(np.uint8)

    before = np.full((300, 300, 3), 100, np.uint8)
    (restored,) = restore_regions(
        Fake(detail, size=(64, 64), adds_detail=True, context=1.0), [before], [[Region((50, 50, 178, 178))]]
    )
    seams = np.abs(np.diff(restored[50:178, 50:178, 0].astype(int), axis=1))
    assert np.median(seams) >= 30  # pixel by pixel: the finest detail that there is
    assert (restored[~inside(before, (50, 50, 178, 178))] == 100).all()


def test_tiles_leave_no_seams():
    before = smooth(420, 420)
    model = Fake(lambda batch: 255 - batch, size=(64, 64), adds_detail=True, context=1.0)
    (restored,) = restore_regions(model, [before], [[Region((20, 20, 148, 148))]])
    assert len(model.batches) == 2
    # The negative at 64 pixels stays: what tiles change as a whole is no detail.
    middle = np.s_[32:136, 32:136]  # at the region's edge, where the negative ends, is some
    assert np.abs(restored[middle].astype(int) - (255 - before[middle])).max() <= 3


def test_tiles_without_anything_of_the_region_are_left_out():
    opacity = np.zeros((256, 256), np.float32)
    opacity[:60, :60] = 1
    model = Fake(size=(64, 64), adds_detail=True, context=1.0)
    restore_regions(model, [noise(300, 300)], [[Region((0, 0, 256, 256), 1.0, opacity)]])
    assert sum(map(len, model.batches)) < 2 + 9 + 25


@pytest.mark.parametrize("side", [16, 24, 32, 40])
def test_small_models_have_tiles_as_well(side):
    before = smooth(300, 300)
    model = Fake(size=(side, side), adds_detail=True, context=1.25)
    (restored,) = restore_regions(model, [before], [[Region((40, 40, 240, 240))]])
    assert np.abs(restored.astype(int) - before).max() <= 40
    assert all(batch.shape[1:] == (side, side, 3) for batch in model.batches)


def test_hard_edges_do_not_overflow():
    opacity = np.zeros((100, 100), np.float32)
    opacity[20:80, 20:80] = 1
    before = np.full((200, 200, 3), 255, np.uint8)
    model = Fake(lambda batch: np.zeros_like(batch), size=(64, 64), adds_detail=True, context=1.0)
    restore_regions(model, [before], [[Region((30, 30, 130, 130), 1.0, opacity)]])
    (first, *tiles) = model.batches
    assert (first == 255).all()
    # White around, black within: where the opacity is enlarged, no level goes round from 255 to 0 or back.
    rows = np.concatenate(tiles)[..., 0].astype(int)
    assert np.abs(np.diff(rows, axis=2)).max() < 200


@settings(max_examples=40)
@given(st.data())
def test_only_the_regions_change(data):
    height, width = data.draw(st.integers(4, 60)), data.draw(st.integers(4, 60))
    x0, y0 = data.draw(st.integers(0, width - 2)), data.draw(st.integers(0, height - 2))
    box = (x0, y0, data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height)))
    before = np.full((height, width, 3), 10, np.uint8)
    model = Fake(red, (16, 24), context=data.draw(st.floats(1, 3)))
    (restored,) = restore_regions(model, [before], [[Region(box)]])
    np.testing.assert_array_equal(restored, np.where(inside(before, box)[..., None], np.uint8(RED), before))


def test_of_many_regions_only_a_batch_is_in_memory(monkeypatch):
    cut = []

    def cut_square(*words):
        cut.append(1)
        return original(*words)

    def change(batch):
        assert len(cut) <= len(model.batches) * BATCH_SIZE
        return 255 - batch

    original, model = repair.cut_square, Fake(change)
    monkeypatch.setattr(repair, "cut_square", cut_square)
    picture = noise(64, 64)
    boxes = [(x, y, x + 4, y + 4) for x in range(0, 60, 4) for y in range(0, 60, 4)]
    (restored,) = restore_regions(model, [picture], [[Region(box) for box in boxes]])
    assert len(cut) == len(boxes) and sum(map(len, model.batches)) == VIEWS * len(boxes)
    assert (restored[:60, :60] != picture[:60, :60]).any(axis=2).mean() > 0.9


@pytest.mark.parametrize("box", [(0, 5, 200, 35), (10, 5, 150, 35), (0, 0, 200, 40)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_region_longer_than_the_shorter_side_is_restored_as_a_whole(box, turned):
    picture = np.full((40, 200, 3), 10, np.uint8)
    picture[::2] = 30
    x0, y0, x1, y1 = box
    if turned:
        picture, box = np.ascontiguousarray(picture.swapaxes(0, 1)), (y0, x0, y1, x1)
    (restored,) = restore_regions(Fake(lambda batch: 255 - batch, context=1.25), [picture], [[Region(box)]])
    np.testing.assert_array_equal((restored != picture).any(axis=2), inside(picture, box))
