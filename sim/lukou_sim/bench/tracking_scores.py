"""How good tracks are against the truth, and how honest their covariances.

HOTA: J. Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking" (2021), with similarity 1 - d/4 m. IDF1: E. Ristani et
al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking" (2016), within 2 m. GOSPA: A. Rahmathullah, A.
Garcia-Fernandez, L. Svensson, "Generalized Optimal Sub-Pattern Assignment Metric" (2017), c = 4 m, p = 2, alpha = 2. NEES: Y. Bar-Shalom, X. Li,
T. Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), section 5.4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]

REACH_M = 4.0
"""Distance at which a track and a road user have nothing in common. [m]"""

IDENTITY_M = 2.0
"""Distance within which identities and velocities are compared. [m]"""

ALPHAS = np.arange(0.05, 0.99, 0.05)
"""Thresholds of similarity over which HOTA is averaged."""

INSIDE_95 = 5.991
"""95 % quantile of chi-squared with 2 degrees of freedom."""

INSIDE_99 = 9.210
"""99 % quantile of the same."""

LONGEST_LAG = 100
"""Frames over which the dependence of errors is looked at."""


@dataclass(frozen=True)
class Frame:
    """Truth and tracks of one instant.

    Attributes
    ----------
    truth, tracks : (n,), (m,) int array
        Identities, numbered from 0.
    distance_m : (n, m) float array
        Distances. [m]
    speed_error2 : (n, m) float array
        Squared differences of velocity. [m^2/s^2]
    """

    truth: NDArray[np.int64]
    tracks: NDArray[np.int64]
    distance_m: Floats
    speed_error2: Floats


def scores(frames: list[Frame]) -> dict[str, float]:
    """HOTA, IDF1 [%], GOSPA [m], errors of position and velocity (root mean square of pairs within 2 m) [m, m/s]."""
    gospa, squared = [], np.zeros(3)
    for one in frames:
        d = one.distance_m
        rows, columns = linear_sum_assignment(np.minimum(d, REACH_M) ** 2)
        near = d[rows, columns] < REACH_M
        unpaired = d.shape[0] + d.shape[1] - 2 * int(near.sum())
        gospa.append(math.sqrt(float((d[rows, columns][near] ** 2).sum()) + REACH_M**2 / 2.0 * unpaired))
        close = d[rows, columns] < IDENTITY_M
        rows, columns = rows[close], columns[close]
        squared += len(rows), (d[rows, columns] ** 2).sum(), one.speed_error2[rows, columns].sum()
    return {
        "hota": round(_hota(frames), 2),
        "idf1": round(_idf1(frames), 2),
        "gospa_m": round(float(np.mean(gospa)), 2),
        "position_rmse_m": round(math.sqrt(squared[1] / max(squared[0], 1.0)), 3),
        "velocity_rmse_mps": round(math.sqrt(squared[2] / max(squared[0], 1.0)), 3),
    }


def _sizes(frames: list[Frame]) -> tuple[Floats, Floats]:
    """Frames in which each true and each tracked identity occurs."""
    truth = np.concatenate([one.truth for one in frames])
    tracks = np.concatenate([one.tracks for one in frames])
    return np.bincount(truth).astype(float), np.bincount(tracks, minlength=1).astype(float)


def _hota(frames: list[Frame]) -> float:
    of_truth, of_tracks = _sizes(frames)
    together = np.zeros((len(of_truth), len(of_tracks)))
    similar = [np.maximum(0.0, 1.0 - one.distance_m / REACH_M) for one in frames]
    for one, s in zip(frames, similar, strict=True):
        share = s.sum(axis=0)[None, :] + s.sum(axis=1)[:, None] - s
        together[one.truth[:, None], one.tracks[None, :]] += np.where(share > 1e-9, s / np.maximum(share, 1e-9), 0.0)
    aligned = together / np.maximum(of_truth[:, None] + of_tracks[None, :] - together, 1e-9)
    matched = np.zeros((len(ALPHAS), *together.shape))
    for one, s in zip(frames, similar, strict=True):
        rows, columns = linear_sum_assignment(-aligned[one.truth[:, None], one.tracks[None, :]] * s)
        for k, alpha in enumerate(ALPHAS):
            good = s[rows, columns] >= alpha - 1e-12
            matched[k, one.truth[rows[good]], one.tracks[columns[good]]] += 1.0
    found = matched.sum(axis=(1, 2))
    detected = found / (of_truth.sum() + of_tracks.sum() - found)
    union = np.maximum(of_truth[None, :, None] + of_tracks[None, None, :] - matched, 1.0)
    associated = (matched * matched / union).sum(axis=(1, 2)) / np.maximum(found, 1.0)
    return 100.0 * float(np.sqrt(detected * associated).mean())


def _idf1(frames: list[Frame]) -> float:
    of_truth, of_tracks = _sizes(frames)
    together = np.zeros((len(of_truth), len(of_tracks)))
    for one in frames:
        rows, columns = np.nonzero(one.distance_m <= IDENTITY_M)
        together[one.truth[rows], one.tracks[columns]] += 1.0
    rows, columns = linear_sum_assignment(-together)
    return 100.0 * 2.0 * float(together[rows, columns].sum()) / float(of_truth.sum() + of_tracks.sum())


def consistency(of: NDArray[np.int64], frame: NDArray[np.int64], error2: Floats) -> dict[str, float | list[float]]:
    """Whether errors are as large as the covariances say.

    Errors of one road user in neighbouring frames are not independent, so a run holds far fewer samples than frames. The band is the usual one
    of the average NEES over independent runs (chi-squared with 2 degrees of freedom over their number), with each road user taken for one
    run, as if looked at once. As many samples as the autocorrelation leaves are told beside it: their band would be narrower, but they share
    what all sensors of a site are off by, so it would boast.

    Parameters
    ----------
    of : (n,) int array
        Road user of each sample.
    frame : (n,) int array
        Its frame.
    error2 : (n,) float array
        Squared error over covariance, of two components.
    """
    order = np.lexsort((frame, of))
    of, frame, error2 = of[order], frame[order], error2[order]
    deviation = np.minimum(error2, 20.0) - np.minimum(error2, 20.0).mean()
    variance, time = float((deviation**2).mean()), 1.0
    for lag in range(1, LONGEST_LAG):
        same = (of[lag:] == of[:-lag]) & (frame[lag:] == frame[:-lag] + lag)
        if same.sum() < 100:
            break
        correlation = float((deviation[lag:][same] * deviation[:-lag][same]).mean()) / max(variance, 1e-12)
        if correlation < 0.05:
            break
        time += 2.0 * correlation
    independent = max(len(error2) / time, 1.0)
    runs = len(np.unique(of))
    half = 1.96 * 2.0 / math.sqrt(runs)
    return {
        "nees": round(float(error2.mean()), 2),
        "nees_band": [round(2.0 - half, 2), round(2.0 + half, 2)],
        "inside_95": round(float((error2 < INSIDE_95).mean()), 3),
        "inside_99": round(float((error2 < INSIDE_99).mean()), 3),
        "road_users": runs,
        "independent_samples": round(independent),
    }
