"""Search over stage sequences: who is served, who yields, who has no room, and what is never planned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.region.lineup import _traffic
from lukou_cloud.region.search.compiled import CODE
from lukou_cloud.region.search.junction import FREE, NONE, STOPS, YIELDS, Junction, Movement, compile_junction
from lukou_cloud.region.search.queue_model import LONGEST_REST_S, Traffic
from lukou_cloud.region.search.stage_search import SearchSettings, StageSearch
from lukou_cloud.region.search.warm import warm
from lukou_maps.signal_configuration import GroupType, changes, configuration_from_programme, load

HORIZON_S = 60
DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district"


def junction(states: tuple[str, ...], gives_way: tuple[tuple[int, int], ...] = (), plan_share: float = 0.0) -> Junction:
    """One lane, one exit and one link per letter; 3 s of yellow, 5 s of minimum green."""
    phases = [
        (duration, text) for s in states for duration, text in ((20.0, s), (3.0, s.replace("G", "y").replace("g", "y")))
    ]
    configuration = configuration_from_programme("x", phases)
    count = len(states[0])
    waits = np.zeros((count, count), bool)
    for first, second in gives_way:
        waits[first, second] = True
    return compile_junction(configuration, [Movement(k, k, frozenset({k})) for k in range(count)], waits, plan_share)


def traffic(arrivals: list[list[float]], room: list[float] | None = None) -> Traffic:
    lines = [[(at, lane, 2.0, 1.0) for at in row] for lane, row in enumerate(arrivals)]
    count = len(arrivals)
    nobody_on_foot = np.zeros((HORIZON_S + 1 + LONGEST_REST_S, 0))
    exits = np.array(room or [np.inf] * count), np.zeros(count), np.ones(count)
    return _traffic(lines, list(range(count)), HORIZON_S, *exits, 1.0, nobody_on_foot)


def search(of: Junction, width: int = 24) -> StageSearch:
    return StageSearch(of, SearchSettings(HORIZON_S, width))


def test_a_stage_that_serves_nobody_is_left_for_one_that_does() -> None:
    choice = search(junction(("Gr", "rG"))).decide(0, 10.0, traffic([[], [0.0] * 5]), frozenset({1}))
    assert choice.stage == 1 and choice.cost < choice.alternative
    # 3 s of yellow, 1 s of start-up, then one vehicle every 2 s
    assert np.flatnonzero(choice.departures[:, 1]).tolist() == [4, 6, 8, 10, 12]


def test_a_queue_is_served_before_a_single_vehicle_elsewhere() -> None:
    choice = search(junction(("Gr", "rG"))).decide(0, 10.0, traffic([[0.0] * 8, [0.0]]), frozenset({1}))
    assert choice.stage == 0 and choice.following == 1
    assert 14 <= choice.hold_s <= 18  # eight vehicles at 2 s


def test_nothing_is_begun_that_is_not_allowed() -> None:
    choice = search(junction(("Gr", "rG"))).decide(0, 2.0, traffic([[], [0.0] * 5]), frozenset())
    assert choice.stage == 0 and choice.hold_s >= 3  # the minimum of 5 s


def test_near_the_plan_a_stage_is_neither_much_shorter_nor_much_longer() -> None:
    near = junction(("Gr", "rG"), plan_share=0.5)  # the plan gives each 20 s, and 3 s of yellow
    assert near.min_s.tolist() == [[0.0, 10.0], [10.0, 0.0]] and near.max_s.tolist() == [34.5, 34.5]
    early = search(near).decide(0, 6.0, traffic([[], [0.0] * 5]), frozenset({1}))
    assert early.stage == 1  # the caller allows it; of its own accord:
    assert search(near).decide(0, 6.0, traffic([[], [0.0] * 5]), frozenset()).hold_s == 4
    endless = [2.0 * k for k in range(30)]
    assert search(near).decide(0, 0.0, traffic([endless, [0.0]]), frozenset()).hold_s <= 30
    assert search(junction(("Gr", "rG"))).decide(0, 0.0, traffic([endless, [0.0]]), frozenset()).hold_s > 40


def test_near_the_plan_what_follows_is_planned_in_its_order() -> None:
    states, busy = ("Grr", "rGr", "rrG"), traffic([[2.0 * k for k in range(25)], [0.0, 20.0, 30.0, 40.0], []])
    free = search(junction(states)).decide(0, 12.0, busy, frozenset({1, 2}))
    assert 2 not in free.states  # nobody is known to wait there
    near = search(junction(states, plan_share=0.5))
    # whatever the cabinet says may be left out, and also after a first change backwards, which it allows
    for stage, allowed, skips_left in ((0, {1, 2}, 0), (0, {1, 2}, 3), (1, {0}, 3)):
        after = near.decide(stage, 12.0, busy, frozenset(allowed), may_hold=stage == 0, skips_left=skips_left)
        shown = [state for state in after.states.tolist() if state < 3]
        order = [b for a, b in zip([-1, *shown], shown, strict=False) if a != b][stage:]
        assert order == [(order[0] + k) % 3 for k in range(len(order))] and len(order) > 2


def test_who_yields_waits_for_a_gap() -> None:
    crossing = junction(("Gg", "rG"), gives_way=((1, 0),))
    assert crossing.right[0].tolist() == [FREE, YIELDS] and crossing.right[1].tolist() == [NONE, FREE]
    free = search(crossing).decide(0, 10.0, traffic([[], [0.0]]), frozenset())
    assert np.flatnonzero(free.departures[:, 1])[0] == 0
    busy = search(crossing).decide(0, 0.0, traffic([[0.0, 2.0, 4.0], [0.0]]), frozenset())
    assert np.flatnonzero(busy.departures[:, 1])[0] > np.flatnonzero(busy.departures[:, 0])[-1]


def test_who_turns_on_red_stops_first() -> None:
    phases = [(20.0, "Gs"), (3.0, "ys"), (20.0, "rG"), (3.0, "ry")]
    ways = [Movement(0, 0, frozenset({0})), Movement(1, 1, frozenset({1}), may_turn_on_red=True)]
    of = compile_junction(configuration_from_programme("x", phases), ways, np.array([[False, False], [True, False]]))
    assert of.right[0].tolist() == [FREE, STOPS] and of.right[1].tolist() == [NONE, FREE]
    free = search(of).decide(0, 0.0, traffic([[], [1.0]]), frozenset())
    assert np.flatnonzero(free.departures[:, 1]).tolist() == [4]
    busy = search(of).decide(0, 0.0, traffic([[3.0, 5.0], [1.0]]), frozenset())
    assert np.flatnonzero(busy.departures[:, 1])[0] > 5


def test_nobody_is_sent_where_there_is_no_room() -> None:
    choice = search(junction(("Gr", "rG"))).decide(
        0, 10.0, traffic([[0.0] * 8, [0.0] * 3], [0.0, np.inf]), frozenset({1})
    )
    assert choice.stage == 1  # the longer queue cannot go anywhere
    assert not choice.departures[:, 0].any()


def test_nobody_steps_off_while_it_flashes() -> None:
    of = load(DISTRICT / "k1.signal.json")
    crossings = [g for g in of.groups if g.type is GroupType.PEDESTRIAN]
    ways = [Movement(k, 0, frozenset(g.links)) for k, g in enumerate(crossings)]
    made = compile_junction(of, ways, np.zeros((len(ways),) * 2, bool))
    for (first, second), at in changes(of, 0.1).items():
        begun = made.change[made.stages.index(first), made.stages.index(second)]
        for k, group in enumerate(crossings):
            if group.name in at.endings:
                walks = made.right[begun : begun + int(np.ceil(at.duration / 10)), k] > NONE
                assert walks.sum() == np.ceil(at.endings[group.name].steady_ends / 10)


def test_who_has_waited_too_long_on_foot_goes_before_a_queue_and_costs_nothing_more_once_gone() -> None:
    of, queue = junction(("Gr", "rG")), traffic([[0.0] * 8, [0.0]])  # the last lane is a crosswalk
    patient = search(of).decide(0, 10.0, queue, frozenset({1}))
    for late_from, stage in ((0, 1), (HORIZON_S, 0)):
        overdue = np.zeros((HORIZON_S + 1 + LONGEST_REST_S, 1))
        overdue[late_from:] = 1.0
        found = search(of).decide(0, 10.0, queue._replace(overdue=overdue, overdue_weight=30.0), frozenset({1}))
        assert found.stage == stage
        if stage == patient.stage:
            assert found.cost == patient.cost  # served before it would be too long


def test_nothing_is_compiled_after_the_start() -> None:
    warm()
    versions = CODE.versions()
    search(junction(("Gr", "rG"))).decide(0, 0.0, traffic([[1.0], []], [3.0, np.inf]), frozenset({1}), False)
    crossing = junction(("GGr", "rGG", "rrG"), gives_way=((1, 0),))
    search(crossing).decide(1, 9.0, traffic([[0.0], [], [2.0]]), frozenset(), True, np.arange(3), 1, np.ones(3))
    assert CODE.versions() == versions


@pytest.mark.parametrize("seed", range(5))
def test_the_model_keeps_its_own_rules(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [sorted(rng.uniform(0, 50, rng.integers(0, 12)).tolist()) for _ in range(3)]
    given = traffic(rows)
    found = search(junction(("GGr", "rGG", "rrG"))).decide(0, 6.0, given, frozenset({1, 2}))
    again = search(junction(("GGr", "rGG", "rrG"))).decide(0, 6.0, given, frozenset({1, 2}))
    assert found.cost == again.cost and found.stage == again.stage  # deterministic
    for lane, row in enumerate(rows):
        gone = np.flatnonzero(found.departures[:, lane])
        assert len(gone) <= len(row)
        assert all(second + 1 > at for second, at in zip(gone, row, strict=False))  # nobody before he comes
        assert (np.diff(gone) >= 1).all()
    assert found.cost >= 0 and found.alternative >= found.cost
