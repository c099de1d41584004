"""What returns of radars change in the motion of their tracks."""

from __future__ import annotations

import math

import numpy as np

from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.gater import Agreement
from lukou_roadside.perception.tracking.scan import Floats, Ints
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.sweeps import Sweeps
from lukou_roadside.perception.tracking.tracks import P_UU, P_UV, P_VV, P_XX, P_XY, P_YY, VX, VY, Tracks
from lukou_roadside.perception.tracking.updater import adapt_agility, follow_rate, update_position, update_velocity
from lukou_roadside.perception.tracking.visibility import UX, UY

BODY_REPEATS = 15.0
"""So many sweeps in a row see a body from the same side and tell the same error of place: those of one second."""


def update_by_returns(
    tracks: Tracks, chosen: Agreement, sweeps: Sweeps, seen: Floats, settings: TrackerSettings
) -> None:
    """Update by radar returns: those of one track in one sweep are one measurement, and those of several sweeps count together.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the sweeps; changed.
    chosen : Agreement
        Each return's track; a track may have several.
    sweeps : Sweeps
        The sweeps.
    seen : (sweeps, 5, n) float array
        How the radars see the tracks: `visibility.sights`.
    settings : TrackerSettings
        The factor on the stated covariances, and how well a range rate is known.
    """
    told = np.array([sweeps.variance_xx, sweeps.variance_xy, sweeps.variance_yy, sweeps.range_rate_mps])
    means = _means(
        len(tracks), len(sweeps.sensors), chosen.rows, chosen.detections, chosen.innovations, sweeps.sweep, told
    )
    _update(tracks.values, means, seen, settings.radar_variance_factor, settings.doppler_deviation_mps**2)


@compiled
def _means(
    tracks: int, sweeps: int, rows: Ints, detections: Ints, innovations: Floats, sweep: Ints, told: Floats
) -> Floats:
    """Means of the returns of each track in each sweep, (sweeps, tracks, 10): innovations, variances, range rate (nan: one does not tell it), and how many."""
    means = np.zeros((sweeps, tracks, 10))
    for pair in range(len(rows)):
        detection = detections[pair]
        mean = means[sweep[detection], rows[pair]]
        mean[9] += 1.0
        for number in range(5):
            mean[number] += (innovations[number, pair] - mean[number]) / mean[9]
        for number in range(4):
            mean[5 + number] += (told[number, detection] - mean[5 + number]) / mean[9]
    return means


@compiled
def _update(values: Floats, means: Floats, seen: Floats, factor: float, rate_variance: float) -> None:
    for k in range(values.shape[1]):
        sweeps = 0
        for sweep in range(len(means)):
            sweeps += means[sweep, k, 9] > 0.0
        if sweeps:
            white_x, white_y = _update_place(values, k, means, factor)
            _update_rate(values, k, means, seen, rate_variance, sweeps, white_x, white_y)


@compiled
def _update_place(values: Floats, k: int, means: Floats, factor: float) -> tuple[float, float]:
    """Update by the places that the sweeps tell, combined."""
    p_xx, p_xy, p_yy = values[P_XX, k], values[P_XY, k], values[P_YY, k]
    j_xx, j_xy, j_yy, x, y = 0.0, 0.0, 0.0, 0.0, 0.0
    for sweep in range(len(means)):
        mean = means[sweep, k]
        count = mean[9]
        if count == 0.0:
            continue
        # what is noise averages out over several returns; where on the body they come from does not, neither among them nor soon
        less = factor * (1.0 / count - BODY_REPEATS)
        r_xx = BODY_REPEATS * (mean[2] - p_xx) + less * mean[5]
        r_xy = BODY_REPEATS * (mean[3] - p_xy) + less * mean[6]
        r_yy = BODY_REPEATS * (mean[4] - p_yy) + less * mean[7]
        determinant = r_xx * r_yy - r_xy * r_xy
        i_xx, i_xy, i_yy = r_yy / determinant, -r_xy / determinant, r_xx / determinant
        j_xx, j_xy, j_yy = j_xx + i_xx, j_xy + i_xy, j_yy + i_yy
        x, y = x + i_xx * mean[0] + i_xy * mean[1], y + i_xy * mean[0] + i_yy * mean[1]
    determinant = j_xx * j_yy - j_xy * j_xy
    dx, dy = (j_yy * x - j_xy * y) / determinant, (j_xx * y - j_xy * x) / determinant
    s_xx, s_xy, s_yy = p_xx + j_yy / determinant, p_xy - j_xy / determinant, p_yy + j_xx / determinant
    return update_position(values, k, dx, dy, s_xx, s_xy, s_yy)


@compiled
def _update_rate(
    values: Floats,
    k: int,
    means: Floats,
    seen: Floats,
    rate_variance: float,
    sweeps: int,
    white_x: float,
    white_y: float,
) -> None:
    """Update by the range rates of the sweeps together; what surprises is learned from them and from the places."""
    vx, vy, uu, uv, vv = values[VX, k], values[VY, k], values[P_UU, k], values[P_UV, k], values[P_VV, k]
    j_xx, j_xy, j_yy, x, y = 0.0, 0.0, 0.0, 0.0, 0.0
    squared, faster, told = 0.0, 0.0, 0
    for sweep in range(len(means)):
        rate, count = means[sweep, k, 8], means[sweep, k, 9]
        if count == 0.0 or rate != rate:
            continue
        ux, uy = seen[sweep, UX, k], seen[sweep, UY, k]
        weight = 1.0 / (rate_variance * (0.5 + 0.5 / count))
        radial = ux * vx + uy * vy
        innovation = rate - radial
        over = weight / (1.0 + weight * (ux * ux * uu + 2.0 * ux * uy * uv + uy * uy * vv))
        squared += over * innovation * innovation
        faster += math.copysign(math.sqrt(over), radial) * innovation
        told += 1
        j_xx, j_xy, j_yy = j_xx + weight * ux * ux, j_xy + weight * ux * uy, j_yy + weight * uy * uy
        x, y = x + weight * ux * innovation, y + weight * uy * innovation
    update_velocity(values, k, j_xx, j_xy, j_yy, x, y)
    adapt_agility(values, k, white_x, white_y, squared / sweeps)
    if told:
        follow_rate(values, k, faster / math.sqrt(told))
