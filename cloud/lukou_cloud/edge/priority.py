"""Who will wait for whom: drivers who must give way stop where they can when somebody with right of way is coming."""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.road_users import Booleans, Floats, Ints
from lukou_cloud.edge.ways import Meetings, Ways
from lukou_maps.ragged import spread

NEAR_M = 45.0
"""Conflict areas farther ahead do not make anybody wait yet. [m]"""

FORESEEN_S = 7.0
"""Nobody waits for who comes later than this. [s]"""

BEFORE_S = 0.5
AFTER_S = 1.5
"""Gaps that drivers leave behind and before somebody with right of way (J. Brilon, R. Koenig, R. Troutbeck, "Useful estimation
procedures for critical gaps", 1999: critical gaps of some 4 s less the time to cross). [s]"""

APPROACHING_MPS = 3.0
"""Speed with which who must give way is expected to cross, at least. [m/s]"""

COMING_MPS = 1.0
"""Who is slower does not claim the right of way. [m/s]"""

LIKELY = 0.3
"""Least probability of a path for others to wait for it."""

COMMITTED_M = 1.0
"""Who is this far beyond the place to wait can only stop at the edge of the conflict area. [m]"""


def waits_at(
    ways: Ways,
    path: Ints,
    front_m: Floats,
    rear_m: Floats,
    speed_mps: Floats,
    probability: Floats,
    stops: Booleans,
    braking_mps2: float,
) -> tuple[Floats, Booleans]:
    """Where each hypothesis waits for somebody with right of way.

    Parameters
    ----------
    ways : Ways
        Paths.
    path : (h,) int array
        Path of each hypothesis, -1: none.
    front_m, rear_m : (h,) float array
        Arc lengths of front and rear now. [m]
    speed_mps : (h,) float array
        Speed now. [m/s]
    probability : (h,) float array
        Of the path.
    stops : (h,) bool array
        Stops before a light: claims nothing.
    braking_mps2 : float
        Who would have to brake harder does not wait. [m/s^2]

    Returns
    -------
    place_m : (h,) float array
        Distance of the front from where it would stop; inf: it has nobody to wait for, or cannot. [m]
    is_beyond : (h,) bool array
        It has left the place to wait behind, and could only stop in the junction.
    """
    result, beyond = np.full(len(path), np.inf), np.zeros(len(path), np.bool_)
    on = ((path >= 0) & ~stops).nonzero()[0]
    minor, duty = _along(ways.duties, path, on, front_m, rear_m)
    if len(minor) == 0:
        return result, beyond
    major, right = _along(
        ways.rights, path, on[(probability[on] > LIKELY) & (speed_mps[on] > COMING_MPS)], front_m, rear_m
    )
    if len(major) == 0:
        return result, beyond
    areas, wanted = ways.rights.area.take(right), ways.duties.area.take(duty)
    order = areas.argsort(kind="stable")
    major, right, areas = major.take(order), right.take(order), areas.take(order)
    begin = areas.searchsorted(wanted)
    count = areas.searchsorted(wanted, side="right") - begin
    pair = spread(begin, count)
    if len(pair) == 0:
        return result, beyond
    minor, duty = minor.repeat(count), duty.repeat(count)
    major, right = major.take(pair), right.take(pair)
    pace = np.maximum(speed_mps[minor], APPROACHING_MPS)
    enters, leaves = _times(ways.duties, duty, front_m[minor], rear_m[minor], pace)
    comes, goes = _times(ways.rights, right, front_m[major], rear_m[major], speed_mps[major])
    meets = (comes < leaves + AFTER_S) & (goes > enters - BEFORE_S) & (comes < FORESEEN_S)
    minor, duty = minor[meets], duty[meets]
    if len(minor) == 0:
        return result, beyond
    ahead, edge = ways.duties.wait_m[duty] - front_m[minor], ways.duties.from_m[duty] - front_m[minor]
    has_left = ahead <= -COMMITTED_M
    place = np.where(has_left, edge, np.maximum(ahead, 0.0))
    waits = (edge > 0.0) & (speed_mps[minor] ** 2 <= 2.0 * braking_mps2 * np.maximum(place, 0.3))
    np.minimum.at(result, minor[waits], place[waits])
    beyond[minor[waits & has_left]] = True
    return result, beyond


def _along(meetings: Meetings, path: Ints, rows: Ints, front_m: Floats, rear_m: Floats) -> tuple[Ints, Ints]:
    """Meetings ahead of some hypotheses: hypothesis, row of the meetings."""
    taken = path.take(rows)
    first = meetings.start.take(taken)
    count = meetings.start.take(taken + 1) - first
    entry, row = spread(first, count), rows.repeat(count)
    kept = meetings.from_m.take(entry) - front_m.take(row) < NEAR_M
    kept &= meetings.to_m.take(entry) > rear_m.take(row)
    chosen = kept.nonzero()[0]
    return row.take(chosen), entry.take(chosen)


def _times(
    meetings: Meetings, entry: Ints, front_m: Floats, rear_m: Floats, speed_mps: Floats
) -> tuple[Floats, Floats]:
    """When somebody enters and leaves a meeting at a constant speed. [s]"""
    return (meetings.from_m[entry] - front_m) / speed_mps, (meetings.to_m[entry] - rear_m) / speed_mps
