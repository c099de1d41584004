"""Road users as the prediction takes them: columns in double precision."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.settings import WarningSettings
from lukou_cloud.fusion.tracks import UnitTracks
from lukou_messages.v1.objects_pb2 import ObjectClass

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]

TWO_WHEELERS = (int(ObjectClass.OBJECT_CLASS_MOTORCYCLE), int(ObjectClass.OBJECT_CLASS_BICYCLE))
PEDESTRIAN = int(ObjectClass.OBJECT_CLASS_PEDESTRIAN)
BICYCLE = int(ObjectClass.OBJECT_CLASS_BICYCLE)
ANIMAL = int(ObjectClass.OBJECT_CLASS_ANIMAL)


AROUND_M = 40.0
"""A new list makes its own road users be judged, and all others this near to them. [m]"""

MOVING_MPS = 1.0
"""Faster tracked road users head where they move; of slower ones the direction of the front is told better by itself. [m/s]"""

SURE_MPS = 0.1
"""Speeds known to this are believed as they are. Of others their deviations are doubted: who has just begun to brake is seen late, and the tracked
speed is then too high by one to two of them. [m/s]"""

LAG_S = 0.1
"""Tracked speeds are those of the latest measurements, for trackers know no acceleration: they lag by at least this, by what is seen of the acceleration. Measured
at 2 to 6 m/s^2 of braking: 0.8 to 0.95 m/s too fast, of which this takes off a half. [s]"""

MOST_PICKED_UP_MPS2 = 1.8
"""Tracked road users are not believed to pick up speed faster: who is tracked at 2 m/s^2 and more does so with 1.2 to 1.9 in the mean; less is true in the
mean. [m/s^2]"""

MOST_DOUBT_MPS = 3.0
"""No speed is doubted by more, however little its list tells. [m/s]"""

LEAST_VARIANCE = 1e-4
"""No speed is known better, whatever rounding makes of covariances. [(m/s)^2]"""


X, Y, COS, SIN, SPEED, ACCELERATION, LENGTH, WIDTH, DEVIATION, SPEED_DEVIATION = range(10)
"""Rows of `RoadUsers.columns`."""

_VULNERABLE = np.isin(np.arange(256), (PEDESTRIAN, BICYCLE, ANIMAL))
_UNPROTECTED = np.isin(np.arange(256), (*TWO_WHEELERS, PEDESTRIAN, ANIMAL))


@dataclass(frozen=True, eq=False)
class RoadUsers:
    """Road users at one instant.

    Attributes
    ----------
    id : (n,) int array
        Identity.
    object_class : (n,) int array
        `lukou.v1.ObjectClass`.
    x_m, y_m : (n,) float array
        Centre of the footprint. [m]
    heading_rad : (n,) float array
        Direction of the front. [rad]
    speed_mps : (n,) float array
        Speed along the heading, not below 0. [m/s]
    acceleration_mps2 : (n,) float array
        Along the heading. [m/s^2]
    length_m, width_m : (n,) float array
        Footprint. [m]
    deviation_m : (n,) float array
        Standard deviation of the position. [m]
    speed_deviation_mps : (n,) float array
        Standard deviation of the speed. [m/s]
    is_trusted : (n,) bool array
        Sure enough to exist, and measured lately enough, to be warned of.
    """

    id: Ints
    object_class: Ints
    x_m: Floats
    y_m: Floats
    heading_rad: Floats
    speed_mps: Floats
    acceleration_mps2: Floats
    length_m: Floats
    width_m: Floats
    deviation_m: Floats
    speed_deviation_mps: Floats
    is_trusted: Booleans

    def __len__(self) -> int:
        return len(self.id)

    @cached_property
    def columns(self) -> Floats:
        """(10, n) What compiled loops take of them."""
        motion = (np.cos(self.heading_rad), np.sin(self.heading_rad), self.speed_mps, self.acceleration_mps2)
        size = (self.length_m, self.width_m, self.deviation_m, self.speed_deviation_mps)
        return np.array((self.x_m, self.y_m, *motion, *size), np.float64)

    @cached_property
    def is_vulnerable(self) -> Booleans:
        """Pedestrians, bicycles, animals."""
        return _VULNERABLE[self.object_class]

    @cached_property
    def is_two_wheeled_or_on_foot(self) -> Booleans:
        """Motorcycles, bicycles, pedestrians, animals: who makes a danger one of the vulnerable."""
        return _UNPROTECTED[self.object_class]

    def take(self, rows: Ints | Booleans) -> RoadUsers:
        """Only some rows."""
        return RoadUsers(*(getattr(self, name)[rows] for name in _COLUMNS))


@compiled
def least_speed(speed_mps: float, deviation_mps: float, deviations: float) -> float:
    """Speed of who may have begun to brake unseen, if it is overestimated by so many standard deviations. [m/s]"""
    return max(speed_mps - min(deviations * max(deviation_mps - SURE_MPS, 0.0), MOST_DOUBT_MPS), 0.0)


def speed_now(speed_mps: Floats, acceleration_mps2: Floats, deviation_mps: Floats) -> Floats:
    """Speeds of a list brought to its instant; those that are known well are believed as they are.

    Parameters
    ----------
    speed_mps, acceleration_mps2, deviation_mps : (n,) float array
        Speed and acceleration along the heading as the list tells them, and the standard deviation of the speed. [m/s, m/s^2, m/s]
    """
    later = np.maximum(speed_mps + LAG_S * acceleration_mps2, 0.0)
    return np.where(deviation_mps > SURE_MPS, later, speed_mps)


def believed(acceleration_mps2: Floats, speed_deviation_mps: Floats, object_class: Ints) -> Floats:
    """Accelerations of a list, those of tracked road users not above what they turn out to be, and none of walkers.

    A walker has his speed after one step (Y. Brenière, M. Do, "When and how does steady state gait movement induced from upright posture begin?" (1986)):
    what a tracker tells of his acceleration is noise, and a way of five seconds worked out with it is long at one moment and short at the next.

    Parameters
    ----------
    acceleration_mps2, speed_deviation_mps : (n,) float array
        Acceleration along the heading as the list tells it, and the standard deviation of the speed. [m/s^2, m/s]
    object_class : (n,) int array
        `lukou.v1.ObjectClass`.
    """
    capped = np.minimum(acceleration_mps2, MOST_PICKED_UP_MPS2)
    told = np.where(speed_deviation_mps > SURE_MPS, capped, acceleration_mps2)
    return np.where(object_class == PEDESTRIAN, 0.0, told)


_COLUMNS = tuple(column.name for column in fields(RoadUsers))


def around(users: RoadUsers, touched: Booleans) -> Booleans:
    """Road users that belong to the new lists or are near one that does."""
    if touched.all() or not touched.any():
        return touched
    x_m: Floats = users.x_m[touched]
    y_m: Floats = users.y_m[touched]
    near = (users.x_m > x_m.min() - AROUND_M) & (users.x_m < x_m.max() + AROUND_M)
    near &= (users.y_m > y_m.min() - AROUND_M) & (users.y_m < y_m.max() + AROUND_M)
    return np.asarray(near, np.bool_)


def road_users_of(tracks: UnitTracks, settings: WarningSettings) -> RoadUsers:
    """Road users as the judgement takes them.

    Parameters
    ----------
    tracks : UnitTracks
        Tracks at one instant.
    settings : WarningSettings
        Who is sure enough to be warned of.
    """
    speed = np.hypot(tracks.vx_mps, tracks.vy_mps)
    moving = speed > MOVING_MPS
    heading = np.where(moving, np.arctan2(tracks.vy_mps, tracks.vx_mps), tracks.yaw_rad)
    cos, sin = np.cos(heading), np.sin(heading)
    along = tracks.ax_mps2 * cos + tracks.ay_mps2 * sin
    # what is not known of the velocity across, mostly much more, does not change the speed
    variance = cos * cos * tracks.vxx + 2.0 * cos * sin * tracks.vxy + sin * sin * tracks.vyy
    speed_deviation = np.sqrt(np.maximum(variance, LEAST_VARIANCE))
    return RoadUsers(
        id=tracks.id,
        object_class=tracks.object_class,
        x_m=tracks.x_m,
        y_m=tracks.y_m,
        heading_rad=heading,
        speed_mps=speed_now(speed, along, speed_deviation),
        acceleration_mps2=believed(along, speed_deviation, tracks.object_class),
        length_m=tracks.length_m,
        width_m=tracks.width_m,
        deviation_m=np.sqrt(0.5 * (tracks.pxx + tracks.pyy)),
        speed_deviation_mps=speed_deviation,
        is_trusted=(tracks.existence >= settings.least_existence) & (tracks.unmeasured_s <= settings.unmeasured_s),
    )
