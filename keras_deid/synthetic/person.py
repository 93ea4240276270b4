"""One person, from the chest up."""

import cv2
import numpy as np

from keras_deid.synthetic.body import draw_neck, draw_neckline, draw_torso
from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.face import Face, choose_face, draw_beard, draw_features, draw_glasses, draw_skull
from keras_deid.synthetic.hair import choose_hair, draw_back_hair, draw_front_hair, draw_hat
from keras_deid.synthetic.palette import PLAIN, cloth_colour, hair_colour, skin_colour
from keras_deid.synthetic.pose import Pose, choose_pose
from keras_deid.synthetic.sketch import Sketch

# Drawn at twice the size and halved: with OpenCV's smooth edges, as good as four times the size without them.
_FINER = 2


def draw_person(chance: Chance, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a person on a transparent background.

    Args:
        chance: decides who, and in which pose.
        size: side of the picture in pixels.

    Returns:
        uint8 `(size, size, 4)`: RGB multiplied by coverage, and coverage; and the box around the face, float32 `(4,)`
        (x0, y0, x1, y1) in pixels.
    """
    pose = choose_pose(chance)
    skin = skin_colour(chance)
    face = choose_face(chance, pose, skin, hair_colour(chance, skin))
    colours, lights = Sketch(), Sketch()
    _draw(colours, lights, pose, face, chance)

    canvas = np.zeros((_FINER * size, _FINER * size, 4), np.uint8)
    colours.paint(canvas)
    layer = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    # Shadows and highlights are soft: they are drawn at full size, blurred and multiplied with the colours.
    light = np.full((size, size, 4), PLAIN[0], np.uint8)
    lights.paint(light)
    soft = cv2.GaussianBlur(light, (0, 0), 0.012 * size, hint=cv2.ALGO_HINT_ACCURATE)
    return cv2.multiply(layer, soft, scale=1 / PLAIN[0]), _face_box(face, pose, size)


def _draw(colours: Sketch, lights: Sketch, pose: Pose, face: Face, chance: Chance) -> None:
    """Draws the person, back to front."""
    short = chance.happens(0.5)
    hair = choose_hair(chance, face.hair, short)
    cloth = cloth_colour(chance)
    neck = chance.between(0.46, 0.56) if short else chance.between(0.38, 0.46)
    shoulders = chance.between(1.9, 2.4) if short else chance.between(1.6, 2.0)
    lean = chance.around(0.6 * pose.roll, 0.12)
    pit = (pose.x - lean * pose.scale, pose.y + pose.scale * chance.between(1.42, 1.62))

    def place_body(points: np.ndarray) -> np.ndarray:
        return points * pose.scale + pit

    # Each part of the person has its own coordinates, and a pen for colours and one for light.
    head, head_light = colours.pen(pose.place), lights.pen(pose.place)
    front, front_light = colours.pen(pose.place_turned), lights.pen(pose.place_turned)
    body, body_light = colours.pen(place_body), lights.pen(place_body)

    if not hair.over_shoulders:
        draw_back_hair(head, head_light, hair, pose.half_width, chance)
    draw_torso(body, body_light, cloth, shoulders, face.light, chance)
    if hair.over_shoulders:
        draw_back_hair(head, head_light, hair, pose.half_width, chance)
    draw_neck(body, body_light, face.skin, neck, lean)
    draw_neckline(body, body_light, face.skin, cloth, neck, chance)
    draw_skull(head, head_light, face)
    if short and chance.happens(0.42):
        draw_beard(head, face, pose, chance)
    draw_features(front, front_light, face, chance)
    draw_front_hair(head, head_light, hair, face, pose, chance)
    draw_hat(head, head_light, hair, pose, chance)
    if chance.happens(0.2):
        draw_glasses(front, face, pose, chance)


def _face_box(face: Face, pose: Pose, size: int) -> np.ndarray:
    """Returns the box from ear to ear and from hairline to chin, cut to the picture."""
    below_hairline = face.outline[face.outline[:, 1] > -1]
    hairline = np.array([(-0.4, -1.0), (0.4, -1.0)])
    points = pose.place(np.concatenate([below_hairline, hairline, *face.ears])) * size
    box = np.concatenate([points.min(axis=0), points.max(axis=0)])
    return np.minimum(np.maximum(box, 0), size).astype(np.float32)
