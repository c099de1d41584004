"""What detections change in their tracks.

Linear Kalman updates, written out for two position components and for one range rate (Bar-Shalom, Li, Kirubarajan 2001,
section 5.2.3); existence as in D. Musicki, R. Evans, S. Stankovic, "Integrated Probabilistic Data Association" (1994).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.gater import Agreement
from lukou_roadside.perception.tracking.scan import Floats, Ints, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import Tracks
from lukou_roadside.perception.tracking.visibility import sight_line

YAW_GAIN = 0.2
"""Weight of a new direction against the one known."""

LEAST_SIZE_GAIN = 0.04
"""Weight of a new size against the one known, once many are known."""

TRUSTED_SPEED_MPS = 2.5
"""Above this speed the direction of motion is the direction of the front. [m/s]"""


def with_positions(
    tracks: Tracks, rows: Ints, dx: Floats, dy: Floats, r_xx: Floats, r_xy: Floats, r_yy: Floats
) -> Tracks:
    """Kalman update of some tracks by differences of position.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the measurement.
    rows : (k,) int array
        Tracks measured, each at most once.
    dx, dy : (k,) float array
        Measured less expected position. [m]
    r_xx, r_xy, r_yy : (k,) float array
        Covariance of the measurement. [m^2]
    """
    p = tracks.covariance[rows]
    s_xx, s_xy, s_yy = p[:, 0, 0] + r_xx, p[:, 0, 1] + r_xy, p[:, 1, 1] + r_yy
    determinant = s_xx * s_yy - s_xy * s_xy
    inverse = np.empty((len(rows), 2, 2))
    inverse[:, 0, 0], inverse[:, 1, 1] = s_yy / determinant, s_xx / determinant
    inverse[:, 0, 1] = inverse[:, 1, 0] = -s_xy / determinant
    gain = p[:, :, :2] @ inverse
    state, covariance = tracks.state.copy(), tracks.covariance.copy()
    state[rows] += gain[:, :, 0] * dx[:, None] + gain[:, :, 1] * dy[:, None]
    less = p - gain @ p[:, :2, :]
    covariance[rows] = 0.5 * (less + np.swapaxes(less, 1, 2))
    return replace(tracks, state=state, covariance=covariance)


def with_range_rates(tracks: Tracks, rows: Ints, range_rate: Floats, variance: Floats, scan: Scan) -> Tracks:
    """Kalman update of some tracks by the rate of change of their distance from the radar.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the measurement.
    rows : (k,) int array
        Tracks measured, each at most once.
    range_rate, variance : (k,) float array
        Measurement and its variance. [m/s, (m/s)^2]
    scan : Scan
        Gives the position of the radar.
    """
    p = tracks.covariance[rows]
    state, covariance = tracks.state.copy(), tracks.covariance.copy()
    ux, uy, _ = sight_line(state[rows, 0], state[rows, 1], scan.views[0])
    column = p[:, :, 2] * ux[:, None] + p[:, :, 3] * uy[:, None]
    s = column[:, 2] * ux + column[:, 3] * uy + variance
    gain = column / s[:, None]
    state[rows] += gain * (range_rate - ux * state[rows, 2] - uy * state[rows, 3])[:, None]
    covariance[rows] = p - gain[:, :, None] * column[:, None, :]
    return replace(tracks, state=state, covariance=covariance)


def with_looks(tracks: Tracks, rows: Ints, scan: Scan, detections: Ints) -> Tracks:
    """Class, direction and size of some tracks by the detections that were theirs."""
    weight = tracks.class_weight.copy()
    named = scan.object_class[detections]
    confidence = np.clip(scan.score[detections], 0.05, 0.95)[:, None]
    # a class named with little confidence is mixed with "any class is as likely to be named"
    likelihood = confidence * classes.CONFUSION[:, named].T + (1.0 - confidence) / classes.COUNT
    likelihood[named == 0] = 1.0
    weight[rows] = np.maximum(weight[rows], 1e-3) * likelihood
    weight[rows] /= weight[rows].sum(axis=1, keepdims=True)
    yaw_x, yaw_y = tracks.yaw_x.copy(), tracks.yaw_y.copy()
    yaw = scan.yaw_rad[detections]
    told = ~np.isnan(yaw)
    yaw_x[rows[told]] += YAW_GAIN * (np.cos(yaw[told]) - yaw_x[rows[told]])
    yaw_y[rows[told]] += YAW_GAIN * (np.sin(yaw[told]) - yaw_y[rows[told]])
    length, width, count = tracks.length_m.copy(), tracks.width_m.copy(), tracks.size_weight.copy()
    sized = ~np.isnan(scan.length_m[detections])
    chosen = rows[sized]
    count[chosen] += 1.0
    gain = np.maximum(1.0 / count[chosen], LEAST_SIZE_GAIN)
    length[chosen] += gain * (scan.length_m[detections[sized]] - length[chosen])
    width[chosen] += gain * (scan.width_m[detections[sized]] - width[chosen])
    return replace(
        tracks, class_weight=weight, yaw_x=yaw_x, yaw_y=yaw_y, length_m=length, width_m=width, size_weight=count
    )


def turned_to_motion(tracks: Tracks) -> Tracks:
    """The front of what moves fast points where it goes."""
    vx, vy = tracks.state[:, 2], tracks.state[:, 3]
    speed = np.hypot(vx, vy)
    gain = np.where(speed > TRUSTED_SPEED_MPS, YAW_GAIN, 0.0)
    safe = np.maximum(speed, 1e-6)
    return replace(
        tracks,
        yaw_x=tracks.yaw_x + gain * (vx / safe - tracks.yaw_x),
        yaw_y=tracks.yaw_y + gain * (vy / safe - tracks.yaw_y),
    )


def with_existence(
    tracks: Tracks,
    scan: Scan,
    pairs: tuple[Ints, Ints],
    agreement: Agreement,
    detection_probability: Floats,
    clutter_per_m2: float,
    settings: TrackerSettings,
) -> Tracks:
    """Belief that each road user exists, after a detection or a miss, and when it was last seen."""
    rows, detections = pairs
    change = settings.miss_weight * np.log1p(-np.minimum(detection_probability, 0.98))
    score = np.clip(scan.score[detections], 0.05, 0.95)
    gained = (
        np.log(np.maximum(detection_probability[rows], 0.1))
        + agreement.log_likelihood[rows, detections]
        - np.log(clutter_per_m2)
        + settings.score_weight * np.log(score / (1.0 - score))
    )
    change[rows] = np.clip(gained, -1.0, 4.0)
    log_odds = np.minimum(tracks.log_odds + change, settings.most_log_odds)
    measured, seen = tracks.measured_s.copy(), tracks.sensor_seen_s.copy()
    measured[rows] = scan.time_s
    seen[rows, scan.sensor] = scan.time_s
    confirmed = tracks.is_confirmed | (log_odds > settings.confirm_log_odds)
    return replace(tracks, log_odds=log_odds, is_confirmed=confirmed, measured_s=measured, sensor_seen_s=seen)
