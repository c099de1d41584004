"""The guard of a cabinet that takes plans and no stages.

``step(tables, bounds, state, cycle, now, inputs) -> (state, cycle, outputs)`` is pure and deterministic, like `guard.step`, whose shadow, envelope of
orders and authorities it uses. The cabinet performs everything by itself; the guard only lets it have a plan that keeps what the site's own plans have
to keep, from the end of the running cycle on, and takes it back where the cabinet does not do as it says. A plan is judged against the one that runs:

- every stage once, in order, each green within its minimum and maximum (3, 6, 7);
- no stage red for longer than it may be, in the plan, in passing from the running one to it and from it to the cabinet's own, which silence brings (7, 24); where the
  running plan lets somebody wait for longer than the forced-stage time, plans may only shorten that;
- one change per cycle, each split within a tenth of the running one (12). A request that is farther away is refused, not walked towards;
- its offset continues the running cycle: what shifts an offset is a cycle that is a little longer or shorter, bounded by the splits (12);
- it comes before the ends that it alters could have been told (22).

After a release the cabinet is in charge at once and its own plan follows at the end of the cycle (18).
"""

from __future__ import annotations

from typing import NamedTuple

from lukou_maps.signal_configuration import SignalConfiguration, ticks
from lukou_roadside.signal import guard
from lukou_roadside.signal.guard import (
    ADAPTIVE,
    LOCAL,
    OPERATOR,
    PLAN,
    RELEASE,
    RENEWAL,
    STAGE,
    Inputs,
    Order,
    Outputs,
    State,
    Tables,
)

IN_STEP_S = 1.0
"""By so much a cycle may begin beside its time. [s]"""


class Bounds(NamedTuple):
    """What plans have to keep; times in ticks."""

    change: tuple[int, ...]  # [stage] length of the change to the next one
    least: tuple[int, ...]  # [stage] shortest green, from the stage's start to the begin of that change (3, 6)
    most: tuple[int, ...]  # [stage] longest green (7)
    red: tuple[int, ...]  # [stage] longest time between the end of its green and its next start (7)
    forced: int  # the same where somebody waits for it, as a plan always supposes (24)
    split_change: float  # of a split, per cycle (12)
    lead: int  # a plan comes at least so long before the end of the running cycle (22)
    in_step: int  # so far beside its time a cycle may begin
    latency: int  # of a command and its read-back


class Timetable(NamedTuple):
    """A plan in time: splits, changes included, and a tick at which one of its cycles begins. Without splits: the cabinet's own."""

    splits: tuple[int, ...] = ()
    begin: int = 0


OWN = Timetable()


class Cycle(NamedTuple):
    """What the guard remembers beside its shadow of the cabinet."""

    running: Timetable = OWN  # of the running cycle
    following: Timetable = OWN  # from the next one on
    is_known: bool = False  # the running cycle has been seen to begin; until then a plan given before may run
    is_changed: bool = False  # a change has been accepted in this cycle
    before: tuple[int, ...] = ()  # splits of the plan before the running one
    is_seen: bool = False  # a change has begun when the running plan says, and not when the one before would have it
    astray: int = 0  # ticks for which the cabinet has not been where the running plan says


def bounds_of(configuration: SignalConfiguration, tables: Tables, quantum_s: float = 0.1) -> Bounds:
    """Bounds of an intersection whose tables are compiled with the same quantum."""
    count, limits = len(tables.steady), configuration.limits
    return Bounds(
        tuple(len(tables.line[k][(k + 1) % count]) for k in range(count)),
        tuple(tables.earliest[k][(k + 1) % count] for k in range(count)),
        tables.maximum,
        tables.red,
        tables.forced,
        limits.split_change,
        ticks(limits.commit_s, quantum_s) + tables.latency + ticks(IN_STEP_S, quantum_s),
        ticks(IN_STEP_S, quantum_s) + tables.latency,
        tables.latency,
    )


def step(
    tables: Tables, bounds: Bounds, state: State, cycle: Cycle, now: int, inputs: Inputs
) -> tuple[State, Cycle, Outputs]:
    """One tick. Nothing is requested as a stage: while somebody is in charge, `Cycle.following` is what the cabinet is to run next."""
    before, passed = state, max(0, now - state.now)
    state = guard._age(tables, state, now, passed, inputs.entropy)
    shadow, events = guard._follow(  # the cabinet changes by itself, whoever has given it its plan
        tables, state._replace(authority=LOCAL), passed, inputs.reading, inputs.is_reset_on_site
    )
    state = shadow._replace(authority=state.authority)
    cycle = _turn(bounds, before, state, cycle, passed, inputs.own_splits)
    if state.authority < LOCAL and (reason := _must_release(tables, state, cycle, inputs)):
        state, cycle = guard._local(state), cycle._replace(following=OWN)
        events = (*events, reason)
    replies: tuple[str, ...] = ()
    for order in inputs.orders:
        refusal = refuse(tables, bounds, state, cycle, order, inputs)
        if not refusal:
            cycle = _obey(state, cycle, order)
            state, event = guard._obey(tables, state, order)
            events += event
        replies += (refusal,)
    is_release = state.authority >= LOCAL and (before.authority < LOCAL or before.stage < 0)
    return state, cycle, Outputs(-1, is_release, replies, events)


def ends_in(bounds: Bounds, splits: tuple[int, ...], state: State) -> int:
    """Ticks until the running cycle ends if the cabinet, whose stage is known, does what these splits say."""
    if state.to >= 0:
        rest = bounds.change[state.stage] + 1 - state.elapsed
        return max(0, rest) + (sum(splits[state.to :]) if state.to else 0)
    return max(bounds.change[state.stage], splits[state.stage] - state.elapsed) + sum(splits[state.stage + 1 :])


def refuse(tables: Tables, bounds: Bounds, state: State, cycle: Cycle, order: Order, inputs: Inputs) -> str:
    """Why an order is not obeyed; empty if it is. The words are documented in ``docs/guard.md``."""
    if order.kind == PLAN and order.authority not in (OPERATOR, ADAPTIVE):
        return "unknown_order"
    held = guard.is_held(state)
    refusal = guard.refuse_envelope(tables, state, order, inputs, held)
    if refusal or order.kind == RELEASE:
        return refusal
    if order.kind == STAGE:
        return "takes_plans"
    refusal = guard.refuse_lease(tables, state, order, inputs, held)
    if refusal or order.kind == RENEWAL:
        return refusal
    return refuse_plan(bounds, state, cycle, order, inputs)


def refuse_plan(bounds: Bounds, state: State, cycle: Cycle, order: Order, inputs: Inputs) -> str:
    """Why a plan must not follow the running cycle; empty if it may."""
    if not cycle.is_known:
        return "read_back"
    splits, count = order.splits, len(bounds.change)
    if len(splits) != count or len(inputs.own_splits) != count:
        return "plan"
    greens = [split - change for split, change in zip(splits, bounds.change, strict=True)]
    if any(green < least for green, least in zip(greens, bounds.least, strict=True)):
        return "minimum"
    if any(green > most for green, most in zip(greens, bounds.most, strict=True)):
        return "maximum"
    if guard.is_held(state) and splits == cycle.following.splits and _continues(cycle, state, order):
        return ""  # said once more
    running = cycle.running.splits or inputs.own_splits
    if cycle.is_changed or any(
        abs(new - old) > bounds.split_change * old + 1e-9 for new, old in zip(splits, running, strict=True)
    ):
        return "rate"
    for k in range(count):
        now, passing, then = (
            _red(bounds, *each, k) for each in ((running, running), (running, splits), (splits, splits))
        )
        longest, is_shorter = max(passing, then), passing <= now and then < now
        if longest > bounds.red[k] or (longest > bounds.forced and not is_shorter):
            return "starvation"
        back, own = (_red(bounds, first, inputs.own_splits, k) for first in (splits, inputs.own_splits))
        if back > min(bounds.red[k], max(bounds.forced, own)):
            return "starvation"
    left = ends_in(bounds, running, state)
    if left < bounds.lead:
        return "late"
    begins_in = cycle.running.begin - state.now if cycle.running.splits else inputs.own_begins_in
    half = sum(running) // 2
    beside = (begins_in - left + half) % sum(running) - half
    if abs(beside) > bounds.in_step or _apart(order.begins_in - left - beside, sum(splits)) > 1:
        return (
            "offset"  # the cabinet is not in step, or the plan does not begin where the running cycle ends by the clock
        )
    return ""


def _continues(cycle: Cycle, state: State, order: Order) -> bool:
    """Whether a plan has the offset of the one that follows already."""
    return _apart(state.now + order.begins_in - cycle.following.begin, sum(order.splits)) <= 1


def _red(bounds: Bounds, first: tuple[int, ...], second: tuple[int, ...], k: int) -> int:
    """Between the end of stage k's green in one cycle and its start in the next."""
    return bounds.change[k] + sum(first[k + 1 :]) + sum(second[:k])


def _apart(ticks_between: int, cycle: int) -> int:
    """How far two instants are apart modulo a cycle."""
    at = ticks_between % cycle
    return min(at, cycle - at)


def _is_told_apart(bounds: Bounds, state: State, cycle: Cycle) -> bool:
    """Whether the change that has begun fits the running plan and not the one before, had that gone on; where the two hardly differ, always."""
    new, old, k = cycle.running.splits, cycle.before, state.stage
    if all(abs(sum(new[:j]) - sum(old[:j])) <= bounds.latency for j in range(1, len(old) + 1)):
        return True
    begun = (state.now - cycle.running.begin - state.elapsed) % sum(new) + bounds.change[k]
    return abs(begun - sum(new[: k + 1])) + bounds.latency < abs(begun - sum(old[: k + 1]))


def _turn(bounds: Bounds, before: State, state: State, cycle: Cycle, passed: int, own: tuple[int, ...]) -> Cycle:
    """Go on to the next cycle where its first stage begins; count for how long the cabinet has not been where its plan says."""
    if state.stage < 0:
        return Cycle(following=cycle.following)  # which plan runs has to be seen anew (13, 23)
    is_new = (state.stage, state.to) == (0, -1) and before.stage >= 0 and (before.stage, before.to) != (0, -1)
    is_other = is_new and cycle.running != cycle.following
    if is_other:
        cycle = cycle._replace(before=cycle.running.splits or own, is_seen=False)
    if is_new:
        cycle = cycle._replace(running=cycle.following, is_known=True, is_changed=False)
    splits, begin = cycle.running
    if not splits or not state.is_synced:
        return cycle._replace(astray=0)
    length = sum(splits)
    if before.to < 0 <= state.to and not cycle.is_seen:
        cycle = cycle._replace(is_seen=_is_told_apart(bounds, state, cycle))
    if _apart(begin - state.now - ends_in(bounds, splits, state), length) <= bounds.in_step:
        return cycle._replace(astray=0)
    return cycle._replace(astray=cycle.astray + passed + (length if is_other else 0))


def _must_release(tables: Tables, state: State, cycle: Cycle, inputs: Inputs) -> str:
    """Why control ends now; empty if it goes on. A cabinet that is not in step within a cycle does not run the plan (15)."""
    reason = guard._must_release(tables, state, inputs)
    is_astray = cycle.astray > sum(cycle.running.splits) > 0
    return reason or ("plan_not_followed" if is_astray else "")


def _obey(state: State, cycle: Cycle, order: Order) -> Cycle:
    if order.kind == RELEASE:
        return cycle._replace(following=OWN)
    if order.kind != PLAN or (guard.is_held(state) and order.splits == cycle.following.splits):
        return cycle
    following = Timetable(order.splits, state.now + order.begins_in)
    return cycle._replace(following=following, is_changed=True)
