"""Offsets of sensors from what two of them tell of the same road users."""

from __future__ import annotations

import numpy as np
import pytest

from lukou_roadside.perception.tracking.joint_offsets import OFFSETS, PRIOR_DEVIATION, JointOffsets
from lukou_roadside.perception.tracking.scan import CAMERA, View
from lukou_roadside.perception.tracking.sightings import Seen, Sightings
from lukou_roadside.perception.tracking.tracks import P_XX, empty

PLACES = ((50.0, 0.0), (0.0, 50.0), (-50.0, 0.0), (0.0, -50.0))


def known(sensors: int = 4) -> JointOffsets:
    joint = JointOffsets()
    for sensor in range(sensors):
        joint.know(sensor, CAMERA, View(*PLACES[sensor]))
    return joint


def moved_by(sensor: int, x_m: np.ndarray, y_m: np.ndarray, vx: np.ndarray, vy: np.ndarray) -> np.ndarray:
    by = np.zeros((2, OFFSETS, len(x_m)))
    by[0, 0], by[1, 0] = -vx, -vy
    by[0, 1], by[1, 1] = -(y_m - PLACES[sensor][1]), x_m - PLACES[sensor][0]
    by[0, 2] = by[1, 3] = 1.0
    return by


def compared(joint: JointOffsets, true: np.ndarray, rng: np.random.Generator, rounds: range, noise_m: float) -> None:
    """Every pair of neighbours sees ten road users, again and again."""
    for k in rounds:
        a, b = k % 4, (k + 1) % 4
        x, y, vx, vy = (rng.uniform(-one, one, 10) for one in (30.0, 30.0, 10.0, 10.0))
        by = joint.by_all(a, moved_by(a, x, y, vx, vy)) - joint.by_all(b, moved_by(b, x, y, vx, vy))
        difference = true @ by + rng.normal(0.0, noise_m, (2, 10))
        inverse = np.array([1.0, 0.0, 1.0])[:, None] / noise_m**2 + np.zeros(10)
        joint.compare(by, difference, inverse)
        joint.settle_at(0.25 * k)


def test_what_sensors_differ_by_is_found_and_what_they_share_stays_uncertain() -> None:
    rng = np.random.default_rng(1)
    true = (rng.normal(size=(4, OFFSETS)) * PRIOR_DEVIATION).ravel()
    joint = known()
    compared(joint, true, rng, range(80), 0.2)
    error = joint.mean - true
    place = np.array([20.0]), np.array([-15.0]), np.array([5.0]), np.array([5.0])
    apart = [error @ (joint.by_all(0, moved_by(0, *place)) - joint.by_all(k, moved_by(k, *place))) for k in (1, 2, 3)]
    assert np.array(apart) == pytest.approx(0.0, abs=0.06)  # all four agree where a road user is
    squared = error @ np.linalg.solve(joint.covariance, error)
    assert 4.0 < squared < 35.0  # chi-squared with 16 degrees of freedom, 99.5 %
    deviation = np.sqrt(np.diag(joint.covariance)).reshape(4, OFFSETS)
    assert (
        deviation[:, 2] > 0.9 * PRIOR_DEVIATION[2] / 2.0
    ).all()  # the mean of four is known as well as a quarter of the prior


def test_clocks_that_are_all_late_alike_change_nothing() -> None:
    rng = np.random.default_rng(2)
    joint = known()
    compared(joint, np.tile([0.3, 0.0, 0.0, 0.0], 4), rng, range(80), 0.2)
    assert joint.mean[::OFFSETS] == pytest.approx(0.0, abs=0.01)
    assert joint.middle_clock_s == pytest.approx(0.0, abs=0.01)


def test_sensors_far_apart_make_the_list_less_certain() -> None:
    spread = []
    for far in (0.3, 3.0):
        rng = np.random.default_rng(3)
        joint = known()
        true = far * (rng.normal(size=(4, OFFSETS)) * PRIOR_DEVIATION).ravel()
        compared(joint, true, rng, range(80), 0.1)
        tracks = empty(20.0, np.arange(3), 4)
        tracks.values[0] = [0.0, 10.0, -20.0]
        tracks.sensor_seen_s[:] = 19.9
        more = joint.place_covariance(tracks)
        assert (more[0] > 0.0).all()
        assert (more[0] * more[2] > more[1] ** 2).all()
        spread.append(float(more[0].mean()))
    assert spread[1] > 3.0 * spread[0]


def test_a_sensor_let_go_of_is_found_again() -> None:
    rng = np.random.default_rng(4)
    joint, true = known(), np.zeros(16)
    compared(joint, true, rng, range(40), 0.2)
    true[0] = 0.2
    joint.open(0, 0, 0.04)
    compared(joint, true, rng, range(40, 80), 0.2)
    assert joint.mean[0] - np.median(joint.mean[::OFFSETS]) == pytest.approx(0.2, abs=0.03)
    joint.forget(0)
    assert joint.covariance[0, 0] == pytest.approx(PRIOR_DEVIATION[0] ** 2)
    assert joint.mean[0] == 0.0


def seen_at(birth: list[int], x_m: float) -> Seen:
    n = len(birth)
    place = np.stack([np.full(n, x_m), np.zeros(n)])
    variance = np.tile([[0.04], [0.0], [0.04]], n)
    velocity = np.stack([np.full(n, 10.0), np.zeros(n)])
    return Seen(np.array(birth), place, variance, np.zeros((2, OFFSETS, n)), velocity, np.full(n, 0.1))


def test_each_sighting_meets_one_other_and_is_brought_to_its_instant() -> None:
    sightings = Sightings()
    assert len(sightings.met(0, 1.0, seen_at([7, 8], 5.0), False).others) == 0
    met = sightings.met(1, 1.05, seen_at([8, 9], 5.6), False)
    assert met.others.tolist() == [0]
    assert met.one.birth.tolist() == [8]
    assert met.difference[0] == pytest.approx([0.1])  # 0.6 m apart, of which 0.5 were driven
    assert met.variance[0] == pytest.approx([0.08 + 0.05**2 * 0.1])
    assert len(sightings.met(2, 1.06, seen_at([8], 5.6), False).others) == 0  # both have met
    assert len(sightings.met(2, 1.5, seen_at([9], 5.6), False).others) == 0  # long ago


def test_errors_that_last_are_seen_to_repeat() -> None:
    rng = np.random.default_rng(5)
    told = []
    for lasts in (0.0, 0.9):
        sightings, error = Sightings(), np.zeros((2, 6))
        for k in range(400):
            error = lasts * error + np.sqrt(1.0 - lasts**2) * rng.normal(size=(2, 6))
            sightings.met(0, 0.1 * k, seen_at(list(range(6)), 0.0), False)
            met = sightings.met(1, 0.1 * k, seen_at(list(range(6)), 0.0), False)
            sightings.learn(1, met, error)
        told.append(sightings.repeats)
    assert told[0] < 1.3
    assert told[1] == pytest.approx(19.0, abs=7.0)


def test_a_list_of_no_known_sensor_gets_nothing() -> None:
    tracks = empty(0.0, np.arange(2), 1)
    tracks.values[P_XX] = 1.0
    assert JointOffsets().place_covariance(tracks).tolist() == [[0.0, 0.0]] * 3
