"""What the drivers that poll have in common: a thread of their own, and a request that dies with its caller."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

import structlog

from lukou_hw.signal_controller.capability import Capability
from lukou_hw.signal_controller.reading import ControllerReading

log = structlog.get_logger()

REQUEST_LIFE_S = 1.0  # a request not repeated within it is cleared: the watchdog of SAFETY invariant 16
RETRY_S = 0.5


class PollingController(ABC):
    """A `SignalController` whose thread talks to the cabinet; the caller never waits.

    Parameters
    ----------
    name : str
        Name of the device.
    capability : Capability
        Record of its kind.
    period_s : float
        Time between two polls. [s]
    now_ns : callable
        Clock for the stamps of readings, nanoseconds POSIX UTC.
    """

    def __init__(
        self, name: str, capability: Capability, period_s: float, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.name = name
        self.capability = capability
        self._period_s = period_s
        self._now_ns = now_ns
        self._reading = ControllerReading(name, 0, is_healthy=False, fault="not connected yet")
        self._request: tuple[int, float] | None = None
        self._wake = threading.Event()
        self._stopping = False
        self._was_healthy: bool | None = None
        self._thread = threading.Thread(target=self._run, name=f"{name}-driver", daemon=True)
        self._thread.start()

    def read(self) -> ControllerReading:
        """The last known state."""
        return self._reading

    def request(self, stage_number: int) -> None:
        """Show this stage; forgotten unless repeated within `REQUEST_LIFE_S`."""
        changed = self._request is None or self._request[0] != stage_number
        self._request = (stage_number, time.monotonic())
        if changed:
            self._wake.set()

    def release(self) -> None:
        """Clear every control of ours."""
        if self._request is not None:
            self._request = None
            self._wake.set()

    def close(self) -> None:
        """Release and stop."""
        self._request = None
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=3.0)

    def wanted(self) -> int:
        """Stage to ask of the cabinet now; 0: none."""
        request = self._request
        if request is None or time.monotonic() - request[1] > REQUEST_LIFE_S:
            return 0
        return request[0]

    @abstractmethod
    def connect(self) -> None:
        """Open the connection; raises OSError; whatever else it raises counts as a lost connection too."""

    @abstractmethod
    def exchange(self, wanted: int) -> ControllerReading:
        """One poll: tell what is wanted, read what is shown; raises OSError or ValueError."""

    @abstractmethod
    def disconnect(self) -> None:
        """Close the connection."""

    def _run(self) -> None:
        while not self._stopping:
            try:
                self.connect()
                while not self._stopping:
                    began = time.monotonic()
                    self._tell(self.exchange(self.wanted()))
                    self._wake.wait(max(0.0, self._period_s - (time.monotonic() - began)))
                    self._wake.clear()
                self.exchange(0)
            except Exception as error:  # whatever a library throws: a driver that stops for good would not be noticed
                text = str(error) if isinstance(error, (OSError, ValueError, RuntimeError)) else repr(error)
                text = (text or type(error).__name__)[:200]
                self._tell(replace(self._reading, is_healthy=False, is_controlled=False, fault=text))
                if not self._stopping:
                    self._wake.wait(RETRY_S)
                    self._wake.clear()
            finally:
                self._disconnect()

    def _tell(self, reading: ControllerReading) -> None:
        """Publish a reading; log when the controller has been lost or found, not every failure."""
        self._reading = reading
        if reading.is_healthy != self._was_healthy and not self._stopping:
            self._was_healthy = reading.is_healthy
            if reading.is_healthy:
                log.info("controller.found", device=self.name)
            else:
                log.warning("controller.lost", device=self.name, fault=reading.fault)

    def _disconnect(self) -> None:
        try:
            self.disconnect()
        except Exception as error:  # the next connection is made all the same
            log.warning("controller.disconnect_failed", device=self.name, error=repr(error)[:200])
