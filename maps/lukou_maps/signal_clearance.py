"""Clearance between conflicting signal groups (SAFETY invariant 5).

From the end of right of way of `i` (start of red) to the start of green of `j`::

    clearance(i, j) = max over users of i of (distance to clear + length) / speed
                    - min over users of j of distance to enter / speed

rounded up, never below the site's floor, never clipped from above. The principle is that of the German guideline RiLSA
(FGSV 2015, section 2.5, intergreen = crossing + clearing - entering time), with the crossing time covered by the yellow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lukou_maps.signal_model import GroupType


@dataclass(frozen=True)
class RoadUser:
    """How one kind of road user clears or enters.

    Attributes
    ----------
    length_m : float
        Length. [m]
    speed_mps : float
        While clearing: the slowest to be waited for; while entering: the fastest. [m/s]
    """

    length_m: float
    speed_mps: float


# Speeds: SAFETY invariant 5 (e-bike 5 m/s, bicycle 4 m/s, left turn 7 m/s, proposals), walking 1.0 m/s; a car clears
# with 10 m/s and enters, arriving at speed as green appears, with 50 km/h = 13.9 m/s. Lengths: car 5 m, bus 12 m.
CLEARING = {
    "through": (RoadUser(5.0, 10.0), RoadUser(12.0, 10.0)),
    "turn": (RoadUser(5.0, 7.0), RoadUser(12.0, 7.0)),
    "bicycle": (RoadUser(2.0, 4.0), RoadUser(2.0, 5.0)),
    "pedestrian": (RoadUser(0.0, 1.0),),
}
ENTERING = {
    "through": (RoadUser(5.0, 13.9),),
    "turn": (RoadUser(5.0, 8.0),),
    "bicycle": (RoadUser(2.0, 5.0),),
    "pedestrian": (RoadUser(0.0, 1.5),),
}


def clearance_s(
    clear_m: float,
    enter_m: float,
    clearing: tuple[RoadUser, ...],
    entering: tuple[RoadUser, ...],
    floor_s: float,
    rounding_s: float = 1.0,
) -> float:
    """Clearance from one group to a conflicting one.

    Parameters
    ----------
    clear_m : float
        From the stop line of the ending group to the end of the conflict area. Pedestrians: 0, their flashing green
        has cleared them. [m]
    enter_m : float
        From the stop line of the beginning group to the start of the conflict area. [m]
    clearing, entering : tuple of RoadUser
        Users of the ending and of the beginning group.
    floor_s : float
        Least clearance of the site. [s]
    rounding_s : float
        Rounded up to a multiple of it. [s]

    Returns
    -------
    float
        Clearance. [s]
    """
    out = max((clear_m + user.length_m) / user.speed_mps for user in clearing) if clear_m > 0 else 0.0
    into = min(enter_m / user.speed_mps for user in entering)
    steps = math.ceil((out - into) / rounding_s - 1e-9)
    return max(floor_s, round(steps * rounding_s, 1))


def pedestrian_clearance_s(length_m: float, speed_mps: float) -> float:
    """Flashing green that a crossing needs (SAFETY invariant 6), rounded up to whole seconds. [s]"""
    return float(math.ceil(length_m / speed_mps - 1e-9))


def users_of(kind: GroupType, name: str) -> str:
    """Key into `CLEARING` and `ENTERING` for a group: its type, with turning groups told by ``left`` in the name."""
    if kind in (GroupType.BICYCLE, GroupType.PEDESTRIAN):
        return str(kind)
    return "turn" if kind is GroupType.ARROW or "left" in name else "through"
