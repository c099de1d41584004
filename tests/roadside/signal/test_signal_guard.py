"""The guard's step function against generated commands: whatever comes, states stay legal.

A fast seeded driver, because hypothesis would take hours for hundreds of thousands of sequences; hypothesis covers the envelope.
"""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lukou_maps.signal_configuration import Relation, changes
from lukou_roadside.signal import guard
from lukou_roadside.signal.guard import ADAPTIVE, LOCAL, OFFICER, Inputs, Order, Reading
from lukou_roadside.signal.guard_tables import compile_tables

REASONS = frozenset(
    [
        "unknown_order",
        "intersection",
        "signature",
        "configuration",
        "epoch",
        "sequence",
        "clock",
        "nonce",
        "expired",
        "not_yet",
        "authority",
        "mode",
        "not_armed",
        "fault",
        "cabinet",
        "read_back",
        "not_logged",
        "lease",
        "no_lease",
        "unknown_stage",
        "takes_stages",
        "expected_stage",
        "changing",
        "minimum",
        "rate",
        "order",
        "starvation",
        "maximum",
        "budget",
    ]
)


@pytest.fixture(scope="module")
def tables(configuration):
    return compile_tables(configuration, 1.0, 1.0)


def hostile_order(rng, tables, state, past):
    """Mostly right, often wrong in one field, sometimes a replay, sometimes nonsense."""
    if past and rng.random() < 0.1:
        return rng.choice(past)
    authority = rng.choice((ADAPTIVE, ADAPTIVE, ADAPTIVE, OFFICER, 4, 5, 6))
    epoch, sequence = state.fences[authority]
    order = Order(
        rng.choice((1, 1, 1, 1, 2, 3)), rng.randrange(len(tables.steady)), authority, rng.randrange(3), epoch or 1,
        sequence + 1, state.nonces[0], tables.configuration, tables.version, 3, rng.randint(1, 15),
    )  # fmt: skip
    if rng.random() < 0.3:
        wrong = rng.choice(
            [
                {"kind": rng.randrange(-1, 9)}, {"stage": rng.randrange(-3, 99)}, {"authority": rng.randrange(-1, 12)},
                {"epoch": rng.choice((0, epoch - 1, epoch + 1, 2**63))}, {"sequence": rng.choice((0, sequence, -5))},
                {"nonce": rng.randrange(2**40)}, {"configuration": 0}, {"version": 99}, {"expires_in": rng.choice((0, -9))},
                {"lease": rng.choice((0, -1, 16, 10**9))}, {"expected": rng.randrange(-1, 9)}, {"starts_in": 5},
                {"is_addressed": False}, {"is_signed": False}, {"is_logged": False},
            ]
        )  # fmt: skip
        order = order._replace(**wrong)
    past.append(order)
    del past[:-20]
    return order


class LegalStreet:
    """A cabinet that obeys anything at once, and judges every colour by the configuration alone."""

    def __init__(self, configuration, tables):
        self.tables, self.configuration = tables, configuration
        names = [s.name for s in configuration.stages]
        self.change = {(names.index(a), names.index(b)): c for (a, b), c in changes(configuration, 1.0).items()}
        index = {g.name: i for i, g in enumerate(configuration.groups)}
        self.conflicts = {
            (index[p.first], index[p.second]): p.clearance_s
            for p in configuration.pairs
            if p.relation is Relation.CONFLICT
        }
        self.stage, self.to, self.at, self.now = 0, -1, 0, 0
        self.colours = tables.steady[0]
        self.ended = {}
        self.wait = [0] * len(names)

    def tick(self, request, rng):
        self.now += 1
        self.at += 1
        if self.to >= 0:
            assert request in (-1, self.to), "a change under way is cut"
            if self.at >= self.change[self.stage, self.to].duration:
                self.stage, self.to, self.at = self.to, -1, 0
        else:
            wanted = request
            following = (self.stage + 1) % len(self.wait)
            if request < 0:
                may = self.at > self.change[self.stage, following].earliest
                wanted = following if may and (rng.random() < 0.05 or self.at > 60) else self.stage
            if wanted != self.stage:
                assert self.at - 1 >= self.change[self.stage, wanted].earliest, "a minimum is broken"
                self.to, self.at = wanted, 0
        shown = self.tables.steady[self.stage] if self.to < 0 else self.tables.line[self.stage][self.to][self.at]
        for i, (before, after) in enumerate(zip(self.colours, shown, strict=True)):
            if after == guard.RED != before:
                self.ended[i] = self.now
        for (i, j), clearance in self.conflicts.items():
            assert shown[i] == guard.RED or shown[j] == guard.RED
            if shown[j] != guard.RED == self.colours[j] and i in self.ended:
                assert self.now - self.ended[i] >= clearance, "a clearance is cut"
        self.colours = shown
        return shown


def run(configuration, tables, seed, ticks):
    """Drive one street; returns the number of orders."""
    rng = random.Random(seed)
    street = LegalStreet(configuration, tables)
    state = guard.initial(tables)
    request, past, orders = -1, [], 0
    held = missed = 0
    for now in range(1, ticks + 1):
        shown = street.tick(request, rng)
        batch = tuple(hostile_order(rng, tables, state, past) for _ in range(rng.choice((0, 1, 1, 2, 5))))
        reading = Reading(0, shown, calls=rng.choice((0, 0, 0, rng.randrange(16))))
        chance = rng.random()
        if chance < 0.01:
            reading = None
        elif chance < 0.012:
            reading = reading._replace(condition=rng.choice((1, 2)))
        elif chance < 0.013:
            reading = reading._replace(colours=tuple(rng.randrange(9) for _ in shown))
        inputs = Inputs(reading, batch, rng.randrange(2**40), True, rng.random() > 0.01, rng.random() < 0.02)
        state, outputs = guard.step(tables, state, now, inputs)
        orders += len(batch)
        hash(state)
        assert len(outputs.replies) == len(batch)
        assert all(not reply or reply in REASONS for reply in outputs.replies)
        assert (outputs.request >= 0) == (state.authority < LOCAL)
        request = outputs.request
        is_green = state.authority < LOCAL and state.authority != OFFICER and street.to < 0
        held = 0 if not is_green else held + 1
        assert held <= tables.maximum[street.stage]
        # Each missing reading may cost a tick; the tables keep the backup timer in reserve for that.
        missed = missed + (reading is None or state.misses > 0) if state.authority < LOCAL else 0
        if state.authority < LOCAL and state.stage >= 0:
            assert all(state.due[k] >= guard.reach(tables, state, k) - missed for k in range(4))
        if state.latched or state.condition:
            assert state.authority == LOCAL
    return orders


def test_generated_commands_never_break_the_street(configuration, tables):
    assert run(configuration, tables, 7, 4000) > 4000


@pytest.mark.slow
def test_hundreds_of_thousands_of_sequences(configuration, tables):
    """300 streets of 600 s with up to 5 orders a second: more than 300,000 orders, each tick a sequence that goes on."""
    assert sum(run(configuration, tables, seed, 600) for seed in range(300)) > 300_000


ANY = st.integers(-(2**63), 2**63)
ORDERS = st.builds(
    Order, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, st.booleans(), st.booleans(), st.booleans()
)


@settings(max_examples=500, deadline=None)
@given(st.lists(ORDERS, max_size=6), st.integers(0, 2**40), st.lists(ANY, max_size=24))
def test_nonsense_is_refused_and_changes_nothing(tables, orders, now, colours):
    state = guard.initial(tables)
    after, outputs = guard.step(tables, state, now, Inputs(Reading(0, tuple(colours)), tuple(orders)))
    assert all(reply in REASONS for reply in outputs.replies)
    assert (after.authority, after.fences, outputs.request) == (LOCAL, state.fences, -1)


def synced(tables):
    """A guard in the first tick of stage 0, seen to begin."""
    state, now = guard.initial(tables), 0
    line = tables.line[3][0]
    for colours in (tables.steady[3], *line, tables.steady[0]):
        now += 1
        state, _ = guard.step(tables, state, now, Inputs(Reading(0, colours), (), 5))
    assert (state.stage, state.to, state.is_synced) == (0, -1, True)
    return state, now


def good_order(tables, state, **fields):
    order = Order(1, 0, ADAPTIVE, 1, 1, 1, state.nonces[0], tables.configuration, tables.version, 5, 10)
    return order._replace(**fields)


def test_a_challenge_lives_two_seconds_of_monotonic_time(tables):
    state, now = synced(tables)
    order = good_order(tables, state)
    lived = []
    for n in range(1, 5):
        later, _ = guard.step(tables, state, now + n, Inputs(Reading(0, tables.steady[0]), (), 1000 + n))
        state = later
        lived.append(guard.refuse(tables, state, order, Inputs(None)) != "nonce")
    assert lived == [True, False, False, False]


def test_a_higher_authority_takes_over_and_a_lower_does_not(tables):
    state, now = synced(tables)
    reading = Reading(0, tables.steady[0])
    state, out = guard.step(tables, state, now + 1, Inputs(reading, (good_order(tables, state, authority=6),)))
    assert out.replies == ("",) and state.authority == 6
    state, out = guard.step(tables, state, now + 2, Inputs(reading, (good_order(tables, state, authority=7),)))
    assert out.replies == ("authority",)
    order = good_order(tables, state, authority=4)
    state, out = guard.step(tables, state, now + 3, Inputs(reading, (order,)))
    assert out.replies == ("",) and state.authority == 4


def test_a_rival_needs_a_higher_epoch(tables):
    state, now = synced(tables)
    reading = Reading(0, tables.steady[0])
    state, _ = guard.step(tables, state, now + 1, Inputs(reading, (good_order(tables, state),)))
    rival = good_order(tables, state, issuer=2, sequence=2)
    assert guard.refuse(tables, state, rival, Inputs(reading)) == "authority"
    assert guard.refuse(tables, state, rival._replace(epoch=2), Inputs(reading)) == ""
    old = good_order(tables, state, sequence=3, epoch=0)
    assert guard.refuse(tables, state, old, Inputs(reading)) == "epoch"


@pytest.mark.parametrize("pause", [16, 100, 10_000])
def test_a_process_that_was_paused_has_lost_its_lease(tables, pause):
    state, now = synced(tables)
    reading = Reading(0, tables.steady[0])
    state, _ = guard.step(tables, state, now + 1, Inputs(reading, (good_order(tables, state),)))
    state, out = guard.step(tables, state, now + 1 + pause, Inputs(reading))
    assert state.authority == LOCAL and "lease_ended" in out.events and out.is_release


def test_a_clock_that_runs_backward_changes_nothing(tables):
    state, now = synced(tables)
    after, _ = guard.step(tables, state, now - 50, Inputs(Reading(0, tables.steady[0])))
    assert (after.elapsed, after.due[1:], after.lease) == (state.elapsed, state.due[1:], state.lease)


def test_skips_are_limited_to_one_per_cycle(tables):
    base = guard.initial(tables)._replace(stage=0, is_synced=True, elapsed=60, due=(500,) * 4)
    for skips, to in product(range(3), range(1, 4)):
        refusal = guard.allowed(tables, base._replace(skips=skips), to)
        assert (refusal == "order") == (to - 1 > 0 and skips + to - 1 > tables.skips)


def test_latched_faults_are_cleared_on_site_only(tables):
    state, now = synced(tables)
    reading = Reading(0, tables.steady[0])
    state, _ = guard.step(tables, state, now + 1, Inputs(reading._replace(is_foreign=True)))
    assert state.latched == guard.SECOND_WRITER
    state, out = guard.step(tables, state, now + 2, Inputs(reading, (good_order(tables, state),)))
    assert out.replies == ("fault",)
    state, out = guard.step(tables, state, now + 3, Inputs(reading, (), is_reset_on_site=True))
    assert state.latched == 0
