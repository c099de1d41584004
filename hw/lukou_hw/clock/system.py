"""Driver ``clock.system``: Linux's adjtimex, which NTP and PTP daemons keep up to date."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable

from lukou_hw.clock.reading import ClockReading
from lukou_messages.v1.header_pb2 import TimeSource

_STA_INS, _STA_DEL, _STA_UNSYNC, _STA_NANO = 0x10, 0x20, 0x40, 0x2000
_TIME_ERROR = 5


class _Timeval(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_usec", ctypes.c_long)]


class Timex(ctypes.Structure):
    """``struct timex`` of adjtimex(2)."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", _Timeval),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    ]


def _adjtimex() -> tuple[int, Timex] | None:
    """Return value and content; None where the system has no adjtimex."""
    if not sys.platform.startswith("linux"):
        return None
    content = Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(content))
    except (OSError, AttributeError):
        return None
    return (state, content) if state >= 0 else None


GROWS, OWN_DRIFT = 500e-6, 15e-6
"""Between updates Linux lets its bound grow as that of a clock that nobody disciplines; that of one whose rate is corrected grows by RFC 5905's tolerance. [s/s]"""

GROWTH_SLACK_S = 1e-3
"""The kernel adds its growth once a second; daemons set the bound anew in larger steps or to less. [s]"""


class SystemClockSource:
    """The kernel's account of its clock.

    A daemon that asks its servers every quarter of an hour leaves the kernel's bound to grow by 0.5 s until then; as long as it does nothing but grow, it is taken
    to grow more slowly.

    Parameters
    ----------
    name : str
        Name of the device.
    time_source : str
        What disciplines the clock by the site's own knowledge: GNSS, PTP, NTP; the kernel does not tell.
    ask : callable, optional
        Reads the kernel; for tests.
    """

    def __init__(
        self, name: str = "clock", time_source: str = "NTP", ask: Callable[[], tuple[int, Timex] | None] = _adjtimex
    ) -> None:
        self.name = name
        self._source = int(TimeSource.Value(f"TIME_SOURCE_{time_source}"))
        self._ask = ask
        self._last: tuple[int, float, float] | None = None

    def read(self) -> ClockReading:
        """State now."""
        now_ns = time.time_ns()
        answer = self._ask()
        if answer is None:
            reason = "this system does not tell how good its clock is"
            return ClockReading(now_ns, None, float("inf"), int(TimeSource.TIME_SOURCE_LOCAL), reason=reason)
        state, content = answer
        unit = 1e-9 if content.status & _STA_NANO else 1e-6
        synchronised = state != _TIME_ERROR and not content.status & _STA_UNSYNC
        leap = 1 if content.status & _STA_INS else -1 if content.status & _STA_DEL else 0
        return ClockReading(
            now_ns,
            content.offset * unit if synchronised else None,
            self._bound_s(content.maxerror * 1e-6) if synchronised else float("inf"),
            self._source if synchronised else int(TimeSource.TIME_SOURCE_LOCAL),
            synchronised,
            leap,
            "" if synchronised else "the kernel says that nothing disciplines its clock; start an NTP or PTP daemon",
        )

    def _bound_s(self, told_s: float) -> float:
        """Bound of the error, from the kernel's. [s]"""
        now_ns = time.monotonic_ns()
        bound_s = told_s
        if self._last is not None:
            last_ns, last_told_s, last_bound_s = self._last
            passed_s = (now_ns - last_ns) * 1e-9
            if abs(told_s - last_told_s - GROWS * passed_s) < GROWTH_SLACK_S and told_s >= last_told_s:
                bound_s = min(told_s, last_bound_s + OWN_DRIFT * passed_s)
        self._last = now_ns, told_s, bound_s
        return bound_s


def open_clock(name: str = "clock", time_source: str = "NTP") -> SystemClockSource:
    """Entry point of the driver."""
    return SystemClockSource(name, time_source)
