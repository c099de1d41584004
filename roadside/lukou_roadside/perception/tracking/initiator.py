"""What begins a track: detections that belong to none."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.looks import update_class
from lukou_roadside.perception.tracking.predictor import FIRST_VARIANCE
from lukou_roadside.perception.tracking.scan import Floats, Ints, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.sweeps import Sweeps
from lukou_roadside.perception.tracking.tracks import (
    ALONG,
    BORN,
    CLASS,
    LENGTH,
    LOG_ODDS,
    MEASURED,
    P_AA,
    P_BB,
    P_UU,
    P_UV,
    P_VV,
    P_XX,
    P_YY,
    PRIOR,
    SIZE_WEIGHT,
    VX,
    VY,
    WIDTH,
    YAW_X,
    YAW_Y,
    Tracks,
    X,
    Y,
    empty,
    no_tracks,
    weigh_classes,
)

SIDEWAYS_DEVIATION_MPS = 1.5
"""Standard deviation of the velocity across the direction of the front at first sight. [m/s]"""

LEAST_RADAR_SPEED_MPS = 3.0
"""A radar return that moves less begins nothing: the world is full of standing things. [m/s]"""

APART = 0.45
"""A detection nearer to a track than this share of its length is the same road user seen twice."""

RADAR_APART = 1.0
"""The same for a radar return, which may come from either end of a long body or from a wall behind it."""

MARGIN_M = 0.2
"""Added to both, so that the smallest road users have some room, too. [m]"""

RADAR_PLACE_VARIANCE_M2 = 1.0
"""What it is uncertain by where on the body a return came from. [m^2]"""

RADAR_OFFSET = 0.35
"""The middle of what a radar sees lies behind the return by this share of the usual length."""


def begun(tracks: Tracks, scan: Scan, free: Ints, settings: TrackerSettings) -> Tracks:
    """Tracks with those that the free detections begin.

    Parameters
    ----------
    tracks : Tracks
        Tracks after the update.
    scan : Scan
        The scan.
    free : (k,) int array
        Detections that belong to no track.
    settings : TrackerSettings
        Log odds at birth.
    """
    chosen = _apart(tracks.values, free, scan.x_m, scan.y_m, APART)
    if len(chosen) == 0:
        return tracks
    born = empty(scan.time_s, _identity(scan.sensor, scan.sequence, chosen), tracks.sensors)
    told = scan.object_class, scan.score, scan.yaw_rad, scan.length_m, scan.width_m
    _by_camera(born.values, chosen, *told, settings.birth_log_odds, settings.score_weight)
    variance = scan.variance_xx[chosen], scan.variance_xy[chosen], scan.variance_yy[chosen]
    born.values[P_XX : P_YY + 1] = settings.camera_variance_factor * np.array(variance)
    born.values[X], born.values[Y] = scan.x_m[chosen], scan.y_m[chosen]
    born.values[BORN] = born.values[MEASURED] = scan.time_s
    born.sensor_seen_s[scan.sensor] = scan.time_s
    return tracks.joined(born)


def begun_by_returns(tracks: Tracks, sweeps: Sweeps, free: Ints, settings: TrackerSettings) -> Tracks:
    """Tracks with those that moving returns begin; of several sweeps that see the same, the first.

    Parameters
    ----------
    tracks : Tracks
        Tracks after the update.
    sweeps : Sweeps
        The sweeps.
    free : (k,) int array
        Returns that belong to no track.
    settings : TrackerSettings
        Log odds at birth.
    """
    place = sweeps.x_m, sweeps.y_m, sweeps.range_rate_mps
    reach_m = RADAR_APART * float(_average(len(tracks.values))[LENGTH, 0]) + MARGIN_M
    chosen = _moving_apart(tracks.values, free, *place, sweeps.sweep, reach_m)
    if len(chosen) == 0:
        return tracks
    of = sweeps.sweep[chosen]
    sensors, sequences = sweeps.sensors[of], np.array([scan.sequence for scan in sweeps.scans])[of]
    born = empty(tracks.time_s, _identity(sensors, sequences, chosen - sweeps.first[of]), tracks.sensors)
    born.values[:] = _average(len(born.values))
    born.values[BORN] = born.values[MEASURED] = born.sensor_seen_s[sensors, np.arange(len(chosen))] = sweeps.times_s[of]
    born.values[LOG_ODDS] = born.values[PRIOR] = settings.radar_birth_log_odds
    variance = sweeps.variance_xx[chosen], sweeps.variance_xy[chosen], sweeps.variance_yy[chosen]
    born.values[P_XX : P_YY + 1] = settings.radar_variance_factor * np.array(variance)
    since = sweeps.times_s[of] - sweeps.time_s
    _by_radar(born.values, chosen, *place, since, sweeps.views[of], settings.doppler_deviation_mps**2)
    return tracks.joined(born)


@compiled
def _moving_apart(
    values: Floats, free: Ints, x_m: Floats, y_m: Floats, range_rate_mps: Floats, sweep: Ints, reach_m: float
) -> Ints:
    """Returns of what moves that stand apart from every track and, `reach_m`, from those of earlier sweeps."""
    chosen, count = np.empty(len(free), np.int64), 0
    for detection in free:
        if not abs(range_rate_mps[detection]) > LEAST_RADAR_SPEED_MPS:
            continue
        if _is_apart(values, x_m[detection], y_m[detection], RADAR_APART):
            chosen[count] = detection
            count += 1
    is_first = np.ones(count, np.bool_)
    for one in range(count):
        for other in range(count):
            if sweep[chosen[other]] < sweep[chosen[one]]:
                dx, dy = x_m[chosen[one]] - x_m[chosen[other]], y_m[chosen[one]] - y_m[chosen[other]]
                if dx * dx + dy * dy < reach_m * reach_m:
                    is_first[one] = False
    return chosen[:count][is_first]


@compiled
def _is_apart(values: Floats, x_m: float, y_m: float, share: float) -> bool:
    """Whether a place stands apart from every track."""
    for k in range(values.shape[1]):
        dx, dy, reach = x_m - values[X, k], y_m - values[Y, k], share * values[LENGTH, k] + MARGIN_M
        if not dx * dx + dy * dy > reach * reach:
            return False
    return True


@compiled
def _apart(values: Floats, free: Ints, x_m: Floats, y_m: Floats, share: float) -> Ints:
    """Those of the free detections that stand apart from every track."""
    return np.array([one for one in free if _is_apart(values, x_m[one], y_m[one], share)], np.int64)


@compiled
def _by_camera(
    born: Floats,
    chosen: Ints,
    object_class: Ints,
    score: Floats,
    yaw_rad: Floats,
    length_m: Floats,
    width_m: Floats,
    birth_log_odds: float,
    score_weight: float,
) -> None:
    for k in range(len(chosen)):
        detection = chosen[k]
        confidence = min(max(score[detection], 0.05), 0.95)
        for number in range(classes.COUNT):
            born[CLASS.start + number, k] = classes.PRIOR[number]
        update_class(born, k, object_class[detection], confidence)
        deviation, length, width = 0.0, 0.0, 0.0
        for number in range(classes.COUNT):
            weight = born[CLASS.start + number, k]
            deviation += weight * classes.SPEED_DEVIATION_MPS[number]
            length, width = length + weight * classes.LENGTH_M[number], width + weight * classes.WIDTH_M[number]
        speed, yaw = deviation**2, yaw_rad[detection]
        born[P_UU, k] = born[P_VV, k] = speed
        if yaw == yaw:
            yaw_x, yaw_y, sideways = math.cos(yaw), math.sin(yaw), min(speed, SIDEWAYS_DEVIATION_MPS**2)
            born[P_UU, k] = speed * yaw_x**2 + sideways * yaw_y**2
            born[P_VV, k] = speed * yaw_y**2 + sideways * yaw_x**2
            born[P_UV, k] = (speed - sideways) * yaw_x * yaw_y
            born[YAW_X, k], born[YAW_Y, k] = yaw_x, yaw_y
        born[P_AA, k] = born[P_BB, k] = FIRST_VARIANCE * born[ALONG, k]
        born[LOG_ODDS, k] = born[PRIOR, k] = birth_log_odds + score_weight * math.log(confidence / (1.0 - confidence))
        if length_m[detection] == length_m[detection]:
            length, width, born[SIZE_WEIGHT, k] = length_m[detection], width_m[detection], 1.0
        born[LENGTH, k], born[WIDTH, k] = length, width


@compiled
def _by_radar(
    born: Floats,
    chosen: Ints,
    x_m: Floats,
    y_m: Floats,
    range_rate_mps: Floats,
    since_s: Floats,
    views: Floats,
    rate_variance: float,
) -> None:
    """Begin with the velocity along the line of sight known; the class is open, the size that of the average."""
    for k in range(len(chosen)):
        x, y, rate = x_m[chosen[k]], y_m[chosen[k]], range_rate_mps[chosen[k]]
        dx, dy = x - views[k, 0], y - views[k, 1]
        distance = max(math.sqrt(dx * dx + dy * dy), 1e-3)
        ux, uy = dx / distance, dy / distance
        behind = born[LENGTH, k] * RADAR_OFFSET - rate * since_s[k]
        born[X, k], born[Y, k], born[VX, k], born[VY, k] = x + ux * behind, y + uy * behind, ux * rate, uy * rate
        born[P_XX, k] += RADAR_PLACE_VARIANCE_M2
        born[P_YY, k] += RADAR_PLACE_VARIANCE_M2
        along, across = rate_variance + 0.1, max(0.6 * abs(rate), 2.0) ** 2
        born[P_UU, k], born[P_VV, k] = along * ux * ux + across * uy * uy, along * uy * uy + across * ux * ux
        born[P_UV, k] = (along - across) * ux * uy
        born[P_AA, k] = born[P_BB, k] = FIRST_VARIANCE * born[ALONG, k]
        forward = 0.5 * math.copysign(1.0, rate)
        born[YAW_X, k], born[YAW_Y, k] = forward * ux, forward * uy


@lru_cache
def _average(rows: int) -> Floats:
    """One track of which nothing is known but what the average road user is like, (rows, 1)."""
    made = empty(0.0, np.zeros(1, np.int64), (rows - len(no_tracks(0.0).values)) // 2 + 1).values
    weigh_classes(made, slice(None), classes.PRIOR[:, None])
    made[LENGTH] = classes.LENGTH_M @ made[CLASS]
    made[WIDTH] = classes.WIDTH_M @ made[CLASS]
    return made


def _identity(sensor: Ints | int, sequence: Ints | int, detection: Ints) -> Ints:
    """A number for each detection that stays the same when the scan is worked out again."""
    return np.asarray((sensor << 56) | ((sequence & 0xFFFFFFFFF) << 16) | detection)
