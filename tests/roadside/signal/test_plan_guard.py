"""The guard of a cabinet that takes plans: its proof with planted faults, and hostile requests."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lukou_maps.signal_configuration import configuration_hash
from lukou_messages.v1.command_pb2 import Command, PlanRequest, StageSplit
from lukou_roadside.signal import guard, plan_guard, proof_plans
from lukou_roadside.signal.guard_tables import compile_tables
from lukou_roadside.signal.orders import order_of
from lukou_roadside.signal.plan_guard import Cycle

_spec = importlib.util.spec_from_file_location("small_intersection", Path(__file__).parent / "small_intersection.py")
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules["small_intersection"] = _module
_spec.loader.exec_module(_module)
CONFIGURATION = _module.small_configuration()
TABLES = compile_tables(CONFIGURATION, 1.0, 1.0)
FINE = compile_tables(CONFIGURATION, 0.1, 0.3)
BOUNDS = plan_guard.bounds_of(CONFIGURATION, FINE)
OWN = (200, 180, 220)  # ticks of 0.1 s: splits of the site's plan
NOW_NS = 1_700_000_040 * 10**9  # a cycle of 60 s begins
MUTANTS = []


def mutant(invariant):
    def note(function):
        MUTANTS.append(pytest.param(invariant, function, id=f"{invariant}-{function.__name__}"))
        return function

    return note


def with_bounds(patch, **altered):
    genuine = plan_guard.bounds_of
    patch.setattr(plan_guard, "bounds_of", lambda *given: genuine(*given)._replace(**altered))


def with_refusals(patch, passes):
    """Orders that `passes` lets through although the guard refuses them: called with the refusal and the arguments."""
    genuine = plan_guard.refuse_plan

    def altered(*given):
        refusal = genuine(*given)
        return "" if refusal and passes(refusal, *given) else refusal

    patch.setattr(plan_guard, "refuse_plan", altered)


@mutant(3)
def plans_need_no_minimum(patch):
    with_bounds(patch, least=(0, 0, 0))


@mutant(3)
def one_green_may_be_a_second_short(patch):
    genuine = plan_guard.bounds_of(CONFIGURATION, TABLES, 1.0).least
    with_bounds(patch, least=(*genuine[:2], genuine[2] - 1))


@mutant(3)
def changes_count_as_green(patch):
    with_refusals(patch, lambda refusal, *given: refusal == "minimum")


@mutant(7)
def plans_have_no_maximum(patch):
    with_bounds(patch, most=(99, 99, 99))


@mutant(7)
def one_green_may_be_a_second_long(patch):
    with_bounds(patch, most=(*TABLES.maximum[:2], TABLES.maximum[2] + 1))


@mutant(7)
def greens_above_the_maximum_pass(patch):
    with_refusals(patch, lambda refusal, *given: refusal == "maximum")


@mutant(24)
def reds_are_not_looked_at(patch):
    with_refusals(patch, lambda refusal, *given: refusal == "starvation")


@mutant(24)
def the_change_before_counts_not_as_red(patch):
    patch.setattr(plan_guard, "_red", lambda bounds, first, second, k: sum(first[k + 1 :]) + sum(second[:k]))


@mutant(24)
def nobody_waits(patch):
    with_bounds(patch, forced=999)


@mutant(24)
def a_demand_may_wait_two_seconds_more(patch):
    with_bounds(patch, forced=52)


@mutant(24)
def only_the_first_stage_is_looked_at(patch):
    genuine = plan_guard._red
    patch.setattr(plan_guard, "_red", lambda b, first, second, k: genuine(b, first, second, k) if k == 0 else 0)


@mutant(24)
def the_way_back_is_not_looked_at(patch):
    """Judged as if the cabinet's own plan were the one that is offered."""
    genuine = plan_guard.refuse_plan

    def altered(bounds, state, cycle, order, inputs):
        if not cycle.running.splits:
            return genuine(bounds, state, cycle, order, inputs)
        return genuine(bounds, state, cycle, order, inputs._replace(own_splits=order.splits))

    patch.setattr(plan_guard, "refuse_plan", altered)


@mutant(12)
def a_split_may_change_by_a_fifth(patch):
    with_bounds(patch, split_change=0.2)


@mutant(12)
def a_plan_may_change_twice_in_a_cycle(patch):
    genuine = plan_guard._obey
    patch.setattr(plan_guard, "_obey", lambda *given: genuine(*given)._replace(is_changed=False))


@mutant(12)
def an_offset_may_jump(patch):
    with_refusals(patch, lambda refusal, *given: refusal == "offset")


@mutant(12)
def only_the_cycle_is_held_to_a_tenth(patch):
    def by_cycle(refusal, bounds, state, cycle, order, inputs):
        cycles = sum(order.splits), sum(inputs.own_splits)
        return refusal == "rate" and not cycle.is_changed and abs(cycles[0] - cycles[1]) <= 0.1 * cycles[1]

    with_refusals(patch, by_cycle)


@mutant(12)
def splits_are_held_to_the_cabinets_own_plan(patch):
    """Never to the running one: judged as if the running plan had the splits of the cabinet's own."""
    genuine, end = plan_guard.refuse_plan, plan_guard.ends_in

    def altered(bounds, state, cycle, order, inputs):
        if cycle.running.splits:
            ends_in = end(bounds, cycle.running.splits, state)
            patch.setattr(plan_guard, "ends_in", lambda *given: ends_in)
            cycle = cycle._replace(running=plan_guard.Timetable(inputs.own_splits, cycle.running.begin))
        refusal = genuine(bounds, state, cycle, order, inputs)
        patch.setattr(plan_guard, "ends_in", end)
        return refusal

    patch.setattr(plan_guard, "refuse_plan", altered)


@mutant(18)
def a_release_leaves_the_plan_where_it_is(patch):
    genuine = plan_guard._obey
    patch.setattr(plan_guard, "_obey", lambda s, c, o: c if o.kind == guard.RELEASE else genuine(s, c, o))


@mutant(18)
def the_plan_never_begins(patch):
    genuine = plan_guard._turn
    patch.setattr(plan_guard, "_turn", lambda *given: genuine(*given)._replace(running=plan_guard.OWN))


@mutant(18)
def a_cabinet_in_step_is_taken_for_astray(patch):
    with_bounds(patch, in_step=-1)
    with_refusals(patch, lambda refusal, *given: refusal == "offset")


@mutant(22)
def a_plan_may_come_at_the_last_moment(patch):
    with_bounds(patch, lead=0)


@mutant(22)
def a_plan_may_come_while_its_last_change_runs(patch):
    with_refusals(patch, lambda refusal, *given: refusal == "late")


@mutant(22)
def the_end_of_the_cycle_is_thought_later(patch):
    genuine = plan_guard.ends_in
    patch.setattr(plan_guard, "ends_in", lambda *given: genuine(*given) + 9)
    with_bounds(patch, in_step=9)


def violations():
    found = []
    for _ in proof_plans.plans(CONFIGURATION, TABLES, 1.0, lambda *violation: found.append(violation)):
        pass
    return found


@pytest.mark.slow
def test_the_plan_guard_itself_violates_nothing():
    assert violations() == []


@pytest.mark.slow
@pytest.mark.parametrize(("invariant", "plant"), MUTANTS)
def test_mutant_is_caught_under_its_invariant(invariant, plant, monkeypatch):
    plant(monkeypatch)
    found = violations()
    assert invariant in {number for number, _ in found}, found[:5]


def test_three_mutants_per_invariant_of_plans():
    planted = Counter(param.values[0] for param in MUTANTS)
    assert all(planted[invariant] >= 3 for invariant in (3, 7, 12, 18, 22, 24)), planted


# ---- requests


def request(greens, cycle_s=None, offset_s=0.0, names=("S1", "S2", "S3")):
    changes = sum(BOUNDS.change) / 10
    return PlanRequest(
        splits=[StageSplit(stage=name, green_s=green) for name, green in zip(names, greens, strict=False)],
        cycle_s=sum(greens) + changes if cycle_s is None else cycle_s,
        offset_s=offset_s,
    )


GREENS = [(split - change) / 10 for split, change in zip(OWN, BOUNDS.change, strict=True)]


@cache
def seconds_on(seconds):
    """State of a guard so long after a cycle began that it saw begin, and its inputs."""
    state, cycle = guard.initial(FINE), Cycle()
    for tick in range(-600, 10 * seconds + 1):
        inputs = proof_plans._inputs(FINE, OWN, OWN, tick + 600, tick + 600)
        state, cycle, _ = plan_guard.step(FINE._replace(mode=4), BOUNDS, state, cycle, tick, inputs)
    return state, cycle, inputs


def judged(plan, seconds=10, **fields):
    """What the plan guard says so long after the cycle began to a request, and the order that it saw."""
    state, cycle, inputs = seconds_on(seconds)
    at_ns = NOW_NS + seconds * 10**9
    command = Command(
        command_id="c", device="small", issuer="x", authority=7, issued_at_ns=at_ns, expires_at_ns=at_ns + 10**9, lease_s=3.0,
        fencing_epoch=1, command_sequence=1, configuration_hash=configuration_hash(CONFIGURATION), configuration_version=1,
        guard_nonce=0, plan_request=plan,
    )  # fmt: skip
    for name, value in fields.items():
        setattr(command, name, value)
    order = order_of(command, "small", {"S1": 0, "S2": 1, "S3": 2}, at_ns, 0.1, True, BOUNDS.change)
    refusal = plan_guard.refuse(FINE._replace(mode=4), BOUNDS, state, cycle, order, inputs)
    return refusal, order


def near(*by, **fields):
    greens = [green + more for green, more in zip(GREENS, by, strict=True)]
    # the running cycle ends 60 s after NOW_NS
    cycle_s = sum(greens) + sum(BOUNDS.change) / 10
    offset_s = (NOW_NS // 10**9 + 60) % cycle_s
    return request(greens, **{"offset_s": round(offset_s, 1), **fields})


@pytest.mark.parametrize(
    ("plan", "refusal"),
    [
        (near(0, 0, 0), ""),
        (near(-2, 1, 0), ""),
        (near(2.1, 0, 0), "rate"),
        (near(0, 0, -2.3), "rate"),
        (near(30, 0, 0), "maximum"),
        (near(0, -9, 0), "minimum"),
        (near(0, 0, 0, offset_s=2.0), "offset"),
        (near(-2, 0, 0, offset_s=0.0), "offset"),
        (near(1, 0, 2), "starvation"),
        (near(0, 0, 0, names=("S1", "S3", "S2")), "plan"),
        (near(0, 0, 0, names=("S1", "S2")), "plan"),
        (near(0, 0, 0, names=("S1", "S2", "S2")), "plan"),
        (near(0, 0, 0, names=("S1", "S2", "S4")), "plan"),
        (near(0, 0, 0, cycle_s=61.0), "plan"),
        (near(0, 0, 0, cycle_s=0.0), "plan"),
        (near(0, 0, 0, cycle_s=math.nan), "plan"),
        (near(0, 0, 0, offset_s=math.inf), "plan"),
        (near(0, 0, 0, offset_s=-1.0), "plan"),
        (near(0, 0.05, 0), "plan"),
        (PlanRequest(), "plan"),
    ],
)
def test_a_plan_is_accepted_or_refused_with_its_word(plan, refusal):
    assert judged(plan)[0] == refusal


@pytest.mark.parametrize(("seconds", "refusal"), [(0, ""), (55, ""), (56, "late"), (59, "late")])
def test_a_plan_comes_before_ends_are_told_by_the_one_before(seconds, refusal):
    """Ends are told 3 s before; the cabinet takes 0.3 s and may be 1 s beside its time."""
    assert judged(near(-2, 1, 0), seconds)[0] == refusal


@pytest.mark.parametrize("authority", [3, 5, 6])
def test_only_an_operator_and_adaptive_timing_give_plans(authority):
    assert judged(near(0, 0, 0), authority=authority)[0] == "unknown_order"


WORDS = {"", "plan", "minimum", "maximum", "rate", "starvation", "late", "offset"}
ANY = st.floats(width=32)
LIKELY = st.floats(min_value=0, max_value=64, width=32).map(lambda x: round(x, 1))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["S1", "S2", "S3", "", "S" * 100]), st.one_of(ANY, LIKELY)), max_size=40
    ),
    st.one_of(ANY, LIKELY, st.just(60.0)),
    st.one_of(ANY, LIKELY),
)  # fmt: skip
def test_hostile_plans_are_refused_with_a_documented_word(splits, cycle_s, offset_s):
    plan = PlanRequest(
        splits=[StageSplit(stage=name, green_s=green) for name, green in splits], cycle_s=cycle_s, offset_s=offset_s
    )
    refusal, order = judged(plan)
    assert refusal in WORDS
    if not refusal:
        specification = proof_plans._Specification(CONFIGURATION, 0.1)
        assert specification.broken(OWN, order.splits, OWN) == []
