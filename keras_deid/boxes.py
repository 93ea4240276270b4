"""Geometry of face boxes: `(x0, y0, x1, y1)` in pixels, float, exclusive on the right and at the bottom."""

import math

Box = tuple[float, float, float, float]

Rectangle = tuple[int, int, int, int]
"""A box of whole pixels."""

DEFAULT_CONTEXT = 2.0
"""Side of a crop relative to the box's longer side, for models that saw no crops in training."""


def scale_box(box: Box, factor: float) -> Box:
    """Enlarges or shrinks a box about its centre.

    Args:
        box: pixels.
        factor: > 0; 2.0 doubles width and height.

    Returns:
        The scaled box; it may reach beyond the picture.

    Raises:
        ValueError: if `factor` is not positive.
    """
    if not factor > 0:
        raise ValueError(f"Expected a factor > 0. Received: factor={factor}")
    x0, y0, x1, y1 = box
    centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
    half_width, half_height = (x1 - x0) * factor / 2, (y1 - y0) * factor / 2
    return (centre_x - half_width, centre_y - half_height, centre_x + half_width, centre_y + half_height)


def scale_edges(box: Box, factor: float) -> Box:
    """Returns where a box lies in a picture that was resized by a factor."""
    x0, y0, x1, y1 = box
    return (x0 * factor, y0 * factor, x1 * factor, y1 * factor)


def clip_box(box: Box, image_size: tuple[int, int]) -> Box:
    """Cuts off what of a box lies outside the picture.

    Args:
        box: pixels.
        image_size: (height, width).

    Returns:
        The part inside; of zero width or height if nothing is inside.
    """
    height, width = image_size
    x0, y0, x1, y1 = box
    return (
        float(min(max(x0, 0), width)),
        float(min(max(y0, 0), height)),
        float(min(max(x1, 0), width)),
        float(min(max(y1, 0), height)),
    )


def lies_outside(box: Box, image_size: tuple[int, int]) -> bool:
    """Returns whether nothing of a box lies in a picture of size (height, width)."""
    x0, y0, x1, y1 = clip_box(box, image_size)
    return not (x1 > x0 and y1 > y0)


def square_around(
    box: Box, context: float, image_size: tuple[int, int], shift: tuple[float, float] = (0.0, 0.0)
) -> tuple[int, int, int, int]:
    """Finds the square of whole pixels to crop around a face.

    The side is `context` times the longer side of the box, but no more than the picture's shorter side; the square is
    centred on the box, moved by `shift`, and then moved to lie inside the picture.

    Args:
        box: the face, pixels.
        context: >= 1; 2.0 makes the square twice as wide as the face.
        image_size: (height, width).
        shift: to the right and down, in [-1, 1]: 1 is as far as the box stays in the square.

    Returns:
        `(x0, y0, x1, y1)`, whole pixels, inside the picture, as wide as high.

    Raises:
        ValueError: if `context` is below 1 or the box is empty.
    """
    if not context >= 1:
        raise ValueError(f"Expected a context >= 1. Received: context={context}")
    x0, y0, x1, y1 = box
    if not (x1 > x0 and y1 > y0):
        raise ValueError(f"Expected a box with x0 < x1 and y0 < y1. Received: box={box}")
    height, width = image_size
    side = min(max(round(context * max(x1 - x0, y1 - y0)), 1), height, width)
    room_x, room_y = max(side - (x1 - x0), 0) / 2, max(side - (y1 - y0), 0) / 2
    left = min(max(math.floor((x0 + x1 - side) / 2 + shift[0] * room_x + 0.5), 0), width - side)
    top = min(max(math.floor((y0 + y1 - side) / 2 + shift[1] * room_y + 0.5), 0), height - side)
    return (left, top, left + side, top + side)


def box_to_crop(box: Box, crop: tuple[int, int, int, int], size: tuple[int, int]) -> Box:
    """Moves a box from the photograph into a crop of it that was resized.

    Args:
        box: pixels of the photograph.
        crop: what was cut out, pixels of the photograph.
        size: (height, width) that the crop was resized to.

    Returns:
        The same box in pixels of the resized crop; it may reach beyond it.
    """
    left, top, right, bottom = crop
    scale_x = size[1] / (right - left)
    scale_y = size[0] / (bottom - top)
    x0, y0, x1, y1 = box
    return ((x0 - left) * scale_x, (y0 - top) * scale_y, (x1 - left) * scale_x, (y1 - top) * scale_y)


def area(box: Box) -> float:
    """Area of a box in square pixels; 0 for an empty one."""
    x0, y0, x1, y1 = box
    return max(x1 - x0, 0.0) * max(y1 - y0, 0.0)


def intersection(first: Box, second: Box) -> Box:
    """The part that two boxes share, of zero area if they share nothing."""
    x0, y0 = max(first[0], second[0]), max(first[1], second[1])
    return (x0, y0, max(min(first[2], second[2]), x0), max(min(first[3], second[3]), y0))


def iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes.

    Returns:
        In [0, 1]; 0 if both are empty.
    """
    shared = area(intersection(first, second))
    union = area(first) + area(second) - shared
    return shared / union if union > 0 else 0.0
