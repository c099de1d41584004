"""The simulated cabinet: its plan, its own changes, the centre's control, faults, snapshots."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

import lukou_maps
from lukou_maps.signal_configuration import Relation, configuration_hash, load
from lukou_sim.cabinet.core import DARK, FLASHING_YELLOW, GREEN, RED, TICK_NS, Cabinet

START_NS = 1_700_006_400 * 10**9  # local midnight in China


@pytest.fixture(scope="module")
def configuration():
    return load(Path(lukou_maps.__file__).parent / "signal_example.json")


@pytest.fixture
def cabinet(configuration):
    return Cabinet(configuration, START_NS)


def stages_over(cabinet, seconds, act=lambda cabinet: None):
    """(stage name, start in ticks) of every stage that begins."""
    found, last = [], None
    first = cabinet.now_ns
    for n in range(1, seconds * 10 + 1):
        act(cabinet)
        cabinet.step(first + n * TICK_NS)
        now = (cabinet.stage_number, cabinet.next_stage_number)
        if now != last and now[1] == 0:
            found.append((cabinet.configuration.stages[now[0] - 1].name, n))
        last = now
    return found


def test_plan_keeps_its_splits(cabinet):
    found = stages_over(cabinet, 300)
    plan = cabinet.configuration.plans[0]
    lengths = {}
    for (name, start), (_, end) in itertools.pairwise(found[1:]):
        lengths.setdefault(name, set()).add((end - start) / 10)
    assert lengths == {name: {split} for name, split in plan.splits_s}


def test_clearances_hold_for_every_pair_under_random_orders(configuration):
    cabinet, rng = Cabinet(configuration, START_NS), random.Random(1)
    ended, shown = {}, cabinet.states()
    conflicts = [p for p in configuration.pairs if p.relation is Relation.CONFLICT]
    for n in range(1, 40_000):
        if rng.random() < 0.05:
            cabinet.request(rng.randint(1, 4))
        if rng.random() < 0.002:
            cabinet.release()
        cabinet.step(START_NS + n * TICK_NS)
        states = cabinet.states()
        for name, colour in states.items():
            if colour == RED and shown[name] != RED:
                ended[name] = n
        begun = {name for name, colour in states.items() if colour == GREEN and shown[name] == RED}
        for pair in conflicts:
            if pair.second in begun and pair.first in ended:
                assert states[pair.first] == RED
                assert n - ended[pair.first] >= pair.clearance_s * 10 - 1e-6
        shown = states


def test_centre_control_ends_with_the_backup_timer(cabinet):
    cabinet.request(1)
    cabinet.step(START_NS + 4 * 10**9)
    assert cabinet.is_controlled
    cabinet.step(START_NS + 6 * 10**9)
    assert not cabinet.is_controlled


def test_plan_is_in_step_within_three_cycles_after_control(cabinet):
    hold = lambda c: c.request(1)  # noqa: E731
    stages_over(cabinet, 75, hold)
    cycle = cabinet.configuration.plans[0].cycle_s
    found = stages_over(cabinet, int(5 * cycle))
    start_tick = 750
    starts = [(start_tick + n) / 10 % cycle for name, n in found if name == "NS-through" and n > 3 * cycle * 10]
    assert starts and all(min(s, cycle - s) < 0.2 for s in starts)


def test_minima_hold_against_the_centre(cabinet):
    rng = random.Random(2)
    found = stages_over(cabinet, 600, lambda c: c.request(rng.randint(1, 4)))
    assert all(b - a >= 160 for (_, a), (_, b) in itertools.pairwise(found[1:]))


def test_unknown_stage_is_refused(cabinet):
    assert not cabinet.request(9)


def test_faults_show(cabinet):
    cabinet.faults.lamps_out = {"N-through"}
    assert cabinet.states()["N-through"] == DARK
    cabinet.faults.is_flashing = True
    assert cabinet.states()["S-through"] == FLASHING_YELLOW
    assert cabinet.states()["N-pedestrian-far"] == DARK


def test_link_states_yield_and_turn_on_red(cabinet):
    letters = cabinet.link_states(24)
    # N: through 0 G, right 1 g (yields to people walking), left 2 r, bicycle 3 G; E: right turn 7 on red after stopping
    assert letters[:4] == "GgrG"
    assert letters[7] == "s"
    assert len(letters) == 24


def test_snapshot_continues_exactly(configuration):
    one = Cabinet(configuration, START_NS)
    one.request(2)
    one.step(START_NS + 33 * 10**9)
    one.faults.lamps_out = {"E-left"}
    two = Cabinet(configuration, START_NS)
    two.restore(one.snapshot())
    for n in range(1, 2000):
        at = START_NS + 33 * 10**9 + n * TICK_NS
        one.step(at)
        two.step(at)
        assert one.states() == two.states()


def test_snapshot_of_another_configuration_is_refused(cabinet, configuration):
    changed = cabinet.snapshot().replace(configuration_hash(configuration).encode(), b"0" * 64)
    with pytest.raises(ValueError, match="another signal configuration"):
        cabinet.restore(changed)
