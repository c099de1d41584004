"""Timing by the cabinet's detectors: who is held, who follows, and when detectors are not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lukou_cloud.region.actuation import SILENT_NS, STUCK_NS, Actuation
from lukou_cloud.region.approaches import compile_approaches
from lukou_cloud.region.settings import TimingSettings
from lukou_cloud.region.timing import Timing
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import load, plan_at
from lukou_messages.v1.signal_pb2 import SignalState

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district"
ROAD = load_map(DISTRICT / "district.net.xml")
K1 = load(DISTRICT / "k1.signal.json")
STAGES = [stage.name for stage in K1.stages]
GROUPS = [group.name for group in K1.groups]
VEHICLES = [name for name in GROUPS if name.endswith(("through", "left"))]
NO_LEAD = [0] * len(STAGES)
JUNCTION = Timing(ROAD, K1, compile_approaches(ROAD, K1), TimingSettings()).junction
T = 1_790_000_000 * 10**9
SECOND = 10**9
SPLIT_S = dict(plan_at(K1, T).splits_s)["NS-through"] - float(JUNCTION.change_s[0, 1])
"""The plan's green of the running stage before the change begins. [s]"""


def heard(*called: str, detected: list[str] = GROUPS, since_s: float = 0.0) -> Actuation:
    """Detectors everywhere; some groups call, now and since `since_s` before."""
    made = Actuation(K1, JUNCTION)
    signal = SignalState(detected_groups=detected, called_groups=called)
    made.hear(T - 60 * SECOND, SignalState(detected_groups=detected))
    for at_ns in range(T - round(since_s * SECOND), T + 1, SECOND):
        made.hear(at_ns, signal)
    return made


def next_stage(
    actuation: Actuation, elapsed_s: float, skips_left: int = 0, allowed: tuple[int, ...] = (1, 2, 3)
) -> str:
    decision = actuation.decide(T, 0, elapsed_s, frozenset(allowed), skips_left, NO_LEAD)
    return STAGES[decision.stage]


def test_a_green_lasts_while_its_vehicles_come_and_ends_with_their_gap() -> None:
    coming = heard("N-through", "E-through", "N-left")
    assert next_stage(coming, SPLIT_S + 1.0) == "NS-through"
    coming.hear(T + SECOND, SignalState(detected_groups=GROUPS, called_groups=["N-left"]))
    late = coming.decide(T + 5 * SECOND, 0, 30.0, frozenset({1}), 0, NO_LEAD)
    assert STAGES[late.stage] == "NS-left" and "no vehicle over the detectors of NS-through" in late.why


def test_no_green_is_longer_than_its_split_and_a_quarter() -> None:
    assert next_stage(heard("N-through", "N-left"), 1.25 * dict(plan_at(K1, T).splits_s)["NS-through"]) == "NS-left"


def test_no_green_ends_before_its_minimum_nor_for_nobody() -> None:
    assert next_stage(heard("N-left"), 2.0) == "NS-through"
    assert next_stage(heard(), 40.0) == "NS-through"


def test_a_stage_that_nobody_calls_is_left_out_where_the_guard_allows_it() -> None:
    crossing = heard("E-through")
    assert next_stage(crossing, 40.0, skips_left=1) == "EW-through"
    assert next_stage(crossing, 40.0, skips_left=0) == "NS-left"
    waits_too_long = crossing.decide(T, 0, 40.0, frozenset({1}), 1, NO_LEAD)  # the guard sees somebody
    assert STAGES[waits_too_long.stage] == "NS-left"


def test_groups_without_detectors_are_called_and_keep_their_split() -> None:
    """Push buttons are missing: people are there in every round."""
    only_vehicles = heard("E-through", detected=VEHICLES)
    assert next_stage(only_vehicles, 40.0, skips_left=1) == "EW-through"  # where they walk, too
    no_through = heard("N-left", detected=[name for name in GROUPS if name != "N-through"])
    assert next_stage(no_through, SPLIT_S - 1.0) == "NS-through"
    assert next_stage(no_through, SPLIT_S + 0.1) == "NS-left"


def test_an_end_is_told_as_long_before_as_the_site_wants() -> None:
    lead_s = [0, 8, 0, 0]
    minimum_s = float(JUNCTION.min_s[0, 1])
    asked = heard("N-left")
    assert asked.decide(T, 0, minimum_s - 9.5, frozenset(), 0, lead_s).stage == 0
    assert STAGES[asked.decide(T, 0, minimum_s - 7.5, frozenset(), 0, lead_s).stage] == "NS-left"


def test_what_the_guard_does_not_allow_yet_follows_as_soon_as_it_does() -> None:
    decision = heard("N-left").decide(T, 0, 60.0, frozenset(), 0, NO_LEAD)
    assert (decision.stage, STAGES[decision.following]) == (0, "NS-left")


@pytest.mark.parametrize("is_stuck", [True, False])
def test_a_detector_that_never_stops_calling_or_is_silent_for_long_is_not_believed(is_stuck: bool) -> None:
    actuation = heard("N-left")
    broken = SignalState(detected_groups=GROUPS, called_groups=VEHICLES if is_stuck else [])
    lasts_ns = STUCK_NS if is_stuck else SILENT_NS
    for at_ns in range(T, T + lasts_ns + 10 * SECOND, 5 * SECOND):
        called = [*broken.called_groups, *(["N-left"] if at_ns % (10 * SECOND) == 0 else [])]
        if is_stuck and at_ns % (10 * SECOND):
            called.remove("N-left")
        actuation.hear(at_ns, SignalState(detected_groups=GROUPS, called_groups=called))
    assert actuation.broken() == sorted(set(VEHICLES) - {"N-left"})
    assert not actuation.is_possible()  # seven of eight


def test_too_few_detectors_are_not_enough() -> None:
    assert heard(detected=VEHICLES[:4]).is_possible()
    assert not heard(detected=VEHICLES[:3]).is_possible()
    gone = heard()
    gone.hear(T + SECOND, SignalState())  # the cabinet is not read any more
    assert not gone.is_possible()


def test_a_snapshot_continues() -> None:
    one, other = heard("N-through", since_s=200.0), Actuation(K1, JUNCTION)
    other.restore(one.state())
    for actuation in (one, other):
        for at_ns in range(T, T + 120 * SECOND, SECOND):
            actuation.hear(at_ns, SignalState(detected_groups=GROUPS, called_groups=["N-through"]))
    assert one.broken() == other.broken() == ["N-through"]
