"""Driver for cabinets that speak GB/T 20999-2017 over TCP. Entry point ``signal_controller.gbt20999``."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lukou_hw.signal_controller import gbt20999_frame as wire
from lukou_hw.signal_controller.capability import GBT20999
from lukou_hw.signal_controller.gbt20999_frame import Frame, FrameBuffer, Item
from lukou_hw.signal_controller.polling import PollingController
from lukou_hw.signal_controller.reading import Condition, ControllerReading

TIMEOUT_S = 0.8
RENEWAL_S = 1.0  # the stage order is repeated: it feeds the cabinet's backup timer
FOREIGN_S = 3.0  # a centre stage that is not ours counts as foreign after this time
_READ = (wire.STAGE, wire.LAMPS, wire.CONDITION, wire.DEMANDS, wire.LAMP_FAULTS, wire.CENTRE_STAGE)


class Gbt20999Controller(PollingController):
    """One cabinet.

    Parameters
    ----------
    name : str
        Name of the device.
    address, port
        Where the cabinet listens.
    centre, controller, junction : int
        Identities in the frames.
    period_s : float
        Time between two polls. [s]
    now_ns : callable
        Clock for the stamps of readings.
    """

    def __init__(
        self,
        name: str,
        address: str,
        port: int,
        centre: int = 1,
        controller: int = 1,
        junction: int = 1,
        period_s: float = 0.1,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._where = (address, port)
        self._identity = (centre, controller, junction)
        self._socket: socket.socket | None = None
        self._buffer = FrameBuffer()
        self._refused = 0
        self._sequence = 0
        self._asked = 0
        self._asked_at = 0.0
        self._foreign_since: float | None = None
        super().__init__(name, GBT20999, period_s, now_ns)

    def connect(self) -> None:
        self._socket = socket.create_connection(self._where, TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._refused += self._buffer.refused
        self._buffer = FrameBuffer()
        self._asked_at = 0.0
        if self._asked == 0:
            self._set_stage(0)  # clear what an earlier life of ours may have left (SAFETY invariant 13)

    def disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def exchange(self, wanted: int) -> ControllerReading:
        due = time.monotonic() - self._asked_at > RENEWAL_S
        if wanted != self._asked or (wanted and due):
            self._set_stage(wanted)
        answer = self._ask(Frame(wire.QUERY, tuple(Item(key) for key in _READ)), wire.QUERY_REPLY)
        return self._reading_of({item.key: item.data for item in answer.items})

    def _set_stage(self, wanted: int) -> None:
        self._ask(Frame(wire.SET, (Item(wire.CENTRE_STAGE, bytes((wanted,))),)), wire.SET_REPLY)
        self._asked, self._asked_at = wanted, time.monotonic()

    def _ask(self, frame: Frame, reply: int) -> Frame:
        """Send and wait for the answer of the same sequence; anything else is passed over."""
        assert self._socket is not None
        self._sequence = (self._sequence + 1) & 0xFF
        centre, controller, junction = self._identity
        self._socket.sendall(wire.encode(Frame(frame.type, frame.items, self._sequence, centre, controller, junction)))
        deadline = time.monotonic() + TIMEOUT_S
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            data = self._socket.recv(4096)
            if not data:
                raise ConnectionError("the cabinet closed the connection")
            for answer in self._buffer.feed(data):
                if answer.sequence != self._sequence:
                    continue
                if answer.type == reply:
                    return answer
                if answer.type in (wire.QUERY_ERROR, wire.SET_ERROR):
                    raise ValueError(f"the cabinet refused a frame of type {frame.type:02x}")
        raise TimeoutError(f"the cabinet did not answer within {TIMEOUT_S} s")

    def _reading_of(self, data: Mapping[tuple[int, int, int, int], bytes]) -> ControllerReading:
        condition = data.get(wire.CONDITION, b"")[:1] or b"\0"
        if condition[0] > 2:
            raise ValueError(f"unknown condition {condition[0]}")
        centre_stage = (data.get(wire.CENTRE_STAGE, b"")[:1] or b"\0")[0]
        return ControllerReading(
            self.name,
            self._now_ns(),
            colours=tuple(wire.COLOUR_OF_WIRE.get(byte, 0) for byte in data.get(wire.LAMPS, b"")),
            condition=Condition(condition[0]),
            stage_number=(data.get(wire.STAGE, b"")[:1] or b"\0")[0],
            demands=tuple(data.get(wire.DEMANDS, b"")),
            lamp_faults=tuple(data.get(wire.LAMP_FAULTS, b"")),
            is_controlled=bool(self._asked) and centre_stage == self._asked,
            is_foreign=self._is_foreign(centre_stage),
            refused=self._refused + self._buffer.refused,
        )

    def _is_foreign(self, centre_stage: int) -> bool:
        """A stage is ordered that is not ours, for longer than our own clearing takes."""
        if centre_stage in (0, self._asked):
            self._foreign_since = None
            return False
        now = time.monotonic()
        self._foreign_since = self._foreign_since if self._foreign_since is not None else now
        return now - self._foreign_since > FOREIGN_S


def open_controller(
    name: str, stages: Mapping[int, Sequence[int]], address: str, port: int, **options: Any
) -> Gbt20999Controller:
    """Factory of the entry point; `stages` (number -> channels) is not needed by stage cabinets."""
    return Gbt20999Controller(name, address, port, **options)
