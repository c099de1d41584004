"""A car that stands where a truck comes between it and the only camera."""

from __future__ import annotations

import math

import numpy as np

from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.scan import CAMERA, Scan, View
from lukou_roadside.perception.tracking.tracks import P_UU, P_XX, Tracks, X, Y

CAR, TRUCK = (1, 4.5, 1.8), (2, 10.0, 2.5)
STANDS_X_M, PASSES_X_M = 40.0, 30.0
COMES_S, GOES_S = 3.0, 43.0


def truck_y_m(time_s: float) -> float:
    """A truck drives up, stands before the car, and drives on."""
    return min(6.0 * (time_s - COMES_S) - 18.0, 0.0) if time_s < GOES_S else 5.0 * (time_s - GOES_S)


def scan(number: int, places: list[tuple[float, float]], kinds: list[tuple[int, float, float]]) -> Scan:
    rng, count = np.random.default_rng([7, number]), len(places)
    x, y = np.array(places).reshape(-1, 2).T + rng.normal(0.0, 0.2, (2, count))
    named, length, width = np.array(kinds).reshape(-1, 3).T
    one = np.ones(count)
    return Scan(
        sensor=0, kind=CAMERA, time_s=0.1 * number, sequence=number, x_m=x, y_m=y, variance_xx=0.04 * one,
        variance_xy=0.0 * one, variance_yy=0.04 * one, views=(View(0.0, 0.0, 0.0, 1.4, 2.0, 110.0),),
        object_class=named.astype(np.int64), score=0.8 * one, yaw_rad=0.5 * math.pi * one, length_m=length,
        width_m=width, range_rate_mps=np.full(count, np.nan),
    )  # fmt: skip


def watched(until_s: float, leaves_s: float = math.inf) -> list[Tracks]:
    """What is told every tenth of a second; the car may leave unseen."""
    tracker, told = EventTimeTracker(), []
    for number in range(1, round(until_s * 10) + 1):
        time_s = 0.1 * number
        y = truck_y_m(time_s)
        seen = [((PASSES_X_M, y), TRUCK)] if abs(y) < 25.0 else []
        hides = abs(math.atan2(y, PASSES_X_M)) < math.atan2(5.0, PASSES_X_M) - 0.02
        if not hides and time_s < leaves_s:
            seen.append(((STANDS_X_M, 0.0), CAR))
        tracker.add(scan(number, [place for place, _ in seen], [kind for _, kind in seen]))
        told.append(tracker.at(time_s))
    return told


def of_car(tracks: Tracks) -> Tracks:
    near = np.hypot(tracks.values[X] - STANDS_X_M, tracks.values[Y]) < 2.0
    return tracks.take(tracks.is_confirmed & near)


def test_who_stands_behind_a_truck_stays_and_becomes_doubtful() -> None:
    told = [of_car(tracks) for tracks in watched(46.0)]
    before, early, late, after = told[25], told[100], told[420], told[459]
    for one in (before, early, late, after):
        assert one.birth.tolist() == before.birth.tolist()  # the same one all the time
    assert len(before) == 1
    assert after.existence[0] > early.existence[0] > 0.5 > late.existence[0]
    assert before.values[P_XX, 0] < early.values[P_XX, 0] < late.values[P_XX, 0] < 4.0
    assert late.values[P_UU, 0] > 0.5  # he may begin to move
    assert np.abs(late.state[0, 2:]).max() == 0.0


def test_who_has_left_unseen_is_gone_when_the_place_is_seen() -> None:
    told = watched(46.5, leaves_s=20.0)
    assert len(of_car(told[420])) == 1
    assert len(of_car(told[-1])) == 0
