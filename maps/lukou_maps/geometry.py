"""Positions along the lanes of a map, for many (lane, s) at once."""

from __future__ import annotations

import numpy as np

from lukou_maps.ragged import Floats, Ints, spread
from lukou_maps.tables import Lanes


def arc_length(x_m: Floats, y_m: Floats, point_start: Ints) -> Floats:
    """Arc length of every point from the start of its own line.

    Parameters
    ----------
    x_m, y_m : (p,) float array
        Points of all lines, one line after the other. [m]
    point_start : (n + 1,) int array
        First point of each line.

    Returns
    -------
    (p,) float array
        Arc length in the plane. [m]
    """
    if len(x_m) == 0:
        return np.zeros(0)
    step = np.zeros(len(x_m))
    step[1:] = np.hypot(np.diff(x_m), np.diff(y_m))
    step[point_start[:-1]] = 0.0
    total = np.cumsum(step)
    return total - np.repeat(total[point_start[:-1]], np.diff(point_start))


MOST_SAMPLES = 4000
"""Samples of one lane at most: a lane that is thousands of kilometres long is an error in its file."""


class LaneGeometry:
    """Answers where (lane, s) is; holds only tables derived from the lanes.

    Parameters
    ----------
    lanes : Lanes
        Lanes of a map.
    """

    def __init__(self, lanes: Lanes) -> None:
        self._x, self._y, self._z = lanes.x_m, lanes.y_m, lanes.z_m
        self._first, self._last = lanes.point_start[:-1], lanes.point_start[1:] - 2
        self._length = lanes.length_m
        gap_m = 1.0  # keeps the arc lengths of neighbouring rows apart, so that one sorted column holds all lanes
        lane_of_point = np.repeat(np.arange(len(lanes)), np.diff(lanes.point_start))
        self._base = np.concatenate([[0.0], np.cumsum(lanes.length_m + gap_m)[:-1]]) if len(lanes) else np.zeros(0)
        self._key = lanes.s_m + self._base[lane_of_point]
        dx, dy = np.diff(lanes.x_m, append=0.0), np.diff(lanes.y_m, append=0.0)
        length = np.hypot(dx, dy)
        safe = np.where(length > 0, length, 1.0)
        self._ux, self._uy = np.where(length > 0, dx / safe, 1.0), dy / safe
        self._slope = np.diff(lanes.z_m, append=0.0) / safe
        self._width, self._taper = lanes.point_width_m, np.diff(lanes.point_width_m, append=0.0) / safe
        self._across = np.column_stack([lanes.across_x_m, lanes.across_y_m])
        self._segment_m = safe

    def pose(self, lane: Ints, s_m: Floats) -> tuple[Floats, Floats, Floats]:
        """Position and direction of points on lanes; beyond either end along the tangent there.

        Parameters
        ----------
        lane : (n,) int array
            Lanes.
        s_m : (n,) float array
            Arc lengths. [m]

        Returns
        -------
        x_m, y_m : (n,) float array
            Position. [m]
        heading_rad : (n,) float array
            Direction of the lane. [rad]
        """
        segment, rest = self._locate(lane, s_m)
        ux, uy = self._ux[segment], self._uy[segment]
        return self._x[segment] + ux * rest, self._y[segment] + uy * rest, np.arctan2(uy, ux)

    def height(self, lane: Ints, s_m: Floats) -> Floats:
        """Height of the centre line at (lane, s). [m]"""
        segment, rest = self._locate(lane, s_m)
        return self._z[segment] + self._slope[segment] * rest

    def width(self, lane: Ints, s_m: Floats) -> Floats:
        """Width of the lane at (lane, s); beyond either end that of the end. [m]"""
        segment, rest = self._locate(lane, np.clip(s_m, 0.0, self._length[lane]))
        return self._width[segment] + self._taper[segment] * rest

    def boundary(self, lane: Ints, s_m: Floats, side: int) -> tuple[Floats, Floats]:
        """Position of a lane's boundary across from (lane, s).

        Parameters
        ----------
        lane, s_m
            As in `pose`.
        side : int
            `lukou_maps.vocabulary.Side`.
        """
        segment, rest = self._locate(lane, np.clip(s_m, 0.0, self._length[lane]))
        share = (rest / self._segment_m[segment])[:, None]
        across = self._across[segment] * (1.0 - share) + self._across[segment + 1] * share
        x_m, y_m, _ = self.pose(lane, s_m)
        sign = 1.0 if side == 0 else -1.0
        return x_m + sign * across[:, 0], y_m + sign * across[:, 1]

    def _locate(self, lane: Ints, s_m: Floats) -> tuple[Ints, Floats]:
        key = s_m + self._base[lane]
        segment = np.searchsorted(self._key, key, side="right") - 1
        segment = np.clip(segment, self._first[lane], self._last[lane])
        return segment, key - self._key[segment]


def sample(lanes: Lanes, which: Ints, spacing_m: float) -> tuple[Ints, Floats, Floats, Floats]:
    """Evenly spaced points on the centre lines of some lanes, both ends included.

    Parameters
    ----------
    lanes : Lanes
        Lanes of a map.
    which : (k,) int array
        Lanes to sample.
    spacing_m : float
        Largest distance of neighbouring points. [m]

    Returns
    -------
    owner : (p,) int array
        Index into `which` of each point.
    s_m, x_m, y_m : (p,) float array
        Arc length and position. [m]
    """
    wanted = np.minimum(np.ceil(lanes.length_m[which] / spacing_m), MOST_SAMPLES)
    steps = np.maximum(wanted.astype(np.int64), 1)
    owner = np.repeat(np.arange(len(which)), steps + 1)
    number = spread(np.zeros(len(which), np.int64), steps + 1)
    s_m = number * (lanes.length_m[which] / steps)[owner]
    x_m, y_m, _ = LaneGeometry(lanes).pose(which[owner], s_m)
    return owner, s_m, x_m, y_m
