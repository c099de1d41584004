"""How far up each approach the roadside looks: what is not looked at is not taken for empty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from lukou_cloud.region.approaches import Approaches
from lukou_maps.geometry import LaneGeometry
from lukou_maps.road_model import RoadModel
from lukou_messages.v1.objects_pb2 import PerceivedArea
from lukou_messages.v1.traffic_pb2 import ViewLevel

STEP_M = 4.0
LEAST_PROBABILITY = 0.5
"""Areas in which more are missed than found are not looked at."""
GAP_M = 12.0
"""Shadows on an approach that are shorter, such as that of a mast, end no view. [m]"""
SEEN_FROM_M = 20.0
"""An approach lane that is watched for less than three cars' length is an unseen one. [m]"""


class View:
    """Watched part of the approaches of one intersection, from the perceived areas of a list.

    Parameters
    ----------
    road : RoadModel
        The map.
    approaches : Approaches
        Lanes that end at the stop lines.
    most_m : float
        No lane counts as watched farther. [m]
    """

    def __init__(self, road: RoadModel, approaches: Approaches, most_m: float) -> None:
        lanes, self._most_m = np.array(approaches.lanes, np.int64), most_m
        self._distance_m = np.arange(0.5 * STEP_M, most_m, STEP_M)
        steps = len(self._distance_m)
        s_m = np.repeat(approaches.length_m, steps) - np.tile(
            self._distance_m, len(lanes)
        )  # further up along the tangent
        self._x_m, self._y_m, _ = LaneGeometry(road.lanes).pose(np.repeat(lanes, steps), s_m)
        self._areas: list[bytes] = []
        self._seen_m = np.full(len(lanes), most_m)
        self._is_motor = ~approaches.is_bicycle

    def seen_m(self, areas: Sequence[PerceivedArea]) -> NDArray[np.float64]:
        """How far before the stop line each approach lane is watched without a gap.

        Parameters
        ----------
        areas : sequence of PerceivedArea
            What the list's sensors watch; a list that tells none, as of a source that sees everything, watches all.

        Returns
        -------
        (lanes,) float array
            Distances; 0 for a lane that is not watched at all. [m]
        """
        key = [area.SerializeToString(deterministic=True) for area in areas]
        if key != self._areas:
            self._areas, self._seen_m = key, self._worked_out(areas)
        return self._seen_m

    def _worked_out(self, areas: Sequence[PerceivedArea]) -> NDArray[np.float64]:
        lanes, steps = len(self._seen_m), len(self._distance_m)
        if not areas:
            return np.full(lanes, self._most_m)
        inside = np.zeros(lanes * steps, np.bool_)
        for area in areas:
            if len(area.x_m) < 3 or (area.HasField("detection_probability") and not area.is_blind
                                     and area.detection_probability < LEAST_PROBABILITY):  # fmt: skip
                continue
            polygon = shapely.Polygon(np.column_stack([area.x_m, area.y_m]))
            inside[shapely.contains_xy(polygon, self._x_m, self._y_m)] = not area.is_blind
        missed_m = np.where(inside.reshape(lanes, steps), -np.inf, self._distance_m)
        seen_m = np.zeros(lanes)
        for lane, row in enumerate(missed_m):
            watched = self._distance_m[~np.isfinite(row)]
            jump = np.diff(watched, prepend=0.0) > GAP_M + STEP_M
            reach = watched[: int(jump.argmax())] if jump.any() else watched
            seen_m[lane] = reach[-1] + 0.5 * STEP_M if len(reach) else 0.0
        return seen_m

    def level(self, seen_m: NDArray[np.float64]) -> ViewLevel:
        """Full where every approach is watched, partial where half are, blind where fewer are.

        Parameters
        ----------
        seen_m : (lanes,) float array
            Of `seen_m`. [m]
        """
        watched = seen_m[self._is_motor] >= SEEN_FROM_M
        if watched.all():
            return ViewLevel.VIEW_LEVEL_FULL
        return ViewLevel.VIEW_LEVEL_PARTIAL if 2 * watched.sum() >= len(watched) else ViewLevel.VIEW_LEVEL_BLIND
