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
from lukou_cloud.edge.lane_choice import Choice, LaneChoice
from lukou_cloud.edge.lights import Light, Lights, no_lights, stops
from lukou_cloud.edge.motion import Following, travelled
from lukou_cloud.edge.priority import waits_at
from lukou_cloud.edge.road_users import Booleans, Floats, Ints, RoadUsers
from lukou_cloud.edge.settings import PredictionSettings
from lukou_cloud.edge.ways import NONE, PASSED_M, Ways
from lukou_maps.matching import LaneMatcher
from lukou_maps.road_model import LaneKind, Participants, RoadModel

ASTRAY_SHARE = 0.4
"""Motor vehicles that seem to be on no lane, or to go across theirs, and do go straight on: mostly they are misjudged."""

NOTICED_MPS2 = 2.0
NOTICED_SHARE = 0.6
"""Who would have to brake harder than the first for the one ahead, and brakes with less than this share of it, most likely slows down for another
path. [m/s^2, 1]"""

RED_DOUBTS = 5.0
"""Standard deviations of speed that are doubted before a red light: between those who brake late and those who do not brake lies little."""

RED_LAG_S = 0.15
"""By so much what is seen of a driver who approaches a red light lags behind what the driver does. [s]"""

ROLLING_MPS = 5.0
"""Nobody who may turn on red crosses the stop line faster; the law says stop first. [m/s]"""

RUNNING_SHARE = 0.25
"""How much rarer it is that somebody who cannot stop any more runs a light than that another path is meant that needs no running."""

_RED, _YELLOW = int(Light.RED), int(Light.YELLOW)

BLOCKED_SHARE = 0.05
"""How much rarer a path is behind somebody for whom nobody brakes."""

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
        self._turns_on_red = bool(self._may_turn_on_red.any())
        areas = model.conflict_areas
        keys = areas.lane_a * len(model.lanes) + areas.lane_b
        order = np.argsort(keys, kind="stable")
        self.area_keys, self.area_rules = keys[order], np.asarray(areas.right_of_way, np.int64)[order]
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
        cos, sin = np.cos(users.heading_rad), np.sin(users.heading_rad)
        chosen = self.lanes.step(users, cos, sin, now_ns)
        self.lane_now = chosen.lane
        user, path = chosen.user, chosen.path
        on = path >= 0
        everywhere = bool(on.all())
        half, speed = (0.5 * users.length_m).take(user), users.speed_mps.take(user)
        acceleration = users.acceleration_mps2.take(user)
        front_m, rear_m = chosen.s_m + half, chosen.s_m - half
        connection, line_m = self._lines(lights, path, on, everywhere, front_m)
        runs, held, until_s = self._intent(users, lights, user, speed, acceleration, connection, line_m)
        weight = chosen.weight * _likely_behind(users, chosen, speed, acceleration)
        weight[runs] *= RUNNING_SHARE
        if self._turns_on_red:
            weight *= self._likely_on_red(speed, lights, connection, line_m)
        weight /= np.bincount(user, weights=weight).take(user)
        if not everywhere:
            weight[~(on | users.is_vulnerable.take(user))] *= ASTRAY_SHARE
        waits_m, beyond = waits_at(self.ways, path, front_m, rear_m, speed, weight, held, self.settings.braking_mps2)
        stop_m = np.where(held, line_m, np.inf)
        intention, goes = np.ones(len(user)), np.zeros(len(user), np.bool_)
        waits = waits_m < stop_m
        if waits.any():
            goes_on = share_that_goes(speed, acceleration, waits_m, beyond)
            rows, intention, goes = with_those_who_go(waits, speed, acceleration, goes_on)
            chosen = chosen.rows(rows)
            user, path = chosen.user, chosen.path
            connection, line_m, runs = connection.take(rows), line_m.take(rows), runs.take(rows)
            weight, speed, acceleration = weight.take(rows) * intention, speed.take(rows), acceleration.take(rows)
            stop_m = np.where(goes, stop_m.take(rows), np.minimum(stop_m, waits_m).take(rows))
            until_s = np.where(stop_m < line_m, np.inf, until_s.take(rows))
        first = user.searchsorted(np.arange(len(users)))
        way = travelled(
            speed,
            acceleration,
            stop_m,
            until_s,
            self.ways.speeds_from(path, chosen.s_m),
            Following(np.where(chosen.leader >= 0, first.take(chosen.leader), NONE), chosen.gap_m),
            self.times_s,
            self.settings,
        )
        poses = self._poses(users, cos, sin, chosen, way)
        return Hypotheses(
            user,
            path,
            chosen.s_m,
            weight,
            intention,
            goes,
            way,
            poses,
            connection,
            line_m,
            runs,
            first,
            chosen.leader,
            chosen.gap_m,
        )

    def _lines(
        self, lights: Lights, path: Ints, on: Booleans, everywhere: bool, front_m: Floats
    ) -> tuple[Ints, Floats]:
        """Line of `Lights` next ahead of each, and its distance."""
        if everywhere and len(path):
            return self._ruling_lines(lights, path, front_m, *self.ways.next_line(path, front_m))
        if not on.any():
            return np.full(len(path), NONE), np.full(len(path), np.inf)
        row = np.where(on, path, 0)
        connection, line_m = self._ruling_lines(lights, row, front_m, *self.ways.next_line(row, front_m))
        return np.where(on, connection, NONE), np.where(on, line_m, np.inf)

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
        self,
        users: RoadUsers,
        lights: Lights,
        user: Ints,
        speed: Floats,
        acceleration: Floats,
        connection: Ints,
        line_m: Floats,
    ) -> tuple[Booleans, Booleans, Floats]:
        """Who will pass the line ahead against red, who will stop before it, and until when. [s]"""
        if len(lights.light) == 0:
            return np.zeros(len(user), np.bool_), np.zeros(len(user), np.bool_), np.full(len(user), np.inf)
        told = stops(lights, connection, line_m / np.maximum(speed, 0.5), self._may_turn_on_red)
        left_m = line_m - speed * told.from_s
        least = users.least_speed_mps(RED_DOUBTS).take(user)
        can = can_stop(least, acceleration, left_m, RED_LAG_S, self.settings.red_braking_mps2)
        can &= left_m > -PASSED_M
        now = told.from_s == 0.0
        passes = told.must & ~can & now & (speed > 1.5)
        runs = _against_red(passes, lights, connection, speed, acceleration, line_m)
        return runs, told.must & (can | now) & ~passes, told.until_s

    def _likely_on_red(self, speed: Floats, lights: Lights, connection: Ints, line_m: Floats) -> Floats:
        """Who turns on red rolls over the line slowly: who is too fast for that goes elsewhere."""
        result = np.ones(len(speed))
        row = np.maximum(connection, 0)
        on_red = (connection >= 0) & self._may_turn_on_red[row] & (lights.light[row] == _RED)
        if on_red.any():
            slow = np.sqrt(ROLLING_MPS**2 + 2.0 * self.settings.braking_mps2 * np.clip(line_m[on_red], 0.0, 100.0))
            excess = np.maximum(speed[on_red] - slow, 0.0)
            result[on_red] = np.maximum(np.exp(-2.0 * excess), 0.005)
        return result

    def _poses(self, users: RoadUsers, cos: Floats, sin: Floats, chosen: Choice, way: Floats) -> Floats:
        user, path, s_m = chosen.user, chosen.path, chosen.s_m
        on = path >= 0
        place = np.array((users.x_m, users.y_m)).take(user, axis=1)
        if on.all():
            poses = self.ways.pose(path[:, None], s_m[:, None] + way)
            # the offset from the centre line now is given up over the next seconds
            poses[:2] += (place - poses[:2, :, 0])[:, :, None] * self._fading
            return poses
        poses = np.empty((4, *way.shape))
        poses[2], poses[3] = cos.take(user)[:, None], sin.take(user)[:, None]
        np.multiply(poses[2:], way, out=poses[:2])
        poses[:2] += place[:, :, None]
        rows = on.nonzero()[0]
        if len(rows):
            along = self.ways.pose(path.take(rows)[:, None], s_m.take(rows)[:, None] + way.take(rows, axis=0))
            along[:2] += (place.take(rows, axis=1) - along[:2, :, 0])[:, :, None] * self._fading
            poses[:, rows] = along
        return poses


def _against_red(
    passes: Booleans, lights: Lights, connection: Ints, speed: Floats, acceleration: Floats, line_m: Floats
) -> Booleans:
    """Who of those who pass the line does so when it is red: now, or once the yellow of now has ended; who brakes comes later."""
    rows = passes.nonzero()[0]
    if len(rows) == 0:
        return passes
    line, way, pace = connection.take(rows), np.maximum(line_m.take(rows), 0.0), speed.take(rows)
    braking = np.maximum(-acceleration.take(rows), 0.0)
    arrives_s = 2.0 * way / (pace + np.sqrt(np.maximum(pace * pace - 2.0 * braking * way, 0.0)))
    light = lights.light.take(line)
    result = np.zeros(len(passes), np.bool_)
    result[rows] = light == _RED
    result[rows] |= (light == _YELLOW) & (arrives_s > lights.ends_in_s.take(line))  # after a green there is yellow yet
    return result


def _likely_behind(users: RoadUsers, chosen: Choice, speed: Floats, acceleration: Floats) -> Floats:
    """Who does not brake for somebody close ahead on one path most likely takes another, if there is another."""
    closing = np.maximum(speed - users.speed_mps.take(chosen.leader), 0.0)
    needed = closing * closing / (2.0 * np.maximum(chosen.gap_m, 0.5))  # nobody ahead: infinitely far
    ignores = (needed > NOTICED_MPS2) & (acceleration > -NOTICED_SHARE * needed)
    return np.where(ignores, BLOCKED_SHARE, 1.0)
