"""Proof of the plan guard: every plan near one that runs, at every tick, against the configuration itself.

What the plan guard allows depends on the running plan, the cabinet's own, the plan offered and where the cycle is, and on nothing else (that only an
order of a valid envelope gets so far is shared with the stage guard); what was accepted is the running plan of the next cycle. Running plans are
sampled: every plan of the site, the shortest one and those with one stage at its longest. From each, as the cabinet's own and beside another own plan,
all plans whose splits are up to a tenth and two ticks away are offered at one tick (of too many, the extremes of each split); and from every plan of the
site one of them at every tick of the cycle, with every offset, twice in a cycle, followed by a cycle in which others are offered, and by a release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from lukou_maps.signal_configuration import SignalConfiguration, changes, ticks
from lukou_roadside.signal import guard, plan_guard
from lukou_roadside.signal.guard import ADAPTIVE, LOCAL, PLAN, RELEASE, Inputs, Order, Reading, State, Tables
from lukou_roadside.signal.plan_guard import OWN, Cycle, Timetable

Add = Callable[[int, str], None]
MOST_PLANS = 20_000
"""So many plans are offered at most from one running plan; with more stages, only those whose splits differ by the extremes."""


class _Specification:
    """What plans have to keep, from the configuration and not from the guard's bounds; in ticks."""

    def __init__(self, configuration: SignalConfiguration, tick_s: float) -> None:
        between, limits, names = changes(configuration, tick_s), configuration.limits, list(configuration.stage_by_name)
        following = list(zip(names, names[1:] + names[:1], strict=True))
        self.change = [between[pair].duration for pair in following]
        self.least = [between[pair].earliest for pair in following]
        stages = configuration.stages
        self.most = [int(min(stage.max_s, limits.maximum_green_s) / tick_s) for stage in stages]
        groups = configuration.group_by_name
        self.red = [min(limits.maximum_red_s, *(groups[g].max_red_s for g in stage.green)) / tick_s for stage in stages]
        self.forced = limits.forced_stage_s / tick_s
        self.share, self.commit = limits.split_change, ticks(limits.commit_s, tick_s)

    def broken(self, running: tuple[int, ...], plan: tuple[int, ...], own: tuple[int, ...]) -> list[tuple[int, str]]:
        """Invariants that a plan breaks if it follows a running one, by what the street would show in three cycles, and if the cabinet's own follows it."""
        found, starts, ends, at = [], [], [], 0
        for splits in (running, plan, plan):
            for k, split in enumerate(splits):
                starts.append((k, at))
                ends.append((k, at + split - self.change[k]))
                at += split
        for (k, start), (_, end) in zip(starts, ends, strict=True):
            if end - start < self.least[k]:
                found.append((3, f"stage {k} is green for {end - start}"))
            if end - start > self.most[k]:
                found.append((7, f"stage {k} is green for {end - start}"))
        for k, end in ends:  # the last ones are followed by nothing
            start = min((at for stage, at in starts if stage == k and at >= end), default=end)
            if start - end > self.red[k]:
                found.append((7, f"stage {k} is red for {start - end}"))
            before = sum(running) - running[k] + self.change[k]
            if start - end > self.forced and (start - end > before or (end >= sum(running) and start - end == before)):
                found.append((24, f"stage {k} is red for {start - end}; under the plan before for {before}"))
        for k, change in enumerate(self.change):
            back, usual = (change + sum((*splits, *own)[k + 1 : k + len(own)]) for splits in (plan, own))
            if back > self.red[k]:
                found.append((7, f"stage {k} is red for {back} until the cabinet's own plan serves it"))
            if back > max(self.forced, usual):
                found.append((24, f"stage {k} is red for {back} until the cabinet's own plan serves it"))
        for k, (old, new) in enumerate(zip(running, plan, strict=True)):
            if abs(new - old) > self.share * old:
                found.append((12, f"the split of stage {k} goes from {old} to {new}"))
        return found


def plans(configuration: SignalConfiguration, tables: Tables, tick_s: float, add: Add) -> Iterator[None]:
    """Explore, from every plan of the site that its own limits allow."""
    if len(configuration.stages) < 2:
        return
    specification = _Specification(configuration, tick_s)
    bounds = plan_guard.bounds_of(configuration, tables, tick_s)
    of_site = list(dict.fromkeys(tuple(ticks(split, tick_s) for _, split in p.splits_s) for p in configuration.plans))
    shortest = tuple(least + change for least, change in zip(specification.least, specification.change, strict=True))
    for own in of_site:
        yield from _near(specification, bounds, own, shortest, add)
        yield from _in_time(specification, tables, bounds, own, add)
    yield from _near(specification, bounds, shortest, of_site[0], add)
    longest = [
        (*shortest[:k], most + change, *shortest[k + 1 :])
        for k, (most, change) in enumerate(zip(specification.most, specification.change, strict=True))
    ]
    for running, other in zip(longest, longest[1:] + longest[:1], strict=True):
        yield from _near(specification, bounds, running, other, add)


def _near(
    specification: _Specification,
    bounds: plan_guard.Bounds,
    running: tuple[int, ...],
    other: tuple[int, ...],
    add: Add,
) -> Iterator[None]:
    """Every plan near the running one, which is the cabinet's own, or runs beside an own plan half a tenth away, or beside another."""
    reach = [int(specification.share * split) + 2 for split in running]
    steps: list[Sequence[int]] = [range(-most, most + 1) for most in reach]
    count = 1
    for each in steps:
        count *= len(each)
    if count > MOST_PLANS:
        steps = [sorted({-m, 1 - m, 2 - m, 0, m - 2, m - 1, m}) for m in reach]
    state, length = _begun(running), sum(running)
    half = tuple(split + max(1, int(specification.share * split) // 2) for split in running)
    given = Timetable(running, length)
    for cycle, own in ((OWN, running), (given, half), (given, other)):
        inputs = Inputs(None, own_splits=own, own_begins_in=length % sum(own))
        for apart in product(*steps):
            plan = tuple(split + by for split, by in zip(running, apart, strict=True))
            order = Order(PLAN, -1, ADAPTIVE, 1, 1, 1, 0, 0, 0, 5, 5, splits=plan, begins_in=length % max(1, sum(plan)))
            if not plan_guard.refuse_plan(bounds, state, Cycle(cycle, cycle, is_known=True), order, inputs):
                for number, text in specification.broken(running, plan, own):
                    add(number, f"plan {plan} after {running}, beside {own}, is accepted: {text}")
        yield


def _begun(own: tuple[int, ...]) -> State:
    """A guard that has just seen the first stage begin."""
    return State(0, 0, -1, 0, 0, True, own, 0, 0, LOCAL, 0, 0, ((0, 0),) * 9, (0, 0), 0, 0, 0, 0, 0, 0)


def _in_time(
    specification: _Specification, tables: Tables, bounds: plan_guard.Bounds, own: tuple[int, ...], add: Add
) -> Iterator[None]:
    """One other plan at every tick of a cycle, with every offset; what follows is what the next cycle runs."""
    tables = tables._replace(mode=guard.AUTOMATIC)
    most = max(range(len(own)), key=lambda k: own[k])
    by = max(1, int(specification.share * own[most]))
    other = tuple(split - by * (k == most) for k, split in enumerate(own))
    third = tuple(split - (by - 1) * (k == most) for k, split in enumerate(own))
    jump = tuple(split + by * (k == most) for k, split in enumerate(own))
    length, now = sum(own), 2 * sum(own)
    state, cycle = guard.initial(tables), Cycle()
    for tick in range(now):
        state, cycle, _ = plan_guard.step(tables, bounds, state, cycle, tick, _inputs(tables, own, own, tick, tick))
    for at in range(length):
        left = length - at
        given = _inputs(tables, own, own, at, at)
        if at + 1 < length:
            _each_offset((tables, bounds), (state, cycle, now + at), given, other, left, add)
        order = _order(tables, other, left % sum(other))
        taken, next_cycle, outputs = plan_guard.step(
            tables, bounds, state, cycle, now + at, given._replace(orders=(order,))
        )
        if outputs.request >= 0:
            add(18, "a stage is asked of a cabinet that takes plans")
        if outputs.replies == ("",):
            if left < specification.commit:
                add(
                    22,
                    f"a plan is accepted {left} ticks before it alters ends that are told {specification.commit} before",
                )
            _after(specification, (tables, bounds), (taken, next_cycle), (own, other, third, jump), at, add)
        state, cycle, _ = plan_guard.step(tables, bounds, state, cycle, now + at, given)
        yield


def _each_offset(
    rules: tuple[Tables, plan_guard.Bounds],
    at: tuple[State, Cycle, int],
    given: Inputs,
    plan: tuple[int, ...],
    left: int,
    add: Add,
) -> None:
    """Only the offset at which the running cycle ends may be accepted."""
    state, cycle, now = at
    state = guard._age(rules[0], state, now, 1, 0)
    for begins_in in range(sum(plan)):
        order = _order(rules[0], plan, begins_in)
        is_near = plan_guard._apart(begins_in - left, sum(plan)) <= 2
        if not is_near and not plan_guard.refuse_plan(rules[1], state, cycle, order, given):
            add(12, f"a plan that begins {begins_in} ticks from now is accepted; the running cycle ends in {left}")


def _after(
    specification: _Specification,
    rules: tuple[Tables, plan_guard.Bounds],
    at: tuple[State, Cycle],
    plans: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]],
    position: int,
    add: Add,
) -> None:
    """After a plan is accepted: no second change in this cycle; it runs in the next one, and others are judged against it; a release brings the site's own back."""
    (tables, bounds), (state, cycle), (own, other, third, jump), now = rules, at, plans, at[0].now
    length, sequence = sum(own), 2
    for tick in range(position + 1, length):
        now += 1
        order = _order(tables, third, (length - tick) % sum(third), sequence)
        given = _inputs(tables, own, own, tick, tick)
        state, cycle, outputs = plan_guard.step(tables, bounds, state, cycle, now, given._replace(orders=(order,)))
        if outputs.replies == ("",):
            add(12, f"a second change is accepted {tick - position} ticks after the first")
            return
        state = state._replace(lease=9)
    for tick in range(sum(other)):
        now += 1
        given = _inputs(tables, own, other, tick, length + tick)
        state, cycle, outputs = plan_guard.step(tables, bounds, state, cycle, now, given)
        state = state._replace(lease=9)
        if cycle.running.splits != other:
            add(18, "what was accepted does not run in the next cycle")
            return
        if outputs.events:
            add(18, f"control of a cabinet that does as it is told ends: {outputs.events}")
            return
        for plan in (own, third, jump):
            order = _order(tables, plan, (sum(other) - tick) % sum(plan), 2)
            if not plan_guard.refuse_plan(bounds, state, cycle, order, given):
                for number, text in specification.broken(other, plan, own):
                    add(number, f"plan {plan} after {other}, which runs beside {own}, is accepted: {text}")
    release = _order(tables, (), 0, 3)._replace(kind=RELEASE)
    given = _inputs(tables, own, other, 0, length + sum(other))._replace(orders=(release,))
    state, cycle, outputs = plan_guard.step(tables, bounds, state, cycle, now + 1, given)
    if state.authority < LOCAL or cycle.following.splits or not outputs.is_release:
        add(18, "after a release a plan that is not the site's own follows")


def _order(tables: Tables, splits: tuple[int, ...], begins_in: int, sequence: int = 1) -> Order:
    return Order(
        PLAN, -1, ADAPTIVE, 1, 1, sequence, 0, tables.configuration, tables.version, 5, tables.lease_max,
        splits=splits, begins_in=begins_in,
    )  # fmt: skip


def _inputs(tables: Tables, own: tuple[int, ...], running: tuple[int, ...], at: int, clock: int) -> Inputs:
    """What a cabinet shows at a tick of a cycle; `clock`: ticks since its own plan's first stage began by the clock."""
    count, at = len(running), at % sum(running)
    for k, split in enumerate(running):
        if at < split:
            line = tables.line[k][(k + 1) % count]
            green = split - len(line)
            shown = tables.steady[k] if at < green else line[at - green]
            return Inputs(Reading(0, shown), own_splits=own, own_begins_in=-clock % sum(own))
        at -= split
    raise AssertionError("a position lies within its cycle")
