"""Indicators by place and period: traffic, what could be seen, warnings, near misses, orders to signals, events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lukou_cloud import near_misses
from lukou_cloud.indicators.reading import Record
from lukou_messages.v1.command_pb2 import CommandStatus
from lukou_messages.v1.event_pb2 import Severity
from lukou_messages.v1.traffic_pb2 import TrafficState, ViewLevel
from lukou_messages.v1.warning_pb2 import WarningKind, WarningLevel, WarningPhase

SERVICE_LEVELS_S = ((10.0, "A"), (20.0, "B"), (35.0, "C"), (55.0, "D"), (80.0, "E"))
"""Mean control delay up to which a signalised intersection has a level of service (Highway Capacity Manual, 6th edition, exhibit 19-8); beyond: F. [s]"""

NOWHERE = ""
"""Place of what belongs to no intersection."""


@dataclass(slots=True)
class Indicators:
    """Sums over one place and period."""

    seconds: float = 0.0
    vehicles: int = 0
    delay_s: float = 0.0
    stops: float = 0.0
    longest_wait_s: float = 0.0
    most_on_foot_waiting: int = 0
    standing_s: float = 0.0
    views_s: dict[str, float] = field(default_factory=dict)
    warnings: Counter[tuple[str, str]] = field(default_factory=Counter)
    near_misses: Counter[str] = field(default_factory=Counter)
    serious_near_misses: int = 0
    commands: int = 0
    replies: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)

    def add_traffic(self, state: TrafficState) -> None:
        """One interval of the traffic log."""
        self.seconds += state.interval_s
        self.add_view(word(ViewLevel, state.view), state.interval_s)
        self.vehicles += state.vehicles_left
        self.delay_s += state.vehicles_left * state.delay_s
        self.stops += state.vehicles_left * state.stops_per_vehicle
        self.longest_wait_s = max(self.longest_wait_s, state.longest_wait_s)
        self.most_on_foot_waiting = max(self.most_on_foot_waiting, state.pedestrians_waiting)
        self.standing_s += state.interval_s * sum(lane.queue for lane in state.lanes)

    def add_view(self, view: str, seconds: float) -> None:
        """So long an intersection was seen so well."""
        self.views_s[view] = self.views_s.get(view, 0.0) + seconds

    @property
    def seen_s(self) -> float:
        """How long an intersection was seen at all. [s]"""
        return self.seconds - self.views_s.get("blind", 0.0)

    def plain(self) -> dict[str, Any]:
        """For JSON; None where nothing was measured."""
        seen_s = self.seen_s
        delay_s = self.delay_s / self.vehicles if self.vehicles else None
        levels = sorted({level for level, _ in self.warnings})
        return {
            "hours": round(self.seconds / 3600.0, 4),
            "vehicles": self.vehicles,
            "delay_s": _rounded(delay_s),
            "level_of_service": None if delay_s is None else level_of_service(delay_s),
            "stops_per_vehicle": _rounded(self.stops / self.vehicles if self.vehicles else None, 2),
            "longest_wait_s": _rounded(self.longest_wait_s) if seen_s > 0 else None,
            "mean_queue": _rounded(self.standing_s / seen_s if seen_s > 0 else None),
            "most_on_foot_waiting": self.most_on_foot_waiting if seen_s > 0 else None,
            "view": {view: round(told / self.seconds, 4) for view, told in sorted(self.views_s.items())},
            "warnings": {
                level: {kind: count for (one, kind), count in sorted(self.warnings.items()) if one == level}
                for level in levels
            },
            "near_misses": dict(sorted(self.near_misses.items())),
            "serious_near_misses": self.serious_near_misses,
            "commands": self.commands,
            "replies": dict(sorted(self.replies.items())),
            "refusals": dict(self.refusals.most_common()),
        }


@dataclass(slots=True)
class EventCount:
    """Events of one kind."""

    severity: int = 0
    count: int = 0
    subjects: Counter[str] = field(default_factory=Counter)
    last_ns: int = 0
    last_text: str = ""


class Report:
    """All indicators of some records.

    Parameters
    ----------
    period_ns : int
        Length of a period; periods begin at whole multiples of it (UTC). 0: all is one period.
    place : str
        Only this intersection; empty: all.
    """

    def __init__(self, period_ns: int = 0, place: str = "") -> None:
        self._period_ns, self._place = period_ns, place
        self.by_place: dict[tuple[int, str], Indicators] = {}
        self.events: dict[str, EventCount] = {}
        self.records: Counter[str] = Counter()
        self.unreadable = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None

    def add(self, records: Iterable[Record]) -> None:
        """Take records, in any order."""
        for one in records:
            if one.value is None:
                self.unreadable += 1
                continue
            self.records[one.topic] += 1
            self.first_ns = one.at_ns if self.first_ns is None else min(self.first_ns, one.at_ns)
            self.last_ns = one.at_ns if self.last_ns is None else max(self.last_ns, one.at_ns)
            getattr(self, f"_add_{one.topic}")(one.at_ns, one.value)

    def _of(self, at_ns: int, place: str) -> Indicators:
        begins_ns = at_ns // self._period_ns * self._period_ns if self._period_ns else 0
        if self._place and place != self._place:
            return Indicators()  # not asked for
        return self.by_place.setdefault((begins_ns, place), Indicators())

    def _add_traffic_log(self, at_ns: int, state: TrafficState) -> None:
        self._of(at_ns, state.intersection).add_traffic(state)

    def _add_warning_log(self, at_ns: int, warning: Any) -> None:
        if warning.phase == WarningPhase.WARNING_PHASE_RAISED:
            kinds = word(WarningLevel, warning.level), word(WarningKind, warning.kind)
            self._of(at_ns, warning.intersection).warnings[kinds] += 1

    def _add_event(self, at_ns: int, event: Any) -> None:
        if event.kind == near_misses.EVENT:
            found = near_misses.of_details(event.details)
            if found is None:
                self.unreadable += 1
                return
            sums = self._of(found.at_ns, found.intersection)
            sums.near_misses[found.kind] += 1
            sums.serious_near_misses += found.severity >= 0.5
            return
        if self._place and event.subject.partition("/")[0] != self._place:
            return
        known = self.events.setdefault(event.kind, EventCount())
        known.severity = max(known.severity, event.severity)
        known.count += 1
        known.subjects[event.subject] += 1
        if at_ns >= known.last_ns:
            known.last_ns, known.last_text = at_ns, event.text

    def _add_command_log(self, at_ns: int, command: Any) -> None:
        self._of(at_ns, command.device).commands += 1

    def _add_reply_log(self, at_ns: int, reply: Any) -> None:
        sums = self._of(at_ns, reply.device)
        sums.replies[word(CommandStatus, reply.status)] += 1
        if reply.status == CommandStatus.COMMAND_STATUS_REJECTED:
            sums.refusals[reply.reason] += 1

    def rows(self) -> list[tuple[int, str, Indicators]]:
        """Begin of the period in nanoseconds, place and indicators; what belongs to no place comes last."""
        ordered = sorted(self.by_place, key=lambda key: (key[0], key[1] == NOWHERE, key[1]))
        return [(begins_ns, place, self.by_place[begins_ns, place]) for begins_ns, place in ordered]

    def total(self) -> Indicators:
        """Over all places and periods."""
        whole = Indicators()
        for _, _, one in self.rows():
            for name in ("seconds", "vehicles", "delay_s", "stops", "standing_s", "commands", "serious_near_misses"):
                setattr(whole, name, getattr(whole, name) + getattr(one, name))
            for view, seconds in one.views_s.items():
                whole.add_view(view, seconds)
            for name in ("warnings", "near_misses", "replies", "refusals"):
                getattr(whole, name).update(getattr(one, name))
            whole.longest_wait_s = max(whole.longest_wait_s, one.longest_wait_s)
            whole.most_on_foot_waiting = max(whole.most_on_foot_waiting, one.most_on_foot_waiting)
        return whole

    def worst_events(self) -> list[tuple[str, EventCount]]:
        """Kinds of events, the gravest and most frequent first."""
        return sorted(self.events.items(), key=lambda one: (-one[1].severity, -one[1].count, one[0]))


def level_of_service(delay_s: float) -> str:
    """Letter of a mean control delay. [s]"""
    return next((letter for most_s, letter in SERVICE_LEVELS_S if delay_s <= most_s), "F")


def word(enum: Any, number: int) -> str:
    """A value of an enumeration as a short word: ``crossing`` of WARNING_KIND_CROSSING."""
    names = list(enum.keys())
    prefix = names[0].removesuffix("UNSPECIFIED")
    try:
        return str(enum.Name(number)).removeprefix(prefix).lower()
    except ValueError:
        return str(number)


def severity_word(number: int) -> str:
    """``alarm``, ``warning`` or ``info``."""
    return word(Severity, number)


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)
