"""Lanes as quadrangles between their points: an axis midway between the boundaries, and two slanted ends."""

from __future__ import annotations

import numpy as np

from lukou_maps.grid import LEAST_HALF_M, Segments
from lukou_maps.ragged import Booleans, Ints
from lukou_maps.tables import Lanes

STEEPEST = 1.5
"""Ends of quadrangles slant by no more than this. [1]"""


def quadrangles(lanes: Lanes, point: Ints, opens: Booleans, closes: Booleans) -> Segments:
    """Pieces of lanes between their points and the next ones.

    Parameters
    ----------
    lanes : Lanes
        Lanes.
    point : (n,) int array
        First point of each piece; no last points of lanes.
    opens, closes : (n,) bool array
        Whether a lane begins, or ends, with it.
    """
    x, y = lanes.x_m[point], lanes.y_m[point]
    ax, ay = lanes.across_x_m[point], lanes.across_y_m[point]
    x1, y1 = lanes.x_m[point + 1], lanes.y_m[point + 1]
    bx, by = lanes.across_x_m[point + 1], lanes.across_y_m[point + 1]
    # the axis halves the angle between the boundaries, so that these lie at equal distances from it
    left_x, left_y = x1 + bx - x - ax, y1 + by - y - ay
    right_x, right_y = x1 - bx - x + ax, y1 - by - y + ay
    left, right = np.maximum(np.hypot(left_x, left_y), 1e-9), np.maximum(np.hypot(right_x, right_y), 1e-9)
    ux, uy = left_x / left + right_x / right, left_y / left + right_y / right
    chord_x, chord_y = x1 - x, y1 - y
    chord = np.maximum(np.hypot(chord_x, chord_y), 1e-9)
    size = np.hypot(ux, uy)
    # folded quadrangles (one boundary runs backwards on the inside of a bend) keep the centre line as axis
    folded = (size < 1.0) | (left_x * chord_x + left_y * chord_y <= 0) | (right_x * chord_x + right_y * chord_y <= 0)
    ux = np.where(folded, chord_x / chord, ux / np.maximum(size, 1e-9))
    uy = np.where(folded, chord_y / chord, uy / np.maximum(size, 1e-9))
    first_half, first_along = np.maximum(ux * ay - uy * ax, LEAST_HALF_M), ux * ax + uy * ay
    last_half, last_along = np.maximum(ux * by - uy * bx, LEAST_HALF_M), ux * bx + uy * by
    first = np.clip(first_along / first_half, -STEEPEST, STEEPEST)
    last = np.clip(last_along / last_half, -STEEPEST, STEEPEST)
    taper = (ux * left_y - uy * left_x) / np.maximum(ux * left_x + uy * left_y, 1e-6)
    taper = np.where(folded, 0.0, np.clip(taper, -1.0, 1.0))
    # with slanted ends the corners lie at different places along the axis: it runs beside the centre by this
    beside = -taper * first_along
    length = chord_x * ux + chord_y * uy - first * beside - last * (chord_y * ux - chord_x * uy - beside)
    x, y = x - uy * beside + ux * first * beside, y + ux * beside + uy * first * beside
    return Segments(x, y, ux, uy, np.maximum(length, 1e-6), first_half, taper, first, last, opens, closes)
