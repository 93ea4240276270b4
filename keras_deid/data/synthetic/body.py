"""Neck, shoulders and clothes.

Body coordinates: (0, 0) is the pit of the neck, lengths are in half face heights.
"""

from keras_deid.data.synthetic.chance import Chance
from keras_deid.data.synthetic.palette import PLAIN, cloth_colour, mix, shade, times
from keras_deid.data.synthetic.sketch import Colour, Sketch, box, lens, mirrored, oval, smooth

import numpy as np

_WHITE = (238, 236, 230, 255)


def add_torso(sketch: Sketch, light: Sketch, cloth: Colour, chance: Chance, shoulders: float, from_side: float) -> None:
    """Adds shoulders and chest, clothed in one colour, now and then striped or with the strap of a bag.

    Args:
        sketch: takes the colours.
        light: takes the shadows.
        cloth: colour of the clothes.
        chance: decides on stripes and strap.
        shoulders: half the width of the shoulders.
        from_side: where light comes from: -1 left, 1 right.
    """
    drop = chance.between(0.35, 0.6)
    corners = [(0.0, -0.2), (0.5, -0.22), (0.62 * shoulders, 0.08), (shoulders, drop), (1.16 * shoulders, 1.5)]
    torso = smooth(mirrored([*corners, (1.2 * shoulders, 5.0), (0.0, 5.2)]))
    sketch.add(torso, cloth)
    light.add(torso, shade(0.2))
    light.add(torso * (0.86, 1.0) + (0.12 * from_side, 0.06), PLAIN)
    if chance.happens(0.22):
        band = mix(cloth, cloth_colour(chance), 0.8)
        thick = chance.between(0.09, 0.2)
        for step in range(5):
            y = 0.75 + step * 2.2 * thick
            reach = shoulders * (1.02 + 0.02 * step)
            sketch.add(box(-reach, y, reach, y + thick), band)
    for side in (-1, 1):
        x = side * 0.84 * shoulders
        sketch.add(np.array([(x, 1.0), (x + side * 0.1, 1.9), (x + side * 0.04, 3.0), (x - side * 0.04, 1.9)]), times(cloth, 0.72))
    if chance.happens(0.18):
        side = chance.pick([-1.0, 1.0])
        strap = [(side * 0.75, -0.1), (side * 1.0, -0.06), (-side * 0.9, 3.2), (-side * 1.25, 3.2)]
        sketch.add(np.array(strap), times(cloth_colour(chance), 0.6))


def add_neck(sketch: Sketch, light: Sketch, skin: Colour, half: float, lean: float) -> None:
    """Adds the neck, from inside the head down to its pit.

    Args:
        sketch: takes the colours.
        light: takes the head's shadow on the neck.
        skin: colour.
        half: half the neck's width.
        lean: how far the head is to the right of the neck's pit.
    """
    neck = [(lean - half, -1.3), (lean + half, -1.3), (half * 1.05, -0.3), (half * 1.5, 0.0), (0.0, 0.42)]
    shape = np.array([*neck, (-half * 1.5, 0.0), (-half * 1.05, -0.3)])
    sketch.add(shape, skin)
    light.add(shape, shade(0.12))
    light.add(np.array([*neck[:2], (half * 1.1, -0.25), (0.0, -0.12), (-half * 1.1, -0.25)]), shade(0.36))


def add_neckline(sketch: Sketch, light: Sketch, skin: Colour, cloth: Colour, half: float, chance: Chance) -> None:
    """Adds what a piece of clothing is told by: collar, lapels, neckline, scarf.

    Args:
        sketch: takes the colours.
        light: takes the shadows.
        skin: shows in the neckline.
        cloth: colour of the clothes.
        half: half the neck's width.
        chance: decides what is worn.
    """
    kind = chance.pick(["round", "round", "vee", "shirt", "shirt", "jacket", "jacket", "hood", "rollneck", "scarf", "wide"])
    dark, pale = times(cloth, 0.72), times(cloth, 1.18)
    edge = half * 1.5
    if kind == "round":
        sketch.add(lens(0, -0.12, edge + 0.12, -0.04, 0.66), dark)
        sketch.add(lens(0, -0.16, edge + 0.02, -0.02, 0.58), skin)
    elif kind == "vee":
        sketch.add(np.array([(-edge - 0.14, -0.2), (0, 1.1), (edge + 0.14, -0.2)]), dark)
        sketch.add(np.array([(-edge, -0.24), (0, 0.94), (edge, -0.24)]), skin)
    elif kind == "wide":
        sketch.add(lens(0, -0.06, edge + 0.75, 0.0, 1.1), skin)
        for side in (-1, 1):
            sketch.add(lens(side * 0.24, 0.24, 0.26, 0.0, 0.04, side * -0.06), times(skin, 0.85))
    elif kind == "shirt":
        sketch.add(np.array([(-edge, -0.2), (0, 0.7), (edge, -0.2)]), skin)
        sketch.add(box(-0.1, 0.5, 0.1, 4.0), times(cloth, 0.9))
        for step in range(4):
            sketch.add(oval(0, 0.8 + 0.45 * step, 0.045, 0.045), times(cloth, 0.5))
        for side in (-1, 1):
            collar = [(side * (edge - 0.1), -0.42), (side * (edge + 0.16), -0.1), (side * 0.42, 0.62), (0, 0.5)]
            sketch.add(np.array([(x, y) for x, y in collar]), dark)
            sketch.add(np.array([(x * 0.96, y - 0.05) for x, y in collar]), pale)
    elif kind == "jacket":
        shirt = chance.pick([_WHITE, cloth_colour(chance)])
        sketch.add(np.array([(-edge - 0.1, -0.25), (0, 2.3), (edge + 0.1, -0.25)]), shirt)
        sketch.add(np.array([(-edge + 0.1, -0.26), (0, 0.5), (edge - 0.1, -0.26)]), skin)
        if chance.happens(0.45):
            tie = cloth_colour(chance)
            sketch.add(np.array([(-0.13, 0.36), (0.13, 0.36), (0.2, 2.2), (-0.2, 2.2)]), tie)
            sketch.add(np.array([(-0.17, 0.3), (0.17, 0.3), (0.09, 0.6), (-0.09, 0.6)]), times(tie, 0.75))
        for side in (-1, 1):
            lapel = [(side * (edge - 0.02), -0.38), (side * (edge + 0.5), 0.05), (side * 0.62, 0.95), (side * 0.02, 2.4)]
            sketch.add(np.array([*lapel, (side * (edge - 0.2), 0.3)]), dark)
            sketch.add(np.array([(x * 1.0 + side * 0.03, y - 0.06) for x, y in lapel]), pale)
    elif kind == "hood":
        sketch.add(smooth(mirrored([(0.0, 0.1), (0.5 * edge, 0.36), (edge + 0.2, -0.35), (edge + 0.6, -0.1), (0.5, 0.72), (0, 0.8)])), dark)
        for side in (-1, 1):
            sketch.add(box(side * 0.26 - 0.03, 0.6, side * 0.26 + 0.03, 1.5), pale)
    elif kind == "rollneck":
        sketch.add(smooth(mirrored([(0.0, -0.42), (half * 1.08, -0.58), (half * 1.3, -0.1), (0.0, 0.3)])), pale)
        sketch.add(lens(0, -0.06, half * 1.3, -0.14, 0.22), dark)
    else:
        scarf = cloth_colour(chance)
        wrap = smooth(mirrored([(0.0, -0.36), (half * 1.2, -0.6), (half * 2.0, -0.1), (half * 1.2, 0.5), (0.0, 0.62)]))
        light.add(wrap, PLAIN)
        sketch.add(wrap, scarf)
        sketch.add(lens(0.05, -0.1, half * 1.7, -0.12, 0.26, 0.1), times(scarf, 0.76))
        sketch.add(np.array([(0.15, 0.4), (0.6, 0.35), (0.72, 1.9), (0.3, 2.0)]), times(scarf, 1.1))
        sketch.add(box(0.3, 1.55, 0.7, 1.7), times(scarf, 0.7))
