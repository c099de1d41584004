"""Who walks where, or when, one may not. That drivers and people keep the rules at a place tells nothing of these."""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.lights import Light, Lights, first_walk
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import PEDESTRIAN, RoadUsers
from lukou_cloud.edge.scene import projected

MOVES_MPS = 0.5
"""Slower people wait. [m/s]"""

BESIDE_M = 2.0
"""Who walks this near beside a crosswalk, or before its ends, uses it. [m]"""

NEARBY_M = 50.0
"""Who crosses a road uses a crosswalk that is this near, east, west, north or south (Vienna Convention on Road Traffic, 1968, article 20, 6: "whenever there is one nearby"); where the map has
none so near, nothing is known. [m]"""

CROSSES_COS = 0.8
"""Who walks along the road does not cross it: cosine of the angle between both."""

SLOW_MPS = 0.8
"""Who is so far over a crosswalk began to walk no longer ago than at this speed. [m/s]"""

LATE_S = 1.0
"""Stepping out so short a time after the end of green is common. [s]"""


class WalkingRules:
    """The crosswalks of a map, and what they show.

    Parameters
    ----------
    predictor : Predictor
        Knows the map.
    """

    def __init__(self, predictor: Predictor) -> None:
        model, self._predictor = predictor.model, predictor
        self._first, lanes, carrier = first_walk(model), model.lanes, model.crosswalks.lane.tolist()
        points = [lanes.points(lane) for lane in carrier]
        self._lines = [(lanes.x_m[of], lanes.y_m[of], lanes.s_m[of]) for of in points]
        self._half_m = [0.5 * float(lanes.width_m[lane]) for lane in carrier]
        boxes = [(x.min(), x.max(), y.min(), y.max()) for x, y, _ in self._lines]
        self._boxes = np.array(boxes, np.float64).reshape(-1, 4) + NEARBY_M * np.array([-1.0, 1.0, -1.0, 1.0])

    def are_broken_by(self, users: RoadUsers, row: int, lights: Lights) -> bool:
        """Whether somebody crosses a road beside its crosswalk, or has stepped onto it while it showed red.

        Parameters
        ----------
        users : RoadUsers
            Road users now.
        row : int
            Which of them.
        lights : Lights
            Signals now.
        """
        if users.object_class[row] != PEDESTRIAN or users.speed_mps[row] < MOVES_MPS:
            return False
        x, y, heading = (column[row : row + 1] for column in (users.x_m, users.y_m, users.heading_rad))
        west, east, south, north = self._boxes.T
        near = ((x > west) & (x < east) & (y > south) & (y < north)).nonzero()[0].tolist()
        walked = []
        for k in near:
            line, half_m = self._lines[k], self._half_m[k]
            along, aside, direction = (float(value[0]) for value in projected(line[0], line[1], line[2], x, y))
            length_m = float(line[2][-1])
            if abs(aside) < half_m + BESIDE_M and -BESIDE_M < along < length_m + BESIDE_M:
                walked.append((k, along if np.cos(heading[0] - direction) > 0.0 else length_m - along))
        if walked:  # where two meet, one that may be used is enough
            return all(self._is_against_red(k, way_m, lights) for k, way_m in walked)
        _, inside, cos = self._predictor.along_roadway(x, y, heading)
        return bool(near) and bool(inside[0]) and abs(float(cos[0])) < CROSSES_COS

    def _is_against_red(self, crosswalk: int, way_m: float, lights: Lights) -> bool:
        """Whether somebody is on a crosswalk that has shown red for longer than that; who is just before it may still stop."""
        line = self._first + crosswalk
        return bool(way_m > 0.0 and lights.light[line] == Light.RED and lights.for_s[line] > way_m / SLOW_MPS + LATE_S)
