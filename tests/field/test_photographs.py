import numpy as np
import pytest
from PIL import Image

from keras_deid.data.faces import Face
from keras_deid.data.images import ImageError
from keras_deid.data.split import path_key, split_of
from keras_deid.errors import UserError
from keras_deid.field.photographs import (
    ALL,
    DetectedFaces,
    ListedFaces,
    find_photographs,
    read_photograph,
    select,
)

PIXELS = np.zeros((50, 80, 3), np.uint8)


@pytest.fixture
def listed(tmp_path):
    def read(*lines):
        path = tmp_path / "boxes.csv"
        path.write_text("\n".join(["path,x0,y0,x1,y1", *lines]) + "\n")
        return ListedFaces(path, {"a.png": path, "b/c.png": path})

    return read


def test_photographs_have_their_path_as_name(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("a.png", "b/c.jpg"):
        Image.fromarray(PIXELS).save(tmp_path / name)
    assert find_photographs(tmp_path) == {"a.png": tmp_path / "a.png", "b/c.jpg": tmp_path / "b" / "c.jpg"}


def test_a_folder_without_photographs_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no picture in it"):
        find_photographs(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        find_photographs(tmp_path / "nowhere")


def test_the_split_is_that_of_prepare(tmp_path):
    names = {f"{number:04}.jpg": tmp_path for number in range(300)}
    kept = {split: set(select(names, split)) for split in ("train", "val", "test")}
    assert set.union(*kept.values()) == set(names) and sum(map(len, kept.values())) == 300
    assert 15 < len(kept["test"]) < 50
    assert all(split_of(path_key(name), 0.1, 0.1) == split for split, chosen in kept.items() for name in chosen)
    assert select(names, ALL) == names
    assert list(select(names, ALL, 3)) == ["0000.jpg", "0001.jpg", "0002.jpg"]
    assert len(select(names, "test", 2)) == 2


def test_an_empty_split_is_one_line(tmp_path):
    name = next(f"{number}.png" for number in range(100) if split_of(str(number), 0.1, 0.1) == "train")
    with pytest.raises(UserError, match="none of the 1 photographs belongs to the split test; try --split all"):
        select({name: tmp_path}, "test")


def test_small_faces_are_left_out():
    boxes = [(0.0, 0.0, 16.0, 40.0), (0.0, 0.0, 15.9, 40.0), (20.0, 20.0, 40.0, 35.0)]

    class Detector:
        def detect(self, image):
            return [Face(box, 0.9, ()) for box in boxes]

    assert DetectedFaces(Detector()).faces("a.png", PIXELS) == boxes[:1]


def test_listed_faces(listed):
    faces = listed("a.png,-5,10,30,40", "b/c.png,1,1,20,20", "a.png,0,0,10,40")
    assert faces.faces("a.png", PIXELS) == [(0, 10, 30, 40)]  # cut to the picture; the other one is small
    assert faces.faces("b/c.png", PIXELS) == [(1, 1, 20, 20)]
    assert listed("b/c.png,1,1,20,20").faces("a.png", PIXELS) == []


def test_a_box_outside_is_said_and_the_others_are_used(listed, caplog):
    faces = listed("a.png,90,10,120,40", "./a.png,10,10,40,40").faces("a.png", PIXELS)
    assert faces == [(10, 10, 40, 40)]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.endswith("boxes.csv:2: the box 90,10,120,40 lies outside of a.png, which is 80 x 50 pixels")


def test_a_box_of_an_unknown_photograph_is_one_line(listed):
    with pytest.raises(UserError, match=r"boxes.csv:3: there is no file d.png"):
        listed("a.png,1,1,20,20", "d.png,1,1,20,20")


def test_other_boxes_are_other_settings(listed):
    assert listed("a.png,1,1,20,20").settings != listed("a.png,1,1,20,21").settings


@pytest.mark.parametrize("size", [(31, 80), (80, 31)])
def test_a_small_photograph_is_not_taken(tmp_path, size):
    Image.new("RGB", size).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=f"too small \\({size[0]} x {size[1]}, less than 32"):
        read_photograph(tmp_path / "a.png")
