"""Emergency vehicles that approach (EVW): by their own reports, told to those ahead of them and to those whose ways they cross."""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.notices import EMERGENCY_VEHICLE, Notice, severity_of, soonest
from lukou_cloud.edge.road_users import Floats, Ints
from lukou_cloud.edge.scene import Report, Scene, Surroundings
from lukou_cloud.edge.service_settings import EmergencySettings
from lukou_maps.road_model import LaneKind, Turn
from lukou_messages.v1.vehicle_pb2 import TurnIntention, VehicleRole

TURNS = {
    int(TurnIntention.TURN_INTENTION_STRAIGHT): int(Turn.STRAIGHT),
    int(TurnIntention.TURN_INTENTION_LEFT): int(Turn.LEFT),
    int(TurnIntention.TURN_INTENTION_RIGHT): int(Turn.RIGHT),
    int(TurnIntention.TURN_INTENTION_TURN_AROUND): int(Turn.TURN_AROUND),
}
LEAST_MPS = 5.0
"""Times to arrive reckon with at least this speed: who stands on duty soon drives on. [m/s]"""

HELD = 1.3
"""An episode that stands is held until this much farther ahead than where one begins."""


class EmergencyVehicles:
    """Whom emergency vehicles concern.

    Parameters
    ----------
    settings : EmergencySettings
        Limits.
    surroundings : Surroundings
        The map.
    """

    def __init__(self, settings: EmergencySettings, surroundings: Surroundings) -> None:
        self._settings, self._surroundings = settings, surroundings
        model = surroundings.model
        self._turn = np.full(len(model.lanes), -1, np.int64)
        inner = model.connections.via_lane >= 0
        self._turn[model.connections.via_lane[inner]] = model.connections.turn[inner]

    def step(self, scene: Scene) -> list[Notice]:
        """What is to be told now."""
        urgent = [one for one in scene.reports if one.role == VehicleRole.VEHICLE_ROLE_EMERGENCY and one.lane >= 0]
        return [notice for one in urgent for notice in self._notice(scene, one)]

    def _notice(self, scene: Scene, one: Report) -> list[Notice]:
        lane, way_m = self._ways(one)
        pace = max(one.speed_mps, LEAST_MPS)
        time_s = np.minimum(self._ahead(scene, one, lane, way_m), self._across(scene, lane, way_m)) / pace
        told = scene.drives & (time_s < HELD * self._settings.ahead_s)
        if one.row >= 0:
            told[one.row] = False
        rows = np.flatnonzero(told)
        if len(rows) == 0:
            return []
        names, first = self._surroundings.model.lanes.names, int(rows[time_s[rows].argmin()])
        kinds = self._surroundings.model.lanes.kind
        near = way_m < self._settings.ahead_s * pace
        return [
            Notice(
                key=(EMERGENCY_VEHICLE, 0, one.temporary_id),
                is_onset=bool((time_s[rows] < self._settings.ahead_s).any()),
                addressed=soonest(rows, time_s),
                lanes=tuple(k for k in lane[near].tolist() if kinds[k] == LaneKind.ROAD),
                cause=one.row,
                x_m=one.x_m,
                y_m=one.y_m,
                advice="make way: keep to the side, do not enter its way",
                why=f"an emergency vehicle at {one.speed_mps:.1f} m/s on {names[one.lane]} reaches "
                f"{scene.users.id[first]} at {scene.users.speed_mps[first]:.1f} m/s in {time_s[first]:.1f} s; "
                f"{len(rows)} in its way",
                severity=severity_of(one.speed_mps),
            )
        ]

    def _ways(self, one: Report) -> tuple[Ints, Floats]:
        """Lanes that it may take, those beside them too, and the way from it to the start of each. [m]"""
        lanes = self._surroundings.model.lanes
        reach = self._surroundings.downstream(one.lane)
        lane, way_m = reach.lane, reach.offset_m - one.s_m
        wanted = TURNS.get(one.intention, -1)
        first = np.flatnonzero(self._turn[lane] >= 0)
        if wanted >= 0 and len(first) and (self._turn[lane[first]] == wanted).any():
            nearest_m = way_m[first].min() + 1.0  # the turn told is that at the next junction
            wrong = lane[first[(self._turn[lane[first]] != wanted) & (way_m[first] < nearest_m)]]
            beyond = {int(k) for start in wrong for k in self._surroundings.downstream(int(start)).lane}
            right = lane[first[(self._turn[lane[first]] == wanted) & (way_m[first] < nearest_m)]]
            beyond -= {int(k) for start in right for k in self._surroundings.downstream(int(start)).lane}
            kept = ~np.isin(lane, np.array(sorted(beyond), np.int64))
            lane, way_m = lane[kept], way_m[kept]
        for beside in (lanes.left, lanes.right):  # those beside it have to make room as well
            more = beside[lane]
            fresh = (more >= 0) & ~np.isin(more, lane)
            lane, way_m = np.concatenate([lane, more[fresh]]), np.concatenate([way_m, way_m[fresh]])
        lane, rows = np.unique(lane, return_index=True)
        order = np.argsort(way_m[rows], kind="stable")
        return lane[order], way_m[rows][order]

    def _ahead(self, scene: Scene, one: Report, lane: Ints, way_m: Floats) -> Floats:
        """How far ahead of it each road user is; inf: not on its way. [m]"""
        start = np.full(len(self._surroundings.model.lanes) + 1, np.inf)
        start[lane] = way_m
        left_m = start[scene.lane] + scene.s_m
        return np.where(left_m > 0.0, left_m, np.inf)

    def _across(self, scene: Scene, lane: Ints, way_m: Floats) -> Floats:
        """The same for those who drive towards the junctions that it will pass: way to the junction; inf: not they. [m]"""
        lanes = self._surroundings.model.lanes
        inner = np.flatnonzero((lanes.kind[lane] == LaneKind.JUNCTION) & (way_m > -20.0))
        if len(inner) == 0:
            return np.full(len(scene.users), np.inf)
        at = np.full(int(lanes.junction.max()) + 2, np.inf)
        np.minimum.at(at, lanes.junction[lane[inner]], np.maximum(way_m[inner], 0.0))
        junction = np.where(scene.lane >= 0, lanes.junction[scene.lane], -1)
        left_m = np.where(lanes.kind[scene.lane] == LaneKind.ROAD, lanes.length_m[scene.lane] - scene.s_m, 0.0)
        comes = left_m < self._settings.across_m
        return np.where(comes & (junction >= 0), at[junction], np.inf)
