"""The face: skull, ears, eyes, brows, nose, mouth, beard, glasses; and the light on them."""

from typing import NamedTuple

import numpy as np

from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.palette import PLAIN, iris_colour, mix, shade, times, tone
from keras_deid.synthetic.pose import Pose
from keras_deid.synthetic.sketch import CIRCLE, Colour, Pen, mirrored, smooth, smooth_line

_WHITE = (246, 244, 240, 255)
_DARK = (26, 21, 21, 255)
_TEETH = (246, 244, 236, 255)
_LIPSTICKS = ((176, 24, 48, 255), (150, 40, 70, 255), (200, 84, 96, 255))
_EYE_SHADOWS = ((120, 70, 80, 255), (90, 90, 120, 255))
_FRAMES = ((26, 24, 26, 255), (70, 42, 26, 255), (150, 130, 90, 255), (40, 48, 80, 255), (130, 36, 44, 255))

_EYE_Y = -0.12


class Face(NamedTuple):
    """The properties of a face, chosen before it is drawn."""

    skin: Colour
    hair: Colour
    outline: np.ndarray
    """Skull and jaw, float `(points, 2)`, in head coordinates."""
    ears: tuple[np.ndarray, np.ndarray]
    """Left and right in the picture, float `(points, 2)` each, in head coordinates."""
    eye_x: float
    """Half the distance of the eyes."""
    light: float
    """Where light comes from: -1 left, 1 right."""
    contrast: float
    """How deep shadows on the face are, 0..1."""
    made_up: bool
    old: bool


def choose_face(chance: Chance, pose: Pose, skin: Colour, hair: Colour) -> Face:
    """Returns a face for a pose."""
    width = pose.half_width
    jaw, chin = width * chance.between(0.76, 0.92), width * chance.between(0.34, 0.5)
    skull = [(0.0, -1.3), (0.6 * width, -1.16), (0.97 * width, -0.62), (width, -0.05)]
    outline = smooth(mirrored([*skull, (jaw, 0.55), (chin, 0.92), (0.0, 1.0)]))
    # The chin of a turned head moves to the side that it looks to.
    outline[:, 0] += 0.3 * pose.yaw * np.minimum(np.maximum(outline[:, 1] + 0.1, 0), 1)
    size = chance.between(0.16, 0.24)
    ear = CIRCLE * (0.6 * size, size) + (-0.1 * pose.yaw, 0.03)
    return Face(
        skin=skin,
        hair=hair,
        outline=outline,
        ears=(ear - (width, 0), ear + (width, 0)),
        eye_x=width * chance.between(0.43, 0.49),
        light=chance.between(-1, 1),
        contrast=chance.between(0.5, 1.0),
        made_up=chance.happens(0.3),
        old=chance.happens(0.22),
    )


def draw_skull(pen: Pen, light: Pen, face: Face) -> None:
    """Draws ears and the bare head, in head coordinates."""
    red = mix(face.skin, (190, 70, 60, 255), 0.12)
    inside = times(red, 0.82)
    for ear in face.ears:
        pen.shape(ear, red)
        middle = (ear[0] + ear[len(ear) // 2]) / 2
        pen.shape((ear - middle) * (0.5, 0.6) + middle, inside)
    pen.shape(face.outline, face.skin)

    light.shape(face.outline, shade(0.3 * face.contrast))
    x = 0.16 * face.light
    light.shape(face.outline * (0.9, 0.93) + (x, -0.06), shade(0.13 * face.contrast))
    light.shape(face.outline * (0.76, 0.84) + (1.35 * x, -0.1), PLAIN)


def draw_features(pen: Pen, light: Pen, face: Face, chance: Chance) -> None:
    """Draws everything between hairline and chin, in head coordinates before the head is turned.

    Args:
        pen: draws the colours.
        light: draws shadows and gleams.
        face: its properties.
        chance: decides eyes, expression, and so on.
    """
    _draw_light(light, face, chance)
    _draw_eyes(pen, face, chance)
    _draw_nose(pen, face, chance)
    _draw_mouth(pen, face, chance)
    if face.old:
        _draw_wrinkles(pen, face)
    if chance.happens(0.12):
        freckle = mix(face.skin, (120, 60, 30, 255), 0.4)
        for _ in range(9):
            pen.oval(chance.between(-0.45, 0.45), chance.between(0.05, 0.26), 0.022, 0.02, freckle)
    if chance.happens(0.1):
        pen.oval(chance.between(-0.4, 0.4), chance.between(0.1, 0.75), 0.03, 0.03, times(face.skin, 0.45))


def _draw_light(light: Pen, face: Face, chance: Chance) -> None:
    depth = face.contrast
    toward = 1 if face.light > 0 else -1
    away = -toward
    blush = chance.between(0.0, 1.0)
    cheek = tone(1.03, 1 - 0.09 * blush, 1 - 0.07 * blush)
    light.oval(0.22 * face.light, -0.62, 0.4, 0.22, shade(-0.08))
    for side in (-1, 1):
        light.oval(side * face.eye_x, _EYE_Y - 0.1, 0.26, 0.17, shade(0.13 * depth))
        light.oval(side * 0.46, 0.29, 0.2, 0.15, cheek)
        light.oval(side * 0.44, 0.16, 0.14, 0.06, shade(-0.07))
    nose = [(0.0, -0.2), (away * 0.1, -0.2), (away * 0.21, 0.3), (away * 0.12, 0.36), (away * 0.04, 0.2)]
    light.polygon(nose, shade(0.22 * depth))
    light.lens(0, 0.36, 0.24, -0.02, 0.11, shade(0.22 * depth))
    light.oval(0.02 * toward, 0.02, 0.05, 0.2, shade(-0.1))
    light.oval(0.03 * toward, 0.25, 0.07, 0.06, shade(-0.14))
    light.lens(0, 0.7, 0.22, 0.0, 0.09, shade(0.2 * depth))
    light.oval(0, 0.87, 0.16, 0.08, shade(-0.06))


def _draw_eyes(pen: Pen, face: Face, chance: Chance) -> None:
    skin = face.skin
    iris = iris_colour(chance, skin)
    half = chance.between(0.17, 0.205)
    up, down = chance.between(0.09, 0.13), chance.between(0.045, 0.065)
    slant = chance.around(-0.008, 0.03)
    gaze_x, gaze_y = chance.around(0, 0.055), chance.around(0, 0.02)
    shut = chance.happens(0.03)
    lid = times(skin, 0.86)
    if face.made_up:
        lid = mix(lid, chance.pick(_EYE_SHADOWS), 0.3)
    under = times(skin, 0.95)
    lash = 0.04 if face.made_up else 0.026
    for side in (-1, 1):
        x, tilt = side * face.eye_x, side * slant
        if shut:
            pen.lens(x, _EYE_Y, half, up, down, lid, tilt)
            pen.lens(x, _EYE_Y, half, 0.03 - down, down, _DARK, tilt)
            continue
        pen.lens(x, _EYE_Y, half, up, down, _WHITE, tilt)
        iris_x, iris_y = x + gaze_x, _EYE_Y - 0.022 + gaze_y
        pen.oval(iris_x, iris_y, 0.1, 0.1, iris)
        pen.oval(iris_x, iris_y, 0.05, 0.05, _DARK)
        pen.oval(iris_x - 0.04, iris_y - 0.04, 0.026, 0.026, _WHITE)
        # Lids of skin cut the round iris to the eye's shape.
        pen.lens(x, _EYE_Y, half * 1.06, up + 0.06, -up, lid, tilt)
        pen.lens(x, _EYE_Y, half * 1.04, -down, down + 0.06, under, tilt)
        pen.lens(x, _EYE_Y, half * 1.1, up + lash, 0.012 - up, _DARK, tilt)

    brow = mix(times(face.hair, 0.8), skin, 0.12)
    brow_y = _EYE_Y - chance.between(0.23, 0.29)
    thick, arch, tilt = chance.between(0.03, 0.075), chance.between(0.02, 0.07), chance.around(0, 0.045)
    for side in (-1, 1):
        pen.lens(side * face.eye_x, brow_y, half * 1.25, arch + thick, -arch, brow, side * tilt)


def _draw_nose(pen: Pen, face: Face, chance: Chance) -> None:
    half = chance.between(0.12, 0.2)
    wing, under, hole = times(face.skin, 0.93), times(face.skin, 0.78), times(face.skin, 0.42)
    for side in (-1, 1):
        pen.oval(side * half * 0.85, 0.3, half * 0.38, 0.07, wing)
    pen.lens(0, 0.335, half * 1.1, -0.005, 0.05, under)
    for side in (-1, 1):
        pen.oval(side * half * 0.5, 0.345, half * 0.26, 0.026, hole)


def _draw_mouth(pen: Pen, face: Face, chance: Chance) -> None:
    lip = mix(times(face.skin, 0.9), (176, 58, 66, 255), chance.between(0.25, 0.45))
    if face.made_up:
        lip = mix(lip, chance.pick(_LIPSTICKS), 0.65)
    half = chance.between(0.23, 0.32)
    smile = chance.around(0.035, 0.06)
    full = chance.between(0.035, 0.07)
    y = 0.56 - smile / 2
    if chance.happens(0.35):
        opening = chance.between(0.06, 0.13)
        half *= 1.08
        smile += 0.04
        pen.lens(0, y, half, full - smile, smile + opening + 1.3 * full, lip)
        pen.lens(0, y, half * 0.9, -smile, smile + opening, (84, 28, 32, 255))
        pen.lens(0, y + 0.004, half * 0.8, -smile, smile + min(opening * 0.75, 0.08), _TEETH)
    else:
        pen.lens(0, y, half * 0.92, full - smile, smile + 1.5 * full, lip)
        line = mix(times(lip, 0.45), (40, 10, 14, 255), 0.3)
        pen.lens(0, y, half, 0.008 - smile, smile + 0.022, line)
    pen.lens(0, y + smile + full, half * 0.4, 0.0, 0.02, mix(lip, _WHITE, 0.18))


def _draw_wrinkles(pen: Pen, face: Face) -> None:
    line = times(face.skin, 0.8)
    for side in (-1, 1):
        beside_mouth = [(0.2, 0.26), (0.33, 0.4), (0.37, 0.54), (0.345, 0.54), (0.3, 0.41)]
        pen.shape(smooth([(side * x, y) for x, y in beside_mouth]), line)
        pen.lens(side * face.eye_x, 0.08, 0.15, -0.05, 0.075, line)
    pen.lens(0, -0.66, 0.36, 0.04, -0.012, line)
    pen.lens(0, -0.78, 0.28, 0.04, -0.014, line)


def draw_beard(pen: Pen, face: Face, pose: Pose, chance: Chance) -> None:
    """Draws a beard, in head coordinates; the features come over it.

    Args:
        pen: draws the beard.
        face: its properties.
        pose: turns the beard's upper edge with the face.
        chance: decides its kind.
    """
    kind = chance.pick(("stubble", "stubble", "full", "full", "goatee", "moustache"))
    hair = mix(times(face.hair, 0.9), face.skin, 0.1)
    if kind == "stubble":
        _draw_full_beard(pen, face, pose, mix(face.skin, hair, 0.3), 1.02)
        return
    if kind == "full":
        _draw_full_beard(pen, face, pose, hair, chance.between(1.04, 1.2))
        return
    if kind == "goatee":
        chin = smooth(mirrored([(0.0, 0.62), (0.2, 0.7), (0.2, 0.9), (0.0, 1.0)]))
        pen.shape(pose.turn(chin), hair)
    moustache = smooth(mirrored([(0.0, 0.41), (0.2, 0.43), (0.32, 0.56), (0.2, 0.5), (0.0, 0.49)]))
    pen.shape(pose.turn(moustache), hair)


def _draw_full_beard(pen: Pen, face: Face, pose: Pose, hair: Colour, length: float) -> None:
    # From the right side under the chin to the left, then back over the cheeks and the lip.
    jaw = face.outline[face.outline[:, 1] > 0.02]
    jaw = jaw[np.argsort(-jaw[:, 0], kind="stable")]
    jaw = jaw * np.where(jaw[:, 1:] > 0.3, length, 1.0)
    width = pose.half_width / 0.8
    cheek = [(-0.86 * width, 0.2), (-0.66 * width, 0.42), (-0.4 * width, 0.44), (-0.2 * width, 0.4), (0.0, 0.43)]
    pen.shape(np.concatenate([jaw, pose.turn(smooth_line(mirrored(cheek)))]), hair)


def draw_glasses(pen: Pen, face: Face, pose: Pose, chance: Chance) -> None:
    """Draws glasses, in head coordinates before the head is turned."""
    x, y = pose.half_width * 0.47, _EYE_Y + 0.02
    radius = np.array((chance.between(0.22, 0.27), chance.between(0.17, 0.25)))
    frame = chance.pick(_FRAMES)
    thick = chance.between(0.03, 0.055)
    dark = chance.happens(0.15)
    rim = CIRCLE
    if chance.happens(0.5):
        # Nearly a rectangle with round corners.
        rim = np.sign(CIRCLE) * np.sqrt(np.abs(CIRCLE))
    for side in (-1, 1):
        middle = (side * x, y)
        outer = rim * radius + middle
        if dark:
            pen.shape(outer, times(frame, 0.6))
            pen.lens(side * x - 0.05, y - 0.06, 0.1, 0.05, -0.01, (150, 160, 170, 255), tilt=-0.04)
        else:
            inner = rim * (radius - thick) + middle
            # One outline around the rim and back inside leaves the glass open.
            pen.shape(np.concatenate([outer, outer[:1], inner[:1], inner[::-1]]), frame)
        hinge, ear = side * (x + radius[0]), side * pose.half_width * 0.99
        pen.polygon([(hinge, y - 0.07), (ear, y - 0.06), (ear, y - 0.02), (hinge, y - 0.02)], frame)
    pen.lens(0, y - 0.03, (x - radius[0]) * 1.15, 0.05, -0.015, frame)
