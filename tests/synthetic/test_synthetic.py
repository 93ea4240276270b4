import hashlib
import os
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from keras_deid.synthetic import draw_scene, synthetic_examples
from keras_deid.synthetic import scene as scene_module
from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.examples import scene_seed
from keras_deid.synthetic.person import draw_person
from keras_deid.synthetic.pose import Pose
from keras_deid.synthetic.sketch import Sketch, mirrored, smooth
from keras_deid.synthetic.views import VIEWS

SIZE = 64


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(seed, SIZE) for seed in range(120)]


def digest(first, last, size):
    whole = hashlib.sha256()
    for seed in range(first, last):
        for array in draw_scene(seed, size):
            whole.update(array.tobytes())
    return whole.hexdigest()


# --- a scene ---


def test_a_scene_has_the_promised_form(scenes):
    for scene in scenes:
        assert scene.image.shape == (SIZE, SIZE, 3) and scene.image.dtype == np.uint8
        assert scene.person.shape == (SIZE, SIZE) and scene.person.dtype == np.uint8
        assert set(np.unique(scene.person)) == {0, 1}
        assert scene.box.shape == (4,) and scene.box.dtype == np.float32


def test_the_face_box_is_inside_the_picture_and_as_large_as_in_a_face_crop(scenes):
    boxes = np.array([scene.box for scene in scenes])
    assert (boxes >= 0).all() and (boxes <= SIZE).all()
    width, height = (boxes[:, 2] - boxes[:, 0]) / SIZE, (boxes[:, 3] - boxes[:, 1]) / SIZE
    assert width.min() > 0.2 and width.max() < 0.5
    assert height.min() > 0.28 and height.max() < 0.5
    assert height.std() > 0.02


def test_the_person_covers_the_face(scenes):
    for scene in scenes:
        x0, y0, x1, y1 = scene.box
        y, x = np.mgrid[:SIZE, :SIZE] + 0.5
        inner = ((x - (x0 + x1) / 2) / (0.36 * (x1 - x0))) ** 2 + ((y - (y0 + y1) / 2) / (0.42 * (y1 - y0))) ** 2 < 1
        assert scene.person[inner].all()


def test_the_person_takes_a_fair_share_of_the_picture_down_to_its_lower_edge(scenes):
    for scene in scenes:
        assert 0.2 < scene.person.mean() < 0.75
        assert scene.person[-1].any()
        assert not scene.person[0].all()


def test_the_person_mask_is_where_the_person_is_painted(monkeypatch):
    # The same street without its person differs on the mask, and else only on the pixels along its edge.
    def draw_nobody(chance, size):
        person, box = draw_person(chance, size)
        return np.zeros_like(person), box

    for seed in range(8):
        scene = draw_scene(seed, SIZE)
        with monkeypatch.context() as patch:
            patch.setattr(scene_module, "draw_person", draw_nobody)
            empty = draw_scene(seed, SIZE)
        differs = (scene.image != empty.image).any(axis=2)
        along = cv2.dilate(scene.person, np.ones((3, 3), np.uint8))
        assert not differs[along == 0].any()
        assert differs[scene.person == 1].mean() > 0.95
        assert empty.person.sum() == 0


def test_eyes_are_darker_than_the_cheeks_below_them():
    # What a restorer has to put back into a mosaic is really there, at the height where it expects it.
    darker = 0
    for seed in range(100):
        scene = draw_scene(seed, 128)
        grey = scene.image.astype(float).mean(axis=2)
        x0, y0, x1, y1 = scene.box
        columns = slice(int(x0 + 0.2 * (x1 - x0)), int(x1 - 0.2 * (x1 - x0)))
        eyes = grey[int(y0 + 0.36 * (y1 - y0)) : int(y0 + 0.52 * (y1 - y0)), columns]
        cheeks = grey[int(y0 + 0.56 * (y1 - y0)) : int(y0 + 0.66 * (y1 - y0)), columns]
        darker += np.percentile(eyes, 10) < np.percentile(cheeks, 10) - 5
    assert darker >= 85


def test_a_scene_is_the_same_at_every_size():
    for seed in range(6):
        small, large = draw_scene(seed, 64), draw_scene(seed, 128)
        np.testing.assert_allclose(large.box, 2 * small.box, rtol=1e-5)
        halved = cv2.resize(large.image, (64, 64), interpolation=cv2.INTER_AREA)
        assert np.abs(halved.astype(int) - small.image).mean() < 8
        halved = cv2.resize(large.person * 255, (64, 64), interpolation=cv2.INTER_AREA) >= 128
        assert (halved != small.person).mean() < 0.02


@pytest.mark.parametrize("size", [16, 33, 200])
def test_other_sizes_can_be_drawn(size):
    scene = draw_scene(3, size)
    assert scene.image.shape == (size, size, 3)
    assert scene.person.mean() > 0.2


def test_people_and_streets_differ(scenes):
    skins, corners, clothes = [], [], []
    for scene in scenes:
        x0, y0, x1, y1 = scene.box.astype(int)
        skins.append(scene.image[(y0 + y1) // 2 : (y0 + 2 * y1) // 3, x0 + 4 : x1 - 4].mean(axis=(0, 1)))
        street = scene.person == 0
        corners.append(scene.image[street].mean(axis=0))
        clothes.append(scene.image[-3:, (x0 + x1) // 2 - 2 : (x0 + x1) // 2 + 2].mean(axis=(0, 1)))
    skins, corners, clothes = np.array(skins), np.array(corners), np.array(clothes)
    brightness = skins.mean(axis=1)
    assert np.percentile(brightness, 10) < 95 and np.percentile(brightness, 90) > 160
    # Skin of every depth is redder than it is blue.
    assert (skins[:, 0] > skins[:, 2]).mean() > 0.97
    assert corners.std(axis=0).min() > 20
    assert clothes.std(axis=0).min() > 40


def test_heads_turn_both_ways_and_stand_in_different_places(scenes):
    middles = np.array([(scene.box[:2] + scene.box[2:]) / 2 for scene in scenes]) / SIZE
    assert middles.std(axis=0).min() > 0.02
    assert 0.45 < middles[:, 0].mean() < 0.55


def test_every_view_is_drawn():
    for view in set(VIEWS):
        sketch = Sketch()
        above, below = view(sketch.pen(lambda points: points), Chance(1))
        canvas = np.zeros((32, 32, 3), np.uint8)
        sketch.paint(canvas)
        assert (canvas.max(axis=2) > 0).mean() > 0.2
        assert len(above) == len(below) == 4


@pytest.mark.parametrize(("seed", "size"), [(-1, 64), (0, 15)])
def test_arguments_out_of_range_are_refused(seed, size):
    with pytest.raises(ValueError, match="Received"):
        draw_scene(seed, size)


# --- always the same ---


def test_another_process_draws_the_same_pictures():
    code = (
        "import hashlib\n"
        "from keras_deid.synthetic import draw_scene\n"
        "whole = hashlib.sha256()\n"
        "for seed in range(12):\n"
        "    for array in draw_scene(seed, 64):\n"
        "        whole.update(array.tobytes())\n"
        "print(whole.hexdigest())\n"
    )
    # Python's own hashes differ from process to process and must not matter.
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert result.stdout.strip() == digest(0, 12, 64)


def test_drawing_other_scenes_between_changes_nothing():
    first = draw_scene(5, SIZE)
    for seed in (9, 2, 71):
        draw_scene(seed, 96)
    again = draw_scene(5, SIZE)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_chance_is_python_s_sequence_on_every_machine():
    chance = Chance(42)
    # The first numbers of `random.Random(42)`, which Python promises to keep.
    assert chance.between(0, 10) == pytest.approx(6.394267984578837)
    assert chance.happens(0.02501) is False
    assert chance.around(1, 2) == pytest.approx(1 + 2 * (0.27502931836911926 - 0.22321073814882275))
    assert chance.whole(0, 9) == 7
    assert chance.pick("abcdefghij") == "g"


# --- shapes ---


def test_a_box_is_painted_on_its_pixels():
    sketch = Sketch()
    sketch.pen(lambda points: points).box(0.25, 0.5, 0.75, 1.0, (10, 20, 30, 255))
    canvas = np.zeros((8, 8, 4), np.uint8)
    sketch.paint(canvas)
    assert (canvas[4:8, 2:6, 3] == 255).all()
    # OpenCV's smooth edges reach about half a pixel further.
    reached = canvas[:, :, 3] > 40
    assert not reached[:3].any() and not reached[:, :1].any() and not reached[:, 7:].any()
    np.testing.assert_array_equal(canvas[5, 3], (10, 20, 30, 255))


def test_later_strokes_cover_earlier_ones_of_another_pen():
    sketch = Sketch()
    first, second = sketch.pen(lambda points: points), sketch.pen(lambda points: points / 2)
    second.oval(1.0, 1.0, 1.0, 1.0, (0, 0, 200, 255))
    first.lens(0.5, 0.5, 0.4, 0.3, 0.3, (200, 0, 0, 255))
    second.box(0.9, 0.9, 1.1, 1.1, (0, 200, 0, 255))
    canvas = np.zeros((40, 40, 3), np.uint8)
    sketch.paint(canvas)
    assert tuple(canvas[20, 20]) == (0, 200, 0)
    assert tuple(canvas[12, 20]) == (200, 0, 0)
    assert tuple(canvas[4, 20]) == (0, 0, 200)


def test_a_smooth_curve_passes_through_its_corners():
    corners = mirrored([(0.0, -1.0), (1.0, 0.0), (0.0, 1.0)])
    assert corners == [(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)]
    curve = smooth(corners)
    assert curve.shape == (12, 2)
    np.testing.assert_allclose(curve[::3], corners, atol=1e-12)
    # A third of the way from the top to the right, by the spline's weights (-2, 21, 9, -1) / 27.
    np.testing.assert_allclose(curve[1], (11 / 27, -22 / 27))


def test_a_head_that_looks_right_moves_its_nose_more_than_its_eyes():
    ahead = Pose(0.5, 0.5, 0.2, 0.8, yaw=0.0, pitch=0.0, roll=0.0)
    aside = ahead._replace(yaw=0.3)
    points = np.array([(0.0, 0.24), (0.36, -0.12), (-0.36, -0.12)])
    np.testing.assert_allclose(ahead.turn(points)[:, 0], points[:, 0])
    moved = aside.turn(points)[:, 0] - points[:, 0]
    assert moved[0] > moved[1] > 0 and moved[0] > moved[2] > 0
    # A quarter turn clockwise carries right to down.
    leaning = ahead._replace(roll=np.pi / 2)
    np.testing.assert_allclose(leaning.place(np.array([(1.0, 0.0)])), [(0.5, 0.7)], atol=1e-12)


# --- the data set ---


def test_examples_are_the_scenes_of_their_split():
    examples = list(synthetic_examples("val", SIZE, count=19, seed=2).as_numpy_iterator())
    assert len(examples) == 19
    for index, example in enumerate(examples):
        scene = draw_scene(scene_seed("val", index, 2), SIZE)
        np.testing.assert_array_equal(example["image"], scene.image)
        np.testing.assert_array_equal(example["box"], scene.box)
        np.testing.assert_array_equal(example["person"], scene.person)
        assert example["has_person"]
        assert example["path"] == f"synthetic/val/{index:06d}".encode()


def test_the_form_of_the_examples_is_known_before_they_are_drawn():
    spec = synthetic_examples("train", SIZE, count=None).element_spec
    assert {name: (tuple(part.shape), part.dtype.name) for name, part in spec.items()} == {
        "image": ((SIZE, SIZE, 3), "uint8"),
        "box": ((4,), "float32"),
        "person": ((SIZE, SIZE), "uint8"),
        "has_person": ((), "bool"),
        "path": ((), "string"),
    }


def test_examples_continue_from_an_offset():
    whole = list(synthetic_examples("train", 32, count=23).as_numpy_iterator())
    rest = list(synthetic_examples("train", 32, count=5, start=18).as_numpy_iterator())
    assert [example["path"] for example in rest] == [example["path"] for example in whole[18:]]
    for one, other in zip(rest, whole[18:], strict=True):
        np.testing.assert_array_equal(one["image"], other["image"])


def test_starting_far_away_draws_nothing_before():
    start = time.perf_counter()
    example = next(synthetic_examples("train", 32, count=None, start=10**9).as_numpy_iterator())
    assert example["path"] == b"synthetic/train/1000000000"
    assert time.perf_counter() - start < 10


def test_an_endless_data_set_goes_on():
    paths = [example["path"] for example in synthetic_examples("test", 16, count=None).take(40).as_numpy_iterator()]
    assert len(set(paths)) == 40


def test_no_scene_is_in_two_splits():
    seeds = [
        scene_seed(split, index, seed) for split in ("train", "val", "test") for index in range(50) for seed in range(3)
    ]
    assert len(set(seeds)) == len(seeds)
    pictures = {
        example["image"].tobytes()
        for split in ("train", "val", "test")
        for example in synthetic_examples(split, 16, count=8).as_numpy_iterator()
    }
    assert len(pictures) == 24


@pytest.mark.parametrize(
    "arguments",
    [
        {"split": "training"},
        {"size": 8},
        {"count": -1},
        {"seed": -1},
        {"start": -1},
    ],
)
def test_data_set_arguments_out_of_range_are_refused(arguments):
    with pytest.raises(ValueError, match="Received"):
        synthetic_examples(**{"split": "train", "size": 32, "count": 1, **arguments})


def test_drawing_is_fast():
    # 600 to 850 a second on one core; the bound leaves room for a busy machine.
    for seed in range(10):
        draw_scene(seed, SIZE)
    start = time.thread_time()
    for seed in range(100):
        draw_scene(seed, SIZE)
    assert 100 / (time.thread_time() - start) > 120
