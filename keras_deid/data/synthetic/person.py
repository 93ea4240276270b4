"""One person, from the chest up."""

import cv2
import numpy as np

from keras_deid.data.synthetic.body import add_neck, add_neckline, add_torso
from keras_deid.data.synthetic.chance import Chance
from keras_deid.data.synthetic.face import Face, add_beard, add_features, add_glasses, add_skull, choose_face
from keras_deid.data.synthetic.hair import add_back_hair, add_front_hair, add_hat, choose_hair
from keras_deid.data.synthetic.palette import PLAIN, cloth_colour, hair_colour, skin_colour
from keras_deid.data.synthetic.pose import Pose, choose_pose
from keras_deid.data.synthetic.sketch import Place, Sketch

# Drawn at twice the size and halved: with OpenCV's smooth edges this is as good as four times without.
_FINER = 2


def draw_person(chance: Chance, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a person on nothing.

    Args:
        chance: decides who, and in which pose.
        size: side of the picture in pixels.

    Returns:
        uint8 `(size, size, 4)`: RGB multiplied by coverage, and coverage; and the box around the face, float32 `(4,)`
        (x0, y0, x1, y1) in pixels.
    """
    pose = choose_pose(chance)
    skin = skin_colour(chance)
    hair_tint = hair_colour(chance, skin)
    face = choose_face(chance, pose, skin, hair_tint)
    short = chance.happens(0.5)
    hair = choose_hair(chance, hair_tint, short)
    cloth = cloth_colour(chance)

    neck_width = chance.between(0.46, 0.56) if short else chance.between(0.38, 0.46)
    shoulders = chance.between(1.9, 2.4) if short else chance.between(1.6, 2.0)
    lean = chance.around(0.6 * pose.roll, 0.12)
    neck_y = pose.y + pose.scale * chance.between(1.42, 1.62)
    place_body = _body_place(pose.x - lean * pose.scale, neck_y, pose.scale)

    coats = [(Sketch(), Sketch(), place) for place in (pose.place, place_body, pose.place, place_body, pose.place,
                                                      pose.place_turned, pose.place, pose.place_turned)]
    behind, torso, locks, chest, skull, features, front, glasses = coats
    back = locks if hair.over_shoulders else behind
    add_torso(torso[0], torso[1], cloth, chance, shoulders, face.light)
    add_back_hair(back[0], back[1], hair, pose.half_width, chance)
    add_neck(chest[0], chest[1], skin, neck_width, lean)
    add_neckline(chest[0], chest[1], skin, cloth, neck_width, chance)
    add_skull(skull[0], skull[1], face)
    if short and chance.happens(0.42):
        add_beard(skull[0], face, pose, chance)
    add_features(features[0], features[1], face, chance, pose.half_width)
    add_front_hair(front[0], front[1], hair, face, pose, chance)
    add_hat(front[0], front[1], hair, pose, chance)
    if chance.happens(0.2):
        add_glasses(glasses[0], chance, pose.half_width)

    layer = np.zeros((_FINER * size, _FINER * size, 4), np.uint8)
    light = np.full((size, size, 3), PLAIN[0], np.uint8)
    for colours, shadows, place in coats:
        colours.paint(layer, place)
        shadows.paint(light, place)
    layer = cv2.resize(layer, (size, size), interpolation=cv2.INTER_AREA)
    light = cv2.GaussianBlur(light, (0, 0), 0.012 * size)
    layer[:, :, :3] = cv2.multiply(layer[:, :, :3], light, scale=1 / PLAIN[0])
    return layer, _face_box(face, pose, size)


def _body_place(x: float, y: float, scale: float) -> Place:
    def place(points: np.ndarray) -> np.ndarray:
        return points * scale + (x, y)

    return place


def _face_box(face: Face, pose: Pose, size: int) -> np.ndarray:
    """Returns the box from ear to ear and from hairline to chin, cut to the picture."""
    below_hairline = face.outline[face.outline[:, 1] > -1]
    hairline = np.array([(-0.4, -1.0), (0.4, -1.0)])
    points = pose.place(np.concatenate([below_hairline, hairline, *face.ears])) * size
    low, high = points.min(axis=0), points.max(axis=0)
    return np.clip(np.concatenate([low, high]), 0, size).astype(np.float32)
