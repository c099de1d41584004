"""What measurements change in the motion of their tracks; all of it in place.

Linear Kalman updates, written out for two position components, for one range rate and for several (Bar-Shalom, Li, Kirubarajan 2001, section 5.2.3).
"""

from __future__ import annotations

import math

import numpy as np

from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.scan import Floats
from lukou_roadside.perception.tracking.tracks import (
    AGILITY,
    COMPONENTS,
    LAG_V,
    LAG_X,
    LAG_Y,
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
    VX,
    VY,
)

AGILITY_GAIN = 0.15
"""How fast the noise of motion follows what surprises. (change of its logarithm per scan and unit of surprise)"""

LAG_GAIN = 0.2
"""Weight of a new innovation in the running mean."""

MOST_SURPRISE = 5.0
"""No single scan counts for more."""

LEAST_AGILITY, MOST_AGILITY = 0.15, 2.0
"""Bounds of the factor on the noise of motion of the class."""

_WITH_X, _WITH_Y = np.array([P_XX, P_XY, P_XU, P_XV, P_XA, P_XB]), np.array([P_XY, P_YY, P_YU, P_YV, P_YA, P_YB])
"""Rows of the covariance of the state with x and with y."""

_WITH_U, _WITH_V = np.array([P_XU, P_YU, P_UU, P_UV, P_UA, P_UB]), np.array([P_XV, P_YV, P_UV, P_VV, P_VA, P_VB])
"""Rows of the covariance of the state with the two components of velocity."""

_FIRST, _SECOND = np.array(COMPONENTS).T.copy()
"""Which two components of the state each row of the covariance, from P_XX on, is about."""


@compiled
def update_position(
    values: Floats, k: int, dx: float, dy: float, s_xx: float, s_xy: float, s_yy: float
) -> tuple[float, float]:
    """Kalman update of a track by a difference of position.

    Parameters
    ----------
    values : (rows, n) float array
        Of the tracks; changed.
    k : int
        The track.
    dx, dy : float
        Measured less expected position. [m]
    s_xx, s_xy, s_yy : float
        Covariance of that difference: the track's and the measurement's. [m^2]

    Returns
    -------
    float, float
        The difference whitened: each of mean 0 and variance 1 where all covariances are right.
    """
    determinant = s_xx * s_yy - s_xy * s_xy
    i_xx, i_xy, i_yy = s_yy / determinant, s_xy / determinant, s_xx / determinant
    by_x, by_y, gain_x, gain_y = np.empty(6), np.empty(6), np.empty(6), np.empty(6)
    for i in range(6):
        by_x[i], by_y[i] = values[_WITH_X[i], k], values[_WITH_Y[i], k]
        gain_x[i], gain_y[i] = by_x[i] * i_xx - by_y[i] * i_xy, by_y[i] * i_yy - by_x[i] * i_xy
        values[i, k] += gain_x[i] * dx + gain_y[i] * dy
    for c in range(len(_FIRST)):
        i, j = _FIRST[c], _SECOND[c]
        values[P_XX + c, k] -= gain_x[i] * by_x[j] + gain_y[i] * by_y[j]
    return dx / math.sqrt(s_xx), (s_xx * dy - s_xy * dx) / math.sqrt(s_xx * determinant)


@compiled
def update_range_rate(values: Floats, k: int, range_rate: float, variance: float, ux: float, uy: float) -> float:
    """Kalman update of a track by the rate of change of the distance from a radar.

    Parameters
    ----------
    values : (rows, n) float array
        Of the tracks; changed.
    k : int
        The track.
    range_rate, variance : float
        Measurement and its variance. [m/s, (m/s)^2]
    ux, uy : float
        Unit vector from the radar.

    Returns
    -------
    float
        How much faster the road user is than expected, of variance 1 where all covariances are right.
    """
    by_rate = np.empty(6)
    for i in range(6):
        by_rate[i] = values[_WITH_U[i], k] * ux + values[_WITH_V[i], k] * uy
    expected = by_rate[2] * ux + by_rate[3] * uy + variance
    radial = ux * values[VX, k] + uy * values[VY, k]
    difference = range_rate - radial
    for i in range(6):
        values[i, k] += by_rate[i] / expected * difference
    for c in range(len(_FIRST)):
        values[P_XX + c, k] -= by_rate[_FIRST[c]] / expected * by_rate[_SECOND[c]]
    return math.copysign(difference, difference * radial) / math.sqrt(expected)


@compiled
def update_velocity(values: Floats, k: int, j_xx: float, j_xy: float, j_yy: float, sum_x: float, sum_y: float) -> None:
    """Kalman update of a track by what several range rates together say of the velocity, which may be one component only.

    The information form of the measurements (Bar-Shalom, Li, Kirubarajan 2001, section 7.2.3), with no inverse of what may be singular.

    Parameters
    ----------
    values : (rows, n) float array
        Of the tracks; changed.
    k : int
        The track.
    j_xx, j_xy, j_yy : float
        Sums of u u^T / variance over the range rates, with u the unit vector from the radar. [s^2/m^2]
    sum_x, sum_y : float
        Sums of u times innovation / variance. [s/m]
    """
    uu, uv, vv = values[P_UU, k], values[P_UV, k], values[P_VV, k]
    # (1 + J P)^-1 J and (1 + J P)^-1 sums, with J the information and P the covariance of velocity
    a, b = 1.0 + j_xx * uu + j_xy * uv, j_xx * uv + j_xy * vv
    c, d = j_xy * uu + j_yy * uv, 1.0 + j_xy * uv + j_yy * vv
    determinant = a * d - b * c
    w_xx, w_xy, w_yy = (
        (d * j_xx - b * j_xy) / determinant,
        (d * j_xy - b * j_yy) / determinant,
        (a * j_yy - c * j_xy) / determinant,
    )
    by_sum_u, by_sum_v = (d * sum_x - b * sum_y) / determinant, (a * sum_y - c * sum_x) / determinant
    by_u, by_v, gain_u, gain_v = np.empty(6), np.empty(6), np.empty(6), np.empty(6)
    for i in range(6):
        by_u[i], by_v[i] = values[_WITH_U[i], k], values[_WITH_V[i], k]
        gain_u[i], gain_v[i] = w_xx * by_u[i] + w_xy * by_v[i], w_xy * by_u[i] + w_yy * by_v[i]
        values[i, k] += by_u[i] * by_sum_u + by_v[i] * by_sum_v
    for c in range(len(_FIRST)):
        i, j = _FIRST[c], _SECOND[c]
        values[P_XX + c, k] -= gain_u[i] * by_u[j] + gain_v[i] * by_v[j]


@compiled
def adapt_agility(values: Floats, k: int, white_x: float, white_y: float, surprise: float) -> None:
    """The noise of motion follows what is seen of it: who lags behind his detections manoeuvres.

    The innovations of a filter that knows the motion are white; a manoeuvre makes neighbouring ones alike long before any of them is
    large (R. Mehra, "On the Identification of Variances and Adaptive Kalman Filtering" (1970)). So their running mean is
    compared with what white ones would give.

    Parameters
    ----------
    values : (rows, n) float array
        Of the tracks; changed.
    k : int
        The track measured.
    white_x, white_y : float
        Innovations of position, whitened.
    surprise : float
        Squared innovation of the range rate over its variance; 1 where none is told.
    """
    values[LAG_X, k] += LAG_GAIN * (white_x - values[LAG_X, k])
    values[LAG_Y, k] += LAG_GAIN * (white_y - values[LAG_Y, k])
    lag2 = values[LAG_X, k] ** 2 + values[LAG_Y, k] ** 2
    measured = 0.5 * (lag2 * ((2.0 - LAG_GAIN) / LAG_GAIN / 2.0) + surprise)
    agility = values[AGILITY, k] * math.exp(AGILITY_GAIN * (min(measured, MOST_SURPRISE) - 1.0))
    values[AGILITY, k] = max(min(agility, MOST_AGILITY), LEAST_AGILITY)


@compiled
def follow_rate(values: Floats, k: int, faster: float) -> None:
    """Keep the running mean of how much faster than expected a road user is: nothing else shows as soon that somebody brakes.

    Parameters
    ----------
    values : (rows, n) float array
        Of the tracks; changed.
    k : int
        The track whose rate was told.
    faster : float
        By how much it is faster along its motion, over the deviation expected.
    """
    values[LAG_V, k] += LAG_GAIN * (faster - values[LAG_V, k])


def surprise(values: Floats) -> Floats:
    """How far innovations of range rates lean to one side, (n,): 1 on average where they are white and all covariances are right."""
    return np.asarray(values[LAG_V] ** 2 * ((2.0 - LAG_GAIN) / LAG_GAIN))
