"""Neck, shoulders and clothes.

Body coordinates: (0, 0) is the base of the neck, lengths are in half face heights.
"""

from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.palette import PLAIN, cloth_colour, mix, shade, times
from keras_deid.synthetic.sketch import Colour, Pen, mirrored, smooth

_WHITE = (238, 236, 230, 255)
_NECKLINES = ("round", "round", "vee", "shirt", "shirt", "jacket", "jacket", "hood", "rollneck", "scarf", "wide")


def draw_torso(pen: Pen, light: Pen, cloth: Colour, shoulders: float, from_side: float, chance: Chance) -> None:
    """Draws shoulders and chest in one colour, sometimes striped or with the strap of a bag.

    Args:
        pen: draws the colours.
        light: draws the shadows.
        cloth: colour of the clothes.
        shoulders: half the width of the shoulders.
        from_side: where light comes from: -1 left, 1 right.
        chance: decides on stripes and strap.
    """
    drop = chance.between(0.35, 0.6)
    shoulder = [(0.5, -0.22), (0.62 * shoulders, 0.08), (shoulders, drop), (1.16 * shoulders, 1.5)]
    torso = smooth(mirrored([(0.0, -0.2), *shoulder, (1.2 * shoulders, 5.0), (0.0, 5.2)]))
    pen.shape(torso, cloth)
    light.shape(torso, shade(0.2))
    light.shape(torso * (0.86, 1.0) + (0.12 * from_side, 0.06), PLAIN)
    if chance.happens(0.22):
        band = mix(cloth, cloth_colour(chance), 0.8)
        thick = chance.between(0.09, 0.2)
        for step in range(5):
            y, reach = 0.75 + 2.2 * thick * step, shoulders * (1.02 + 0.02 * step)
            pen.box(-reach, y, reach, y + thick, band)
    fold = times(cloth, 0.72)
    for side in (-1, 1):
        x = side * 0.84 * shoulders
        pen.polygon([(x, 1.0), (x + side * 0.1, 1.9), (x + side * 0.04, 3.0), (x - side * 0.04, 1.9)], fold)
    if chance.happens(0.18):
        way = chance.pick((-1.0, 1.0))
        strap = [(way * 0.75, -0.1), (way, -0.06), (-way * 0.9, 3.2), (-way * 1.25, 3.2)]
        pen.polygon(strap, times(cloth_colour(chance), 0.6))


def draw_neck(pen: Pen, light: Pen, skin: Colour, half: float, lean: float) -> None:
    """Draws the neck, from inside the head down to its base.

    Args:
        pen: draws the colours.
        light: draws the head's shadow on the neck.
        skin: colour.
        half: half the neck's width.
        lean: how far the head is to the right of the base of the neck.
    """
    left, right = (lean - half, -1.3), (lean + half, -1.3)
    neck = [left, right, (1.05 * half, -0.3), (1.5 * half, 0.0), (0.0, 0.42), (-1.5 * half, 0.0), (-1.05 * half, -0.3)]
    pen.polygon(neck, skin)
    light.polygon(neck, shade(0.12))
    light.polygon([left, right, (1.1 * half, -0.25), (0.0, -0.12), (-1.1 * half, -0.25)], shade(0.36))


def draw_neckline(pen: Pen, light: Pen, skin: Colour, cloth: Colour, half: float, chance: Chance) -> None:
    """Draws the upper edge of the clothes: collar, lapels, neckline, scarf.

    Args:
        pen: draws the colours.
        light: draws the shadows.
        skin: shows in the neckline.
        cloth: colour of the clothes.
        half: half the neck's width.
        chance: decides what is worn.
    """
    kind = chance.pick(_NECKLINES)
    dark, pale = times(cloth, 0.72), times(cloth, 1.18)
    edge = 1.5 * half
    if kind == "round":
        pen.lens(0, -0.12, edge + 0.12, -0.04, 0.66, dark)
        pen.lens(0, -0.16, edge + 0.02, -0.02, 0.58, skin)
    elif kind == "vee":
        pen.polygon([(-edge - 0.14, -0.2), (0, 1.1), (edge + 0.14, -0.2)], dark)
        pen.polygon([(-edge, -0.24), (0, 0.94), (edge, -0.24)], skin)
    elif kind == "wide":
        pen.lens(0, 0.08, edge + 0.3, 0.3, 0.8, skin)
        for side in (-1, 1):
            pen.lens(side * 0.24, 0.24, 0.26, 0.0, 0.04, times(skin, 0.85), tilt=side * -0.06)
    elif kind == "shirt":
        _draw_shirt(pen, skin, cloth, edge)
    elif kind == "jacket":
        _draw_jacket(pen, skin, cloth, edge, chance)
    elif kind == "hood":
        hood = [(0.0, 0.1), (0.5 * edge, 0.36), (edge + 0.2, -0.35), (edge + 0.6, -0.1), (0.5, 0.72), (0.0, 0.8)]
        pen.shape(smooth(mirrored(hood)), dark)
        for x in (-0.26, 0.26):
            pen.box(x - 0.03, 0.6, x + 0.03, 1.5, pale)
    elif kind == "rollneck":
        pen.shape(smooth(mirrored([(0.0, -0.42), (1.08 * half, -0.58), (1.3 * half, -0.1), (0.0, 0.3)])), pale)
        pen.lens(0, -0.06, 1.3 * half, -0.14, 0.22, dark)
    else:
        _draw_scarf(pen, light, half, cloth_colour(chance))


def _draw_shirt(pen: Pen, skin: Colour, cloth: Colour, edge: float) -> None:
    pen.polygon([(-edge, -0.2), (0, 0.7), (edge, -0.2)], skin)
    pen.box(-0.1, 0.5, 0.1, 4.0, times(cloth, 0.9))
    for step in range(4):
        pen.oval(0, 0.8 + 0.45 * step, 0.045, 0.045, times(cloth, 0.5))
    for side in (-1, 1):
        collar = [(edge - 0.1, -0.42), (edge + 0.16, -0.1), (0.42, 0.62), (0.0, 0.5)]
        pen.polygon([(side * x, y) for x, y in collar], times(cloth, 0.72))
        pen.polygon([(side * 0.96 * x, y - 0.05) for x, y in collar], times(cloth, 1.18))


def _draw_jacket(pen: Pen, skin: Colour, cloth: Colour, edge: float, chance: Chance) -> None:
    shirt = _WHITE if chance.happens(0.5) else cloth_colour(chance)
    pen.polygon([(-edge - 0.1, -0.25), (0, 2.3), (edge + 0.1, -0.25)], shirt)
    pen.polygon([(0.1 - edge, -0.26), (0, 0.5), (edge - 0.1, -0.26)], skin)
    if chance.happens(0.45):
        tie = cloth_colour(chance)
        pen.polygon([(-0.13, 0.36), (0.13, 0.36), (0.2, 2.2), (-0.2, 2.2)], tie)
        pen.polygon([(-0.17, 0.3), (0.17, 0.3), (0.09, 0.6), (-0.09, 0.6)], times(tie, 0.75))
    for side in (-1, 1):
        lapel = [(edge - 0.02, -0.38), (edge + 0.5, 0.05), (0.62, 0.95), (0.02, 2.4), (edge - 0.2, 0.3)]
        pen.polygon([(side * x, y) for x, y in lapel], times(cloth, 0.72))
        pen.polygon([(side * (x + 0.03), y - 0.06) for x, y in lapel[:4]], times(cloth, 1.18))


def _draw_scarf(pen: Pen, light: Pen, half: float, scarf: Colour) -> None:
    wrap = smooth(mirrored([(0.0, -0.36), (1.2 * half, -0.6), (2.0 * half, -0.1), (1.2 * half, 0.5), (0.0, 0.62)]))
    light.shape(wrap, PLAIN)
    pen.shape(wrap, scarf)
    pen.lens(0.05, -0.1, 1.7 * half, -0.12, 0.26, times(scarf, 0.76), tilt=0.1)
    pen.polygon([(0.15, 0.4), (0.6, 0.35), (0.72, 1.9), (0.3, 2.0)], times(scarf, 1.1))
    pen.box(0.3, 1.55, 0.7, 1.7, times(scarf, 0.7))
