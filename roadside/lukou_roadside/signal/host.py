"""What the signal process needs of its box: monotonic time, unpredictable numbers, the operator's switches."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """

    monotonic_ns: int
    entropy: int
    is_armed: bool = False
    is_reset: bool = False


class Host:
    """Device that reads the box.

    Parameters
    ----------
    arm_file : str
        Supervised mode is armed while it exists; empty: never.
    reset_file : str
        Its appearance clears latched faults; it is removed. Only on-site staff may be able to write it.
    """

    name = "host"

    def __init__(self, arm_file: str = "", reset_file: str = "") -> None:
        self._arm = Path(arm_file) if arm_file else None
        self._reset = Path(reset_file) if reset_file else None
        self._sequence = 0

    def poll(self, now_ns: int) -> Sequence[Input]:
        self._sequence += 1
        is_reset = self._reset is not None and self._reset.exists()
        if is_reset and self._reset is not None:
            self._reset.unlink(missing_ok=True)
        is_armed = self._arm is not None and self._arm.exists()
        reading = HostReading(time.monotonic_ns(), secrets.randbits(63), is_armed, is_reset)
        return [Input("device/host", "host", 0, self._sequence, now_ns, reading)]

    def send(self, outputs: Sequence[Output]) -> None:
        """Takes nothing."""

    def close(self) -> None:
        """Holds nothing."""
