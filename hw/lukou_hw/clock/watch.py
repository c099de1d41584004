"""How far a box's wall clock may be off, judged once for all processes, and told to those whose results depend on it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lukou_hw.clock.reading import WIDEN_S, ClockReading, ClockSource
from lukou_messages.process import Input, Output

PERIOD_NS = 10**9
"""How often a clock is asked: accounts change slowly. [ns]"""

LEAST_TOLD_S, TOLD_RATIO = 0.01, 1.25
"""Bounds below the first are as good as none; larger ones are told when they have changed by this factor. [s, 1]"""

FREE_DRIFT = 15e-6
"""A clock that was synchronised and is not any more drifts no faster: the frequency tolerance of RFC 5905, appendix A.1.1. [s/s]"""

STEP_S = 0.01
"""A change of wall time against monotonic time, from look to look, that is no drift: somebody has set the clock. [s]"""


@dataclass(frozen=True, slots=True)
class ClockQuality:
    """What a clock is worth.

    Attributes
    ----------
    uncertainty_s : float
        Bound of its error; infinite where nothing is known. [s]
    reason : str
        Why results that depend on it are to be used with care; empty where they need none.
    """

    uncertainty_s: float = 0.0
    reason: str = ""

    @property
    def deviation_s(self) -> float:
        """Standard deviation of an error that lies anywhere within the bound (GUM, JCGM 100:2008, 4.3.7). [s]"""
        return self.uncertainty_s / math.sqrt(3.0)


def judged(reading: ClockReading | None, is_vouched: bool) -> ClockQuality:
    """What a reading says.

    Parameters
    ----------
    reading : ClockReading or None
        The reading; None where no driver tells anything.
    is_vouched : bool
        The site vouches for its clock where nothing tells how good it is.
    """
    if reading is None or not reading.is_synchronised:
        if is_vouched:
            return ClockQuality()
        return ClockQuality(math.inf, reading.reason if reading else "nothing tells how good the clock is")
    return _bounded(reading.uncertainty_s)


def _bounded(uncertainty_s: float) -> ClockQuality:
    words = f"{uncertainty_s:.1f} s" if uncertainty_s >= 1.0 else f"{uncertainty_s * 1e3:.0f} ms"
    return ClockQuality(uncertainty_s, f"the clock may be off by {words}" if uncertainty_s > WIDEN_S else "")


class ClockWatch:
    """Device that tells its process what the wall clock is worth whenever that has changed; a good clock is never spoken of.

    Who loses his source of time is not off at once: from its last bound the clock drifts, unless it is set.

    Parameters
    ----------
    source : ClockSource or None
        Tells how far the clock may be off.
    is_vouched : bool
        As in `judged`.
    monotonic_ns : callable
        Monotonic time. [ns]
    """

    name = "clock"

    def __init__(
        self, source: ClockSource | None, is_vouched: bool, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._source, self._is_vouched, self._monotonic_ns = source, is_vouched, monotonic_ns
        self._told, self._sequence = ClockQuality(), 0
        self._next_ns = 0
        self._known: tuple[float, int] | None = None
        self._wall_less_monotonic_ns: int | None = None

    def poll(self, now_ns: int) -> Sequence[Input]:
        """The quality, where it is another than that told last."""
        monotonic_ns = self._monotonic_ns()
        if monotonic_ns < self._next_ns:
            return ()
        self._next_ns = monotonic_ns + PERIOD_NS
        quality = self._quality(now_ns, monotonic_ns)
        if not _differ(self._told, quality):
            return ()
        self._told = quality
        self._sequence += 1
        return (Input("device/clock", self.name, 0, self._sequence, now_ns, quality),)

    def _quality(self, now_ns: int, monotonic_ns: int) -> ClockQuality:
        before_ns, self._wall_less_monotonic_ns = self._wall_less_monotonic_ns, now_ns - monotonic_ns
        if before_ns is not None and abs(self._wall_less_monotonic_ns - before_ns) > STEP_S * 1e9:
            self._known = None
        reading = self._source.read() if self._source is not None else None
        quality = judged(reading, self._is_vouched)
        if reading is not None and reading.is_synchronised:
            self._known = reading.uncertainty_s, monotonic_ns
        elif self._known is not None and not self._is_vouched:
            drifted_s = self._known[0] + FREE_DRIFT * (monotonic_ns - self._known[1]) * 1e-9
            return ClockQuality(drifted_s, f"{_bounded(drifted_s).reason or 'the clock drifts'}: {quality.reason}")
        return quality

    def send(self, outputs: Sequence[Output]) -> None:
        """Takes nothing."""

    def close(self) -> None:
        """End what the driver has running."""
        close = getattr(self._source, "close", None)
        if close is not None:
            close()


def _differ(told: ClockQuality, now: ClockQuality) -> bool:
    if (told.reason == "") != (now.reason == ""):
        return True
    low, high = sorted(max(one.uncertainty_s, LEAST_TOLD_S) for one in (told, now))
    return high > TOLD_RATIO * low
