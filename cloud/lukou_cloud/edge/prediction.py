"""Where everyone may go: lane paths with probabilities, and motion along them.

A vehicle on a lane gets the lane paths ahead of it; whoever is on no lane, or goes across it, goes straight. Along a path the
speed follows an envelope of the limits ahead (a turn is driven slowly), a light that says stop makes stop whoever
still can, and nobody drives into the one ahead. Who cannot stop any more, or should have begun to brake and has
not, is expected to go on.
"""

from __future__ import annotations

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.approach import Shown, ahead_of, meant, taken
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.lane_choice import LaneChoice
from lukou_cloud.edge.lane_loops import Paths
from lukou_cloud.edge.lights import Lights, no_lights
from lukou_cloud.edge.motion import Following, Steps, steps_until, travelled
from lukou_cloud.edge.priority import waits_at
from lukou_cloud.edge.road_users import COS, SIN, Booleans, Floats, Ints, RoadUsers, X, Y
from lukou_cloud.edge.settings import PredictionSettings
from lukou_cloud.edge.ways import NONE, Meetings, PathRows, Ways, pose_on, speeds_from
from lukou_cloud.edge.yielding import Ground
from lukou_maps.matching import LaneMatcher
from lukou_maps.road_model import LaneKind, Participants, RoadModel

STRAY_S = 2.0
"""An offset from the centre line is given up over about this time. [s]"""

PREPARED_LANES = 1000
"""Maps with no more lanes have all their paths worked out at the start, others when they are needed."""


class Predictor:
    """Predicts the road users on one map; remembers which lane each was on.

    Parameters
    ----------
    model : RoadModel
        The map.
    settings : PredictionSettings
        Settings.
    may_turn_on_red : (c,) bool array
        Connections that may be taken on red.
    """

    def __init__(self, model: RoadModel, settings: PredictionSettings, may_turn_on_red: Booleans | None = None) -> None:
        self.model, self.settings = model, settings
        self._roadway = LaneMatcher(model, (LaneKind.ROAD, LaneKind.JUNCTION), closed_to_vehicles=False)
        self.ways = Ways(model, settings.easy_braking_mps2)
        driven = int(Participants.MOTOR | Participants.BICYCLE)
        wanted = (model.lanes.kind <= LaneKind.JUNCTION) & ((model.lanes.participants & driven) > 0)
        if len(model.lanes) <= PREPARED_LANES:
            self.ways.prepare(np.flatnonzero(wanted))
        self.lanes = LaneChoice(self.ways, settings)
        self._roadway.nearest(np.zeros(1), np.zeros(1))  # builds its grid now, not with the first list
        self._may_turn_on_red = np.zeros(len(no_lights(model).light), np.bool_)
        if may_turn_on_red is not None:
            self._may_turn_on_red[: len(may_turn_on_red)] = may_turn_on_red
        areas = model.conflict_areas
        keys = np.asarray(areas.lane_a * len(model.lanes) + areas.lane_b, np.int64)
        order = np.argsort(keys, kind="stable")
        self._areas = keys[order], np.asarray(areas.right_of_way, np.int64)[order]
        self.lane_now = np.zeros(0, np.int64)  # of the road users of the latest instant
        count = round(settings.horizon_s / settings.step_s) + 1
        self.times_s: Floats = np.arange(count, dtype=np.float64) * settings.step_s
        self._fading = np.exp(-self.times_s / STRAY_S)
        self._steps = steps_until(self.times_s, settings)

    @property
    def ground(self) -> Ground:
        """Right of way on the paths of now."""
        rows, drivers = self.ways.rows, (self.settings.reaction_s, self.settings.braking_mps2)
        return Ground(
            rows.start, rows.last, self.ways.table.lane_of_sample, *self._areas, len(self.model.lanes), *drivers
        )

    def beyond_roadway_m(self, x_m: Floats, y_m: Floats) -> Floats:
        """How far points are outside the lanes of vehicles; negative: on one, inf: none near. [m]"""
        found = self._roadway.nearest(x_m, y_m)
        beyond = np.abs(found.d_m) - self.model.lanes.width_m[found.lane] / 2.0
        return np.where(found.lane >= 0, beyond, np.inf)

    def along_roadway(self, x_m: Floats, y_m: Floats, heading_rad: Floats) -> tuple[Ints, Booleans, Floats]:
        """Nearest lane of vehicles, whether each point is on it, and the cosine between heading and lane."""
        found = self._roadway.nearest(x_m, y_m)
        lane = np.maximum(found.lane, 0)
        inside = (found.lane >= 0) & (np.abs(found.d_m) < 0.5 * self.model.lanes.width_m[lane])
        _, _, direction = self.ways.catalogue.geometry.pose(lane, found.s_m)
        return lane, inside, np.cos(direction - heading_rad)

    def predict(self, users: RoadUsers, lights: Lights, now_ns: int | None = None) -> Hypotheses:
        """All hypotheses of all road users.

        Parameters
        ----------
        users : RoadUsers
            Road users now.
        lights : Lights
            Signals now.
        now_ns : int, optional
            Instant of the road users; without it every lane is looked up anew.
        """
        chosen = self.lanes.step(users, users.columns[COS], users.columns[SIN], now_ns)
        self.lane_now = chosen.lane
        shown = Shown(lights.light, lights.ends_in_s, lights.for_s, self._may_turn_on_red, len(self.model.connections))
        ways, settings = self.ways, self.settings
        given = ways.duties, ways.rights, len(self.model.conflict_areas)
        return foreseen(
            users.columns, users.is_vulnerable, chosen.paths, ways.rows, shown, *given,
            self._steps, self._fading, settings.red_braking_mps2,
        )  # fmt: skip


@compiled
def foreseen(
    columns: Floats,
    is_vulnerable: Booleans,
    paths: Paths,
    rows: PathRows,
    shown: Shown,
    duties: Meetings,
    rights: Meetings,
    areas: int,
    steps: Steps,
    fading: Floats,
    red_braking_mps2: float,
) -> Hypotheses:
    """All hypotheses of all road users, of the paths that they may take.

    Parameters
    ----------
    columns, is_vulnerable
        Of `RoadUsers`.
    paths : Paths
        Paths that they may take.
    rows, duties, rights
        Of `Ways`.
    shown : Shown
        Signals.
    areas : int
        How many conflict areas there are.
    steps : Steps
        Of the motion.
    fading : (t,) float array
        Share of the offset from the centre line that is left at each sample of time.
    red_braking_mps2 : float
        Hardest braking to be expected before a red light. [m/s^2]
    """
    lies = ahead_of(columns, is_vulnerable, paths, rows, shown, steps.braking_mps2, red_braking_mps2)
    now = lies.front_m, lies.rear_m, lies.speed_mps, lies.weight, lies.held
    waits_m, is_beyond = waits_at(paths.path, *now, duties, rights, areas, steps.braking_mps2)
    is_meant = meant(lies, waits_m, is_beyond)
    row = is_meant.row
    lies = taken(lies, row)
    user, path, s_m, leader, gap_m = (
        paths.user[row], paths.path[row], paths.s_m[row], paths.leader[row], paths.gap_m[row]
    )  # fmt: skip
    first = np.zeros(columns.shape[1], np.int64)
    for k in range(len(user) - 1, -1, -1):
        first[user[k]] = k
    before = np.full(len(user), NONE)
    for k in range(len(user)):
        if leader[k] >= 0:
            before[k] = first[leader[k]]
    way = travelled(
        lies.speed_mps, lies.acceleration_mps2, is_meant.stop_m, is_meant.until_s,
        speeds_from(path, s_m, rows), Following(before, gap_m), steps,
    )  # fmt: skip
    return Hypotheses(
        user, path, s_m, lies.weight * is_meant.intention, is_meant.intention, is_meant.goes, way,
        poses(columns, user, path, s_m, way, fading, rows), lies.connection, lies.line_m, lies.runs,
        first, leader, gap_m,
    )  # fmt: skip


@compiled
def poses(
    columns: Floats,
    user: Ints,
    path: Ints,
    s_m: Floats,
    way: Floats,
    fading: Floats,
    rows: PathRows,
) -> Floats:
    """Position and direction (x, y, cosine, sine) at each sample of time, (4, h, t): along the path, or straight on.

    The offset from the centre line now is given up over the next seconds.
    """
    count, times = way.shape
    made = np.empty((4, count, times))
    for k in range(count):
        x_m, y_m, off_x, off_y = columns[X, user[k]], columns[Y, user[k]], 0.0, 0.0
        cos, sin = columns[COS, user[k]], columns[SIN, user[k]]
        for t in range(times):
            if path[k] < 0:
                made[0, k, t], made[1, k, t] = cos * way[k, t] + x_m, sin * way[k, t] + y_m
                made[2, k, t], made[3, k, t] = cos, sin
                continue
            east, north, made[2, k, t], made[3, k, t] = pose_on(rows, path[k], s_m[k] + way[k, t])
            if t == 0:
                off_x, off_y = x_m - east, y_m - north
            made[0, k, t], made[1, k, t] = east + off_x * fading[t], north + off_y * fading[t]
    return made
