"""Which lanes and paths each road user may be following, and who is next ahead there: looked up anew every quarter of a second.

Between two looks everybody is carried along the lanes by the way that it really went: lanes change slowly, and looking
them up is a third of a step.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lukou_cloud.edge.road_users import PEDESTRIAN, Booleans, Floats, Ints, RoadUsers
from lukou_cloud.edge.settings import PredictionSettings
from lukou_cloud.edge.ways import NONE, Ways, is_in, may_follow
from lukou_maps.matching import LaneMatcher
from lukou_maps.ragged import spread
from lukou_maps.road_model import LaneKind

KEPT_NS = 250_000_000
"""Lanes that were looked up this long ago are looked up again; at ten steps a second every third time. [ns]"""

ALIGNED_COS = 0.8
"""Who moves at a larger angle to the lane than this cosine does not follow it."""

CREEPING_MPS = 2.0
CREEPING_COS = 0.5
"""The direction of who is slower than the first is not known well: then this cosine is enough. [m/s, 1]"""

BESIDE_LANE_M = 0.6
BESIDE_PER_M = 0.12
USUAL_LENGTH_M = 6.0
"""Who is farther than the first outside a lane does not follow it; long vehicles cut corners: more per metre of length beyond the last. [m, 1, m]"""

CONSIDERED_M = 3.5
"""Lanes whose edge is farther away are not weighed at all. [m]"""

LEAST_LANE_PROBABILITY = 0.02
"""Less probable lanes are left out."""

AHEAD_M = 60.0
"""Leaders farther ahead do not matter. [m]"""

FRONT_DEVIATION_M = 0.4
LEAST_FRONT = 0.02
"""Standard deviation of the front across the path that is followed, and the least likelihood. [m, 1]"""

IN_THE_WAY_M = 1.2
"""Whoever is nearer than this to the centre line ahead is in the way, narrow as both may be. [m]"""

SAME_ROUTE_FACTOR = float(np.exp(2.0))
"""Odds of a lane that continues the lane chosen last time, over one that does not."""


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

    def rows(self, rows: Ints) -> Choice:
        """Some rows of the hypotheses, repetitions allowed."""
        kept = (self.looked_ns, self.id, self.x_m, self.y_m, self.lane, self.lane_s_m)
        ways = (self.user.take(rows), self.path.take(rows), self.s_m.take(rows), self.weight.take(rows))
        return Choice(*kept, *ways, self.leader.take(rows), self.gap_m.take(rows))

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
        self._half_width = model.lanes.width_m * 0.5
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
            self.latest = self._looked_up(users, cos, sin, now_ns or 0)
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

    def state(self) -> dict[str, Any]:
        """All that a continuation needs, for JSON; paths by their lanes, for their numbers depend on what was asked before."""
        if self.latest is None:
            return {"last_lane": sorted(self.last_lane.items()), "latest": None}
        told = {one.name: getattr(self.latest, one.name) for one in fields(self.latest)}
        told |= dict(zip(("path", "path_lane"), self.ways.catalogue.names(self.latest.path), strict=True))
        plain = {name: value if isinstance(value, int) else value.tolist() for name, value in told.items()}
        return {"last_lane": sorted(self.last_lane.items()), "latest": plain}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.last_lane = {int(user): int(lane) for user, lane in state["last_lane"]}
        self.latest = None
        if state["latest"] is not None:
            told: dict[str, Any] = {name: np.array(state["latest"][name], kind) for name, kind in _COLUMNS.items()}
            lane = np.array(state["latest"]["path_lane"], np.int64)
            told["path"] = self.ways.of_names(told["path"], lane)
            self.latest = Choice(looked_ns=int(state["latest"]["looked_ns"]), **told)

    def _looked_up(self, users: RoadUsers, cos: Floats, sin: Floats, now_ns: int) -> Choice:
        user, lane, s_m, weight, best, best_s = self._lanes(users, cos, sin)
        row, path = self.ways.of_lanes(lane)
        user, s_m, weight = user.take(row), s_m.take(row), weight.take(row)
        half = 0.5 * users.length_m
        weight *= self._likely_turn(users, user, path, s_m)
        weight *= self._likely_front(users, half, cos, sin, user, path, s_m)
        user, path, s_m, weight = self._most_probable(user, path, s_m, weight, len(users))
        off = np.ones(len(users), np.bool_)
        off[user] = False
        if off.any():
            alone = off.nonzero()[0]
            user = np.concatenate([user, alone])
            order = user.argsort(kind="stable")
            user = user.take(order)
            path = np.concatenate([path, np.full(len(alone), NONE)]).take(order)
            s_m = np.concatenate([s_m, np.zeros(len(alone))]).take(order)
            weight = np.concatenate([weight, np.ones(len(alone))]).take(order)
        leader, gap_m = self._leaders(users, half, user, path, s_m, best, best_s)
        return Choice(now_ns, users.id, users.x_m, users.y_m, best, best_s, user, path, s_m, weight, leader, gap_m)

    def _lanes(self, users: RoadUsers, cos: Floats, sin: Floats) -> tuple[Ints, Ints, Floats, Floats, Ints, Floats]:
        """Lanes that each road user may be following: user, lane, arc length, weight; and lane and arc length of the best one of each."""
        count = len(users)
        wheeled = (users.object_class != PEDESTRIAN).nonzero()[0]
        found = self._matcher.candidates(
            users.x_m[wheeled],
            users.y_m[wheeled],
            users.heading_rad[wheeled],
            users.object_class[wheeled],
            np.maximum(users.deviation_m[wheeled], self.settings.lane_deviation_m),
            CONSIDERED_M,
        )
        beside = BESIDE_LANE_M + BESIDE_PER_M * np.maximum(users.length_m - USUAL_LENGTH_M, 0.0)
        aligned = np.where(users.speed_mps < CREEPING_MPS, CREEPING_COS, ALIGNED_COS)
        point = wheeled.take(found.point)
        along = cos.take(point) * found.ux
        along += sin.take(point) * found.uy
        kept = np.abs(found.d_m) < self._half_width.take(found.lane) + beside.take(point)
        kept &= found.probability > LEAST_LANE_PROBABILITY
        kept &= along > aligned.take(point)
        rows = kept.nonzero()[0]
        user, lane = point.take(rows), found.lane.take(rows)
        s_m, weight = found.s_m.take(rows), found.probability.take(rows)
        known = self.last_lane
        last = np.array([known.get(number, NONE) for number in users.id.tolist()], np.int64).take(user)
        same = (last >= 0) & ((last == lane) | is_in(self._follows, last * len(self._half_width) + lane))
        weight = np.where(same, weight * SAME_ROUTE_FACTOR, weight)
        weight = weight / np.bincount(user, weights=weight, minlength=count).take(user)
        best, best_s = np.full(count, NONE), np.zeros(count)
        order = weight.argsort(kind="stable")
        best[user[order]], best_s[user[order]] = lane[order], s_m[order]
        for number, one in zip(users.id.tolist(), best.tolist(), strict=True):
            if one >= 0:
                known[number] = one
            else:
                known.pop(number, None)
        return user, lane, s_m, weight, best, best_s

    def _likely_turn(self, users: RoadUsers, user: Ints, path: Ints, s_m: Floats) -> Floats:
        """Who is too fast for a path's turn does not take it."""
        excess = users.speed_mps.take(user) - 1.2 * self.ways.kept_speed(path, s_m)
        likely = np.exp(np.minimum(1.0 - excess, 0.0) / 1.5)
        return np.asarray(np.maximum(likely, 0.02) * self.ways.usual.take(path))

    def _likely_front(
        self, users: RoadUsers, half_m: Floats, cos: Floats, sin: Floats, user: Ints, path: Ints, s_m: Floats
    ) -> Floats:
        """A turn begins with the front: how well it lies on the path while the middle still lies on several."""
        front_x, front_y = users.x_m + half_m * cos, users.y_m + half_m * sin
        doubt = np.maximum(2.0 * users.deviation_m, FRONT_DEVIATION_M)
        x_m, y_m, path_cos, path_sin = self.ways.pose(path, s_m + half_m.take(user))
        aside = (front_y.take(user) - y_m) * path_cos - (front_x.take(user) - x_m) * path_sin
        aside /= doubt.take(user)
        return np.asarray(np.maximum(np.exp(-0.5 * aside * aside), LEAST_FRONT))

    def _most_probable(
        self, user: Ints, path: Ints, s_m: Floats, weight: Floats, count: int
    ) -> tuple[Ints, Ints, Floats, Floats]:
        total = np.bincount(user, weights=weight, minlength=count)
        weight = weight / np.maximum(total, 1e-12).take(user)
        weight = self._of_turns(user, path, weight)
        some = (weight > self.settings.least_probability).nonzero()[0]
        user, path, s_m, weight = user.take(some), path.take(some), s_m.take(some), weight.take(some)
        order = np.lexsort((-weight, user))
        user = user.take(order)
        kept = np.arange(len(user)) - user.searchsorted(user) < self.settings.most_paths
        order = order[kept]
        return user[kept], path[order], s_m[order], weight[order]

    def _of_turns(self, user: Ints, path: Ints, weight: Floats) -> Floats:
        """Weights of ways, where those that are left out leave theirs to the others that take the same lane next."""
        lanes = self.ways.table.lanes
        following = lanes.values.take(np.minimum(lanes.start.take(path) + 1, lanes.start.take(path + 1) - 1))
        order = np.lexsort((-weight, following, user))
        first = np.ones(len(order), np.bool_)
        first[1:] = (np.diff(user.take(order)) != 0) | (np.diff(following.take(order)) != 0)
        turn = np.empty(len(order), np.int64)
        turn[order] = first.cumsum() - 1
        stays = weight > self.settings.least_probability
        stays[order[first]] = True  # the most probable way of each turn
        total, staying = (np.bincount(turn, weights=one) for one in (weight, weight * stays))
        return np.asarray(np.where(stays, weight * (total / np.maximum(staying, 1e-12)).take(turn), 0.0))

    def _leaders(
        self, users: RoadUsers, half_m: Floats, user: Ints, path: Ints, s_m: Floats, lane: Ints, lane_s_m: Floats
    ) -> tuple[Ints, Floats]:
        """Nearest road user ahead on each path, by the lanes that the road users were matched to."""
        leader, gap = np.full(len(path), NONE), np.full(len(path), np.inf)
        on = (path >= 0).nonzero()[0]
        matched = (lane >= 0).nonzero()[0]
        if len(on) == 0 or len(matched) < 2:
            return leader, gap
        # every lane of every path, then every road user on that lane
        table = self.ways.table
        taken = path.take(on)
        first = table.lanes.start.take(taken)
        counts = table.lanes.start.take(taken + 1) - first
        entry, owner = spread(first, counts), on.repeat(counts)
        offset = table.lane_offset_m.take(entry) - s_m.take(owner)
        near = (offset < AHEAD_M).nonzero()[0]
        entry, owner, offset = entry.take(near), owner.take(near), offset.take(near)
        order = matched.take(lane.take(matched).argsort(kind="stable"))
        sorted_lane, wanted = lane.take(order), table.lanes.values.take(entry)
        begin = sorted_lane.searchsorted(wanted)
        number = sorted_lane.searchsorted(wanted, side="right") - begin
        other, owner, offset = order.take(spread(begin, number)), owner.repeat(number), offset.repeat(number)
        ahead = offset + lane_s_m.take(other)
        kept = ((ahead > 0.5) & (ahead < AHEAD_M) & (other != user.take(owner))).nonzero()[0]
        other, owner, ahead = other.take(kept), owner.take(kept), ahead.take(kept)
        if len(other) == 0:
            return leader, gap
        x_m, y_m, cos, sin = self.ways.pose(path.take(owner), s_m.take(owner) + ahead)
        aside = np.abs((users.y_m.take(other) - y_m) * cos - (users.x_m.take(other) - x_m) * sin)
        follower = user.take(owner)
        wide = 0.5 * (users.width_m.take(other) + users.width_m.take(follower)) + users.deviation_m.take(other)
        rows = (aside < np.maximum(wide, IN_THE_WAY_M)).nonzero()[0]
        # the nearest is written last
        rows = rows.take((-ahead.take(rows)).argsort(kind="stable"))
        other, owner, follower = other.take(rows), owner.take(rows), follower.take(rows)
        leader[owner] = other
        gap[owner] = np.maximum(ahead.take(rows) - (half_m.take(follower) + half_m.take(other)), 0.0)
        return leader, gap


def _same(before: Ints, now: Ints) -> Booleans | bool:
    """Whether the road users are the same, in the same order."""
    return before is now or (len(before) == len(now) and bool((before == now).all()))
