"""Robust least squares with priors: Levenberg-Marquardt on reweighted residuals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lukou_roadside.calibration.parameters import STEPS
from lukou_roadside.perception.tracking.scan import Floats

CAUCHY = 2.385
"""Residual, in standard deviations, at which the weight is one half: 95 % efficiency on normal errors (R. Holland, R. Welsch 1977)."""

FAR = 1e3
"""Residual of what cannot be compared (behind the camera, outside of the lens), in standard deviations."""

Residuals = Callable[[Floats], Floats]
"""(n, k) residuals in standard deviations at a parameter vector; rows are judged as a whole."""


@dataclass(frozen=True, slots=True)
class Solution:
    """What was found.

    Attributes
    ----------
    vector : (p,) float array
        Parameters.
    covariance : (p, p) float array
        Theirs; zero for fixed ones.
    weights : (n,) float array
        Of the rows, 0 to 1; below one half: an outlier.
    cost : float
        Sum of the Cauchy losses and of the prior.
    scale : float
        Standard deviation of the residuals over what was expected.
    """

    vector: Floats
    covariance: Floats
    weights: Floats
    cost: float
    scale: float


def solve(
    residuals: Residuals,
    start: Floats,
    prior_deviation: Floats,
    *,
    prior: Floats | None = None,
    rows_per_observation: float = 1.0,
    iterations: int = 40,
) -> Solution:
    """Most likely parameters under Cauchy errors and a normal prior about the start.

    K. Levenberg (1944), D. Marquardt (1963); weights by iterative reweighting, P. Huber, "Robust Statistics" (1981), section 7.8.

    Parameters
    ----------
    residuals : callable
        Residuals.
    start : (p,) float array
        Where to begin.
    prior_deviation : (p,) float array
        Standard deviation of the prior; 0: the parameter is fixed, inf: it is free.
    prior : (p,) float array, optional
        The prior's mean; the start if not given.
    rows_per_observation : float
        So many rows share one error; counted into the covariance.
    iterations : int
        Steps at most.
    """
    free = np.flatnonzero(prior_deviation > 0)
    information = np.where(np.isinf(prior_deviation[free]), 0.0, 1.0 / prior_deviation[free] ** 2)
    vector, damping = start.copy(), 1e-3
    mean = start if prior is None else prior
    rows = _judged(residuals(vector))
    cost = _cost(rows) / rows_per_observation + _prior(vector - mean, free, information)
    for _ in range(iterations):
        jacobian = _jacobian(residuals, vector, free, rows)
        weights = _weights(rows) / rows_per_observation
        normal = np.einsum("nkp,n,nkq->pq", jacobian, weights, jacobian) + np.diag(information)
        slope = np.einsum("nkp,n,nk->p", jacobian, weights, rows) + information * (vector - mean)[free]
        improved = False
        for _ in range(8):
            change = _solved(normal + damping * np.diag(np.maximum(np.diag(normal), 1e-12)), slope)
            tried = vector.copy()
            tried[free] -= change
            tried_rows = _judged(residuals(tried))
            tried_cost = _cost(tried_rows) / rows_per_observation + _prior(tried - mean, free, information)
            if tried_cost < cost:
                improved = cost - tried_cost > 1e-9 * (1.0 + cost)
                vector, rows, cost, damping = tried, tried_rows, tried_cost, max(damping * 0.2, 1e-9)
                break
            damping *= 6.0
        if not improved:
            break
    return _solution(residuals, vector, free, information, rows, cost, rows_per_observation)


def _solution(
    residuals: Residuals,
    vector: Floats,
    free: np.ndarray,
    information: Floats,
    rows: Floats,
    cost: float,
    rows_per_observation: float,
) -> Solution:
    weights = _weights(rows)
    jacobian = _jacobian(residuals, vector, free, rows)
    used = float(weights.sum()) * rows.shape[1] / rows_per_observation
    spare = max(used - float((information == 0).sum()), 1.0)
    scale = float(np.sqrt((weights[:, None] * rows**2).sum() / rows_per_observation / spare))
    normal = np.einsum("nkp,n,nkq->pq", jacobian, weights, jacobian) / rows_per_observation / max(1.0, scale**2)
    covariance = np.zeros((len(vector), len(vector)))
    covariance[np.ix_(free, free)] = np.linalg.pinv(normal + np.diag(information), rcond=1e-15, hermitian=True)
    return Solution(vector, covariance, weights, cost, scale)


def _judged(rows: Floats) -> Floats:
    return np.clip(np.nan_to_num(rows, nan=FAR, posinf=FAR, neginf=-FAR), -FAR, FAR)


def _weights(rows: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + (rows**2).sum(axis=1) / CAUCHY**2))


def _cost(rows: Floats) -> float:
    return float(0.5 * CAUCHY**2 * np.log1p((rows**2).sum(axis=1) / CAUCHY**2).sum())


def _prior(off: Floats, free: np.ndarray, information: Floats) -> float:
    return float(0.5 * (information * off[free] ** 2).sum())


def _jacobian(residuals: Residuals, vector: Floats, free: np.ndarray, rows: Floats) -> Floats:
    jacobian = np.empty((*rows.shape, len(free)))
    for column, k in enumerate(free):
        moved = vector.copy()
        moved[k] += STEPS[k]
        jacobian[..., column] = (_judged(residuals(moved)) - rows) / STEPS[k]
    # where a row is beyond judging it pulls nowhere
    jacobian[(np.abs(rows) >= FAR).any(axis=1) | (np.abs(jacobian) > 1e9).any(axis=(1, 2))] = 0.0
    return jacobian


def _solved(normal: Floats, slope: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(normal, slope, rcond=None)[0])
