"""Hair and what is worn on it."""

from typing import NamedTuple

import numpy as np

from keras_deid.data.synthetic.chance import Chance
from keras_deid.data.synthetic.face import Face
from keras_deid.data.synthetic.palette import PLAIN, cloth_colour, mix, shade, times
from keras_deid.data.synthetic.pose import Pose
from keras_deid.data.synthetic.sketch import Colour, Sketch, lens, mirrored, oval, smooth, smooth_line

Corners = list[tuple[float, float]]

# Where hair begins on the forehead, from the right side of the picture to the left; x in half face widths.
_HAIRLINES: dict[str, Corners] = {
    "swept": [(0.95, -0.4), (0.8, -0.76), (0.4, -0.93), (0.0, -0.97), (-0.4, -0.93), (-0.8, -0.76), (-0.95, -0.4)],
    "fringe": [(0.95, -0.25), (0.84, -0.46), (0.4, -0.53), (0.0, -0.56), (-0.4, -0.53), (-0.84, -0.46), (-0.95, -0.25)],
    "side": [(0.95, -0.3), (0.82, -0.52), (0.3, -0.72), (-0.2, -0.9), (-0.48, -1.04), (-0.8, -0.78), (-0.95, -0.35)],
    "middle": [(0.95, -0.1), (0.86, -0.4), (0.5, -0.76), (0.0, -1.1), (-0.5, -0.76), (-0.86, -0.4), (-0.95, -0.1)],
    "receding": [(0.96, -0.4), (0.88, -0.8), (0.56, -1.1), (0.0, -0.98), (-0.56, -1.1), (-0.88, -0.8), (-0.96, -0.4)],
}


class Hair(NamedTuple):
    """How hair is worn."""

    colour: Colour
    front: str
    """Name of the hairline, or "bald"."""
    back: str
    """"none", "bob", "long", "wavy", "bun" or "tail"."""
    over_shoulders: bool
    top: float
    """Height of the hair over the skull; 1 lies flat."""
    sides: float
    """Width of the hair beside the skull; 1 lies flat."""
    curly: bool
    hat: str
    """"none", "cap", "beanie", "brim" or "scarf"."""
    hat_colour: Colour
    flipped: bool


def choose_hair(chance: Chance, colour: Colour, short: bool) -> Hair:
    """Returns a way to wear hair, mostly short or mostly long."""
    hat = chance.pick(["cap", "beanie", "brim", "beanie"]) if chance.happens(0.16) else "none"
    if not short and chance.happens(0.1):
        hat = "scarf"
    if short:
        front = chance.pick(["swept", "swept", "fringe", "side", "side", "receding", "bald"])
        back = "none"
    else:
        front = chance.pick(["swept", "fringe", "side", "middle", "middle"])
        back = chance.pick(["bob", "long", "long", "wavy", "bun", "tail", "none"])
    curly = chance.happens(0.22) and front != "bald"
    full = chance.between(1.04, 1.3 if curly else 1.16)
    return Hair(
        colour=colour,
        front=front,
        back=back,
        over_shoulders=chance.happens(0.5),
        top=1 + (full - 1) * 0.8 if front != "receding" else 1.03,
        sides=full if front != "receding" else 1.03,
        curly=curly,
        hat=hat,
        hat_colour=cloth_colour(chance),
        flipped=chance.happens(0.5),
    )


def add_back_hair(sketch: Sketch, light: Sketch, hair: Hair, width: float, chance: Chance) -> None:
    """Adds the hair that hangs behind the neck or is tied behind the head, in head coordinates."""
    dark = times(hair.colour, 0.78)
    if hair.hat == "scarf" or hair.back == "none":
        return
    if hair.back == "bun":
        x, radius = chance.between(-0.25, 0.25), chance.between(0.28, 0.4)
        sketch.add(oval(x, -1.3 * hair.top - 0.12, radius, radius * 0.9), dark)
        sketch.add(oval(x - 0.06, -1.3 * hair.top - 0.18, radius * 0.6, radius * 0.5), hair.colour)
        return
    if hair.back == "tail":
        side = -1 if hair.flipped else 1
        corners = [(0.3, -1.2), (1.25, -0.7), (1.5, 0.3), (1.35, 1.5), (1.15, 0.9), (1.1, 0.0), (0.7, -0.6)]
        tail = smooth([(side * x * width * 1.1, y) for x, y in corners])
        sketch.add(tail, dark)
        return
    length = {"bob": chance.between(0.75, 1.15), "long": chance.between(1.7, 2.6), "wavy": chance.between(1.4, 2.3)}
    end = length[hair.back]
    wide = width * (hair.sides + chance.between(0.05, 0.25))
    corners = mirrored(
        [(0.0, -1.25), (0.8 * wide, -1.05), (wide, -0.3), (1.08 * wide, 0.5 * end), (1.05 * wide, end), (0.0, end + 0.1)]
    )
    sketch.add(smooth(corners), dark)
    light.add(smooth(corners), shade(0.1))
    if hair.back == "wavy":
        for step in range(7):
            y = -0.2 + (end + 0.1) * step / 6
            for side in (-1, 1):
                radius = chance.between(0.18, 0.28)
                tint = times(dark, chance.between(0.9, 1.2))
                sketch.add(oval(side * (1.02 * wide + chance.around(0, 0.06)), y, radius, radius), tint)
    else:
        for side in (-1, 1):
            x = side * wide * chance.between(0.8, 0.95)
            lock = smooth([(x, -0.3), (x + side * 0.09, 0.5 * end), (x, 0.95 * end), (x - side * 0.07, 0.5 * end)])
            sketch.add(lock, times(hair.colour, 1.1))


def add_front_hair(sketch: Sketch, light: Sketch, hair: Hair, face: Face, pose: Pose, chance: Chance) -> None:
    """Adds the hair over the forehead and beside the face, in head coordinates."""
    if hair.hat == "scarf":
        return
    width = pose.half_width
    if hair.front == "bald":
        if chance.happens(0.5):
            for side in (-1, 1):
                corners = [(0.9, -0.62), (1.04, -0.5), (1.06, 0.0), (0.96, 0.12), (0.92, -0.2)]
                sketch.add(smooth([(side * x * width, y) for x, y in corners]), mix(hair.colour, face.skin, 0.3))
        light.add(oval(0.3 * face.light, -0.95, 0.26, 0.15), shade(-0.16))
        return

    flip = -1 if hair.flipped else 1
    low = 0.15 if hair.back in ("none", "bun", "tail") else chance.between(0.3, 0.9)
    hairline: Corners = [(flip * x, y) for x, y in _HAIRLINES[hair.front]]
    if flip < 0:
        hairline.reverse()
    hairline = [(x * width, y + chance.around(0, 0.025)) for x, y in hairline]
    ends = 0.93 * width
    inner = smooth_line([(ends, low), *hairline, (-ends, low)])
    # The hairline turns with the face; it stays within the head.
    turned = pose.turn(inner)
    limit = 1.0 * width
    inner = np.stack([np.clip(turned[:, 0], -limit, limit), np.maximum(turned[:, 1], -1.25)], axis=1)

    wide, top = width * hair.sides, 1.3 * hair.top
    lift = chance.around(0, 0.12)
    outer = smooth_line(
        [
            (-wide * 0.99, low),
            (-wide * 1.04, -0.35),
            (-0.9 * wide, -0.8 * top),
            (-0.45 * wide, -top * (1 - lift * 0.3)),
            (0.0, -top * 1.02),
            (0.45 * wide, -top * (1 + lift * 0.3)),
            (0.9 * wide, -0.8 * top),
            (wide * 1.04, -0.35),
            (wide * 0.99, low),
        ]
    )
    whole = np.concatenate([outer, inner])
    light.add(np.concatenate([outer, inner + (0, 0.1)]), shade(0.26 * face.contrast))
    sketch.add(whole, hair.colour)
    light.add(whole, PLAIN)

    if hair.curly:
        for at in range(1, len(outer) - 1, 3):
            x, y = outer[at]
            radius = chance.between(0.14, 0.24)
            sketch.add(oval(x * 0.97, y * 0.97, radius, radius), times(hair.colour, chance.between(0.82, 1.12)))
        for _ in range(8):
            x, y = chance.between(-0.8, 0.8) * width, chance.between(-1.25, -0.95)
            sketch.add(oval(x, y * hair.top, 0.11, 0.11), times(hair.colour, chance.between(0.8, 1.25)))
    else:
        back = inner[::-1][np.linspace(0, len(inner) - 1, len(outer)).astype(int)]
        for _ in range(3):
            share, thick = chance.between(0.15, 0.8), chance.between(0.05, 0.12)
            start = chance.whole(3, 14)
            end = start + chance.whole(7, 14)
            first = (outer * (1 - share) + back * share)[start:end]
            second = (outer * (1 - share - thick) + back * (share + thick))[start:end]
            tint = times(hair.colour, chance.pick([0.8, 1.18, 1.3]))
            sketch.add(np.concatenate([first, second[::-1]]), tint)
    light.add(oval(0.35 * face.light, -1.08 * hair.top, 0.34, 0.1), shade(-0.22))


def add_hat(sketch: Sketch, light: Sketch, hair: Hair, pose: Pose, chance: Chance) -> None:
    """Adds a hat, or none, in head coordinates."""
    if hair.hat == "none":
        return
    width, main = pose.half_width, hair.hat_colour
    dark = times(main, 0.75)
    turn = 0.5 * pose.yaw
    if hair.hat == "scarf":
        inner = smooth(mirrored([(0.0, -0.86), (0.72 * width, -0.66), (0.93 * width, 0.0), (0.66 * width, 0.72), (0, 0.96)]))
        inner = inner + (0.3 * pose.yaw, 0)
        outer = smooth(
            mirrored([(0.0, -1.42), (0.85 * width, -1.2), (1.22 * width, -0.3), (1.15 * width, 0.8), (1.5 * width, 1.7), (0, 2.2)])
        )
        # One outline around the cloth and back inside leaves the face open.
        light.add(np.concatenate([outer, outer[:1], inner[:1] * 0.9, inner[::-1] * (0.93, 0.9)]), shade(0.22))
        sketch.add(np.concatenate([outer, outer[:1], inner[:1], inner[::-1]]), main)
        light.add(np.concatenate([outer, outer[:1], inner[:1], inner[::-1]]), PLAIN)
        for _ in range(3):
            y = chance.between(1.05, 1.8)
            sketch.add(lens(0, y, width * 1.0, -0.2, 0.26, chance.around(0, 0.3)), dark)
        sketch.add(lens(0, -1.15, width * 0.9, 0.18, -0.12), times(main, 1.12))
        return
    dome = smooth_line(
        [(-1.07 * width, -0.62), (-1.02 * width, -1.1), (-0.55 * width, -1.5), (0.0, -1.6), (0.55 * width, -1.5),
         (1.02 * width, -1.1), (1.07 * width, -0.62)]
    )  # fmt: skip
    if hair.hat == "beanie":
        sketch.add(dome, main)
        rim = np.concatenate([lens(0, -0.7, 1.12 * width, 0.14, 0.0)[:9], lens(0, -0.98, 1.1 * width, 0.14, 0)[8::-1]])
        light.add(rim + (0, 0.08), shade(0.25))
        sketch.add(rim, dark)
        light.add(np.concatenate([dome, rim]), PLAIN)
        if chance.happens(0.4):
            sketch.add(oval(0, -1.66, 0.2, 0.18), times(main, 1.2))
        return
    if hair.hat == "cap":
        light.add(lens(turn, -0.68, 0.95 * width, 0.1, 0.22), shade(0.35))
        sketch.add(dome, main)
        light.add(dome, PLAIN)
        sketch.add(lens(0, -1.0, 0.36, 0.3, 0.0), chance.pick([times(main, 1.25), (235, 232, 224, 255)]))
        sketch.add(lens(turn, -0.74, 1.02 * width, 0.2, 0.12), dark)
        return
    light.add(lens(0, -0.7, 1.3 * width, 0.0, 0.3), shade(0.35))
    sketch.add(dome, main)
    light.add(dome, PLAIN)
    sketch.add(lens(0, -0.8, 1.1 * width, 0.22, 0.1), times(main, 0.5))
    sketch.add(lens(0, -0.72, 1.75 * width, 0.12, 0.2), main)
