"""Scores of a demo's warnings: true and false ones, and what became of scheduled dangers."""

from collections.abc import Sequence

import pytest

from lukou_messages.objects import ObjectList, TruthList
from lukou_messages.v1.truth_pb2 import TruthEvent
from lukou_messages.v1.warning_pb2 import WarnedRoadUser
from lukou_messages.v1.warning_pb2 import Warning as WarningMessage
from lukou_sim.demo.warnings import WarningScore

START_NS = 1_800_000_000_000_000_000
CAR, PEDESTRIAN = 1, 6


class Place:
    """A car that drives east along y = 0 and a second road user, told to a score ten times a second."""

    def __init__(self, kind: int = CAR, gone_s: float = 0.0) -> None:
        self.score = WarningScore()
        self.kind = kind
        self.gone_s = gone_s
        """By how much the second, going north, passes (0, 0) before the car. [s]"""

    def tell(self, t: float, events: Sequence[TruthEvent] = (), speed: float = 10.0) -> None:
        now_ns = START_NS + round(t * 1e9)
        x, y = speed * (t - 5.0), 2.0 * (t - 5.0 + self.gone_s)
        own = {"x_m": [x, 0.0], "y_m": [0.0, y], "velocity_x_mps": [speed, 0.0], "velocity_y_mps": [0.0, 2.0]}
        truth = TruthList.of(
            2,
            names=("car", "other"),
            site_names=("k1",),
            events=list(events),
            id=[1, 2],
            object_class=[CAR, self.kind],
            yaw_rad=[0.0, 1.5708],
            length_m=[4.5, 0.5],
            width_m=[1.8, 0.5],
            **own,
        )
        self.score.add_truth(now_ns, truth)
        self.score.add_objects(now_ns, ObjectList.of(2, id=[11, 12], object_class=[CAR, self.kind], **own))

    def run(self, events: dict[float, TruthEvent], until: float = 12.0, warn: dict[float, float] | None = None) -> None:
        """Tell everything; `warn` raises a warning of both at its key until its value."""
        ends = {}
        for k in range(round(until * 10)):
            t = k / 10
            self.tell(t, [events[t]] if t in events else ())
            if warn and t in warn:
                ends[warn[t]] = message = warning(t)
                self.score.add_warning(START_NS + round(t * 1e9), message)
            if t in ends:
                self.score.end_warning(START_NS + round(t * 1e9), ends[t])


def warning(t: float) -> WarningMessage:
    users = [WarnedRoadUser(object_id=11), WarnedRoadUser(object_id=12)]
    return WarningMessage(warning_id=f"w{t}", raised_at_ns=START_NS + round(t * 1e9), road_users=users)


def event(t: float, kind: str, scheduled: str = "") -> TruthEvent:
    return TruthEvent(
        at_ns=START_NS + round(t * 1e9), kind=kind, actor="other", other="" if kind == "red_light" else "car",
        scheduled=scheduled,
    )  # fmt: skip


def test_a_warning_before_a_contact_is_true_and_finds_it() -> None:
    place = Place()
    place.run({4.9: event(4.9, "contact")}, warn={3.0: 6.0})
    figures = place.score.figures()
    assert (figures["true"], figures["false"], figures["missed"]) == (1, 0, 0)


@pytest.mark.parametrize("warn", [{}, {3.0: 4.0}, {5.0: 6.0}])
def test_a_danger_is_missed_without_a_warning_that_stands(warn: dict[float, float]) -> None:
    place = Place()
    place.run({4.9: event(4.9, "contact")}, warn=warn)
    assert place.score.figures()["missed"] == 1


def test_a_warning_of_nothing_is_false() -> None:
    place = Place(gone_s=4.0)
    place.run({}, warn={3.0: 6.0})
    figures = place.score.figures()
    assert (figures["raised"], figures["true"], figures["false"], figures["missed"]) == (1, None, 1, None)


def test_a_scheduled_danger_that_comes_to_nothing_does_not_count() -> None:
    place = Place(PEDESTRIAN, gone_s=4.0)
    place.run({1.0: event(1.0, "jaywalker", "d1")})
    figures = place.score.figures()
    assert (figures["scheduled_begun"], figures["scheduled"], figures["scheduled_recall"]) == (1, 0, None)


@pytest.mark.parametrize(("warn", "recall"), [({}, 0.0), ({3.0: 6.0}, 1.0), ({0.0: 6.0}, 0.0)])
def test_a_scheduled_near_miss_counts_and_must_be_warned_of_after_it_began(
    warn: dict[float, float], recall: float
) -> None:
    place = Place(PEDESTRIAN, gone_s=1.5)
    place.run({1.0: event(1.0, "jaywalker", "d1")}, warn=warn)
    figures = place.score.figures()
    assert (figures["scheduled"], figures["scheduled_recall"]) == (1, recall)
    outcome = figures["scheduled_by_identity"]
    assert isinstance(outcome, dict)
    assert outcome["d1"]["became"] == ["near_miss"]
    assert 3.0 < outcome["d1"]["after_s"][0] < 5.0


def test_a_red_light_that_was_run_and_its_contact_are_one_scheduled_danger() -> None:
    place = Place()
    events = {1.0: event(1.0, "red_light", "d2"), 3.0: event(3.0, "red_light"), 4.9: event(4.9, "contact")}
    place.run(events, warn={2.0: 3.5})
    figures = place.score.figures()
    assert (figures["dangers"], figures["scheduled"], figures["scheduled_warned"]) == (2, 1, 1)
    assert figures["by_kind"] == {"red_light": {"happened": 1, "warned": 1}, "contact": {"happened": 1, "warned": 0}}


def test_those_driving_close_behind_are_a_near_miss_by_their_time_to_collision() -> None:
    score = WarningScore()
    for k in range(60):
        t = k / 10
        begun = TruthEvent(at_ns=START_NS, kind="rear_end", actor="car", other="behind", scheduled="d3")
        truth = TruthList.of(
            2,
            names=("car", "behind"),
            site_names=("k1",),
            events=[begun] if k == 0 else [],
            id=[1, 2],
            object_class=[CAR, CAR],
            x_m=[0.0, -32.0 + 10.0 * min(t, 1.6)],
            y_m=[0.0, 0.0],
            velocity_x_mps=[0.0, 10.0 if t < 1.6 else 0.0],
            velocity_y_mps=[0.0, 0.0],
            yaw_rad=[0.0, 0.0],
            length_m=[4.5, 4.5],
            width_m=[1.8, 1.8],
        )
        score.add_truth(START_NS + k * 100_000_000, truth)
    figures = score.figures()
    assert (figures["scheduled"], figures["scheduled_warned"]) == (1, 0)
