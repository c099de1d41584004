"""The tracker on small scenes with known truth."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from lukou_roadside.perception.tracking.associator import FORBIDDEN, least_cost, one_to_one
from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.gater import agreement
from lukou_roadside.perception.tracking.scan import CAMERA, RADAR, Floats, Scan, View
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import Tracks
from lukou_roadside.perception.tracking.visibility import detection_probability

EVERYWHERE = (View(0.0, 0.0),)


def seen(
    time_s: float,
    x_m: Floats,
    y_m: Floats,
    *,
    sensor: int = 0,
    deviation: float = 0.3,
    object_class: int = 1,
    score: float = 0.8,
    views: tuple[View, ...] = EVERYWHERE,
) -> Scan:
    """A camera's scan without directions and sizes."""
    n = len(x_m)
    return Scan(
        sensor=sensor,
        kind=CAMERA,
        time_s=time_s,
        sequence=round(time_s * 1000),
        x_m=np.asarray(x_m, float),
        y_m=np.asarray(y_m, float),
        variance_xx=np.full(n, deviation**2),
        variance_xy=np.zeros(n),
        variance_yy=np.full(n, deviation**2),
        views=views,
        object_class=np.full(n, object_class),
        score=np.full(n, score),
        yaw_rad=np.full(n, np.nan),
        length_m=np.full(n, np.nan),
        width_m=np.full(n, np.nan),
        range_rate_mps=np.full(n, np.nan),
    )


def swept(time_s: float, x_m: Floats, y_m: Floats, rate: Floats, *, sensor: int = 5) -> Scan:
    """A radar's sweep from the origin."""
    base = seen(time_s, x_m, y_m, sensor=sensor, object_class=0)
    return Scan(**{name: getattr(base, name) for name in Scan.__slots__} | {"kind": RADAR, "range_rate_mps": rate})


def confirmed(tracks: Tracks) -> Tracks:
    return tracks.take(tracks.is_confirmed)


def test_a_moving_car_is_followed_with_its_velocity() -> None:
    rng = np.random.default_rng(1)
    tracker = EventTimeTracker()
    for k in range(30):
        tracker.add(seen(k * 0.1, np.array([1.2 * k]) + rng.normal(0, 0.3, 1), rng.normal(0, 0.3, 1)))
    track = confirmed(tracker.at(2.9))
    assert len(track) == 1
    assert track.state[0] == pytest.approx([1.2 * 29, 0.0, 12.0, 0.0], abs=1.0)
    assert track.object_class.tolist() == [1]


@pytest.mark.parametrize("seed", range(8))
def test_clutter_is_not_confirmed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tracker = EventTimeTracker()
    shown = 0
    for k in range(50):
        tracker.add(seen(k * 0.1, rng.uniform(-100, 100, 2), rng.uniform(-100, 100, 2)))
        shown += len(confirmed(tracker.state()))
    assert shown <= 2


def test_who_was_seen_once_does_not_stand() -> None:
    tracker = EventTimeTracker()
    tracker.add(seen(0.0, np.zeros(1), np.array([125.0])))  # beyond the range: no miss speaks against him
    for k in range(1, 15):
        tracker.add(seen(k * 0.1, np.zeros(0), np.zeros(0)))
    assert len(tracker.state()) == 0


def test_identity_survives_a_short_loss_and_the_track_says_that_it_coasts() -> None:
    tracker = EventTimeTracker()
    for k in range(40):
        hidden = 20 <= k < 28
        x = np.zeros(0) if hidden else np.array([0.8 * k])
        tracker.add(seen(k * 0.1, x, np.zeros(len(x))))
        if k == 19:
            before = confirmed(tracker.state()).birth
        if k == 27:
            coasted = confirmed(tracker.state())
            assert coasted.time_s - coasted.measured_s[0] == pytest.approx(0.8)
    assert confirmed(tracker.state()).birth.tolist() == before.tolist()


def test_uncertainty_grows_while_nothing_is_measured() -> None:
    tracker = EventTimeTracker()
    for k in range(20):
        tracker.add(seen(k * 0.1, np.array([0.5 * k]), np.zeros(1)))
    now, later = tracker.at(1.9), tracker.at(2.9)
    assert later.covariance[0, 0, 0] > 4 * now.covariance[0, 0, 0]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(7)))
def test_order_of_arrival_does_not_matter(order: list[int]) -> None:
    rng = np.random.default_rng(4)
    scans = [
        seen(k * 0.07, np.array([0.7 * k, 30.0]), np.array([0.0, 0.3 * k]) + rng.normal(0, 0.2, 2)) for k in range(7)
    ]
    straight, shuffled = EventTimeTracker(), EventTimeTracker()
    for scan in scans:
        straight.add(scan)
    for k in order:
        assert shuffled.add(scans[k])
        shuffled.state()
    a, b = straight.state(), shuffled.state()
    assert a.birth.tolist() == b.birth.tolist()
    assert np.array_equal(a.state, b.state)
    assert np.array_equal(a.covariance, b.covariance)


def test_what_comes_too_late_is_refused_and_counted() -> None:
    tracker = EventTimeTracker()
    tracker.add(seen(10.0, np.zeros(1), np.zeros(1)))
    tracker.state()
    assert not tracker.add(seen(9.2, np.zeros(1), np.zeros(1)))
    assert tracker.late == 1


def test_covariances_stay_positive_definite() -> None:
    rng = np.random.default_rng(5)
    tracker = EventTimeTracker()
    for k in range(60):
        x, y = np.array([40.0 + 0.9 * k, 30.0]), np.array([10.0, 20.0 - 0.5 * k])
        tracker.add(seen(k * 0.1, x + rng.normal(0, 0.3, 2), y + rng.normal(0, 0.3, 2)))
        distance = np.hypot(x, y)
        rate = (x * np.array([9.0, 0.0]) + y * np.array([0.0, -5.0])) / distance
        tracker.add(swept(k * 0.1 + 0.03, x, y, rate))
        assert (np.linalg.eigvalsh(tracker.state().covariance) > 0).all()


def test_range_rates_sharpen_the_velocity() -> None:
    rng = np.random.default_rng(6)
    errors = []
    for with_radar in (False, True):
        tracker = EventTimeTracker()
        for k in range(25):
            x, y = 60.0 - 1.0 * k, 5.0
            tracker.add(seen(k * 0.1, np.array([x]) + rng.normal(0, 0.6, 1), np.array([y]), deviation=0.6))
            if with_radar:
                near = np.array([x - 1.6])
                tracker.add(swept(k * 0.1 + 0.02, near, np.array([y]), np.array([-10.0 * x / np.hypot(x, y)])))
        errors.append(abs(confirmed(tracker.state()).state[0, 2] + 10.0))
    assert errors[1] < 0.3
    assert errors[1] < errors[0]


def test_several_returns_of_a_truck_are_one_truck() -> None:
    rng = np.random.default_rng(7)
    tracker = EventTimeTracker()
    for k in range(20):
        x = 50.0 + 0.8 * k
        tracker.add(seen(k * 0.1, np.array([x]), np.array([3.0]), object_class=2))
        returns = x + rng.uniform(-4.0, 1.0, 5)
        tracker.add(swept(k * 0.1 + 0.05, returns, 3.0 + rng.uniform(-1, 1, 5), np.full(5, 8.0)))
    tracks = confirmed(tracker.state())
    assert len(tracks) == 1
    assert tracks.state[0, 0] == pytest.approx(50.0 + 0.8 * 19.5, abs=1.2)


def test_a_camera_and_its_overlapping_neighbour_make_no_double() -> None:
    tracker = EventTimeTracker()
    for k in range(20):
        tracker.add(seen(k * 0.1, np.array([0.5 * k]), np.zeros(1), sensor=0))
        tracker.add(seen(k * 0.1 + 0.01, np.array([0.5 * k + 0.7]), np.array([0.3]), sensor=1))
    assert len(tracker.state()) == 1


def test_who_walks_beside_another_is_followed_too_though_nobody_tells_sizes() -> None:
    rng, tracker = np.random.default_rng(3), EventTimeTracker()
    for k in range(40):
        side = np.array([0.0, 0.9]) if k >= 10 else np.zeros(1)
        for sensor in (0, 1):
            x_m, y_m = 0.12 * k + rng.normal(0, 0.1, len(side)), side + rng.normal(0, 0.1, len(side))
            tracker.add(seen(k * 0.1, x_m, y_m, object_class=6, score=0.45, deviation=0.15, sensor=sensor))
    tracks = confirmed(tracker.at(3.9))
    assert np.sort(tracks.state[:, 1]) == pytest.approx([0.0, 0.9], abs=0.3)
    assert tracks.length_m == pytest.approx(0.5, abs=0.1)


def test_hidden_road_users_are_expected_to_be_missed() -> None:
    tracker = EventTimeTracker()
    for k in range(10):
        tracker.add(seen(k * 0.1, np.array([20.0, 30.0, 20.0]), np.array([0.0, 0.0, 15.0]), object_class=2))
    tracks = tracker.state()
    probability = detection_probability(tracks, seen(1.0, np.zeros(0), np.zeros(0)))
    behind = tracks.state[:, 0] > 25.0
    assert probability[behind].max() < 0.5 * probability[~behind].min()
    wedge = (View(0.0, 0.0, azimuth_rad=0.0, opening_rad=0.5),)
    probability = detection_probability(tracks, seen(1.0, np.zeros(0), np.zeros(0), views=wedge))
    assert probability[tracks.state[:, 1] > 10.0].max() < 0.1


def test_each_detection_is_used_once() -> None:
    tracker = EventTimeTracker()
    for k in range(5):
        tracker.add(seen(k * 0.1, np.array([0.0, 3.0, 6.0]), np.zeros(3)))
    tracks = tracker.state()
    scan = seen(0.5, np.array([1.4, 3.1]), np.zeros(2))
    agreed = agreement(tracks, scan, TrackerSettings(gate=100.0))
    chosen = agreed.take(one_to_one(agreed, np.zeros(len(tracks))))
    assert len(set(chosen.rows.tolist())) == len(chosen.rows)
    assert sorted(chosen.detections.tolist()) == [0, 1]


def test_what_one_camera_repeats_another_that_sees_the_place_plainly_refutes() -> None:
    far, near = (View(0.0, -80.0),), (View(0.0, 30.0),)
    nothing = np.zeros(0)
    tracker = EventTimeTracker()
    for k in range(100):  # the gap between two cars looks like a person in every picture of one camera
        tracker.add(seen(k * 0.1, np.zeros(1), np.zeros(1), sensor=0, object_class=6, score=0.37, views=far))
        tracker.add(seen(k * 0.1, nothing, nothing, sensor=1, views=near))
        assert len(confirmed(tracker.state())) == 0
    for k in range(100, 120):  # whom the second camera sees too is believed
        tracker.add(seen(k * 0.1, np.zeros(1), np.zeros(1), sensor=0, object_class=6, score=0.37, views=far))
        tracker.add(seen(k * 0.1, np.zeros(1), np.zeros(1), sensor=1, object_class=6, score=0.6, views=near))
    assert len(confirmed(tracker.state())) == 1


def test_a_camera_that_cannot_see_the_place_refutes_nothing() -> None:
    plain, wedge = (View(0.0, -40.0),), (View(0.0, 30.0, azimuth_rad=np.pi / 2, opening_rad=1.0),)
    tracker = EventTimeTracker()
    for k in range(50):
        tracker.add(seen(k * 0.1, np.zeros(1), np.zeros(1), sensor=0, score=0.7, views=plain))
        tracker.add(seen(k * 0.1, np.zeros(0), np.zeros(0), sensor=1, views=wedge))
    assert len(confirmed(tracker.state())) == 1


def test_two_radars_begin_what_no_camera_has_seen_yet() -> None:
    rng = np.random.default_rng(8)
    tracker = EventTimeTracker()
    for k in range(30):
        for sensor in (5, 6):
            x, y = np.array([90.0 - 0.7 * k]), np.array([4.0])
            at_s = k * 0.07 + 0.03 * (sensor - 5)
            tracker.add(swept(at_s, x + rng.normal(0, 0.3, 1), y, np.full(1, -10.0), sensor=sensor))
    tracks = confirmed(tracker.state())
    assert len(tracks) == 1
    assert tracks.state[0, 2] == pytest.approx(-10.0, abs=0.5)


def test_standing_returns_begin_nothing() -> None:
    tracker = EventTimeTracker()
    for k in range(30):
        tracker.add(swept(k * 0.07, np.array([40.0, 41.0]), np.array([4.0, 4.0]), np.zeros(2)))
    assert len(tracker.state()) == 0


def test_sweeps_of_one_slot_say_what_they_say_one_by_one() -> None:
    rng = np.random.default_rng(9)
    ends = []
    for slot_s in (0.001, 0.05):
        rng, tracker = np.random.default_rng(9), EventTimeTracker(TrackerSettings(slot_s=slot_s))
        for k in range(40):
            x = np.array([-40.0 + 0.9 * k, 20.0])
            tracker.add(seen(k * 0.1, x + rng.normal(0, 0.2, 2), np.array([8.0, 30.0]), deviation=0.2))
            for sensor, late_s in ((5, 0.051), (6, 0.06), (7, 0.073), (5, 0.09)):
                at = x + np.array([9.0, 0.0]) * late_s
                rate = 9.0 * at / np.hypot(at, [8.0, 30.0]) * [1.0, 0.0]
                tracker.add(
                    swept(k * 0.1 + late_s, at + rng.normal(0, 0.2, 2), np.array([8.0, 30.0]), rate, sensor=sensor)
                )
        ends.append(confirmed(tracker.at(4.0)))
    one_by_one, together = ends
    assert together.birth.tolist() == one_by_one.birth.tolist()
    assert together.state == pytest.approx(one_by_one.state, abs=0.15)
    deviations = [np.sqrt(np.diagonal(one.covariance, axis1=1, axis2=2)) for one in ends]
    assert deviations[1] == pytest.approx(deviations[0], rel=0.3)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(12)))
def test_order_of_arrival_of_sweeps_does_not_matter(order: list[int]) -> None:
    scans = []
    for k in range(12):  # three radars; the slots hold two or three sweeps, some of them of the same radar
        x, y = np.array([60.0 - 0.2 * k]), np.array([5.0])
        scans.append(swept(k * 0.02, x, y, np.array([-10.0]), sensor=5 + k % 3 * (k % 2)))
    straight, shuffled = EventTimeTracker(), EventTimeTracker()
    for scan in scans:
        straight.add(scan)
    for k in order:
        assert shuffled.add(scans[k])
        shuffled.state()
    a, b = straight.state(), shuffled.state()
    assert len(a) == 1
    assert a.birth.tolist() == b.birth.tolist()
    assert np.array_equal(a.values, b.values)


def test_two_radars_that_see_the_same_at_once_begin_one_road_user() -> None:
    tracker = EventTimeTracker()
    for sensor in (5, 6):
        tracker.add(swept(0.01, np.array([60.0, 90.0]), np.array([5.0, 5.0]), np.full(2, -10.0), sensor=sensor))
    assert len(tracker.state()) == 2


def test_a_radar_of_unknown_place_is_taken_for_positions() -> None:
    tracker = EventTimeTracker()
    for k in range(20):
        base = swept(k * 0.1, np.array([60.0 - k]), np.array([5.0]), np.array([-10.0]))
        tracker.add(Scan(**{name: getattr(base, name) for name in Scan.__slots__} | {"views": ()}))
    assert len(confirmed(tracker.state())) == 1


def just_come(velocity_share: float | None) -> float:
    """Speed error of cars in their first second, seen by a poor camera and told by a vendor's filter with velocity times a share, or none. [m/s]"""
    rng, tracker = np.random.default_rng(11), EventTimeTracker()
    views, errors = (View(0.0, -40.0),), []
    for k in range(280):
        time_s, since_s = 0.1 * k, 0.1 * (k % 40)  # every 4 s two others come, one from either side
        speed, x, way = 8.0, np.array([20.0, 26.0]), np.array([1.0, -1.0])
        y = way * (speed * since_s - 16.0)
        tracker.add(seen(time_s, x + rng.normal(0, 0.6, 2), y + rng.normal(0, 0.6, 2), deviation=0.6, views=views))
        if velocity_share is not None:
            theirs = seen(time_s, x + rng.normal(0, 0.8, 2), y + rng.normal(0, 0.8, 2), sensor=1, views=views)
            velocity = np.array([rng.normal(0, 0.3, 2), speed * way * velocity_share + rng.normal(0, 0.3, 2)])
            tracker.add(replace(theirs, repeats=10.0, presence=0.1, age_s=np.full(2, since_s), velocity_mps=velocity))
        tracks = confirmed(tracker.at(time_s))
        if time_s > 12.0 and 0.4 < since_s < 1.2:
            away = np.hypot(tracks.state[:, 0, None] - x, tracks.state[:, 1, None] - y)
            found = away.min(axis=0) < 3.0
            errors += np.abs(tracks.state[away.argmin(axis=0), 3] - speed * way)[found].tolist()
    assert len(errors) > 40
    return float(np.mean(errors))


@pytest.mark.slow
def test_a_vendors_velocities_help_as_far_as_they_turn_out_right() -> None:
    alone, right, wrong = just_come(None), just_come(1.0), just_come(0.5)
    assert right < 0.5 * alone
    assert wrong < 1.2  # he is wrong by 4 m/s, as is learned from the camera
    assert np.isfinite(just_come(np.nan))


def told_wrong(share: float, deviation_mps: float) -> tuple[float, Floats]:
    """NEES (2 where honest) of the velocity of cars told by a poor camera and by a vendor who tells this share of their speed and errors that last for 2 s; and the variance learned of him, by age."""
    rng, tracker, found = np.random.default_rng(13), EventTimeTracker(), []
    views, x, way = (View(0.0, -40.0),), np.array([20.0, 26.0, 32.0]), np.array([1.0, -1.0, 1.0])
    lasting, fade = np.zeros((2, 3)), np.exp(-0.05)
    for k in range(360):
        time_s, since_s = 0.1 * k, 0.1 * (k % 40)  # every 4 s three others come
        keep = fade if k % 40 else 0.0
        lasting = keep * lasting + np.sqrt(1.0 - keep * keep) * rng.normal(0.0, 1.0, (2, 3))
        velocity, y = np.array([0.0 * way, 8.0 * way]), way * (8.0 * since_s - 16.0)
        tracker.add(seen(time_s, x + rng.normal(0, 0.6, 3), y + rng.normal(0, 0.6, 3), deviation=0.6, views=views))
        theirs = seen(time_s, x + rng.normal(0, 0.8, 3), y + rng.normal(0, 0.8, 3), sensor=1, views=views)
        told = share * velocity + deviation_mps * lasting + rng.normal(0.0, 0.1, (2, 3))
        age_s = np.full(3, since_s)
        tracker.add(replace(theirs, repeats=10.0, presence=0.1, age_s=age_s, velocity_mps=told))
        tracks = confirmed(tracker.at(time_s))
        if time_s > 12.0 and since_s > 1.0:
            away = np.hypot(tracks.state[:, 0, None] - x, tracks.state[:, 1, None] - y)
            near, rows = away.min(axis=0) < 3.0, away.argmin(axis=0)
            off, p = (tracks.state[rows, 2:] - velocity.T)[near], tracks.covariance[rows][near][:, 2:, 2:]
            found += np.einsum("ni,nij,nj->n", off, np.linalg.inv(p), off).tolist()
    assert len(found) > 400
    learned = tracker.registration._of[1].velocities
    return float(np.mean(found)), (learned.total / learned.weight)[1, :2]


@pytest.mark.slow
def test_a_vendors_velocities_that_are_off_for_long_are_not_boasted_of() -> None:
    """What is known of the velocity came from him, too: taken away in full from what is learned, he was believed to err by 0.2 m/s at most."""
    for share, deviation_mps, least in ((1.15, 0.2, 0.3), (1.0, 1.0, 0.4)):
        nees, learned = told_wrong(share, deviation_mps)
        assert 0.8 < nees < 2.4
        assert learned.min() > least  # of (0.15 * 8)^2 / 2 = 0.7, and of 1.0


def test_the_cheapest_assignment_is_that_of_every_other_solver() -> None:
    rng = np.random.default_rng(3)
    for size in range(200):
        rows = 1 + size % 7
        cost = rng.normal(0.0, 20.0, (rows, rows + size % 4))
        if size % 2:
            cost[rng.random(cost.shape) < 0.5] = FORBIDDEN
        columns = least_cost(cost)
        assert len(set(columns.tolist())) == rows
        best = cost[linear_sum_assignment(cost)].sum()
        assert cost[np.arange(rows), columns].sum() == pytest.approx(best, rel=1e-9)
    with pytest.raises(ValueError, match="not finite"):
        least_cost(np.array([[1.0, np.nan], [2.0, 3.0]]))
