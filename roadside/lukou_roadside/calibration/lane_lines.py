"""What of a map can be seen as a line in a picture: boundaries of lanes and crosswalks, stop lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_maps.geometry import LaneGeometry, sample
from lukou_maps.road_model import LaneKind, RoadModel, StopLineKind
from lukou_roadside.perception.tracking.scan import Floats, Ints

SPACING_M = 0.5
"""Distance of neighbouring samples along a line. [m]"""

STOP_LINE_INSET_M = 0.2
"""A stop line is painted before the place that it marks: its middle lies half its width (GB 5768.3: 0.2 to 0.4 m) upstream. [m]"""


@dataclass(frozen=True, slots=True, eq=False)
class LineSamples:
    """Points on lines of the ground, with the direction of the line; columns of equal length.

    Attributes
    ----------
    x_m, y_m, z_m : (n,) float array
        Place in the map frame. [m]
    direction_rad : (n,) float array
        Direction of the line, from east. [rad]
    line : (n,) int array
        Number of the line that the point is of.
    """

    x_m: Floats
    y_m: Floats
    z_m: Floats
    direction_rad: Floats
    line: Ints

    def __len__(self) -> int:
        return len(self.x_m)

    def take(self, rows: Ints) -> LineSamples:
        """Some of them."""
        columns = (self.x_m[rows], self.y_m[rows], self.z_m[rows], self.direction_rad[rows], self.line[rows])
        return LineSamples(*columns)


def lane_lines(model: RoadModel, near: tuple[float, float], reach_m: float = 90.0) -> LineSamples:
    """Lines of the map around a place.

    Parameters
    ----------
    model : RoadModel
        The map.
    near : (x, y)
        The place. [m]
    reach_m : float
        Farther lines are left out. [m]
    """
    lanes = model.lanes
    which = np.flatnonzero(np.isin(lanes.kind, (LaneKind.ROAD, LaneKind.CROSSWALK)) & _is_near(model, near, reach_m))
    parts = []
    if len(which):
        owner, s_m, _x_m, _y_m = sample(lanes, which, SPACING_M)
        geometry = LaneGeometry(lanes)
        _, _, heading = geometry.pose(which[owner], s_m)
        z_m = geometry.height(which[owner], s_m)
        for side in (0, 1):
            edge_x, edge_y = geometry.boundary(which[owner], s_m, side)
            parts.append(LineSamples(edge_x, edge_y, z_m, heading, 2 * owner + side))
    parts.append(_stop_lines(model, 2 * len(which)))
    whole = LineSamples(*(np.concatenate([getattr(part, name) for part in parts]) for name in LineSamples.__slots__))
    return whole.take(np.flatnonzero(np.hypot(whole.x_m - near[0], whole.y_m - near[1]) < reach_m))


def _is_near(model: RoadModel, near: tuple[float, float], reach_m: float) -> np.ndarray:
    lanes = model.lanes
    close = np.hypot(lanes.x_m - near[0], lanes.y_m - near[1]) < reach_m
    owner = np.repeat(np.arange(len(lanes)), np.diff(lanes.point_start))
    any_point = np.bincount(owner[close], minlength=len(lanes)) > 0
    # a long straight lane may pass by with both its points far away
    first, last = lanes.point_start[:-1], lanes.point_start[1:] - 1
    middle_x, middle_y = (lanes.x_m[first] + lanes.x_m[last]) / 2, (lanes.y_m[first] + lanes.y_m[last]) / 2
    passes = np.hypot(middle_x - near[0], middle_y - near[1]) < reach_m + lanes.length_m / 2
    return np.asarray(any_point | passes)


def _stop_lines(model: RoadModel, first: int) -> LineSamples:
    lines = model.stop_lines
    rows = np.flatnonzero(lines.kind != StopLineKind.YIELD)
    left_x, left_y, right_x, right_y = (
        column[rows] for column in (lines.left_x_m, lines.left_y_m, lines.right_x_m, lines.right_y_m)
    )
    share = np.linspace(0.1, 0.9, 9)
    dx, dy = right_x - left_x, right_y - left_y
    length = np.maximum(np.hypot(dx, dy), 1e-6)
    # upstream lies to the right of the way from the left end to the right one, turned by a right angle
    inset_x, inset_y = dy / length * STOP_LINE_INSET_M, -dx / length * STOP_LINE_INSET_M
    x_m = (left_x + inset_x)[:, None] + dx[:, None] * share
    y_m = (left_y + inset_y)[:, None] + dy[:, None] * share
    z_m = LaneGeometry(model.lanes).height(lines.lane[rows], lines.s_m[rows]) if len(rows) else np.zeros(0)
    each = len(share)
    direction = np.repeat(np.arctan2(dy, dx), each)
    line = np.repeat(first + np.arange(len(rows)), each)
    return LineSamples(x_m.ravel(), y_m.ravel(), np.repeat(z_m, each), direction, line)
