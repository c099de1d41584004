"""Health: what every process tells of itself once a second."""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lukou_messages.admission import Admission
from lukou_messages.process import Core, Device, ProcessSpec
from lukou_messages.topics import TOPICS
from lukou_messages.transport.interface import Transport
from lukou_messages.v1 import health_pb2


class HealthReport:
    """What a process tells of itself once a second: how long steps take, what it costs, how old its inputs are, what it refused.

    Parameters
    ----------
    spec, core, devices, transport, admission
        Of the process.
    epoch : int
        When it began, nanoseconds POSIX UTC.

    Attributes
    ----------
    span_s : float
        What the last report covers. [s]
    """

    def __init__(
        self,
        spec: ProcessSpec,
        core: Core,
        devices: Sequence[Device],
        transport: Transport,
        admission: Admission,
        epoch: int,
    ) -> None:
        self._spec, self._core, self._devices = spec, core, devices
        self._transport, self._admission, self._epoch = transport, admission, epoch
        self._step_seconds: deque[float] = deque(maxlen=200)
        self._cpu = time.process_time()
        self._wall = time.monotonic()
        self.span_s = 0.0

    def took(self, seconds: float) -> None:
        """Note how long a step took."""
        self._step_seconds.append(seconds)

    def make(self, now_ns: int, steps: int, own_faults: Sequence[str], stopping: bool) -> health_pb2.Health:
        """The message, of the time since the last one; `steps` is the number of all steps."""
        cpu, wall = time.process_time(), time.monotonic()
        self.span_s = max(wall - self._wall, 1e-3)
        cores = (cpu - self._cpu) / self.span_s
        self._cpu, self._wall = cpu, wall
        took_ms = np.array(self._step_seconds) * 1e3 if self._step_seconds else np.zeros(1)
        self._step_seconds.clear()
        inputs = [
            health_pb2.InputHealth(
                name=topic,
                source=source,
                age_s=max(0.0, age),
                received=received,
                missed=missed,
                is_stale=0 < TOPICS[topic].max_age_s < age,
            )
            for topic, source, age, received, missed in self._admission.ages(now_ns)
        ]
        faults = list(getattr(self._core, "faults", list)()) if hasattr(self._core, "faults") else []
        faults += [*own_faults, *getattr(self._transport, "faults", list)()]
        for device in self._devices:
            faults += list(getattr(device, "faults", list)())
        refused = Counter(self._admission.refused)
        refused.update({reason: count for reason, count in self._transport.counters().items() if count})
        figures = Counter(self._core.figures() if hasattr(self._core, "figures") else {})
        for device in self._devices:
            figures.update(getattr(device, "figures", dict)())  # figures of one name are added up
        return health_pb2.Health(
            process=self._spec.name,
            state=_state(steps, inputs, faults, stopping),
            uptime_s=max(0.0, (now_ns - self._epoch) / 1e9),
            steps=steps,
            step_p50_ms=float(np.percentile(took_ms, 50)),
            step_p95_ms=float(np.percentile(took_ms, 95)),
            cpu_cores=cores,
            memory_mb=resident_mb(),
            inputs=inputs,
            faults=[str(fault)[:300] for fault in faults[:50]],
            refused={reason[:60]: count for reason, count in refused.items()},
            figures={name: float(value) for name, value in figures.items()},
        )


def _state(steps: int, inputs: list[health_pb2.InputHealth], faults: list[str], stopping: bool) -> Any:
    if stopping:
        return health_pb2.HEALTH_STATE_STOPPING
    if steps == 0:
        return health_pb2.HEALTH_STATE_STARTING
    if faults or any(one.is_stale for one in inputs):
        return health_pb2.HEALTH_STATE_DEGRADED
    return health_pb2.HEALTH_STATE_GOOD


def resident_mb() -> float:
    """Resident memory of this process, megabytes (10^6 bytes)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
