"""What the centre's shell polls: the archive with its record intake."""

from __future__ import annotations

import sqlite3
from collections import Counter, deque
from collections.abc import Sequence

import structlog
import zmq

from lukou_cloud.centre.archive import Archive
from lukou_cloud.centre.settings import ArchiveSettings
from lukou_messages.codec import encode
from lukou_messages.errors import SettingsError
from lukou_messages.headers import make_header
from lukou_messages.process import Input, Output
from lukou_messages.records import RecordIntake
from lukou_messages.security import Authenticator, KeyPair, Register
from lukou_messages.transport.interface import Packet

log = structlog.get_logger()


class ArchiveDevice:
    """Takes records from the network and from the centre itself; tells the core what is new.

    Readings are pairs (topic, value); outputs to ``device/archive`` are events of the centre.
    """

    name = "archive"

    def __init__(self, settings: ArchiveSettings, archive: Archive) -> None:
        self.archive = archive
        self._sequence = 0
        self._epoch = 0
        self._own: Counter[str] = Counter()
        self._waiting: deque[Packet] = deque(maxlen=10_000)
        self._refresh_ns = 0
        self._is_failing = False
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._register: Register | None = None
        if settings.endpoint is not None and settings.secret_key is not None:
            self._context = zmq.Context()
            self._register = Register.load(settings.register_file) if settings.register_file else Register()
            self._zap = Authenticator(self._context, self._register)
            keys = KeyPair.load(settings.secret_key)
            self._intake = RecordIntake(self._context, settings.endpoint, keys, self._register, archive.store)

    def poll(self, now_ns: int) -> Sequence[Input]:
        if self._epoch == 0:
            self._epoch = now_ns
        if self._register is not None and now_ns >= self._refresh_ns:
            self._refresh_ns = now_ns + 10**9
            try:
                self._register.refresh()
            except SettingsError as error:
                log.warning("register.unreadable", error=str(error))
        if self._waiting:
            self._keep()
        inputs = []
        for topic, value in self.archive.take_fresh():
            self._sequence += 1
            inputs.append(Input("device/archive", self.name, 0, self._sequence, now_ns, (topic, value)))
        return inputs

    def send(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            self._own["event"] += 1
            plain = Output("event", output.value, output.measured_at_ns)
            header = make_header("city/centre", self._epoch or 1, self._own["event"], plain, output.measured_at_ns)
            self._waiting.append(Packet("event", encode("event", header, output.value), "city/centre"))
        self._keep()

    def _keep(self) -> None:
        """Store the centre's own events; without a disk they wait in memory, and the page goes on."""
        try:
            self.archive.store(list(self._waiting))
            self._waiting.clear()
            self._is_failing = False
        except sqlite3.Error as error:
            if not self._is_failing:
                log.error("archive.unwritable", error=str(error))
            self._is_failing = True

    def faults(self) -> list[str]:
        """For health."""
        if self._is_failing:
            return [f"the archive cannot be written: {len(self._waiting)} events of the centre wait; look at the disk"]
        return []

    def close(self) -> None:
        if self._context is not None:
            self._intake.close()
            self._zap.close()
            self._context.destroy(linger=0)
        self.archive.close()
