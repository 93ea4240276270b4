"""Things that stand in streets. `ground` is the height in the picture at which they touch the ground."""

from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.palette import cloth_colour, hair_colour, mix, skin_colour, times, varied
from keras_deid.synthetic.sketch import Colour, Corners, Pen, smooth

LEAVES = ((58, 92, 48), (84, 120, 58), (112, 138, 66), (150, 150, 70), (178, 128, 58), (66, 100, 80))
_TRUNK = (84, 66, 52)
_CARS = ((196, 40, 40), (36, 62, 120), (228, 228, 226), (52, 54, 58), (150, 156, 160), (226, 178, 60), (58, 110, 96))
_SPRAYS = ((226, 70, 110), (60, 170, 190), (240, 190, 60), (110, 90, 190), (90, 180, 90))
_GLASS = (92, 112, 128, 255)
_RUBBER = (34, 34, 36, 255)


def _tapered(x: float, low: float, low_half: float, high: float, high_half: float) -> Corners:
    return [(x - low_half, low), (x + low_half, low), (x + high_half, high), (x - high_half, high)]


def draw_tree(pen: Pen, chance: Chance, x: float, ground: float, height: float) -> None:
    """Draws a tree with a round crown."""
    trunk = varied(chance, _TRUNK, 0.2)
    thick = 0.05 * height
    pen.polygon(_tapered(x, ground, thick, ground - 0.7 * height, 0.6 * thick), trunk)
    leaves = varied(chance, chance.pick(LEAVES), 0.2)
    draw_leaves(pen, chance, x, ground - 0.72 * height, 0.3 * height, leaves)


def draw_leaves(pen: Pen, chance: Chance, x: float, y: float, radius: float, leaves: Colour) -> None:
    """Draws a cloud of leaves, lighter above."""
    for factor, lift in ((0.72, 0.35), (0.86, 0.15), (1.0, -0.05), (1.0, -0.15), (1.12, -0.35), (1.2, -0.5)):
        at_x = x + chance.around(0, 0.8) * radius
        size = radius * chance.between(0.5, 0.85)
        pen.oval(at_x, y + lift * radius, size, size * 0.9, times(leaves, factor))


def draw_car(pen: Pen, chance: Chance, x: float, ground: float, length: float) -> None:
    """Draws a car seen from its side."""
    paint = varied(chance, chance.pick(_CARS), 0.12)
    half, high = length / 2, length * 0.36
    way = chance.pick([-1.0, 1.0])
    pen.lens(x, ground, half * 1.05, 0.02 * length, 0.03 * length, (50, 50, 52, 255))
    body = [(-0.98, -0.15), (-0.98, -0.5), (-0.72, -0.6), (-0.42, -1.0), (0.3, -1.0), (0.62, -0.6), (0.98, -0.46)]
    body.append((1.0, -0.15))
    pen.polygon([(x + way * a * half, ground + b * high) for a, b in body], paint)
    glass = [(-0.6, -0.6), (-0.38, -0.93), (0.26, -0.93), (0.5, -0.6)]
    pen.polygon([(x + way * a * half, ground + b * high) for a, b in glass], _GLASS)
    pen.box(x - way * 0.04 * half - 0.01 * length, ground - 0.95 * high, x + 0.01 * length, ground - 0.55 * high, paint)
    pen.box(x - half, ground - 0.3 * high, x + half, ground - 0.22 * high, times(paint, 0.7))
    for wheel in (-0.6, 0.6):
        pen.oval(x + wheel * half, ground - 0.12 * high, 0.085 * length, 0.085 * length, _RUBBER)
        pen.oval(x + wheel * half, ground - 0.12 * high, 0.04 * length, 0.04 * length, (150, 152, 156, 255))
    pen.oval(x + way * 0.95 * half, ground - 0.4 * high, 0.03 * length, 0.03 * length, (252, 240, 200, 255))
    pen.oval(x - way * 0.95 * half, ground - 0.42 * high, 0.025 * length, 0.03 * length, (200, 36, 36, 255))


def draw_passer_by(pen: Pen, chance: Chance, x: float, ground: float, height: float) -> None:
    """Draws a person far away: a figure without a face."""
    skin, coat, legs = skin_colour(chance), cloth_colour(chance), times(cloth_colour(chance), 0.6)
    h = height
    stride = chance.between(0.02, 0.09) * h
    for side in (-1, 1):
        foot = x + side * stride
        hip = ground - 0.5 * h
        pen.polygon(
            [(x - 0.07 * h, hip), (x + 0.07 * h, hip), (foot + 0.03 * h, ground), (foot - 0.03 * h, ground)], legs
        )
    torso = [(-0.1, -0.82), (0.1, -0.82), (0.15, -0.6), (0.11, -0.4), (-0.11, -0.4), (-0.15, -0.6)]
    pen.polygon([(x + a * h, ground + b * h) for a, b in torso], coat)
    pen.oval(x, ground - 0.93 * h, 0.055 * h, 0.075 * h, hair_colour(chance, skin))
    pen.oval(x, ground - 0.905 * h, 0.042 * h, 0.055 * h, skin)


def draw_lamp(pen: Pen, chance: Chance, x: float, ground: float, top: float) -> None:
    """Draws a street lamp."""
    metal = varied(chance, (62, 66, 70), 0.3)
    thick = 0.012 * (ground - top) + 0.004
    pen.box(x - thick, top, x + thick, ground, metal)
    arm = chance.pick([-1.0, 1.0]) * 0.12 * (ground - top)
    pen.polygon([(x, top), (x + arm, top - thick), (x + arm, top + thick), (x, top + 2.5 * thick)], metal)
    pen.lens(x + arm, top, 4 * thick, 0.0, 4 * thick, (250, 238, 196, 255))


def draw_sign(pen: Pen, chance: Chance, x: float, ground: float, top: float) -> None:
    """Draws a traffic sign on its pole."""
    radius = chance.between(0.03, 0.06)
    pen.box(x - 0.008, top, x + 0.008, ground, (128, 130, 132, 255))
    kind = chance.whole(0, 2)
    if kind == 0:
        pen.oval(x, top, radius, radius, (200, 34, 40, 255))
        pen.box(x - 0.7 * radius, top - 0.2 * radius, x + 0.7 * radius, top + 0.2 * radius, (244, 242, 238, 255))
    elif kind == 1:
        pen.box(x - radius, top - radius, x + radius, top + radius, (40, 90, 170, 255))
        pen.oval(x, top, 0.6 * radius, 0.6 * radius, (240, 242, 244, 255))
    else:
        for fraction, tint in ((1.0, (200, 34, 40, 255)), (0.6, (246, 240, 220, 255))):
            r = radius * fraction * 1.2
            pen.polygon([(x - r, top + 0.7 * r), (x + r, top + 0.7 * r), (x, top - r)], tint)


def draw_plant_pot(pen: Pen, chance: Chance, x: float, ground: float, height: float) -> None:
    """Draws a bush in a pot."""
    pot = varied(chance, (160, 92, 66), 0.3)
    h = height
    pen.polygon(_tapered(x, ground, 0.16 * h, ground - 0.45 * h, 0.22 * h), pot)
    draw_leaves(pen, chance, x, ground - 0.72 * h, 0.3 * h, varied(chance, chance.pick(LEAVES), 0.2))


def draw_cloud(pen: Pen, chance: Chance, sky: Colour) -> None:
    """Draws a cloud in a sky of this colour."""
    x, y, size = chance.between(0, 1), chance.between(0, 0.3), chance.between(0.06, 0.14)
    tint = mix(sky, (250, 250, 250, 255), 0.6)
    for step in (-1, 0, 1):
        pen.oval(x + 0.9 * step * size, y + 0.15 * abs(step) * size, size, size * 0.5, tint)


def draw_graffiti(pen: Pen, chance: Chance, x: float, y: float, size: float) -> None:
    """Draws a painted scrawl."""
    for _ in range(2):
        tint = varied(chance, chance.pick(_SPRAYS), 0.1)
        corners = [(x + chance.around(0, size), y + chance.around(0, 0.6 * size)) for _ in range(6)]
        pen.shape(smooth(corners), tint)
        x, y = corners[0]
        pen.lens(x, y, 0.7 * size, 0.2 * size, -0.12 * size, times(tint, 0.5), tilt=chance.around(0, 0.4 * size))
