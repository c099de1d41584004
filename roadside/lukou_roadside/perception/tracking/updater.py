"""What detections change in their tracks; all of it in place.

Linear Kalman updates, written out for two position components and for one range rate (Bar-Shalom, Li, Kirubarajan 2001,
section 5.2.3); existence as in D. Musicki, R. Evans, S. Stankovic, "Integrated Probabilistic Data Association" (1994).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import Floats, Ints, Scan, View
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import (
    AGILITY,
    CLASS,
    COMPONENTS,
    CONFIRMED,
    LAG_V,
    LAG_X,
    LAG_Y,
    LENGTH,
    LOG_ODDS,
    MEASURED,
    P_UA,
    P_UB,
    P_UU,
    P_UV,
    P_VA,
    P_VB,
    P_VV,
    P_XA,
    P_XB,
    P_XU,
    P_XV,
    P_XX,
    P_XY,
    P_YA,
    P_YB,
    P_YU,
    P_YV,
    P_YY,
    PRIOR,
    SIZE_WEIGHT,
    STATE,
    VX,
    VY,
    WIDTH,
    YAW_X,
    YAW_Y,
    Tracks,
    weigh_classes,
)
from lukou_roadside.perception.tracking.visibility import sight_line

YAW_GAIN = 0.2
"""Weight of a new direction against the one known."""

LEAST_SIZE_GAIN = 0.04
"""Weight of a new size against the one known, once many are known."""

EVIDENCE_GAIN = 0.2
"""Weight of the bound of a weaker detection against stronger evidence held."""

AGILITY_GAIN = 0.15
"""How fast the noise of motion follows what surprises. (change of its logarithm per scan and unit of surprise)"""

LAG_GAIN = 0.2
"""Weight of a new innovation in the running mean."""

MOST_SURPRISE = 5.0
"""No single scan counts for more."""

LEAST_AGILITY, MOST_AGILITY = 0.15, 2.0
"""Bounds of the factor on the noise of motion of the class."""

TRUSTED_SPEED_MPS = 2.5
"""Above this speed the direction of motion is the direction of the front. [m/s]"""


_WALKER = CLASS.start + classes.PEDESTRIAN

_WITH_X, _WITH_Y = np.array([P_XX, P_XY, P_XU, P_XV, P_XA, P_XB]), np.array([P_XY, P_YY, P_YU, P_YV, P_YA, P_YB])
"""Rows of the covariance of the state with x and with y."""

_WITH_U, _WITH_V = np.array([P_XU, P_YU, P_UU, P_UV, P_UA, P_UB]), np.array([P_XV, P_YV, P_UV, P_VV, P_VA, P_VB])
"""Rows of the covariance of the state with the two components of velocity."""

_FIRST, _SECOND = np.array(COMPONENTS).T
"""Which two components of the state each row of the covariance, from P_XX on, is about."""


def update_positions(
    moved: Floats, dx: Floats, dy: Floats, s_xx: Floats, s_xy: Floats, s_yy: Floats
) -> tuple[Floats, Floats]:
    """Kalman update by differences of position.

    Parameters
    ----------
    moved : (27, k) float array
        State and covariance (rows `MOTION`) of the tracks measured; changed.
    dx, dy : (k,) float array
        Measured less expected position. [m]
    s_xx, s_xy, s_yy : (k,) float array
        Covariance of that difference: the track's and the measurement's. [m^2]

    Returns
    -------
    (k,) float array, (k,) float array
        The difference whitened: each of mean 0 and variance 1 where all covariances are right.
    """
    by_x, by_y = moved.take(_WITH_X, axis=0), moved.take(_WITH_Y, axis=0)
    determinant = s_xx * s_yy - s_xy * s_xy
    i_xx, i_xy, i_yy = s_yy / determinant, s_xy / determinant, s_xx / determinant
    gain_x, gain_y = by_x * i_xx - by_y * i_xy, by_y * i_yy - by_x * i_xy
    moved[STATE] += gain_x * dx + gain_y * dy
    moved[P_XX:] -= gain_x.take(_FIRST, axis=0) * by_x.take(_SECOND, axis=0)
    moved[P_XX:] -= gain_y.take(_FIRST, axis=0) * by_y.take(_SECOND, axis=0)
    return dx / np.sqrt(s_xx), (s_xx * dy - s_xy * dx) / np.sqrt(s_xx * determinant)


def update_range_rates(moved: Floats, range_rate: Floats, variance: Floats | float, view: View) -> Floats:
    """Kalman update by the rate of change of the distance from the radar.

    Parameters
    ----------
    moved : (27, k) float array
        State and covariance (rows `MOTION`) of the tracks measured; changed.
    range_rate, variance : (k,) float array
        Measurement and its variance. [m/s, (m/s)^2]
    view : View
        Gives the position of the radar.

    Returns
    -------
    (k,) float array
        How much faster each road user is than expected, of variance 1 where all covariances are right.
    """
    ux, uy, _ = sight_line(moved[0], moved[1], view)
    by_rate = moved.take(_WITH_U, axis=0) * ux + moved.take(_WITH_V, axis=0) * uy
    expected = by_rate[2] * ux + by_rate[3] * uy + variance
    radial = ux * moved[VX] + uy * moved[VY]
    gain, difference = by_rate / expected, range_rate - radial
    moved[STATE] += gain * difference
    moved[P_XX:] -= gain.take(_FIRST, axis=0) * by_rate.take(_SECOND, axis=0)
    return np.asarray(np.copysign(difference, difference * radial) / np.sqrt(expected))


def update_velocities(moved: Floats, information: Floats, sums: Floats) -> None:
    """Kalman update by what several range rates together say of the velocity, which may be one component only.

    The information form of the measurements (Bar-Shalom, Li, Kirubarajan 2001, section 7.2.3), with no inverse of what may be singular.

    Parameters
    ----------
    moved : (27, k) float array
        State and covariance (rows `MOTION`) of the tracks measured; changed.
    information : (3, k) float array
        Sums of u u^T / variance over the range rates: xx, xy, yy, with u the unit vector from the radar. [s^2/m^2]
    sums : (2, k) float array
        Sums of u times innovation / variance. [s/m]
    """
    j_xx, j_xy, j_yy = information
    by_u, by_v = moved.take(_WITH_U, axis=0), moved.take(_WITH_V, axis=0)
    uu, uv, vv = by_u[2], by_u[3], by_v[3]
    # (1 + J P)^-1 J and (1 + J P)^-1 sums, with J the information and P the covariance of velocity
    a, b = 1.0 + j_xx * uu + j_xy * uv, j_xx * uv + j_xy * vv
    c, d = j_xy * uu + j_yy * uv, 1.0 + j_xy * uv + j_yy * vv
    determinant = a * d - b * c
    w_xx, w_xy, w_yy = d * j_xx - b * j_xy, d * j_xy - b * j_yy, a * j_yy - c * j_xy
    by_u_over, by_v_over = by_u / determinant, by_v / determinant
    moved[STATE] += by_u_over * (d * sums[0] - b * sums[1]) + by_v_over * (a * sums[1] - c * sums[0])
    gain_u, gain_v = w_xx * by_u_over + w_xy * by_v_over, w_xy * by_u_over + w_yy * by_v_over
    moved[P_XX:] -= gain_u.take(_FIRST, axis=0) * by_u.take(_SECOND, axis=0)
    moved[P_XX:] -= gain_v.take(_FIRST, axis=0) * by_v.take(_SECOND, axis=0)


def adapt_agility(values: Floats, rows: Ints, whitened: tuple[Floats, Floats], surprise: Floats | float = 1.0) -> None:
    """The noise of motion follows what is seen of it: who lags behind his detections manoeuvres.

    The innovations of a filter that knows the motion are white; a manoeuvre makes neighbouring ones alike long before any of them is
    large (R. Mehra, "On the Identification of Variances and Adaptive Kalman Filtering" (1970)). So their running mean is
    compared with what white ones would give.

    Parameters
    ----------
    values : (rows, n) float array
        Of the tracks; changed.
    rows : (k,) int array
        Tracks measured, each at most once.
    whitened : (k,) float array, (k,) float array
        Innovations of position, whitened.
    surprise : (k,) float array
        Squared innovation of the range rate over its variance.
    """
    agility, lag_x, lag_y = values[AGILITY], values[LAG_X], values[LAG_Y]
    x, y = lag_x[rows], lag_y[rows]
    x, y = x + LAG_GAIN * (whitened[0] - x), y + LAG_GAIN * (whitened[1] - y)
    lag_x[rows], lag_y[rows] = x, y
    measured = 0.5 * ((x * x + y * y) * ((2.0 - LAG_GAIN) / LAG_GAIN / 2.0) + surprise)
    agility[rows] *= np.exp(AGILITY_GAIN * (np.minimum(measured, MOST_SURPRISE) - 1.0))
    np.maximum(np.minimum(agility, MOST_AGILITY), LEAST_AGILITY, out=agility)


def follow_rates(values: Floats, rows: Ints, faster: Floats) -> None:
    """Keep the running mean of how much faster than expected road users are: nothing else shows as soon that somebody brakes.

    Parameters
    ----------
    values : (rows, n) float array
        Of the tracks; changed.
    rows : (k,) int array
        Tracks whose rates were told, each at most once.
    faster : (k,) float array
        By how much each is faster along its motion, over the deviation expected; nan: not told after all.
    """
    lag = values[LAG_V]
    before = lag[rows]
    lag[rows] = np.where(faster == faster, before + LAG_GAIN * (faster - before), before)


def surprise(values: Floats) -> Floats:
    """How far innovations of range rates lean to one side, (n,): 1 on average where they are white and all covariances are right."""
    return np.asarray(values[LAG_V] ** 2 * ((2.0 - LAG_GAIN) / LAG_GAIN))


def update_looks(tracks: Tracks, rows: Ints, scan: Scan, detections: Ints) -> None:
    """Class, direction and size of some tracks by the detections that were theirs."""
    values = tracks.values
    named = scan.object_class[detections]
    confidence = np.minimum(np.maximum(scan.score[detections], 0.05), 0.95)
    # a class named with little confidence is mixed with "any class is as likely to be named"
    likelihood = confidence * classes.CONFUSION.take(named, axis=1) + (1.0 - confidence) / classes.COUNT
    likelihood[:, named == 0] = 1.0
    weigh_classes(values, rows, np.maximum(values[CLASS].take(rows, axis=1), 1e-3) * likelihood)
    yaw = scan.yaw_rad[detections]
    told = (yaw == yaw).nonzero()[0]
    turned, yaw, yaw_x, yaw_y = rows[told], yaw[told], values[YAW_X], values[YAW_Y]
    yaw_x[turned] += YAW_GAIN * (np.cos(yaw) - yaw_x[turned])
    yaw_y[turned] += YAW_GAIN * (np.sin(yaw) - yaw_y[turned])
    length = scan.length_m[detections]
    unsized = rows[(values[SIZE_WEIGHT].take(rows) == 0.0) & (values[_WALKER].take(rows) > 0.5)]
    if len(unsized):  # nobody has told a size yet: who turns out to be a walker is no longer than one
        usual = classes.SIZE_M @ values[CLASS].take(unsized, axis=1)
        values[LENGTH, unsized], values[WIDTH, unsized] = np.minimum(values[[LENGTH, WIDTH]][:, unsized], usual)
    sized = (length == length).nonzero()[0]
    chosen, length_m, width_m, size_weight = rows[sized], values[LENGTH], values[WIDTH], values[SIZE_WEIGHT]
    count = size_weight[chosen] + 1.0
    size_weight[chosen] = count
    gain = np.maximum(1.0 / count, LEAST_SIZE_GAIN)
    length_m[chosen] += gain * (length[sized] - length_m[chosen])
    width_m[chosen] += gain * (scan.width_m[detections[sized]] - width_m[chosen])


def turn_to_motion(tracks: Tracks) -> None:
    """The front of what moves fast points where it goes."""
    values = tracks.values
    velocity, front = values[VX : VY + 1], values[YAW_X : YAW_Y + 1]
    speed = np.hypot(velocity[0], velocity[1])
    gain = YAW_GAIN * (speed > TRUSTED_SPEED_MPS)
    front += gain * (velocity / np.maximum(speed, TRUSTED_SPEED_MPS) - front)


class Looks(NamedTuple):
    """Who was detected and who could have been, by one or several sensors at about the same time.

    Attributes
    ----------
    sensors : (s,) int array
        The sensors, all different.
    times_s : (s,) float array
        Instant of each one's scan. [s]
    probability : (s, n) float array
        Detection probability of every track.
    look, rows : (k,) int array
        Which look found which track; no pair twice.
    log_likelihood, score : (k,) float array
        Of the detection.
    """

    sensors: Ints
    times_s: Floats
    probability: Floats
    look: Ints
    rows: Ints
    log_likelihood: Floats
    score: Floats


def update_existence(tracks: Tracks, looks: Looks, clutter_per_m2: float, settings: TrackerSettings) -> None:
    """Belief that each road user exists, after a detection or a miss, and when it was last seen.

    Every sensor's evidence is kept apart and bounded. Looks of one sensor at a scene that stands still repeat their errors: the gap
    between two cars that resembles a person does so in every picture. What a hundred such detections can say is
    bounded by their score, and another sensor that sees the place plainly and finds nothing can outweigh them.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the scans.
    looks : Looks
        What came of the scans.
    clutter_per_m2 : float
        False detections per scan and area. [1/m^2]
    settings : TrackerSettings
        Settings.
    """
    values, evidence, seen = tracks.values, tracks.evidence, tracks.sensor_seen_s
    look, rows, probability = looks.look, looks.rows, looks.probability
    score = np.minimum(np.maximum(looks.score, 0.05), 0.95)
    score_odds = np.log(score / (1.0 - score))
    gained = np.log(np.maximum(probability[look, rows], 0.1)) + looks.log_likelihood
    gained += settings.score_weight * score_odds - math.log(clutter_per_m2)
    gained = np.minimum(np.maximum(gained, -1.0), 4.0)
    bound = settings.sensor_log_odds + settings.sensor_score_weight * score_odds
    bound = np.minimum(np.maximum(bound, 0.0), settings.most_log_odds)
    before = evidence[looks.sensors]
    held = before[look, rows]
    change = settings.miss_weight * np.log1p(-np.minimum(probability, 0.98))
    after = np.maximum(before + change, np.minimum(before, -settings.most_contrary_log_odds))
    after[look, rows] = np.where(held <= bound, np.minimum(held + gained, bound), held + EVIDENCE_GAIN * (bound - held))
    evidence[looks.sensors] = after
    values[MEASURED][rows] = seen[looks.sensors[look], rows] = looks.times_s[look]
    fresh = np.exp((seen - tracks.time_s) / settings.evidence_memory_s)
    support = np.add.reduce(np.maximum(evidence, 0.0) * fresh) + np.minimum(np.minimum.reduce(evidence), 0.0)
    values[LOG_ODDS] = log_odds = np.minimum(values[PRIOR] + support, settings.most_log_odds)
    values[CONFIRMED][log_odds > settings.confirm_log_odds] = 1.0
