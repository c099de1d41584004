"""Who means to wait, and who goes on: the prior share of those who do not give way, updated by how each one drives.

Whoever means to stop before a place must brake the harder the nearer it is; the difference between the braking that is
needed and what is seen tells intentions apart (G. Aoude, V. Desaraju, L. Stephens, J. How, "Driver behavior classification at intersections and
validation on large naturalistic data set", 2012, sec. III: required deceleration as feature).
"""

from __future__ import annotations

import math

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.road_users import Booleans, Floats, Ints

IGNORING_SHARE = 0.2
"""Share of those who should wait, and could, and yet do not."""

GOING_MPS = 1.5
PULLING_MPS2 = 1.0
"""Who is slower than the first, and does not pull away with the second, is waiting already. [m/s, m/s^2]"""

EASY_MPS2 = 1.5
"""As long as no harder braking is needed, both may roll on. [m/s^2]"""

PER_MPS2 = 1.0
"""By so much the logarithm of the odds of going rises per m/s^2 of needed braking beyond that, while there is none. [s^2/m]"""

BRAKING_ODDS = 0.3
"""Odds of going of those who brake as they should, to those of others."""

BEYOND_ODDS = 6.0
"""Odds of those who have left the place to wait behind and do not hesitate."""

HESITATING_MPS2 = -0.5
"""Who brakes harder than this hesitates. [m/s^2]"""

BRAKES_SHARE = 0.8
"""Who brakes with less than this share of what is needed does not stop before the line."""


@compiled
def share_that_goes(speed_mps: float, acceleration_mps2: float, place_m: float, is_beyond: bool) -> float:
    """Probability that somebody who should wait goes on.

    Parameters
    ----------
    speed_mps, acceleration_mps2 : float
        Motion now. [m/s, m/s^2]
    place_m : float
        Distance of the front from where to stop. [m]
    is_beyond : bool
        Has left the usual place to wait behind.
    """
    needed = speed_mps * speed_mps / (2.0 * max(place_m, 0.3))
    brakes = acceleration_mps2 < min(-0.6 * needed, HESITATING_MPS2)
    factor = BRAKING_ODDS if brakes else math.exp(PER_MPS2 * max(needed - EASY_MPS2, 0.0))
    odds = IGNORING_SHARE / (1.0 - IGNORING_SHARE) * factor
    if is_beyond and acceleration_mps2 > HESITATING_MPS2:
        odds *= BEYOND_ODDS
    return odds / (1.0 + odds)


@compiled
def with_those_who_go(
    waits: Booleans, speed_mps: Floats, acceleration_mps2: Floats, place_m: Floats, is_beyond: Booleans
) -> tuple[Ints, Floats, Booleans]:
    """Beside everybody who moves and is expected to wait, one who does not: rows, share of the intention, who goes on; arguments as in `share_that_goes`."""
    count = len(waits)
    rows, intention, goes = np.empty(2 * count, np.int64), np.empty(2 * count), np.zeros(2 * count, np.bool_)
    found = 0
    for k in range(count):
        rows[found], intention[found] = k, 1.0
        if waits[k] and (speed_mps[k] > GOING_MPS or acceleration_mps2[k] > PULLING_MPS2):
            share = share_that_goes(speed_mps[k], acceleration_mps2[k], place_m[k], is_beyond[k])
            intention[found] = 1.0 - share
            found += 1
            rows[found], intention[found], goes[found] = k, share, True
        found += 1
    return rows[:found].copy(), intention[:found].copy(), goes[:found].copy()


@compiled
def can_stop(
    speed_mps: float, acceleration_mps2: float, distance_m: float, reaction_s: float, braking_mps2: float
) -> bool:
    """Whether a driver still can, and as it looks will, stop within a distance.

    Stopping is possible where reaction way and braking way fit; who accelerates does so until braking begins. Who is beyond that but
    brakes nearly as hard as is needed is believed.

    Parameters
    ----------
    speed_mps, acceleration_mps2 : float
        Speed and acceleration along the path. [m/s, m/s^2]
    distance_m : float
        Distance from the front. [m]
    reaction_s : float
        Time before braking begins. [s]
    braking_mps2 : float
        Hardest braking to be expected. [m/s^2]
    """
    then = speed_mps + max(acceleration_mps2, 0.0) * reaction_s
    way = 0.5 * (speed_mps + then) * reaction_s + then * then / (2.0 * braking_mps2)
    needed = speed_mps * speed_mps / (2.0 * max(distance_m, 0.1))
    return way <= distance_m or (acceleration_mps2 < -BRAKES_SHARE * needed and needed < 1.5 * braking_mps2)
