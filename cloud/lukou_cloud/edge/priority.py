"""Who will wait for whom: drivers who must give way stop where they can when somebody with right of way is coming."""

from __future__ import annotations

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.road_users import Booleans, Floats, Ints
from lukou_cloud.edge.ways import Meetings

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


@compiled
def waits_at(
    path: Ints,
    front_m: Floats,
    rear_m: Floats,
    speed_mps: Floats,
    probability: Floats,
    stops: Booleans,
    duties: Meetings,
    rights: Meetings,
    areas: int,
    braking_mps2: float,
) -> tuple[Floats, Booleans]:
    """Where each hypothesis waits for somebody with right of way; who has it in a conflict area is found by lists chained through its entries.

    Parameters
    ----------
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
    duties, rights : Meetings
        Of `Ways`.
    areas : int
        How many conflict areas there are.
    braking_mps2 : float
        Who would have to brake harder does not wait. [m/s^2]

    Returns
    -------
    place_m : (h,) float array
        Distance of the front from where it would stop; inf: it has nobody to wait for, or cannot. [m]
    is_beyond : (h,) bool array
        It has left the place to wait behind, and could only stop in the junction.
    """
    duty_start, duty_area, wait_m, from_m, to_m = duties
    right_start, right_area, _, begins_m, ends_m = rights
    count = len(path)
    result, beyond = np.full(count, np.inf), np.zeros(count, np.bool_)
    latest = np.full(areas, -1)
    most = 0
    for k in range(count):
        if path[k] >= 0:
            most += right_start[path[k] + 1] - right_start[path[k]]
    entry_of, row_of, before = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    found = 0
    for k in range(count):
        if path[k] < 0 or stops[k] or not (probability[k] > LIKELY and speed_mps[k] > COMING_MPS):
            continue
        for entry in range(right_start[path[k]], right_start[path[k] + 1]):
            if begins_m[entry] - front_m[k] < NEAR_M and ends_m[entry] > rear_m[k]:
                before[found], entry_of[found], row_of[found] = latest[right_area[entry]], entry, k
                latest[right_area[entry]] = found
                found += 1
    if found == 0:
        return result, beyond
    for k in range(count):
        if path[k] < 0 or stops[k]:
            continue
        pace = max(speed_mps[k], APPROACHING_MPS)
        for duty in range(duty_start[path[k]], duty_start[path[k] + 1]):
            if not (from_m[duty] - front_m[k] < NEAR_M and to_m[duty] > rear_m[k]):
                continue
            enters_s, leaves_s = (from_m[duty] - front_m[k]) / pace, (to_m[duty] - rear_m[k]) / pace
            ahead, edge = wait_m[duty] - front_m[k], from_m[duty] - front_m[k]
            has_left = ahead <= -COMMITTED_M
            place = edge if has_left else max(ahead, 0.0)
            if not (edge > 0.0 and speed_mps[k] * speed_mps[k] <= 2.0 * braking_mps2 * max(place, 0.3)):
                continue
            number = latest[duty_area[duty]]
            while number >= 0:
                other, right = row_of[number], entry_of[number]
                comes_s = (begins_m[right] - front_m[other]) / speed_mps[other]
                goes_s = (ends_m[right] - rear_m[other]) / speed_mps[other]
                if comes_s < leaves_s + AFTER_S and goes_s > enters_s - BEFORE_S and comes_s < FORESEEN_S:
                    result[k] = min(result[k], place)
                    beyond[k] |= has_left
                    break
                number = before[number]
    return result, beyond
