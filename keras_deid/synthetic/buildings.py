"""Houses and pavements."""

import itertools

from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.palette import mix, times, varied
from keras_deid.synthetic.sketch import Colour, Pen

_WALLS = (
    (214, 196, 168), (196, 178, 160), (226, 214, 196), (178, 124, 98), (150, 90, 74), (170, 164, 156), (128, 134, 140),
    (206, 160, 120), (222, 188, 130), (160, 176, 168), (184, 150, 150), (226, 220, 208), (120, 104, 96),
    (142, 160, 180),
)  # fmt: skip
GLASSES = ((70, 90, 106), (110, 134, 150), (150, 172, 184), (54, 62, 72))
SIGNS = ((176, 40, 44), (32, 92, 84), (36, 58, 110), (230, 180, 70), (60, 54, 50), (206, 96, 120), (238, 232, 220))
LIT = (255, 216, 140, 255)
_WHITE = (240, 238, 232, 255)
_FRAMES = (_WHITE, (92, 70, 54, 255), (60, 66, 72, 255))


def wall_colour(chance: Chance) -> Colour:
    """Returns the colour of a house's wall."""
    return varied(chance, chance.pick(_WALLS), 0.16)


def draw_window(pen: Pen, chance: Chance, x0: float, y0: float, x1: float, y1: float) -> None:
    """Draws a window with two casements and a sill."""
    frame = chance.pick(_FRAMES)
    glass = LIT if chance.happens(0.15) else varied(chance, chance.pick(GLASSES), 0.15)
    edge = 0.07 * (x1 - x0)
    pen.box(x0, y0, x1, y1, frame)
    pen.box(x0 + edge, y0 + edge, x1 - edge, y1 - edge, glass)
    shine = 0.35 * (x1 - x0)
    left, top = x0 + edge, y0 + edge
    gleam = [(left, top + shine), (left + shine, top), (left + 1.6 * shine, top), (left, top + 1.6 * shine)]
    pen.polygon(gleam, mix(glass, _WHITE, 0.25))
    middle = (x0 + x1) / 2
    pen.box(middle - edge / 2, y0, middle + edge / 2, y1, frame)
    pen.box(x0 - edge, y1, x1 + edge, y1 + 1.2 * edge, times(frame, 0.85))


def draw_house(pen: Pen, chance: Chance, x0: float, top: float, x1: float, ground: float) -> None:
    """Draws the front of a house with rows of windows and a shop on the ground floor."""
    wall = wall_colour(chance)
    pen.box(x0, top, x1, ground, wall)
    pen.box(x0 - 0.01, top - 0.025, x1 + 0.01, top + 0.01, times(wall, 0.72))
    columns, rows = chance.whole(2, 4), chance.whole(2, 4)
    wide, high = (x1 - x0) / columns, (ground - 0.2 - top) / rows
    frame = chance.pick([_WHITE, times(wall, 0.6), times(wall, 1.25)])
    glass = varied(chance, chance.pick(GLASSES), 0.15)
    margin_x, margin_y = wide * chance.between(0.2, 0.32), high * chance.between(0.14, 0.24)
    for row in range(rows):
        y0, y1 = top + row * high + margin_y, top + (row + 1) * high - margin_y * 0.6
        for column in range(columns):
            a, b = x0 + column * wide + margin_x, x0 + (column + 1) * wide - margin_x
            pen.box(a, y0, b, y1, frame)
            tint = LIT if chance.happens(0.1) else times(glass, chance.between(0.8, 1.2))
            pen.box(a + 0.01, y0 + 0.01, b - 0.01, y1 - 0.01, tint)
    shop = varied(chance, chance.pick(SIGNS), 0.15)
    base = ground - 0.18
    pen.box(x0, base, x1, base + 0.045, shop)
    for column in range(columns):
        a = x0 + column * wide
        pen.box(a + 0.02, base + 0.055, a + wide - 0.02, ground - 0.015, times(glass, chance.between(0.7, 1.3)))


def draw_row_of_houses(pen: Pen, chance: Chance, end_x: float, end_y: float, side: int) -> None:
    """Draws houses along one side of a road, from the far one to the near one.

    What is at distance 1 / near stands at `end + near * (reach, height)` in the picture.

    Args:
        pen: draws.
        chance: decides on the houses.
        end_x: where the road meets the horizon.
        end_y: height of the horizon.
        side: -1 for the left side of the road, 1 for the right.
    """
    reach = side * chance.between(0.55, 0.8)

    def at(near: float, height: float) -> tuple[float, float]:
        return end_x + reach * near, end_y + height * near

    for first, second in itertools.pairwise((0.12, 0.2, 0.34, 0.6, 1.1, 2.0)):
        wall = times(wall_colour(chance), 0.9 if side > 0 else 1.05)
        high, low = chance.between(0.8, 1.3), 0.42
        pen.polygon([at(first, -high), at(second, -high), at(second, low), at(first, low)], wall)
        glass = varied(chance, chance.pick(GLASSES), 0.15)
        step = (second - first) / 2
        for floor in range(3):
            y0, y1 = -high + 0.12 + floor * (high / 3), -high + 0.06 + (floor + 0.75) * (high / 3)
            for column in range(2):
                a, b = first + step * (column + 0.22), first + step * (column + 0.78)
                pen.polygon([at(a, y0), at(b, y0), at(b, y1), at(a, y1)], glass)
        shop = varied(chance, chance.pick(SIGNS), 0.2)
        pen.polygon([at(first, 0.02), at(second, 0.02), at(second, 0.1), at(first, 0.1)], shop)
        a, b = first + 0.1 * step, second - 0.1 * step
        pen.polygon([at(a, 0.13), at(b, 0.13), at(b, 0.4), at(a, 0.4)], times(glass, 0.8))


def draw_pavement(pen: Pen, tint: Colour, horizon: float) -> None:
    """Draws paving stones from the horizon down."""
    pen.box(0, horizon, 1, 1, tint)
    joint = times(tint, 0.86)
    pen.box(0, horizon + 0.35 * (1 - horizon), 1, horizon + 0.35 * (1 - horizon) + 0.006, joint)
    for step in range(-4, 5):
        foot = 0.5 + step * 0.32
        top = 0.5 + step * 0.13
        pen.polygon([(top, horizon), (top + 0.004, horizon), (foot + 0.012, 1.0), (foot, 1.0)], joint)
