"""Colours of people and streets."""

from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.sketch import Colour

# From the fairest to the darkest. A person's skin lies anywhere between two neighbours.
_SKINS = (
    (244, 208, 186),
    (238, 194, 164),
    (226, 176, 141),
    (201, 147, 108),
    (165, 112, 77),
    (122, 80, 56),
    (82, 54, 42),
)

_HAIRS = (
    (28, 24, 24), (42, 31, 27), (66, 45, 32), (96, 64, 40), (132, 92, 54), (178, 136, 80), (214, 178, 118),
    (150, 72, 38), (140, 136, 132), (196, 194, 190),
)  # fmt: skip
_DYED_HAIRS = ((176, 60, 92), (70, 84, 160), (60, 128, 122), (140, 84, 160))
_IRISES = ((64, 40, 26), (88, 58, 34), (110, 84, 44), (86, 110, 74), (84, 128, 160), (112, 130, 140))

_CLOTHES = (
    (32, 36, 48), (48, 62, 92), (70, 104, 150), (150, 178, 204), (236, 232, 222), (206, 200, 190), (120, 120, 122),
    (60, 60, 62), (150, 44, 48), (196, 84, 62), (226, 170, 70), (238, 212, 140), (66, 98, 72), (122, 146, 98),
    (88, 66, 52), (160, 128, 96), (116, 70, 112), (222, 158, 170), (40, 112, 116),
)  # fmt: skip


def colour(red: float, green: float, blue: float) -> Colour:
    """Returns an opaque colour; each channel is >= 0 and is cut at 255."""
    return (
        int(red) if red < 255 else 255,
        int(green) if green < 255 else 255,
        int(blue) if blue < 255 else 255,
        255,
    )


def mix(first: Colour, second: Colour, fraction: float) -> Colour:
    """Returns `first` with this fraction of `second`."""
    rest = 1 - fraction
    return (
        int(first[0] * rest + second[0] * fraction),
        int(first[1] * rest + second[1] * fraction),
        int(first[2] * rest + second[2] * fraction),
        255,
    )


def times(base: Colour, factor: float) -> Colour:
    """Returns a darker (factor < 1) or lighter colour."""
    return colour(base[0] * factor, base[1] * factor, base[2] * factor)


def varied(chance: Chance, base: tuple[int, int, int], spread: float) -> Colour:
    """Returns a colour near `base`: brightness and each channel vary."""
    light = 1 + chance.around(0, spread)
    half = spread / 2
    return colour(
        base[0] * light * (1 + chance.around(0, half)),
        base[1] * light * (1 + chance.around(0, half)),
        base[2] * light * (1 + chance.around(0, half)),
    )


def skin_colour(chance: Chance) -> Colour:
    """Returns a person's skin."""
    depth = chance.between(0, len(_SKINS) - 1.001)
    fairer, darker = _SKINS[int(depth)], _SKINS[int(depth) + 1]
    fraction = depth % 1
    base = tuple(a + (b - a) * fraction for a, b in zip(fairer, darker, strict=True))
    warm = chance.around(0, 0.04)
    light = chance.between(0.95, 1.03)
    return colour(base[0] * light * (1 + warm / 2), base[1] * light, base[2] * light * (1 - warm))


def hair_colour(chance: Chance, skin: Colour) -> Colour:
    """Returns natural hair, darker with darker skin, sometimes grey or dyed."""
    if chance.happens(0.05):
        return varied(chance, chance.pick(_DYED_HAIRS), 0.12)
    dark_skin = skin[1] < 150
    natural = _HAIRS[:3] + _HAIRS[-2:] if dark_skin else _HAIRS
    return varied(chance, chance.pick(natural), 0.15)


def iris_colour(chance: Chance, skin: Colour) -> Colour:
    """Returns the colour of an iris; brown with darker skin."""
    irises = _IRISES[:3] if skin[1] < 170 else _IRISES
    return varied(chance, chance.pick(irises), 0.1)


def cloth_colour(chance: Chance) -> Colour:
    """Returns the colour of a piece of clothing."""
    return varied(chance, chance.pick(_CLOTHES), 0.2)


def tone(red: float, green: float, blue: float) -> Colour:
    """Returns light: 1 leaves what it falls on as it is, 0.5 halves it; at most 1.99. Coverage stays as it is."""
    return (int(red * 128), int(green * 128), int(blue * 128), 128)


PLAIN = tone(1, 1, 1)
"""Light that changes nothing."""


def shade(depth: float) -> Colour:
    """Returns the light in a shadow, warmer the deeper it is, as on skin; `depth` in [0, 1), negative for a gleam."""
    return tone(1 - depth * 0.85, 1 - depth, 1 - depth * 1.08)
