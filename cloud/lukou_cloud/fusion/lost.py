"""One who was lost and one who has appeared: whether they can be the same, how long the way should have taken, how alike they drive."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.fusion.gates import Expected, Known, log_share, log_time, overdue
from lukou_cloud.fusion.tracks import Booleans, Floats

SLOW_PACE = 0.5
"""Who is slower than this over the limit is slow."""

HELD_SHARE, SLOW_HELD_SHARE = 0.03, 0.4
"""Share of those who had to wait; of those who are slow where they appear or were slow where they were lost, and may have waited on the way."""

CRUISING, USUAL_PACE = 0.7, 0.9
"""Who is slower on either side is not yet, or no longer, at the speed that he has on the way; what that usually is. (speed over the limit)"""

COMFORTABLE_MPS2 = 2.0
"""With so much drivers pick up speed and brake. [m/s^2]"""

FIRST = 0.65
"""Weight of the speed where somebody was lost beside that where he appears, which tells of the next queue, too."""

NEAR_M = 15.0
"""Nearer than this it is not where somebody went that tells his direction, but where he heads. [m]"""

BACKWARD = -0.3
"""Whoever would have had to go back this much has not come that way. (cosine of heading and way)"""

STEADY, UNSTEADY, ANYBODY, STEADY_SHARE = 0.035, 0.25, 0.125, 0.75
"""Standard deviation of the difference of a driver's paces here and there where he keeps his speed, where he does not, and of the paces of two drivers; share of the first."""

LENGTH_DEVIATION_M = 0.8
"""Standard deviation of the difference of two lengths of one vehicle. [m]"""

MOST_UNLIKE = 2.5
"""No difference of length or pace counts for more: units mistake lengths at times. (log-likelihood)"""

OTHER_CLASS = -1.5
"""Log-likelihood of a class that two units see differently."""

PICKING_UP, PICKING_UP_MPS = 1.3, 0.7
"""Who is faster now than his mean goes on picking up speed; by how much beside that difference, and what difference is told by chance. [1, m/s]"""


@dataclass(frozen=True, slots=True)
class Lost:
    """Who was last seen where.

    Attributes
    ----------
    at_ns : int
        Instant.
    lane : int
        Road lane.
    ahead_s : float
        Time from the start of that lane at its limit; negative where the lane is still ahead. [s]
    pace : float
        Speed over the limit there.
    x_m, y_m, ux, uy : float
        Position and unit vector of the motion. [m, 1]
    length_m : float
        Length. [m]
    object_class : int
        `lukou.v1.ObjectClass`.
    """

    at_ns: int
    lane: int
    ahead_s: float
    pace: float
    x_m: float
    y_m: float
    ux: float
    uy: float
    length_m: float
    object_class: int


@dataclass(slots=True)
class Birth:
    """Who has just appeared.

    Attributes
    ----------
    name : int
        Identity for now.
    found : Lost
        Where, when and how he appeared; his pace is that of the last look.
    judged_ns : int
        Instant of that look.
    ways : dict of int to (float, float)
        Who may have come: time of the way at the limits, and changes of lane on it. [s, 1]
    likely : dict of int to (float, float, Expected)
        Who it may be: log-likelihood, time since the loss and what was expected. [1/s, s, s]
    """

    name: int
    found: Lost
    judged_ns: int
    ways: dict[int, tuple[float, float]] = field(default_factory=dict)
    likely: dict[int, tuple[float, float, Expected]] = field(default_factory=dict)

    def state(self) -> list[Any]:
        """For a snapshot."""
        ways = [[number, *way] for number, way in self.ways.items()]
        likely = [[number, value, passed_s, *expected] for number, (value, passed_s, expected) in self.likely.items()]
        return [self.name, astuple(self.found), self.judged_ns, ways, likely]

    @classmethod
    def restored(cls, state: list[Any]) -> Birth:
        """From a snapshot."""
        name, found, judged_ns, ways, likely = state
        return cls(
            name,
            Lost(*found),
            judged_ns,
            {number: (way_s, changes) for number, way_s, changes in ways},
            {number: (value, passed_s, (time_s, apart_s)) for number, value, passed_s, time_s, apart_s in likely},
        )


def is_onward(one: Lost, found: Lost) -> bool:
    """Whether the way from one place to the other goes on, not back: nobody who left the map turns round behind its edge."""
    dx, dy = found.x_m - one.x_m, found.y_m - one.y_m
    away = math.hypot(dx, dy)
    if away < NEAR_M:
        return one.ux * found.ux + one.uy * found.uy > 0.0
    return min(one.ux * dx + one.uy * dy, found.ux * dx + found.uy * dy) > BACKWARD * away


def leaving_mps(mean_mps: float, told_mps: float) -> float:
    """Speed with which somebody goes on: the mean of his last second, and more if he was still picking up speed, as behind a light that has turned green. [m/s]"""
    faster_mps = max(told_mps - mean_mps, 0.0)
    return mean_mps + PICKING_UP * faster_mps**3 / (faster_mps**2 + PICKING_UP_MPS**2)


class Candidates(NamedTuple):
    """Of those lost whom one who has appeared may be, a row each.

    Attributes
    ----------
    passed_s, pace, length_m : (m,) float array
        Time since the loss, speed over the limit there, and length. [s, 1, m]
    is_other_class : (m,) bool array
        Whether they were seen as of another class.
    way_s, changes : (m,) float array
        Time of the way at the limits, and changes of lane on it. [s, 1]
    known : (9, m) float array
        `gates.Known` of the way.
    """

    passed_s: Floats
    pace: Floats
    length_m: Floats
    is_other_class: Booleans
    way_s: Floats
    changes: Floats
    known: Floats


@compiled
def likelihoods(ones: Candidates, pace: float, length_m: float, limit_mps: float) -> Floats:
    """How likely each is the one who has appeared.

    Parameters
    ----------
    ones : Candidates
        Those lost.
    pace, length_m, limit_mps : float
        Of the one who has appeared: speed over the limit, length, and that limit. [1, m, m/s]

    Returns
    -------
    (3, m) float array
        Log-likelihood, and `gates.Expected`. [1/s, s, s]
    """
    made = np.empty((3, len(ones.pace)))
    for k in range(len(ones.pace)):
        apart = abs(ones.pace[k] - pace)
        known = _known(ones.known[:, k])
        held = SLOW_HELD_SHARE if min(ones.pace[k], pace) < SLOW_PACE else HELD_SHARE
        expected, apart_s = expected_s(ones.way_s[k], ones.pace[k], pace, limit_mps), ones.way_s[k] * apart
        value = log_time(known, ones.passed_s[k], expected, apart_s, held)
        value += log_share(known, ones.way_s[k], ones.changes[k]) + max(same_driver(apart), -MOST_UNLIKE)
        longer = (length_m - ones.length_m[k]) / LENGTH_DEVIATION_M
        value -= min(0.5 * longer * longer, MOST_UNLIKE)
        made[0, k] = value + (OTHER_CLASS if ones.is_other_class[k] else 0.0)
        made[1, k], made[2, k] = expected, apart_s
    return made


@compiled
def overdues(known: Floats, passed_s: Floats, expected: Floats, held_share: float) -> Floats:
    """`gates.overdue` of many ways: (9, m) array of `gates.Known`, (m,) times passed, (2, m) array of `gates.Expected`."""
    made = np.empty(len(passed_s))
    for k in range(len(passed_s)):
        made[k] = overdue(_known(known[:, k]), passed_s[k], expected[0, k], expected[1, k], held_share)
    return made


@compiled
def _known(row: Floats) -> Known:
    return Known(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8])


@compiled
def same_driver(apart: float) -> float:
    """Logarithm of how much likelier it is for one driver than for two that paces are so far apart.

    Most drivers keep their speed over the limit within a few percent, and differ from each other by some ten percent; some have to brake or
    are only picking up speed.
    """
    steady = math.exp(-0.5 * (apart / STEADY) ** 2) / STEADY
    other = math.exp(-0.5 * (apart / UNSTEADY) ** 2) / UNSTEADY
    anybody = math.exp(-0.5 * (apart / ANYBODY) ** 2) / ANYBODY
    return math.log((STEADY_SHARE * steady + (1.0 - STEADY_SHARE) * other) / (0.5 * anybody + 0.5 * other))


@compiled
def expected_s(way_s: float, before: float, after: float, limit_mps: float) -> float:
    """Time of a way from the speeds over the limit on either side: who is slow there is picking up speed or braking, and is faster between. [s]"""
    total, cruise, slower = 0.0, 0.0, 0.0
    for pace, weight in ((before, FIRST), (after, 1.0 - FIRST)):
        if pace >= CRUISING:
            total += weight
            cruise += pace * weight
    cruise = min(cruise / total, 1.2) if total > 0.0 else USUAL_PACE
    for pace in (before, after):
        if pace < CRUISING:
            slower += (cruise - pace) ** 2
    return way_s / cruise + slower * limit_mps / (2.0 * COMFORTABLE_MPS2 * cruise)
