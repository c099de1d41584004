"""What lies ahead of each hypothesis: the line with signals, whether who takes that path has to stop, can and will, and how likely that makes the path."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.intention import can_stop, with_those_who_go
from lukou_cloud.edge.lane_loops import Paths
from lukou_cloud.edge.lights import Light, stops
from lukou_cloud.edge.road_users import (
    ACCELERATION,
    LENGTH,
    SPEED,
    SPEED_DEVIATION,
    Booleans,
    Floats,
    Ints,
    least_speed,
)
from lukou_cloud.edge.ways import NONE, PASSED_M, PathRows, allowed_at
from lukou_maps.paths import SPACING_M

ASTRAY_SHARE = 0.4
"""Motor vehicles that seem to be on no lane, or to go across theirs, and do go straight on: mostly they are misjudged."""

NOTICED_MPS2 = 2.0
NOTICED_SHARE = 0.6
"""Who would have to brake harder than the first for the one ahead, and brakes with less than this share of it, most likely slows down for another
path. [m/s^2, 1]"""

RED_DOUBTS = 8.0
"""Standard deviations of speed that are doubted before a red light: between those who brake late and those who do not brake lies little."""

RED_REACTION_S = 0.2
"""Who approaches a red light brakes no sooner than this after now; who accelerates does so until then. [s]"""

ROLLING_MPS = 5.0
"""Nobody who may turn on red crosses the stop line faster; the law says stop first. [m/s]"""

FRESH_SHARE = 0.5
OLD_SHARE = 0.05
FRESH_S = 8.0
"""How much rarer it is that somebody who cannot stop any more runs a light than that another path is meant that needs no running: as the red begins, and when it
has long been shown, falling exponentially with the third: most who run a light do so in the first seconds of red (J. Bonneson, K. Zimmerman,
H. Brewer, "Engineering countermeasures to reduce red-light-running", 2002). [1, 1, s]"""

TURNING_MPS = 12.0
"""Slower ones may still turn where the lane's turn need not wait: the first share was measured on faster ones, of them the second holds at any age. [m/s]"""

FAST_FACTOR = 3.0
FAST_SHARE = 1.1
"""By so much it is less rare of those who are faster than limits and bends allow by the second: who runs lights has more convictions for speeding (R. Retting, A. Williams,
"Characteristics of red light violators", 1996). [1, 1]"""

BLOCKED_SHARE = 0.05
"""How much rarer a path is behind somebody for whom nobody brakes."""

_RED, _YELLOW, _GREEN = int(Light.RED), int(Light.YELLOW), int(Light.GREEN)


class Ahead(NamedTuple):
    """What lies ahead, a row per hypothesis.

    Attributes
    ----------
    connection : (h,) int array
        Line of `Lights` next ahead, -1: none.
    line_m : (h,) float array
        Its distance from the front; inf: none. [m]
    runs : (h,) bool array
        Will pass it against red.
    held : (h,) bool array
        Will stop before it.
    until_s : (h,) float array
        Until when; inf: not foreseen. [s]
    weight : (h,) float array
        Probability of the path.
    front_m, rear_m : (h,) float array
        Arc lengths of front and rear on the path. [m]
    speed_mps, acceleration_mps2 : (h,) float array
        Of its road user. [m/s, m/s^2]
    """

    connection: Ints
    line_m: Floats
    runs: Booleans
    held: Booleans
    until_s: Floats
    weight: Floats
    front_m: Floats
    rear_m: Floats
    speed_mps: Floats
    acceleration_mps2: Floats


class Shown(NamedTuple):
    """Lights as loops take them.

    Attributes
    ----------
    light, ends_in_s, for_s : (l,) array
        Of `Lights`.
    may_turn_on_red : (l,) bool array
        Lines that may be passed on red.
    connections : int
        How many lines are those of connections; the others are ends of waiting areas.
    """

    light: Ints
    ends_in_s: Floats
    for_s: Floats
    may_turn_on_red: Booleans
    connections: int


@compiled
def ahead_of(
    columns: Floats,
    is_vulnerable: Booleans,
    paths: Paths,
    rows: PathRows,
    shown: Shown,
    braking_mps2: float,
    red_braking_mps2: float,
) -> Ahead:
    """What lies ahead of some hypotheses.

    Parameters
    ----------
    columns, is_vulnerable
        Of `RoadUsers`.
    paths : Paths
        Paths that they may take, with leaders.
    rows : PathRows
        All paths.
    shown : Shown
        Signals.
    braking_mps2, red_braking_mps2 : float
        Hardest braking to be expected, in general and before a red light. [m/s^2]
    """  # fmt: skip
    user, path, s_m, weight, leader, gap_m = paths
    light, ends_in_s, for_s, may_turn_on_red, connections = shown
    count = len(user)
    connection, line_m, until_s = np.full(count, NONE), np.full(count, np.inf), np.full(count, np.inf)
    runs, held = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    front_m, rear_m, speed_mps, acceleration_mps2 = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    likely, total = np.empty(count), np.zeros(columns.shape[1])
    for k in range(count):
        who = user[k]
        half, speed, acceleration = 0.5 * columns[LENGTH, who], columns[SPEED, who], columns[ACCELERATION, who]
        front_m[k], rear_m[k], speed_mps[k], acceleration_mps2[k] = s_m[k] + half, s_m[k] - half, speed, acceleration
        line, way = NONE, np.inf
        if path[k] >= 0:
            begin, end = rows.start[path[k]], rows.last[path[k]]
            line, way = next_ahead(begin, end, rows.next_line, rows.next_line_m, front_m[k])
            if line >= 0 and light[line] == _GREEN:  # where it may be passed into a waiting area, the end of that rules
                beyond = way + 2.0 * PASSED_M
                inner, inner_m = next_ahead(begin, end, rows.next_line, rows.next_line_m, front_m[k] + beyond)
                if inner >= connections:
                    line, way = inner, inner_m + beyond
        connection[k], line_m[k] = line, way
        one = weight[k] * _likely_behind(columns, leader[k], gap_m[k], speed, acceleration)
        if line >= 0:
            must, from_s, until_s[k] = stops(light[line], ends_in_s[line], way / max(speed, 0.5))
            left = way - speed * from_s
            can = left > -PASSED_M and can_stop(
                least_speed(speed, columns[SPEED_DEVIATION, who], RED_DOUBTS), acceleration, left, RED_REACTION_S, red_braking_mps2
            )  # fmt: skip
            now, must = from_s == 0.0, must and not may_turn_on_red[line]
            passes = must and not can and now and speed > 1.5
            runs[k] = passes and _against_red(light[line], ends_in_s[line], way, speed, acceleration)
            held[k] = must and (can or now) and not passes
            if runs[k]:
                one *= _share_that_runs(
                    light[line], for_s[line], speed, speed > FAST_SHARE * allowed_at(rows, path[k], s_m[k])
                )
            if may_turn_on_red[line] and light[line] == _RED:  # who turns on red rolls over the line slowly
                slow = math.sqrt(ROLLING_MPS * ROLLING_MPS + 2.0 * braking_mps2 * min(max(way, 0.0), 100.0))
                one *= max(math.exp(-2.0 * max(speed - slow, 0.0)), 0.005)
        likely[k] = one
        total[who] += one
    for k in range(count):
        likely[k] /= total[user[k]]
        if path[k] < 0 and not is_vulnerable[user[k]]:
            likely[k] *= ASTRAY_SHARE
    return Ahead(connection, line_m, runs, held, until_s, likely, front_m, rear_m, speed_mps, acceleration_mps2)


@compiled
def taken(ahead: Ahead, rows: Ints) -> Ahead:
    """Some rows, repetitions allowed."""
    lights = ahead.connection[rows], ahead.line_m[rows], ahead.runs[rows], ahead.held[rows], ahead.until_s[rows]
    motion = ahead.front_m[rows], ahead.rear_m[rows], ahead.speed_mps[rows], ahead.acceleration_mps2[rows]
    return Ahead(*lights, ahead.weight[rows], *motion)


@compiled
def next_ahead(begin: int, end: int, next_line: Ints, next_line_m: Floats, front_m: float) -> tuple[int, float]:
    """Next line of `Lights` ahead of the front, and its distance; -1, inf: none."""
    sample = begin + max(min(int((front_m - PASSED_M) * (1.0 / SPACING_M)), end), 0)
    way = next_line_m[sample] - front_m
    return (next_line[sample], way) if way > -PASSED_M else (NONE, np.inf)


@compiled
def _likely_behind(columns: Floats, leader: int, gap_m: float, speed: float, acceleration: float) -> float:
    """Who does not brake for somebody close ahead on one path most likely takes another, if there is another."""
    if leader < 0:
        return 1.0
    closing = max(speed - columns[SPEED, leader], 0.0)
    needed = closing * closing / (2.0 * max(gap_m, 0.5))
    return BLOCKED_SHARE if needed > NOTICED_MPS2 and acceleration > -NOTICED_SHARE * needed else 1.0


@compiled
def _against_red(light: int, ends_in_s: float, line_m: float, speed: float, acceleration: float) -> bool:
    """Whether who passes the line does so when it is red: now, or once the yellow of now has ended; who brakes comes later."""
    if light != _YELLOW:
        return light == _RED  # after a green there is yellow yet
    way, braking = max(line_m, 0.0), max(-acceleration, 0.0)
    return 2.0 * way / (speed + math.sqrt(max(speed * speed - 2.0 * braking * way, 0.0))) > ends_in_s


@compiled
def _share_that_runs(light: int, for_s: float, speed: float, is_fast: bool) -> float:
    """How much rarer it is to run a light than to mean another path; a red that will only begin is fresh, one of unknown age is neither fresh nor old."""
    age_s = 0.0 if light != _RED else for_s if for_s >= 0.0 else FRESH_S
    share = OLD_SHARE
    if speed > TURNING_MPS:
        share += (FRESH_SHARE - OLD_SHARE) * math.exp(-age_s / FRESH_S)
    return min(FAST_FACTOR * share, 1.0) if is_fast else share


class Meant(NamedTuple):
    """What is meant, a row per hypothesis and intention: row of the path, share of the intention, who goes on though he should wait, where he stops, and until when."""

    row: Ints
    intention: Floats
    goes: Booleans
    stop_m: Floats
    until_s: Floats


@compiled
def meant(ahead: Ahead, waits_m: Floats, is_beyond: Booleans) -> Meant:
    """Who means to wait and who to go on, where somebody with right of way is coming.

    Parameters
    ----------
    ahead : Ahead
        What lies ahead.
    waits_m, is_beyond : (h,) float array, (h,) bool array
        Of `priority.waits_at`.
    """
    count = len(waits_m)
    line_m, waits = np.empty(count), np.empty(count, np.bool_)
    for k in range(count):
        line_m[k] = ahead.line_m[k] if ahead.held[k] else np.inf
        waits[k] = waits_m[k] < line_m[k]
    row, intention, goes = with_those_who_go(waits, ahead.speed_mps, ahead.acceleration_mps2, waits_m, is_beyond)
    stop_m, until_s = np.empty(len(row)), np.empty(len(row))
    for k in range(len(row)):
        stop_m[k], until_s[k] = line_m[row[k]], ahead.until_s[row[k]]
        if waits[row[k]] and not goes[k]:
            stop_m[k] = waits_m[row[k]]
        if stop_m[k] < ahead.line_m[row[k]]:
            until_s[k] = np.inf
    return Meant(row, intention, goes, stop_m, until_s)
