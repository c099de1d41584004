"""What a signal controller shows, and what a driver must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

from lukou_hw.signal_controller.capability import Capability
from lukou_messages.process import Input, Output
from lukou_messages.v1.header_pb2 import TimeSource


class Condition(IntEnum):
    """What a cabinet says of itself."""

    NORMAL = 0
    MANUAL = 1
    FLASHING = 2


@dataclass(frozen=True, slots=True)
class ControllerReading:
    """What one controller showed at one instant.

    Attributes
    ----------
    controller : str
        Name of the device.
    measured_at_ns : int
        Instant of the content, nanoseconds POSIX UTC.
    time_source : int
        Value of `TimeSource`; LOCAL: receipt by this box, the controller gives no time.
    is_healthy : bool
        Whether the controller answers; False: the content is the last known or nothing.
    colours : tuple of int
        Colour by channel (index 0 is channel 1), values of `SignalColour`; 0: not known.
    condition : Condition
        Normal, in hand, or flashing.
    stage_number : int
        Stage as the controller counts it; 0: not known, or between stages.
    demands : tuple of int
        Channels with a call.
    lamp_faults : tuple of int
        Channels with a lamp fault.
    is_controlled : bool
        Whether the controller follows this driver's requests.
    is_foreign : bool
        Controls are set at the controller that this driver did not set.
    refused : int
        Frames or answers that the driver refused since its start.
    fault : str
        What is wrong, for an operator; empty: nothing.
    """

    controller: str
    measured_at_ns: int
    time_source: int = TimeSource.TIME_SOURCE_LOCAL
    is_healthy: bool = True
    colours: tuple[int, ...] = ()
    condition: Condition = Condition.NORMAL
    stage_number: int = 0
    demands: tuple[int, ...] = ()
    lamp_faults: tuple[int, ...] = ()
    is_controlled: bool = False
    is_foreign: bool = False
    refused: int = 0
    fault: str = ""


class SignalController(Protocol):
    """A driver. No call waits for the network: a thread of the driver's own talks to the cabinet."""

    name: str
    capability: Capability

    def read(self) -> ControllerReading:
        """The last known state."""

    def request(self, stage_number: int) -> None:
        """Show this stage: hold it if it runs, change to it otherwise; to be repeated to renew the backup timer."""

    def release(self) -> None:
        """Clear every control of ours: the cabinet's own plan rules."""

    def close(self) -> None:
        """Release and stop."""


@runtime_checkable
class TakesPlans(Protocol):
    """A driver of cabinets that take plans."""

    def request_plan(self, greens_s: Sequence[float], offset_s: float) -> None:
        """Run this plan from the end of the running cycle on; to be repeated to renew the backup timer.

        Parameters
        ----------
        greens_s : sequence of float
            By stage, in order: from its start to the begin of the change to the next. [s]
        offset_s : float
            Start of the first stage, seconds POSIX UTC modulo the cycle. [s]
        """


REQUEST = "request"  # value of an output to ``device/<name>``
RELEASE = "release"
PLAN = "plan"


class ControllerDevice:
    """A `SignalController` as the process shell polls it.

    Outputs to ``device/<name>`` carry tuples ``("request", stage_number)``, ``("plan", greens_s, offset_s)`` where the
    driver takes plans, and ``("release",)``.
    """

    def __init__(self, controller: SignalController) -> None:
        self.name = controller.name
        self._controller = controller
        self._sequence = 0

    def poll(self, now_ns: int) -> Sequence[Input]:
        reading = self._controller.read()
        self._sequence += 1
        return [Input(f"device/{self.name}", self.name, 0, self._sequence, reading.measured_at_ns, reading)]

    def send(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if output.value[0] == REQUEST:
                self._controller.request(output.value[1])
            elif output.value[0] == PLAN and isinstance(self._controller, TakesPlans):
                self._controller.request_plan(*output.value[1:])
            else:
                self._controller.release()

    def close(self) -> None:
        self._controller.close()
