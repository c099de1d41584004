"""Warnings on recorded trajectories, with everything that explains them."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from lukou_cloud.edge import near_miss
from lukou_cloud.edge.dangers import Required
from lukou_cloud.edge.episodes import Episode
from lukou_cloud.edge.followings import Followings
from lukou_cloud.edge.judge import Judge, Judgement
from lukou_cloud.edge.recorded import RecordedLights, read_trajectories, road_users
from lukou_cloud.edge.road_users import RoadUsers
from lukou_cloud.edge.services import Services
from lukou_cloud.edge.settings import JudgeSettings
from lukou_cloud.edge.warm import warm
from lukou_cloud.edge.wording import message, nearest_intersection
from lukou_cloud.near_misses import NearMiss
from lukou_maps.road_model import RoadModel
from lukou_messages.v1 import warning_pb2
from lukou_messages.v1.warning_pb2 import WarningKind, WarningLevel

KINDS = {
    1: "crossing",
    2: "left_turn",
    3: "rear_end",
    4: "vru",
    5: "red_light",
    6: "wrong_way",
    7: "info_stopped",
    8: "info_overspeed",
    9: "info_queue_end",
    10: "info_do_not_pass",
    11: "info_hazard",
    12: "info_emergency_vehicle",
    13: "info_crosswalk",
}
"""Names of the warning kinds in the result; informative ones begin with ``info_``."""

URGENT_PASSING = "do_not_pass"
"""Name of a do-not-pass warning of one who has moved out already."""


@dataclass(slots=True)
class Raised:
    """One warning of a recording.

    Attributes
    ----------
    identity : str
        Identity within the run; that of what the services say begins with ``i``.
    t_first, t_last : float
        When it was raised and when it was last active. [s]
    kind : str
        One of `KINDS`.
    id_a, id_b : str
        Road users, as the recording names them; the second may be empty.
    lane : str
        Lane of the first where the warning was raised; empty: on none.
    message : Warning
        The warning as it was raised: paths, meeting point, times, why.
    """

    identity: str
    t_first: float
    t_last: float
    kind: str
    id_a: str
    id_b: str
    lane: str
    message: warning_pb2.Warning


@dataclass(slots=True)
class Run:
    """What a run over a recording gives.

    Attributes
    ----------
    warnings : list of Raised
        In the order in which they were raised.
    near_misses : list of (NearMiss, str, str)
        What, who and who.
    milliseconds, road_users : list
        CPU time and number of road users of each step.
    required : Required
        How probable contacts had to be at the end.
    vehicles, on_lanes : int
        Sightings of vehicles, and how many of these were on a lane of the map.
    """

    warnings: list[Raised] = field(default_factory=list)
    near_misses: list[tuple[NearMiss, str, str]] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    road_users: list[int] = field(default_factory=list)
    required: Required = field(default_factory=Required)
    vehicles: int = 0
    on_lanes: int = 0

    @property
    def on_lanes_share(self) -> float:
        """Share of the vehicles that are on a lane of the map; 1 without any. [1]"""
        return self.on_lanes / self.vehicles if self.vehicles else 1.0


def warn_recorded(
    model: RoadModel,
    objects: list[Path],
    signals: Path | None,
    settings: JudgeSettings | None = None,
    until_s: float = float("inf"),
) -> Run:
    """Warnings on recorded trajectories.

    Parameters
    ----------
    model : RoadModel
        The map.
    objects : list of Path
        Files of trajectories.
    signals : Path, optional
        Signal states.
    settings : JudgeSettings, optional
        The defaults if not given.
    until_s : float
        Later moments are left out. [s]
    """
    warm()
    chosen = settings or JudgeSettings()
    judge = Judge(model, chosen.prediction, chosen.warnings, chosen.experience, chosen.rules)
    lights = RecordedLights(model, signals)
    services = Services(model, chosen.services, chosen.hazards)
    followings = Followings(chosen.services.near_miss)
    numbers: dict[str, int] = {}
    names: dict[int, str] = {0: ""}
    result: dict[str, Raised] = {}
    run = Run()
    for t, frame in read_trajectories(objects):
        if t > until_s:
            break
        users, shown, now_ns = road_users(frame, numbers, names, chosen.warnings), lights.at(t), round(t * 1e9)
        begin = time.process_time()
        found = judge.step(now_ns, now_ns, users, shown)
        said = services.look(now_ns, users, shown.light) if services.is_due(now_ns) else None
        run.milliseconds.append((time.process_time() - begin) * 1e3)
        run.road_users.append(len(users))
        drives = ~users.is_vulnerable
        run.vehicles += int(drives.sum())
        run.on_lanes += int((judge.predictor.lane_now[drives] >= 0).sum())
        judge.forget(set(users.id.tolist()))
        for episode, index in found.changes.raised:
            result[str(episode.number)] = _raised(t, episode, found, found.rows[index], users, judge, names)
        for episode, _ in found.changes.standing:
            result[str(episode.number)].t_last = t
        for episode, _ in said.raised if said is not None else ():
            result[f"i{episode.number}"] = _told(t, f"i{episode.number}", episode, services.content(episode), names)
        for episode in services.standing():
            result[f"i{episode.number}"].t_last = t
        near = [near_miss.of_outcome(one, model) for one in found.outcomes if near_miss.is_believed(one)]
        near += [near_miss.of_following(one, model) for one in followings.step(now_ns, users, found.hypotheses)]
        run.near_misses += [(one, names[one.first_id], names[one.second_id]) for one in near]
    run.warnings = list(result.values())
    run.required = judge.encounters.required()
    return run


def _raised(
    t: float, episode: Episode, found: Judgement, row: int, users: RoadUsers, judge: Judge, names: dict[int, str]
) -> Raised:
    dangers, model = found.dangers, judge.predictor.model
    where = nearest_intersection(model, float(dangers.x_m[row]), float(dangers.y_m[row]))
    made = message(row, users, dangers, found.hypotheses, judge.predictor, where)
    return _told(t, str(episode.number), episode, made, names)


def _told(t: float, identity: str, episode: Episode, made: warning_pb2.Warning, names: dict[int, str]) -> Raised:
    """A warning with the names of the recording."""
    kind = KINDS[episode.kind]
    if episode.kind == WarningKind.WARNING_KIND_DO_NOT_PASS and made.level == WarningLevel.WARNING_LEVEL_IMMINENT:
        kind = URGENT_PASSING
    who = [names[one.object_id] for one in made.road_users] + ["", ""]
    lane = next((one.lane for one in made.road_users if one.lane), "")
    for one in made.road_users:
        made.why = re.sub(rf"\b{one.object_id} at ", f"{names[one.object_id]} at ", made.why, count=1)
    return Raised(identity, t, t, kind, who[0], who[1], lane, made)
