"""Where everyone may go: lane paths with probabilities, and motion along them.

A vehicle on a lane gets the lane paths ahead of it; whoever is on no lane, or goes across it, goes straight. Along a path the
speed follows an envelope of the limits ahead (a turn is driven slowly), a light that says stop makes stop whoever
still can, and nobody drives into the one ahead. Who cannot stop any more, or should have begun to brake and has
not, is expected to go on.
"""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.intention import can_stop, share_that_goes, with_those_who_go
from lukou_cloud.edge.lights import Light, Lights, no_lights, stops
from lukou_cloud.edge.motion import Following, travelled
from lukou_cloud.edge.priority import waits_at
from lukou_cloud.edge.road_users import PEDESTRIAN, Booleans, Floats, Ints, RoadUsers
from lukou_cloud.edge.settings import PredictionSettings
from lukou_cloud.edge.ways import NONE, PASSED_M, Ways, is_in, may_follow
from lukou_maps.matching import LaneMatcher
from lukou_maps.ragged import spread
from lukou_maps.road_model import LaneKind, Participants, RoadModel

ALIGNED_COS = 0.8
"""Who moves at a larger angle to the lane than this cosine does not follow it."""

CREEPING_MPS = 2.0
CREEPING_COS = 0.5
"""The direction of who is slower than the first is not known well: then this cosine is enough. [m/s, 1]"""

ASTRAY_SHARE = 0.4
"""Motor vehicles that seem to be on no lane, or to go across theirs, and do go straight on: mostly they are misjudged."""

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

NOTICED_MPS2 = 3.0
"""Who would have to brake harder for the one ahead and does not brake does not mean to stay behind it. [m/s^2]"""

RED_DOUBTS = 5.0
"""Standard deviations of speed that are doubted before a red light: between those who brake late and those who do not brake lies little."""

RED_LAG_S = 0.1
"""By so much what is seen of a driver who approaches a red light lags behind what the driver does. [s]"""

IN_THE_WAY_M = 1.2
"""Whoever is nearer than this to the centre line ahead is in the way, narrow as both may be. [m]"""

SAME_ROUTE_FACTOR = float(np.exp(2.0))
"""Odds of a lane that continues the lane chosen last time, over one that does not."""

ROLLING_MPS = 5.0
"""Nobody who may turn on red crosses the stop line faster; the law says stop first. [m/s]"""

RUNNING_SHARE = 0.05
"""How much rarer it is to run a light than to take another path that needs no running."""

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
        self._matcher = LaneMatcher(model, (LaneKind.ROAD, LaneKind.JUNCTION))
        self._roadway = LaneMatcher(model, (LaneKind.ROAD, LaneKind.JUNCTION), closed_to_vehicles=False)
        self.ways = Ways(model, settings.easy_braking_mps2)
        driven = int(Participants.MOTOR | Participants.BICYCLE)
        wanted = (model.lanes.kind <= LaneKind.JUNCTION) & ((model.lanes.participants & driven) > 0)
        if len(model.lanes) <= PREPARED_LANES:
            self.ways.prepare(np.flatnonzero(wanted))
        for matcher in (self._matcher.candidates, self._roadway.nearest):
            matcher(np.zeros(1), np.zeros(1))  # builds its grid now, not with the first list
        self._may_turn_on_red = np.zeros(len(no_lights(model).light), np.bool_)
        if may_turn_on_red is not None:
            self._may_turn_on_red[: len(may_turn_on_red)] = may_turn_on_red
        self._follows = may_follow(model)
        self._half_width = model.lanes.width_m * 0.5
        areas = model.conflict_areas
        keys = areas.lane_a * len(model.lanes) + areas.lane_b
        order = np.argsort(keys, kind="stable")
        self.area_keys, self.area_rules = keys[order], np.asarray(areas.right_of_way, np.int64)[order]
        self.last_lane: dict[int, int] = {}
        self.lane_now = np.zeros(0, np.int64)  # of the road users of the latest instant
        count = round(settings.horizon_s / settings.step_s) + 1
        self.times_s: Floats = np.arange(count, dtype=np.float64) * settings.step_s
        self._fading = np.exp(-self.times_s / STRAY_S)[None, :]

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
        user, lane, s_m, weight, best = self._lanes(users)
        row, path = self.ways.of_lanes(lane)
        user, s_m, weight = user[row], s_m[row], weight[row]
        weight = weight * self._likely_turn(users, user, path, s_m) * self._likely_front(users, user, path, s_m)
        user, path, s_m, weight = self._most_probable(user, path, s_m, weight, len(users))
        off = np.ones(len(users), np.bool_)
        off[user] = False
        if off.any():
            alone = np.flatnonzero(off)
            user = np.concatenate([user, alone])
            order = np.argsort(user, kind="stable")
            user = user[order]
            path = np.concatenate([path, np.full(len(alone), NONE)])[order]
            s_m = np.concatenate([s_m, np.zeros(len(alone))])[order]
            weight = np.concatenate([weight, np.ones(len(alone))])[order]
        return self._moved(users, lights, user, path, s_m, weight, best)

    def _lanes(self, users: RoadUsers) -> tuple[Ints, Ints, Floats, Floats, tuple[Ints, Floats]]:
        """Lanes that each road user may be following: user, lane, arc length, weight; and the best one of each."""
        count = len(users)
        wheeled = np.flatnonzero(users.object_class != PEDESTRIAN)
        heading = users.heading_rad[wheeled]
        found = self._matcher.candidates(
            users.x_m[wheeled],
            users.y_m[wheeled],
            heading,
            users.object_class[wheeled],
            np.maximum(users.deviation_m[wheeled], self.settings.lane_deviation_m),
            CONSIDERED_M,
        )
        beside = BESIDE_LANE_M + BESIDE_PER_M * np.maximum(users.length_m[wheeled] - USUAL_LENGTH_M, 0.0)
        aligned = np.where(users.speed_mps[wheeled] < CREEPING_MPS, CREEPING_COS, ALIGNED_COS)
        point = found.point
        along = np.cos(heading).take(point) * found.ux
        along += np.sin(heading).take(point) * found.uy
        kept = np.abs(found.d_m) < self._half_width.take(found.lane) + beside.take(point)
        kept &= found.probability > LEAST_LANE_PROBABILITY
        kept &= along > aligned.take(point)
        rows = kept.nonzero()[0]
        user, lane = wheeled.take(point.take(rows)), found.lane.take(rows)
        s_m, weight = found.s_m.take(rows), found.probability.take(rows)
        known = self.last_lane
        last = np.array([known.get(number, NONE) for number in users.id.tolist()], np.int64).take(user)
        same = (last >= 0) & ((last == lane) | is_in(self._follows, last * len(self.model.lanes) + lane))
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
        self.lane_now = best
        return user, lane, s_m, weight, (best, best_s)

    def _likely_turn(self, users: RoadUsers, user: Ints, path: Ints, s_m: Floats) -> Floats:
        """Who is too fast for a path's turn does not take it."""
        excess = users.speed_mps[user] - 1.2 * self.ways.kept_speed(path, s_m)
        return np.asarray(np.maximum(np.exp(np.minimum(1.0 - excess, 0.0) / 1.5), 0.02) * self.ways.usual[path])

    def _likely_front(self, users: RoadUsers, user: Ints, path: Ints, s_m: Floats) -> Floats:
        """A turn begins with the front: how well it lies on the path while the middle still lies on several."""
        half = 0.5 * users.length_m[user]
        heading = users.heading_rad[user]
        x_m, y_m, cos, sin = self.ways.pose(path, s_m + half)
        dx, dy = users.x_m[user] + half * np.cos(heading) - x_m, users.y_m[user] + half * np.sin(heading) - y_m
        aside = (dy * cos - dx * sin) / np.maximum(2.0 * users.deviation_m[user], FRONT_DEVIATION_M)
        return np.asarray(np.maximum(np.exp(-0.5 * aside * aside), LEAST_FRONT))

    def _most_probable(
        self, user: Ints, path: Ints, s_m: Floats, weight: Floats, count: int
    ) -> tuple[Ints, Ints, Floats, Floats]:
        total = np.bincount(user, weights=weight, minlength=count)
        weight = weight / np.maximum(total, 1e-12)[user]
        kept = weight > self.settings.least_probability
        user, path, s_m, weight = user[kept], path[kept], s_m[kept], weight[kept]
        order = np.lexsort((-weight, user))
        user = user[order]
        kept = np.arange(len(user)) - np.searchsorted(user, user) < self.settings.most_paths
        order = order[kept]
        return user[kept], path[order], s_m[order], weight[order]

    # --- when -----------------------------------------------------------------------------------------------------

    def _moved(
        self,
        users: RoadUsers,
        lights: Lights,
        user: Ints,
        path: Ints,
        s_m: Floats,
        weight: Floats,
        best: tuple[Ints, Floats],
    ) -> Hypotheses:
        on = path >= 0
        row = np.where(on, path, 0)
        speed = users.speed_mps[user]
        if on.any():
            front_m = s_m + users.length_m[user] * 0.5
            connection, line_m = self._ruling_lines(lights, row, front_m, *self.ways.next_line(row, front_m))
            connection, line_m = np.where(on, connection, NONE), np.where(on, line_m, np.inf)
        else:
            connection, line_m = np.full(len(user), NONE), np.full(len(user), np.inf)
        runs, held, until_s = self._intent(users, lights, user, connection, line_m)
        weight = weight * np.where(runs, RUNNING_SHARE, 1.0)
        weight = weight * self._likely_on_red(speed, lights, connection, line_m)
        leader, gap = self._leaders(users, user, path, s_m, best)
        weight = weight * _likely_behind(users, user, leader, gap)
        weight = weight / np.bincount(user, weights=weight)[user]
        weight = np.where(~on & ~users.is_vulnerable[user], ASTRAY_SHARE * weight, weight)
        half = users.length_m[user] * 0.5
        acceleration = users.acceleration_mps2[user]
        waits_m, beyond = waits_at(
            self.ways,
            path,
            s_m + half,
            s_m - half,
            speed,
            weight,
            held,
            self.settings.braking_mps2,
        )
        stop_m = np.where(held, line_m, np.inf)
        goes_on = share_that_goes(speed, acceleration, waits_m, beyond)
        rows, intention, goes = with_those_who_go(waits_m < stop_m, speed, acceleration, goes_on)
        stop_m = np.where(goes, stop_m[rows], np.minimum(stop_m, waits_m)[rows])
        until_s = np.where(stop_m < line_m[rows], np.inf, until_s[rows])
        user, path, connection, leader = user[rows], path[rows], connection[rows], leader[rows]
        s_m, weight, line_m, gap, runs = s_m[rows], weight[rows], line_m[rows], gap[rows], runs[rows]
        first = np.searchsorted(user, np.arange(len(users)))
        way = travelled(
            users.speed_mps[user],
            users.acceleration_mps2[user],
            stop_m,
            until_s,
            self.ways.speeds_from(path, s_m),
            Following(np.where(leader >= 0, first[leader], NONE), gap),
            self.times_s,
            self.settings,
        )
        poses = self._poses(users, user, path, s_m, way)
        return Hypotheses(
            user, path, s_m, weight * intention, intention, goes, way, poses, connection, line_m, runs, leader, gap
        )

    def _ruling_lines(
        self, lights: Lights, path: Ints, front_m: Floats, line: Ints, line_m: Floats
    ) -> tuple[Ints, Floats]:
        """Where the line ahead may be passed into a waiting area, it is the end of that which rules."""
        if not self.ways.has_waiting_areas:
            return line, line_m
        passes = (line >= 0) & (lights.light[np.maximum(line, 0)] == Light.GREEN)
        beyond_m = np.where(passes, line_m, 0.0) + 2.0 * PASSED_M
        inner, inner_m = self.ways.next_line(path, front_m + beyond_m)
        inside = passes & (inner >= len(self.model.connections))
        return np.where(inside, inner, line), np.where(inside, inner_m + beyond_m, line_m)

    def _intent(
        self, users: RoadUsers, lights: Lights, user: Ints, connection: Ints, line_m: Floats
    ) -> tuple[Booleans, Booleans, Floats]:
        """Who will run against the light ahead, who will stop for it, and until when. [s]"""
        if len(lights.light) == 0:
            return np.zeros(len(user), np.bool_), np.zeros(len(user), np.bool_), np.full(len(user), np.inf)
        speed, acceleration = users.speed_mps[user], users.acceleration_mps2[user]
        told = stops(lights, connection, line_m / np.maximum(speed, 0.5), self._may_turn_on_red)
        left_m = line_m - speed * told.from_s
        least = users.least_speed_mps(RED_DOUBTS).take(user)
        can = can_stop(least, acceleration, left_m, RED_LAG_S, self.settings.red_braking_mps2) & (left_m > -PASSED_M)
        runs = told.must & ~can & (told.from_s == 0.0) & (speed > 1.5)
        return runs, told.must & (can | (told.from_s == 0.0)) & ~runs, told.until_s

    def _likely_on_red(self, speed: Floats, lights: Lights, connection: Ints, line_m: Floats) -> Floats:
        """Who turns on red rolls over the line slowly: who is too fast for that goes elsewhere."""
        result = np.ones(len(speed))
        if not self._may_turn_on_red.any():
            return result
        row = np.maximum(connection, 0)
        on_red = (connection >= 0) & self._may_turn_on_red[row] & (lights.light[row] == Light.RED)
        if on_red.any():
            slow = np.sqrt(ROLLING_MPS**2 + 2.0 * self.settings.braking_mps2 * np.clip(line_m[on_red], 0.0, 100.0))
            excess = np.maximum(speed[on_red] - slow, 0.0)
            result[on_red] = np.maximum(np.exp(-2.0 * excess), 0.005)
        return result

    def _leaders(
        self, users: RoadUsers, user: Ints, path: Ints, s_m: Floats, best: tuple[Ints, Floats]
    ) -> tuple[Ints, Floats]:
        """Nearest road user ahead on each path, by the lanes that the road users were matched to."""
        leader, gap = np.full(len(path), NONE), np.full(len(path), np.inf)
        on = np.flatnonzero(path >= 0)
        matched = np.flatnonzero(best[0] >= 0)
        if len(on) == 0 or len(matched) < 2:
            return leader, gap
        # every lane of every path, then every road user on that lane
        table = self.ways.table
        first = table.lanes.start[path[on]]
        counts = table.lanes.start[path[on] + 1] - first
        entry, owner = spread(first, counts), np.repeat(on, counts)
        offset = table.lane_offset_m[entry] - s_m[owner]
        near = offset < AHEAD_M
        entry, owner, offset = entry[near], owner[near], offset[near]
        lane = best[0][matched]
        order = matched[np.argsort(lane, kind="stable")]
        sorted_lane = best[0][order]
        begin = np.searchsorted(sorted_lane, table.lanes.values[entry])
        number = np.searchsorted(sorted_lane, table.lanes.values[entry], side="right") - begin
        other, owner, offset = order[spread(begin, number)], np.repeat(owner, number), np.repeat(offset, number)
        ahead = offset + best[1][other]
        kept = (ahead > 0.5) & (ahead < AHEAD_M) & (other != user[owner])
        other, owner, ahead = other[kept], owner[kept], ahead[kept]
        if len(other) == 0:
            return leader, gap
        x_m, y_m, cos, sin = self.ways.pose(path[owner], s_m[owner] + ahead)
        aside = np.abs((users.y_m[other] - y_m) * cos - (users.x_m[other] - x_m) * sin)
        wide = 0.5 * (users.width_m[other] + users.width_m[user[owner]]) + users.deviation_m[other]
        kept = aside < np.maximum(wide, IN_THE_WAY_M)
        other, owner, ahead = other[kept], owner[kept], ahead[kept]
        order = np.argsort(-ahead, kind="stable")  # the nearest is written last
        leader[owner[order]] = other[order]
        half = 0.5 * (users.length_m[user[owner]] + users.length_m[other])
        gap[owner[order]] = np.maximum(ahead - half, 0.0)[order]
        return leader, gap

    def _poses(self, users: RoadUsers, user: Ints, path: Ints, s_m: Floats, way: Floats) -> Floats:
        on = path >= 0
        place = np.stack([users.x_m, users.y_m]).take(user, axis=1)
        if on.all():
            poses = self.ways.pose(path[:, None], s_m[:, None] + way)
            # the offset from the centre line now is given up over the next seconds
            poses[:2] += (place - poses[:2, :, 0])[:, :, None] * self._fading
            return poses
        poses = np.empty((4, *way.shape))
        heading = users.heading_rad.take(user)
        poses[2], poses[3] = np.cos(heading)[:, None], np.sin(heading)[:, None]
        np.multiply(poses[2:], way, out=poses[:2])
        poses[:2] += place[:, :, None]
        rows = on.nonzero()[0]
        if len(rows):
            along = self.ways.pose(path[rows, None], s_m[rows, None] + way[rows])
            along[:2] += (place[:, rows] - along[:2, :, 0])[:, :, None] * self._fading
            poses[:, rows] = along
        return poses


def _likely_behind(users: RoadUsers, user: Ints, leader: Ints, gap_m: Floats) -> Floats:
    """Who does not brake for somebody close ahead on one path most likely takes another, if there is another."""
    closing = np.maximum(users.speed_mps[user] - users.speed_mps[leader], 0.0)
    needed = np.where(leader >= 0, closing * closing / (2.0 * np.maximum(gap_m, 0.5)), 0.0)
    ignores = (needed > NOTICED_MPS2) & (users.acceleration_mps2[user] > -0.3 * needed)
    return np.where(ignores, RUNNING_SHARE, 1.0)
