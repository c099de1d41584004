"""What chrony and ptp4l say of the clock; texts in the form of their manuals."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Sequence

import pytest

from lukou_hw.clock.daemon import CHRONY, DaemonClockSource, chrony_reading, open_chrony, ptp_reading
from lukou_messages.v1.header_pb2 import TimeSource

TRACKING = "C0248F82,192.36.143.130,2,1762300000.123456789,0.000006523,-0.000006747,0.000035822,3.225,-0.001,0.129,0.013639022,0.001100737,64.2,Normal\n"
PMC = """sending: GET TIME_STATUS_NP
sending: GET CURRENT_DATA_SET
\t507c6f.fffe.0a1b2c-0 seq 0 RESPONSE MANAGEMENT TIME_STATUS_NP
\t\tmaster_offset              -85
\t\tingress_time               1762300000123456789
\t\tgmPresent                  true
\t\tgmIdentity                 507c6f.fffe.000001
\t507c6f.fffe.0a1b2c-0 seq 1 RESPONSE MANAGEMENT CURRENT_DATA_SET
\t\tstepsRemoved     1
\t\toffsetFromMaster -85.0
\t\tmeanPathDelay    420.0
"""
NOW = 1_762_300_000 * 10**9


def test_chrony_tells_offset_and_bound() -> None:
    reading = chrony_reading(NOW, TRACKING)
    assert reading.offset_s == pytest.approx(-6.523e-6)  # "0.000006523 seconds slow of NTP time"
    assert reading.uncertainty_s == pytest.approx(6.523e-6 + 0.001100737 + 0.5 * 0.013639022)
    assert reading.is_synchronised
    assert reading.time_source == TimeSource.TIME_SOURCE_NTP
    assert chrony_reading(NOW, TRACKING.replace("Normal", "Insert second")).leap_second == 1
    gps = chrony_reading(NOW, TRACKING.replace("C0248F82", "47505300"))  # "GPS"
    assert gps.time_source == TimeSource.TIME_SOURCE_GNSS


@pytest.mark.parametrize(
    "text",
    [
        TRACKING.replace("Normal", "Not synchronised"),
        "506 Cannot talk to daemon\n",
        "",
        TRACKING.replace("0.013639022", "x"),
    ],
)
def test_a_chrony_that_knows_nothing_is_unknown(text: str) -> None:
    reading = chrony_reading(NOW, text)
    assert not reading.is_synchronised
    assert reading.offset_s is None
    assert math.isinf(reading.uncertainty_s)
    assert reading.reason


def test_ptp_tells_the_offset_from_its_master() -> None:
    reading = ptp_reading(NOW, PMC)
    assert reading.offset_s == pytest.approx(-85e-9)
    assert reading.uncertainty_s == pytest.approx(85e-9 + 210e-9 + 1e-6)
    assert reading.time_source == TimeSource.TIME_SOURCE_PTP
    assert "grandmaster" in ptp_reading(NOW, PMC.replace("true", "false")).reason
    assert math.isinf(ptp_reading(NOW, "sending: GET TIME_STATUS_NP\n").uncertainty_s)


def test_asking_happens_beside_and_failures_are_said() -> None:
    answers = [TRACKING, subprocess.TimeoutExpired("chronyc", 2.0), TRACKING]
    asked: list[Sequence[str]] = []

    def ask(command: Sequence[str]) -> str:
        asked.append(command)
        answer = answers[min(len(asked), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    source = DaemonClockSource("clock", CHRONY, chrony_reading, ask, period_s=0.1)
    try:
        seen = set()
        ends = time.monotonic() + 5.0
        while time.monotonic() < ends and len(asked) < 4:
            seen.add(source.read().is_synchronised)
            time.sleep(0.005)
    finally:
        source.close()
    assert seen == {True, False}
    assert source.read().is_synchronised
    assert asked[0] == CHRONY


def test_a_machine_without_chrony_says_so() -> None:
    source = open_chrony()
    try:
        ends = time.monotonic() + 5.0
        while "not answered yet" in source.read().reason and time.monotonic() < ends:
            time.sleep(0.02)
        reading = source.read()
        assert reading.is_synchronised or reading.reason.startswith("chron")
    finally:
        source.close()
