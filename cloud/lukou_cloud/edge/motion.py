"""How far everyone gets: one speed profile per hypothesis, all at once.

The observed acceleration fades, and a driver's usual behaviour takes its place: towards the speed that limits and bends allow,
down to a stop at a line, and never into the one ahead (safe speed of P. Gipps, "A behavioural car-following model for
computer simulation", 1981, eq. 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lukou_cloud.edge.road_users import Floats, Ints
from lukou_cloud.edge.settings import PredictionSettings

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


@dataclass(frozen=True, slots=True, eq=False)
class Following:
    """Who follows whom: row of the leader's most probable hypothesis (-1: none), and the free distance. [m]"""

    row: Ints
    gap_m: Floats


def travelled(
    speed_mps: Floats,
    acceleration_mps2: Floats,
    stop_m: Floats,
    until_s: Floats,
    kept_speed: Callable[[Floats], Floats],
    following: Following,
    times_s: Floats,
    settings: PredictionSettings,
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
    kept_speed : callable
        Speed that the road allows after some distances. [m/s]
    following : Following
        Leaders.
    times_s : (t,) float array
        Samples, from 0. [s]
    settings : PredictionSettings
        Braking, fading.

    Returns
    -------
    (h, t) float array
        Distances. [m]
    """
    steps, middles = _steps(float(times_s[-1]))
    way = np.zeros(len(speed_mps))
    ways, speed = [way], speed_mps.copy()
    changes = _changes(speed_mps, acceleration_mps2, steps, settings.acceleration_fades_s)
    stops = stop_m < np.inf
    released = (stops & (until_s < times_s[-1])).nonzero()[0]
    if len(released):
        started = middles[:, None] > until_s[released] + STARTING_S
        changes[:, released] = np.where(started, PULLING_AWAY_MPS2 * np.array(steps)[:, None], changes[:, released])
    # who is faster than the limits stays faster in proportion
    limit = kept_speed(way)
    ratio = np.maximum(speed / np.maximum(limit, 0.5), 1.0)
    led = following.row >= 0
    leader, gap = following.row, np.where(led, np.maximum(following.gap_m - STANDING_GAP_M, 0.0), np.inf)
    bounded = bool(led.any()) or bool(stops.any())
    brake, headway = settings.braking_mps2, np.asarray(led * HEADWAY_S, np.float64)
    pulls = _pulls(brake, steps, headway) if bounded else ()
    half, stop = speed * (0.5 * steps[0]), stop_m  # where everyone would be in the middle of the step
    for k, step in enumerate(steps):
        new = changes[k]
        new += speed
        limit *= ratio
        np.minimum(new, limit, out=new)
        if bounded:
            if len(released):
                stop = np.where(until_s > middles[k], stop_m, np.inf)
            reach = speed * (0.5 / brake)  # where the one ahead would come to a stop
            reach += step
            reach *= speed
            reach += way
            reach = reach.take(leader)
            reach += gap
            np.minimum(reach, stop, out=reach)
            reach -= half
            np.minimum(new, _able_to_stop(reach, brake, *pulls[k]), out=new)
        least = speed - HARDEST_MPS2 * step
        np.maximum(least, 0.0, out=least)
        np.maximum(new, least, out=new)
        before = way
        speed += new
        speed *= 0.5 * step
        speed += way
        way, speed = speed, new
        if bounded:  # nobody drives through the one ahead, and whoever stops before a line at all does not stop beyond
            room = way.take(leader)
            room += gap
            np.minimum(room, stop, out=room)
            np.maximum(room, before, out=room)
            np.minimum(way, room, out=way)
        ways.append(way)
        if k + 1 < len(steps):
            half = speed * (0.5 * steps[k + 1])
            half += way
            limit = kept_speed(half)
    return np.asarray(np.array(ways).T @ _resampling(steps, len(times_s), float(times_s[-1])))


def _pulls(braking_mps2: float, steps: tuple[float, ...], headway_s: Floats) -> tuple[tuple[Floats, Floats], ...]:
    """What `_able_to_stop` takes of each step: the linear term of its equation, and its square."""
    lengths = tuple(dict.fromkeys(steps))
    linear = braking_mps2 * (0.5 * np.array(lengths)[:, None] + headway_s)
    found = dict(zip(lengths, zip(linear, linear * linear, strict=True), strict=True))
    return tuple(found[step] for step in steps)


def _able_to_stop(room_m: Floats, braking_mps2: float, linear: Floats, square: Floats) -> Floats:
    """Speed v' after a step of length h from which stopping is still possible: v'^2 / 2b + v' tau + v' h / 2 = room less v h / 2.

    The room, beyond the middle of the step that the speed v of now would reach, is overwritten.
    """
    room_m *= 2.0 * braking_mps2
    room_m += square
    np.maximum(room_m, square, out=room_m)
    np.sqrt(room_m, out=room_m)
    room_m -= linear
    return room_m


@lru_cache(maxsize=16)
def _steps(until_s: float) -> tuple[tuple[float, ...], Floats]:
    """Steps that reach an instant, and the middle of each."""
    count = int(np.searchsorted(np.cumsum(STEPS_S), until_s - 1e-9)) + 1
    steps = STEPS_S[:count]
    return steps, np.cumsum(steps) - 0.5 * np.array(steps)


def _changes(speed_mps: Floats, acceleration_mps2: Floats, steps: tuple[float, ...], fades_s: float) -> Floats:
    """Change of speed in each step that the driver's own will brings, (steps, h)."""
    seen = np.minimum(np.maximum(acceleration_mps2, -HARDEST_MPS2), 3.0)
    seen[(speed_mps < SLOW_MPS) & (seen < 0.5)] = 0.0
    usual = (seen > PULLS_AWAY_MPS2) * PULLING_AWAY_MPS2
    # whoever brakes hard has a reason that lasts
    np.copyto(usual, seen, where=seen < HARD_MPS2)
    fading, lasting = _shares(steps, fades_s)
    found = fading * seen
    found += lasting * usual
    return np.asarray(found)


@lru_cache(maxsize=16)
def _shares(steps: tuple[float, ...], fades_s: float) -> tuple[Floats, Floats]:
    """Length of each step that counts for what is seen now, and for what is usual, (steps, 1). [s]"""
    length = np.array(steps)[:, None]
    fade = np.exp(-(np.cumsum(length, axis=0) - 0.5 * length) / fades_s)
    return fade * length, (1.0 - fade) * length


@lru_cache(maxsize=16)
def _resampling(steps: tuple[float, ...], count: int, last_s: float) -> Floats:
    """Linear interpolation from the ends of steps to evenly spaced samples of time, (steps + 1, count)."""
    times_s = np.linspace(0.0, last_s, count)
    knots = np.concatenate([[0.0], np.cumsum(steps)])
    return np.stack([np.interp(times_s, knots, row) for row in np.eye(len(knots))])
