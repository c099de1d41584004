"""Which lane a road user is on, when it is seen again and again.

Several hypotheses per road user are carried along the lane graph: each new position is weighed against the lanes near it
(offset, direction, class) and against where the hypotheses can have got to meanwhile (straight on, over a connection, to
the lane beside). It is the forward filter of a hidden Markov model over lanes; the position along the lane is taken from
the measurement. Feeding back the last lane alone is worse than no memory; the sum over several hypotheses is what helps.

Method: Newson and Krumm, "Hidden Markov Map Matching Through Noise and Sparseness", ACM SIGSPATIAL GIS 2009, with lanes
instead of roads and a prior for lane changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_maps.lane_graph import LaneGraph
from lukou_maps.matches import LaneCandidates, NearSegments
from lukou_maps.matching import LaneMatcher
from lukou_maps.ragged import Booleans, Floats, Ints
from lukou_maps.tables import Connections
from lukou_maps.vocabulary import LaneKind

HYPOTHESES = 6
"""Lanes kept per road user."""

LANE_CHANGES_PER_S = 0.015
"""Rate at which drivers change lanes, each side. NGSIM-like urban data: one change per 15 to 60 s. [1/s]"""

JUMP = 2e-4
"""Probability that a road user is on a lane that no hypothesis leads to (map wrong, identity swapped)."""

STRADDLE_M = 0.25
"""Standard deviation of where drivers keep within their lane. [m]"""

ACCELERATION_MPS2 = 1.5
"""Standard deviation of acceleration along the lane. [m/s2]"""

FIRST_SPEED_MPS = 10.0
"""Standard deviation of the speed of one seen for the first time. [m/s]"""

STOPS_PER_S, STARTS_PER_S = 0.1, 0.1
"""Rates at which road users come to a stand, and drive off. [1/s]"""

FAST_MPS = 12.0
"""Speeds up to this are equally likely in one that moves. [m/s]"""

STANDS_INSIDE = 0.1
"""Share of those who stand just behind a stop line, inside the junction, of those who stand just before it."""

MOST_AVERAGED = 60.0
"""Sightings of one that stands over which its place is averaged, so that creeping shows."""

END_SLACK_M = 0.1
"""Standard deviation of where a lane ends. [m]"""

FORGOTTEN_AFTER_S = 5.0
"""A road user not seen for longer starts anew. [s]"""

FIRST_DEVIATION_M, FIRST_DEVIATION_RAD = 0.7, 0.12
"""Standard deviations of position and direction until enough has been seen to estimate them. [m, rad]"""

LEARNT_FROM = 200.0
"""Weight of the first values, in sightings."""


@dataclass(slots=True, eq=False)
class _Memory:
    """Hypotheses of the road users seen lately, sorted by id."""

    ids: Ints
    time_s: Floats
    x_m: Floats
    y_m: Floats
    lane: Ints
    s_m: Floats
    log_weight: Floats
    speed_mps: Floats
    covariance: Floats
    mean_x_m: Floats
    mean_y_m: Floats
    averaged: Floats
    standing: Floats


@dataclass(slots=True, eq=False)
class _Motion:
    """Motion along the lane predicted to now, per road user.

    Attributes
    ----------
    row : (n,) int array
        Row in the memory.
    known : (n,) bool array
        Whether it is remembered.
    lapse_s, speed_mps : (n,) float array
        Time since, and speed. [s, m/s]
    gain : (n, 2) float array
        Kalman gain of arc length and speed.
    innovation_m2, s_variance_m2 : (n,) float array
        Variance of the innovation, and of the filtered arc length. [m2]
    covariance : (n, 2, 2) float array
        Covariance after the update.
    mean_x_m, mean_y_m, averaged : (n,) float array
        Mean position while it stands, and of how many sightings. [m, m, 1]
    standing : (n,) float array
        Probability that it stands.
    """

    row: Ints
    known: Booleans
    lapse_s: Floats
    speed_mps: Floats
    gain: Floats
    innovation_m2: Floats
    covariance: Floats
    s_variance_m2: Floats
    mean_x_m: Floats
    mean_y_m: Floats
    averaged: Floats
    standing: Floats


class LaneTracker:
    """Matches road users to lanes with memory.

    Parameters
    ----------
    matcher : LaneMatcher
        Lanes that count.
    connections : Connections
        Connections of the same map.
    """

    def __init__(self, matcher: LaneMatcher, connections: Connections) -> None:
        self._matcher = matcher
        self.lanes = matcher.lanes
        self.graph = LaneGraph(matcher.lanes, connections)
        none, zero = np.zeros(0, np.int64), np.zeros(0)
        table = np.zeros((0, HYPOTHESES))
        self._memory = _Memory(
            none,
            zero,
            zero,
            zero,
            table.astype(np.int64),
            table,
            table,
            zero,
            np.zeros((0, 2, 2)),
            zero,
            zero,
            zero,
            zero,
        )
        self._seen = LEARNT_FROM
        self._square_m2 = LEARNT_FROM * FIRST_DEVIATION_M**2
        self._square_rad2 = LEARNT_FROM * FIRST_DEVIATION_RAD**2

    @property
    def deviation_m(self) -> float:
        """Standard deviation of positions across the lane, estimated from what was seen. [m]"""
        return float(np.clip(np.sqrt(self._square_m2 / self._seen), 0.2, 2.5))

    @property
    def deviation_rad(self) -> float:
        """Standard deviation of directions, estimated from what was seen. [rad]"""
        return float(np.clip(np.sqrt(self._square_rad2 / self._seen), 0.05, 0.6))

    def update(
        self,
        time_s: float,
        ids: Ints,
        x_m: Floats,
        y_m: Floats,
        heading_rad: Floats | None = None,
        object_class: Ints | None = None,
        deviation_m: Floats | None = None,
    ) -> LaneCandidates:
        """Take one list of road users; give their lanes.

        Parameters
        ----------
        time_s : float
            Instant of the list; later than the one before. [s]
        ids : (n,) int array
            Identity of each road user, each once.
        x_m, y_m : (n,) float array
            Positions. [m]
        heading_rad, object_class, deviation_m
            As in `LaneMatcher.candidates`; without `deviation_m` it is estimated from what is seen.

        Returns
        -------
        LaneCandidates
            Best first within each road user; `point` is the index into `ids`.
        """
        x_m, y_m = np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
        near = self._matcher.near(x_m, y_m)
        sigma = np.full(len(ids), self.deviation_m) if deviation_m is None else np.maximum(deviation_m, 0.1)
        log_weight = -0.5 * np.minimum(near.across_m**2 / (sigma[near.point] ** 2 + STRADDLE_M**2), 60.0)
        if heading_rad is not None:
            heading_rad = np.asarray(heading_rad, np.float64)
            deviation_rad = np.hypot(self.deviation_rad, 0.5 * near.bend_rad)
            log_weight -= 0.5 * self._matcher.heading_cost(heading_rad[near.point], near, deviation_rad)
        if object_class is not None:
            log_weight -= 0.5 * self._matcher.class_cost(np.asarray(object_class, np.int64)[near.point], near.lane)
        motion = self._motion(time_s, ids, x_m, y_m, sigma)
        prior, s_m = self._prior(motion, near)
        s_m = self._at_rest(motion, near, x_m, y_m, s_m)
        inside = self.lanes.kind[near.lane] == LaneKind.JUNCTION
        log_weight += np.where(inside & (near.s_m < 5.0), np.log(STANDS_INSIDE) * motion.standing[near.point], 0.0)
        past = np.maximum(s_m - self.lanes.length_m[near.lane], -s_m)
        log_weight += prior - 0.5 * np.minimum(np.maximum(past, 0.0) ** 2 / motion.s_variance_m2[near.point], 60.0)
        found, chosen = self._kept(near, log_weight, np.clip(s_m, 0.0, self.lanes.length_m[near.lane]))
        self._remember(time_s, ids, x_m, y_m, found, s_m[chosen], motion, near, chosen)
        self._learn(found, near, heading_rad, deviation_m is None)
        return found

    def _motion(self, time_s: float, ids: Ints, x_m: Floats, y_m: Floats, sigma: Floats) -> _Motion:
        """Predict the motion along the lane of each road user (Kalman filter, constant velocity)."""
        memory, count = self._memory, len(ids)
        row = np.minimum(np.searchsorted(memory.ids, ids), max(len(memory.ids) - 1, 0))
        known = np.zeros(count, np.bool_)
        if len(memory.ids):
            known = (memory.ids[row] == ids) & (time_s - memory.time_s[row] <= FORGOTTEN_AFTER_S)
        lapse, covariance = np.zeros(count), np.zeros((count, 2, 2))
        covariance[:, 0, 0], covariance[:, 1, 1] = 1e4, FIRST_SPEED_MPS**2
        speed = np.zeros(count)
        if known.any():
            before = row[known]
            lapse[known] = np.maximum(time_s - memory.time_s[before], 1e-3)
            t, p = lapse[known], memory.covariance[before]
            push = ACCELERATION_MPS2**2 * t**2
            made = np.empty_like(p)
            made[:, 0, 0] = p[:, 0, 0] + 2.0 * t * p[:, 0, 1] + t**2 * p[:, 1, 1] + 0.25 * t**2 * push
            made[:, 0, 1] = made[:, 1, 0] = p[:, 0, 1] + t * p[:, 1, 1] + 0.5 * t * push
            made[:, 1, 1] = p[:, 1, 1] + push
            covariance[known], speed[known] = made, memory.speed_mps[before]
        innovation = covariance[:, 0, 0] + sigma**2
        gain = covariance[:, :, 0] / innovation[:, None]
        after = covariance - gain[:, :, None] * covariance[:, 0, None, :]
        mean_x, mean_y, averaged, standing = self._stand(row, known, lapse, x_m, y_m, sigma)
        rest = standing > 0.5
        variance = np.where(rest, np.minimum(after[:, 0, 0], sigma**2 / averaged), after[:, 0, 0]) + END_SLACK_M**2
        return _Motion(row, known, lapse, speed, gain, innovation, after, variance, mean_x, mean_y, averaged, standing)

    def _stand(
        self, row: Ints, known: Booleans, lapse: Floats, x_m: Floats, y_m: Floats, sigma: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Mean place, sightings averaged and probability of standing, by the ratio of two likelihoods."""
        memory, count = self._memory, len(x_m)
        mean_x, mean_y, averaged, standing = x_m.copy(), y_m.copy(), np.ones(count), np.full(count, 0.2)
        if not known.any():
            return mean_x, mean_y, averaged, standing
        before, t, noise = row[known], lapse[known], sigma[known]
        old_x, old_y, times = memory.mean_x_m[before], memory.mean_y_m[before], memory.averaged[before]
        variance = noise**2 * (1.0 + 1.0 / times)
        square = (x_m[known] - old_x) ** 2 + (y_m[known] - old_y) ** 2
        as_standing = -0.5 * square / variance - np.log(2.0 * np.pi * variance)
        as_moving = -np.log((FAST_MPS * t + 3.0 * noise) * np.sqrt(4.0 * np.pi) * noise)
        p = memory.standing[before]
        stop, go = 1.0 - np.exp(-STOPS_PER_S * t), 1.0 - np.exp(-STARTS_PER_S * t)
        p = p * (1.0 - go) + (1.0 - p) * stop
        odds = np.log(p / (1.0 - p)) + as_standing - as_moving
        p = np.clip(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))), 1e-3, 0.999)
        stays = p > 0.2
        weight = np.where(stays, np.minimum(times, MOST_AVERAGED), 0.0)
        mean_x[known] = (old_x * weight + x_m[known]) / (weight + 1.0)
        mean_y[known] = (old_y * weight + y_m[known]) / (weight + 1.0)
        averaged[known], standing[known] = weight + 1.0, p
        return mean_x, mean_y, averaged, standing

    @staticmethod
    def _at_rest(motion: _Motion, near: NearSegments, x_m: Floats, y_m: Floats, s_m: Floats) -> Floats:
        """Arc length of those who stand: of their mean place."""
        rest = motion.standing[near.point] > 0.5
        user = near.point
        moved = (motion.mean_x_m - x_m)[user] * near.ux + (motion.mean_y_m - y_m)[user] * near.uy
        return np.where(rest, near.s_m + near.beyond_m + moved, s_m)

    def _prior(self, motion: _Motion, near: NearSegments) -> tuple[Floats, Floats]:
        """Log prior of each candidate from the hypotheses of its road user, and its filtered arc length."""
        memory, measured = self._memory, near.s_m + near.beyond_m
        prior, s_m = np.zeros(len(near.point)), measured.copy()
        rows = np.flatnonzero(motion.known[near.point])
        if len(rows) == 0:
            return prior, s_m
        user = near.point[rows]
        before = motion.row[user]
        way, cost, changed = self.graph.ways(memory.lane[before], near.lane[rows][:, None])
        predicted = memory.s_m[before] + (motion.speed_mps * motion.lapse_s)[user][:, None] - way
        innovation = measured[rows][:, None] - predicted
        misfit = innovation**2 / motion.innovation_m2[user][:, None]
        rate = 1.0 - np.exp(-LANE_CHANGES_PER_S * motion.lapse_s[user])
        step = cost - 0.5 * np.minimum(misfit, 16.0)
        step += np.where(changed, np.log(rate)[:, None], np.log1p(-2.0 * np.minimum(rate, 0.4))[:, None])
        total = memory.log_weight[before] + np.where(np.isnan(step), np.log(JUMP), np.maximum(step, np.log(JUMP)))
        most = total.max(axis=1)
        prior[rows] = most + np.log(np.exp(total - most[:, None]).sum(axis=1))
        best = total.argmax(axis=1)
        chosen = innovation[np.arange(len(rows)), best]
        filtered = measured[rows] - (1.0 - motion.gain[user, 0]) * chosen
        s_m[rows] = np.where(
            np.isnan(chosen) | (chosen**2 > 16.0 * motion.innovation_m2[user]), measured[rows], filtered
        )
        return prior, s_m

    @staticmethod
    def _kept(near: NearSegments, log_weight: Floats, s_m: Floats) -> tuple[LaneCandidates, Ints]:
        """The best candidates of each point, probabilities summing to 1, and their rows."""
        order = np.lexsort((-log_weight, near.point))
        point, log_weight = near.point[order], log_weight[order]
        begin = np.searchsorted(point, point)
        kept = np.arange(len(point)) - begin < HYPOTHESES
        weight = np.exp(np.maximum(log_weight - log_weight[begin], -50.0)) if len(point) else log_weight
        order, point, weight = order[kept], point[kept], weight[kept]
        total = np.bincount(point, weights=weight)
        probability = weight / total[point] if len(point) else weight
        return LaneCandidates(point, near.lane[order], s_m[order], near.d_m[order], probability), order

    def _remember(
        self,
        time_s: float,
        ids: Ints,
        x_m: Floats,
        y_m: Floats,
        found: LaneCandidates,
        s_m: Floats,
        motion: _Motion,
        near: NearSegments,
        chosen: Ints,
    ) -> None:
        """Keep what was found, and those not seen now but lately."""
        count = len(ids)
        place = np.arange(len(found.point)) - np.searchsorted(found.point, found.point)
        lane, arc = np.full((count, HYPOTHESES), -1, np.int64), np.zeros((count, HYPOTHESES))
        log_weight = np.full((count, HYPOTHESES), -60.0)
        lane[found.point, place], arc[found.point, place] = found.lane, s_m
        log_weight[found.point, place] = np.log(found.probability)
        speed = motion.speed_mps.copy()
        best = np.flatnonzero(place == 0)
        user = found.point[best]
        # the gain is the same for all hypotheses, so the speed follows from the best one's own correction
        ahead = near.s_m[chosen[best]] + near.beyond_m[chosen[best]] - s_m[best]
        correction = ahead / np.maximum(1.0 - motion.gain[user, 0], 1e-6)
        speed[user] += np.where(motion.known[user], motion.gain[user, 1] * correction, 0.0)
        speed = np.where(motion.standing > 0.5, 0.0, np.maximum(speed, 0.0))
        old = self._memory
        stays = (time_s - old.time_s <= FORGOTTEN_AFTER_S) & ~np.isin(old.ids, ids)
        joined = np.concatenate([old.ids[stays], np.asarray(ids, np.int64)])
        order = np.argsort(joined)
        self._memory = _Memory(
            joined[order],
            np.concatenate([old.time_s[stays], np.full(count, time_s)])[order],
            np.concatenate([old.x_m[stays], x_m])[order],
            np.concatenate([old.y_m[stays], y_m])[order],
            np.concatenate([old.lane[stays], lane])[order],
            np.concatenate([old.s_m[stays], arc])[order],
            np.concatenate([old.log_weight[stays], log_weight])[order],
            np.concatenate([old.speed_mps[stays], speed])[order],
            np.concatenate([old.covariance[stays], motion.covariance])[order],
            np.concatenate([old.mean_x_m[stays], motion.mean_x_m])[order],
            np.concatenate([old.mean_y_m[stays], motion.mean_y_m])[order],
            np.concatenate([old.averaged[stays], motion.averaged])[order],
            np.concatenate([old.standing[stays], motion.standing])[order],
        )

    def _learn(self, found: LaneCandidates, near: NearSegments, heading_rad: Floats | None, position_too: bool) -> None:
        """Estimate the deviations from sightings whose lane is beyond doubt."""
        sure = found.probability > 0.9
        number = int(sure.sum())
        if number == 0:
            return
        fade = 1.0 - min(0.5, number / 20_000.0)
        self._seen, self._square_m2, self._square_rad2 = (
            fade * value for value in (self._seen, self._square_m2, self._square_rad2)
        )
        self._seen += number
        offset = np.minimum(found.d_m[sure] ** 2, 9.0)
        self._square_m2 += float(offset.sum()) if position_too else number * self.deviation_m**2
        if heading_rad is None:
            self._square_rad2 += number * self.deviation_rad**2
            return
        keys = near.point * (len(self.lanes) + 1) + near.lane
        at = np.searchsorted(keys, found.point[sure] * (len(self.lanes) + 1) + found.lane[sure])
        angle = heading_rad[found.point[sure]] - np.arctan2(near.uy[at], near.ux[at])
        angle = np.abs((angle + np.pi) % (2.0 * np.pi) - np.pi)
        self._square_rad2 += float((np.minimum(np.nan_to_num(angle, nan=self.deviation_rad), 0.6) ** 2).sum())
