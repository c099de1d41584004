"""How likely it is that two vehicles whose ways cross, and whose times fit, do touch: odds fitted to what became of such pairs.

Most drivers avoid it, and how they drive two seconds before tells little about who will: on 24 vehicle-hours of simulated dangerous
traffic the braking that is needed and the right of way that both would keep told collisions from the rest hardly better than chance.
What does: how sure both ways are, whether one of them braked in an emergency just now (whoever meets a driver who does not keep the rules
does), whether one runs a red light, whether the one who should wait stands, and whether neither can stop any more. The odds below are those of a logistic regression (D. Hosmer,
S. Lemeshow, "Applied Logistic Regression", 2000, ch. 1) of collisions within five seconds; each set of seeds predicted the other one.
"""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import Booleans, Floats, Ints, RoadUsers
from lukou_cloud.edge.yielding import eases, right_of_way
from lukou_maps.ragged import numbered
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


def crossing_probability(
    users: RoadUsers,
    h: Hypotheses,
    predictor: Predictor,
    first: Ints,
    second: Ints,
    sample: Ints,
    taken: Floats,
    braked: Booleans,
) -> Floats:
    """Share of each row in the probability that its pair of vehicles touches; the rows of a pair sum to that.

    Parameters
    ----------
    users : RoadUsers
        Road users now.
    h : Hypotheses
        Their hypotheses.
    predictor : Predictor
        Gives lanes and right of way.
    first, second, sample : (n,) int array
        Hypotheses that would meet, and the sample of time at which.
    taken : (n,) float array
        Probability of both ways, and that they meet there.
    braked : (u,) bool array
        Road users that braked in an emergency just now.
    """
    if len(first) == 0:
        return np.zeros(0)
    a, b = h.user.take(first), h.user.take(second)
    rule, shares_ground = right_of_way(h, predictor, first, second, sample)
    stands = users.speed_mps < STANDING_MPS
    waits = ((rule == _A_YIELDS) & stands.take(a)) | ((rule == _B_YIELDS) & stands.take(b))
    odds = np.where(waits, CERTAIN_ODDS * STANDING_FACTOR, CERTAIN_ODDS)
    odds[braked.take(a) | braked.take(b)] *= EMERGENCY_FACTOR
    both = eases(users, h, predictor, np.concatenate([first, second]), np.concatenate([sample, sample]))
    odds *= SEALED_FACTOR ** ((1.0 - both[: len(first)]) * (1.0 - both[len(first) :]))
    odds[h.is_running_red.take(first) | h.is_running_red.take(second)] *= RED_FACTOR
    untold = (rule == _UNKNOWN) | (rule == _NONE_YIELDS)
    odds[untold] *= np.where(shares_ground[untold], UNTOLD_FACTOR, APART_FACTOR)
    odds *= taken
    # all ways of a pair together decide
    _, pair = numbered(a * len(users) + b)
    total = np.minimum(np.bincount(pair, weights=taken), 1.0) ** (PATH_POWER - 1.0)
    whole = np.bincount(pair, weights=odds) * total
    return np.asarray(odds * (total / (1.0 + whole))[pair])
