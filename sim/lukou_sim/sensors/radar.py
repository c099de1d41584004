"""Doppler radars: several returns per large vehicle, none of what stands, clutter, occlusion, noise, rain."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lukou_hw.radar.reading import RadarScan
from lukou_messages.v1.header_pb2 import TimeSource
from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_sim.district.cameras import RadarPose
from lukou_sim.render.weather import Weather
from lukou_sim.world.road_users import FloatArray, RoadUsers
from lukou_sim.world.visibility import in_sector, silhouette_samples, unoccluded

RANGE_DEVIATION_M = 0.25
AZIMUTH_DEVIATION_RAD = 0.012
RANGE_RATE_DEVIATION_MPS = 0.1
SLOWEST_MPS = 0.4
"""Returns slower than this along the line of sight vanish in the ground clutter. [m/s]"""
CLUTTER_PER_SCAN = 1.0
CROSS_SECTION_DBSM: dict[int, float] = {
    ObjectClass.OBJECT_CLASS_CAR: 10.0,
    ObjectClass.OBJECT_CLASS_TRUCK: 20.0,
    ObjectClass.OBJECT_CLASS_BUS: 20.0,
    ObjectClass.OBJECT_CLASS_BICYCLE: -1.0,
    ObjectClass.OBJECT_CLASS_PEDESTRIAN: -7.0,
}
MEAN_RETURNS: dict[int, float] = {
    ObjectClass.OBJECT_CLASS_CAR: 1.6,
    ObjectClass.OBJECT_CLASS_TRUCK: 3.2,
    ObjectClass.OBJECT_CLASS_BUS: 3.8,
    ObjectClass.OBJECT_CLASS_BICYCLE: 0.9,
    ObjectClass.OBJECT_CLASS_PEDESTRIAN: 0.7,
}
SENSITIVITY_DB = 52.0
"""Cross-section plus this, minus 40 log10(range / 10 m), is the margin above noise at which half is detected at 0 dB."""


RAIN_ATTENUATION = (1.1, 0.72)
"""Factor and exponent of a rain rate in mm/h that give the attenuation in dB/km, one way, near 77 GHz; ITU-R P.838-3."""
RADOME_LOSS_DB = 1.5
"""Loss of a film of water on the radome, twice passed, in strong rain. [dB]"""
RAIN_CLUTTER = (0.12, 30.0)
"""False returns per sweep and mm/h, and the range over which they thin out: rain nearby scatters back. [1, m]"""


def visible_to(pose: RadarPose, users: RoadUsers) -> FloatArray:
    """(n,) Part of each road user in the sector and not hidden, 0..1."""
    position = np.array([pose.x_m, pose.y_m, pose.z_m])
    samples = silhouette_samples(users, position)
    seen = unoccluded(users, position, samples)
    seen &= in_sector(samples, position, pose.boresight_rad, pose.opening_rad, (pose.range_min_m, pose.range_max_m))
    return np.asarray(seen.mean(axis=1))


def swayed(pose: RadarPose, weather: Weather, at_s: float, seed: int) -> RadarPose:
    """A radar as the wind holds it at an instant: it measures from there, and is taken to look where it was mounted to.

    Parameters
    ----------
    pose : RadarPose
        As mounted.
    weather : Weather
        How far masts sway, as those of cameras do.
    at_s : float
        Instant. [s]
    seed : int
        Of the phases; each mast has its own.
    """
    if weather.sway_deg == 0.0:
        return pose
    first, second = np.random.default_rng((seed, 13, zlib.crc32(pose.name.encode()))).uniform(0.0, 2.0 * np.pi, 2)
    return replace(pose, boresight_rad=pose.boresight_rad + weather.mast_turn_rad(at_s, (first, second)))


def range_rates(pose: RadarPose, users: RoadUsers) -> FloatArray:
    """(n,) Rate of change of each road user's distance. [m/s]"""
    away = np.column_stack([users.x - pose.x_m, users.y - pose.y_m])
    away /= np.maximum(np.hypot(away[:, 0], away[:, 1]), 0.1)[:, None]
    return np.asarray((away[:, 0] * np.cos(users.yaw) + away[:, 1] * np.sin(users.yaw)) * users.speed)


def sweep(
    pose: RadarPose,
    users: RoadUsers,
    visible: FloatArray,
    now_ns: int,
    sequence: int,
    rng: np.random.Generator,
    rain_mm_per_h: float = 0.0,
) -> RadarScan:
    """One sweep.

    Parameters
    ----------
    pose : RadarPose
        Which radar.
    users : RoadUsers
        Who is about.
    visible : (n,) float array
        Of `visible_to`.
    now_ns : int
        Instant, nanoseconds POSIX UTC.
    sequence : int
        Number of the sweep.
    rng : numpy Generator
        Noise.
    rain_mm_per_h : float
        Rain: weakens echoes with range and scatters back near the radar. [mm/h]
    """
    rate = range_rates(pose, users)
    distance = np.hypot(users.x - pose.x_m, users.y - pose.y_m)
    cross_section = np.array([CROSS_SECTION_DBSM.get(int(k), 5.0) for k in users.kind])
    margin = cross_section + SENSITIVITY_DB - 40 * np.log10(np.maximum(distance, 1.0) / 10.0)
    margin -= rain_loss_db(rain_mm_per_h, distance)
    chance = 1 / (1 + np.exp(-margin / 3)) * np.clip(visible / 0.4, 0, 1)
    returns = np.atleast_1d(rng.poisson(np.array([MEAN_RETURNS.get(int(k), 1.0) for k in users.kind]) * chance))
    returns[(np.abs(rate) < SLOWEST_MPS) | (visible <= 0.05)] = 0
    owner = np.repeat(np.arange(len(users)), returns)
    x, y = _reflecting_points(pose, users, owner, rng)
    away_x, away_y = x - pose.x_m, y - pose.y_m
    azimuth = np.arctan2(away_y, away_x) - pose.boresight_rad
    azimuth = (azimuth + np.pi) % (2 * np.pi) - np.pi + rng.normal(0, AZIMUTH_DEVIATION_RAD, len(owner))
    ranges = np.hypot(away_x, away_y) + rng.normal(0, RANGE_DEVIATION_M, len(owner))
    rates = rate[owner] + rng.normal(0, RANGE_RATE_DEVIATION_MPS, len(owner))
    power = cross_section[owner] + rng.normal(0, 3.0, len(owner))
    false = rng.poisson(CLUTTER_PER_SCAN)
    half = pose.opening_rad / 2
    drops = rng.poisson(RAIN_CLUTTER[0] * rain_mm_per_h) if rain_mm_per_h > 0 else 0
    drop_range = np.minimum(pose.range_min_m + rng.exponential(RAIN_CLUTTER[1], drops), pose.range_max_m)
    return RadarScan(
        pose.name,
        now_ns,
        sequence,
        _joined(ranges, rng.uniform(pose.range_min_m, pose.range_max_m, false), drop_range),
        _joined(azimuth, rng.uniform(-half, half, false), rng.uniform(-half, half, drops)),
        _joined(rates, rng.normal(0, 3.0, false), rng.normal(0, 1.2, drops)),  # drops fall across, wind drifts them
        _joined(power, rng.uniform(-12, 3, false), rng.uniform(-14, -4, drops)),
        time_source=TimeSource.TIME_SOURCE_SIMULATION,
        time_uncertainty_s=0.001,
    )


def rain_loss_db(rain_mm_per_h: float, distance: FloatArray) -> FloatArray:
    """(n,) What rain takes from an echo on the way out and back, and the water on the radome. [dB]"""
    if rain_mm_per_h <= 0:
        return np.zeros(len(distance))
    factor, exponent = RAIN_ATTENUATION
    path = factor * rain_mm_per_h**exponent * 2 * distance / 1000
    return np.asarray(path + RADOME_LOSS_DB * min(1.0, rain_mm_per_h / 10))


def _joined(*parts: FloatArray) -> NDArray[np.float32]:
    return np.concatenate(parts).astype(np.float32)


def _reflecting_points(
    pose: RadarPose, users: RoadUsers, owner: NDArray[np.int64], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Points on the outline that looks at the radar: anywhere across, within the nearer half along."""
    cos, sin = np.cos(users.yaw[owner]), np.sin(users.yaw[owner])
    towards = np.sign((pose.x_m - users.x[owner]) * cos + (pose.y_m - users.y[owner]) * sin)
    along = towards * users.length[owner] * rng.uniform(0.1, 0.5, len(owner))
    across = users.width[owner] * rng.uniform(-0.45, 0.45, len(owner))
    return users.x[owner] + cos * along - sin * across, users.y[owner] + sin * along + cos * across
