"""Covariance intersection: one estimate of two whose errors may be the same.

S. Julier, J. Uhlmann, "A Non-divergent Estimation Algorithm in the Presence of Unknown Correlations", 1997.
"""

from __future__ import annotations

from lukou_cloud.fusion.tracks import ESTIMATES, UnitTracks


def intersect(result: UnitTracks, row: int, others: UnitTracks, other: int) -> None:
    """Covariance intersection of one more track into one row.

    Whether somebody exists is as sure as the surer of both is: what both have seen may be the same, too.
    """
    for rows in ESTIMATES:
        result.values[rows, row] = intersection(result.values[rows, row].tolist(), others.values[rows, other].tolist())
    result.existence[row] = max(result.existence[row], others.existence[other])
    result.age_s[row] = max(result.age_s[row], others.age_s[other])


def intersection(a: list[float], b: list[float]) -> list[float]:
    """Covariance intersection of two estimates of one point.

    Parameters
    ----------
    a, b : list of float
        x, y, variance xx, xy, yy; the variances positive definite.

    Returns
    -------
    list of float
        The same of the intersection; the weight is that of the smaller trace (W. Niehsen, "Information fusion based on
        fast covariance intersection filtering", 2002).
    """
    trace_a, trace_b = a[2] + a[4], b[2] + b[4]
    weight = trace_b / (trace_a + trace_b)
    ia, ib = _inverse(a[2], a[3], a[4]), _inverse(b[2], b[3], b[4])
    ixx, ixy, iyy = (weight * one + (1.0 - weight) * two for one, two in zip(ia, ib, strict=True))
    xx, xy, yy = _inverse(ixx, ixy, iyy)
    ux = weight * (ia[0] * a[0] + ia[1] * a[1]) + (1.0 - weight) * (ib[0] * b[0] + ib[1] * b[1])
    uy = weight * (ia[1] * a[0] + ia[2] * a[1]) + (1.0 - weight) * (ib[1] * b[0] + ib[2] * b[1])
    return [xx * ux + xy * uy, xy * ux + yy * uy, xx, xy, yy]


def _inverse(xx: float, xy: float, yy: float) -> tuple[float, float, float]:
    determinant = xx * yy - xy * xy  # positive: `unit_tracks` sees to it, and sums and mixtures keep it so
    return yy / determinant, -xy / determinant, xx / determinant
