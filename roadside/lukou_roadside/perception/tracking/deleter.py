"""What ends a track."""

from __future__ import annotations

import numpy as np

from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints
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


PARALLEL_MPS = 3.0
"""Who differs more in velocity from another is another road user, however near. [m/s]"""


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
    numbers = (
        settings.delete_log_odds,
        settings.most_position_deviation_m**2,
        settings.standing_unmeasured_s,
        settings.most_unmeasured_s,
    )
    kept = _kept(values, tracks.time_s, numbers)
    _part_doubles(values, np.arange(len(tracks)) if touched is None else touched, kept)
    return tracks if kept.all() else tracks.take(kept.nonzero()[0])


@compiled
def _kept(values: Floats, time_s: float, numbers: tuple[float, float, float, float]) -> Booleans:
    """Who is still believed, placed, and measured lately."""
    delete_log_odds, most_variance, standing_unmeasured_s, most_unmeasured_s = numbers
    kept = np.empty(values.shape[1], np.bool_)
    for k in range(len(kept)):
        # who has only just been seen is at speed 0 for want of knowledge: that is not standing
        is_standing = values[VX, k] ** 2 + values[VY, k] ** 2 < STANDING_MPS**2
        is_standing = is_standing and values[P_UU, k] + values[P_VV, k] < KNOWN_MPS**2
        is_placed = is_standing or (values[P_XX, k] < most_variance and values[P_YY, k] < most_variance)
        patience_s = standing_unmeasured_s if is_standing else most_unmeasured_s
        is_fresh = time_s - values[MEASURED, k] < patience_s
        kept[k] = values[LOG_ODDS, k] > delete_log_odds and is_placed and is_fresh
    return kept


@compiled
def _part_doubles(values: Floats, rows: Ints, kept: Booleans) -> None:
    """Do not keep tracks that stand where a better established one stands; one of the two is among `rows`."""
    for k in rows:
        for other in range(values.shape[1]):
            near = DOUBLE_SHARE * min(values[LENGTH, k], values[LENGTH, other])
            if (
                other == k
                or abs(values[X, k] - values[X, other]) >= near
                or abs(values[Y, k] - values[Y, other]) >= near
            ):
                continue
            if (values[VX, k] - values[VX, other]) ** 2 + (values[VY, k] - values[VY, other]) ** 2 < PARALLEL_MPS**2:
                if _is_older(values, other, k):
                    kept[k] = False
                if _is_older(values, k, other):
                    kept[other] = False


@compiled
def _is_older(values: Floats, one: int, other: int) -> bool:
    """Whether one track is better established than another."""
    born, other_born = values[BORN, one], values[BORN, other]
    is_first = born < other_born or (born == other_born and one < other)
    return is_first and (values[CONFIRMED, one] > 0.5 or values[CONFIRMED, other] < 0.5)
