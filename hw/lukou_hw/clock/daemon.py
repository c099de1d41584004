"""Drivers ``clock.chrony`` and ``clock.ptp``: what the daemon that disciplines the clock says of it, asked now and then in a thread."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from lukou_hw.clock.reading import ClockReading
from lukou_messages.v1.header_pb2 import TimeSource

Ask = Callable[[Sequence[str]], str]
"""Runs a command and gives its output; raises OSError or subprocess.SubprocessError."""

PERIOD_S, LIMIT_S = 10.0, 2.0
"""How often the daemon is asked, and how long it may take to answer. [s]"""

OLD_S = 45.0
"""An answer older than this tells nothing. [s]"""

PTP_FLOOR_S = 1e-6
"""Least uncertainty of a clock that PTP disciplines: the way to the system clock (phc2sys) is not told. [s]"""

CHRONY = ("chronyc", "-n", "-c", "tracking")
PTP = ("pmc", "-u", "-b", "0", "GET TIME_STATUS_NP", "GET CURRENT_DATA_SET")


def _ask(command: Sequence[str]) -> str:
    path = shutil.which(command[0], path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin:/usr/local/bin")
    if path is None:
        raise FileNotFoundError(f"{command[0]} is not installed")
    done = subprocess.run([path, *command[1:]], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        raise subprocess.SubprocessError((done.stdout + done.stderr).strip()[:120] or f"exit {done.returncode}")
    return done.stdout


def unknown(at_ns: int, reason: str) -> ClockReading:
    """A reading that says that nothing is known."""
    return ClockReading(at_ns, None, float("inf"), int(TimeSource.TIME_SOURCE_LOCAL), reason=reason)


def chrony_reading(at_ns: int, text: str) -> ClockReading:
    """Reading of ``chronyc -c tracking``.

    The bound of the error is that of the chrony manual: offset + root dispersion + half the root delay.
    """
    fields = text.strip().split(",")
    if len(fields) < 14:
        return unknown(at_ns, f"chronyc said {text.strip()[:60]!r}")
    try:
        slow_s, delay_s, dispersion_s = float(fields[4]), float(fields[10]), float(fields[11])
    except ValueError:
        return unknown(at_ns, f"chronyc said {text.strip()[:60]!r}")
    leap = {"Insert second": 1, "Delete second": -1}.get(fields[13].strip(), 0)
    if fields[13].strip() == "Not synchronised" or fields[2].strip() == "0":
        return unknown(at_ns, "chrony is not synchronised with any source")
    bound_s = abs(slow_s) + dispersion_s + 0.5 * delay_s
    source = TimeSource.TIME_SOURCE_GNSS if _is_reference_clock(fields[0]) else TimeSource.TIME_SOURCE_NTP
    return ClockReading(at_ns, -slow_s, bound_s, int(source), True, leap)


def _is_reference_clock(identity: str) -> bool:
    """Whether a reference identity is the name of a satellite receiver rather than an address."""
    try:
        name = bytes.fromhex(identity).rstrip(b"\0").decode("ascii")
    except (ValueError, UnicodeDecodeError):
        return False
    return name.upper() in ("GPS", "GNSS", "PPS", "BDS", "GAL", "NMEA")


def ptp_reading(at_ns: int, text: str) -> ClockReading:
    """Reading of ptp4l's management client."""
    told = dict(re.findall(r"^\s+(\w+)\s+(\S+)\s*$", text, re.MULTILINE))
    try:
        offset_s = float(told["master_offset"]) * 1e-9
        path_s = float(told.get("meanPathDelay", "0")) * 1e-9
    except (KeyError, ValueError):
        return unknown(at_ns, "ptp4l does not answer; is it running, and may this user use its socket?")
    if told.get("gmPresent") != "true":
        return unknown(at_ns, "ptp4l sees no grandmaster")
    # half the path: what an asymmetry of the network could hide
    bound_s = abs(offset_s) + 0.5 * abs(path_s) + PTP_FLOOR_S
    return ClockReading(at_ns, offset_s, bound_s, int(TimeSource.TIME_SOURCE_PTP), True)


class DaemonClockSource:
    """The account of a clock by its daemon.

    Parameters
    ----------
    name : str
        Name of the device.
    command : sequence of str
        What to ask.
    understood : callable
        Makes a reading of the answer.
    ask : callable, optional
        Runs the command; for tests.
    period_s : float
        How often it is asked. [s]
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        understood: Callable[[int, str], ClockReading],
        ask: Ask = _ask,
        period_s: float = PERIOD_S,
    ) -> None:
        self.name = name
        self._command, self._understood, self._ask, self._period_s = command, understood, ask, period_s
        self._latest = unknown(time.time_ns(), f"{command[0]} has not answered yet")
        self._read_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"clock {name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            now_ns = time.time_ns()
            try:
                reading = self._understood(now_ns, self._ask(self._command))
            except (OSError, subprocess.SubprocessError) as error:
                reading = unknown(now_ns, f"{self._command[0]}: {error}")
            self._latest, self._read_at = reading, time.monotonic()
            if self._stopping.wait(self._period_s):
                return

    def read(self) -> ClockReading:
        """The last answer; what is too old is unknown."""
        latest, age_s = self._latest, time.monotonic() - self._read_at
        return (
            latest
            if age_s < OLD_S
            else unknown(latest.read_at_ns, f"{self._command[0]} has not answered for {age_s:.0f} s")
        )

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join(timeout=LIMIT_S + 1.0)


def open_chrony(name: str = "clock") -> DaemonClockSource:
    """Entry point of ``clock.chrony``."""
    return DaemonClockSource(name, CHRONY, chrony_reading)


def open_ptp(name: str = "clock") -> DaemonClockSource:
    """Entry point of ``clock.ptp``."""
    return DaemonClockSource(name, PTP, ptp_reading)
