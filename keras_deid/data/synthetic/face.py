"""The face: skull, ears, eyes, brows, nose, mouth, beard, glasses; and the light on them."""

from typing import NamedTuple

import numpy as np

from keras_deid.data.synthetic.chance import Chance
from keras_deid.data.synthetic.palette import PLAIN, colour, iris_colour, mix, shade, times, tone
from keras_deid.data.synthetic.pose import Pose
from keras_deid.data.synthetic.sketch import Colour, Sketch, lens, mirrored, oval, smooth, smooth_line

_WHITE = (244, 242, 238, 255)
_DARK = (24, 20, 20, 255)
_TEETH = (246, 244, 236, 255)

_EYE_Y = -0.12


class Face(NamedTuple):
    """What makes one face differ from another."""

    skin: Colour
    hair: Colour
    outline: np.ndarray
    """Skull and jaw, float `(points, 2)`, head coordinates."""
    ears: tuple[np.ndarray, np.ndarray]
    light: float
    """Where light comes from: -1 left, 1 right."""
    contrast: float
    """How deep shadows on the face are, 0..1."""


def choose_face(chance: Chance, pose: Pose, skin: Colour, hair: Colour) -> Face:
    """Returns a face for a pose."""
    width = pose.half_width
    jaw = width * chance.between(0.76, 0.92)
    chin = width * chance.between(0.34, 0.5)
    corners = mirrored(
        [
            (0.0, -1.3),
            (0.6 * width, -1.16),
            (0.97 * width, -0.62),
            (width, -0.05),
            (jaw, 0.55),
            (chin, 0.92),
            (0.0, 1.0),
        ]
    )
    outline = smooth(corners)
    # A turned head shows its chin on the side it looks to.
    outline[:, 0] += 0.3 * pose.yaw * np.clip(outline[:, 1] + 0.1, 0, 1)
    size = chance.between(0.16, 0.24)
    sides = [oval(side * width * 1.0 - 0.1 * pose.yaw, 0.03, 0.6 * size, size) for side in (-1, 1)]
    return Face(skin, hair, outline, (sides[0], sides[1]), chance.between(-1, 1), chance.between(0.5, 1.0))


def add_skull(sketch: Sketch, light: Sketch, face: Face) -> None:
    """Adds ears and the bare head, in head coordinates."""
    red = mix(face.skin, (190, 70, 60, 255), 0.12)
    for ear in face.ears:
        sketch.add(ear, red)
        middle = ear.mean(axis=0)
        sketch.add((ear - middle) * (0.5, 0.6) + middle, times(red, 0.82))
    sketch.add(face.outline, face.skin)

    light.add(face.outline, shade(0.3 * face.contrast))
    x = 0.16 * face.light
    light.add(face.outline * (0.9, 0.93) + (x, -0.06), shade(0.13 * face.contrast))
    light.add(face.outline * (0.76, 0.84) + (1.35 * x, -0.1), PLAIN)


def add_features(sketch: Sketch, light: Sketch, face: Face, chance: Chance, width: float) -> None:
    """Adds everything between hairline and chin, in head coordinates before the head is turned.

    Args:
        sketch: takes the colours.
        light: takes shadows and gleams.
        face: whose face.
        chance: decides eyes, expression, and so on.
        width: half the face's width in head coordinates.
    """
    skin = face.skin
    eye_x = width * chance.between(0.43, 0.49)
    old = chance.happens(0.25)
    made_up = chance.happens(0.3)

    _light_features(light, face, eye_x, chance)
    _add_eyes(sketch, face, chance, eye_x, made_up)
    _add_nose(sketch, face, chance)
    _add_mouth(sketch, face, chance, made_up)

    line = times(skin, 0.8)
    if old:
        for side in (-1, 1):
            sketch.add(_crease(side), line)
            sketch.add(lens(side * eye_x, 0.06, 0.15, -0.05, 0.075), line)
        sketch.add(lens(0, -0.66, 0.36, 0.04, -0.012), line)
        sketch.add(lens(0, -0.78, 0.28, 0.04, -0.014), line)
    if chance.happens(0.12):
        for _ in range(9):
            x, y = chance.between(-0.45, 0.45), chance.between(0.05, 0.26)
            sketch.add(oval(x, y, 0.022, 0.02), mix(skin, (120, 60, 30, 255), 0.4))
    if chance.happens(0.1):
        sketch.add(oval(chance.between(-0.4, 0.4), chance.between(0.1, 0.75), 0.03, 0.03), times(skin, 0.45))


def _crease(side: int) -> np.ndarray:
    """Returns the line from a nostril to beside the mouth."""
    return smooth(
        [(side * 0.2, 0.26), (side * 0.33, 0.4), (side * 0.37, 0.54), (side * 0.345, 0.54), (side * 0.3, 0.41)]
    )


def _light_features(light: Sketch, face: Face, eye_x: float, chance: Chance) -> None:
    depth = face.contrast
    toward = 1 if face.light > 0 else -1
    blush = chance.between(0.0, 1.0)
    light.add(oval(0.22 * face.light, -0.62, 0.4, 0.22), shade(-0.08))
    for side in (-1, 1):
        light.add(oval(side * eye_x, _EYE_Y - 0.09, 0.25, 0.16), shade(0.13 * depth))
        light.add(oval(side * 0.46, 0.27, 0.2, 0.15), tone(1.03, 1 - 0.09 * blush, 1 - 0.07 * blush))
        light.add(oval(side * 0.44, 0.14, 0.14, 0.06), shade(-0.07))
    away = -toward
    light.add(
        np.array([(0.0, -0.2), (away * 0.1, -0.2), (away * 0.21, 0.3), (away * 0.12, 0.36), (away * 0.04, 0.2)]),
        shade(0.22 * depth),
    )
    light.add(lens(0, 0.36, 0.24, -0.02, 0.11), shade(0.22 * depth))
    light.add(oval(0.02 * toward, 0.02, 0.05, 0.2), shade(-0.1))
    light.add(oval(0.03 * toward, 0.25, 0.07, 0.06), shade(-0.14))
    light.add(lens(0, 0.7, 0.22, 0.0, 0.09), shade(0.2 * depth))
    light.add(oval(0, 0.87, 0.16, 0.08), shade(-0.06))


def _add_eyes(sketch: Sketch, face: Face, chance: Chance, eye_x: float, made_up: bool) -> None:
    skin = face.skin
    iris = iris_colour(chance, skin)
    half = chance.between(0.16, 0.195)
    up, down = chance.between(0.08, 0.12), chance.between(0.04, 0.06)
    slant = chance.around(-0.008, 0.03)
    gaze_x, gaze_y = chance.around(0, 0.055), chance.around(0, 0.02)
    blink = chance.happens(0.04)
    lid = mix(times(skin, 0.86), chance.pick([(120, 70, 80, 255), (90, 90, 120, 255)]), 0.3 if made_up else 0.0)
    brow = mix(times(face.hair, 0.8), skin, 0.12)
    brow_y = _EYE_Y - chance.between(0.22, 0.28)
    brow_thick = chance.between(0.03, 0.075)
    brow_arch = chance.between(0.02, 0.07)
    brow_tilt = chance.around(0, 0.045)
    lash = 0.035 if made_up else 0.024
    for side in (-1, 1):
        x, y, tilt = side * eye_x, _EYE_Y, side * slant
        if blink:
            sketch.add(lens(x, y, half, up, down, tilt), lid)
            sketch.add(lens(x, y, half, -down + 0.03, down, tilt), _DARK)
        else:
            sketch.add(lens(x, y, half, up, down, tilt), _WHITE)
            iris_x, iris_y, radius = x + gaze_x, y - 0.02 + gaze_y, 0.092
            sketch.add(oval(iris_x, iris_y, radius, radius), iris)
            sketch.add(oval(iris_x, iris_y, 0.045, 0.045), _DARK)
            sketch.add(oval(iris_x - 0.035, iris_y - 0.035, 0.024, 0.024), _WHITE)
            # Lids of skin cut the round iris to the eye's shape.
            sketch.add(lens(x, y, half * 1.06, up + 0.06, -up, tilt), lid)
            sketch.add(lens(x, y, half * 1.04, -down, down + 0.06, tilt), times(skin, 0.95))
            sketch.add(lens(x, y, half * 1.1, up + lash, -up + 0.012, tilt), _DARK)
        sketch.add(lens(x, brow_y, half * 1.3, brow_arch + brow_thick, -brow_arch, side * brow_tilt), brow)


def _add_nose(sketch: Sketch, face: Face, chance: Chance) -> None:
    skin = face.skin
    half = chance.between(0.12, 0.2)
    under = times(skin, 0.78)
    for side in (-1, 1):
        sketch.add(oval(side * half * 0.85, 0.3, half * 0.38, 0.07), times(skin, 0.93))
    sketch.add(lens(0, 0.335, half * 1.1, -0.005, 0.05), under)
    for side in (-1, 1):
        sketch.add(oval(side * half * 0.5, 0.345, half * 0.26, 0.026), times(skin, 0.42))


def _add_mouth(sketch: Sketch, face: Face, chance: Chance, made_up: bool) -> None:
    skin = face.skin
    lip = mix(times(skin, 0.9), (176, 58, 66, 255), chance.between(0.25, 0.45))
    if made_up:
        lip = mix(lip, chance.pick([(176, 24, 48, 255), (150, 40, 70, 255), (200, 90, 100, 255)]), 0.65)
    half = chance.between(0.23, 0.32)
    smile = chance.around(0.035, 0.06)
    full = chance.between(0.035, 0.07)
    y = 0.56 - smile / 2
    if chance.happens(0.4):
        opening = chance.between(0.05, 0.13)
        half *= 1.08
        smile += 0.03
        sketch.add(lens(0, y, half, full - smile, smile + opening + 1.3 * full), lip)
        sketch.add(lens(0, y, half * 0.9, -smile, smile + opening), (70, 22, 26, 255))
        sketch.add(lens(0, y, half * 0.84, -smile, smile + min(opening * 0.7, 0.07)), _TEETH)
    else:
        sketch.add(lens(0, y, half * 0.92, full - smile, smile + 1.5 * full), lip)
        sketch.add(lens(0, y, half, -smile + 0.008, smile + 0.022), mix(times(lip, 0.45), (40, 10, 14, 255), 0.3))
    sketch.add(lens(0, y + smile + 1.0 * full, half * 0.4, 0.0, 0.02), mix(lip, _WHITE, 0.18))


def add_beard(sketch: Sketch, face: Face, pose: Pose, chance: Chance) -> None:
    """Adds a beard, or none, in head coordinates; features come over it.

    Args:
        sketch: takes the beard.
        face: whose face.
        pose: turns the beard's upper edge with the face.
        chance: decides its kind.
    """
    width = pose.half_width
    kind = chance.pick(["stubble", "stubble", "full", "full", "goatee", "moustache"])
    hair = mix(times(face.hair, 0.9), face.skin, 0.1)
    if kind in ("stubble", "full"):
        long = 1.02 if kind == "stubble" else chance.between(1.04, 1.2)
        tint = mix(face.skin, hair, 0.3) if kind == "stubble" else hair
        low = face.outline[(face.outline[:, 1] > 0.02)]
        # From the right side under the chin to the left, then back over the cheeks and the lip.
        low = low[np.argsort(-low[:, 0], kind="stable")]
        outer = low * np.where(low[:, 1:] > 0.3, long, 1.0)
        upper = [(-0.86, 0.2), (-0.66, 0.42), (-0.4, 0.44), (-0.2, 0.4), (0.0, 0.43)]
        edge = pose.turn(smooth_line([(x * width / 0.8, y) for x, y in mirrored(upper)]))
        sketch.add(np.concatenate([outer, edge]), tint)
        return
    if kind == "goatee":
        sketch.add(pose.turn(smooth(mirrored([(0.0, 0.62), (0.2, 0.7), (0.2, 0.9), (0.0, 1.0)]))), hair)
    sketch.add(pose.turn(smooth(mirrored([(0.0, 0.41), (0.2, 0.43), (0.32, 0.56), (0.2, 0.5), (0.0, 0.49)]))), hair)


def add_glasses(sketch: Sketch, chance: Chance, width: float) -> None:
    """Adds glasses, in head coordinates before the head is turned."""
    x = width * 0.47
    radius_x, radius_y = chance.between(0.22, 0.27), chance.between(0.17, 0.25)
    frame = colour(*chance.pick([(26, 24, 26), (70, 42, 26), (150, 130, 90), (40, 48, 80), (130, 36, 44)]))
    thick = chance.between(0.03, 0.055)
    dark = chance.happens(0.2)
    power = chance.pick([1.0, 0.55])
    for side in (-1, 1):
        ring = oval(0, 0, 1, 1)
        ring = np.sign(ring) * np.abs(ring) ** power
        outer = ring * (radius_x, radius_y) + (side * x, _EYE_Y + 0.02)
        if dark:
            sketch.add(outer, times(frame, 0.6))
            sketch.add(lens(side * x - 0.05, _EYE_Y - 0.04, 0.1, 0.05, -0.01, -0.04), (150, 160, 170, 255))
        else:
            inner = ring * (radius_x - thick, radius_y - thick) + (side * x, _EYE_Y + 0.02)
            # One outline around the rim and back inside leaves the glass open.
            sketch.add(np.concatenate([outer, outer[:1], inner[:1], inner[::-1]]), frame)
        end = side * width * 0.99
        arm = side * (x + radius_x)
        sketch.add(np.array([(arm, _EYE_Y - 0.05), (end, _EYE_Y - 0.04), (end, _EYE_Y), (arm, _EYE_Y)]), frame)
    inside = x - radius_x
    sketch.add(lens(0, _EYE_Y - 0.01, inside * 1.15, 0.05, -0.015), frame)
