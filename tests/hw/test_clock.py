"""The system clock's account."""

from __future__ import annotations

import math
import time

from lukou_hw.clock.system import SystemClockSource, Timex
from lukou_messages.v1.header_pb2 import TimeSource


def answer(status: int, state: int = 0) -> tuple[int, Timex]:
    content = Timex()
    content.status, content.offset, content.maxerror = status, -250_000, 1500
    return state, content


def test_disciplined_clock_with_nanoseconds() -> None:
    reading = SystemClockSource(ask=lambda: answer(0x2000 | 0x10)).read()
    assert reading.is_synchronised
    assert reading.offset_s == -250_000e-9
    assert reading.uncertainty_s == 1500e-6
    assert reading.time_source == TimeSource.TIME_SOURCE_NTP
    assert reading.leap_second == 1


def test_undisciplined_clock_is_not_trusted() -> None:
    for state, status in ((5, 0), (0, 0x40)):
        reading = SystemClockSource(ask=lambda at=(state, status): answer(at[1], at[0])).read()
        assert not reading.is_synchronised
        assert math.isinf(reading.uncertainty_s)
        assert reading.time_source == TimeSource.TIME_SOURCE_LOCAL
        assert "NTP" in reading.reason


def test_a_system_that_tells_nothing() -> None:
    reading = SystemClockSource(ask=lambda: None).read()
    assert reading.offset_s is None
    assert math.isinf(reading.uncertainty_s)


def test_this_machine_answers() -> None:
    reading = SystemClockSource().read()
    assert abs(reading.read_at_ns - time.time_ns()) < 5_000_000_000
    assert reading.uncertainty_s >= 0
