"""What processes are told of a box's clock."""

from __future__ import annotations

import math

import pytest

from lukou_hw.clock.reading import ClockReading
from lukou_hw.clock.system import SystemClockSource, Timex
from lukou_hw.clock.watch import FREE_DRIFT, ClockQuality, ClockWatch, judged

LOST = "chrony is not synchronised with any source"


class Clock:
    name = "clock"

    def __init__(self, uncertainty_s: float | None) -> None:
        self.uncertainty_s = uncertainty_s
        self.closed = False

    def read(self) -> ClockReading:
        if self.uncertainty_s is None:
            return ClockReading(0, None, math.inf, reason=LOST)
        return ClockReading(0, 0.0, self.uncertainty_s, is_synchronised=True)

    def close(self) -> None:
        self.closed = True


class Box:
    """A watch whose time is moved by hand."""

    def __init__(self, clock: Clock | None, is_vouched: bool = False) -> None:
        self.now_ns, self.set_ns = 10**18, 0
        self.watch = ClockWatch(clock, is_vouched, lambda: self.now_ns)

    def after(self, seconds: float) -> ClockQuality | None:
        self.now_ns += round(seconds * 1e9)
        told = self.watch.poll(self.now_ns + self.set_ns)
        if not told:
            return None
        assert told[0].topic == "device/clock"
        quality: ClockQuality = told[0].value
        return quality


def test_a_good_clock_is_never_spoken_of() -> None:
    clock = Clock(0.001)
    box = Box(clock)
    assert [box.after(1.0) for _ in range(20)] == [None] * 20
    clock.uncertainty_s = 0.009
    assert box.after(1.0) is None


def test_what_changes_is_told_once() -> None:
    clock = Clock(0.08)
    box = Box(clock)
    assert box.after(1.0) == ClockQuality(0.08, "the clock may be off by 80 ms")
    clock.uncertainty_s = 0.09
    assert box.after(1.0) is None
    clock.uncertainty_s = 0.12
    assert box.after(0.5) is None  # asked once a second
    assert box.after(0.5) == ClockQuality(0.12, "the clock may be off by 120 ms")
    clock.uncertainty_s = 0.002
    assert box.after(1.0) == ClockQuality(0.002, "")


def test_nobody_knows_of_a_clock_that_was_never_synchronised() -> None:
    assert Box(Clock(None)).after(1.0) == ClockQuality(math.inf, LOST)
    told = Box(None).after(1.0)
    assert told is not None and told.uncertainty_s == math.inf and "nothing tells" in told.reason
    assert Box(Clock(None), is_vouched=True).after(1.0) is None


def test_who_loses_his_source_drifts_from_where_he_was() -> None:
    clock = Clock(0.02)
    box = Box(clock)
    assert box.after(1.0) == ClockQuality(0.02, "")
    clock.uncertainty_s = None
    lost = box.after(1.0)
    assert lost is not None and LOST in lost.reason
    assert lost.uncertainty_s == pytest.approx(0.02 + FREE_DRIFT, abs=1e-7)
    later = box.after(3600.0)
    assert later is not None and later.uncertainty_s == pytest.approx(0.02 + FREE_DRIFT * 3601.0, abs=1e-6)
    assert "may be off by 74 ms" in later.reason
    box.set_ns = 40_000_000  # somebody has set the clock: what was known of it is not known any more
    told = box.after(1.0)
    assert told is not None and told.uncertainty_s == math.inf


def test_it_closes_its_driver() -> None:
    clock = Clock(0.001)
    ClockWatch(clock, False).close()
    assert clock.closed
    ClockWatch(None, True).close()


def test_an_error_anywhere_within_its_bound() -> None:
    assert judged(Clock(0.3).read(), False).deviation_s == pytest.approx(0.3 / math.sqrt(3.0))


def test_the_kernels_bound_grows_slowly_while_it_only_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, told_s = [100.0], [0.010]
    monkeypatch.setattr("lukou_hw.clock.system.time.monotonic_ns", lambda: round(now_s[0] * 1e9))

    def ask() -> tuple[int, Timex]:
        content = Timex()
        content.status, content.maxerror = 0x2000, round(told_s[0] * 1e6)
        return 0, content

    source = SystemClockSource(ask=ask)
    for _ in range(600):
        bound_s = source.read().uncertainty_s
        now_s[0] += 1.0
        told_s[0] += 500e-6
    assert bound_s == pytest.approx(0.010 + 599 * 15e-6, abs=1e-5)
    told_s[0] = 0.015
    assert source.read().uncertainty_s == pytest.approx(0.015)  # a daemon has set it anew, to less
    now_s[0] += 1.0
    told_s[0] = 0.8
    assert source.read().uncertainty_s == pytest.approx(0.8)  # and to more
