"""Who will give way: the probability that, of two road users who would meet, nobody avoids it in time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.road_users import ACCELERATION, SPEED, WIDTH, Booleans, Floats, Ints
from lukou_maps.paths import SPACING_M
from lukou_maps.road_model import RightOfWay

YIELDS_SHARE = 0.05
"""Share of drivers who must yield, still can with ease, and yet do not."""

CAREFUL_SHARE = 0.15
"""The same where nobody is told to yield and one of the two still can stop."""

APART_SHARE = 0.03
"""Share of road users who leave their lanes where those have no ground in common, and so run into each other."""

WALKER_SHARE = 0.2
"""Share of walkers and cyclists who step in front of a vehicle although they stand outside the roadway and could stop."""

BESIDE_SHARE = 0.2
"""Share of road users side by side that swerve into each other."""

WALKER_REACTION_S = 0.2
"""Time in which a walker or cyclist who knows of the roadway ahead stops walking on. [s]"""

WALKER_BRAKING_MPS2 = 2.5
"""Braking of walkers and cyclists. [m/s^2]"""

KERB_M = 1.0
"""Cyclists this far beside the roadway stay beside it, however long their braking way. [m]"""

WAITING_MPS = 0.3
EDGE_M = 0.5
"""Walkers slower than the first, at most the second inside the roadway, wait. [m/s, m]"""

LATE_MPS2 = 1.0
"""Who does not brake yet although it is needed counts as if this much more were needed. [m/s^2]"""

STANDING_M = 0.5
"""A vehicle that moves less than this until they meet stands. [m]"""


_UNKNOWN, _BOTH_YIELD = int(RightOfWay.UNKNOWN), int(RightOfWay.BOTH_YIELD)
_A_YIELDS, _B_YIELDS = int(RightOfWay.A_YIELDS), int(RightOfWay.B_YIELDS)


class Ground(NamedTuple):
    """What the map tells of lanes that share ground, and what is usual of drivers.

    Attributes
    ----------
    start, last, lane_of_sample : int array
        Samples of the paths, and the lane of each.
    keys, rules : (a,) int array
        Pairs of lanes with ground in common as ``lower * lanes + higher``, sorted, and `RightOfWay` of each.
    lanes : int
        Lanes of the map.
    reaction_s, braking_mps2 : float
        Of drivers. [s, m/s^2]
    """

    start: Ints
    last: Ints
    lane_of_sample: Ints
    keys: Ints
    rules: Ints
    lanes: int
    reaction_s: float
    braking_mps2: float


@compiled
def nobody_yields(
    columns: Floats,
    is_vulnerable: Booleans,
    beyond_m: Floats,
    h: Hypotheses,
    ground: Ground,
    first: Ints,
    second: Ints,
    sample: Ints,
    same_way: Booleans,
) -> Floats:
    """Probability that those who could still give way do not.

    Parameters
    ----------
    columns, is_vulnerable
        Of `RoadUsers`.
    beyond_m : (u,) float array
        How far walkers and cyclists are outside the lanes of vehicles. [m]
    h : Hypotheses
        Their hypotheses.
    ground : Ground
        Right of way.
    first, second : (n,) int array
        Hypotheses that would meet.
    sample : (n,) int array
        Sample of time at which.
    same_way : (n,) bool array
        Whether they then go the same way.
    """
    made = np.ones(len(first))
    for k in range(len(first)):
        a, b, at = first[k], second[k], sample[k]
        ease_a = 0.0 if h.ignores[a] else ease(columns, h, ground, a, at)
        ease_b = 0.0 if h.ignores[b] else ease(columns, h, ground, b, at)
        rule, shares_ground, joins = right_of_way(h, ground, a, b, at)
        a_yields, b_yields = rule in (_A_YIELDS, _BOTH_YIELD), rule in (_B_YIELDS, _BOTH_YIELD)
        share = 1.0 - (1.0 - YIELDS_SHARE) * max(ease_a if a_yields else 0.0, ease_b if b_yields else 0.0)
        vulnerable = is_vulnerable[h.user[a]] or is_vulnerable[h.user[b]]
        if not vulnerable:
            if not (a_yields or b_yields or h.ignores[a] or h.ignores[b]):
                share *= 1.0 - (1.0 - CAREFUL_SHARE) * max(ease_a, ease_b)
            if not shares_ground:
                share *= APART_SHARE
        if (
            h.is_running_red[a] or h.is_running_red[b]
        ):  # who runs a light neither has right of way nor expects to need it
            share = 1.0
        if vulnerable:
            walker, other = (a, b) if is_vulnerable[h.user[a]] else (b, a)
            share = min(share, _walker_avoids(columns, is_vulnerable, beyond_m, h, walker, other, at))
        if same_way[k]:
            # side by side on ways that do not join: they stay beside each other
            if not joins and _is_beside(columns, h, a, b):
                share *= BESIDE_SHARE
            # one behind the other: the one behind brakes as long as it can
            share = min(share, 1.0 - (1.0 - YIELDS_SHARE) * (ease_a if _is_behind(h, a, b) else ease_b))
        made[k] = share
    return made


@compiled
def ease(columns: Floats, h: Hypotheses, ground: Ground, row: int, sample: int) -> float:
    """Probability that a driver who means to, stops before the place of contact; 1 where it is easy."""
    speed, acceleration = columns[SPEED, h.user[row]], columns[ACCELERATION, h.user[row]]
    needed = speed * speed / (2.0 * max(h.travelled_m[row, sample] - speed * ground.reaction_s, 0.1))
    late = LATE_MPS2 if acceleration > -0.3 * needed else 0.0
    able = min(max((ground.braking_mps2 + 0.75 - needed - late) / 1.5, 0.0), 1.0)
    brakes = acceleration < -0.6 * needed and needed < 1.6 * ground.braking_mps2
    return float(max(able, 0.9) if brakes else able)


@compiled
def _walker_avoids(
    columns: Floats, is_vulnerable: Booleans, beyond_m: Floats, h: Hypotheses, walker: int, other: int, sample: int
) -> float:
    """Probability that a walker or cyclist does not see to it that nothing happens.

    Nobody walks into what stands; who waits at the edge of the roadway goes on waiting; and who is not on the roadway yet, and can still stop, does not step out.
    """
    who = h.user[walker]
    if not is_vulnerable[who] or is_vulnerable[h.user[other]]:
        return 1.0
    speed = columns[SPEED, who]
    if h.travelled_m[other, sample] < STANDING_M or (speed < WAITING_MPS and beyond_m[who] > -EDGE_M):
        return YIELDS_SHARE
    way = speed * WALKER_REACTION_S + speed * speed / (2.0 * WALKER_BRAKING_MPS2)
    outside = min(way, KERB_M) < beyond_m[who]
    return WALKER_SHARE if outside and way < h.travelled_m[walker, sample] else 1.0


@compiled
def _is_behind(h: Hypotheses, first: int, second: int) -> bool:
    """Whether the first is behind the second now, seen in its own direction."""
    x, y, cos, sin = h.poses
    return bool((x[second, 0] - x[first, 0]) * cos[first, 0] + (y[second, 0] - y[first, 0]) * sin[first, 0] > 0.0)


@compiled
def _is_beside(columns: Floats, h: Hypotheses, first: int, second: int) -> bool:
    """Whether two road users are next to each other now: the lateral gap is open, seen in the direction of the first."""
    x, y, cos, sin = h.poses
    aside = (y[second, 0] - y[first, 0]) * cos[first, 0] - (x[second, 0] - x[first, 0]) * sin[first, 0]
    return bool(abs(aside) > 0.5 * (columns[WIDTH, h.user[first]] + columns[WIDTH, h.user[second]]))


@compiled
def _lane_at(h: Hypotheses, ground: Ground, row: int, sample: int) -> int:
    """Lane that a hypothesis on a path is on at a sample of time, to half a sample of the path."""
    path, s_m = h.path[row], h.s_m[row] + h.travelled_m[row, sample]
    number = min(max(int(s_m * (1.0 / SPACING_M) + 0.49999), 0), ground.last[path])
    return int(ground.lane_of_sample[ground.start[path] + number])


@compiled
def right_of_way(h: Hypotheses, ground: Ground, first: int, second: int, sample: int) -> tuple[int, bool, bool]:
    """Who gives way where two hypotheses meet.

    Returns
    -------
    rule : int
        `RightOfWay` seen from `first` as a; UNKNOWN where the map tells none.
    shares_ground : bool
        False where both follow lanes that have no ground in common.
    joins : bool
        Whether both are on one lane there.
    """
    if h.path[first] < 0 or h.path[second] < 0:
        return _UNKNOWN, True, False
    a, b = _lane_at(h, ground, first, sample), _lane_at(h, ground, second, sample)
    if len(ground.keys) == 0:
        return _UNKNOWN, True, a == b
    wanted = min(a, b) * ground.lanes + max(a, b)
    place = min(int(np.searchsorted(ground.keys, wanted)), len(ground.keys) - 1)
    if ground.keys[place] != wanted:
        return _UNKNOWN, a == b, a == b
    rule = ground.rules[place]
    if a > b and rule in (_A_YIELDS, _B_YIELDS):
        rule = _B_YIELDS if rule == _A_YIELDS else _A_YIELDS
    return rule, True, a == b
