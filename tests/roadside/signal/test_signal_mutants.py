"""Planted faults: for every provable invariant at least three, each found and named by the proof.

A mutant changes the guard's tables, one of its functions, or what it publishes. The proof runs on a small intersection and
must report the invariant that the mutant is listed under; unchanged, it must report nothing.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

from lukou_roadside.signal import guard, proof, spat
from lukou_roadside.signal.guard import FLASHING_GREEN, GREEN, LOCAL, RED, YELLOW
from lukou_roadside.signal.guard_tables import compile_tables
from lukou_roadside.signal.proof import prove

_spec = importlib.util.spec_from_file_location("small_intersection", Path(__file__).parent / "small_intersection.py")
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules["small_intersection"] = _module
_spec.loader.exec_module(_module)
CONFIGURATION = _module.small_configuration()
TABLES = compile_tables(CONFIGURATION, 1.0, 1.0)
A, B, C, P = range(4)
S1, S2, S3 = range(3)

pytestmark = pytest.mark.slow
PROVABLE = (1, 2, 3, 4, 5, 6, 7, 13, 16, 18, 22, 24)
MUTANTS = []


def mutant(invariant):
    def note(function):
        MUTANTS.append(pytest.param(invariant, function, id=f"{invariant}-{function.__name__}"))
        return function

    return note


def with_line(first, second, group, change):
    """Tables in which one group's course through one change is altered."""
    lines = [list(row) for row in TABLES.line]
    rows = [list(row) for row in lines[first][second]]
    course = change([row[group] for row in rows])
    for row, colour in zip(rows, course, strict=True):
        row[group] = colour
    lines[first][second] = tuple(tuple(row) for row in rows)
    return TABLES._replace(line=tuple(tuple(row) for row in lines))


# ---- 1: conflicting groups together


@mutant(1)
def a_group_begins_while_another_is_yellow(patch):
    return with_line(S1, S2, C, lambda course: [GREEN] * len(course))


@mutant(1)
def a_stage_has_a_conflicting_green(patch):
    return TABLES._replace(steady=((GREEN, GREEN, RED, RED), *TABLES.steady[1:]))


@mutant(1)
def a_group_never_ends(patch):
    lines = with_line(S1, S3, A, lambda course: [GREEN] * len(course))
    return lines._replace(steady=(*lines.steady[:2], (GREEN, GREEN, RED, GREEN)))


@mutant(1)
def walkers_stay_while_vehicles_begin(patch):
    return TABLES._replace(steady=((GREEN, RED, RED, FLASHING_GREEN), *TABLES.steady[1:]))


# ---- 2: transitions


@mutant(2)
def green_is_followed_by_red(patch):
    return with_line(S1, S2, A, lambda course: [RED if colour == YELLOW else colour for colour in course])


@mutant(2)
def walkers_get_a_yellow(patch):
    return with_line(S3, S1, P, lambda course: [YELLOW if c == FLASHING_GREEN else c for c in course])


@mutant(2)
def red_flashes_green_before_green(patch):
    return with_line(S2, S1, A, lambda course: [*course[:-1], FLASHING_GREEN])


@mutant(2)
def yellow_goes_back_to_green(patch):
    return with_line(S1, S2, A, lambda course: [YELLOW, GREEN, *course[2:]])


# ---- 3: minima


@mutant(3)
def minima_are_zero(patch):
    return TABLES._replace(earliest=((0,) * 3,) * 3)


@mutant(3)
def one_minimum_is_a_second_short(patch):
    rows = [list(row) for row in TABLES.earliest]
    rows[S3][S1] -= 1
    return TABLES._replace(earliest=tuple(tuple(row) for row in rows))


@mutant(3)
def orders_are_not_held_to_the_minimum(patch):
    genuine = guard.allowed
    patch.setattr(guard, "allowed", lambda t, s, k: "" if genuine(t, s, k) == "minimum" else genuine(t, s, k))


@mutant(3)
def the_stage_clock_runs_fast(patch):
    genuine = guard._fit

    def fast(tables, state, passed, colours):
        return genuine(tables, state, passed + (state.to < 0), colours)

    patch.setattr(guard, "_fit", fast)


@mutant(3)
def vehicles_end_before_their_own_minimum(patch):
    """Even where the compiler of the timelines itself forgets it, so that guard and specification agree."""
    rows = [list(row) for row in TABLES.earliest]
    rows[S3][S1] -= 3
    patch.setattr(proof, "_check_begin", lambda *_: None)
    return TABLES._replace(earliest=tuple(tuple(row) for row in rows))


# ---- 4: yellow


@mutant(4)
def yellow_is_a_second_short(patch):
    def shorter(course):
        last = len(course) - 1 - course[::-1].index(YELLOW)
        return [*course[:last], RED, *course[last + 1 :]]

    return with_line(S1, S2, A, shorter)


@mutant(4)
def yellow_is_a_second_long(patch):
    def longer(course):
        first = course.index(YELLOW)
        return [*course[: first - 1], YELLOW, *course[first:]]

    return with_line(S1, S3, A, longer) if TABLES.line[S1][S3][0][A] == GREEN else with_line(S3, S1, B, longer)


@mutant(4)
def there_is_no_yellow(patch):
    return with_line(S3, S1, B, lambda course: [RED if colour == YELLOW else colour for colour in course])


# ---- 5: clearance


def _shortened(first, second, by):
    lines = [list(row) for row in TABLES.line]
    lines[first][second] = lines[first][second][:-by]
    return TABLES._replace(line=tuple(tuple(row) for row in lines))


@mutant(5)
def one_clearance_is_a_second_short(patch):
    return _shortened(S1, S2, 1)


@mutant(5)
def clearance_after_bicycles_and_walkers_is_cut(patch):
    return _shortened(S3, S1, 2)


@mutant(5)
def clearance_of_flashing_arrows_is_cut(patch):
    return _shortened(S2, S3, 1)


@mutant(5)
def a_group_ends_late_in_its_clearance(patch):
    return with_line(S1, S3, A, lambda course: [course[0], *course[:-1]])


# ---- 6: pedestrian clearance


@mutant(6)
def walkers_flash_a_second_less(patch):
    def shorter(course):
        last = len(course) - 1 - course[::-1].index(FLASHING_GREEN)
        return [*course[:last], RED, *course[last + 1 :]]

    return with_line(S3, S1, P, shorter)


@mutant(6)
def walkers_do_not_flash(patch):
    return with_line(S3, S2, P, lambda course: [RED] * len(course))


@mutant(6)
def a_change_is_cut_by_an_order(patch):
    genuine, obey = guard.allowed, guard._obey
    patch.setattr(guard, "allowed", lambda t, s, k: "" if s.to >= 0 else genuine(t, s, k))

    def at_once(tables, state, order):
        state, events = obey(tables, state, order)
        if order.kind == guard.STAGE and state.to >= 0 and state.to != order.stage != state.stage:
            state = state._replace(to=order.stage)
        return state, events

    patch.setattr(guard, "_obey", at_once)


@mutant(6)
def an_officer_may_cut_a_change(patch):
    genuine = guard.step

    def step(tables, state, now, inputs):
        after, outputs = genuine(tables, state, now, inputs)
        if after.authority == guard.OFFICER and after.to >= 0:
            outputs = outputs._replace(request=after.stage)
        return after, outputs

    patch.setattr(guard, "step", step)


# ---- 7: maxima


@mutant(7)
def stages_are_held_beyond_their_maximum(patch):
    return TABLES._replace(hold=tuple(m + 2 for m in TABLES.maximum), maximum=tuple(m + 3 for m in TABLES.maximum))


@mutant(7)
def nothing_is_ever_left(patch):
    patch.setattr(guard, "_must_leave", lambda tables, state: False)


@mutant(7)
def the_stage_clock_stands_before_its_end(patch):
    return TABLES._replace(maximum=tuple(h - 1 for h in TABLES.hold))


@mutant(7)
def everyone_has_an_officers_rights(patch):
    genuine = guard._must_leave
    patch.setattr(guard, "_must_leave", lambda t, s: genuine(t, s._replace(authority=guard.OFFICER)))


# ---- 13: start


@mutant(13)
def control_before_anything_is_read_back(patch):
    genuine = guard._refuse_control

    def eager(tables, state, order, inputs, held):
        return genuine(tables, state._replace(is_synced=True), order, inputs, held)

    patch.setattr(guard, "_refuse_control", eager)


@mutant(13)
def the_first_reading_counts_as_a_start(patch):
    genuine = guard._fit

    def trusting(tables, state, passed, colours):
        found = genuine(tables, state, passed, colours)
        return found._replace(authority=guard.ADAPTIVE, lease=9) if found and state.stage < 0 else found

    patch.setattr(guard, "_fit", trusting)


@mutant(13)
def old_controls_are_left_standing(patch):
    genuine = guard.step

    def step(tables, state, now, inputs):
        after, outputs = genuine(tables, state, now, inputs)
        return after, outputs._replace(is_release=outputs.is_release and state.authority < LOCAL)

    patch.setattr(guard, "step", step)


# ---- 16: a dead guard


@mutant(16)
def no_room_for_the_backup_timer(patch):
    return TABLES._replace(hold=TABLES.maximum)


@mutant(16)
def room_for_half_of_the_backup_timer(patch):
    return TABLES._replace(hold=tuple(m - 3 for m in TABLES.maximum))


@mutant(16)
def leaving_two_seconds_late(patch):
    genuine = guard._must_leave
    patch.setattr(guard, "_must_leave", lambda t, s: genuine(t, s._replace(elapsed=max(0, s.elapsed - 5))))


@mutant(16)
def taking_over_a_stage_that_is_nearly_over(patch):
    genuine = guard._refuse_control

    def eager(tables, state, order, inputs, held):
        return genuine(tables._replace(hold=tuple(m + 99 for m in tables.hold)), state, order, inputs, held)

    patch.setattr(guard, "_refuse_control", eager)


# ---- 18: back to the local plan


@mutant(18)
def a_release_forgets_the_change_under_way(patch):
    def local(state):
        return state._replace(to=-1, elapsed=0, authority=LOCAL, issuer=0, lease=0)

    patch.setattr(guard, "_local", local)


@mutant(18)
def a_release_goes_on_asking(patch):
    genuine = guard.step

    def step(tables, state, now, inputs):
        after, outputs = genuine(tables, state, now, inputs)
        if outputs.is_release and after.stage >= 0:
            outputs = outputs._replace(request=after.stage)
        return after, outputs

    patch.setattr(guard, "step", step)


@mutant(18)
def a_release_jumps_to_the_first_stage(patch):
    def local(state):
        return state._replace(stage=0, to=-1, elapsed=0, authority=LOCAL, issuer=0, lease=0)

    patch.setattr(guard, "_local", local)


# ---- 22: promises


def _timings(patch, change):
    genuine = spat.timings

    def altered(tables, state, plan, quantum_s, held=None):
        return tuple(change(state, timing) for timing in genuine(tables, state, plan, quantum_s))

    patch.setattr(spat, "timings", altered)


@mutant(22)
def ends_are_promised_a_second_early(patch):
    _timings(
        patch,
        lambda state, t: spat.GroupTiming(likely_end=t.likely_end - 1, is_committed=True) if t.is_committed else t,
    )


@mutant(22)
def ends_are_promised_before_a_change_is_seen(patch):
    _timings(patch, lambda state, t: spat.GroupTiming(likely_end=t.min_end, is_committed=state.to >= 0))


@mutant(22)
def promised_ends_ignore_a_missed_begin(patch):
    genuine = spat.timings

    def altered(tables, state, plan, quantum_s, held=None):
        return genuine(tables, state._replace(is_synced=True), plan, quantum_s)

    patch.setattr(spat, "timings", altered)


@mutant(22)
def the_next_colour_but_one_is_promised(patch):
    _timings(
        patch,
        lambda state, t: spat.GroupTiming(likely_end=t.likely_end + 3, is_committed=True) if t.is_committed else t,
    )


# ---- 24: starvation


@mutant(24)
def waits_are_not_looked_at(patch):
    genuine = guard.allowed
    patch.setattr(guard, "allowed", lambda t, s, k: genuine(t, s._replace(due=(999,) * 3), k))


@mutant(24)
def waits_are_not_counted(patch):
    genuine = guard._age

    def ageless(tables, state, now, passed, entropy):
        return genuine(tables, state, now, passed, entropy)._replace(due=state.due)

    patch.setattr(guard, "_age", ageless)


@mutant(24)
def a_stage_that_is_due_does_not_end_the_running_one(patch):
    genuine = guard._must_leave
    patch.setattr(guard, "_must_leave", lambda t, s: genuine(t, s._replace(due=(999,) * 3)))


@mutant(24)
def demands_are_not_heard(patch):
    patch.setattr(guard, "_demands", lambda tables, state, reading: state)


# ---- the test


def test_the_guard_itself_violates_nothing():
    report = prove(CONFIGURATION)
    assert report.violations == []
    assert report.states > 10_000


@pytest.mark.parametrize(("invariant", "plant"), MUTANTS)
def test_mutant_is_caught_under_its_invariant(invariant, plant, monkeypatch):
    tables = plant(monkeypatch)
    report = prove(CONFIGURATION, stop_at=frozenset({invariant}), tables=tables)
    assert invariant in {number for number, _ in report.violations}, report.violations


def test_three_mutants_per_provable_invariant():
    planted = Counter(param.values[0] for param in MUTANTS)
    assert all(planted[invariant] >= 3 for invariant in PROVABLE), planted
