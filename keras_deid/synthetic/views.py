"""Backgrounds: eight kinds of street.

A view draws into the whole picture. It returns the colours of the air above and below, for pixels without a drawing.
"""

from collections.abc import Callable

from keras_deid.synthetic.buildings import (
    GLASSES,
    LIT,
    SIGNS,
    draw_house,
    draw_pavement,
    draw_row_of_houses,
    draw_window,
    wall_colour,
)
from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.palette import cloth_colour, mix, times, varied
from keras_deid.synthetic.props import (
    LEAVES,
    draw_car,
    draw_cloud,
    draw_graffiti,
    draw_lamp,
    draw_leaves,
    draw_passer_by,
    draw_plant_pot,
    draw_sign,
    draw_tree,
)
from keras_deid.synthetic.sketch import Colour, Pen

Air = tuple[Colour, Colour]
View = Callable[[Pen, Chance], Air]

_SKIES = (
    ((96, 150, 214), (190, 216, 236)), ((150, 180, 210), (220, 228, 232)), ((178, 184, 190), (214, 216, 216)),
    ((120, 140, 190), (244, 190, 150)), ((84, 120, 180), (236, 214, 190)),
)  # fmt: skip
_GROUNDS = ((128, 126, 124), (150, 146, 140), (104, 104, 108), (166, 156, 144))
_BRICKS = ((164, 92, 72), (186, 120, 90), (130, 78, 66), (196, 184, 168), (112, 110, 112))
_SHUTTERS = ((150, 154, 158), (90, 110, 120), (170, 150, 120), (80, 100, 90))
_GRASSES = ((108, 136, 72), (130, 146, 84), (92, 124, 76))
_BUSES = ((190, 44, 40), (232, 190, 70), (46, 84, 140), (226, 224, 216), (60, 124, 92))
_NIGHTS = ((28, 32, 58), (40, 34, 60), (22, 36, 52), (54, 44, 60))
_NEONS = ((240, 70, 120), (70, 200, 220), (250, 190, 80), (120, 230, 140))
_LAMPS = ((255, 214, 140, 255), (255, 240, 214, 255), (240, 90, 70, 255), (250, 170, 80, 255), (150, 220, 200, 255))
_WHITE = (240, 238, 232, 255)


def _sky(chance: Chance) -> Air:
    above, below = chance.pick(_SKIES)
    return varied(chance, above, 0.12), varied(chance, below, 0.08)


def _brick_wall(pen: Pen, chance: Chance) -> Air:
    """A brick wall nearby, with or without a window or a poster."""
    brick = varied(chance, chance.pick(_BRICKS), 0.15)
    mortar = mix(brick, (214, 206, 196, 255), chance.between(0.25, 0.6))
    rows = chance.whole(9, 18)
    high = 1 / rows
    wide = high * chance.between(2.0, 3.0)
    gap = high * 0.07
    for row in range(rows):
        pen.box(0, row * high - gap, 1, row * high + gap, mortar)
        x = -wide * (0.5 if row % 2 else chance.between(0.95, 1.0))
        while x < 1:
            pen.box(x - gap, row * high, x + gap, (row + 1) * high, mortar)
            if chance.happens(0.35):
                tint = times(brick, chance.between(0.78, 1.2))
                pen.box(x + gap, row * high + gap, x + wide - gap, (row + 1) * high - gap, tint)
            x += wide
    for side in (-1, 1):
        if chance.happens(0.45):
            x = 0.5 + side * chance.between(0.34, 0.5)
            draw_window(pen, chance, x - 0.15, chance.between(-0.1, 0.25), x + 0.15, chance.between(0.5, 0.8))
    if chance.happens(0.3):
        draw_graffiti(pen, chance, chance.pick([0.1, 0.9]), chance.between(0.5, 0.9), 0.25)
    return brick, times(brick, 0.85)


def _plaster_wall(pen: Pen, chance: Chance) -> Air:
    """A plain wall with posters, a pipe, a roller shutter, scrawls."""
    wall = wall_colour(chance)
    if chance.happens(0.5):
        pen.box(0, chance.between(0.62, 0.85), 1, 1, times(wall, chance.between(0.6, 0.85)))
    if chance.happens(0.4):
        x = chance.pick([-0.1, 0.55])
        shutter = varied(chance, chance.pick(_SHUTTERS), 0.2)
        pen.box(x, 0.1, x + 0.55, 1, shutter)
        for row in range(12):
            y = 0.1 + row * 0.08
            pen.box(x, y, x + 0.55, y + 0.016, times(shutter, 0.75))
    for _ in range(chance.whole(0, 4)):
        x, y = chance.between(-0.1, 0.95), chance.between(0.05, 0.7)
        wide, high = chance.between(0.1, 0.2), chance.between(0.14, 0.28)
        paper = cloth_colour(chance)
        pen.box(x, y, x + wide, y + high, mix(paper, _WHITE, 0.3))
        pen.box(x + 0.1 * wide, y + 0.1 * high, x + 0.9 * wide, y + 0.55 * high, cloth_colour(chance))
        for line in (0.65, 0.78):
            pen.box(x + 0.1 * wide, y + line * high, x + 0.8 * wide, y + (line + 0.06) * high, times(paper, 0.5))
    if chance.happens(0.4):
        x = chance.between(0.02, 0.98)
        pen.box(x - 0.018, 0, x + 0.018, 1, times(wall, 0.7))
        pen.box(x - 0.01, 0, x - 0.002, 1, times(wall, 0.95))
    if chance.happens(0.45):
        draw_graffiti(pen, chance, chance.pick([0.12, 0.88]), chance.between(0.3, 0.85), 0.3)
    if chance.happens(0.4):
        draw_plant_pot(pen, chance, chance.pick([0.06, 0.94]), 1.0, chance.between(0.4, 0.65))
    return times(wall, 1.05), times(wall, 0.85)


def _shop_front(pen: Pen, chance: Chance) -> Air:
    """A shop across the pavement: sign, awning, lit window with goods, a door."""
    wall = wall_colour(chance)
    front = varied(chance, chance.pick(SIGNS), 0.15)
    ground = chance.between(0.82, 0.95)
    top = chance.between(0.16, 0.28)
    pen.box(0, top - 0.13, 1, ground, front)
    pen.box(0.0, top - 0.13, 1, top - 0.11, times(front, 1.3))
    letters = mix(front, _WHITE, 0.8) if sum(front[:3]) < 450 else times(front, 0.35)
    x = chance.between(0.05, 0.3)
    for _ in range(chance.whole(4, 9)):
        wide = chance.between(0.02, 0.05)
        pen.box(x, top - 0.09, x + wide, top - 0.035, letters)
        x += wide + 0.02
    warm = chance.happens(0.5)
    glass = varied(chance, (214, 180, 128) if warm else chance.pick(GLASSES), 0.12)
    door = chance.between(-0.05, 0.85)
    x = chance.between(-0.2, 0.0)
    while x < 1:
        wide = chance.between(0.25, 0.45)
        pen.box(x, top + 0.02, x + wide - 0.03, ground - 0.08, glass)
        pen.box(x, top + 0.3, x + wide - 0.03, top + 0.315, times(glass, 0.8))
        for _ in range(4):
            at = x + chance.between(0.02, wide - 0.09)
            base = chance.pick([top + 0.3, ground - 0.1])
            tall = chance.between(0.04, 0.14)
            pen.box(at, base - tall, at + 0.05, base, cloth_colour(chance))
        if warm:
            pen.oval(x + wide / 2, top + 0.07, 0.03, 0.02, (255, 244, 206, 255))
        x += wide
    pen.box(door, top + 0.02, door + 0.2, ground, times(front, 0.7))
    pen.box(door + 0.03, top + 0.06, door + 0.17, ground - 0.12, mix(glass, (60, 60, 66, 255), 0.3))
    if chance.happens(0.55):
        stripe = varied(chance, chance.pick(SIGNS), 0.1)
        low = top + chance.between(0.08, 0.14)
        for step in range(-1, 9):
            x0 = step * 0.125
            upper, lower = [(x0, top - 0.02), (x0 + 0.125, top - 0.02)], [(x0 + 0.14, low), (x0 + 0.015, low)]
            pen.polygon([*upper, lower[0], (x0 + 0.0775, low + 0.025), lower[1]], stripe if step % 2 else _WHITE)
    pavement = varied(chance, chance.pick(_GROUNDS), 0.12)
    draw_pavement(pen, pavement, ground)
    if chance.happens(0.5):
        draw_plant_pot(pen, chance, chance.pick([0.08, 0.9]), ground + 0.04, chance.between(0.25, 0.4))
    return wall, wall


def _facade(pen: Pen, chance: Chance) -> Air:
    """Houses on the other side of the road, with rows of windows and parked cars."""
    sky_above, sky_below = _sky(chance)
    ground = chance.between(0.6, 0.76)
    x = chance.between(-0.3, 0.0)
    while x < 1:
        wide = chance.between(0.35, 0.7)
        draw_house(pen, chance, x, chance.between(-0.2, 0.18), x + wide, ground)
        x += wide
    pavement = varied(chance, chance.pick(_GROUNDS), 0.12)
    pen.box(0, ground, 1, 1, times(pavement, 1.12))
    kerb = ground + chance.between(0.05, 0.1)
    pen.box(0, kerb, 1, kerb + 0.012, times(pavement, 0.8))
    pen.box(0, kerb + 0.012, 1, 1, times(pavement, 0.72))
    for step in range(4):
        at = 0.1 + step * 0.28
        pen.box(at, kerb + 0.14, at + 0.14, kerb + 0.155, (226, 222, 210, 255))
    _people_and_things(pen, chance, ground, kerb)
    return sky_above, sky_below


def _people_and_things(pen: Pen, chance: Chance, ground: float, kerb: float) -> None:
    if chance.happens(0.4):
        draw_tree(pen, chance, chance.between(0, 1), kerb, chance.between(0.4, 0.75))
    for _ in range(chance.whole(0, 2)):
        draw_passer_by(pen, chance, chance.between(0, 1), ground + 0.03, chance.between(0.2, 0.28))
    if chance.happens(0.7):
        draw_car(pen, chance, chance.between(-0.05, 0.3), kerb + 0.06, chance.between(0.35, 0.5))
    if chance.happens(0.5):
        draw_car(pen, chance, chance.between(0.7, 1.1), kerb + 0.06, chance.between(0.35, 0.5))
    if chance.happens(0.4):
        draw_lamp(pen, chance, chance.pick([0.07, 0.16, 0.84, 0.93]), kerb + 0.02, chance.between(0.02, 0.2))
    if chance.happens(0.25):
        draw_sign(pen, chance, chance.pick([0.08, 0.16, 0.84, 0.92]), kerb + 0.1, chance.between(0.2, 0.4))


def _avenue(pen: Pen, chance: Chance) -> Air:
    """Down a road: houses on both sides, meeting at the horizon."""
    above, below = _sky(chance)
    for _ in range(chance.whole(0, 2)):
        draw_cloud(pen, chance, above)
    end_x, end_y = chance.between(0.25, 0.75), chance.between(0.4, 0.54)
    haze = mix(below, (150, 156, 164, 255), 0.5)
    for _ in range(5):
        x, wide = end_x + chance.around(0, 0.25), chance.between(0.04, 0.1)
        pen.box(x - wide, end_y - chance.between(0.05, 0.22), x + wide, end_y, times(haze, chance.between(0.85, 1.05)))

    road = varied(chance, (104, 104, 110), 0.15)
    pavement = times(road, 1.35)
    pen.box(0, end_y, 1, 1, pavement)
    left, right = end_x - chance.between(0.5, 0.9), end_x + chance.between(0.5, 0.9)
    pen.polygon([(end_x - 0.02, end_y), (end_x + 0.02, end_y), (right, 1), (left, 1)], road)
    for near in (0.16, 0.4, 0.75):
        middle, half = (left + right) / 2, 0.02 * near
        y0, y1 = end_y + (1 - end_y) * near, end_y + (1 - end_y) * near * 1.35
        x0, x1 = end_x + (middle - end_x) * near, end_x + (middle - end_x) * near * 1.35
        pen.polygon([(x0 - half, y0), (x0 + half, y0), (x1 + half * 1.35, y1), (x1 - half * 1.35, y1)], _WHITE)

    for side in (-1, 1):
        draw_row_of_houses(pen, chance, end_x, end_y, side)
    if chance.happens(0.6):
        side = chance.pick([-1, 1])
        for near in (0.3, 0.55):
            draw_tree(pen, chance, end_x + side * (0.1 + 0.6 * near), end_y + 0.3 * near, 0.75 * near)
    for _ in range(chance.whole(0, 3)):
        near = chance.between(0.2, 0.5)
        x = end_x + chance.pick([-1, 1]) * near * chance.between(0.7, 1.2)
        draw_passer_by(pen, chance, x, end_y + 0.5 * near, 0.6 * near)
    if chance.happens(0.7):
        near = chance.between(0.25, 0.5)
        draw_car(pen, chance, end_x + chance.around(0, 0.5), end_y + 0.4 * near, 0.65 * near)
    if chance.happens(0.4):
        draw_lamp(pen, chance, chance.pick([0.08, 0.92]), 0.9, chance.between(0.02, 0.15))
    return above, below


def _park(pen: Pen, chance: Chance) -> Air:
    """Trees, a hedge, grass, a path."""
    above, below = _sky(chance)
    if chance.happens(0.5):
        draw_cloud(pen, chance, above)
    horizon = chance.between(0.5, 0.64)
    far = mix(varied(chance, chance.pick(LEAVES), 0.1), below, 0.45)
    for step in range(7):
        radius = chance.between(0.08, 0.16)
        pen.oval(step / 6, horizon - 0.06, radius, radius, times(far, chance.between(0.88, 1.08)))
    if chance.happens(0.5):
        left, top, right = chance.between(-0.1, 0.7), chance.between(0.1, 0.25), chance.between(0.75, 1.1)
        draw_house(pen, chance, left, top, right, horizon)
    grass = varied(chance, chance.pick(_GRASSES), 0.12)
    pen.box(0, horizon, 1, 1, grass)
    pen.box(0, horizon, 1, horizon + 0.03, times(grass, 0.8))
    path = varied(chance, (196, 180, 152), 0.1)
    foot, top = chance.between(0.0, 1.0), chance.between(0.2, 0.8)
    pen.polygon([(top - 0.02, horizon), (top + 0.02, horizon), (foot + 0.3, 1), (foot - 0.3, 1)], path)
    for _ in range(chance.whole(0, 2)):
        draw_passer_by(pen, chance, chance.between(0, 1), horizon + 0.05, chance.between(0.14, 0.22))
    for _ in range(chance.whole(2, 4)):
        draw_tree(pen, chance, chance.between(0, 1), horizon + chance.between(0.02, 0.2), chance.between(0.5, 0.9))
    if chance.happens(0.3):
        leaves = varied(chance, chance.pick(LEAVES), 0.2)
        for step in range(5):
            draw_leaves(pen, chance, step / 4, 0.92, 0.14, leaves)
    return above, below


def _night(pen: Pen, chance: Chance) -> Air:
    """A street at night: dark houses, lit windows, lamps and headlights out of focus."""
    above = varied(chance, chance.pick(_NIGHTS), 0.2)
    ground = chance.between(0.62, 0.76)
    x = -0.1
    while x < 1:
        wide, top = chance.between(0.18, 0.36), chance.between(-0.1, 0.35)
        house = times(above, chance.between(0.75, 1.5))
        pen.box(x, top, x + wide, ground, house)
        for row in range(4):
            for column in range(2):
                if chance.happens(0.45):
                    a, y = x + wide * (0.15 + 0.45 * column), top + 0.06 + row * 0.13
                    tint = mix(house, chance.pick((LIT, LIT, (190, 220, 240, 255))), chance.between(0.4, 1.0))
                    pen.box(a, y, a + wide * 0.25, y + 0.07, tint)
        x += wide
    pen.box(0, ground, 1, 1, times(above, 1.25))
    sign = varied(chance, chance.pick(_NEONS), 0.1)
    x = chance.between(-0.1, 0.8)
    pen.box(x, ground - 0.2, x + 0.3, ground - 0.13, sign)
    pen.box(x, ground - 0.12, x + 0.3, ground - 0.02, mix(sign, _WHITE, 0.5))
    pen.lens(x + 0.15, ground + 0.08, 0.2, 0.05, 0.08, mix(times(above, 1.25), sign, 0.4))
    for _ in range(chance.whole(6, 14)):
        radius = chance.between(0.015, 0.05)
        tint = mix(above, chance.pick(_LAMPS), chance.between(0.5, 1.0))
        pen.oval(chance.between(0, 1), chance.between(0.25, 0.85), radius, radius, tint)
    return above, times(above, 2.2)


def _bus(pen: Pen, chance: Chance) -> Air:
    """A bus or a tram in front of houses."""
    above, below = _sky(chance)
    draw_house(pen, chance, -0.1, -0.2, 0.5, 0.8)
    draw_house(pen, chance, 0.5, -0.2, 1.1, 0.8)
    paint = varied(chance, chance.pick(_BUSES), 0.12)
    top, ground = chance.between(0.08, 0.2), chance.between(0.86, 0.94)
    x0 = chance.between(-0.5, 0.15)
    pen.box(x0, top, x0 + 1.6, ground, paint)
    pen.box(x0, top, x0 + 1.6, top + 0.03, times(paint, 1.2))
    glass = varied(chance, chance.pick(GLASSES), 0.1)
    x = x0 + 0.06
    while x < 1:
        pen.box(x, top + 0.08, x + 0.24, top + 0.36, glass)
        pen.polygon(
            [(x + 0.05, top + 0.36), (x + 0.16, top + 0.08), (x + 0.2, top + 0.08), (x + 0.09, top + 0.36)],
            times(glass, 1.2),
        )
        if chance.happens(0.6):
            rider = chance.between(x + 0.06, x + 0.18)
            pen.oval(rider, top + 0.27, 0.03, 0.04, times(cloth_colour(chance), 0.6))
            pen.lens(rider, top + 0.36, 0.06, 0.07, 0, times(cloth_colour(chance), 0.6))
        x += 0.28
    stripe = varied(chance, chance.pick(_BUSES), 0.1)
    pen.box(x0, top + 0.44, x0 + 1.6, top + 0.5, mix(stripe, _WHITE, 0.4))
    pen.box(0, ground - 0.02, 1, 1, varied(chance, (92, 92, 96), 0.15))
    for wheel in (0.3, 1.3):
        pen.oval(x0 + wheel, ground - 0.02, 0.09, 0.09, (36, 36, 38, 255))
        pen.oval(x0 + wheel, ground - 0.02, 0.045, 0.045, (140, 142, 146, 255))
    if chance.happens(0.4):
        draw_sign(pen, chance, chance.pick([0.07, 0.93]), 1.0, chance.between(0.15, 0.3))
    return above, below


# Common views are more likely.
VIEWS: tuple[View, ...] = (
    _brick_wall, _plaster_wall, _plaster_wall, _shop_front, _shop_front, _facade, _facade, _facade, _avenue, _avenue,
    _avenue, _park, _park, _night, _bus,
)  # fmt: skip
