"""Where everyone may go: lane paths with probabilities, and motion along them.

A vehicle on a lane gets the lane paths ahead of it; whoever is on no lane, or goes across it, goes straight. Along a path the
speed follows an envelope of the limits ahead (a turn is driven slowly), a light that says stop makes stop whoever
still can, and nobody drives through the one ahead. Who cannot stop any more, or should have begun to brake and has
not, is expected to go on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_cloud.edge.lights import Light, Lights, waits
from lukou_cloud.edge.road_users import PEDESTRIAN, Booleans, Floats, Ints, RoadUsers
from lukou_cloud.edge.settings import PredictionSettings
from lukou_maps.matching import LaneMatcher
from lukou_maps.paths import SPACING_M, PathCatalogue, PathTable
from lukou_maps.road_model import LaneKind, RoadModel, Turn

NONE = -1

LATERAL_MPS2 = 4.0
"""Sideways acceleration that drivers accept in a turn; most stay below 3 (AASHTO Green Book, side friction). [m/s^2]"""

BEND_M = 8.0
"""Length over which the curvature of a path is taken. [m]"""

TURN_SHARE = {Turn.UNKNOWN: 0.3, Turn.STRAIGHT: 1.0, Turn.LEFT: 0.4, Turn.RIGHT: 0.4, Turn.TURN_AROUND: 0.05}
"""How usual each turn is where a lane leaves the choice."""

UNKNOWN_LIMIT_MPS = 15.0
"""Speed limit where the map tells none. [m/s]"""

ALIGNED_COS = 0.8
"""Who moves at a larger angle to the lane than this cosine does not follow it."""

CREEPING_MPS = 2.0
CREEPING_COS = 0.5
"""The direction of who is slower than the first is not known well: then this cosine is enough. [m/s, 1]"""

DOUBTFUL_MPS = 4.0
ASTRAY_SHARE = 0.4
"""Slow motor vehicles that seem to go across their lane: mostly their direction is misjudged. [m/s, 1]"""

SLOW_MPS = 0.5
"""Below this speed a road user stands. [m/s]"""

AHEAD_M = 60.0
"""Leaders farther ahead do not matter. [m]"""

STANDING_GAP_M = 1.0
"""Gap that is kept to a standing leader. [m]"""

SAME_ROUTE_BONUS = 2.0
"""Log-odds of a lane that continues the lane chosen last time, over one that does not."""

ROLLING_MPS = 5.0
"""Nobody who may turn on red crosses the stop line faster; the law says stop first. [m/s]"""

RUNNING_SHARE = 0.05
"""How much rarer it is to run a light than to take another path that needs no running."""


@dataclass(frozen=True, slots=True, eq=False)
class Hypotheses:
    """One row per road user and path it may take; rows of one road user are neighbours.

    Attributes
    ----------
    user : (h,) int array
        Row of the road user.
    path : (h,) int array
        Path in the catalogue, -1: straight on.
    s_m : (h,) float array
        Arc length of its centre on the path now. [m]
    probability : (h,) float array
        Probability of the path; the rows of one road user sum to 1 or less.
    travelled_m : (h, t) float array
        Distance from now at each sample of time. [m]
    x_m, y_m, cos, sin : (h, t) float array
        Position and direction at each sample of time. [m, 1]
    connection : (h,) int array
        Connection with a signal that lies next ahead, -1: none.
    line_m : (h,) float array
        Distance of its stop line from the front. [m]
    is_running_red : (h,) bool array
        Expected to pass that line against its light.
    leader : (h,) int array
        Row of the road user next ahead on the path, -1: none.
    leader_gap_m : (h,) float array
        Free distance to it. [m]
    """

    user: Ints
    path: Ints
    s_m: Floats
    probability: Floats
    travelled_m: Floats
    x_m: Floats
    y_m: Floats
    cos: Floats
    sin: Floats
    connection: Ints
    line_m: Floats
    is_running_red: Booleans
    leader: Ints
    leader_gap_m: Floats


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
        self._matcher = LaneMatcher(model, (LaneKind.ROAD, LaneKind.JUNCTION))
        self._roadway = LaneMatcher(model, (LaneKind.ROAD, LaneKind.JUNCTION), closed_to_vehicles=False)
        self.catalogue = PathCatalogue(model, horizon_m=90.0)
        self._may_turn_on_red = (
            np.zeros(len(model.connections), np.bool_) if may_turn_on_red is None else may_turn_on_red
        )
        self._envelope = np.zeros(0)
        self._usual = np.zeros(0)
        self._lane_keys = np.zeros(0, np.int64)
        self._lane_offset = np.zeros(0)
        follows = model.lanes.successors
        before = np.repeat(np.arange(len(model.lanes)), np.diff(follows.start))
        self._follows = np.unique(before * len(model.lanes) + follows.values)
        self.last_lane: dict[int, int] = {}
        count = round(settings.horizon_s / settings.step_s) + 1
        self.times_s = np.arange(count) * settings.step_s

    def beyond_roadway_m(self, users: RoadUsers) -> Floats:
        """How far each road user is outside the lanes of vehicles; negative: on one, inf: none near. [m]"""
        found = self._roadway.nearest(users.x_m, users.y_m)
        beyond = np.abs(found.d_m) - self.model.lanes.width_m[found.lane] / 2.0
        return np.where(found.lane >= 0, beyond, np.inf)

    # --- where ----------------------------------------------------------------------------------------------------

    def predict(self, users: RoadUsers, lights: Lights) -> Hypotheses:
        """All hypotheses of all road users.

        Parameters
        ----------
        users : RoadUsers
            Road users now.
        lights : Lights
            Signals now.
        """
        user, lane, s_m, weight = self._lanes(users)
        row, path = self.catalogue.of_lanes(lane)
        self._tables()
        user, s_m, weight = user[row], s_m[row], weight[row]
        weight = weight * self._likely_turn(users, user, path, s_m)
        user, path, s_m, weight = self._most_probable(user, path, s_m, weight)
        off = np.setdiff1d(np.arange(len(users)), user)
        user = np.concatenate([user, off])
        path = np.concatenate([path, np.full(len(off), NONE)])
        s_m, weight = np.concatenate([s_m, np.zeros(len(off))]), np.concatenate([weight, np.ones(len(off))])
        order = np.argsort(user, kind="stable")
        return self._moved(users, lights, user[order], path[order], s_m[order], weight[order])

    def _lanes(self, users: RoadUsers) -> tuple[Ints, Ints, Floats, Floats]:
        """Lanes that each road user may be following: user, lane, arc length, weight."""
        wheeled = np.flatnonzero(users.object_class != PEDESTRIAN)
        found = self._matcher.candidates(
            users.x_m[wheeled],
            users.y_m[wheeled],
            users.heading_rad[wheeled],
            users.object_class[wheeled],
            np.maximum(users.deviation_m[wheeled], self.settings.lane_deviation_m),
        )
        user = wheeled[found.point]
        _, _, direction = self._pose_of_lane(found.lane, found.s_m)
        along = np.cos(direction - users.heading_rad[user])
        inside = np.abs(found.d_m) < self.model.lanes.width_m[found.lane] / 2.0 + 0.6
        aligned = np.where(users.speed_mps[user] < CREEPING_MPS, CREEPING_COS, ALIGNED_COS)
        kept = (along > aligned) & inside & (found.probability > 0.02)
        user, lane, s_m, weight = user[kept], found.lane[kept], found.s_m[kept], found.probability[kept].copy()
        last = np.array([self.last_lane.get(int(number), NONE) for number in users.id])[user]
        same = (last == lane) | (np.isin(last * len(self.model.lanes) + lane, self._follows) & (last >= 0))
        weight[same] *= np.exp(SAME_ROUTE_BONUS)
        total = np.bincount(user, weights=weight, minlength=len(users))
        weight /= total[user]
        best = np.full(len(users), NONE)
        order = np.argsort(weight, kind="stable")
        best[user[order]] = lane[order]
        self.last_lane = {int(number): int(one) for number, one in zip(users.id, best, strict=True) if one >= 0}
        return user, lane, s_m, weight

    def _pose_of_lane(self, lane: Ints, s_m: Floats) -> tuple[Floats, Floats, Floats]:
        return self.catalogue.geometry.pose(lane, s_m)

    def _tables(self) -> None:
        """Speed envelope per path sample and lane offsets per path, extended when new paths were worked out."""
        table = self.catalogue.table
        if len(self._envelope) == len(table.x_m):
            return
        limit = self.model.lanes.speed_limit_mps[table.lane_of_sample]
        squared = np.where(np.isnan(limit), UNKNOWN_LIMIT_MPS, limit) ** 2
        squared = np.minimum(squared, LATERAL_MPS2 / np.maximum(_curvature(table), 1e-3))
        self._envelope = np.empty(len(squared))
        # v^2 <= v_limit(s')^2 + 2 b (s' - s) for all s' ahead: a running minimum of v^2 + 2 b s' from behind
        for begin, end in zip(table.sample_start[:-1], table.sample_start[1:], strict=True):
            ramp = 2.0 * self.settings.easy_braking_mps2 * SPACING_M * np.arange(end - begin)
            ahead = np.minimum.accumulate((squared[begin:end] + ramp)[::-1])[::-1]
            self._envelope[begin:end] = np.sqrt(ahead - ramp)
        share = np.array([TURN_SHARE[Turn(turn)] for turn in range(len(TURN_SHARE))])
        taken = np.repeat(np.arange(len(table)), np.diff(table.connections.start))
        self._usual = np.ones(len(table))
        np.multiply.at(self._usual, taken, share[self.model.connections.turn[table.connections.values]])
        path = np.repeat(np.arange(len(table)), np.diff(table.lanes.start))
        keys = path * len(self.model.lanes) + table.lanes.values
        order = np.argsort(keys, kind="stable")
        self._lane_keys, self._lane_offset = keys[order], table.lane_offset_m[order]

    def _speed_limit(self, path: Ints, s_m: Floats) -> Floats:
        """Speed that the limits ahead allow at (path, s); straight on: no limit."""
        table = self.catalogue.table
        if len(table) == 0:
            return np.full(len(path), np.inf)
        row = np.maximum(path, 0)
        last = table.sample_start[row + 1] - table.sample_start[row] - 1
        number = np.clip((s_m / SPACING_M).astype(np.int64), 0, last)
        return np.where(path < 0, np.inf, self._envelope[table.sample_start[row] + number])

    def _likely_turn(self, users: RoadUsers, user: Ints, path: Ints, s_m: Floats) -> Floats:
        """Who is too fast for a path's turn does not take it."""
        excess = users.speed_mps[user] - 1.2 * self._speed_limit(path, s_m)
        return np.asarray(np.clip(np.exp(-np.maximum(excess - 1.0, 0.0) / 1.5), 0.02, 1.0) * self._usual[path])

    def _most_probable(self, user: Ints, path: Ints, s_m: Floats, weight: Floats) -> tuple[Ints, Ints, Floats, Floats]:
        total = np.bincount(user, weights=weight, minlength=int(user.max(initial=-1)) + 1)
        weight = weight / np.maximum(total[user], 1e-12)
        order = np.lexsort((-weight, user))
        user, path, s_m, weight = user[order], path[order], s_m[order], weight[order]
        first = np.searchsorted(user, user)
        kept = (np.arange(len(user)) - first < self.settings.most_paths) & (weight > self.settings.least_probability)
        return user[kept], path[kept], s_m[kept], weight[kept]

    # --- when -----------------------------------------------------------------------------------------------------

    def _moved(
        self, users: RoadUsers, lights: Lights, user: Ints, path: Ints, s_m: Floats, weight: Floats
    ) -> Hypotheses:
        connection, line_m = self._next_line(path, s_m + users.length_m[user] / 2.0)
        runs, stops = self._intent(users, lights, user, connection, line_m)
        weight = weight * np.where(runs, RUNNING_SHARE, 1.0)
        weight = weight * self._likely_on_red(users, lights, user, connection, line_m)
        weight = weight / np.bincount(user, weights=weight)[user]
        astray = (path < 0) & ~users.is_vulnerable[user] & (users.speed_mps[user] < DOUBTFUL_MPS)
        weight = np.where(astray, ASTRAY_SHARE * weight, weight)
        leader, gap = self._leaders(users, user, path, s_m)
        travelled = self._integrated(users, user, path, s_m, np.where(stops, line_m, np.inf))
        travelled = _behind_leaders(travelled, user, leader, gap, weight, users)
        x_m, y_m, cos, sin = self._poses(users, user, path, s_m, travelled)
        return Hypotheses(user, path, s_m, weight, travelled, x_m, y_m, cos, sin, connection, line_m, runs, leader, gap)

    def _next_line(self, path: Ints, front_m: Floats) -> tuple[Ints, Floats]:
        """Next signalised connection ahead of the front, and the distance of its stop line."""
        table, connections = self.catalogue.table, self.model.connections
        on = np.flatnonzero(path >= 0)
        owner, taken = table.connections.flat(path[on])
        entry = _entries(table.connections.start, path[on])
        distance = table.connection_s_m[entry] - front_m[on][owner]
        ahead = (connections.intersection[taken] >= 0) & (distance > -2.0)
        owner, taken, distance = on[owner[ahead]], taken[ahead], distance[ahead]
        first, index = np.unique(owner, return_index=True)
        connection, line_m = np.full(len(path), NONE), np.full(len(path), np.inf)
        connection[first], line_m[first] = taken[index], distance[index]
        return connection, line_m

    def _intent(
        self, users: RoadUsers, lights: Lights, user: Ints, connection: Ints, line_m: Floats
    ) -> tuple[Booleans, Booleans]:
        """Who will run against the light ahead, and who will stop for it."""
        speed, acceleration = users.speed_mps[user], users.acceleration_mps2[user]
        arrives = line_m / np.maximum(speed, 0.5)
        must = (connection >= 0) & waits(lights, np.maximum(connection, 0), arrives, self._may_turn_on_red)
        cannot = ~can_stop(speed, acceleration, line_m, 0.0, self.settings.red_braking_mps2)
        runs = must & cannot & (speed > 1.5)
        return runs, must & ~runs

    def _likely_on_red(self, users: RoadUsers, lights: Lights, user: Ints, connection: Ints, line_m: Floats) -> Floats:
        """Who turns on red rolls over the line slowly: who is too fast for that goes elsewhere."""
        row = np.maximum(connection, 0)
        on_red = (connection >= 0) & self._may_turn_on_red[row] & (lights.light[row] == Light.RED)
        slow = np.sqrt(ROLLING_MPS**2 + 2.0 * self.settings.braking_mps2 * np.clip(line_m, 0.0, 100.0))
        excess = np.maximum(users.speed_mps[user] - slow, 0.0)
        return np.where(on_red, np.maximum(np.exp(-2.0 * excess), 0.005), 1.0)

    def _leaders(self, users: RoadUsers, user: Ints, path: Ints, s_m: Floats) -> tuple[Ints, Floats]:
        """Nearest road user ahead on each path, by the lanes that the road users were matched to."""
        leader, gap = np.full(len(path), NONE), np.full(len(path), np.inf)
        on = np.flatnonzero(path >= 0)
        if len(on) == 0:
            return leader, gap
        # (path, s) of each road user's most probable hypothesis, told as lane and arc length on it
        best = on[np.unique(user[on], return_index=True)[1]]
        table = self.catalogue.table
        lane = table.lane_at(path[best], s_m[best])
        offset = self._lane_on_path(path[best], lane)
        on_lane = s_m[best] - offset
        keys = path[on, None] * len(self.model.lanes) + lane[None, :]
        place = np.minimum(np.searchsorted(self._lane_keys, keys), len(self._lane_keys) - 1)
        there = self._lane_keys[place] == keys
        position = np.where(there, self._lane_offset[place] + on_lane[None, :], -np.inf)
        other = user[best]
        half = 0.5 * (users.length_m[user[on], None] + users.length_m[other][None, :])
        ahead = position - s_m[on, None]
        valid = there & (ahead > 0.5) & (ahead < AHEAD_M) & (user[on, None] != other[None, :])
        ahead = np.where(valid, ahead, np.inf)
        nearest = ahead.argmin(axis=1)
        rows = np.arange(len(on))
        found = np.isfinite(ahead[rows, nearest])
        leader[on[found]] = other[nearest[found]]
        gap[on[found]] = np.maximum(ahead[rows, nearest] - half[rows, nearest], 0.0)[found]
        return leader, gap

    def _lane_on_path(self, path: Ints, lane: Ints) -> Floats:
        place = np.searchsorted(self._lane_keys, path * len(self.model.lanes) + lane)
        return self._lane_offset[np.minimum(place, len(self._lane_keys) - 1)]

    def _integrated(self, users: RoadUsers, user: Ints, path: Ints, s_m: Floats, stop_m: Floats) -> Floats:
        """Distance travelled at each sample of time, without leaders."""
        dt, fade = self.settings.step_s, self.settings.acceleration_fades_s
        speed = users.speed_mps[user].copy()
        limit = self._speed_limit(path, s_m)
        # who is faster than the limits stays faster in proportion
        ratio = np.where(np.isfinite(limit), np.maximum(speed / np.maximum(limit, 0.5), 1.0), 1.0)
        acceleration = np.clip(users.acceleration_mps2[user], -6.0, 3.0)
        acceleration = np.where((speed < SLOW_MPS) & (acceleration < 0.5), 0.0, acceleration)
        travelled = np.zeros((len(user), len(self.times_s)))
        distance = np.zeros(len(user))
        for k in range(1, len(self.times_s)):
            allowed = np.sqrt(2.0 * self.settings.braking_mps2 * np.maximum(stop_m - distance, 0.0))
            allowed = np.minimum(allowed, ratio * self._speed_limit(path, s_m + distance))
            new = np.clip(speed + acceleration * dt, 0.0, np.maximum(allowed, 0.0))
            distance = distance + 0.5 * (speed + new) * dt
            speed = new
            acceleration = acceleration * (1.0 - dt / fade if dt < fade else 0.0)
            travelled[:, k] = distance
        return travelled

    def _poses(
        self, users: RoadUsers, user: Ints, path: Ints, s_m: Floats, travelled: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        cos0, sin0 = np.cos(users.heading_rad[user])[:, None], np.sin(users.heading_rad[user])[:, None]
        x_m = users.x_m[user, None] + travelled * cos0
        y_m = users.y_m[user, None] + travelled * sin0
        cos, sin = np.broadcast_to(cos0, x_m.shape).copy(), np.broadcast_to(sin0, x_m.shape).copy()
        on = np.flatnonzero(path >= 0)
        if len(on):
            xs, ys, heading = self.catalogue.table.pose(path[on, None], s_m[on, None] + travelled[on])
            # the offset from the centre line now is given up over the next seconds
            fade = np.exp(-self.times_s / 2.0)[None, :]
            x_m[on] = xs + (users.x_m[user[on]] - xs[:, 0])[:, None] * fade
            y_m[on] = ys + (users.y_m[user[on]] - ys[:, 0])[:, None] * fade
            cos[on], sin[on] = np.cos(heading), np.sin(heading)
        return x_m, y_m, cos, sin


def _curvature(table: PathTable) -> Floats:
    """Curvature of the paths at their samples, from the change of direction over `BEND_M`; 0 near their ends. [1/m]"""
    dx, dy = np.diff(table.x_m, append=0.0), np.diff(table.y_m, append=0.0)
    heading = np.arctan2(dy, dx)
    half = int(BEND_M / SPACING_M / 2.0)
    curvature = np.zeros(len(heading))
    if len(heading) <= 2 * half + 1:
        return curvature
    turned = heading[2 * half :] - heading[: -2 * half]
    curvature[half:-half] = np.abs(np.arctan2(np.sin(turned), np.cos(turned))) / BEND_M
    number = np.arange(len(heading)) - np.repeat(table.sample_start[:-1], np.diff(table.sample_start))
    left = np.repeat(table.sample_start[1:], np.diff(table.sample_start)) - np.arange(len(heading))
    curvature[(number < half) | (left < half + 2)] = 0.0
    return curvature


def can_stop(
    speed_mps: Floats, acceleration_mps2: Floats, distance_m: Floats, reaction_s: float, braking_mps2: float
) -> Booleans:
    """Whether a driver still can, and as it looks will, stop within a distance.

    Stopping is possible where reaction way and braking way fit. Who is beyond that but brakes hard already is believed.

    Parameters
    ----------
    speed_mps, acceleration_mps2 : (n,) float array
        Speed and acceleration along the path. [m/s, m/s^2]
    distance_m : (n,) float array
        Distance from the front. [m]
    reaction_s : float
        Time before braking begins. [s]
    braking_mps2 : float
        Hardest braking to be expected. [m/s^2]
    """
    way = speed_mps * reaction_s + speed_mps**2 / (2.0 * braking_mps2)
    needed = speed_mps**2 / (2.0 * np.maximum(distance_m, 0.1))
    brakes = (acceleration_mps2 < -0.6 * needed) & (needed < 1.6 * braking_mps2)
    return np.asarray((way <= distance_m) | brakes)


def _entries(start: Ints, rows: Ints) -> Ints:
    """Positions in a ragged column of all entries of some rows."""
    counts = start[rows + 1] - start[rows]
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(start[rows] - ends + counts, counts))


def _behind_leaders(
    travelled: Floats, user: Ints, leader: Ints, gap: Floats, weight: Floats, users: RoadUsers
) -> Floats:
    """Nobody drives through the one ahead: three rounds carry a standing head through a platoon of four."""
    best = np.full(len(users), NONE)
    order = np.argsort(weight, kind="stable")
    best[user[order]] = order
    led = np.flatnonzero(leader >= 0)
    if len(led) == 0:
        return travelled
    room = np.maximum(gap[led] - STANDING_GAP_M, 0.0)
    for _ in range(3):
        travelled[led] = np.minimum(travelled[led], travelled[best[leader[led]]] + room[:, None])
    return travelled
