"""Warnings as messages: kinds in words, advice, and why."""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.dangers import Dangers
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import RoadUsers
from lukou_cloud.edge.rules import INFORMATIVE, OVERSPEED, QUEUE_END, STOPPED, WRONG_WAY
from lukou_maps.road_model import RoadModel
from lukou_messages.v1 import warning_pb2
from lukou_messages.v1.warning_pb2 import WarnedRoadUser, WarningKind, WarningLevel

NAMES = {
    int(WarningKind.WARNING_KIND_CROSSING): "paths cross",
    int(WarningKind.WARNING_KIND_LEFT_TURN): "left turn across",
    int(WarningKind.WARNING_KIND_REAR_END): "running into the one ahead",
    int(WarningKind.WARNING_KIND_VULNERABLE): "pedestrian or two-wheeler in danger",
    int(WarningKind.WARNING_KIND_RED_LIGHT): "about to run a red light",
    WRONG_WAY: "driving against the direction",
    STOPPED: "standing where nobody should",
    OVERSPEED: "much too fast",
    QUEUE_END: "end of a queue ahead",
}
"""Kinds in words."""

ADVICE = {
    int(WarningKind.WARNING_KIND_CROSSING): "brake",
    int(WarningKind.WARNING_KIND_LEFT_TURN): "wait",
    int(WarningKind.WARNING_KIND_REAR_END): "brake",
    int(WarningKind.WARNING_KIND_VULNERABLE): "brake",
    int(WarningKind.WARNING_KIND_RED_LIGHT): "stop at the line",
    WRONG_WAY: "stop at the edge and turn round; others: keep right and brake",
    STOPPED: "pass with care",
    OVERSPEED: "slow down",
    QUEUE_END: "slow down",
}
"""What a driver should do, by kind; never an invitation to go."""

PATH_STRIDE = 2
"""Every n-th sample of a predicted path is sent."""

CRASH_SPEED_MPS = 14.0
"""Closing speed at which severity is 1; about 50 km/h, where most unprotected die (Rosen and Sander, 2009). [m/s]"""


def message(
    row: int, users: RoadUsers, found: Dangers, hypotheses: Hypotheses, predictor: Predictor, intersection: str
) -> warning_pb2.Warning:
    """The message of one danger, without identity, phase and times.

    Parameters
    ----------
    row : int
        Which danger.
    users, found, hypotheses, predictor
        Of this moment.
    intersection : str
        Nearest intersection.
    """
    kind = int(found.kind[row])
    first, second = int(found.first[row]), int(found.second[row])
    rows = [(first, int(found.first_hypothesis[row]))]
    if second >= 0:
        rows.append((second, int(found.second_hypothesis[row])))
    warned = [
        _road_user(user, hypothesis, users, hypotheses, predictor, float(found.time_s[row]))
        for user, hypothesis in rows
    ]
    speed = float(users.speed_mps[[user for user, _ in rows]].max())
    made = warning_pb2.Warning(
        kind=kind,  # type: ignore[arg-type]
        level=WarningLevel.WARNING_LEVEL_INFORMATIVE if kind in INFORMATIVE else WarningLevel.WARNING_LEVEL_IMMINENT,
        time_to_collision_s=float(found.time_s[row]),
        probability=float(found.probability[row]),
        severity=min(speed / CRASH_SPEED_MPS, 1.0),
        road_users=warned,
        meeting_x_m=float(found.x_m[row]),
        meeting_y_m=float(found.y_m[row]),
        intersection=intersection,
        lanes=sorted({one.lane for one in warned if one.lane}),
        advice=ADVICE[kind],
    )
    made.why = _why(made)
    return made


def _road_user(
    user: int, hypothesis: int, users: RoadUsers, h: Hypotheses, predictor: Predictor, time_s: float
) -> WarnedRoadUser:
    lane = predictor.lanes.last_lane.get(int(users.id[user]), -1)
    made = WarnedRoadUser(
        object_id=int(users.id[user]),
        object_class=int(users.object_class[user]),
        speed_mps=float(users.speed_mps[user]),
        lane=predictor.model.lanes.names[lane] if lane >= 0 else "",
        enters_in_s=time_s,
    )
    if hypothesis < 0:
        made.path_x_m.append(float(users.x_m[user]))
        made.path_y_m.append(float(users.y_m[user]))
        return made
    last = int(np.searchsorted(predictor.times_s, time_s + 1.0))
    made.path_x_m.extend(h.x_m[hypothesis, : last + 1 : PATH_STRIDE].tolist())
    made.path_y_m.extend(h.y_m[hypothesis, : last + 1 : PATH_STRIDE].tolist())
    return made


def _why(made: warning_pb2.Warning) -> str:
    who = " and ".join(
        f"{one.object_id} at {one.speed_mps:.1f} m/s" + (f" on {one.lane}" if one.lane else "")
        for one in made.road_users
    )
    if not made.time_to_collision_s:
        return f"{NAMES[int(made.kind)]}: {who}, at ({made.meeting_x_m:.1f}, {made.meeting_y_m:.1f})"
    end = "the stop line" if len(made.road_users) == 1 else "contact"
    return (
        f"{NAMES[int(made.kind)]}: {who}; {end} in {made.time_to_collision_s:.1f} s at ({made.meeting_x_m:.1f}, "
        f"{made.meeting_y_m:.1f}) with probability {made.probability:.2f} if nobody reacts"
    )


def nearest_intersection(model: RoadModel, x_m: float, y_m: float) -> str:
    """Name of the signalised junction nearest to a place; empty where the map has none."""
    rows = np.flatnonzero(model.junctions.is_signalised)
    if len(rows) == 0:
        return ""
    distance = np.hypot(model.junctions.x_m[rows] - x_m, model.junctions.y_m[rows] - y_m)
    return model.junctions.names[int(rows[distance.argmin()])]
