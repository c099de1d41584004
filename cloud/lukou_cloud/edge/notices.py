"""What the informative services say, and how that becomes a warning: one per event, with all whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_cloud.edge.episodes import Key
from lukou_cloud.edge.scene import Scene, Surroundings
from lukou_cloud.edge.service_settings import HazardSettings
from lukou_cloud.edge.wording import CRASH_SPEED_MPS, nearest_intersection
from lukou_maps.road_model import RoadModel
from lukou_messages.v1 import warning_pb2
from lukou_messages.v1.warning_pb2 import WarnedRoadUser, WarningKind, WarningLevel

DO_NOT_PASS = int(WarningKind.WARNING_KIND_DO_NOT_PASS)
HAZARD = int(WarningKind.WARNING_KIND_HAZARD)
EMERGENCY_VEHICLE = int(WarningKind.WARNING_KIND_EMERGENCY_VEHICLE)
CROSSWALK = int(WarningKind.WARNING_KIND_CROSSWALK)

MOST_ADDRESSED = 24
"""Road users named in one warning, the nearest in time; all others are reached by the lanes that it names."""

MOST_LANES = 40
"""Lanes named in one warning."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event that stands, with those whom it concerns.

    Attributes
    ----------
    key : Key
        Which event.
    is_onset : bool
        Bad enough to begin a warning; otherwise it only keeps one standing.
    addressed : tuple of (int, float)
        Rows of those to be told, and the time until each is there, the first to be told first. [s]
    lanes : tuple of int
        Lanes on which it concerns whoever drives there.
    cause : int
        Row of the road user that the others are told of; -1: none is seen.
    x_m, y_m : float
        Where. [m]
    advice, why : str
        In words.
    severity, probability : float
        0 to 1.
    is_imminent : bool
        Calls for action now.
    """

    key: Key
    is_onset: bool
    addressed: tuple[tuple[int, float], ...]
    lanes: tuple[int, ...]
    cause: int
    x_m: float
    y_m: float
    advice: str
    why: str
    severity: float
    probability: float = 1.0
    is_imminent: bool = False

    @property
    def kind(self) -> int:
        """`lukou.v1.WarningKind`."""
        return self.key[0]


def soonest(rows: np.ndarray, time_s: np.ndarray) -> tuple[tuple[int, float], ...]:
    """Rows with their times, the first to be told first.

    Parameters
    ----------
    rows : (m,) int array
        Road users.
    time_s : (n,) float array
        Time of every road user of the scene. [s]
    """
    order = rows[np.argsort(time_s[rows], kind="stable")][:MOST_ADDRESSED]
    return tuple(zip(order.tolist(), time_s[order].tolist(), strict=True))


def severity_of(speed_mps: float) -> float:
    """How bad a contact at a speed would be, 0 to 1."""
    return min(max(speed_mps, 0.0) / CRASH_SPEED_MPS, 1.0)


def notice_message(one: Notice, scene: Scene, model: RoadModel) -> warning_pb2.Warning:
    """The message of a notice, without identity, phase and times."""
    told = [_road_user(row, time_s, scene, model) for row, time_s in one.addressed]
    if one.cause >= 0:
        told.append(_road_user(one.cause, None, scene, model))
        told[-1].is_cause = True
    made = warning_pb2.Warning(
        kind=one.kind,  # type: ignore[arg-type]
        level=WarningLevel.WARNING_LEVEL_IMMINENT if one.is_imminent else WarningLevel.WARNING_LEVEL_INFORMATIVE,
        probability=one.probability,
        severity=one.severity,
        road_users=told,
        meeting_x_m=one.x_m,
        meeting_y_m=one.y_m,
        intersection=nearest_intersection(model, one.x_m, one.y_m),
        lanes=[model.lanes.names[lane] for lane in one.lanes[:MOST_LANES]],
        advice=one.advice,
        why=one.why,
    )
    if one.addressed:
        made.time_to_collision_s = one.addressed[0][1]
    return made


def addressed(warning: warning_pb2.Warning, scene: Scene, surroundings: Surroundings, settings: HazardSettings) -> None:
    """Add to a warning of one road user whoever drives towards it, and the lanes that lead there.

    Parameters
    ----------
    warning : Warning
        Changed in place; its one road user becomes the cause, unless it drives itself.
    scene : Scene
        Everybody.
    surroundings : Surroundings
        The map.
    settings : HazardSettings
        How far ahead one is told.
    """
    users, number = scene.users, warning.road_users[0].object_id
    rows = np.flatnonzero(users.id == number)
    if len(rows) == 0:
        return
    at = surroundings.matcher.nearest(users.x_m[rows[:1]], users.y_m[rows[:1]])
    lane, s_m = int(at.lane[0]), float(at.s_m[0])
    if lane < 0:
        return
    pace = np.maximum(users.speed_mps + warning.road_users[0].speed_mps, 0.1)
    time_s = surroundings.ahead_of(scene, lane, s_m) / pace
    told = scene.drives & (users.speed_mps > settings.slow_mps) & (time_s < settings.ahead_s) & (users.id != number)
    others = [_road_user(row, in_s, scene, surroundings.model) for row, in_s in soonest(np.flatnonzero(told), time_s)]
    drives = warning.road_users[0].speed_mps > settings.slow_mps
    cause = warning_pb2.WarnedRoadUser()
    cause.CopyFrom(warning.road_users[0])
    cause.is_cause = not drives
    del warning.road_users[:]
    warning.road_users.extend([cause, *others] if drives else [*others, cause])
    reach = surroundings.upstream(lane)
    names = surroundings.model.lanes.names
    lanes = [names[k] for k in reach.lane[reach.offset_m <= settings.lanes_m].tolist()]
    del warning.lanes[:]
    warning.lanes.extend(lanes[:MOST_LANES])


def _road_user(row: int, time_s: float | None, scene: Scene, model: RoadModel) -> WarnedRoadUser:
    users, lane = scene.users, int(scene.lane[row])
    made = WarnedRoadUser(
        object_id=int(users.id[row]),
        object_class=int(users.object_class[row]),
        speed_mps=float(users.speed_mps[row]),
        lane=model.lanes.names[lane] if lane >= 0 else "",
        path_x_m=[float(users.x_m[row])],
        path_y_m=[float(users.y_m[row])],
    )
    if time_s is not None:
        made.enters_in_s = time_s
    return made
