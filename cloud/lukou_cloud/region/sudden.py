"""Vehicles that appear out of nowhere: false tracks do, and some that were hidden. How often such ones last tells how far to believe them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

AGES_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Whoever lasts from one of these ages to the next is one of those who last; after the last one everybody is believed. [s]"""

PRIOR = 5.0
"""So many have lasted from each age to the next before the first was seen."""

MEMORY_S = 900.0
"""Over which the shares are remembered. [s]"""

MISSED_S = 3.0
"""Who is not in the lists for longer has vanished. [s]"""

ENTRY_M, ENTRY_S = 5.0, 1.5
"""So near the border of the map, or of the view, or so little driving behind it, appearing is usual. [m, s]"""

PASSED_M = 25.0
"""Who was so near the stop line, and is not before it any more, has passed it. [m]"""

BELIEVED = 0.95
"""Who is less likely there than this tells nothing about others."""


@dataclass(slots=True)
class _Newcomer:
    """Somebody who appeared out of nowhere: since when, when and how far from the line last in a list, and to which age he has been counted. [s, m]"""

    born_s: float
    last_s: float
    to_stop_m: float
    reached: int = 0


@dataclass(slots=True)
class Sudden:
    """How likely those are there who appeared out of nowhere, learned by whether others like them lasted."""

    _lasted: list[float] = field(default_factory=lambda: [PRIOR] * (len(AGES_S) - 1))
    _counted: list[float] = field(default_factory=lambda: [PRIOR] * (len(AGES_S) - 1))
    _known: dict[int, float] = field(default_factory=dict)  # everybody near, and when last in a list
    _newcomers: dict[int, _Newcomer] = field(default_factory=dict)
    _is_first: bool = True

    def likely(self, now_s: float, identity: int, driven_m: float, to_stop_m: float, speed_mps: float) -> float:
        """Note one vehicle of a list; how likely it is there.

        Parameters
        ----------
        now_s : float
            Instant of the list. [s]
        identity : int
            Its identity.
        driven_m, to_stop_m, speed_mps : float
            From the border of the map or of the view, whichever is nearer; to the stop line; and its speed. [m, m/s]
        """
        is_new = identity not in self._known
        self._known[identity] = now_s
        one = self._newcomers.get(identity)
        if one is None:
            if not is_new or self._is_first or driven_m < ENTRY_M + ENTRY_S * speed_mps:
                return 1.0
            one = self._newcomers[identity] = _Newcomer(now_s, now_s, to_stop_m)
        one.last_s, one.to_stop_m = now_s, to_stop_m
        shares = zip(self._lasted[one.reached :], self._counted[one.reached :], strict=True)
        return math.prod(lasted / counted for lasted, counted in shares)

    def is_doubted(self, identity: int) -> bool:
        """Whether it appeared out of nowhere, and has not been seen for long."""
        return identity in self._newcomers

    def passed(self, identity: int) -> None:
        """It is beyond the stop line: it was there."""
        one = self._newcomers.pop(identity, None)
        if one is not None:
            for age in range(one.reached, len(self._lasted)):
                self._count(age, True)

    def close(self, now_s: float, dt_s: float) -> None:
        """After each list: who has lasted, and who has vanished on his way."""
        keep = math.exp(-dt_s / MEMORY_S)
        for row in (self._lasted, self._counted):
            row[:] = [PRIOR + keep * (value - PRIOR) for value in row]
        for identity, one in list(self._newcomers.items()):
            if now_s - one.last_s > MISSED_S:
                if one.to_stop_m > PASSED_M:  # else it may have passed the line unseen, or was never there
                    self._count(one.reached, False)
                del self._newcomers[identity]
                continue
            while one.reached < len(self._lasted) and one.last_s - one.born_s >= AGES_S[one.reached + 1]:
                self._count(one.reached, True)
                one.reached += 1
            if one.reached == len(self._lasted):
                del self._newcomers[identity]
        self._known = {k: at_s for k, at_s in self._known.items() if now_s - at_s <= 10.0 * MISSED_S}
        self._is_first = False

    def _count(self, age: int, has_lasted: bool) -> None:
        self._counted[age] += 1.0
        self._lasted[age] += has_lasted

    def export(self) -> list[list[list[float]]]:
        """State as plain values, for snapshots."""
        return [
            [self._lasted, self._counted, [float(self._is_first)]],
            [[k, at_s] for k, at_s in self._known.items()],
            [[k, one.born_s, one.last_s, one.to_stop_m, one.reached] for k, one in self._newcomers.items()],
        ]

    def load(self, state: list[list[list[float]]]) -> None:
        """Continue from `export`."""
        (lasted, counted, first), known, newcomers = state
        self._lasted, self._counted, self._is_first = list(lasted), list(counted), bool(first[0])
        self._known = {int(k): at_s for k, at_s in known}
        self._newcomers = {
            int(k): _Newcomer(born_s, last_s, to_stop_m, int(age)) for k, born_s, last_s, to_stop_m, age in newcomers
        }
