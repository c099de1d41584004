"""Where the cameras and radars of the district stand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lukou_sim.district.layout import INTERSECTIONS, LEGS, OUTWARD, Leg
from lukou_sim.render.camera import CameraModel, look

CAMERA_DISTANCE_M = 70.0
"""Camera masts stand this far out on the watched leg and look along the traffic, into the junction. [m]"""
CAMERA_HEIGHT_M = 10.0
CAMERA_PITCH_RAD = math.radians(-18.0)
CAMERA_FOCAL_PX = 500.0
LEG_NAMES: dict[Leg, str] = {"N": "north", "E": "east", "S": "south", "W": "west"}


def cameras(intersection: str) -> tuple[CameraModel, ...]:
    """Four cameras, one per leg: on a gantry over the leg, looking at its approach and on to the half of the junction."""
    x, y = INTERSECTIONS[intersection]
    made = []
    for leg in LEGS:
        east, north = OUTWARD[leg]
        position = (x + east * CAMERA_DISTANCE_M, y + north * CAMERA_DISTANCE_M, CAMERA_HEIGHT_M)
        inward = math.atan2(-north, -east)
        made.append(look(f"camera-{LEG_NAMES[leg]}", position, inward, CAMERA_PITCH_RAD, focal_px=CAMERA_FOCAL_PX))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class RadarPose:
    """A radar in the map frame.

    Attributes
    ----------
    name : str
        Name within its site.
    x_m, y_m, z_m : float
        Where it stands. [m]
    boresight_rad : float
        Middle direction, from east. [rad]
    opening_rad : float
        Full opening angle. [rad]
    range_min_m, range_max_m : float
        Distances covered. [m]
    """

    name: str
    x_m: float
    y_m: float
    z_m: float
    boresight_rad: float
    opening_rad: float
    range_min_m: float
    range_max_m: float


def radars(intersection: str) -> tuple[RadarPose, ...]:
    """Four Doppler radars, one per leg: at the refuge of the stop line, looking out against the arriving traffic."""
    x, y = INTERSECTIONS[intersection]
    made = []
    for leg in LEGS:
        east, north = OUTWARD[leg]
        # Two metres to the right of the median as the traffic arrives: over the left-turn lane.
        place = (x + east * 17.0 - north * 2.0, y + north * 17.0 + east * 2.0)
        boresight = math.atan2(north, east)
        made.append(RadarPose(f"radar-{LEG_NAMES[leg]}", *place, 6.0, boresight, math.radians(40.0), 6.0, 150.0))
    return tuple(made)
