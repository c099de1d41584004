"""A vendor's tracks with covariances: what of them is new, list after list."""

from __future__ import annotations

import numpy as np
import pytest

from lukou_messages.objects import DetectionList
from lukou_messages.v1.sensor_pb2 import ScanSector, SensorKind
from lukou_roadside.perception.sensing import VendorMemory
from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Scan, View
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import P_UU, P_UV, P_VV, P_XX, P_XY, P_YY
from lukou_roadside.perception.vendor_filter import VendorFilter

USERS, PERIOD_S = 12, 0.1
NOISE_M, DENSITY = 0.5, 2.0
X_M, Y_M = 0.0, -150.0
COLUMNS = ("track_id", "object_class", "score", "x_m", "y_m", "position_variance_xx_m2", "position_variance_xy_m2",
           "position_variance_yy_m2")  # fmt: skip


class Traffic:
    """Cars that brake, pick up speed and turn now and then."""

    def __init__(self, rng: np.random.Generator, seconds: float) -> None:
        x, y, v, h, w = rng.uniform(-40, 40, USERS), 12.0 * np.arange(USERS) - 66.0, *np.zeros((3, USERS))
        want = rng.uniform(3.0, 12.0, USERS)
        self.states = np.empty((round(seconds / PERIOD_S), 4, USERS))
        for k in range(len(self.states)):
            self.states[k] = x, y, v * np.cos(h), v * np.sin(h)
            want = np.where(rng.random(USERS) < 0.01, rng.uniform(0.5, 13.0, USERS), want)
            w = np.where(rng.random(USERS) < 0.01, rng.uniform(-0.15, 0.15, USERS), 0.98 * w)
            v, h = v + np.clip(want - v, -0.3, 0.2), h + PERIOD_S * w
            x, y = x + PERIOD_S * v * np.cos(h), y + PERIOD_S * v * np.sin(h)


class Vendor:
    """Places, and where it has a Doppler radar velocities, through a Kalman filter of both; tells the covariance of place only."""

    def __init__(self, rng: np.random.Generator, doppler_mps: float | None = None) -> None:
        self.rng, self.doppler_mps = rng, doppler_mps
        self.state = np.zeros((2, 2, USERS))  # place and velocity, axis, car
        self.covariance = np.diag([1e4, 1e2])
        self.measured = np.zeros((2, USERS))

    def take(self, state: Floats) -> DetectionList:
        dt = PERIOD_S
        move = np.array([[1.0, dt], [0.0, 1.0]])
        noise = DENSITY * np.array([[dt**3 / 3.0, dt**2 / 2.0], [dt**2 / 2.0, dt]])
        self.state = np.einsum("ij,jak->iak", move, self.state)
        self.covariance = move @ self.covariance @ move.T + noise
        self.measured = state[:2] + self.rng.normal(0.0, NOISE_M, (2, USERS))
        self._update(0, self.measured, NOISE_M)
        if self.doppler_mps is not None:
            self._update(1, state[2:] + self.rng.normal(0.0, self.doppler_mps, (2, USERS)), self.doppler_mps)
        one = np.ones(USERS)
        return DetectionList.of(
            USERS, sensor="pole", sensor_kind=SensorKind.SENSOR_KIND_RADAR_TRACKS, sensor_x_m=X_M, sensor_y_m=Y_M,
            sectors=[ScanSector(azimuth_rad=0.0, opening_rad=6.2832, range_min_m=0.0, range_max_m=600.0)],
            track_id=np.arange(1, USERS + 1), object_class=one, score=0.8 * one,
            x_m=self.state[0, 0], y_m=self.state[0, 1],
            velocity_x_mps=self.state[1, 0], velocity_y_mps=self.state[1, 1],
            position_variance_xx_m2=self.covariance[0, 0] * one, position_variance_xy_m2=0.0 * one,
            position_variance_yy_m2=self.covariance[0, 0] * one,
        )  # fmt: skip

    def _update(self, row: int, measured: Floats, deviation: float) -> None:
        gain = self.covariance[:, row] / (self.covariance[row, row] + deviation**2)
        self.state = self.state + gain[:, None, None] * (measured - self.state[row])
        self.covariance = self.covariance - np.outer(gain, self.covariance[row])


def test_the_measurements_behind_a_filter_are_found() -> None:
    rng = np.random.default_rng(3)
    traffic, vendor, memory = Traffic(rng, 12.0), Vendor(rng), VendorMemory()
    ways, told, variances = [], [], []
    for k, state in enumerate(traffic.states):
        scan = memory.scan(vendor.take(state), 0, PERIOD_S * k, k)
        if scan.repeats > 1.0:
            assert k < 40  # soon known
            continue
        ways.append(vendor.state[0] - state[:2])
        told.append(np.array([scan.x_m, scan.y_m]) - vendor.measured)
        variances.append(scan.variance_xx)
    later = slice(20, None)
    # what is told for a measurement is nearly the one that was made, though the vendor's own places lie elsewhere
    off = np.sqrt(np.mean(np.square(told[later])))
    assert off < 0.35 * NOISE_M
    assert np.mean(variances[later]) == pytest.approx(NOISE_M**2, rel=0.25)
    assert np.sqrt(np.mean(np.square(ways[later]))) < 0.8 * NOISE_M


def test_velocities_are_evidence_of_their_own_only_where_places_do_not_explain_them() -> None:
    def variance(doppler_mps: float | None) -> float:
        rng = np.random.default_rng(4)
        traffic, vendor, memory = Traffic(rng, 10.0), Vendor(rng, doppler_mps), VendorMemory()
        for k, state in enumerate(traffic.states):
            scan = memory.scan(vendor.take(state), 0, PERIOD_S * k, k)
        assert scan.velocity_variance is not None
        return float(scan.velocity_variance.mean())

    assert variance(0.3) < 1.5
    assert variance(None) > 20.0


def test_who_is_carried_on_unseen_is_left_out_and_who_stands_is_not() -> None:
    rng = np.random.default_rng(5)
    traffic, vendor, memory = Traffic(rng, 8.0), Vendor(rng), VendorMemory()
    lists = [vendor.take(state) for state in traffic.states]
    for k, one in enumerate(lists):
        memory.scan(one, 0, PERIOD_S * k, k)
    last = lists[-1]
    columns = {
        name: np.asarray(getattr(last, name), np.float64).copy() for name in ("velocity_x_mps", "velocity_y_mps")
    }
    x, y = np.asarray(last.x_m, np.float64), np.asarray(last.y_m, np.float64)
    stands = np.hypot(*columns.values()) < 0.5
    variance, one = np.asarray(last.position_variance_xx_m2), np.ones(USERS)
    carried = DetectionList.of(
        USERS, sensor="pole", sensor_kind=SensorKind.SENSOR_KIND_RADAR_TRACKS, track_id=np.arange(1, USERS + 1),
        object_class=one, x_m=x + PERIOD_S * columns["velocity_x_mps"], y_m=y + PERIOD_S * columns["velocity_y_mps"],
        position_variance_xx_m2=variance, position_variance_xy_m2=0.0 * one, position_variance_yy_m2=variance, **columns,
    )  # fmt: skip
    assert len(memory.scan(carried, 0, PERIOD_S * len(lists), len(lists))) == int(stands.sum())


def judged(memory: VendorMemory, seed: int, camera: bool, doppler_mps: float | None) -> tuple[float, float, float]:
    """Deviation of places, and mean squared error over covariance of places and velocities."""
    rng = np.random.default_rng(seed)
    traffic, vendor = Traffic(rng, 25.0), Vendor(rng, doppler_mps)
    tracker = EventTimeTracker(TrackerSettings(registers=False))
    squared, place, velocity = [], [], []
    for k, state in enumerate(traffic.states[1:], start=1):
        tracker.add(memory.scan(vendor.take(state), 0, PERIOD_S * k, k))
        if camera:
            tracker.add(look(state, k, rng))
        values = tracker.at(PERIOD_S * k).values
        if k < 80:
            continue
        error = values[:4, :, None] - state[:, None, :]
        mine = np.hypot(error[0], error[1]).argmin(axis=1)
        x, y, u, v = error[:, np.arange(len(mine)), mine]
        squared.append(x * x + y * y)
        for found, a, b, xx, xy, yy in ((place, x, y, P_XX, P_XY, P_YY), (velocity, u, v, P_UU, P_UV, P_VV)):
            p, q, r = values[xx], values[xy], values[yy]
            found.append((r * a * a - 2.0 * q * a * b + p * b * b) / (p * r - q * q))
    return tuple(float(np.concatenate(one).mean()) for one in (squared, place, velocity))  # type: ignore[return-value]


def look(state: Floats, number: int, rng: np.random.Generator) -> Scan:
    unknown, one = np.full(USERS, np.nan), np.full(USERS, 0.16)
    x, y = state[:2] + rng.normal(0.0, 0.4, (2, USERS))
    return Scan(
        sensor=1, kind=CAMERA, time_s=PERIOD_S * number, sequence=number, x_m=x, y_m=y, variance_xx=one,
        variance_xy=0.0 * one, variance_yy=one, views=(View(X_M, Y_M, range_max_m=600.0),),
        object_class=np.ones(USERS, np.int64), score=np.full(USERS, 0.8), yaw_rad=unknown, length_m=unknown,
        width_m=unknown, range_rate_mps=unknown,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("camera", "doppler_mps", "share"), [(False, None, 1.0), (True, None, 0.95), (False, 0.3, 1.1), (True, 0.3, 0.8)]
)
def test_what_is_told_of_a_vendors_tracks_is_honest_and_no_worse_than_one_a_second(
    camera: bool, doppler_mps: float | None, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = range(10, 14)
    squared, place, velocity = np.mean([judged(VendorMemory(), one, camera, doppler_mps) for one in seeds], axis=0)
    # 95 % band of the mean of chi-squared with 2 degrees of freedom above; a vendor whose own filter expects more than happens is told too modestly
    band = 1.96 * 2.0 / np.sqrt(len(seeds) * USERS)
    assert 1.1 < place < 2.0 + band
    assert 1.1 < velocity < 2.0 + band
    monkeypatch.setattr(VendorFilter, "is_known", False)
    before, modest, _ = np.mean([judged(VendorMemory(), one, camera, doppler_mps) for one in seeds], axis=0)
    assert squared < share * before
    assert abs(place - 2.0) < abs(modest - 2.0)


def test_velocities_that_never_change_are_no_evidence_and_spoil_nothing() -> None:
    """A vendor that fills the columns with zeros."""
    rng = np.random.default_rng(6)
    traffic, vendor, memory = Traffic(rng, 10.0), Vendor(rng), VendorMemory()
    tracker, still = EventTimeTracker(TrackerSettings(registers=False)), np.zeros(USERS)
    for k, state in enumerate(traffic.states):
        one = vendor.take(state)
        columns = {name: np.asarray(getattr(one, name)) for name in COLUMNS}
        filled = DetectionList.of(
            USERS, sensor="pole", sensor_kind=SensorKind.SENSOR_KIND_RADAR_TRACKS, sectors=one.sectors,
            velocity_x_mps=still, velocity_y_mps=still, **columns,
        )  # fmt: skip
        scan = memory.scan(filled, 0, PERIOD_S * k, k)
        assert scan.velocity_variance is None
        tracker.add(scan)
    assert memory._filter.is_known
    found = tracker.at(10.0).values[:2, :, None] - state[:2, None, :]
    assert np.sort(np.hypot(*found).min(axis=0))[: USERS // 2].max() < 2.0
