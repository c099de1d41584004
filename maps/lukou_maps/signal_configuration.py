"""Signal configuration: what guard, timing and simulation agree on for one intersection.

One JSON file per intersection; the SHA-256 of its canonical form is *the* configuration hash::

    configuration = load("k1.signal.json")
    configuration_hash(configuration)

The format is described in ``docs/signal-configuration.md``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from lukou_maps.signal_clearance import clearance_s, pedestrian_clearance_s
from lukou_maps.signal_four_leg import Distances, Leg, default_plan, four_leg_configuration
from lukou_maps.signal_model import (
    CalendarEntry,
    GroupType,
    Limits,
    Mode,
    Pair,
    Plan,
    Relation,
    SignalConfiguration,
    SignalGroup,
    Stage,
    UnsignalisedMovement,
)
from lukou_maps.signal_problems import Problem, SignalConfigurationError
from lukou_maps.signal_programme import configuration_from_programme
from lukou_maps.signal_reader import canonical_bytes, configuration_hash, read_configuration, write_configuration
from lukou_maps.signal_timeline import Change, Ending, change, changes, ticks
from lukou_maps.signal_validation import problems

__all__ = [
    "CalendarEntry",
    "Change",
    "Distances",
    "Ending",
    "GroupType",
    "Leg",
    "Limits",
    "Mode",
    "Pair",
    "Plan",
    "Problem",
    "Relation",
    "SignalConfiguration",
    "SignalConfigurationError",
    "SignalGroup",
    "Stage",
    "UnsignalisedMovement",
    "canonical_bytes",
    "change",
    "changes",
    "check",
    "clearance_s",
    "configuration_from_programme",
    "configuration_hash",
    "cycle_position_s",
    "default_plan",
    "four_leg_configuration",
    "load",
    "parse",
    "pedestrian_clearance_s",
    "plan_at",
    "problems",
    "read_configuration",
    "save",
    "ticks",
    "write_configuration",
]


def check(configuration: SignalConfiguration, where: str = "signal configuration") -> SignalConfiguration:
    """The configuration, if nothing is wrong with it.

    Raises
    ------
    SignalConfigurationError
        With all problems at once; warnings alone do not raise.
    """
    found = [problem for problem in problems(configuration) if not problem.is_warning]
    if found:
        raise SignalConfigurationError(where, found)
    return configuration


def parse(text: str | bytes, where: str = "signal configuration") -> SignalConfiguration:
    """Read and check JSON text; raises `SignalConfigurationError` with all problems."""
    return check(read_configuration(text, where), where)


def load(path: str | Path) -> SignalConfiguration:
    """Read and check a file; raises `SignalConfigurationError` with all problems."""
    return parse(Path(path).read_bytes(), str(path))


def save(configuration: SignalConfiguration, path: str | Path) -> str:
    """Check and write a file; returns the configuration hash."""
    Path(path).write_text(write_configuration(check(configuration, str(path))), encoding="utf-8")
    return configuration_hash(configuration)


def _local(configuration: SignalConfiguration, at_ns: int) -> datetime:
    seconds = at_ns // 1_000_000_000 + configuration.utc_offset_s
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)


def plan_at(configuration: SignalConfiguration, at_ns: int) -> Plan:
    """The plan that the calendar gives for an instant (nanoseconds POSIX UTC)."""
    local = _local(configuration, at_ns)
    clock = f"{local.hour:02d}:{local.minute:02d}"
    today = [e for e in configuration.calendar if local.isoweekday() in e.days and e.start <= clock]
    return configuration.plan_by_name[max(today, key=lambda entry: entry.start).plan]


def cycle_position_s(configuration: SignalConfiguration, plan: Plan, at_ns: int) -> float:
    """Time since the last start of the first stage by the plan's offset, 0 to the cycle. [s]"""
    local = _local(configuration, at_ns)
    since_midnight_s = local.hour * 3600 + local.minute * 60 + local.second + (at_ns % 1_000_000_000) / 1e9
    return (since_midnight_s - plan.offset_s) % plan.cycle_s
