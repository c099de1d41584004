"""The shell of every process: decode, step, encode, publish; written once.

The loop waits for packets and devices, calls the core when its trigger says so, stamps and sends what the core gives, and
once a second tells its health. An unexpected exception ends the process: its supervisor starts it again, and starting
is the one path of recovery.
"""

from __future__ import annotations

import gc
import json
import os
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import structlog
from pydantic import BaseModel, ConfigDict, Field

from lukou_messages.admission import Admission
from lukou_messages.clock import Clock
from lukou_messages.codec import encode
from lukou_messages.headers import make_header
from lukou_messages.health import HealthReport
from lukou_messages.process import Core, Device, Input, Output, ProcessSpec
from lukou_messages.scheduling import answer_first, answer_like_others, give_way
from lukou_messages.security import Register
from lukou_messages.transport.interface import Transport
from lukou_messages.v1 import health_pb2
from lukou_messages.v1.header_pb2 import Header, TimeSource

log = structlog.get_logger()

HEALTH_PERIOD_NS = 10**9
AFTER_TICK_NS = 40_000_000
"""What a process does once a second (health, snapshot) lies so long after a tenth of a second, which one by the process's name: at the
tenths sensors measure, and all the processes of a box at once would hold each other up. [ns]"""
LONGEST_WAIT_S = 0.05

MOST_FIRST_CORES, MOST_GREEDY_S = 0.5 * (os.cpu_count() or 1), 3
"""A process that goes before all others and computes more than half of what the machine can for some seconds leaves them too little: it goes with the
others from then on."""

SNAPSHOT_PERIOD_NS = 5 * 10**9
"""A recording gets the core's state this often, so that a lost message spoils no more than this."""


class RunSettings(BaseModel):
    """How a process runs; section ``[run.<process>]`` of the site file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    snapshot_file: Path | None = Field(None, description="Where the core's state is kept each second, for restarts")
    epoch_file: Path | None = Field(
        None, description="Where the start of the last life is kept, so that a new one is later whatever the clock does"
    )
    measure_file: Path | None = Field(None, description="Where times of every step are written, for benchmarks")
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Port of the Prometheus metrics; none by default"
    )
    real_time_priority: int | None = Field(
        None,
        ge=1,
        le=50,
        description="Round-robin priority before all that is not real-time, where the system allows it (CAP_SYS_NICE, RLIMIT_RTPRIO); "
        "for processes that answer within milliseconds and rest in between; none: shares the cores like others",
    )
    health_at_ms: int | None = Field(
        None,
        ge=0,
        lt=1000,
        description="When within each second health is told and the snapshot written [ms]; none: 40 ms after a tenth, by the process's name",
    )
    niceness: int = Field(
        0,
        ge=0,
        le=19,
        description="Gives way to other processes once it has loaded: for what computes for long beside what answers at once. Where Linux shares cores between sessions first (autogroup), a process needs a session of its own for that",
    )
    time_source: str = Field("NTP", description="Where the clock gets its time: GNSS, PTP, NTP, LOCAL, SIMULATION")
    time_uncertainty_us: int = Field(1000, ge=0, description="Standard uncertainty of the clock [us]")


class Metrics(Protocol):
    """What the shell reports to a metrics system."""

    def step(self, seconds: float) -> None: ...
    def health(self, health: health_pb2.Health) -> None: ...


class Shell:
    """Runs one core.

    Parameters
    ----------
    spec : ProcessSpec
    core : Core
    devices : sequence of Device
    identity : str
        Source name on all messages.
    clock : Clock
    transport : Transport
    settings : RunSettings
    register : Register, optional
        Rights of the devices that send to this process.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        core: Core,
        devices: Sequence[Device],
        *,
        identity: str,
        clock: Clock,
        transport: Transport,
        settings: RunSettings | None = None,
        register: Register | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.spec, self.core, self.devices = spec, core, list(devices)
        self.identity, self.clock, self.transport = identity, clock, transport
        self.settings = settings or RunSettings()
        self.admission = Admission(spec.takes, register)
        self.epoch = self._new_epoch()
        self.steps = 0
        self.sequences: Counter[str] = Counter()
        self._metrics = metrics
        self._time_source = f"TIME_SOURCE_{self.settings.time_source}"
        TimeSource.Value(self._time_source)  # an unknown one ends the process here, not with its first message
        self._pending: list[Input] = []
        self._received_ns: list[int] = []
        self._health = HealthReport(spec, core, self.devices, transport, self.admission, self.epoch)
        self._next_tick_ns = self._tick_after(self.epoch)
        self._next_health_ns = self.epoch
        self._phase_ns = zlib.crc32(identity.encode()) % 10 * 100_000_000 + AFTER_TICK_NS
        if self.settings.health_at_ms is not None:
            self._phase_ns = self.settings.health_at_ms * 1_000_000
        self.faults: list[str] = []
        self._is_first, self._greedy_s = False, 0.0
        self._snapshot_due = False
        self._next_snapshot_ns = 0
        self._measure: IO[str] | None = None
        if self.settings.measure_file is not None:
            self.settings.measure_file.parent.mkdir(parents=True, exist_ok=True)
            self._measure = self.settings.measure_file.open("a", buffering=1 << 16)

    def _new_epoch(self) -> int:
        """Start of this life: now, and in any case after the last life, though the clock may have stepped back."""
        now_ns = self.clock.now_ns()
        path = self.settings.epoch_file
        if path is None:
            return now_ns
        try:
            last = int(path.read_text())
        except (OSError, ValueError):
            last = 0
        epoch = max(now_ns, last + 1)
        write_atomically(path, str(epoch).encode())
        return epoch

    # --- the loop ---------------------------------------------------------------------------------------------------

    def run(self, is_stopping: Any) -> None:
        """Turn until ``is_stopping()``; then say goodbye."""
        self.restore()
        for device in self.devices:
            wake = getattr(device, "wake", None)
            watch = getattr(self.transport, "watch", None)
            if wake is not None and watch is not None:
                watch(wake)
        if self.settings.niceness:  # first: it takes real-time priority back
            refused = give_way(self.settings.niceness)
            if refused:
                log.info("niceness.refused", process=self.identity, error=refused)
        if self.settings.real_time_priority is not None:
            refused = answer_first(self.settings.real_time_priority)
            self._is_first = not refused
            if refused:
                log.info("real_time.refused", process=self.identity, error=refused, remedy="allow it RLIMIT_RTPRIO")
        gc.collect()
        gc.freeze()  # maps and tables live as long as the process: the collector need not walk them in the middle of a step
        while not is_stopping():
            wait_ns = min(self._next_tick_ns, self._next_health_ns) - self.clock.now_ns()
            self.turn(min(max(wait_ns / 1e9, 0.0), LONGEST_WAIT_S))
        self._tell_health(self.clock.now_ns(), stopping=True)
        self.close()

    def turn(self, timeout_s: float = 0.0) -> bool:
        """Take what has come, step if triggered, publish; True where a step was made."""
        packets = self.transport.receive(timeout_s)
        now_ns = self.clock.now_ns()
        if packets:
            admitted = self.admission.admit(packets, now_ns)
            self._pending += admitted
            self._received_ns += [now_ns] * len(admitted)
        for device in self.devices:
            readings = device.poll(now_ns)
            self._pending += readings
            self._received_ns += [now_ns] * len(readings)
        is_tick, is_called = self._is_tick(now_ns), self._is_called()
        if is_tick or is_called:
            self._step(now_ns)
        if is_tick and is_called and self.spec.trigger.is_apart:
            self._step(self.clock.now_ns())
        if now_ns >= self._next_health_ns:
            self._each_second(now_ns)
        return is_tick or is_called

    def _is_tick(self, now_ns: int) -> bool:
        if self.spec.trigger.period_s is None or now_ns < self._next_tick_ns:
            return False
        self._next_tick_ns = self._tick_after(now_ns)
        return True

    def _is_called(self) -> bool:
        on = self.spec.trigger.on
        return bool(on) and any(
            one.topic in on or (one.topic.startswith("device/") and "device/*" in on) for one in self._pending
        )

    def _tick_after(self, now_ns: int) -> int:
        if self.spec.trigger.period_s is None:
            return 1 << 62
        period_ns, after_ns = round(self.spec.trigger.period_s * 1e9), round(self.spec.trigger.after_s * 1e9)
        return ((now_ns - after_ns) // period_ns + 1) * period_ns + after_ns

    def _step(self, now_ns: int) -> None:
        inputs, received = self._pending, self._received_ns
        self._pending, self._received_ns = [], []
        recorded = self.transport.is_recorded()
        if self.transport.new_recorders() or (recorded and now_ns >= self._next_snapshot_ns):
            self._snapshot_due = True
            self._next_snapshot_ns = now_ns + SNAPSHOT_PERIOD_NS
        snapshot = self.core.snapshot() if recorded and self._snapshot_due else b""
        sequences = dict(self.sequences) if snapshot else {}
        began = time.perf_counter()
        outputs = self.core.step(now_ns, inputs)
        seconds = time.perf_counter() - began
        sent_at_ns = self.clock.now_ns()
        self.steps += 1
        self.publish(outputs, sent_at_ns)
        self._health.took(seconds)
        if self._metrics is not None:
            self._metrics.step(seconds)
        if recorded:
            self._journal(now_ns, sent_at_ns, inputs, snapshot, sequences)
            self._snapshot_due = False
        if self._measure is not None:
            self._write_measure(inputs, received, outputs, now_ns)

    def publish(self, outputs: Sequence[Output], sent_at_ns: int) -> None:
        """Stamp and send outputs; those of devices go to their device."""
        for_devices = [output for output in outputs if output.topic.startswith("device/")]
        for device in self.devices:
            mine = [output for output in for_devices if output.topic == f"device/{device.name}"]
            if mine:
                device.send(mine)
        for output in outputs:
            if output.topic.startswith("device/"):
                continue
            self.sequences[output.topic] += 1
            header = self._header(output, sent_at_ns)
            payload = encode(output.topic, header, output.value)
            self.transport.send(output.topic, payload, output.to)
            self.transport.record(output.topic, payload)

    def _header(self, output: Output, sent_at_ns: int) -> Header:
        return make_header(
            self.identity,
            self.epoch,
            self.sequences[output.topic],
            output,
            sent_at_ns,
            self._time_source,
            self.settings.time_uncertainty_us,
        )

    # --- beside the steps -------------------------------------------------------------------------------------------

    def _journal(
        self, now_ns: int, sent_at_ns: int, inputs: list[Input], snapshot: bytes, sequences: dict[str, int]
    ) -> None:
        entry = health_pb2.StepJournal(
            process=self.spec.name,
            step=self.steps,
            now_ns=now_ns,
            sent_at_ns=sent_at_ns,
            inputs=[
                health_pb2.MessageKey(topic=one.topic, source=one.source, epoch=one.epoch, sequence=one.sequence)
                for one in inputs
                if not one.topic.startswith("device/")
            ],
            snapshot=snapshot,
            sequences=sequences,
            has_device_inputs=any(one.topic.startswith("device/") for one in inputs),
        )
        self.sequences["journal"] += 1
        header = self._header(Output("journal", entry, now_ns), sent_at_ns)
        self.transport.record("journal", encode("journal", header, entry))

    def _write_measure(self, inputs: list[Input], received: list[int], outputs: Sequence[Output], now_ns: int) -> None:
        assert self._measure is not None
        line = {
            "now": now_ns,
            "done": self.clock.now_ns(),
            "in": [
                [one.topic, one.source, one.epoch, one.sequence, at]
                for one, at in zip(inputs, received, strict=True)
                if one.topic == "objects"
            ],
            "out": [[one.topic, self.epoch, self.sequences[one.topic], list(one.used)] for one in outputs if one.used],
        }
        if line["in"] or line["out"]:
            self._measure.write(json.dumps(line) + "\n")

    def _each_second(self, now_ns: int) -> None:
        self._next_health_ns = ((now_ns - self._phase_ns) // HEALTH_PERIOD_NS + 1) * HEALTH_PERIOD_NS + self._phase_ns
        self._tell_health(now_ns)
        refresh = getattr(self.transport, "refresh_rights", None)
        if refresh is not None:
            try:
                if refresh():
                    log.info("register.changed", process=self.identity)
            except Exception as error:
                log.warning("register.unreadable", error=str(error))
        if self.settings.snapshot_file is not None and self.steps:
            write_atomically(self.settings.snapshot_file, self.core.snapshot())
        if self._measure is not None:
            self._measure.flush()

    def _tell_health(self, now_ns: int, stopping: bool = False) -> None:
        health = self._health.make(now_ns, self.steps, self.faults, stopping)
        self._give_up_priority(health.cpu_cores, self._health.span_s)
        if self._metrics is not None:
            self._metrics.health(health)
        self.publish([Output("health", health, now_ns)], now_ns)

    def _give_up_priority(self, cpu_cores: float, span_s: float) -> None:
        """Go with the others from now on, if this process has left them too little for some seconds; starting does not count."""
        is_greedy = cpu_cores > MOST_FIRST_CORES and self.steps > 0
        self._greedy_s = self._greedy_s + span_s if is_greedy else 0.0
        if self._is_first and self._greedy_s >= MOST_GREEDY_S:
            answer_like_others()
            self._is_first = False
            self.faults = [
                f"computed {cpu_cores:.1f} s of every second: runs without real-time priority until it is started again"
            ]
            log.warning("real_time.given_up", process=self.identity, cpu_cores=round(cpu_cores, 2))

    def restore(self) -> None:
        """Continue from the snapshot file where there is one; an unreadable one is set aside and said."""
        path = self.settings.snapshot_file
        if path is None or not path.exists():
            return
        try:
            self.core.restore(path.read_bytes())
            log.info("snapshot.restored", process=self.identity, file=str(path))
        except Exception as error:
            path.rename(path.with_suffix(".bad"))
            log.error("snapshot.unusable", process=self.identity, file=str(path), error=repr(error)[:200])

    def close(self) -> None:
        """Release devices and transport."""
        for device in self.devices:
            device.close()
        if self._measure is not None:
            self._measure.close()
        self.transport.close()


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file so that a reader or a crash sees the old or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)
