"""Which frames belong together, and when a list is due."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Cycle:
    """Frames of one period.

    Attributes
    ----------
    number : int
        The period, counted from 1970.
    newest_ns : int
        Latest instant of measurement in it.
    used : list of (str, int)
        Frames used, as (topic, instant).
    sources : set of str
        Sensors whose frame is in.
    """

    number: int
    newest_ns: int = 0
    used: list[tuple[str, int]] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)


class Cycles:
    """Collects frames into periods and says which list is due.

    Parameters
    ----------
    period_ns : int
        Length of a period. [ns]
    deadline_ns : int
        A list waits no longer after the period's instant. [ns]
    """

    def __init__(self, period_ns: int, deadline_ns: int) -> None:
        self._period_ns, self._deadline_ns = period_ns, deadline_ns
        self._open: dict[int, Cycle] = {}
        self._done = -1

    def add(self, source: str, topic: str, measured_at_ns: int) -> None:
        """Note a frame; one that comes after its list counts for the next."""
        number = max((measured_at_ns + self._period_ns // 2) // self._period_ns, self._done + 1)
        cycle = self._open.setdefault(number, Cycle(number))
        cycle.sources.add(source)
        cycle.used.append((topic, measured_at_ns))
        cycle.newest_ns = max(cycle.newest_ns, measured_at_ns)

    def due(self, now_ns: int, awaited: set[str]) -> Cycle | None:
        """The newest period whose list is due, with all that older ones left over; None while frames are awaited."""
        ready = [
            number
            for number, cycle in self._open.items()
            if (awaited and awaited <= cycle.sources) or now_ns - number * self._period_ns >= self._deadline_ns
        ]
        if not ready:
            return None
        newest = max(ready)
        result = Cycle(newest)
        for number in sorted(self._open):
            if number <= newest:
                part = self._open.pop(number)
                result.used += part.used
                result.newest_ns = max(result.newest_ns, part.newest_ns)
                if number == newest:
                    result.sources |= part.sources
        self._done = newest
        return result
