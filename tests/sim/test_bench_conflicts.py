"""How warnings are scored against what happened."""

import math

import numpy as np

from lukou_sim.bench.conflict_truth import Alarm, Truth, lead_s, score
from lukou_sim.bench.conflicts import meeting, overlap, straight


def truth() -> Truth:
    made = Truth(vehicle_hours=0.5, vulnerable={"p"})
    made.collisions = [(("a", "b"), 10.0, "crossing"), (("a", "p"), 30.0, "vru")]
    made.moments[("a", "b")] = [(10.0, 10.5)]
    made.moments[("a", "p")] = [(30.0, 30.1)]
    made.contact = {("a", "b"): 10.0, ("a", "p"): 30.0}
    made.red = [("a", 8.0)]
    return made


def test_leads_need_a_warning_that_stands_at_contact() -> None:
    pair = ("a", "b")
    assert lead_s([Alarm(7.0, 10.2, "crossing", pair)], 10.0) == 3.0
    assert lead_s([Alarm(7.0, 9.0, "crossing", pair)], 10.0) == -1.0
    followed = [Alarm(6.0, 8.0, "crossing", pair), Alarm(8.4, 10.0, "crossing", pair)]
    assert lead_s(followed, 10.0) == 4.0


def test_figures_are_per_event_and_per_vehicle_hour() -> None:
    raised = [
        Alarm(7.0, 10.2, "crossing", ("a", "b")),
        Alarm(12.0, 13.0, "crossing", ("a", "b")),  # after contact: neither
        Alarm(29.0, 30.0, "vru", ("a", "p")),
        Alarm(3.0, 4.0, "vru", ("b", "p")),  # nothing came of it
        Alarm(3.0, 4.0, "info_overspeed", ("", "b")),
        Alarm(6.5, 8.0, "red_light", ("", "a")),
    ]
    found = score([truth()], [raised])
    assert found["recall_1_5s"] == {"crossing": 1.0, "rear_end": None, "vru": 0.0}
    assert found["false_per_vehicle_hour"] == {"vehicles": 0.0, "vru": 2.0}
    assert found["precision"] == round(2 / 3, 3)
    assert (found["red_light_foreseen_1s"], found["red_light_false_per_vehicle_hour"]) == (1.0, 0.0)


def test_free_space_sees_what_straight_lines_hit() -> None:
    users = np.array([[0.0, 0.0, 0.0, 10.0, 4.0, 2.0, 0.0], [20.0, -10.0, math.pi / 2, 5.0, 4.0, 2.0, 0.0]])
    assert meeting(users, straight) == [(0, 1)]
    users[1, 1] = -40.0
    assert meeting(users, straight) == []


def test_rectangles_overlap_by_their_corners_too() -> None:
    x, y, heading = np.array([[0.0], [2.6]]), np.array([[0.0], [2.6]]), np.array([[0.0], [math.pi / 4]])
    half = np.array([2.0, 2.0])
    assert overlap(x, y, heading, half, half, np.array([0]), np.array([1])).all()
    assert not overlap(x * 1.4, y * 1.4, heading, half, half, np.array([0]), np.array([1])).any()
