"""The tracker's machine code made ready: a small scene makes use of everything."""

from __future__ import annotations

from functools import cache

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.compiled import CODE
from lukou_roadside.perception.tracking.coverage import SURE_S, Coverage, Watched
from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.scan import CAMERA, RADAR, Floats, Scan, View
from lukou_roadside.perception.tracking.settings import TrackerSettings

STEPS = 15
"""So many tenths of a second of a small scene make use of everything."""

ROAD_USERS = 4


@cache
def warm() -> None:
    """Track some made-up road users with two cameras, two radars and a vendor's sensor for a few seconds of their time."""
    CODE.say_where_kept()
    tracker, rng = EventTimeTracker(TrackerSettings()), np.random.default_rng(1)
    place, velocity = np.array([[10.0, 20.0, 21.0, 40.0], [5.0, 7.0, 7.5, 30.0]]), np.array([[8.0], [1.0]])
    for step in range(STEPS):
        time_s = 0.1 * step
        for sensor, late_s in ((0, 0.0), (1, 0.02), (2, 0.0), (3, 0.03), (4, 0.05)):
            at_s = time_s - late_s
            tracker.add(
                _scan(sensor, step, at_s, place + at_s * velocity + rng.normal(0.0, 0.2, place.shape), velocity)
            )
        tracker.at(time_s + 0.05)
    learned, somebody = Coverage(), np.ones(1)
    learned.add(
        View(0.0, 0.0), 0.0, Watched(somebody, somebody, 50.0 * somebody, somebody, somebody, somebody > 0.0), 1.0
    )
    learned.learn(SURE_S + 1.0)


def _scan(sensor: int, number: int, time_s: float, place: Floats, velocity: Floats) -> Scan:
    """Cameras 0 and 1, radars 2 and 3, and a vendor's tracks with velocities, 4; only radars see the last road user, now and then, so that tracks begin and end."""
    is_radar, is_vendor = sensor in (2, 3), sensor == 4
    count = ROAD_USERS - (not is_radar or number % 8 < 4)
    view, unknown, (x, y) = View(0.0, 4.0 * sensor), np.full(count, np.nan), place[:, :count]
    distance = np.hypot(x - view.x_m, y - view.y_m)
    rate = ((x - view.x_m) * velocity[0] + (y - view.y_m) * velocity[1]) / distance
    return Scan(
        sensor=sensor,
        kind=RADAR if is_radar else CAMERA,
        time_s=time_s,
        sequence=number,
        x_m=x,
        y_m=y,
        variance_xx=np.full(count, 0.1),
        variance_xy=np.zeros(count),
        variance_yy=np.full(count, 0.1),
        views=(view,),
        object_class=np.full(count, 0 if is_radar else classes.CAR),
        score=np.full(count, 0.7),
        yaw_rad=unknown if is_radar else np.full(count, 0.1),
        length_m=unknown if is_radar else np.full(count, 4.4),
        width_m=unknown if is_radar else np.full(count, 1.8),
        range_rate_mps=rate if is_radar or is_vendor else unknown,
        repeats=10.0 if is_vendor else 1.0,
        age_s=np.full(count, time_s + 1.0) if is_vendor else None,
        velocity_mps=velocity + np.zeros((2, count)) if is_vendor else None,
    )
