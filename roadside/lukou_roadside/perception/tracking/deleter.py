"""What ends a track."""

from __future__ import annotations

import numpy as np

from lukou_roadside.perception.tracking.scan import Floats, Ints
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import (
    BORN,
    CONFIRMED,
    LENGTH,
    LOG_ODDS,
    MEASURED,
    P_UU,
    P_VV,
    P_XX,
    P_YY,
    VX,
    VY,
    Tracks,
    X,
    Y,
)

STANDING_MPS = 0.7
"""Below this speed a road user is taken to stand. [m/s]"""

KNOWN_MPS = 2.0
"""A velocity of larger standard deviation is not known. [m/s]"""

DOUBLE_SHARE = 0.35
"""Two tracks nearer than this share of the shorter one's length are one road user."""


def survivors(tracks: Tracks, settings: TrackerSettings, touched: Ints | None = None) -> Tracks:
    """Tracks without those that are no longer believed, lost, or doubles of an older one.

    Parameters
    ----------
    tracks : Tracks
        Tracks.
    settings : TrackerSettings
        When a track ends.
    touched : (k,) int array, optional
        Only among these and between them and others there can be doubles; all, if not given.
    """
    values = tracks.values
    # who has only just been seen is at speed 0 for want of knowledge: that is not standing
    standing = (np.hypot(values[VX], values[VY]) < STANDING_MPS) & (values[P_UU] + values[P_VV] < KNOWN_MPS**2)
    kept = values[LOG_ODDS] > settings.delete_log_odds
    kept &= standing | (np.maximum(values[P_XX], values[P_YY]) < settings.most_position_deviation_m**2)
    patience = np.where(standing, settings.standing_unmeasured_s, settings.most_unmeasured_s)
    kept &= tracks.time_s - values[MEASURED] < patience
    if len(tracks) > 1:
        kept[_doubles(values, np.arange(len(tracks)) if touched is None else touched)] = False
    return tracks if kept.all() else tracks.take(kept.nonzero()[0])


def _doubles(values: Floats, rows: Ints) -> Ints:
    """Tracks that stand where a better established one stands; one of the two is among `rows`."""
    x_m, y_m, half = values[X], values[Y], values[LENGTH] * DOUBLE_SHARE
    near = np.minimum(half[rows][:, None], half)
    close = np.abs(x_m[rows][:, None] - x_m) < near
    close &= np.abs(y_m[rows][:, None] - y_m) < near
    close[np.arange(len(rows)), rows] = False
    first, second = close.nonzero()
    if len(first) == 0:
        return np.zeros(0, np.int64)
    first, second = np.concatenate([rows[first], second]), np.concatenate([second, rows[first]])
    parallel = np.hypot(values[VX][first] - values[VX][second], values[VY][first] - values[VY][second]) < 3.0
    born, confirmed = values[BORN], values[CONFIRMED]
    older = (born[second] < born[first]) | ((born[second] == born[first]) & (second < first))
    older &= (confirmed[second] > 0.5) | (confirmed[first] < 0.5)
    return np.asarray(first[parallel & older])
