"""What is known of a clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lukou_messages.v1.header_pb2 import TimeSource

WIDEN_S, INVALID_S, UNKNOWN_S = 0.05, 0.2, 1.0
"""Uncertainty above which fusion widens covariances, lists are invalid for warnings, SPaT ends are unknown (DESIGN 4). [s]"""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """State of a clock.

    Attributes
    ----------
    read_at_ns : int
        Instant of the reading by the clock itself, nanoseconds POSIX UTC.
    offset_s : float or None
        Estimated error of the clock, positive if it is fast; None: not known. [s]
    uncertainty_s : float
        Bound of the error; infinite where nothing is known. [s]
    time_source : int
        Value of `TimeSource`.
    is_synchronised : bool
        Whether something disciplines the clock.
    leap_second : int
        +1 or -1 where a leap second is announced for the end of the day, else 0.
    reason : str
        Words for an operator where the clock is not synchronised.
    """

    read_at_ns: int
    offset_s: float | None
    uncertainty_s: float
    time_source: int = TimeSource.TIME_SOURCE_UNSPECIFIED
    is_synchronised: bool = False
    leap_second: int = 0
    reason: str = ""


class ClockSource(Protocol):
    """A driver that tells how good the machine's clock is."""

    name: str

    def read(self) -> ClockReading:
        """State now; never waits, never raises for a clock that is merely bad."""
