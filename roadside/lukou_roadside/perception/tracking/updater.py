"""What detections change in their tracks.

Linear Kalman updates, written out for two position components and for one range rate (Bar-Shalom, Li, Kirubarajan 2001,
section 5.2.3); existence as in D. Musicki, R. Evans, S. Stankovic, "Integrated Probabilistic Data Association" (1994).
"""

from __future__ import annotations

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

EVIDENCE_GAIN = 0.2
"""Weight of the bound of a weaker detection against stronger evidence held."""

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
    return tracks.changed(state=state, covariance=covariance)


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
    return tracks.changed(state=state, covariance=covariance)


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
    return tracks.changed(
        class_weight=weight, yaw_x=yaw_x, yaw_y=yaw_y, length_m=length, width_m=width, size_weight=count
    )


def turned_to_motion(tracks: Tracks) -> Tracks:
    """The front of what moves fast points where it goes."""
    vx, vy = tracks.state[:, 2], tracks.state[:, 3]
    speed = np.hypot(vx, vy)
    gain = np.where(speed > TRUSTED_SPEED_MPS, YAW_GAIN, 0.0)
    safe = np.maximum(speed, 1e-6)
    return tracks.changed(
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
    """Belief that each road user exists, after a detection or a miss, and when it was last seen.

    Every sensor's evidence is kept apart and bounded. Looks of one sensor at a scene that stands still repeat their errors: the gap
    between two cars that resembles a person does so in every picture. What a hundred such detections can say is
    bounded by their score, and another sensor that sees the place plainly and finds nothing can outweigh them.
    """
    rows, detections = pairs
    change = settings.miss_weight * np.log1p(-np.minimum(detection_probability, 0.98))
    score = np.clip(scan.score[detections], 0.05, 0.95)
    score_odds = np.log(score / (1.0 - score))
    gained = (
        np.log(np.maximum(detection_probability[rows], 0.1))
        + agreement.log_likelihood[rows, detections]
        - np.log(clutter_per_m2)
        + settings.score_weight * score_odds
    )
    before = tracks.evidence[:, scan.sensor]
    after = np.maximum(before + change, np.minimum(before, -settings.most_contrary_log_odds))
    bound = np.clip(settings.sensor_log_odds + settings.sensor_score_weight * score_odds, 0.0, settings.most_log_odds)
    held = before[rows]
    risen = np.minimum(held + np.clip(gained, -1.0, 4.0), bound)
    after[rows] = np.where(held <= bound, risen, held + EVIDENCE_GAIN * (bound - held))
    evidence, measured, seen = tracks.evidence.copy(), tracks.measured_s.copy(), tracks.sensor_seen_s.copy()
    evidence[:, scan.sensor] = after
    measured[rows] = scan.time_s
    seen[rows, scan.sensor] = scan.time_s
    fresh = np.exp(np.minimum(0.0, (seen - scan.time_s) / settings.evidence_memory_s))
    support = (np.maximum(evidence, 0.0) * fresh).sum(axis=1)
    log_odds = np.minimum(tracks.prior + support + evidence.min(axis=1), settings.most_log_odds)
    confirmed = tracks.is_confirmed | (log_odds > settings.confirm_log_odds)
    return tracks.changed(
        log_odds=log_odds, evidence=evidence, is_confirmed=confirmed, measured_s=measured, sensor_seen_s=seen
    )
