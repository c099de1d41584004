"""How far everyone gets: one speed profile per hypothesis, all at once.

The observed acceleration fades, and a driver's usual behaviour takes its place: towards the speed that limits and bends allow,
down to a stop at a line, and never into the one ahead (safe speed of P. Gipps, "A behavioural car-following model for
computer simulation", 1981, eq. 2).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.road_users import Floats, Ints
from lukou_cloud.edge.settings import PredictionSettings
from lukou_maps.paths import SPACING_M

STEPS_S = (0.25, 0.25, 0.5, *(1.0 for _ in range(9)))
"""Steps of the integration: fine where it matters first. [s]"""

SLOW_MPS = 0.5
"""Below this speed a road user stands. [m/s]"""

STANDING_GAP_M = 1.0
"""Gap that is kept to a standing leader. [m]"""

HARDEST_MPS2 = 6.0
"""Nobody is expected to brake harder. [m/s^2]"""

HARD_MPS2 = -3.0
"""Harder braking than this goes on until standstill; softer braking fades like all else. [m/s^2]"""

HEADWAY_S = 0.8
"""Reaction time in the safe speed behind a leader. [s]"""

STARTING_S = 0.7
"""Time from green to the first driver's start (Highway Capacity Manual: start-up lost time of 2 s over the first vehicles). [s]"""

PULLING_AWAY_MPS2 = 2.0
"""Acceleration of drivers who have begun to pull away, until they reach the usual speed. [m/s^2]"""

PULLS_AWAY_MPS2 = 0.8
"""Who accelerates at least so much is pulling away. [m/s^2]"""


class Following(NamedTuple):
    """Who follows whom: row of the leader's most probable hypothesis (-1: none), and the free distance. [m]"""

    row: Ints
    gap_m: Floats


class KeptSpeed(NamedTuple):
    """Speeds that the road allows ahead of each hypothesis.

    Attributes
    ----------
    begin : (h,) float array
        Place now in the table, in samples of `SPACING_M`.
    last : (h,) int array
        Last sample of its path.
    limit_mps : (s,) float array
        The table. [m/s]
    """

    begin: Floats
    last: Ints
    limit_mps: Floats


class Steps(NamedTuple):
    """Steps of the integration, made by `steps_until`.

    Attributes
    ----------
    length_s, middle_s : (n,) float array
        Length of each, and its middle. [s]
    seen_s, usual_s : (n,) float array
        Length that counts for the acceleration that is seen now, and for what is usual. [s]
    resampling : (n + 1, t) float array
        Linear interpolation from the ends of the steps to the samples of time.
    last_s : float
        Last sample. [s]
    braking_mps2 : float
        Braking with which everybody can still stop. [m/s^2]
    """

    length_s: Floats
    middle_s: Floats
    seen_s: Floats
    usual_s: Floats
    resampling: Floats
    last_s: float
    braking_mps2: float


def steps_until(times_s: Floats, settings: PredictionSettings) -> Steps:
    """Steps that reach the last of some evenly spaced samples of time.

    Parameters
    ----------
    times_s : (t,) float array
        Samples, from 0. [s]
    settings : PredictionSettings
        Braking, fading.
    """
    last_s = float(times_s[-1])
    count = int(np.searchsorted(np.cumsum(STEPS_S), last_s - 1e-9)) + 1
    length = np.array(STEPS_S[:count])
    middle = np.cumsum(length) - 0.5 * length
    fade = np.exp(-middle / settings.acceleration_fades_s)
    knots = np.concatenate([[0.0], np.cumsum(length)])
    resampling = np.stack([np.interp(times_s, knots, row) for row in np.eye(len(knots))])
    return Steps(length, middle, fade * length, (1.0 - fade) * length, resampling, last_s, settings.braking_mps2)


@compiled
def travelled(
    speed_mps: Floats,
    acceleration_mps2: Floats,
    stop_m: Floats,
    until_s: Floats,
    kept: KeptSpeed,
    following: Following,
    steps: Steps,
) -> Floats:
    """Distance from now at each sample of time.

    Parameters
    ----------
    speed_mps, acceleration_mps2 : (h,) float array
        Now. [m/s, m/s^2]
    stop_m : (h,) float array
        Distance to where the front stops; inf: nowhere. [m]
    until_s : (h,) float array
        When that stop is over: a light turns green; inf: not foreseen. [s]
    kept : KeptSpeed
        Speed that the road allows after some distances.
    following : Following
        Leaders.
    steps : Steps
        Of `steps_until`.

    Returns
    -------
    (h, t) float array
        Distances. [m]
    """
    ways = _integrated(speed_mps, acceleration_mps2, stop_m, until_s, kept, following, steps)
    made = np.zeros((len(speed_mps), steps.resampling.shape[1]))
    for k in range(made.shape[0]):
        for number in range(ways.shape[0]):
            for t in range(made.shape[1]):
                made[k, t] += ways[number, k] * steps.resampling[number, t]
    return made


@compiled
def _integrated(
    speed_mps: Floats,
    acceleration_mps2: Floats,
    stop_m: Floats,
    until_s: Floats,
    kept: KeptSpeed,
    following: Following,
    steps: Steps,
) -> Floats:
    """Way at the end of each step, (steps + 1, h): trapezoids; all take a step before the next, for they look at their leaders.

    Whoever follows, or stops before a line, has a speed v' after a step of length h from which stopping is still possible:
    v'^2 / 2b + v' tau + v' h / 2 = room less v h / 2. The room is what lies beyond the middle of the step that the speed v of now would reach.
    """  # fmt: skip
    begin, last, limit_mps = kept
    leader, gap_m = following
    count, number_of_steps = len(speed_mps), len(steps.length_s)
    last_s, braking_mps2 = steps.last_s, steps.braking_mps2
    ways = np.zeros((number_of_steps + 1, count))
    speed, seen, usual = speed_mps.copy(), np.empty(count), np.empty(count)
    half, ratio, limit, reach = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    releases = False
    for k in range(count):
        now = min(max(acceleration_mps2[k], -HARDEST_MPS2), 3.0)
        if speed[k] < SLOW_MPS and now < 0.5:
            now = 0.0
        seen[k] = now
        # whoever brakes hard has a reason that lasts
        usual[k] = now if now < HARD_MPS2 else PULLING_AWAY_MPS2 if now > PULLS_AWAY_MPS2 else 0.0
        limit[k] = limit_mps[min(int(begin[k]), last[k])]
        # who is faster than the limits stays faster in proportion
        ratio[k] = max(speed[k] / max(limit[k], 0.5), 1.0)
        half[k] = speed[k] * (0.5 * steps.length_s[0])  # where everyone would be in the middle of the step
        releases |= stop_m[k] < math.inf and until_s[k] < last_s
    for number in range(number_of_steps):
        step, middle, way, after = steps.length_s[number], steps.middle_s[number], ways[number], ways[number + 1]
        for k in range(count):  # where each would come to a stop
            reach[k] = (speed[k] * (0.5 / braking_mps2) + step) * speed[k] + way[k]
        for k in range(count):
            stops, new = stop_m[k] < math.inf, steps.seen_s[number] * seen[k] + steps.usual_s[number] * usual[k]
            if stops and until_s[k] < last_s and middle > until_s[k] + STARTING_S:
                new = PULLING_AWAY_MPS2 * step
            new = min(new + speed[k], limit[k] * ratio[k])
            stop = stop_m[k] if not releases or until_s[k] > middle else math.inf
            if leader[k] >= 0 or stops:
                room, headway = stop, 0.0
                if leader[k] >= 0:
                    headway = HEADWAY_S
                    room = min(room, reach[leader[k]] + max(gap_m[k] - STANDING_GAP_M, 0.0))
                linear = braking_mps2 * (0.5 * step + headway)
                square = linear * linear
                room = (room - half[k]) * (2.0 * braking_mps2) + square
                new = min(new, math.sqrt(max(room, square)) - linear)
            new = max(new, max(speed[k] - HARDEST_MPS2 * step, 0.0))
            after[k] = (speed[k] + new) * (0.5 * step) + way[k]
            speed[k] = new
        for k in range(
            count
        ):  # nobody drives through the one ahead, and whoever stops before a line at all does not stop beyond
            reach[k] = after[k]
        for k in range(count):
            stop = stop_m[k] if not releases or until_s[k] > middle else math.inf
            if leader[k] >= 0 or stop < math.inf:
                room = stop
                if leader[k] >= 0:
                    room = min(room, reach[leader[k]] + max(gap_m[k] - STANDING_GAP_M, 0.0))
                after[k] = min(after[k], max(room, way[k]))
        if number + 1 < number_of_steps:
            for k in range(count):
                half[k] = speed[k] * (0.5 * steps.length_s[number + 1]) + after[k]
                limit[k] = limit_mps[min(int(half[k] * (1.0 / SPACING_M) + begin[k]), last[k])]
    return ways
