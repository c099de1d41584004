"""Sensor model for intersections without cameras: what two all-round sensors of a vendor would detect.

Noise grows with range, small and half-hidden road users are missed more often, clutter appears, classes are confused; a
detection carries its covariance but nothing of the truth's identity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_messages.objects import DetectionList
from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_messages.v1.sensor_pb2 import ScanSector, SensorKind
from lukou_sim.district.layout import INTERSECTIONS
from lukou_sim.render.weather import CLEAR, Weather
from lukou_sim.world.road_users import FloatArray, RoadUsers
from lukou_sim.world.visibility import in_sector, silhouette_samples, unoccluded

CORNER_M = 21.0
HEIGHT_M = 8.0
RANGE_M = (2.0, 130.0)
RANGE_DEVIATION_M = (0.25, 0.003)
"""Standard deviation of range: constant, and per metre of range. [m, 1]"""
AZIMUTH_DEVIATION_RAD = 0.006
RANGE_RATE_DEVIATION_MPS = 0.15
CLUTTER_PER_SCAN = 0.4
DETECTION_AT_ZERO: dict[int, float] = {
    ObjectClass.OBJECT_CLASS_CAR: 0.985,
    ObjectClass.OBJECT_CLASS_TRUCK: 0.99,
    ObjectClass.OBJECT_CLASS_BUS: 0.99,
    ObjectClass.OBJECT_CLASS_BICYCLE: 0.96,
    ObjectClass.OBJECT_CLASS_PEDESTRIAN: 0.94,
}
FADE_M: dict[int, float] = {
    ObjectClass.OBJECT_CLASS_CAR: 400.0,
    ObjectClass.OBJECT_CLASS_TRUCK: 500.0,
    ObjectClass.OBJECT_CLASS_BUS: 500.0,
    ObjectClass.OBJECT_CLASS_BICYCLE: 220.0,
    ObjectClass.OBJECT_CLASS_PEDESTRIAN: 160.0,
}
"""Range at which the probability of detection has fallen to zero, quadratically. [m]"""
MIN_VISIBLE = 0.2
CONFUSED_SHARE = 0.04
_CONFUSION: dict[int, int] = {
    ObjectClass.OBJECT_CLASS_CAR: ObjectClass.OBJECT_CLASS_TRUCK,
    ObjectClass.OBJECT_CLASS_TRUCK: ObjectClass.OBJECT_CLASS_BUS,
    ObjectClass.OBJECT_CLASS_BUS: ObjectClass.OBJECT_CLASS_TRUCK,
    ObjectClass.OBJECT_CLASS_BICYCLE: ObjectClass.OBJECT_CLASS_PEDESTRIAN,
    ObjectClass.OBJECT_CLASS_PEDESTRIAN: ObjectClass.OBJECT_CLASS_BICYCLE,
}


@dataclass(frozen=True, slots=True)
class SiteSensor:
    """An all-round sensor at a corner."""

    name: str
    x_m: float
    y_m: float

    @property
    def position(self) -> FloatArray:
        """(3,) Where it hangs. [m]"""
        return np.array([self.x_m, self.y_m, HEIGHT_M])


def site_sensors(site: str) -> tuple[SiteSensor, ...]:
    """The two sensors of an intersection, at opposite corners."""
    x, y = INTERSECTIONS[site]
    return (
        SiteSensor("sensor-northeast", x + CORNER_M, y + CORNER_M),
        SiteSensor("sensor-southwest", x - CORNER_M, y - CORNER_M),
    )


def visible_to(sensor: SiteSensor, users: RoadUsers) -> FloatArray:
    """(n,) Visible part of each road user, 0..1."""
    samples = silhouette_samples(users, sensor.position)
    seen = unoccluded(users, sensor.position, samples)
    seen &= in_sector(samples, sensor.position, 0.0, 2 * math.pi, RANGE_M)
    return np.asarray(seen.mean(axis=1))


def scan(
    sensor: SiteSensor, users: RoadUsers, visible: FloatArray, rng: np.random.Generator, weather: Weather = CLEAR
) -> DetectionList:
    """One scan.

    Parameters
    ----------
    sensor : SiteSensor
        Who looks.
    users : RoadUsers
        Who is about, those beyond sight included.
    visible : (n,) float array
        Of `visible_to`.
    rng : numpy Generator
        Noise.
    weather : Weather
        Fog, rain and darkness shorten the sight.
    """
    away_x, away_y = users.x - sensor.x_m, users.y - sensor.y_m
    distance = np.hypot(away_x, away_y)
    base = np.array([DETECTION_AT_ZERO.get(int(k), 0.9) for k in users.kind])
    fade = np.array([FADE_M.get(int(k), 300.0) for k in users.kind])
    fade = fade * sight(weather)
    chance = base * np.clip(1 - (distance / fade) ** 2, 0, 1) * np.clip((visible - 0.1) / 0.3, 0, 1)
    found = np.flatnonzero((rng.random(len(users)) < chance) & (visible >= MIN_VISIBLE))
    clutter = rng.poisson(CLUTTER_PER_SCAN)
    deviation = RANGE_DEVIATION_M[0] + RANGE_DEVIATION_M[1] * distance[found]
    measured_range = distance[found] + rng.normal(0, 1, len(found)) * deviation
    measured_azimuth = np.arctan2(away_y, away_x)[found] + rng.normal(0, AZIMUTH_DEVIATION_RAD, len(found))
    radial = (np.cos(users.yaw) * away_x + np.sin(users.yaw) * away_y) / np.maximum(distance, 0.1) * users.speed
    rate = radial[found] + rng.normal(0, RANGE_RATE_DEVIATION_MPS, len(found))
    kind = users.kind[found].copy()
    confused = rng.random(len(found)) < CONFUSED_SHARE
    kind[confused] = [_CONFUSION.get(int(k), k) for k in kind[confused]]
    size = np.column_stack([users.length, users.width, users.height])[found]
    size = size * rng.normal(1, 0.06, size.shape)
    score = np.clip(0.55 + 0.4 * visible[found] + rng.normal(0, 0.06, len(found)), 0.3, 0.99)
    ghost = _clutter(clutter, rng)
    ranges, azimuths = np.append(measured_range, ghost[0]), np.append(measured_azimuth, ghost[1])
    variance = _covariance(ranges, azimuths)
    return DetectionList.of(
        len(ranges),
        sensor=sensor.name,
        sensor_kind=SensorKind.SENSOR_KIND_FUSED,
        sensor_x_m=sensor.x_m,
        sensor_y_m=sensor.y_m,
        sectors=[ScanSector(azimuth_rad=0.0, opening_rad=2 * math.pi, range_min_m=RANGE_M[0], range_max_m=RANGE_M[1])],
        object_class=np.append(kind, ghost[2]).astype(np.uint32),
        score=np.append(score, ghost[3]),
        x_m=sensor.x_m + ranges * np.cos(azimuths),
        y_m=sensor.y_m + ranges * np.sin(azimuths),
        position_variance_xx_m2=variance[0],
        position_variance_xy_m2=variance[1],
        position_variance_yy_m2=variance[2],
        range_m=ranges,
        azimuth_rad=azimuths,
        range_rate_mps=np.append(rate, ghost[4]),
        length_m=np.append(size[:, 0], np.full(clutter, 1.5)),
        width_m=np.append(size[:, 1], np.full(clutter, 1.0)),
        height_m=np.append(size[:, 2], np.full(clutter, 1.2)),
    )


def sight(weather: Weather) -> float:
    """Factor on the range at which detections fade, 0..1.

    These sensors are camera and radar in one: half of the sight goes with the light, half with the radar's.
    """
    optical = (1 - 0.35 * weather.darkness) / (1 + 60.0 * weather.extinction_per_m)
    radio = 1 / (1 + 0.01 * weather.rain_mm_per_h)
    return float(0.5 * optical + 0.5 * radio)


def _clutter(count: int, rng: np.random.Generator) -> tuple[FloatArray, ...]:
    """Range, azimuth, class, score and range rate of false detections."""
    return (
        rng.uniform(*RANGE_M, count),
        rng.uniform(-np.pi, np.pi, count),
        rng.choice([1, 5, 6], count).astype(np.float64),
        rng.uniform(0.3, 0.7, count),
        rng.normal(0, 2.0, count),
    )


def _covariance(ranges: FloatArray, azimuths: NDArray[np.float64]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """xx, xy, yy of positions measured by range and azimuth. [m^2]"""
    along = (RANGE_DEVIATION_M[0] + RANGE_DEVIATION_M[1] * ranges) ** 2
    across = (ranges * AZIMUTH_DEVIATION_RAD) ** 2 + 0.05**2
    cos, sin = np.cos(azimuths), np.sin(azimuths)
    return along * cos**2 + across * sin**2, (along - across) * cos * sin, along * sin**2 + across * cos**2
