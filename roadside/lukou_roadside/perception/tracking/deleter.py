"""What ends a track."""

from __future__ import annotations

import numpy as np

from lukou_roadside.perception.tracking.scan import Booleans
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import Tracks

STANDING_MPS = 0.7
"""Below this speed a road user is taken to stand. [m/s]"""

DOUBLE_SHARE = 0.35
"""Two tracks nearer than this share of the shorter one's length are one road user."""


def survivors(tracks: Tracks, settings: TrackerSettings) -> Tracks:
    """Tracks without those that are no longer believed, lost, or doubles of an older one."""
    spread = np.maximum(tracks.covariance[:, 0, 0], tracks.covariance[:, 1, 1])
    standing = np.hypot(tracks.state[:, 2], tracks.state[:, 3]) < STANDING_MPS
    patience = np.where(standing, settings.standing_unmeasured_s, settings.most_unmeasured_s)
    kept = tracks.log_odds > settings.delete_log_odds
    kept &= (spread < settings.most_position_deviation_m**2) | standing
    kept &= tracks.time_s - tracks.measured_s < patience
    kept &= ~_doubles(tracks)
    return tracks if kept.all() else tracks.take(kept)


def _doubles(tracks: Tracks) -> Booleans:
    """Tracks that stand where a better established one stands."""
    if len(tracks) < 2:
        return np.zeros(len(tracks), np.bool_)
    x_m, y_m = tracks.state[:, 0], tracks.state[:, 1]
    near = np.minimum(tracks.length_m[:, None], tracks.length_m[None, :]) * DOUBLE_SHARE
    close = np.abs(x_m[:, None] - x_m[None, :]) < near
    close &= np.abs(y_m[:, None] - y_m[None, :]) < near
    np.fill_diagonal(close, False)
    if not close.any():
        return np.zeros(len(tracks), np.bool_)
    first, second = np.nonzero(close)
    parallel = np.hypot(*(tracks.state[first, 2:] - tracks.state[second, 2:]).T) < 3.0
    older = (tracks.born_s[second] < tracks.born_s[first]) | (
        (tracks.born_s[second] == tracks.born_s[first]) & (second < first)
    )
    older &= tracks.is_confirmed[second] | ~tracks.is_confirmed[first]
    doubled = np.zeros(len(tracks), np.bool_)
    doubled[first[parallel & older]] = True
    return doubled
