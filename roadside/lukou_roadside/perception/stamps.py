"""Time stamps that cannot be true: nothing is measured in the future.

Whoever stamps the future has a clock that is off by at least so much, whatever the other sensors say. What comes from there is taken to have been
measured as long before it came as usual; else it would move everybody's tracks, and the others would seem to be early.

An early clock looks like a slow line, so arrivals alone never tell of one. But where the tracks have told of one and its measurements alone
suddenly come sooner, it has been set right.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

MOST_AHEAD_S = 0.05
"""A stamp that lies farther ahead of our own clock comes from a clock that is off. [s]"""

LOOKED_AT = 5
"""So many of the last stamps are compared: arrivals jitter."""

ENOUGH = 2
"""With so many of them ahead, one that is not is taken for jitter."""

BEFORE, SHIFTED_S = 20, 0.08
"""Arrivals that the last `LOOKED_AT` are compared with; all of those must have come sooner, or later, by more than this. [1, s]"""

NEW_USUAL_S = 30.0
"""Arrivals that have come later than before for so long come so. [s]"""

USUAL_LAG_S, LAG_WEIGHT = 0.05, 0.05
"""From measurement to arrival, before it is known; what one more arrival tells of it. [s, 1]"""


@dataclass
class Stamps:
    """The stamps of one sensor.

    Attributes
    ----------
    ahead_s : float
        How far the last one lay ahead of our clock; negative where it did not. [s]
    late_s : float
        By how much they are taken to be late; 0 where they may be right. [s]
    lag_s : float
        From measurement to arrival, usually. [s]
    shift_s : float
        By how much measurements have just begun to arrive later; negative: sooner. [s]
    later_s : float
        How much later the last ones arrived than before they began to; 0 once they arrive as before, or have been later for long. A slow line
        does that, and a clock that was set back. [s]
    """

    ahead_s: float = 0.0
    late_s: float = 0.0
    lag_s: float = USUAL_LAG_S
    shift_s: float = 0.0
    later_s: float = 0.0
    _before_s: float | None = None  # how they arrived before they began to come later
    _later_since_ns: int = 0
    _last: deque[float] = field(default_factory=lambda: deque(maxlen=LOOKED_AT))
    _lags: deque[float] = field(default_factory=lambda: deque(maxlen=BEFORE + LOOKED_AT))

    def late(self, measured_at_ns: int, now_ns: int) -> float:
        """By how much a new stamp is late. [s]

        Parameters
        ----------
        measured_at_ns, now_ns : int
            The stamp, and our clock at its arrival.
        """
        self.ahead_s = (measured_at_ns - now_ns) * 1e-9
        self._last.append(self.ahead_s)
        ahead = [one for one in self._last if one > MOST_AHEAD_S]
        if self.ahead_s > MOST_AHEAD_S or len(ahead) >= ENOUGH:
            self.late_s = median(ahead) + self.lag_s
        else:
            self.late_s = 0.0
            self.lag_s += LAG_WEIGHT * (-self.ahead_s - self.lag_s)
            self._lags.append(-self.ahead_s)
        self.shift_s = self._shift()
        self.later_s = self._later(now_ns)
        return self.late_s

    @property
    def risen_s(self) -> float:
        """How much later than usual the last measurements came. [s]"""
        now = list(self._lags)[-LOOKED_AT:]
        return median(now) - self.lag_s if now else 0.0

    def _later(self, now_ns: int) -> float:
        """Held against how they arrived before, not summed up from shift to shift: what fades slowly ends without one."""
        if self.shift_s > 0.0 and self._before_s is None:
            self._before_s, self._later_since_ns = median(self._lags) - self.shift_s, now_ns
        if self._before_s is None:
            return 0.0
        later_s = median(list(self._lags)[-LOOKED_AT:]) - self._before_s
        if later_s < SHIFTED_S or now_ns - self._later_since_ns > NEW_USUAL_S * 1e9:
            self._before_s = None
            return 0.0
        return later_s

    def _shift(self) -> float:
        lags = list(self._lags)
        before, now = lags[:-LOOKED_AT], lags[-LOOKED_AT:]
        if len(before) < LOOKED_AT:
            return 0.0
        usual = median(before)
        if usual - SHIFTED_S < max(now) and min(now) < usual + SHIFTED_S:
            return 0.0
        self._lags = deque(now, maxlen=BEFORE + LOOKED_AT)
        return median(now) - usual
