"""Driver for a cabinet in the same process: lockstep and tests. Entry point ``signal_controller.direct``."""

from __future__ import annotations

from collections.abc import Sequence

from lukou_hw.signal_controller.capability import DIRECT, Capability
from lukou_hw.signal_controller.reading import Condition, ControllerReading
from lukou_messages.v1.header_pb2 import TimeSource
from lukou_sim.cabinet.core import Cabinet


class DirectController:
    """A `SignalController` on a `Cabinet`.

    Parameters
    ----------
    cabinet : Cabinet
        Stepped by someone else.
    name : str
        Name of the device.
    """

    capability: Capability = DIRECT

    def __init__(self, cabinet: Cabinet, name: str = "controller") -> None:
        self.name = name
        self.cabinet = cabinet

    def read(self) -> ControllerReading:
        with self.cabinet.lock:
            return reading_of(self.cabinet, self.name)

    def request(self, stage_number: int) -> None:
        self.cabinet.request(stage_number)

    def request_plan(self, greens_s: Sequence[float], offset_s: float) -> None:
        self.cabinet.request_plan(greens_s, offset_s)

    def release(self) -> None:
        self.cabinet.release()

    def close(self) -> None:
        self.release()


def reading_of(cabinet: Cabinet, name: str) -> ControllerReading:
    """What a cabinet shows now."""
    faults, by_name = cabinet.faults, cabinet.configuration.group_by_name
    condition = Condition.FLASHING if faults.is_flashing else Condition.MANUAL if faults.is_manual else Condition.NORMAL
    return ControllerReading(
        name,
        cabinet.now_ns,
        TimeSource.TIME_SOURCE_SIMULATION,
        colours=cabinet.channels(),
        condition=condition,
        stage_number=0 if cabinet.next_stage_number else cabinet.stage_number,
        demands=tuple(sorted(by_name[group].channel for group in cabinet.demands)),
        lamp_faults=tuple(sorted(by_name[group].channel for group in faults.lamps_out)),
        is_controlled=cabinet.is_controlled,
    )


def open_direct(name: str, cabinet: Cabinet, stages: object = None) -> DirectController:
    """Factory of the entry point ``signal_controller.direct``."""
    return DirectController(cabinet, name)
