"""Signal phase and timing: what each group will show, from the guard's shadow (SAFETY invariants 22 and 23).

Once a change of stage is seen, every colour of it is known to its end and promised: a promise once published is not
moved. Before that only bounds are given: the earliest end that the minima allow, the latest that the maxima allow. What
is not known is left out, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lukou_maps.signal_configuration import Plan
from lukou_roadside.signal.guard import GREEN, LOCAL, NORMAL, OFFICER, State, Tables


@dataclass(frozen=True)
class GroupTiming:
    """When one group's colour ends, in ticks from the shadow's instant; None: not known.

    Attributes
    ----------
    min_end, max_end, likely_end : int or None
        Bounds and best guess of the end of the present colour. [tick]
    confidence : float or None
        Probability that the end is within 1 s of `likely_end`.
    next_colour : int
        Colour that follows; 0: not known.
    is_committed : bool
        The end is promised.
    """

    min_end: int | None = None
    max_end: int | None = None
    likely_end: int | None = None
    confidence: float | None = None
    next_colour: int = 0
    is_committed: bool = False


UNKNOWN = GroupTiming()


def timings(
    tables: Tables, state: State, plan: Plan | None, quantum_s: float, held: tuple[int, int] | None = None
) -> tuple[GroupTiming, ...]:
    """Timing of every group, in the order of the configuration.

    Parameters
    ----------
    tables, state
        Of the guard.
    plan : Plan or None
        Local plan in force, for likely ends while it rules.
    quantum_s : float
        Length of a tick. [s]
    held : (int, int) or None
        Ticks for which who is in charge means to hold the running stage yet, and the stage that follows.
    """
    count = len(tables.conflict)
    if state.stage < 0 or state.condition != NORMAL or state.misses >= tables.misses:
        return (UNKNOWN,) * count
    if state.to >= 0 and state.elapsed > 0:
        return tuple(_in_change(tables, state, group) for group in range(count))
    splits = [round(split / quantum_s) for _, split in plan.splits_s] if plan and state.authority == LOCAL else None
    if splits is None and held is not None and state.to < 0:
        return tuple(_meant(tables, state, group, *held) for group in range(count))
    return tuple(_in_stage(tables, state, group, splits) for group in range(count))


def _meant(tables: Tables, state: State, group: int, held: int, to: int) -> GroupTiming:
    """With the end that is meant, for the groups that it ends or serves: a likely end, no promise."""
    found = _in_stage(tables, state, group, None)
    is_green, follows = tables.steady[state.stage][group] == GREEN, tables.steady[to][group] == GREEN
    if is_green == follows or not state.is_synced:
        return found
    line = len(tables.line[state.stage][to])
    end = held + (_steady_end(tables, state.stage, to, group) if is_green else line)
    end = max(end, found.min_end or 0)
    return replace(found, likely_end=end if found.max_end is None else min(end, found.max_end), confidence=0.7)


def _in_change(tables: Tables, state: State, group: int) -> GroupTiming:
    line, at = tables.line[state.stage][state.to], state.elapsed - 1
    colour = line[at][group]
    for position in range(at + 1, len(line) + 1):
        following = (line[position] if position < len(line) else tables.steady[state.to])[group]
        if following != colour:
            end = position - at
            spare = tables.latency - state.late
            if not state.is_synced:  # a reading was missing when the change began
                return GroupTiming(max(0, end - tables.misses), end + spare, None, None, following)
            return GroupTiming(max(0, end - tables.latency), end + spare, end, 0.99, following, True)
    beyond = len(line) - at  # the colour goes on through the next stage
    start = state._replace(stage=state.to, to=-1, elapsed=0, late=0)
    later = _in_stage(tables, start, group, None)
    return GroupTiming(
        beyond + later.min_end if later.min_end is not None else beyond,
        beyond + later.max_end + tables.latency if later.max_end is not None else None,
        next_colour=later.next_colour,
    )


def _in_stage(tables: Tables, state: State, group: int, splits: list[int] | None) -> GroupTiming:
    stage = state.stage
    others = [b for b in range(len(tables.steady)) if b != stage] if state.to < 0 else [state.to]
    if not others:
        return UNKNOWN
    if tables.steady[stage][group] == GREEN:
        return _green(tables, state, group, others, splits)
    return _red(tables, state, group, others, splits)


def _wait(tables: Tables, state: State, to: int) -> int:
    """Least ticks until a change to `to` is seen to begin."""
    if state.to >= 0 or not state.is_synced:
        return 0
    return max(0, tables.earliest[state.stage][to] - state.elapsed)


def _direct(tables: Tables, stage: int, to: int) -> int:
    """Least ticks from the start of a stage to the start of another, without the stages between."""
    return tables.earliest[stage][to] + len(tables.line[stage][to])


def _steady_end(tables: Tables, stage: int, to: int, group: int) -> int:
    """Ticks from the begin of a change to the end of the group's steady green; its length where the green goes on."""
    line = tables.line[stage][to]
    return next((t for t, row in enumerate(line) if row[group] != GREEN), len(line))


def _green(tables: Tables, state: State, group: int, others: list[int], splits: list[int] | None) -> GroupTiming:
    stage = state.stage
    least = min(_wait(tables, state, b) + _steady_end(tables, stage, b, group) for b in others)
    goes_on = any(tables.steady[b][group] == GREEN for b in others)
    most = None
    if state.is_synced and not goes_on and state.authority != OFFICER:
        left = 0 if state.to >= 0 else max(0, tables.maximum[stage] - state.elapsed)
        most = left + tables.latency + max(_steady_end(tables, stage, b, group) for b in others)
    rows = [row[group] for row in tables.line[stage][others[0]]] + [tables.steady[others[0]][group]]
    following = next((colour for colour in rows if colour != GREEN), 0)
    likely = None
    if splits is not None and state.is_synced and state.to < 0:
        to = (stage + 1) % len(tables.steady)
        if tables.steady[to][group] != GREEN:
            rest = splits[stage] - len(tables.line[stage][to]) - state.elapsed
            likely = max(least, rest + _steady_end(tables, stage, to, group))
            likely = likely if most is None else min(likely, most)
    return GroupTiming(max(0, least - tables.latency), most, likely, None if likely is None else 0.7, following)


def _red(tables: Tables, state: State, group: int, others: list[int], splits: list[int] | None) -> GroupTiming:
    stage, count = state.stage, len(tables.steady)
    serving = [k for k in range(count) if tables.steady[k][group] == GREEN and k != stage]
    if not serving:
        return UNKNOWN
    least = min((_wait(tables, state, b) + len(tables.line[stage][b])) for b in others)
    if not set(others) & set(serving):
        least += min(min(_direct(tables, b, k), tables.tail[b][k]) for b in others for k in serving)
    likely = None
    if splits is not None and state.is_synced and state.to < 0:
        nearest = min(serving, key=lambda k: (k - stage) % count)
        steps = (nearest - stage) % count
        rest = splits[stage] - state.elapsed + sum(splits[(stage + i) % count] for i in range(1, steps))
        likely = max(least, rest)
    # No latest end: the guard would promise `due`, but a lease may end and the local plan promises nothing.
    return GroupTiming(max(0, least - tables.latency), None, likely, None if likely is None else 0.7, GREEN)
