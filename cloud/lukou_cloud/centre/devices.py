"""What the centre's shell polls: the archive with its record intake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import zmq

from lukou_cloud.centre.archive import Archive
from lukou_cloud.centre.settings import ArchiveSettings
from lukou_messages.codec import encode
from lukou_messages.process import Input, Output
from lukou_messages.records import RecordIntake
from lukou_messages.security import Authenticator, KeyPair, Register
from lukou_messages.shell import make_header
from lukou_messages.transport.interface import Packet


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
        inputs = []
        for topic, value in self.archive.take_fresh():
            self._sequence += 1
            inputs.append(Input("device/archive", self.name, 0, self._sequence, now_ns, (topic, value)))
        return inputs

    def send(self, outputs: Sequence[Output]) -> None:
        packets = []
        for output in outputs:
            self._own["event"] += 1
            plain = Output("event", output.value, output.measured_at_ns)
            header = make_header("city/centre", self._epoch or 1, self._own["event"], plain, output.measured_at_ns)
            packets.append(Packet("event", encode("event", header, output.value), "city/centre"))
        self.archive.store(packets)

    def faults(self) -> list[str]:
        """For health."""
        failed = self._intake.counts["store_failed"] if self._context is not None else 0
        return [f"the archive could not write {failed} times: look at the disk"] if failed else []

    def close(self) -> None:
        if self._context is not None:
            self._intake.close()
            self._zap.close()
            self._context.destroy(linger=0)
        self.archive.close()
