"""Proof of the guard: exhaustive exploration of the very step function, for one intersection.

Four parts, put together by the argument in ``docs/guard.md``:

1. `timelines`: every tick of every change of stage, and every two changes in a row, against the configuration (SAFETY 1,
   2, 4, 5, 6; pairs of groups, so nothing else need be explored for them).
2. `sequences`: the guard closed with a cabinet that obeys every request at once or as late as its latency allows, however
   wrong the request; all orders, all kinds of reading, the lease ending at any tick (3, 6, 7, 13, 16, 18, 22).
3. `waits`: for every stage, from every admissible state, that it begins in time (7, 24).
4. `proof_plans`: for cabinets that take plans, every plan near one that runs (3, 7, 12, 18, 22, 24).

One tick is one second; timers saturate. What only tells one history from another (sequence numbers, challenges, absolute
time, remaining lease) is made equal after every tick, and its effect (a lease that ends) is an input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lukou_maps.signal_configuration import Change, SignalConfiguration, changes, ticks
from lukou_roadside.signal import guard, proof_plans, proof_timelines, spat
from lukou_roadside.signal.guard import ADAPTIVE, LOCAL, OFFICER, RENEWAL, STAGE, Inputs, Order, Reading, State, Tables
from lukou_roadside.signal.guard_tables import compile_tables

TICK_S = 1.0
MOST_VIOLATIONS = 20


@dataclass
class Report:
    """What a proof found.

    Attributes
    ----------
    states, steps : int
        Distinct states, and calls of the step function.
    worst_return : int
        Longest time from a release at any state until the local plan has changed a stage by itself. [tick]
    worst_green_extension : int
        Longest time that a green lasts because the guard died. [tick]
    violations : list of (int, str)
        Invariant of SAFETY and what happened.
    """

    states: int = 0
    steps: int = 0
    worst_return: int = 0
    worst_green_extension: int = 0
    violations: list[tuple[int, str]] = field(default_factory=list)

    def add(self, invariant: int, text: str) -> None:
        """Note a violation, once."""
        if len(self.violations) < MOST_VIOLATIONS and (invariant, text) not in self.violations:
            self.violations.append((invariant, text))


class Street(NamedTuple):
    """What the cabinet really does; `at` is the tick within a change, or the time since the stage's start."""

    stage: int
    to: int
    at: int
    waited: int  # how long it has let an order wait
    was_officer: bool = False  # an officer has held this stage: its maximum may be exceeded (7)


class Node(NamedTuple):
    """A state of guard and street, and what the guard asked last."""

    state: State
    street: Street
    request: int


ALPHABET = (
    "reading: as shown, missing, all dark, all yellow, in hand, flashing, foreign controls, lamp fault",
    "orders: none, each stage (adaptive), each stage (officer), release, renewal, each with a valid envelope",
    "lease: alive, ends now",
    "cabinet: obeys at once or up to its latency later; local plan: stays or goes on at any time",
    "demand: none, at the stage under proof",
    "plans: all within a tenth and two ticks of each of the site's, one at every tick of a cycle and with every offset",
)


def prove(
    configuration: SignalConfiguration,
    latency_s: float = 1.0,
    stop_at: frozenset[int] = frozenset(),
    tables: Tables | None = None,
) -> Report:
    """Explore everything.

    Parameters
    ----------
    configuration : SignalConfiguration
        Of the intersection.
    latency_s : float
        Of the cabinet: slowest command and one read-back. [s]
    stop_at : frozenset of int
        End as soon as one of these invariants is violated (for mutants).
    tables : Tables, optional
        Tables to be proven instead of the compiled ones (for mutants).
    """
    tables = tables or compile_tables(configuration, TICK_S, latency_s)
    tables = tables._replace(mode=guard.AUTOMATIC)
    report = Report()
    parts = (
        proof_timelines.timelines(configuration, tables, TICK_S, report.add),
        sequences(configuration, tables, report),
        waits(tables, report),
        proof_plans.plans(configuration, tables, TICK_S, report.add),
    )
    for part in reversed(parts) if stop_at == {24} else parts:  # the last parts are those that find 24
        for _ in part:
            if stop_at & {invariant for invariant, _ in report.violations}:
                return report
    return report


# ---- 2. sequences


def sequences(configuration: SignalConfiguration, tables: Tables, report: Report) -> Iterator[None]:
    """Guard and cabinet together, with every input at every tick."""
    specification = _Specification(configuration, tables)
    start = guard.initial(tables)
    count = len(tables.steady)
    first = [Node(_plain(tables, start), Street(a, -1, 0, 0), -1) for a in range(count)]
    seen, todo = set(first), list(first)
    while todo:
        node = todo.pop()
        for following in _successors(specification, tables, node, report):
            if following not in seen:
                seen.add(following)
                todo.append(following)
        yield
    report.states += len(seen)


class _Specification:
    """What the proof takes from the configuration and not from the guard's tables."""

    def __init__(self, configuration: SignalConfiguration, tables: Tables) -> None:
        names = [stage.name for stage in configuration.stages]
        between = changes(configuration, TICK_S)
        self.change: dict[tuple[int, int], Change] = {
            (names.index(a), names.index(b)): change for (a, b), change in between.items()
        }
        self.names = names
        self.maximum = [int(min(s.max_s, configuration.limits.maximum_green_s) / TICK_S) for s in configuration.stages]
        self.backup = ticks(configuration.limits.backup_s, TICK_S)
        self.checked: set[tuple[object, ...]] = set()
        orders = [(STAGE, k, ADAPTIVE) for k in range(len(names))] + [(STAGE, k, OFFICER) for k in range(len(names))]
        orders += [(guard.RELEASE, -1, ADAPTIVE), (RENEWAL, -1, ADAPTIVE)]
        self.orders = tuple(_valid(tables, *order) for order in orders)


def _valid(tables: Tables, kind: int, stage: int, authority: int) -> Order:
    lease = tables.officer if authority == OFFICER else tables.lease_max
    return Order(kind, stage, authority, 1, 1, 1, 0, tables.configuration, tables.version, 5, lease)


def _plain(tables: Tables, state: State) -> State:
    """The state without what only tells histories apart; waits are proven apart."""
    return state._replace(
        now=0, due=tables.red, lease=1_000 if state.authority < LOCAL else 0, issuer=1, fences=((0, 0),) * 9,
        nonces=(0, 0), nonce_age=0, budget=tables.budget, budget_age=0,
    )  # fmt: skip


def _moves(specification: _Specification, tables: Tables, node: Node) -> list[Street]:
    """What the cabinet may do in one tick. It obeys whatever is asked: what is illegal must never be asked."""
    street, request = node.street, node.request
    stage = street.stage
    if street.to >= 0:
        if street.at + 1 < specification.change[stage, street.to].duration:
            return [Street(stage, street.to, street.at + 1, 0)]
        return [Street(street.to, -1, 0, 0)]
    # Under an officer the green may last: time saturates above everything that is compared with it.
    held = street.was_officer or node.state.authority == OFFICER
    stay = Street(stage, -1, min(street.at + 1, specification.maximum[stage] + specification.backup + 1), 0, held)
    if request == stage:
        return [stay]
    if request >= 0:
        moves = [Street(stage, request, 0, 0)]
        return [*moves, stay._replace(waited=street.waited + 1)] if street.waited < tables.latency else moves
    following = (stage + 1) % len(tables.steady)
    moves = [stay]
    if following != stage and street.at >= specification.change[stage, following].earliest:
        moves.append(Street(stage, following, 0, 0))
    return moves


def _successors(specification: _Specification, tables: Tables, node: Node, report: Report) -> Iterator[Node]:
    for street in _moves(specification, tables, node):
        if street.to >= 0 and node.street.to < 0:
            _check_begin(specification, node, street, report)
        shown = tables.steady[street.stage] if street.to < 0 else tables.line[street.stage][street.to][street.at]
        for state, inputs, is_good in _inputs(specification, tables, node.state, shown):
            after, outputs = guard.step(tables, state, 1, inputs)
            report.steps += 1
            after = _plain(tables, after)
            following = Node(after, street, outputs.request)
            _check(specification, tables, node, following, is_good, outputs, report)
            yield following


def _inputs(
    specification: _Specification, tables: Tables, state: State, shown: tuple[int, ...]
) -> Iterator[tuple[State, Inputs, bool]]:
    good = Reading(0, shown)
    yield state, Inputs(good), True
    if state.authority < LOCAL:
        yield state._replace(lease=1), Inputs(good), True
    open_to_orders = state.is_synced and not (state.misses or state.latched or state.condition)
    for order in specification.orders if open_to_orders else specification.orders[:1]:
        yield state, Inputs(good, (order,)), True
    if state.latched:
        yield state, Inputs(good, is_reset_on_site=True), False
        return  # one latched fault at a time: none of them lets the guard act
    for reading in (
        None,
        Reading(0, (guard.DARK,) * len(shown)),
        Reading(0, (guard.YELLOW,) * len(shown)),
        good._replace(condition=guard.IN_HAND),
        good._replace(condition=guard.FLASHING),
        good._replace(is_foreign=True),
        good._replace(has_lamp_fault=True),
    ):
        yield state, Inputs(reading, (specification.orders[0],)), False


def _check_begin(specification: _Specification, node: Node, street: Street, report: Report) -> None:
    """A change begins: were the minima kept?"""
    change = specification.change[street.stage, street.to]
    if node.request >= 0 and node.street.at < change.earliest:
        a, b = specification.names[street.stage], specification.names[street.to]
        report.add(3, f"{a} to {b} is ordered {node.street.at} s after its start; the minima need {change.earliest}")


def _check(
    specification: _Specification,
    tables: Tables,
    before: Node,
    node: Node,
    is_good: bool,
    outputs: guard.Outputs,
    report: Report,
) -> None:
    state, street, request = node.state, node.street, node.request
    name = specification.names[street.stage]
    in_control = state.authority < LOCAL
    is_taken = in_control and before.state.authority == LOCAL
    if (is_taken and not state.is_synced) or ((in_control or request >= 0) and state.stage < 0):
        report.add(13, f"{name}: control before the start of a stage has been read back")
    if before.state.stage < 0 and not in_control and not outputs.is_release:
        report.add(13, "controls of an earlier life are not cleared")
    if not in_control and request >= 0:
        report.add(18, f"{name}: no authority, but stage {request} is asked")
    if in_control != (request >= 0):
        report.add(18, f"{name}: authority and request differ")
    if in_control and (state.latched or state.condition != guard.NORMAL):
        report.add(14, f"{name}: control in spite of a fault")
    if in_control and request >= 0 and street.to >= 0 and request != street.to:
        report.add(6, f"{name}: the change to {specification.names[street.to]} is cut by a request")
    clean = is_good and before.state.misses == 0 and before.state.stage >= 0 and before.state.is_synced
    clean = clean and not (before.state.latched or before.state.condition)
    if clean and (state.misses or (state.stage, state.to if state.elapsed else -1) != (street.stage, street.to)):
        report.add(18, f"{name}: the shadow loses a cabinet that behaves")
    if in_control and street.to < 0 and state.authority != OFFICER and not street.was_officer:
        _check_green(specification, street, report)
    if in_control:
        report.worst_return = max(report.worst_return, _return(specification, street))
    if state.stage >= 0 and state.to >= 0 and not state.misses:
        _check_promise(specification, tables, state, street, report)
    was_promised = clean and before.state.to >= 0 and before.state.elapsed > 0
    if was_promised and in_control and street.to >= 0 and state.to != before.state.to:
        report.add(22, f"{name}: a promised change is altered")


def _check_green(specification: _Specification, street: Street, report: Report) -> None:
    name, bound = specification.names[street.stage], specification.maximum[street.stage]
    if street.at > bound:
        report.add(7, f"{name}: green for {street.at} s; its maximum is {bound}")
    if street.at + specification.backup > bound:
        dead = street.at + specification.backup
        report.add(16, f"{name}: should the guard die now, green lasts {dead} s; its maximum is {bound}")
    report.worst_green_extension = max(report.worst_green_extension, specification.backup)


def _return(specification: _Specification, street: Street) -> int:
    """Ticks from a release now until the local plan has changed a stage by itself."""
    count = len(specification.names)
    if street.to < 0:
        change = specification.change.get((street.stage, (street.stage + 1) % count))
        return max(0, change.earliest - street.at) + change.duration if change else 0
    rest = specification.change[street.stage, street.to].duration - street.at
    onward = specification.change[street.to, (street.to + 1) % count]
    return rest + max(0, onward.earliest) + onward.duration


def _check_promise(specification: _Specification, tables: Tables, state: State, street: Street, report: Report) -> None:
    """What is promised is what the timeline will do; nothing is promised before a change is seen."""
    at = state.elapsed if state.to >= 0 else -1
    key = (state.stage, state.to, at, state.late, state.is_synced, street)
    if key in specification.checked:
        return
    specification.checked.add(key)
    line = tables.line[street.stage][street.to] if street.to >= 0 else ()
    for group, timing in enumerate(spat.timings(tables, state, None, TICK_S)):
        if not timing.is_committed:
            continue
        if street.to < 0:
            report.add(22, f"group {group}: an end is promised before the change is seen")
            continue
        rows = [row[group] for row in line[street.at :]] + [tables.steady[street.to][group]]
        real = next((n for n, colour in enumerate(rows) if colour != rows[0]), None)
        if real is None or real != timing.likely_end:
            report.add(22, f"group {group}: {timing.likely_end} s are promised, {real} will be")


# ---- 3. waits


def waits(tables: Tables, report: Report) -> Iterator[None]:
    """From every admissible state, every stage begins before it is due, whatever is ordered.

    Explored with an officer's authority: it may stay wherever others may, and being made to leave is the same as an
    order to go on. The other stages' waits only ever forbid orders or make the guard go on: that is a subset.
    """
    for k in range(len(tables.steady)):
        yield from _waits_of(tables, k, report)


def _waits_of(tables: Tables, k: int, report: Report) -> Iterator[None]:
    count = len(tables.steady)
    orders = tuple(_valid(tables, STAGE, stage, OFFICER) for stage in range(count))
    seen: set[State] = set()
    todo: list[State] = []
    for state in _admissible(tables, k):
        if state not in seen:
            seen.add(state)
            todo.append(state)
    while todo:
        state = todo.pop()
        for following in _wait_successors(tables, state, k, orders, report):
            if following not in seen:
                seen.add(following)
                todo.append(following)
        yield
    report.states += len(seen)


def _admissible(tables: Tables, k: int) -> Iterator[State]:
    """Steady states in control in which stage `k` can still be served in time, and those that are leaving it."""
    base = guard.initial(tables)._replace(authority=OFFICER, is_synced=True, elapsed=0)
    for stage in range(len(tables.steady)):
        for skips in range(min(tables.skips, len(tables.steady)) + 1):
            for elapsed in range(tables.maximum[stage] + 1):
                state = base._replace(stage=stage, elapsed=elapsed, skips=skips)
                may_leave = elapsed >= tables.earliest[stage][(stage + 1) % len(tables.steady)]
                least = guard.reach(tables, state, k) + may_leave  # what a step leaves behind may stay one tick more
                for due in range(tables.red[k], least - 1, -1) if stage != k else (tables.red[k],):
                    yield _only(tables, state, k, due)


def _only(tables: Tables, state: State, k: int, due: int) -> State:
    """The state with the waits of all stages but `k` made equal."""
    plain = _plain(tables, state)
    return plain._replace(due=(*tables.red[:k], due, *tables.red[k + 1 :]))


def _wait_successors(tables: Tables, state: State, k: int, orders: Sequence[Order], report: Report) -> Iterator[State]:
    due = state.due[k]
    for shown in _shown(tables, state):
        cases = [Inputs(Reading(0, shown))]
        if state.to < 0:
            cases += [Inputs(Reading(0, shown), (order,)) for order in orders if order.stage != state.stage]
            cases.append(Inputs(Reading(0, shown, calls=1 << k)))
        for inputs in cases:
            after, _ = guard.step(tables, state, 1, inputs)
            report.steps += 1
            if after.stage == k and after.to < 0:
                yield _only(tables, after, k, tables.red[k])
                continue
            is_waiting = state.stage != k or state.to >= 0
            left = after.due[k]
            if is_waiting and left > due - 1:
                report.add(24, f"stage {k}: its wait is not counted")
            if left < guard.reach(tables, after, k) or (is_waiting and due <= 0):
                report.add(24, f"stage {k} cannot begin in time from stage {state.stage} (due in {left})")
                report.add(7, f"stage {k}: red beyond its maximum")
                continue
            called = is_waiting and inputs.reading is not None and inputs.reading.calls
            if called and left > max(tables.forced, guard.reach(tables, after, k)):
                report.add(24, f"stage {k}: a demand does not shorten its wait")
            yield _only(tables, after, k, left)


def _shown(tables: Tables, state: State) -> list[tuple[int, ...]]:
    """Colours that the cabinet may show next: on time, or late in beginning a change."""
    if state.to < 0:
        return [tables.steady[state.stage]]
    line = tables.line[state.stage][state.to]
    on_time = line[state.elapsed] if state.elapsed < len(line) else tables.steady[state.to]
    if state.elapsed == 0 and state.late < tables.latency:
        return [on_time, tables.steady[state.stage]]
    return [on_time]
