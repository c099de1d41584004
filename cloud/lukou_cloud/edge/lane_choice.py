"""Which lanes and paths each road user may be following, and who is next ahead there: looked up anew every quarter of a second.

Between two looks everybody is carried along the lanes by the way that it really went: lanes change slowly, and looking
them up is a third of a step.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lukou_cloud.edge.lane_loops import Lanes, Paths, lanes_of, paths_of
from lukou_cloud.edge.road_users import PEDESTRIAN, Booleans, Floats, Ints, RoadUsers
from lukou_cloud.edge.settings import PredictionSettings
from lukou_cloud.edge.ways import NONE, Ways, may_follow
from lukou_maps.matching import LaneMatcher
from lukou_maps.road_model import LaneKind

KEPT_NS = 250_000_000
"""Lanes that were looked up this long ago are looked up again; at ten steps a second every third time. [ns]"""

CONSIDERED_M = 3.5
"""Lanes whose edge is farther away are not weighed at all. [m]"""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What was looked up, carried to now.

    Attributes
    ----------
    looked_ns : int
        When the lanes were looked up.
    id : (n,) int array
        Road users.
    x_m, y_m : (n,) float array
        Where they are. [m]
    lane : (n,) int array
        Most probable lane, -1: none.
    lane_s_m : (n,) float array
        Arc length on it. [m]
    user, path : (h,) int array
        Rows of road users in order, each with the paths it may take; -1: straight on.
    s_m : (h,) float array
        Arc length on the path. [m]
    weight : (h,) float array
        Of the path, as far as it does not depend on signals.
    leader : (h,) int array
        Road user next ahead on the path, -1: none.
    gap_m : (h,) float array
        Free distance to it, inf: none. [m]
    """

    looked_ns: int
    id: Ints
    x_m: Floats
    y_m: Floats
    lane: Ints
    lane_s_m: Floats
    user: Ints
    path: Ints
    s_m: Floats
    weight: Floats
    leader: Ints
    gap_m: Floats

    @property
    def paths(self) -> Paths:
        """The hypotheses alone."""
        return Paths(self.user, self.path, self.s_m, self.weight, self.leader, self.gap_m)

    def of_users(self, number: Ints) -> Choice | None:
        """Only some of the road users, in another order; None: somebody is new.

        Parameters
        ----------
        number : (m,) int array
            Identities wanted.
        """
        order = self.id.argsort(kind="stable")
        if len(order) == 0:
            return None
        place = np.minimum(self.id.searchsorted(number, sorter=order), len(order) - 1)
        before = order.take(place)
        if not _same(self.id.take(before), number):
            return None
        now = np.full(len(self.id), NONE)
        now[before] = np.arange(len(number))
        user = now.take(self.user)
        rows = (user >= 0).nonzero()[0]
        rows = rows.take(user.take(rows).argsort(kind="stable"))
        leader = self.leader.take(rows)
        leader = np.where(leader >= 0, now.take(leader), NONE)
        return Choice(
            self.looked_ns, number, self.x_m.take(before), self.y_m.take(before), self.lane.take(before),
            self.lane_s_m.take(before), user.take(rows), self.path.take(rows), self.s_m.take(rows),
            self.weight.take(rows), leader, np.where(leader >= 0, self.gap_m.take(rows), np.inf),
        )  # fmt: skip


_WHOLE = ("id", "lane", "user", "path", "leader")
_COLUMNS = {
    one.name: np.int64 if one.name in _WHOLE else np.float64 for one in fields(Choice) if one.name != "looked_ns"
}


class LaneChoice:
    """Chooses lanes and paths for the road users of one map; remembers which lane each was on.

    Parameters
    ----------
    ways : Ways
        The paths.
    settings : PredictionSettings
        How many paths, and how sure a lane must be.
    """

    def __init__(self, ways: Ways, settings: PredictionSettings) -> None:
        self.ways, self.settings = ways, settings
        model = ways.model
        self._matcher = LaneMatcher(model, (LaneKind.ROAD, LaneKind.JUNCTION))
        self._matcher.candidates(np.zeros(1), np.zeros(1))  # builds its grid now, not with the first list
        self._follows = may_follow(model)
        self._half_width = np.asarray(model.lanes.width_m * 0.5, np.float64)
        self.last_lane: dict[int, int] = {}
        self.latest: Choice | None = None

    def step(self, users: RoadUsers, cos: Floats, sin: Floats, now_ns: int | None) -> Choice:
        """Lanes and paths of everybody now.

        Parameters
        ----------
        users : RoadUsers
            Road users now.
        cos, sin : (n,) float array
            Their directions.
        now_ns : int, optional
            Instant; without it nothing is used that was looked up before.
        """
        last = self.latest
        if last is not None and (now_ns is None or not 0 < now_ns - last.looked_ns < KEPT_NS):
            last = None
        if last is not None and not _same(last.id, users.id):
            last = last.of_users(users.id)
        if last is None or now_ns is None:
            self.latest = self._looked_up(users, now_ns or 0)
            return self.latest
        way = (users.x_m - last.x_m) * cos
        way += (users.y_m - last.y_m) * sin
        along = way.take(last.user)
        gap_m = last.gap_m - along
        gap_m += way.take(last.leader)
        self.latest = Choice(
            last.looked_ns, last.id, users.x_m, users.y_m, last.lane, last.lane_s_m + way,
            last.user, last.path, last.s_m + along, last.weight, last.leader, np.maximum(gap_m, 0.0),
        )  # fmt: skip
        return self.latest

    def forget(self, alive: set[int]) -> None:
        """Keep the memory of these road users only."""
        for number in [number for number in self.last_lane if number not in alive]:
            del self.last_lane[number]
        self.ways.shares.forget(alive)

    def state(self) -> dict[str, Any]:
        """All that a continuation needs, for JSON; paths by their lanes, for their numbers depend on what was asked before."""
        plain: dict[str, Any] = {"last_lane": sorted(self.last_lane.items()), "shares": self.ways.shares.state()}
        if self.latest is None:
            return plain | {"latest": None}
        told = {one.name: getattr(self.latest, one.name) for one in fields(self.latest)}
        told |= dict(zip(("path", "path_lane"), self.ways.catalogue.names(self.latest.path), strict=True))
        return plain | {
            "latest": {name: value if isinstance(value, int) else value.tolist() for name, value in told.items()}
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.last_lane = {int(user): int(lane) for user, lane in state["last_lane"]}
        self.ways.restore_shares(state["shares"])
        self.latest = None
        if state["latest"] is not None:
            told: dict[str, Any] = {name: np.array(state["latest"][name], kind) for name, kind in _COLUMNS.items()}
            lane = np.array(state["latest"]["path_lane"], np.int64)
            told["path"] = self.ways.of_names(told["path"], lane)
            self.latest = Choice(looked_ns=int(state["latest"]["looked_ns"]), **told)

    def _looked_up(self, users: RoadUsers, now_ns: int) -> Choice:
        ways, settings = self.ways, self.settings
        lanes = self._lanes(users)
        ways.prepare(lanes.lane)
        found = paths_of(users.columns, lanes, ways.rows, settings.least_probability, settings.most_paths)
        known = self.last_lane
        for number, one in zip(users.id.tolist(), lanes.best.tolist(), strict=True):
            if one < 0:
                known.pop(number, None)
            elif known.get(number) != one:
                known[number] = one
                ways.learn(number, one)
        return Choice(now_ns, users.id, users.x_m, users.y_m, lanes.best, lanes.best_s_m, *found)

    def _lanes(self, users: RoadUsers) -> Lanes:
        """Lanes that each road user on wheels may be following."""
        wheeled = (users.object_class != PEDESTRIAN).nonzero()[0]
        near = self._matcher.candidates(
            users.x_m[wheeled],
            users.y_m[wheeled],
            users.heading_rad[wheeled],
            users.object_class[wheeled],
            np.maximum(users.deviation_m[wheeled], self.settings.lane_deviation_m),
            CONSIDERED_M,
        )
        found = np.array((near.s_m, near.d_m, near.probability, near.ux, near.uy))
        last = np.array([self.last_lane.get(number, NONE) for number in users.id.tolist()], np.int64)
        return lanes_of(users.columns, wheeled, found, near.lane, near.point, last, self._half_width, self._follows)


def _same(before: Ints, now: Ints) -> Booleans | bool:
    """Whether the road users are the same, in the same order."""
    return before is now or (len(before) == len(now) and bool((before == now).all()))
