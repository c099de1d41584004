"""The tracker as a whole: what it publishes is as far from the truth as its covariances say, whoever moves and however his sensors stand.

Errors of place that a sensor repeats at every look are drawn once a site, so eight sites with a few places each are looked at, not one for long.
"""

from __future__ import annotations

import numpy as np
import pytest

from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.registration import PRIOR_DEVIATION
from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Scan, View
from lukou_roadside.perception.tracking.tracks import P_UU, P_UV, P_VV, P_XX, P_XY, P_YY

SITES, SECONDS, SETTLED_S = 8, 20.0, 6.0
USERS, SENSORS = 10, 4
MAST_M, NOISE_M = 45.0, 0.3
CHEATING = 4.0
"""Told this factor too small a variance, the tracker must be seen to boast."""


class Street:
    """Road users on circles who brake and pick up speed now and then."""

    def __init__(self, rng: np.random.Generator) -> None:
        count = round(SECONDS * 100) + 1
        radius, way = 14.0 + 4.0 * np.arange(USERS), np.where(np.arange(USERS) % 2, 1.0, -1.0)
        speed, want, angle = np.full(USERS, 6.0), rng.uniform(2.0, 9.0, USERS), rng.uniform(-np.pi, np.pi, USERS)
        self.states = np.empty((count, 4, USERS))
        for k in range(count):
            cos, sin = np.cos(angle), np.sin(angle)
            self.states[k] = radius * cos, radius * sin, -way * speed * sin, way * speed * cos
            want = np.where(rng.uniform(size=USERS) < 0.002, rng.uniform(0.5, 9.0, USERS), want)
            speed = speed + np.clip(want - speed, -0.02, 0.015)
            angle = angle + 0.01 * way * speed / radius

    def at(self, time_s: float) -> Floats:
        return np.asarray(self.states[round(time_s * 100)])


def look(
    street: Street, sensor: int, number: int, time_s: float, off: Floats, rng: np.random.Generator, told: float
) -> Scan:
    x, y, _, _ = street.at(time_s)
    seen = rng.uniform(size=USERS) < 0.9
    n = int(seen.sum())
    unknown, angle = np.full(n, np.nan), 2.0 * np.pi * sensor / SENSORS
    return Scan(
        sensor=sensor,
        kind=CAMERA,
        time_s=time_s,
        sequence=number,
        x_m=x[seen] + off[0] + rng.normal(0.0, NOISE_M, n),
        y_m=y[seen] + off[1] + rng.normal(0.0, NOISE_M, n),
        variance_xx=np.full(n, NOISE_M**2 / told),
        variance_xy=np.zeros(n),
        variance_yy=np.full(n, NOISE_M**2 / told),
        views=(View(MAST_M * np.cos(angle), MAST_M * np.sin(angle), range_max_m=200.0),),
        object_class=np.ones(n, np.int64),
        score=np.full(n, 0.8),
        yaw_rad=unknown,
        length_m=unknown,
        width_m=unknown,
        range_rate_mps=unknown,
    )


def squared_errors(site: int, told: float) -> tuple[Floats, Floats]:
    """Mean squared error over covariance of position and of velocity at one site."""
    rng = np.random.default_rng([7, site])
    street, tracker = Street(rng), EventTimeTracker()
    off = rng.normal(0.0, PRIOR_DEVIATION[2], (SENSORS, 2))
    position, velocity = [], []
    for number in range(1, round(SECONDS * 10)):
        for sensor in range(SENSORS):
            tracker.add(look(street, sensor, number, 0.1 * number + 0.02 * sensor - 0.06, off[sensor], rng, told))
        if number < SETTLED_S * 10:
            tracker.at(0.1 * number)
            continue
        tracks = tracker.at(0.1 * number)
        values = tracks.take(tracks.is_confirmed).values
        error = values[:4, :, None] - street.at(0.1 * number)[:, None, :]
        away = np.hypot(error[0], error[1]) + 0.5 * np.hypot(error[2], error[3])
        rows = np.arange(values.shape[1])
        mine = away.argmin(axis=1)
        near = np.hypot(error[0], error[1])[rows, mine] < 2.0
        ex, ey, eu, ev = error[:, rows, mine][:, near]
        p = values[:, near]
        for found, x, y, xx, xy, yy in ((position, ex, ey, P_XX, P_XY, P_YY), (velocity, eu, ev, P_UU, P_UV, P_VV)):
            found.append((p[yy] * x * x - 2.0 * p[xy] * x * y + p[xx] * y * y) / (p[xx] * p[yy] - p[xy] ** 2))
    return np.concatenate(position), np.concatenate(velocity)


def averages(told: float) -> tuple[float, float]:
    sites = [squared_errors(site, told) for site in range(SITES)]
    return tuple(float(np.mean([each[k].mean() for each in sites])) for k in (0, 1))  # type: ignore[return-value]


@pytest.mark.slow
def test_errors_are_as_large_as_is_said() -> None:
    # 95 % bands of the mean of chi-squared with 2 degrees of freedom: errors of place are drawn once a site, those of velocity once a road user
    place_band, motion_band = 1.96 * 2.0 / np.sqrt(SITES * SENSORS), 1.96 * 2.0 / np.sqrt(SITES * USERS)
    position, velocity = averages(1.0)
    assert position == pytest.approx(2.0, abs=place_band)
    assert velocity == pytest.approx(2.0, abs=motion_band)
    boasting, _ = averages(CHEATING)
    assert boasting > 2.0 + place_band
