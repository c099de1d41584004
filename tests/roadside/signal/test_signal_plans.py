"""The signal process of a cabinet that takes plans: what it is given runs from the next cycle on, and ends are told by it."""

from __future__ import annotations

import importlib.util
import random
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from lukou_maps.signal_configuration import changes, cycle_position_s
from lukou_messages.v1.command_pb2 import PlanRequest, StageSplit
from lukou_sim.cabinet.core import Cabinet

_spec = importlib.util.spec_from_file_location("street_of_stages", Path(__file__).parent / "test_signal_process.py")
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules["street_of_stages"] = _module
_spec.loader.exec_module(_module)
ACCEPTED, APPLIED = _module.ACCEPTED, _module.APPLIED


class Street(_module.Street):
    """With a cabinet that takes plans; notes when each stage began."""

    def __init__(self, configuration, takes="plans"):
        super().__init__(configuration, takes=takes)
        self.now_ns += 90 * 10**9  # the last stage runs
        self.cabinet = Cabinet(configuration, self.now_ns, takes_plans=True)
        self.devices = _module.devices_for(self.settings, _module.DirectController(self.cabinet), host=False)
        self.starts = []

    def tick(self):
        before = self.cabinet.stage_number
        outputs = super().tick()
        if self.cabinet.stage_number != before:
            self.starts.append((self.cabinet.stage_number, self.now_ns))
        return outputs

    def plan(self, *by, **fields):
        """Ask for the running plan with these greens more, from the end of its cycle on."""
        names = [stage.name for stage in self.configuration.stages]
        running = self.signal.plan
        greens = [green + more for green, more in zip(running.greens_s, by, strict=True)]
        cycle_s = running.cycle_s + sum(by)
        now_s = self.now_ns / 1e9
        ends_s = now_s + (running.offset_s - now_s) % running.cycle_s
        identity = self.command(**fields)
        self.todo[-1].plan_request.CopyFrom(
            PlanRequest(
                splits=[StageSplit(stage=name, green_s=green) for name, green in zip(names, greens, strict=True)],
                cycle_s=cycle_s,
                offset_s=round(ends_s % cycle_s, 1) % cycle_s,
            )
        )
        return identity

    def splits(self):
        """Seconds from each stage's start to the next stage's, as they were on the street."""
        return [(number, (end - start) / 1e9) for (number, start), (_, end) in pairwise(self.starts)]


@pytest.fixture
def street(configuration):
    street = Street(configuration)
    street.until(lambda: street.signal.HasField("plan"))
    street.starts.clear()
    street.until(lambda: street.cabinet.stage_number == 2)
    return street


def keep(street, seconds):
    for _ in range(round(seconds)):
        street.command(renewal=True)
        street.run(1.0)


def own_splits(street):
    return [split for _, split in street.configuration.plans[0].splits_s]


@pytest.mark.slow
def test_a_plan_runs_from_the_next_cycle_on_and_ends_are_told_by_it(street):
    own = own_splits(street)
    identity = street.plan(2, -1, 1, 0)
    street.run(0.2)
    assert street.statuses(identity)[-1] == (ACCEPTED, "")
    assert list(street.signal.plan.greens_s) != list(street.signal.next_plan.greens_s)
    told, right, wrong = {}, 0, 0  # by group: its colour, and the ends that were told in the ten seconds before
    for _ in range(round(2.4 * sum(own))):
        street.command(renewal=True)
        street.run(1.0)
        for group in street.signal.groups:
            colour, ends = told.get(group.group, (0, []))
            if colour != group.colour:
                right += sum(abs(end - street.now_ns) <= 1e9 for end in ends)
                wrong += sum(abs(end - street.now_ns) > 1e9 for end in ends)
                ends = []
            if group.HasField("likely_end_at_ns") and group.likely_end_at_ns - street.now_ns < 10e9:
                ends.append(group.likely_end_at_ns)
            told[group.group] = group.colour, ends
    assert street.statuses(identity)[-1] == (APPLIED, "")
    first = next(k for k, (number, _) in enumerate(street.splits()) if number == 1)
    shown_splits = [split for _, split in street.splits()[first : first + 4]]
    assert shown_splits == pytest.approx([a + b for a, b in zip(own, (2, -1, 1, 0), strict=True)], abs=0.15)
    assert right > 100
    assert wrong == 0


@pytest.mark.slow
def test_silence_leads_back_to_the_cabinets_own_plan(street):
    own = own_splits(street)
    identity = street.plan(2, 1, 0, 1)
    keep(street, 1.1 * sum(own))
    assert street.statuses(identity)[-1] == (APPLIED, "")
    street.run(4.0)  # the lease is 3 s
    assert street.core.state.authority == 8
    assert not street.cabinet.is_controlled
    street.until(lambda: street.cabinet.stage_number == 1 and street.signal.plan == street.signal.next_plan)
    street.starts.clear()
    street.run(1.2 * sum(own))
    expected = dict(zip([stage.number for stage in street.configuration.stages], own, strict=True))
    assert street.splits()
    assert all(expected[n] - 0.15 <= split <= 1.1 * expected[n] for n, split in street.splits())  # on its way


@pytest.mark.parametrize("by", [(3, 2, 2, 2), (-2, 0, -2, 0)])
def test_after_a_release_a_cabinet_is_in_step_with_its_own_plan_within_three_cycles(configuration, by):
    """Invariant 18, of the simulated cabinet alone: it has run another cycle thrice."""
    own, between, names = configuration.plans[0], changes(configuration, 0.1), list(configuration.stage_by_name)
    after = zip(names, names[1:] + names[:1], strict=True)
    splits = [split + more for (_, split), more in zip(own.splits_s, by, strict=True)]
    greens = [split - between[pair].duration / 10 for split, pair in zip(splits, after, strict=True)]
    cabinet, now_ns = Cabinet(configuration, _module.START_NS, takes_plans=True), _module.START_NS
    offset_s = (now_ns / 1e9 + own.cycle_s - cycle_position_s(configuration, own, now_ns)) % sum(splits)

    def beside():
        """Whether the cabinet shows another stage than its calendar says."""
        position = cycle_position_s(configuration, own, cabinet.now_ns)
        at = next(k for k in range(len(names)) if position < sum(split for _, split in own.splits_s[: k + 1]) - 1e-6)
        return cabinet.stage_number != configuration.stages[at].number

    def run(seconds, plan=None):
        nonlocal now_ns
        found = 0
        for _ in range(round(seconds * 10)):
            now_ns += _module.TICK_NS
            if plan:
                assert cabinet.request_plan(*plan)
            cabinet.step(now_ns)
            found += beside()
        return found

    assert run(own.cycle_s) == 0  # its own plan, before it is given another
    assert run(3.5 * own.cycle_s, (greens, offset_s)) > 100
    cabinet.release()
    assert run(configuration.limits.in_step_cycles * own.cycle_s) > 0
    assert run(own.cycle_s) <= len(names)  # a tick per stage


def test_stages_are_refused_where_plans_are_taken_and_plans_where_stages_are(street, configuration):
    identity = street.command(stage="NS-left")
    street.run(0.2)
    assert street.statuses(identity)[-1][1] == "takes_plans"
    assert not street.signal.allowed_stages
    other = _module.Street(configuration)
    other.until(lambda: other.core.state.is_synced and other.core.state.to < 0)
    identity = other.command()
    other.todo[-1].plan_request.cycle_s = 100.0
    other.run(0.2)
    assert other.statuses(identity)[-1][1] == "takes_stages"
    assert other.core.figures() == {"refused_takes_stages": 1.0}
    assert not other.signal.HasField("plan")


@pytest.mark.slow
@pytest.mark.parametrize("is_restart", [True, False])
def test_after_a_restart_or_a_gap_no_plan_is_told_nor_taken_until_a_cycle_has_begun(street, is_restart):
    street.plan(2, 2, 2, 1)
    street.until(lambda: (street.command(renewal=True), street.cabinet.stage_number == 1)[1])
    keep(street, 5)
    assert (
        street.signal.plan.cycle_s == 107.0
    )  # the cabinet runs it until the cycle ends, whatever becomes of the process
    request = street.signal.plan
    if is_restart:
        street.core = _module.SignalCore(street.settings, street.configuration)
        street.run(1.0)
    else:
        street.cabinet.faults.is_flashing = True
        street.run(4.0)
        assert street.core.state.authority == 8
        street.cabinet.faults.is_flashing = False
    street.until(lambda: street.core.state.is_synced)
    assert street.cabinet.stage_number == 1
    assert not street.signal.HasField("plan")
    assert not any(group.HasField("likely_end_at_ns") for group in street.signal.groups if not group.is_committed)
    street.signal.plan.CopyFrom(request)
    identity = street.plan(0, 0, 0, 0)
    street.run(0.2)
    assert street.statuses(identity)[-1][1] == "read_back"
    street.until(lambda: street.signal.HasField("plan"))
    assert street.cabinet.stage_number == 1
    assert street.signal.plan.cycle_s == street.signal.next_plan.cycle_s == 100.0


def test_a_refused_plan_changes_nothing_and_is_counted(street):
    before = street.core._plans.cycle
    short = 1 - street.signal.plan.greens_s[1]
    for by, reason in (((9, 0, 0, 0), "rate"), ((0, short, 0, 0), "minimum"), ((200, 0, 0, 0), "maximum")):
        identity = street.plan(*by)
        street.run(0.2)
        assert street.statuses(identity)[-1][1] == reason
    assert street.core._plans.cycle == before
    assert street.core.state.authority == 8
    assert street.core.figures() == {"refused_rate": 1.0, "refused_minimum": 1.0, "refused_maximum": 1.0}
    first = street.plan(1, 0, 0, 0)
    street.run(0.2)
    second = street.plan(0, 1, 0, 0)
    street.run(0.2)
    assert [street.statuses(one)[-1] for one in (first, second)] == [(ACCEPTED, ""), (3, "rate")]


@pytest.mark.slow
def test_a_cabinet_that_does_not_run_the_plan_loses_it(street):
    street.cabinet.faults.ignores_orders = True
    identity = street.plan(3, 2, 2, 2)
    keep(street, 2.3 * sum(own_splits(street)))
    assert "signal.plan_not_followed" in street.events
    assert street.core.state.authority == 8
    assert APPLIED not in [status for status, _ in street.statuses(identity)]


@pytest.mark.slow
@pytest.mark.parametrize("by", [(1, 0, 0, 0), (1, 0, -1, 0)])
def test_a_plan_within_what_a_cabinet_may_be_beside_its_time_is_not_applied_where_it_is_ignored(street, by):
    street.cabinet.faults.ignores_orders = True
    identity = street.plan(*by)
    keep(street, 1.2 * sum(own_splits(street)))
    assert [status for status, _ in street.statuses(identity)] == [1, ACCEPTED]


@pytest.mark.slow
def test_whatever_is_asked_greens_keep_their_bounds_and_splits_change_by_a_tenth(street):
    rng, own = random.Random(7), own_splits(street)
    count = len(own)
    for _ in range(6):
        scale = rng.choice([0.5, 1.0, 1.0, 1.5])
        running = street.signal.plan
        splits = [green + 9 for green in running.greens_s]
        street.plan(*(round(rng.uniform(-0.1, 0.1) * split * scale) for split in splits))
        keep(street, rng.uniform(20, sum(own)))
    assert any(status == ACCEPTED for _, status, _ in street.replies)
    shown = street.splits()[1:]
    by_stage = {number: [split for each, split in shown if each == number] for number in range(1, count + 1)}
    for found in by_stage.values():
        assert all(abs(b - a) <= 0.1 * a + 0.15 for a, b in pairwise(found))
    assert any(len(set(found)) > 1 for found in by_stage.values())
    assert "signal.plan_not_followed" not in street.events


def test_a_driver_that_takes_no_plans_is_refused(configuration):
    class OnlyStages:
        name = "controller"

    settings = Street(configuration).settings
    with pytest.raises(ValueError, match="takes"):
        _module.devices_for(settings, OnlyStages())
