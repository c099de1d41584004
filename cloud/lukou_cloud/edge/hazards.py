"""Obstacles, works and closed lanes ahead (HLW), told by the operator, by a service vehicle, or seen on the road."""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.notices import HAZARD, Notice, severity_of, soonest
from lukou_cloud.edge.scene import Scene, Surroundings
from lukou_cloud.edge.service_settings import HazardSettings, KnownHazard
from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_messages.v1.vehicle_pb2 import VehicleRole

THINGS = (int(ObjectClass.OBJECT_CLASS_UNSPECIFIED), int(ObjectClass.OBJECT_CLASS_OBSTACLE))
STANDING_MPS = 0.3
"""Slower things lie still. [m/s]"""

WORKING_MPS = 3.0
"""A service vehicle that is slower is at work. [m/s]"""

HELD = 1.2
"""Whoever has been told is told on until this much farther away than where one begins."""

ADVICE = {
    "works": "slow down: works ahead",
    "obstacle": "slow down: something lies on the road",
    "closure": "change lanes: this one is closed ahead",
    "surface": "slow down: the road ahead is slippery or damaged",
}


class Hazards:
    """Follows what lies on the road and who works there.

    Parameters
    ----------
    settings : HazardSettings
        Limits.
    known : tuple of KnownHazard
        What an operator tells.
    surroundings : Surroundings
        The map.

    Raises
    ------
    ValueError
        If a lane is not on the map.
    """

    def __init__(self, settings: HazardSettings, known: tuple[KnownHazard, ...], surroundings: Surroundings) -> None:
        self._settings, self._surroundings = settings, surroundings
        index = surroundings.model.lanes.index
        absent = sorted({one.lane for one in known if one.lane not in index})
        if absent:
            raise ValueError(f"edge.hazards: no lane {', '.join(absent)} on the map; `lukou map show` names them")
        self._known = [(one, index[one.lane]) for one in known]
        self.since: dict[int, int] = {}

    def step(self, scene: Scene) -> list[Notice]:
        """What is to be told now."""
        notices = []
        for number, (one, lane) in enumerate(self._known):
            if one.begins_ns <= scene.now_ns < one.ends_ns:
                what = one.text or one.kind
                notices += self._notice(scene, (HAZARD, 0, -1 - number), lane, one.from_m, -1, one.kind, what)
        for row in self._lying(scene):
            lane, s_m = int(scene.lane[row]), float(scene.s_m[row])
            what = f"a thing of {scene.users.length_m[row]:.1f} m that does not move"
            key = (HAZARD, int(scene.users.id[row]), 0)
            notices += self._notice(scene, key, lane, s_m, row, "obstacle", what)
        for report in scene.reports:
            at_work = report.role == VehicleRole.VEHICLE_ROLE_SERVICE and report.speed_mps < WORKING_MPS
            if at_work and report.lane >= 0:
                key = (HAZARD, 0, report.temporary_id)
                notices += self._notice(scene, key, report.lane, report.s_m, report.row, "works", "a service vehicle")
        return notices

    def _lying(self, scene: Scene) -> list[int]:
        """Rows of things that have lain on a lane for long enough."""
        users = scene.users
        things = np.isin(users.object_class, THINGS) & (users.speed_mps < STANDING_MPS) & users.is_trusted
        half_m = 0.5 * self._surroundings.model.lanes.width_m[scene.lane]
        rows = np.flatnonzero(things & (scene.lane >= 0) & (np.abs(scene.d_m) < half_m))
        numbers = users.id[rows].tolist()
        self.since = {number: self.since.get(number, scene.now_ns) for number in numbers}
        least_ns = self._settings.obstacle_s * 1e9
        return [
            row
            for row, number in zip(rows.tolist(), numbers, strict=True)
            if scene.now_ns - self.since[number] >= least_ns
        ]

    def _notice(
        self, scene: Scene, key: tuple[int, int, int], lane: int, s_m: float, cause: int, kind: str, what: str
    ) -> list[Notice]:
        """Whom one hazard concerns: those who drive towards it and will be there soon."""
        surroundings, settings = self._surroundings, self._settings
        left_m = surroundings.ahead_of(scene, lane, s_m)
        time_s = left_m / np.maximum(scene.users.speed_mps, 0.1)
        told = scene.drives & (scene.users.speed_mps > settings.slow_mps)
        if cause >= 0:
            told[cause] = False
        near = told & (time_s < HELD * settings.ahead_s)
        if not near.any():
            return []
        x_m, y_m, _ = surroundings.geometry.pose(np.array([lane]), np.array([s_m]))
        first = int(np.flatnonzero(near)[time_s[near].argmin()])
        reach = surroundings.upstream(lane)
        why = (
            f"{kind}: {what} on {surroundings.model.lanes.names[lane]}; {scene.users.id[first]} at "
            f"{scene.users.speed_mps[first]:.1f} m/s gets there in {time_s[first]:.1f} s"
        )
        return [
            Notice(
                key=key,
                is_onset=bool((time_s[near] < settings.ahead_s).any()),
                addressed=soonest(np.flatnonzero(near), time_s),
                lanes=tuple(reach.lane[reach.offset_m <= settings.lanes_m].tolist()),
                cause=cause,
                x_m=float(x_m[0]),
                y_m=float(y_m[0]),
                advice=ADVICE[kind],
                why=why,
                severity=severity_of(float(scene.users.speed_mps[first])),
            )
        ]
