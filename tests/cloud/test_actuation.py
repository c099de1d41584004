"""Timing by the cabinet's detectors: who is held, who follows, and when detectors are not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lukou_cloud.region.actuation import SILENT_NS, STUCK_NS, Actuation
from lukou_cloud.region.approaches import compile_approaches
from lukou_cloud.region.settings import TimingSettings
from lukou_cloud.region.timing import Decision, Timing
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import cycle_position_s, load, plan_at
from lukou_messages.v1.signal_pb2 import SignalState

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district"
ROAD = load_map(DISTRICT / "district.net.xml")
K1 = load(DISTRICT / "k1.signal.json")
STAGES = [stage.name for stage in K1.stages]
GROUPS = [group.name for group in K1.groups]
VEHICLES = [name for name in GROUPS if name.endswith(("through", "left"))]
NO_LEAD = [0] * len(STAGES)
JUNCTION = Timing(ROAD, K1, compile_approaches(ROAD, K1), TimingSettings()).junction
SECOND = 10**9
T = 1_790_000_000 * SECOND
PLAN = plan_at(K1, T)
T -= round(cycle_position_s(K1, PLAN, T) * SECOND)  # the plan's first stage begins
NS, NS_LEFT, EW, EW_LEFT = range(4)
STARTS_S = [sum(split for _, split in PLAN.splits_s[:k]) for k in range(4)]


def green_s(running: int) -> float:
    """The plan's green before the change begins. [s]"""
    return PLAN.splits_s[running][1] - float(JUNCTION.change_s[running, (running + 1) % 4])


def heard(*called: str, detected: list[str] = GROUPS, at_ns: int = T, since_s: float = 0.0) -> Actuation:
    """Detectors everywhere; some groups call at an instant, and since `since_s` before."""
    made = Actuation(K1, JUNCTION)
    made.hear(at_ns - 60 * SECOND, SignalState(detected_groups=detected))
    for each_ns in range(at_ns - round(since_s * SECOND), at_ns + 1, SECOND):
        made.hear(each_ns, SignalState(detected_groups=detected, called_groups=called))
    return made


def wanted(
    *called: str, running: int = EW, elapsed_s: float, early_s: float = 0.0, skips_left: int = 0, detected: list[str] = GROUPS,
    allowed: tuple[int, ...] = (NS, NS_LEFT, EW, EW_LEFT), lead_s: list[int] = NO_LEAD,
) -> Decision:  # fmt: skip
    """Decided for a stage that began so much earlier than planned, while some call."""
    now_ns = T + round((STARTS_S[running] - early_s + elapsed_s) * SECOND)
    actuation = heard(*called, detected=detected, at_ns=now_ns)
    return actuation.decide(now_ns, running, elapsed_s, frozenset(allowed) - {running}, skips_left, lead_s)


def test_a_green_lasts_while_its_vehicles_come_and_ends_with_their_gap() -> None:
    early_s = 10.0  # the stage before ended early: there is time
    assert wanted("E-through", "E-left", elapsed_s=green_s(EW), early_s=early_s).stage == EW
    gap = wanted("E-left", elapsed_s=green_s(EW), early_s=early_s)
    assert gap.stage == EW_LEFT and "no vehicle over the detectors of EW-through" in gap.why


def test_a_gap_is_a_passage_time() -> None:
    now_ns = T + round((STARTS_S[EW] + green_s(EW) - 10.0) * SECOND)
    actuation = heard("E-through", at_ns=now_ns)
    found = []
    for second in range(1, 5):
        at_ns = now_ns + second * SECOND
        actuation.hear(at_ns, SignalState(detected_groups=GROUPS, called_groups=["E-left"]))
        found.append(actuation.decide(at_ns, EW, 15.0 + second, frozenset({EW_LEFT}), 0, NO_LEAD).stage)
    assert found == [EW, EW, EW_LEFT, EW_LEFT]


def test_every_green_ends_when_its_plan_says_by_the_clock_at_the_latest() -> None:
    assert wanted("E-through", "E-left", elapsed_s=green_s(EW) - 1.0).stage == EW
    assert wanted("E-through", "E-left", elapsed_s=green_s(EW) + 0.1).stage == EW_LEFT
    assert wanted("E-through", "E-left", elapsed_s=green_s(EW) + 4.0, early_s=5.0).stage == EW
    late = wanted("E-through", "E-left", elapsed_s=float(JUNCTION.min_s[EW, EW_LEFT]), early_s=-8.0)
    assert late.stage == EW_LEFT


def test_the_stage_that_keeps_time_neither_ends_early_nor_begins_the_next_round_early() -> None:
    assert wanted("N-left", running=NS, elapsed_s=green_s(NS) - 1.0).stage == NS
    assert wanted("N-left", running=NS, elapsed_s=green_s(NS) + 0.1).stage == NS_LEFT
    assert wanted("N-left", running=NS, elapsed_s=green_s(NS) + 19.0, early_s=20.0).stage == NS
    round_s = 3 * PLAN.cycle_s  # nobody had called for three rounds
    assert wanted("N-left", running=NS, elapsed_s=round_s + 30.0).stage == NS
    assert wanted("N-left", running=NS, elapsed_s=round_s + green_s(NS) - 0.5).stage == NS_LEFT


def test_no_green_ends_before_its_minimum_nor_for_nobody() -> None:
    assert wanted("E-left", elapsed_s=2.0).stage == EW
    assert wanted(elapsed_s=green_s(EW) + 20.0).stage == EW


def test_a_stage_that_nobody_calls_is_left_out_where_the_guard_allows_it() -> None:
    assert wanted("E-through", running=NS, elapsed_s=30.0, skips_left=1).stage == EW
    assert wanted("E-through", running=NS, elapsed_s=30.0, skips_left=0).stage == NS_LEFT
    waits_too_long = wanted(
        "E-through", running=NS, elapsed_s=30.0, skips_left=1, allowed=(NS_LEFT,)
    )  # the guard sees it
    assert waits_too_long.stage == NS_LEFT


def test_groups_without_detectors_are_called_and_have_their_plans_green() -> None:
    """Push buttons are missing: people are there in every round."""
    assert wanted("E-left", running=NS, elapsed_s=30.0, skips_left=1, detected=VEHICLES).stage == EW
    no_through = [name for name in GROUPS if name != "E-through"]
    assert wanted("E-left", elapsed_s=green_s(EW) - 1.0, detected=no_through).stage == EW
    assert wanted("E-left", elapsed_s=green_s(EW) + 0.1, detected=no_through).stage == EW_LEFT


def test_an_end_is_told_as_long_before_as_the_site_wants() -> None:
    minimum_s, lead_s = float(JUNCTION.min_s[EW, EW_LEFT]), [0, 0, 0, 8]
    assert wanted("E-left", elapsed_s=minimum_s - 9.5, allowed=(), lead_s=lead_s).stage == EW
    assert wanted("E-left", elapsed_s=minimum_s - 7.5, allowed=(), lead_s=lead_s).stage == EW_LEFT


def test_what_the_guard_does_not_allow_yet_follows_as_soon_as_it_does() -> None:
    decision = wanted("E-left", elapsed_s=60.0, allowed=())
    assert (decision.stage, decision.following) == (EW, EW_LEFT)


@pytest.mark.parametrize("is_stuck", [True, False])
def test_a_detector_that_never_stops_calling_or_is_silent_for_long_is_not_believed(is_stuck: bool) -> None:
    actuation = heard("N-left")
    lasts_ns = STUCK_NS if is_stuck else SILENT_NS
    for k, at_ns in enumerate(range(T, T + lasts_ns + 10 * SECOND, 5 * SECOND)):
        others = [name for name in VEHICLES if name != "N-left"] if is_stuck else []
        called = [*others, "N-left"] if k % 2 else others
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
