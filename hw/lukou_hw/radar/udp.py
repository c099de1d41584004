"""Driver ``radar.udp``: sweeps as UDP datagrams (`lukou_hw.radar.datagram`). Bad datagrams are refused and counted."""

from __future__ import annotations

import socket
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace

from lukou_hw.radar.datagram import DatagramError, decode
from lukou_messages.process import Input, Output

MOST_PER_POLL = 64
"""Datagrams read per call, so that a flood cannot hold the process."""
SILENT_S = 1.0
"""Time without a good sweep after which the radar counts as silent. [s]"""
FARTHEST_S = 2.0
"""Largest difference between a sweep's time and ours: one forged time may not make every later sweep an old one. [s]"""
MANY_REFUSED, MANY_WITHIN_S = 10, 10.0
"""So many refused datagrams within so many seconds are a fault, not an accident."""


class UdpRadar:
    """A radar that sends datagrams.

    Parameters
    ----------
    name : str
        Name of the radar.
    port : int
        UDP port to listen on; 0: any free one, see `port`.
    host : str
        Address to listen on.
    sensor : int, optional
        Number that the datagrams must carry; any by default.
    sender : str, optional
        Address that they must come from; any by default.
    """

    def __init__(
        self, name: str, port: int, host: str = "127.0.0.1", sensor: int | None = None, sender: str | None = None
    ) -> None:
        self.name = name
        self._sensor, self._sender = sensor, sender
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, port))
        self.port: int = self._socket.getsockname()[1]
        self.wake = self._socket
        self.refused: Counter[str] = Counter()
        self.lost = 0
        self._last_sequence: int | None = None
        self._last_ns = self._heard_ns = self._polled_ns = self._epoch = self._sequence = 0
        self._refusals: deque[tuple[int, str]] = deque(maxlen=MANY_REFUSED)

    def poll(self, now_ns: int) -> Sequence[Input]:
        """Sweeps that have come, in order of arrival; repeated and older ones are refused."""
        self._epoch = self._epoch or now_ns
        self._heard_ns = min(self._heard_ns or now_ns, now_ns)
        self._polled_ns = now_ns
        readings = []
        for _ in range(MOST_PER_POLL):
            try:
                data, (sender, _) = self._socket.recvfrom(65536)
            except BlockingIOError:
                break
            try:
                if self._sender is not None and sender != self._sender:
                    raise DatagramError("sender", sender)
                readings.append(self._take(data, now_ns))
            except DatagramError as error:
                self.refused[error.reason] += 1
                self._refusals.append((now_ns, error.reason))
        return readings

    def faults(self) -> list[str]:
        """Words for the health report: silence, and datagrams that are refused again and again."""
        found = []
        silent_s = (self._polled_ns - self._heard_ns) / 1e9
        if silent_s > SILENT_S:
            found.append(f"{self.name}: no sweep for {silent_s:.0f} s")
        recent = [reason for at_ns, reason in self._refusals if abs(self._polled_ns - at_ns) <= MANY_WITHIN_S * 1e9]
        if len(recent) >= MANY_REFUSED:
            found.append(f"{self.name}: datagrams are refused ({', '.join(sorted(set(recent)))})")
        return found

    def _take(self, data: bytes, now_ns: int) -> Input:
        datagram = decode(data, self.name)
        if self._sensor is not None and datagram.sensor != self._sensor:
            raise DatagramError("sensor", f"number {datagram.sensor}; expected {self._sensor}")
        scan = datagram.scan
        farthest_ns = round(FARTHEST_S * 1e9)
        if abs(scan.measured_at_ns - now_ns) > farthest_ns:
            raise DatagramError("clock", f"more than {FARTHEST_S} s from our own clock")
        if self._last_ns > now_ns + farthest_ns:  # our own clock has been set back
            self._last_ns = 0
        if scan.measured_at_ns <= self._last_ns:
            raise DatagramError("replayed", "not newer than the last sweep")
        if self._last_sequence is not None:
            gap = (scan.sequence - self._last_sequence) & 0xFFFFFFFF
            self.lost += gap - 1 if 0 < gap < 1000 else 0
        self._last_sequence, self._last_ns, self._heard_ns = scan.sequence, scan.measured_at_ns, now_ns
        self._sequence += 1
        scan = replace(scan, refused=self.refused.total(), lost=self.lost)
        return Input(f"device/{self.name}", self.name, self._epoch, self._sequence, scan.measured_at_ns, scan)

    def send(self, outputs: Sequence[Output]) -> None:
        """Ignored."""

    def close(self) -> None:
        """Release the port."""
        self._socket.close()


def open_radar(
    name: str, port: int, host: str = "127.0.0.1", sensor: int | None = None, sender: str | None = None
) -> UdpRadar:
    """Entry point of the driver."""
    return UdpRadar(name, port, host, sensor, sender)
