"""Sensor models: what is hidden, far or standing gives less; noise is as stated; nothing tells the truth's identity."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_sim.district.cameras import RadarPose
from lukou_sim.render.shapes import Shape
from lukou_sim.render.weather import Weather
from lukou_sim.sensors import detections, radar
from lukou_sim.sensors.connected import is_connected
from lukou_sim.world.road_users import RoadUsers, touching

CAR, BUS = ObjectClass.OBJECT_CLASS_CAR, ObjectClass.OBJECT_CLASS_BUS
POSE = RadarPose("r", 0.0, 0.0, 6.0, 0.0, math.radians(40), 5.0, 150.0)


def users(*rows: tuple[float, float, float, float, int]) -> RoadUsers:
    """x, y, yaw, speed, class."""
    count = len(rows)
    table = np.array([row[:4] for row in rows], dtype=np.float64).reshape(count, 4)
    kind = np.array([row[4] for row in rows], dtype=np.int64)
    length, width, height = (
        np.where(kind == BUS, 12.0, 4.6),
        np.where(kind == BUS, 2.5, 1.8),
        np.where(kind == BUS, 3.1, 1.5),
    )
    shape = np.where(kind == BUS, int(Shape.BUS), int(Shape.SEDAN))
    names = tuple(f"u{k}" for k in range(count))
    number = np.arange(1, count + 1)
    return RoadUsers(names, number, shape, kind, *table.T, np.zeros(count), length, width, height)


def test_a_bus_hides_the_car_behind_it() -> None:
    sensor = detections.SiteSensor("s", 0.0, 0.0)
    visible = detections.visible_to(
        sensor, users((40.0, 0.0, 1.57, 0.0, BUS), (44.0, 0.0, 1.57, 0.0, CAR), (40.0, 20.0, 0.0, 0.0, CAR))
    )
    assert visible[0] == 1.0
    assert visible[1] < 0.3
    assert visible[2] == 1.0


def test_detections_scatter_as_their_covariance_says() -> None:
    sensor = detections.SiteSensor("s", 0.0, 0.0)
    one = users((60.0, 30.0, 0.0, 10.0, CAR))
    rng = np.random.default_rng(5)
    errors = []
    for _ in range(600):
        scan = detections.scan(sensor, one, np.ones(1), rng)
        distance = np.hypot(scan.x_m - 60, scan.y_m - 30)
        if len(scan) and distance.min() < 5:
            k = int(np.argmin(distance))
            offset = np.array([scan.x_m[k] - 60, scan.y_m[k] - 30])
            variance = np.array(
                [
                    [scan.position_variance_xx_m2[k], scan.position_variance_xy_m2[k]],
                    [scan.position_variance_xy_m2[k], scan.position_variance_yy_m2[k]],
                ]
            )
            errors.append(offset @ np.linalg.solve(variance, offset))
    assert len(errors) > 550
    assert np.mean(errors) == pytest.approx(2.0, rel=0.15)  # chi-squared of two degrees of freedom
    assert not scan.has("track_id")


def test_radar_tells_the_doppler_speed_and_forgets_what_stands() -> None:
    moving, standing = users((50.0, 0.0, math.pi, 12.0, CAR)), users((50.0, 0.0, math.pi, 0.0, CAR))
    rng = np.random.default_rng(2)
    rates, returns = [], 0
    for k in range(300):
        near = [r for r, d in zip(*_sweep(moving, rng, k), strict=True) if abs(d - 48) < 3]
        rates += near
        returns += sum(abs(d - 48) < 3 for d in _sweep(standing, rng, k)[1])
    assert np.median(rates) == pytest.approx(-12.0, abs=0.1)
    assert returns < 0.05 * len(rates)  # clutter alone


def test_a_bus_gives_several_returns() -> None:
    rng = np.random.default_rng(2)
    counts = [
        [sum(abs(d - 40) < 8 for d in _sweep(users((40.0, 0.0, 0.0, 8.0, kind)), rng, k)[1]) for k in range(200)]
        for kind in (CAR, BUS)
    ]
    assert np.mean(counts[1]) > 1.8 * np.mean(counts[0])


def _sweep(who: RoadUsers, rng: np.random.Generator, number: int) -> tuple[list[float], list[float]]:
    scan = radar.sweep(POSE, who, radar.visible_to(POSE, who), 1_000_000_000, number, rng)
    return scan.range_rate_mps.tolist(), scan.range_m.tolist()


def test_contact_is_overlap_of_turned_rectangles() -> None:
    crossing = users((0.0, 0.0, 0.0, 0.0, CAR), (2.0, 1.0, 0.8, 0.0, CAR), (0.0, 5.5, 0.0, 0.0, CAR))
    assert touching(crossing.footprints(), np.column_stack([crossing.x, crossing.y])) == [(0, 1)]
    grazing = users((0.0, 0.0, 0.0, 0.0, CAR), (0.0, 1.7, 0.0, 0.0, CAR))
    centres = np.column_stack([grazing.x, grazing.y])
    assert touching(grazing.footprints(), centres) == [(0, 1)]
    assert touching(grazing.footprints(0.1), centres) == []


def test_share_of_connected_vehicles() -> None:
    share = np.mean([is_connected(f"sedan.{k}", 0.3, 1) for k in range(2000)])
    assert share == pytest.approx(0.3, abs=0.04)
    assert not is_connected("sedan.1", 0.0, 1)


def test_a_radars_mast_sways_as_a_cameras_does() -> None:
    windy = Weather(sway_deg=0.5)
    turns = [radar.swayed(POSE, windy, 0.1 * k, 7).boresight_rad - POSE.boresight_rad for k in range(300)]
    assert 0.4 < np.degrees(np.max(turns)) <= 0.5
    assert -0.5 <= np.degrees(np.min(turns)) < -0.4
    assert abs(np.degrees(np.mean(turns))) < 0.05
    assert radar.swayed(POSE, windy, 3.0, 7) == radar.swayed(POSE, windy, 3.0, 7)  # the same after a restart
    assert radar.swayed(POSE, windy, 3.0, 8) != radar.swayed(POSE, windy, 3.0, 7)
    assert radar.swayed(POSE, Weather(), 3.0, 7) is POSE


def test_what_a_swaying_radar_tells_is_turned_by_as_much() -> None:
    who = users((100.0, 0.0, math.pi, 10.0, CAR))
    told = {}
    for sway_deg in (0.0, 2.0):
        pose = radar.swayed(POSE, Weather(sway_deg=sway_deg), 1.0, 7)
        rng = np.random.default_rng(1)
        sweeps = [radar.sweep(pose, who, np.ones(1), 0, k, rng) for k in range(300)]
        near = [one.azimuth_rad[np.abs(one.range_m - 98.0) < 4.0] for one in sweeps]
        told[sway_deg] = float(np.median(np.concatenate(near))), pose.boresight_rad
    turn_rad = told[2.0][1] - told[0.0][1]
    assert abs(turn_rad) > 0.01
    assert told[2.0][0] - told[0.0][0] == pytest.approx(-turn_rad, abs=0.003)
