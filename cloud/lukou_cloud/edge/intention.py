"""Who means to wait, and who goes on: the prior share of those who do not give way, updated by how each one drives.

Whoever means to stop before a place must brake the harder the nearer it is; the difference between the braking that is
needed and what is seen tells intentions apart (G. Aoude, V. Desaraju, L. Stephens, J. How, "Driver behavior classification at intersections and
validation on large naturalistic data set", 2012, sec. III: required deceleration as feature).
"""

from __future__ import annotations

import numpy as np

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


def share_that_goes(speed_mps: Floats, acceleration_mps2: Floats, place_m: Floats, is_beyond: Booleans) -> Floats:
    """Probability that somebody who should wait goes on.

    Parameters
    ----------
    speed_mps, acceleration_mps2 : (n,) float array
        Motion now. [m/s, m/s^2]
    place_m : (n,) float array
        Distance of the front from where to stop. [m]
    is_beyond : (n,) bool array
        Has left the usual place to wait behind.
    """
    needed = speed_mps**2 / (2.0 * np.maximum(place_m, 0.3))
    lacking = np.maximum(needed - EASY_MPS2, 0.0)
    brakes = acceleration_mps2 < np.minimum(-0.6 * needed, HESITATING_MPS2)
    odds = IGNORING_SHARE / (1.0 - IGNORING_SHARE) * np.where(brakes, BRAKING_ODDS, np.exp(PER_MPS2 * lacking))
    odds = np.where(is_beyond & (acceleration_mps2 > HESITATING_MPS2), BEYOND_ODDS * odds, odds)
    return np.asarray(odds / (1.0 + odds))


def with_those_who_go(
    waits: Booleans, speed_mps: Floats, acceleration_mps2: Floats, goes_on: Floats
) -> tuple[Ints, Floats, Booleans]:
    """Beside everybody who moves and is expected to wait, one who does not: rows, share of the intention, who goes on."""
    count = len(waits)
    twins = np.flatnonzero(waits & ((speed_mps > GOING_MPS) | (acceleration_mps2 > PULLING_MPS2)))
    rows = np.sort(np.concatenate([np.arange(count), twins])) if len(twins) else np.arange(count)
    goes = np.zeros(len(rows), np.bool_)
    goes[1:] = rows[1:] == rows[:-1]
    intention = np.where(goes, goes_on[rows], 1.0)
    intention[:-1][goes[1:]] = 1.0 - goes_on[rows[1:][goes[1:]]]
    return rows, intention, goes


def can_stop(
    speed_mps: Floats, acceleration_mps2: Floats, distance_m: Floats, reaction_s: float, braking_mps2: float
) -> Booleans:
    """Whether a driver still can, and as it looks will, stop within a distance.

    Stopping is possible where reaction way and braking way fit. Who is beyond that but brakes nearly as hard as is needed
    is believed.

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
    brakes = (acceleration_mps2 < -BRAKES_SHARE * needed) & (needed < 1.6 * braking_mps2)
    return np.asarray((way <= distance_m) | brakes)
