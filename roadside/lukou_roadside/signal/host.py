"""What the signal process needs of its box: monotonic time, unpredictable numbers, the operator's switches."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lukou_hw.clock import ClockSource
from lukou_hw.clock.reading import UNKNOWN_S
from lukou_hw.clock.watch import PERIOD_NS, judged
from lukou_messages.process import Input, Output


@dataclass(frozen=True, slots=True)
class HostReading:
    """One look at the box.

    Attributes
    ----------
    monotonic_ns : int
        Monotonic time. [ns]
    entropy : int
        Unpredictable, for the guard's challenge.
    is_armed : bool
        An operator has armed the supervised mode.
    is_reset : bool
        A technician on site has cleared latched faults.
    clock_fault : str
        Why the wall clock may be off by more than a second; empty: it is not.
    """

    monotonic_ns: int
    entropy: int
    is_armed: bool = False
    is_reset: bool = False
    clock_fault: str = ""


class Host:
    """Device that reads the box.

    Parameters
    ----------
    arm_file : str
        Supervised mode is armed while it exists; empty: never.
    reset_file : str
        Its appearance clears latched faults; it is removed. Only on-site staff may be able to write it.
    clock : ClockSource, optional
        Tells how far the wall clock may be off; asked once a second.
    trusts_clock : bool
        The site vouches for its clock where nothing tells how good it is.
    """

    name = "host"

    def __init__(
        self, arm_file: str = "", reset_file: str = "", clock: ClockSource | None = None, trusts_clock: bool = False
    ) -> None:
        self._arm = Path(arm_file) if arm_file else None
        self._reset = Path(reset_file) if reset_file else None
        self._clock, self._trusts_clock = clock, trusts_clock
        self._clock_fault = ""
        self._next_clock_ns = 0
        self._sequence = 0

    def poll(self, now_ns: int) -> Sequence[Input]:
        self._sequence += 1
        is_reset = self._reset is not None and self._reset.exists()
        if is_reset and self._reset is not None:
            self._reset.unlink(missing_ok=True)
        is_armed = self._arm is not None and self._arm.exists()
        monotonic_ns = time.monotonic_ns()
        if monotonic_ns >= self._next_clock_ns:
            self._next_clock_ns = monotonic_ns + PERIOD_NS
            self._clock_fault = self._ask_clock()
        reading = HostReading(monotonic_ns, secrets.randbits(63), is_armed, is_reset, self._clock_fault)
        return [Input("device/host", "host", 0, self._sequence, now_ns, reading)]

    def _ask_clock(self) -> str:
        quality = judged(self._clock.read() if self._clock is not None else None, self._trusts_clock)
        if quality.uncertainty_s <= UNKNOWN_S:
            return ""
        return f"no command: {quality.reason}; more than {UNKNOWN_S:.0f} s is too much"

    def send(self, outputs: Sequence[Output]) -> None:
        """Takes nothing."""

    def close(self) -> None:
        """Holds nothing."""
