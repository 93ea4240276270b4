import dataclasses

import numpy as np
import pytest

from keras_deid.explain.groups import GROUPED_BY, clothing_colour, edge_density, groups_of, names_of
from keras_deid.explain.pictures import Pictures

HEIGHT, WIDTH = 48, 32
FACE = (12, 4, 20, 12)
NO_FACE = (0, 0, 0, 0)


def person_of(colour, background, faces):
    """A face, a torso of one colour below it, and white legs; the background is grey, or a chessboard of two greys."""
    picture = np.full((HEIGHT, WIDTH, 3), background[0], np.uint8)
    picture[(np.indices((HEIGHT, WIDTH)) // 2).sum(axis=0) % 2 == 1] = background[-1]
    person, mask = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), bool)
    person[4:44, 10:22] = True
    picture[4:12, 10:22] = (224, 172, 140)
    picture[12:36, 10:22] = colour
    picture[36:44, 10:22] = 255
    mask[4:12, 12:20] = True
    boxes = [FACE, *faces]
    return picture, mask, person, np.array([*boxes, *[NO_FACE] * (4 - len(boxes))], np.float32)


@pytest.fixture
def people():
    made = [
        person_of((20, 20, 24), [120], []),
        person_of((230, 230, 225), [40], []),
        person_of((200, 30, 40), [90, 250], [(2, 2, 6, 8)]),
        person_of((30, 60, 190), [120], [(2, 2, 6, 8), (24, 2, 28, 8), (30, 2, 38, 8)]),
    ]
    y, mask, person, boxes = (np.stack(parts) for parts in zip(*made, strict=True))
    x = np.where(mask[..., None], 128, y).astype(np.uint8)
    return Pictures(x, y, mask, person, tuple("abcd"), boxes)


def test_people_are_told_apart(people):
    assert {by: names_of(people, by) for by in GROUPED_BY} == {
        "clothes": ["dark", "light", "red", "blue"],
        "background": ["plain", "plain", "busy", "plain"],
        "background's brightness": ["bright", "dark", "bright", "bright"],
        # The middle of the last face is out of the picture.
        "people": ["1", "1", "2", "3 or more"],
    }
    groups = {(group.by, group.name): group.members.tolist() for group in groups_of(people)}
    assert groups["people", "1"] == [True, True, False, False]
    assert groups["background", "busy"] == [False, False, True, False]
    assert [name for by, name in groups if by == "clothes"] == ["dark", "light", "red", "blue"]


def test_what_is_not_known_has_no_group(people):
    nobody = dataclasses.replace(people, person=np.zeros_like(people.person))
    assert {group.by for group in groups_of(nobody)} == {"people"}
    pairs = dataclasses.replace(people, boxes=None)
    assert {group.by for group in groups_of(pairs)} == {"background", "background's brightness"}


def test_a_kind_that_tells_nothing_apart_has_no_groups(people):
    alike = Pictures(
        *(np.repeat(part[:1], 2, axis=0) for part in (people.x, people.y, people.mask, people.person)), "ab"
    )
    assert groups_of(alike) == []


def test_the_face_and_the_legs_are_no_clothes(people):
    """Without the rule the white legs, or the face, would count with a torso that is half as large."""
    small = dataclasses.replace(people, boxes=people.boxes[:, :1] * [[[1, 1, 1, 1]]])
    picture = small.y.copy()
    picture[0, 18:36, 10:22] = 255  # only six rows of dark clothes, then white down to the end of the torso
    assert names_of(dataclasses.replace(small, y=picture), "clothes")[0] == "light"
    assert names_of(small, "clothes")[0] == "dark"


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0, 0, 0), "dark"),
        ((60, 60, 64), "dark"),
        ((128, 128, 128), "grey"),
        ((255, 255, 255), "light"),
        ((0, 0, 60), "dark"),
        ((200, 20, 30), "red"),
        ((150, 100, 50), "yellow or brown"),
        ((230, 210, 40), "yellow or brown"),
        ((30, 130, 50), "green"),
        ((40, 70, 160), "blue"),
        ((140, 50, 150), "purple"),
    ],
)
def test_names_of_colours(colour, name):
    assert clothing_colour(np.full((4, 4, 3), colour, np.uint8), np.ones((4, 4), bool)) == name


def test_most_pixels_decide_and_few_say_nothing():
    picture = np.zeros((10, 20, 3), np.uint8)
    picture[:6] = (200, 20, 30)
    assert clothing_colour(picture, np.ones((10, 20), bool)) == "red"
    assert clothing_colour(picture, np.arange(200).reshape(10, 20) > 197) == "dark"
    assert clothing_colour(picture, np.arange(200).reshape(10, 20) > 198) is None


def test_edges_of_the_background():
    """A step of 40 grey levels makes an edge of the two columns beside it; the rest is flat."""
    picture = np.zeros((10, 20, 3), np.uint8)
    picture[:, 10:] = 40
    whole = np.ones((10, 20), bool)
    assert edge_density(picture, whole) == pytest.approx(2 / 20)
    whole[:, 8:12] = False
    assert edge_density(picture, whole) == 0
