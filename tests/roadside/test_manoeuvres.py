"""Road users who brake, turn and stop: what the tracker tells of them while they do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lukou_roadside.perception.tracking import classes, consistency, event_time, predictor, tracker
from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.predictor import predicted
from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Scan, View
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import (
    ACROSS,
    ALONG,
    AX,
    CLASS,
    COMPONENTS,
    P_UU,
    P_UV,
    P_VV,
    P_XX,
    VX,
    VY,
    YAW_X,
    Tracks,
    X,
    Y,
    empty,
)
from lukou_roadside.perception.tracking.updater import follow_rate, surprise

CARS = 12
CAMERA_M, DOPPLER_MPS = 0.3, 0.2
BRAKES_S, BRAKING_MPS2, SPEED_MPS = 3.0, 6.0, 14.0
TURNS_S, RADIUS_M, TURNING_MPS = 3.0, 15.0, 8.0


def braking(time_s: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Cars abreast, all braking alike from one instant on."""
    for_s = np.clip(time_s - BRAKES_S, 0.0, SPEED_MPS / BRAKING_MPS2)
    way = SPEED_MPS * (min(time_s, BRAKES_S) + for_s) - 0.5 * BRAKING_MPS2 * for_s**2
    one = np.ones(CARS)
    speed = SPEED_MPS - BRAKING_MPS2 * for_s
    return (20.0 + way) * one, 5.0 * np.arange(CARS) - 30.0, speed * one, 0.0 * one


def turning(time_s: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Cars one behind another far apart, all beginning to turn left at one instant."""
    turned = max(time_s - TURNS_S, 0.0) * TURNING_MPS / RADIUS_M
    x = TURNING_MPS * min(time_s, TURNS_S) + RADIUS_M * np.sin(turned)
    y = RADIUS_M * (1.0 - np.cos(turned))
    one = np.ones(CARS)
    return x + 60.0 * np.arange(CARS), y * one, TURNING_MPS * np.cos(turned) * one, TURNING_MPS * np.sin(turned) * one


def scan(time_s: float, number: int, state: tuple[Floats, Floats, Floats, Floats], rng: np.random.Generator) -> Scan:
    """A camera (even numbers) or, for those that drive along x, a Doppler radar that tells places as well."""
    x, y, vx, vy = state
    is_radar = number % 2 == 1
    unknown = np.full(CARS, np.nan)
    distance = np.hypot(x, y)
    rate = (x * vx + y * vy) / distance + rng.normal(0.0, DOPPLER_MPS, CARS)
    return Scan(
        sensor=int(is_radar),
        kind=CAMERA,
        time_s=time_s,
        sequence=number,
        x_m=x + rng.normal(0.0, CAMERA_M, CARS),
        y_m=y + rng.normal(0.0, CAMERA_M, CARS),
        variance_xx=np.full(CARS, CAMERA_M**2),
        variance_xy=np.zeros(CARS),
        variance_yy=np.full(CARS, CAMERA_M**2),
        views=(View(0.0, 0.0, range_max_m=2000.0),),
        object_class=np.ones(CARS, np.int64),
        score=np.full(CARS, 0.8),
        yaw_rad=unknown,
        length_m=unknown,
        width_m=unknown,
        range_rate_mps=rate if is_radar else unknown,
    )


def told(
    way: Callable[[float], tuple[Floats, Floats, Floats, Floats]],
    instants: tuple[float, ...],
    seed: int,
    *,
    radar: bool,
    late_s: float = 0.0,
) -> tuple[Floats, Floats]:
    """Errors of velocity and their squares over covariance at some instants, (instants, 2, cars) and (instants, cars); the last measurements are so old."""
    rng, follower = np.random.default_rng(seed), EventTimeTracker(TrackerSettings(registers=False))
    errors, squared = [], []
    for step in range(1, round(max(instants) * 20) + 1):
        time_s = 0.05 * step
        if radar or step % 2 == 0:
            follower.add(scan(time_s - late_s, step, way(time_s - late_s), rng))
        tracks = follower.at(time_s)
        if not any(abs(time_s - instant) < 1e-6 for instant in instants):
            continue
        x, y, vx, vy = way(time_s)
        nearest = np.hypot(x[:, None] - tracks.values[X], y[:, None] - tracks.values[Y]).argmin(axis=1)
        values = tracks.values[:, nearest]
        ex, ey = values[VX] - vx, values[VY] - vy
        uu, uv, vv = values[P_UU], values[P_UV], values[P_VV]
        errors.append(np.stack([ex, ey]))
        squared.append((vv * ex * ex - 2.0 * uv * ex * ey + uu * ey * ey) / (uu * vv - uv * uv))
    return np.array(errors), np.array(squared)


def at_constant_velocity(tracks: Tracks, time_s: float) -> Tracks:
    """`predicted` without accelerations that last: all of the noise is new every moment."""
    dt, values = time_s - tracks.time_s, tracks.values.copy()
    move = np.kron([[1.0, dt], [0.0, 1.0]], np.eye(2))
    values[X : VY + 1] = move @ values[X : VY + 1]
    for k, covariance in enumerate(tracks.covariance):
        xx, xy, yy = predictor.density(tracks.values, k)
        spread = abs(dt) * np.array([[dt * dt / 3.0, dt / 2.0], [dt / 2.0, 1.0]])
        made = move @ covariance @ move.T + np.kron(spread, [[xx, xy], [xy, yy]])
        for row, (i, j) in enumerate(COMPONENTS, start=P_XX):
            values[row, k] = made[i, j] if max(i, j) < 4 else 0.0
    return Tracks(time_s, tracks.birth, values)


@pytest.fixture
def as_before(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The simplest model instead: constant velocity and noise, and no heed of surprises."""

    def change() -> None:
        for module in (event_time, tracker):
            monkeypatch.setattr(module, "predicted", at_constant_velocity)
        monkeypatch.setattr(consistency, "SURPRISED_S", 1e9)

    return change


@pytest.mark.parametrize(("radar", "most_mps"), [(True, 0.55), (False, 2.0)])
def test_the_speed_of_who_brakes_is_told_while_he_brakes(
    radar: bool, most_mps: float, as_before: Callable[[], None]
) -> None:
    # mean lag of twelve cars that brake at 6 m/s^2, a second after they began: cameras alone see 3 m less way by then
    def lag() -> float:
        errors, _ = told(braking, (BRAKES_S + 1.0,), 5, radar=radar)
        return float(errors[0, 0].mean())

    now = lag()
    assert now < most_mps
    as_before()
    assert now < 0.75 * lag()


@pytest.mark.parametrize(("radar", "most_degrees"), [(True, 8.5), (False, 11.0)])
def test_the_heading_of_who_turns_follows(radar: bool, most_degrees: float, as_before: Callable[[], None]) -> None:
    # a quarter of a circle of 15 m in 3 s: 31 degrees a second
    def behind() -> float:
        _, _, vx, vy = turning(TURNS_S + 1.0)
        errors, _ = told(turning, (TURNS_S + 1.0,), 6, radar=radar)
        heading = np.arctan2(vy + errors[0, 1], vx + errors[0, 0])
        return float(np.degrees(np.arctan2(vy, vx) - heading).mean())

    now = behind()
    assert now < most_degrees
    as_before()
    assert now < 0.8 * behind()


def test_errors_of_velocity_are_as_large_as_is_said_while_cars_brake(as_before: Callable[[], None]) -> None:
    # normalised error squared of two components is 2 in the mean; the 95 % band is that of twelve cars, whose errors last
    def squared() -> float:
        instants = tuple(BRAKES_S + after_s for after_s in (1.0, 1.2, 1.4, 1.6, 1.8, 2.0))
        return float(told(braking, instants, 5, radar=True)[1].mean())

    band = 1.96 * 2.0 / np.sqrt(CARS)
    assert squared() == pytest.approx(2.0, abs=band)
    as_before()
    assert squared() > 2.0 + band


def one_car(speed_mps: float, acceleration_mps2: float) -> Tracks:
    tracks = empty(0.0, np.array([1]))
    tracks.values[[X, VX, AX, YAW_X], 0] = 5.0, speed_mps, acceleration_mps2, 1.0
    tracks.values[CLASS.start + classes.CAR] = 1.0
    tracks.values[ALONG], tracks.values[ACROSS] = 2.0, 1.0
    return tracks


def test_who_brakes_stops_and_does_not_go_backwards() -> None:
    later = predicted(one_car(3.0, -6.0), 1.0).values[:, 0]
    assert later[X] == pytest.approx(5.0 + 3.0**2 / 2.0 / 6.0)
    assert later[[VX, AX]].tolist() == [0.0, 0.0]
    standing = predicted(one_car(0.1, -2.0), 0.02).values[:, 0]
    assert standing[AX] == 0.0


def test_an_acceleration_lasts_and_fades() -> None:
    later = predicted(one_car(10.0, -4.0), 0.5).values[:, 0]
    assert later[AX] == pytest.approx(-4.0 * np.exp(-0.5 / predictor.FADES_S))
    assert later[VX] == pytest.approx(10.0 + predictor.FADES_S * (later[AX] + 4.0) * -1.0, abs=1e-9)


def test_covariances_move_as_the_textbook_says() -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(6, 6))
    before, tracks, dt = root @ root.T, one_car(8.0, 1.0), 0.3
    for row, (i, j) in enumerate(COMPONENTS, start=P_XX):
        tracks.values[row, 0] = before[i, j]
    later, left = predicted(tracks, dt).values[:, 0], np.exp(-dt / predictor.FADES_S)
    gained = predictor.FADES_S * (1.0 - left)
    one_axis = np.array([[1.0, dt, predictor.FADES_S * (dt - gained)], [0.0, 1.0, gained], [0.0, 0.0, left]])
    move = np.kron(one_axis, np.eye(2))
    density = predictor.density(tracks.values, 0)
    drives = 8.0**2 / (8.0**2 + predictor.DRIVING_MPS**2 + predictor.DOUBT * (before[2, 2] + before[3, 3]))
    spread, steps = np.zeros((3, 3)), 2000
    for since in (np.arange(steps) + 0.5) * dt / steps:  # noise of every moment, and what becomes of it
        faded = np.exp(-since / predictor.FADES_S)
        made = predictor.FADES_S * (1.0 - faded)
        lasting = np.array([predictor.FADES_S * (since - made), made, faded])
        momentary = np.array([since, 1.0, 0.0])
        spread += np.outer(lasting, lasting) * predictor.LASTING_PER_S2 * drives * dt / steps
        spread += np.outer(momentary, momentary) * predictor.MOMENTARY * dt / steps
    expected = move @ before @ move.T + np.kron(spread, [[density[0], density[1]], [density[1], density[2]]])
    got = [later[row] for row in range(P_XX, P_XX + len(COMPONENTS))]
    assert got == pytest.approx([expected[i, j] for i, j in COMPONENTS], rel=1e-5)


def test_who_has_just_begun_to_brake_is_told_less_surely(monkeypatch: pytest.MonkeyPatch) -> None:
    # squared error over covariance of what was measured a tenth of a second ago, while the velocity has not followed; in the first quarter nobody can know
    def squared(after_s: tuple[float, ...]) -> float:
        return float(told(braking, tuple(BRAKES_S + one for one in after_s), 8, radar=True, late_s=0.1)[1].mean())

    begins, before = (0.35, 0.45, 0.55, 0.65), (-0.6, -0.4, -0.2)
    now, calm = squared(begins), squared(before)
    monkeypatch.setattr(consistency, "SURPRISED_S", 1e9)
    assert now < 0.5 * squared(begins)
    assert calm == pytest.approx(squared(before), rel=0.25)  # who goes on as before is told as before


def test_innovations_that_lean_to_one_side_surprise() -> None:
    tracks, rng = one_car(10.0, 0.0), np.random.default_rng(1)
    white = []
    for _ in range(4000):
        follow_rate(tracks.values, 0, rng.normal())
        white.append(float(surprise(tracks.values)[0]))
    assert np.mean(white) == pytest.approx(1.0, abs=0.1)
    for _ in range(15):
        follow_rate(tracks.values, 0, -1.5)
    assert float(surprise(tracks.values)[0]) > 10.0
