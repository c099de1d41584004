"""What a scan says of its sensor: road users whom another sensor has just seen, and where this one puts them, if it finds them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.coverage import Watched
from lukou_roadside.perception.tracking.scan import CAMERA, Booleans, Floats, Ints, Scan
from lukou_roadside.perception.tracking.tracker import Comparison
from lukou_roadside.perception.tracking.tracks import CONFIRMED, P_UU, P_VV, P_XX, P_XY, P_YY, VX, VY, Tracks, X, Y

OTHERS_SEEN_S = 0.35
"""Another sensor's detection of a road user is recent up to this age. [s]"""

EXPECTED_PROBABILITY = 0.75
"""Who is to be detected with less is no test of a sensor."""

PLAIN_PROBABILITY = 0.5
"""Who is to be detected with less says nothing of what stands in the way."""

NEAR_M = 60.0
"""Farther road users are no test of a sensor. [m]"""

ASTRAY_SHARE, ASTRAY_M = 1.0, 5.0
"""Where a camera finds a smaller share of what it should, its nearest detections are compared, too, up to this distance. [1, m]"""


class Matches(NamedTuple):
    """What one scan says of its sensor; rows are detections of road users that another sensor has just seen.

    Attributes
    ----------
    x_m, y_m, velocity_x_mps, velocity_y_mps : (n,) float array
        Expected position and velocity. [m, m/s]
    dx_m, dy_m : (n,) float array
        Detected less expected position. [m]
    s_xx, s_xy, s_yy : (n,) float array
        Covariance of the difference. [m^2]
    detections : (n,) int array
        Their rows in the scan.
    expected, found : int
        Road users that the sensor should have seen, and of them those that it saw.
    gated : int
        So many of the rows, the first ones, lie within the gates of association.
    birth : (n,) int array
        Their tracks.
    velocity_variance : (n,) float array
        Variance of each component of the expected velocity. [m^2/s^2]
    watched : Watched
        Who should have been seen, however far away.
    """

    x_m: Floats
    y_m: Floats
    velocity_x_mps: Floats
    velocity_y_mps: Floats
    dx_m: Floats
    dy_m: Floats
    s_xx: Floats
    s_xy: Floats
    s_yy: Floats
    detections: Ints
    expected: int
    found: int
    gated: int
    birth: Ints
    velocity_variance: Floats
    watched: Watched


def matches(
    before: Tracks,
    scan: Scan,
    compared: Comparison,
    no_judges: Collection[int] = (),
    guessed: Collection[int] = (),
) -> Matches:
    """Collect what a scan says of its sensor.

    Parameters
    ----------
    before : Tracks
        Before the scan was worked in, at or before its time.
    scan : Scan
        The scan; has one view.
    compared : Comparison
        What came of it.
    no_judges : collection of int
        Sensors whose having seen a road user does not count.
    guessed : collection of int
        Sensors by which it is known that somebody is there, but not where.
    """
    values, view = before.values, scan.views[0]
    judges = np.ones(before.sensors, np.bool_)
    judges[[one for one in (scan.sensor, *no_judges) if one < len(judges)]] = False
    placers = judges.copy()
    placers[[one for one in guessed if one < len(placers)]] = False
    seen = before.sensor_seen_s
    x, y, known, placed = _known(values, seen, judges, placers, before.time_s, scan.time_s)
    expected = _expected(known, compared.probability, x - view.x_m, y - view.y_m)
    judged = expected
    if scan.coverage is not None and not scan.coverage.is_mostly_hidden:
        judged = expected & (compared.probability * scan.coverage.of(view, x, y) > EXPECTED_PROBABILITY)
    pairs = compared.pairs.take(known[compared.pairs.rows].nonzero()[0])
    counts = int(np.count_nonzero(judged)), int(np.count_nonzero(judged[pairs.rows]))
    is_short = scan.kind == CAMERA and np.count_nonzero(expected[pairs.rows]) < ASTRAY_SHARE * np.count_nonzero(
        expected
    )
    plain = (known & (compared.probability > PLAIN_PROBABILITY)).nonzero()[0]
    is_found = np.zeros(len(before), np.bool_)
    is_found[pairs.rows] = True
    watched = Watched(
        x[plain], y[plain], values[VX, plain], values[VY, plain], compared.probability[plain], is_found[plain]
    )
    if len(guessed):
        pairs, expected = pairs.take(placed[pairs.rows].nonzero()[0]), expected & placed
    rows, detections, innovations, gated = pairs.rows, pairs.detections, pairs.innovations, len(pairs.rows)
    if is_short:
        expected[rows] = False
        astray, free = _astray(x, y, expected.nonzero()[0], scan, np.delete(np.arange(len(scan)), detections))
        more = [scan.x_m[free] - x[astray], scan.y_m[free] - y[astray]]
        more += [values[P_XX, astray] + scan.variance_xx[free], values[P_XY, astray] + scan.variance_xy[free]]
        innovations = np.concatenate([innovations, [*more, values[P_YY, astray] + scan.variance_yy[free]]], axis=1)
        rows, detections = np.concatenate([rows, astray]), np.concatenate([detections, free])
    dx, dy, s_xx, s_xy, s_yy = innovations
    expectation = x[rows], y[rows], values[VX, rows], values[VY, rows]
    uncertain = 0.5 * (values[P_UU, rows] + values[P_VV, rows])
    difference = dx, dy, s_xx, s_xy, s_yy
    return Matches(*expectation, *difference, detections, *counts, gated, before.birth[rows], uncertain, watched)


@compiled
def _known(
    values: Floats, seen_s: Floats, judges: Booleans, placers: Booleans, before_s: float, time_s: float
) -> tuple[Floats, Floats, Booleans, Booleans]:
    """Where everybody is at the time of the scan, who is known to be there by others, and whose place is."""
    count = values.shape[1]
    x, y, known, placed = np.empty(count), np.empty(count), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for k in range(count):
        x[k] = values[X, k] + (time_s - before_s) * values[VX, k]
        y[k] = values[Y, k] + (time_s - before_s) * values[VY, k]
        for sensor in range(len(seen_s)):
            if judges[sensor] and seen_s[sensor, k] > time_s - OTHERS_SEEN_S:
                known[k] = values[CONFIRMED, k] > 0.5
                placed[k] = placed[k] or placers[sensor]
    return x, y, known, placed


@compiled
def _expected(known: Booleans, probability: Floats, dx_m: Floats, dy_m: Floats) -> Booleans:
    """Who of those known is near the sensor and in plain view."""
    made = np.empty(len(known), np.bool_)
    for k in range(len(known)):
        is_near = dx_m[k] * dx_m[k] + dy_m[k] * dy_m[k] < NEAR_M * NEAR_M
        made[k] = known[k] and is_near and probability[k] > EXPECTED_PROBABILITY
    return made


def _astray(x: Floats, y: Floats, rows: Ints, scan: Scan, free: Ints) -> tuple[Ints, Ints]:
    """Road users that a camera should have seen, and detections that are nearest to them and they to it.

    A sensor that is far off has none of its detections inside the gates, so nothing would ever say how far.
    """
    if not len(rows) or not len(free):
        return rows[:0], free[:0]
    distance = np.hypot(scan.x_m[free] - x[rows][:, None], scan.y_m[free] - y[rows][:, None])
    nearest = distance.argmin(axis=1)
    each = np.arange(len(rows))
    mutual = (distance.argmin(axis=0)[nearest] == each) & (distance[each, nearest] < ASTRAY_M)
    return rows[mutual], free[nearest[mutual]]
