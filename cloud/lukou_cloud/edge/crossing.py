"""How likely it is that two vehicles whose ways cross, and whose times fit, do touch: odds fitted to what became of such pairs.

Most drivers avoid it, and how they drive two seconds before tells little about who will: on 24 vehicle-hours of simulated dangerous
traffic the braking that is needed and the right of way that both would keep told collisions from the rest hardly better than chance.
What does: how sure both ways are, whether one of them braked in an emergency just now (whoever meets a driver who does not keep the rules
does), whether one runs a red light, whether the one who should wait stands, and whether neither can stop any more. The odds below are those of a logistic regression (D. Hosmer,
S. Lemeshow, "Applied Logistic Regression", 2000, ch. 1) of collisions within five seconds; each set of seeds predicted the other one.
"""

from __future__ import annotations

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.road_users import SPEED, Booleans, Floats, Ints
from lukou_cloud.edge.yielding import Ground, ease, right_of_way
from lukou_maps.road_model import RightOfWay

CERTAIN_ODDS = 0.17
"""Odds where both ways are certain and nothing else is known."""

PATH_POWER = 1.35
"""Power of the probability that both take the ways that meet."""

EMERGENCY_FACTOR = 3.3
"""Factor where one of both braked in an emergency just now."""

SEALED_FACTOR = 2.7
"""Factor where neither of both can stop any more."""

RED_FACTOR = 2.1
"""Factor where one of both runs a red light."""

STANDING_FACTOR = 0.3
"""Factor where the one who should wait stands."""

UNTOLD_FACTOR = 0.25
"""Factor where the map tells nobody to give way: their lanes only come near each other."""

APART_FACTOR = 0.7
"""Factor where they follow lanes without common ground: one of them cuts a corner, or will turn."""

STANDING_MPS = 0.5
"""Slower road users stand. [m/s]"""

_UNKNOWN, _NONE_YIELDS = int(RightOfWay.UNKNOWN), int(RightOfWay.NONE_YIELDS)
_A_YIELDS, _B_YIELDS = int(RightOfWay.A_YIELDS), int(RightOfWay.B_YIELDS)


@compiled
def crossing_probability(
    columns: Floats,
    h: Hypotheses,
    ground: Ground,
    first: Ints,
    second: Ints,
    sample: Ints,
    taken: Floats,
    braked: Booleans,
) -> Floats:
    """Share of each row in the probability that its pair of vehicles touches; the rows of a pair sum to that.

    Parameters
    ----------
    columns
        Of `RoadUsers`.
    h : Hypotheses
        Their hypotheses.
    ground : Ground
        Right of way.
    first, second, sample : (n,) int array
        Hypotheses that would meet, and the sample of time at which; the rows of two road users are neighbours.
    taken : (n,) float array
        Probability of both ways, and that they meet there.
    braked : (u,) bool array
        Road users that braked in an emergency just now.
    """
    odds = np.empty(len(first))
    begin = 0
    while begin < len(first):
        a, b, end = h.user[first[begin]], h.user[second[begin]], begin
        total, whole = 0.0, 0.0
        while end < len(first) and h.user[first[end]] == a and h.user[second[end]] == b:
            odds[end] = taken[end] * _odds(
                columns, h, ground, first[end], second[end], sample[end], braked[a] or braked[b]
            )
            total += taken[end]
            whole += odds[end]
            end += 1
        total = min(total, 1.0) ** (PATH_POWER - 1.0)  # all ways of a pair together decide
        odds[begin:end] *= total / (1.0 + whole * total)
        begin = end
    return odds


@compiled
def _odds(
    columns: Floats, h: Hypotheses, ground: Ground, first: int, second: int, sample: int, is_emergency: bool
) -> float:
    """Odds of a contact if both take these ways."""
    rule, shares_ground, _ = right_of_way(h, ground, first, second, sample)
    stands_a, stands_b = columns[SPEED, h.user[first]] < STANDING_MPS, columns[SPEED, h.user[second]] < STANDING_MPS
    odds = CERTAIN_ODDS
    if (rule == _A_YIELDS and stands_a) or (rule == _B_YIELDS and stands_b):
        odds *= STANDING_FACTOR
    if is_emergency:
        odds *= EMERGENCY_FACTOR
    sealed = (1.0 - ease(columns, h, ground, first, sample)) * (1.0 - ease(columns, h, ground, second, sample))
    odds *= SEALED_FACTOR**sealed
    if h.is_running_red[first] or h.is_running_red[second]:
        odds *= RED_FACTOR
    if rule in (_UNKNOWN, _NONE_YIELDS):
        odds *= UNTOLD_FACTOR if shares_ground else APART_FACTOR
    return float(odds)
