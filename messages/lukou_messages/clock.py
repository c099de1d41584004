"""Clocks: time is never read anywhere else."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now_ns(self) -> int:
        """Nanoseconds POSIX UTC."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since an arbitrary start; never steps."""

    def sleep_until(self, at_ns: int) -> None:
        """Return at `at_ns` (as `now_ns` counts) or at once if that has passed."""


class SystemClock:
    """The clock of the machine."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def sleep_until(self, at_ns: int) -> None:
        wait = at_ns - time.time_ns()
        if wait > 0:
            time.sleep(wait / 1e9)


class ManualClock:
    """A clock that stands still until it is moved; for replay, lockstep and tests."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._monotonic_ns = 0

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def set(self, now_ns: int) -> None:
        """Move to `now_ns`; the monotonic reading follows forward moves only."""
        self._monotonic_ns += max(0, now_ns - self._now_ns)
        self._now_ns = now_ns

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self.set(self._now_ns + round(seconds * 1e9))

    def sleep_until(self, at_ns: int) -> None:
        self.set(max(self._now_ns, at_ns))
