"""What begins a track: detections that belong to none."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.predictor import FIRST_VARIANCE
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints, Scan
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
    P_XY,
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
    chosen = free[_apart(tracks, scan.x_m[free], scan.y_m[free], APART)]
    if len(chosen) == 0:
        return tracks
    born = empty(scan.time_s, _identity(scan.sensor, scan.sequence, chosen), tracks.sensors)
    _by_camera(born.values, scan, chosen, settings)
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
    free = free[np.abs(sweeps.range_rate_mps[free]) > LEAST_RADAR_SPEED_MPS]
    chosen = free[_apart(tracks, sweeps.x_m[free], sweeps.y_m[free], RADAR_APART)]
    if len(chosen) > 1:
        x, y, of = sweeps.x_m[chosen], sweeps.y_m[chosen], sweeps.sweep[chosen]
        close = np.hypot(x[:, None] - x, y[:, None] - y) < RADAR_APART * _average(len(tracks.values))[LENGTH] + MARGIN_M
        chosen = chosen[~(close & (of[:, None] > of)).any(axis=1)]
    if len(chosen) == 0:
        return tracks
    of = sweeps.sweep[chosen]
    sensors, sequences = sweeps.sensors[of], np.array([scan.sequence for scan in sweeps.scans])[of]
    born = empty(tracks.time_s, _identity(sensors, sequences, chosen - sweeps.first[of]), tracks.sensors)
    _by_radar(born.values, sweeps, chosen, settings)
    born.values[BORN] = born.values[MEASURED] = born.sensor_seen_s[sensors, np.arange(len(chosen))] = sweeps.times_s[of]
    return tracks.joined(born)


def _apart(tracks: Tracks, x_m: Floats, y_m: Floats, share: float) -> Booleans:
    """Which places stand apart from every track."""
    values = tracks.values
    dx, dy, reach = x_m[:, None] - values[X], y_m[:, None] - values[Y], share * values[LENGTH] + MARGIN_M
    return np.asarray((dx * dx + dy * dy > reach * reach).all(axis=1))


def _by_camera(born: Floats, scan: Scan, chosen: Ints, settings: TrackerSettings) -> None:
    named = scan.object_class[chosen]
    confidence = np.clip(scan.score[chosen], 0.05, 0.95)
    weight = confidence * classes.CONFUSION[:, named] + (1.0 - confidence) / classes.COUNT
    weight[:, named == 0] = 1.0
    weight = weight * classes.PRIOR[:, None]
    weight /= weight.sum(axis=0)
    weigh_classes(born, slice(None), weight)
    yaw = scan.yaw_rad[chosen]
    told = ~np.isnan(yaw)
    yaw_x, yaw_y = np.where(told, np.cos(yaw), 0.0), np.where(told, np.sin(yaw), 0.0)
    speed = (classes.SPEED_DEVIATION_MPS @ weight) ** 2
    sideways = np.where(told, np.minimum(speed, SIDEWAYS_DEVIATION_MPS**2), speed)
    born[X], born[Y] = scan.x_m[chosen], scan.y_m[chosen]
    born[P_XX] = scan.variance_xx[chosen] * settings.camera_variance_factor
    born[P_XY] = scan.variance_xy[chosen] * settings.camera_variance_factor
    born[P_YY] = scan.variance_yy[chosen] * settings.camera_variance_factor
    born[P_UU] = speed * yaw_x**2 + sideways * yaw_y**2 + np.where(told, 0.0, speed)
    born[P_VV] = speed * yaw_y**2 + sideways * yaw_x**2 + np.where(told, 0.0, speed)
    born[P_UV] = (speed - sideways) * yaw_x * yaw_y
    born[P_AA] = born[P_BB] = FIRST_VARIANCE * born[ALONG]
    born[LOG_ODDS] = settings.birth_log_odds + settings.score_weight * np.log(confidence / (1.0 - confidence))
    born[PRIOR] = born[LOG_ODDS]
    born[YAW_X], born[YAW_Y] = yaw_x, yaw_y
    sized = ~np.isnan(scan.length_m[chosen])
    born[LENGTH] = np.where(sized, scan.length_m[chosen], classes.LENGTH_M @ weight)
    born[WIDTH] = np.where(sized, scan.width_m[chosen], classes.WIDTH_M @ weight)
    born[SIZE_WEIGHT] = sized


def _by_radar(born: Floats, sweeps: Sweeps, chosen: Ints, settings: TrackerSettings) -> None:
    """Begin with the velocity along the line of sight known; the class is open, the size that of the average."""
    of, x, y = sweeps.sweep[chosen], sweeps.x_m[chosen], sweeps.y_m[chosen]
    dx, dy = x - sweeps.radar_x_m[of, 0], y - sweeps.radar_y_m[of, 0]
    distance = np.maximum(np.hypot(dx, dy), 1e-3)
    ux, uy, rate = dx / distance, dy / distance, sweeps.range_rate_mps[chosen]
    born[:] = _average(len(born))
    behind = born[LENGTH] * RADAR_OFFSET - rate * sweeps.since_s[chosen]
    born[X], born[Y] = x + ux * behind, y + uy * behind
    born[VX], born[VY] = ux * rate, uy * rate
    born[P_XX] = sweeps.variance_xx[chosen] * settings.radar_variance_factor + 1.0
    born[P_XY] = sweeps.variance_xy[chosen] * settings.radar_variance_factor
    born[P_YY] = sweeps.variance_yy[chosen] * settings.radar_variance_factor + 1.0
    along, across = settings.doppler_deviation_mps**2 + 0.1, np.maximum(0.6 * np.abs(rate), 2.0) ** 2
    born[P_UU] = along * ux**2 + across * uy**2
    born[P_VV] = along * uy**2 + across * ux**2
    born[P_UV] = (along - across) * ux * uy
    born[P_AA] = born[P_BB] = FIRST_VARIANCE * born[ALONG]
    born[LOG_ODDS] = born[PRIOR] = settings.radar_birth_log_odds
    born[YAW_X], born[YAW_Y] = 0.5 * ux * np.sign(rate), 0.5 * uy * np.sign(rate)


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
