"""Compiles a signal configuration into the guard's tables."""

from __future__ import annotations

import math

from lukou_maps.signal_configuration import (
    Change,
    Limits,
    Mode,
    Relation,
    SignalConfiguration,
    changes,
    check,
    configuration_hash,
    ticks,
)
from lukou_roadside.signal.guard import FLASHING_GREEN, GREEN, RED, YELLOW, Tables

MODES = {Mode.OBSERVE: 1, Mode.ADVISE: 2, Mode.SUPERVISED: 3, Mode.AUTOMATIC: 4}


class GuardTablesError(Exception):
    """The cabinet's latency and the configuration leave the guard no room; lists every reason."""


def compile_tables(
    configuration: SignalConfiguration, quantum_s: float = 0.1, latency_s: float = 1.0, mode: Mode | None = None
) -> Tables:
    """Tables of the guard.

    Parameters
    ----------
    configuration : SignalConfiguration
        Checked here once more.
    quantum_s : float
        Length of a tick. [s]
    latency_s : float
        Slowest command plus one read-back of the cabinet, from its capability record. [s]
    mode : Mode, optional
        Mode of the site; never above the configuration's, which is the default.

    Raises
    ------
    SignalConfigurationError
        The configuration is refused.
    GuardTablesError
        A maximum is too tight for what the minima and the cabinet's latency need.
    """
    check(configuration)
    limits, stages, groups = configuration.limits, configuration.stages, configuration.groups
    between = changes(configuration, quantum_s)
    count, latency = len(stages), ticks(latency_s, quantum_s)
    misses = max(1, limits.read_back_misses * _floor(limits.read_back_age_s, quantum_s))
    steady = tuple(tuple(GREEN if g.name in s.green else RED for g in groups) for s in stages)
    line = tuple(
        tuple(_line(configuration, a, b, between[a.name, b.name]) if a is not b else () for b in stages)
        for a in stages
    )  # fmt: skip
    earliest = tuple(
        tuple(max(0, between[a.name, b.name].earliest) if a is not b else 0 for b in stages) for a in stages
    )
    backup = ticks(limits.backup_s, quantum_s)
    maximum = tuple(_floor(min(s.max_s, limits.maximum_green_s), quantum_s) for s in stages)
    tail = tuple(tuple(_tail(a, k, earliest, line, latency) for k in range(count)) for a in range(count))
    red = tuple(
        _floor(min(limits.maximum_red_s, *(configuration.group_by_name[g].max_red_s for g in s.green)), quantum_s)
        - backup
        for s in stages
    )

    index = {g.name: i for i, g in enumerate(groups)}
    conflict = [0] * len(groups)
    for pair in configuration.pairs:
        if pair.relation is Relation.CONFLICT:
            conflict[index[pair.first]] |= 1 << index[pair.second]
    level = min(MODES[configuration.mode], MODES[mode or configuration.mode])
    tables = Tables(
        level, int(configuration_hash(configuration)[:16], 16), configuration.version, steady, line, earliest,
        tuple(m - backup - latency - misses for m in maximum), maximum, tail, red, _fresh(configuration, red, quantum_s),
        tuple(conflict), latency, ticks(limits.forced_stage_s, quantum_s), *_rates(limits, quantum_s),
    )  # fmt: skip
    return _checked(configuration, tables)


def _rates(limits: Limits, quantum_s: float) -> tuple[int, int, bool, int, int, int, int, int, int, int, int]:
    age = _floor(limits.read_back_age_s, quantum_s)
    return (
        ticks(limits.decision_interval_s, quantum_s), limits.skips_per_cycle, limits.fixed_order,
        max(1, _floor(limits.nonce_valid_s / 2, quantum_s)), ticks(limits.lease_min_s, quantum_s),
        _floor(limits.lease_max_s, quantum_s), _floor(limits.officer_renewal_s, quantum_s), age,
        max(1, limits.read_back_misses * age), limits.priority_per_hour,
        ticks(3600 / max(1, limits.priority_per_hour), quantum_s),
    )  # fmt: skip


def _floor(seconds: float, quantum_s: float) -> int:
    return math.floor(seconds / quantum_s + 1e-9)


def _line(configuration: SignalConfiguration, first: object, second: object, at: Change) -> tuple[tuple[int, ...], ...]:
    """Colours of every group in every tick of a change."""
    old, new = getattr(first, "green", ()), getattr(second, "green", ())
    result = []
    for t in range(at.duration):
        row = []
        for group in configuration.groups:
            ending = at.endings.get(group.name)
            if ending is None:
                row.append(GREEN if group.name in old and group.name in new else RED)
            elif t < ending.steady_ends:
                row.append(GREEN)
            elif t < ending.flashing_ends:
                row.append(FLASHING_GREEN)
            else:
                row.append(YELLOW if t < ending.red_starts else RED)
        result.append(tuple(row))
    return tuple(result)


def _tail(
    stage: int,
    k: int,
    earliest: tuple[tuple[int, ...], ...],
    line: tuple[tuple[tuple[tuple[int, ...], ...], ...], ...],
    latency: int,
) -> int:
    """Ticks from the start of `stage` to the start of `k`, in order, minima only; 0 where they are the same."""
    total, at = 0, stage
    while at != k:
        following = (at + 1) % len(line)
        total += earliest[at][following] + len(line[at][following]) + 1 + latency
        at = following
    return total


def _fresh(configuration: SignalConfiguration, red: tuple[int, ...], quantum_s: float) -> tuple[tuple[int, ...], ...]:
    """What is left of each stage's red when a guard first sees a stage: until then the local plan has ruled."""
    count = len(red)
    longest = [max(p.splits_s[m][1] for p in configuration.plans) for m in range(count)]
    result = []
    for seen in range(count):
        waits = []
        for k in range(count):
            between = range(1, (seen - k) % count + 1)
            waits.append(ticks(sum(longest[(k + i) % count] for i in between), quantum_s))
        result.append(tuple(max(1, bound - wait) for bound, wait in zip(red, waits, strict=True)))
    return tuple(result)


def _checked(configuration: SignalConfiguration, tables: Tables) -> Tables:
    wrong, count = [], len(tables.steady)
    for a, stage in enumerate(configuration.stages):
        following = (a + 1) % count
        if count > 1 and max(tables.earliest[a]) > tables.hold[a]:
            wrong.append(
                f"stages.{stage.name}.max_s: no room for minimum, backup timer, latency and missed readings; raise it"
            )
        loop = len(tables.line[a][following]) + 1 + tables.latency + tables.tail[following][a]
        if count > 1 and loop >= tables.red[a]:
            wrong.append(
                f"stages.{stage.name}: the shortest cycle of {loop} ticks exceeds its longest red; raise max_red_s"
            )
        if count > 1 and loop > tables.forced + tables.maximum[a]:
            wrong.append(f"limits.forced_stage_s: below the shortest cycle, seen from {stage.name}; raise it")
    if wrong:
        raise GuardTablesError("\n".join(f"{configuration.intersection}: {reason}" for reason in wrong))
    return tables
