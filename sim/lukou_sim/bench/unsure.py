"""Unsure sight for ``lukou bench signals``: places and speeds that are off, lanes found anew from them, and vehicles that are not there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_maps.geometry import LaneGeometry
from lukou_maps.matching import LaneMatcher
from lukou_maps.road_model import RoadModel
from lukou_messages.v1.objects_pb2 import ObjectClass

CAR = int(ObjectClass.OBJECT_CLASS_CAR)

HEADING_RAD = 0.1
"""Standard deviation of the direction in which a noisy vehicle seems to stand. [rad]"""

FALSE_LIFE_S = 5.0
"""Mean time for which somebody who is not there is told, second after second under one identity. [s]"""

FIRST_FALSE = 1 << 30
"""Identities from here on are nobody's."""

ID, CLASS, LANE, S, SPEED, X, Y = range(7)
"""Columns of a table of road users: identity, class, lane (-1: none), metres on it, m/s, place where there is no lane."""


@dataclass(frozen=True, slots=True)
class Sight:
    """How unsure the sight is.

    Attributes
    ----------
    noise_m : float
        Standard deviation of a place, on each axis, anew every second. [m]
    noise_mps : float
        Standard deviation of a speed. [m/s]
    false_share : float
        Share of the list that is not there.
    """

    noise_m: float = 0.0
    noise_mps: float = 0.0
    false_share: float = 0.0

    def told_variances(self, count: int) -> dict[str, NDArray[np.float64]]:
        """Columns of a list that tells honestly how unsure it is."""
        place, speed, none = (np.full(count, value) for value in (self.noise_m**2, self.noise_mps**2, 0.0))
        return {
            "position_variance_xx_m2": place,
            "position_variance_xy_m2": none,
            "position_variance_yy_m2": place,
            "velocity_variance_xx_m2ps2": speed,
            "velocity_variance_xy_m2ps2": none,
            "velocity_variance_yy_m2ps2": speed,
        }


@dataclass(slots=True)
class _Phantom:
    """Somebody who is not there."""

    identity: int
    lane: int
    s_m: float
    speed_mps: float
    left_s: int


class UnsureSight:
    """Makes a list of what is there into what such a sight would tell.

    Parameters
    ----------
    road : RoadModel
        The map.
    sight : Sight
        How unsure.
    range_m : float
        Phantoms stand so far before the stop lines at most. [m]
    seed : int
        Equal seeds give equal noise.
    """

    def __init__(self, road: RoadModel, sight: Sight, range_m: float, seed: int) -> None:
        self._road, self._sight, self._range_m = road, sight, range_m
        self._random = np.random.default_rng((seed, 6))
        self._matcher, self._geometry = LaneMatcher(road), LaneGeometry(road.lanes)
        signalled = np.unique(road.connections.from_lane[road.connections.intersection >= 0])
        self._watched = signalled[signalled >= 0]
        self._phantoms: list[_Phantom] = []
        self._told = 0

    def told(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """One second's list of the columns above, with noise and phantoms.

        Parameters
        ----------
        table : (n, 7) float array
            What is there.

        Returns
        -------
        (m, 7) float array
            What is told; who seems to be on no lane has none.
        """
        return np.concatenate([self._noisy(table), self._not_there(len(table))])

    def _noisy(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        sight, found = self._sight, table.copy()
        found[:, SPEED] = np.abs(found[:, SPEED] + sight.noise_mps * self._random.standard_normal(len(found)))
        off_m = sight.noise_m * self._random.standard_normal((len(found), 2))
        turned = HEADING_RAD * self._random.standard_normal(len(found))
        drives = (table[:, LANE] >= 0).nonzero()[0]
        afoot = table[:, LANE] < 0  # who has a lane is told by it alone
        found[afoot, X : Y + 1] += off_m[afoot]
        if len(drives) and sight.noise_m > 0.0:
            x_m, y_m, heading = self._geometry.pose(table[drives, LANE].astype(np.int64), table[drives, S])
            x_m, y_m = x_m + off_m[drives, 0], y_m + off_m[drives, 1]
            deviation_m = np.full(len(drives), sight.noise_m)
            seems = self._matcher.match(
                x_m, y_m, heading + turned[drives], table[drives, CLASS].astype(np.int64), deviation_m
            )
            found[drives, LANE], found[drives, S] = seems.lane, seems.s_m
        return found

    def _not_there(self, count: int) -> NDArray[np.float64]:
        """Phantoms on the approaches, half of them standing, so many that they are the share of the whole list that was asked for."""
        share = self._sight.false_share
        if share <= 0.0 or not len(self._watched):
            return np.zeros((0, 7))
        length_m = self._road.lanes.length_m
        for one in self._phantoms:
            one.left_s, one.s_m = one.left_s - 1, one.s_m + one.speed_mps
        self._phantoms = [one for one in self._phantoms if one.left_s > 0 and one.s_m < length_m[one.lane]]
        wanted = count * share / (1.0 - share)
        whole = int(wanted) + int(self._random.random() < wanted - int(wanted))
        while len(self._phantoms) < whole:
            self._phantoms.append(self._phantom())
        rows = [[one.identity, CAR, one.lane, one.s_m, one.speed_mps, 0.0, 0.0] for one in self._phantoms[:whole]]
        return np.array(rows, float).reshape(-1, 7)

    def _phantom(self) -> _Phantom:
        seen_m = np.minimum(self._road.lanes.length_m[self._watched], self._range_m)
        lane = int(self._random.choice(self._watched, p=seen_m / seen_m.sum()))
        length_m = float(self._road.lanes.length_m[lane])
        s_m = length_m - self._random.random() * min(length_m, self._range_m)
        speed_mps = float(self._road.lanes.speed_limit_mps[lane]) * float(self._random.random() < 0.5)
        self._told += 1
        life_s = 1 + int(self._random.exponential(FALSE_LIFE_S))
        return _Phantom(FIRST_FALSE + self._told, lane, s_m, speed_mps, life_s)
