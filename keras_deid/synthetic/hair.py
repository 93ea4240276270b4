"""Hair, hats and headscarves."""

from typing import NamedTuple

import numpy as np

from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.face import Face
from keras_deid.synthetic.palette import PLAIN, cloth_colour, mix, shade, times
from keras_deid.synthetic.pose import Pose
from keras_deid.synthetic.sketch import Colour, Corners, Pen, mirrored, smooth, smooth_line

# Where hair begins on the forehead, from the right side of the picture to the left; x in half face widths.
_HAIRLINES: dict[str, Corners] = {
    "swept": [(0.95, -0.4), (0.8, -0.76), (0.4, -0.93), (0.0, -0.97), (-0.4, -0.93), (-0.8, -0.76), (-0.95, -0.4)],
    "fringe": [(0.95, -0.25), (0.84, -0.46), (0.4, -0.55), (0.0, -0.6), (-0.4, -0.55), (-0.84, -0.46), (-0.95, -0.25)],
    "side": [(0.95, -0.3), (0.82, -0.52), (0.3, -0.72), (-0.2, -0.9), (-0.48, -1.04), (-0.8, -0.78), (-0.95, -0.35)],
    "middle": [(0.95, -0.1), (0.86, -0.4), (0.5, -0.76), (0.0, -1.1), (-0.5, -0.76), (-0.86, -0.4), (-0.95, -0.1)],
    "receding": [(0.96, -0.4), (0.88, -0.8), (0.56, -1.1), (0.0, -0.98), (-0.56, -1.1), (-0.88, -0.8), (-0.96, -0.4)],
}
_SHORT_FRONTS = ("swept", "swept", "fringe", "side", "side", "receding", "bald")
_LONG_FRONTS = ("swept", "fringe", "side", "middle", "middle")
_BACKS = ("bob", "long", "long", "wavy", "bun", "tail", "none")
_HATS = ("cap", "beanie", "brim", "beanie")


class Hair(NamedTuple):
    """How hair is worn."""

    colour: Colour
    front: str
    """Name of the hairline, or "bald"."""
    back: str
    """"none", "bob", "long", "wavy", "bun" or "tail"."""
    over_shoulders: bool
    """Whether the hair at the back falls before the shoulders."""
    top: float
    """Height of the hair over the skull; 1 lies flat."""
    sides: float
    """Width of the hair beside the skull; 1 lies flat."""
    curly: bool
    hat: str
    """"none", "cap", "beanie", "brim" or "scarf"."""
    hat_colour: Colour
    way: float
    """1 or -1: the side on which hair is parted or tied."""


def choose_hair(chance: Chance, colour: Colour, short: bool) -> Hair:
    """Returns a hair style: from the mostly short ones, or from the others."""
    hat = chance.pick(_HATS) if chance.happens(0.16) else "none"
    if not short and chance.happens(0.1):
        hat = "scarf"
    front = chance.pick(_SHORT_FRONTS if short else _LONG_FRONTS)
    curly = front != "bald" and chance.happens(0.22)
    full = 1.03 if front == "receding" else chance.between(1.04, 1.3 if curly else 1.16)
    return Hair(
        colour=colour,
        front=front,
        back="none" if short else chance.pick(_BACKS),
        over_shoulders=chance.happens(0.5),
        top=1 + 0.8 * (full - 1),
        sides=full,
        curly=curly,
        hat=hat,
        hat_colour=cloth_colour(chance),
        way=chance.pick((-1.0, 1.0)),
    )


def draw_back_hair(pen: Pen, light: Pen, hair: Hair, width: float, chance: Chance) -> None:
    """Draws the hair that hangs behind the neck or is tied behind the head, in head coordinates.

    Args:
        pen: draws the colours.
        light: draws the shadows.
        hair: how it is worn.
        width: half the width of the face.
        chance: decides on lengths and locks.
    """
    if hair.hat == "scarf" or hair.back == "none":
        return
    dark = times(hair.colour, 0.78)
    if hair.back == "bun":
        x, radius = chance.between(-0.25, 0.25), chance.between(0.28, 0.4)
        pen.oval(x, -1.3 * hair.top - 0.12, radius, radius * 0.9, dark)
        pen.oval(x - 0.06, -1.3 * hair.top - 0.18, radius * 0.6, radius * 0.5, hair.colour)
        return
    if hair.back == "tail":
        tail = [(0.3, -1.2), (1.25, -0.7), (1.5, 0.3), (1.35, 1.5), (1.15, 0.9), (1.1, 0.0), (0.7, -0.6)]
        pen.shape(smooth([(hair.way * 1.1 * width * x, y) for x, y in tail]), dark)
        return
    shortest, longest = {"bob": (0.75, 1.15), "long": (1.7, 2.6), "wavy": (1.4, 2.3)}[hair.back]
    end = chance.between(shortest, longest)
    wide = width * (hair.sides + chance.between(0.05, 0.25))
    side = [(0.8 * wide, -1.05), (wide, -0.3), (1.08 * wide, 0.5 * end), (1.05 * wide, end)]
    mane = smooth(mirrored([(0.0, -1.25), *side, (0.0, end + 0.1)]))
    pen.shape(mane, dark)
    light.shape(mane, shade(0.1))
    for side_x in (-wide, wide):
        if hair.back == "wavy":
            for step in range(7):
                radius = chance.between(0.18, 0.28)
                x, y = 1.02 * side_x + chance.around(0, 0.06), -0.2 + (end + 0.1) * step / 6
                pen.oval(x, y, radius, radius, times(dark, chance.between(0.9, 1.2)))
        else:
            x = side_x * chance.between(0.8, 0.95)
            lock = [(x, -0.3), (x + 0.12 * side_x, 0.5 * end), (x, 0.95 * end), (x - 0.1 * side_x, 0.5 * end)]
            pen.shape(smooth(lock), times(hair.colour, 1.1))


def draw_front_hair(pen: Pen, light: Pen, hair: Hair, face: Face, pose: Pose, chance: Chance) -> None:
    """Draws the hair over the forehead and beside the face, in head coordinates."""
    if hair.hat == "scarf":
        return
    width = pose.half_width
    if hair.front == "bald":
        if chance.happens(0.5):
            ring = [(0.9, -0.62), (1.04, -0.5), (1.06, 0.0), (0.96, 0.12), (0.92, -0.2)]
            thin = mix(hair.colour, face.skin, 0.3)
            for side in (-width, width):
                pen.shape(smooth([(side * x, y) for x, y in ring]), thin)
        light.oval(0.3 * face.light, -0.95, 0.26, 0.15, shade(-0.16))
        return

    low = 0.15 if hair.back in ("none", "bun", "tail") else chance.between(0.3, 0.9)
    outer, inner = _outer_edge(hair, width, low, chance), _inner_edge(hair, pose, low, chance)
    light.shape(np.concatenate([outer, inner + (0, 0.1)]), shade(0.26 * face.contrast))
    whole = np.concatenate([outer, inner])
    pen.shape(whole, hair.colour)
    light.shape(whole, PLAIN)
    if hair.curly:
        _draw_curls(pen, hair, outer, width, chance)
    else:
        _draw_strands(pen, hair, outer, inner, chance)
    light.oval(0.35 * face.light, -1.08 * hair.top, 0.34, 0.1, shade(-0.22))


def _outer_edge(hair: Hair, width: float, low: float, chance: Chance) -> np.ndarray:
    """Returns the edge from the left side over the top to the right, float `(points, 2)`."""
    wide, top = width * hair.sides, 1.3 * hair.top
    lift = chance.around(0, 0.036)
    return smooth_line(
        [
            (-0.99 * wide, low),
            (-1.04 * wide, -0.35),
            (-0.9 * wide, -0.8 * top),
            (-0.45 * wide, -(1 - lift) * top),
            (0.0, -1.02 * top),
            (0.45 * wide, -(1 + lift) * top),
            (0.9 * wide, -0.8 * top),
            (1.04 * wide, -0.35),
            (0.99 * wide, low),
        ]
    )


def _inner_edge(hair: Hair, pose: Pose, low: float, chance: Chance) -> np.ndarray:
    """Returns the edge from the right side over the forehead to the left, turned with the face, float `(points, 2)`."""
    width = pose.half_width
    hairline = [(hair.way * x * width, y + chance.around(0, 0.04)) for x, y in _HAIRLINES[hair.front]]
    if hair.way < 0:
        hairline.reverse()
    edge = pose.turn(smooth_line([(0.93 * width, low), *hairline, (-0.93 * width, low)]))
    # It stays on the head.
    edge[:, 0] = np.minimum(np.maximum(edge[:, 0], -width), width)
    edge[:, 1] = np.maximum(edge[:, 1], -1.25)
    return edge


def _draw_curls(pen: Pen, hair: Hair, outer: np.ndarray, width: float, chance: Chance) -> None:
    for x, y in outer[1:-1:2].tolist():
        radius = chance.between(0.14, 0.24)
        pen.oval(0.97 * x, 0.97 * y, radius, radius, times(hair.colour, chance.between(0.82, 1.12)))
    for _ in range(8):
        x, y = chance.between(-0.8, 0.8) * width, chance.between(-1.25, -0.95)
        pen.oval(x, y * hair.top, 0.11, 0.11, times(hair.colour, chance.between(0.8, 1.25)))


def _draw_strands(pen: Pen, hair: Hair, outer: np.ndarray, inner: np.ndarray, chance: Chance) -> None:
    """Draws streaks that run between the two edges as hair does."""
    across = inner[np.linspace(len(inner) - 1, 0, len(outer)).astype(int)] - outer
    for _ in range(3):
        fraction, thick = chance.between(0.15, 0.8), chance.between(0.05, 0.12)
        start = chance.whole(2, 10)
        stretch = slice(start, start + chance.whole(5, 10))
        first = outer[stretch] + across[stretch] * fraction
        second = outer[stretch] + across[stretch] * (fraction + thick)
        pen.shape(np.concatenate([first, second[::-1]]), times(hair.colour, chance.pick((0.8, 1.18, 1.3))))


def draw_hat(pen: Pen, light: Pen, hair: Hair, pose: Pose, chance: Chance) -> None:
    """Draws a hat, or none, in head coordinates."""
    if hair.hat == "none":
        return
    if hair.hat == "scarf":
        _draw_headscarf(pen, light, hair, pose, chance)
        return
    width, main = pose.half_width, hair.hat_colour
    dark = times(main, 0.75)
    half_dome = [(1.07 * width, -0.62), (1.02 * width, -1.1), (0.55 * width, -1.5), (0.0, -1.6)]
    dome = smooth_line(mirrored(half_dome))
    if hair.hat == "beanie":
        light.lens(0, -0.56, 1.1 * width, 0.2, 0.0, shade(0.25))
        pen.shape(dome, main)
        light.shape(dome, PLAIN)
        rim = [(1.12 * width, -0.62), (1.1 * width, -0.94), (0.5 * width, -1.08), (0.0, -1.1)]
        low_rim = [(0.0, -0.8), (-0.5 * width, -0.78), (-1.12 * width, -0.62)]
        pen.shape(np.concatenate([smooth_line(mirrored(rim)), smooth_line(low_rim[::-1])[::-1]]), dark)
        if chance.happens(0.4):
            pen.oval(0, -1.66, 0.2, 0.18, times(main, 1.2))
        return
    if hair.hat == "cap":
        brim = 0.5 * pose.yaw
        light.lens(brim, -0.68, 0.95 * width, 0.1, 0.22, shade(0.35))
        pen.shape(dome, main)
        light.shape(dome, PLAIN)
        pen.lens(0, -1.0, 0.36, 0.3, 0.0, chance.pick((times(main, 1.25), (235, 232, 224, 255))))
        pen.lens(brim, -0.74, 1.02 * width, 0.2, 0.12, dark)
        return
    light.lens(0, -0.7, 1.3 * width, 0.0, 0.3, shade(0.35))
    pen.shape(dome, main)
    light.shape(dome, PLAIN)
    pen.lens(0, -0.8, 1.1 * width, 0.22, 0.1, times(main, 0.5))
    pen.lens(0, -0.72, 1.75 * width, 0.12, 0.2, main)


def _draw_headscarf(pen: Pen, light: Pen, hair: Hair, pose: Pose, chance: Chance) -> None:
    width, main = pose.half_width, hair.hat_colour
    opening = [(0.0, -0.86), (0.72 * width, -0.66), (0.93 * width, 0.0), (0.66 * width, 0.72), (0.0, 0.96)]
    cloth = [
        (0.0, -1.42),
        (0.85 * width, -1.2),
        (1.22 * width, -0.3),
        (1.15 * width, 0.8),
        (1.5 * width, 1.7),
        (0, 2.2),
    ]
    inner = smooth(mirrored(opening)) + (0.3 * pose.yaw, 0)
    outer = smooth(mirrored(cloth))
    # One outline around the cloth and back inside leaves the face open.
    light.shape(np.concatenate([outer, outer[:1], inner[:1] * (0.93, 0.9), inner[::-1] * (0.93, 0.9)]), shade(0.22))
    whole = np.concatenate([outer, outer[:1], inner[:1], inner[::-1]])
    pen.shape(whole, main)
    light.shape(whole, PLAIN)
    fold = times(main, 0.75)
    for _ in range(3):
        pen.lens(0, chance.between(1.05, 1.8), width, -0.2, 0.26, fold, tilt=chance.around(0, 0.3))
    pen.lens(0, -1.15, width * 0.9, 0.18, -0.12, times(main, 1.12))
