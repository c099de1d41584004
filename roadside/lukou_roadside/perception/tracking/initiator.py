"""What begins a track: detections that belong to none."""

from __future__ import annotations

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import CAMERA, Ints, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import Tracks
from lukou_roadside.perception.tracking.visibility import sight_line

SIDEWAYS_DEVIATION_MPS = 1.5
"""Standard deviation of the velocity across the direction of the front at first sight. [m/s]"""

LEAST_RADAR_SPEED_MPS = 1.5
"""A radar return that moves less begins nothing: the world is full of standing things. [m/s]"""

APART = 0.45
"""A detection nearer to a track than this share of its length is the same road user seen twice."""


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
    is_camera = scan.kind == CAMERA
    if not is_camera:
        if settings.radar_birth_log_odds <= -9.0:
            return tracks
        free = free[np.abs(scan.range_rate_mps[free]) > LEAST_RADAR_SPEED_MPS]
    chosen = _apart(tracks, scan, free)
    if len(chosen) == 0:
        return tracks
    return tracks.joined((_by_camera if is_camera else _by_radar)(scan, chosen, settings))


def _apart(tracks: Tracks, scan: Scan, free: Ints) -> Ints:
    """Detections that stand apart from every track."""
    if len(tracks) == 0 or len(free) == 0:
        return free
    distance = np.hypot(
        scan.x_m[free, None] - tracks.state[None, :, 0], scan.y_m[free, None] - tracks.state[None, :, 1]
    )
    return free[(distance > APART * tracks.length_m + 0.2).all(axis=1)]


def _by_camera(scan: Scan, chosen: Ints, settings: TrackerSettings) -> Tracks:
    named = scan.object_class[chosen]
    confidence = np.clip(scan.score[chosen], 0.05, 0.95)[:, None]
    weight = confidence * classes.CONFUSION[:, named].T + (1.0 - confidence) / classes.COUNT
    weight[named == 0] = 1.0
    weight = weight * classes.PRIOR
    weight /= weight.sum(axis=1, keepdims=True)
    yaw = scan.yaw_rad[chosen]
    told = ~np.isnan(yaw)
    yaw_x, yaw_y = np.where(told, np.cos(yaw), 0.0), np.where(told, np.sin(yaw), 0.0)
    speed = (weight @ classes.SPEED_DEVIATION_MPS) ** 2
    sideways = np.where(told, np.minimum(speed, SIDEWAYS_DEVIATION_MPS**2), speed)
    covariance = np.zeros((len(chosen), 4, 4))
    covariance[:, 0, 0] = scan.variance_xx[chosen] * settings.camera_variance_factor
    covariance[:, 1, 1] = scan.variance_yy[chosen] * settings.camera_variance_factor
    covariance[:, 0, 1] = covariance[:, 1, 0] = scan.variance_xy[chosen] * settings.camera_variance_factor
    covariance[:, 2, 2] = speed * yaw_x**2 + sideways * yaw_y**2 + np.where(told, 0.0, speed)
    covariance[:, 3, 3] = speed * yaw_y**2 + sideways * yaw_x**2 + np.where(told, 0.0, speed)
    covariance[:, 2, 3] = covariance[:, 3, 2] = (speed - sideways) * yaw_x * yaw_y
    state = np.zeros((len(chosen), 4))
    state[:, 0], state[:, 1] = scan.x_m[chosen], scan.y_m[chosen]
    score = np.clip(scan.score[chosen], 0.05, 0.95)
    log_odds = settings.birth_log_odds + settings.score_weight * np.log(score / (1.0 - score))
    length, width = scan.length_m[chosen], scan.width_m[chosen]
    sized = ~np.isnan(length)
    return Tracks(
        time_s=scan.time_s,
        birth=_identity(scan, chosen),
        state=state,
        covariance=covariance,
        log_odds=log_odds,
        prior=log_odds,
        evidence=np.zeros((len(chosen), 32)),
        is_confirmed=np.zeros(len(chosen), np.bool_),
        class_weight=weight,
        yaw_x=yaw_x,
        yaw_y=yaw_y,
        length_m=np.where(sized, length, weight @ classes.LENGTH_M),
        width_m=np.where(sized, width, weight @ classes.WIDTH_M),
        size_weight=sized.astype(np.float64),
        born_s=np.full(len(chosen), scan.time_s),
        measured_s=np.full(len(chosen), scan.time_s),
        sensor_seen_s=_seen(scan, len(chosen)),
    )


def _by_radar(scan: Scan, chosen: Ints, settings: TrackerSettings) -> Tracks:
    """Begin with the velocity along the line of sight known; the class is open, the size that of a car."""
    ux, uy, _ = sight_line(scan.x_m[chosen], scan.y_m[chosen], scan.views[0])
    rate = scan.range_rate_mps[chosen]
    count = len(chosen)
    weight = np.tile(classes.PRIOR / classes.PRIOR.sum(), (count, 1))
    length, width = weight @ classes.LENGTH_M, weight @ classes.WIDTH_M
    direction = np.sign(rate)
    state = np.column_stack(
        [scan.x_m[chosen] + ux * length * 0.35, scan.y_m[chosen] + uy * length * 0.35, ux * rate, uy * rate]
    )
    covariance = np.zeros((count, 4, 4))
    covariance[:, 0, 0] = scan.variance_xx[chosen] * settings.radar_variance_factor + 1.0
    covariance[:, 1, 1] = scan.variance_yy[chosen] * settings.radar_variance_factor + 1.0
    covariance[:, 0, 1] = covariance[:, 1, 0] = scan.variance_xy[chosen] * settings.radar_variance_factor
    along, across = settings.doppler_deviation_mps**2 + 0.1, np.maximum(0.6 * np.abs(rate), 2.0) ** 2
    covariance[:, 2, 2] = along * ux**2 + across * uy**2
    covariance[:, 3, 3] = along * uy**2 + across * ux**2
    covariance[:, 2, 3] = covariance[:, 3, 2] = (along - across) * ux * uy
    return Tracks(
        time_s=scan.time_s,
        birth=_identity(scan, chosen),
        state=state,
        covariance=covariance,
        log_odds=np.full(count, settings.radar_birth_log_odds),
        prior=np.full(count, settings.radar_birth_log_odds),
        evidence=np.zeros((count, 32)),
        is_confirmed=np.zeros(count, np.bool_),
        class_weight=weight,
        yaw_x=0.5 * ux * direction,
        yaw_y=0.5 * uy * direction,
        length_m=length,
        width_m=width,
        size_weight=np.zeros(count),
        born_s=np.full(count, scan.time_s),
        measured_s=np.full(count, scan.time_s),
        sensor_seen_s=_seen(scan, count),
    )


def _identity(scan: Scan, chosen: Ints) -> Ints:
    """A number for each detection that stays the same when the scan is worked out again."""
    return np.asarray((scan.sensor << 56) | ((scan.sequence & 0xFFFFFFFFF) << 16) | chosen)


def _seen(scan: Scan, count: int) -> np.ndarray:
    seen = np.full((count, 32), -1e9)
    seen[:, scan.sensor] = scan.time_s
    return seen
