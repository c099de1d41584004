"""What carries the world's readings to other processes: radar datagrams, scans of other sites, cabinets."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import zmq

from lukou_hw.radar.datagram import encode as encode_datagram
from lukou_hw.radar.reading import RadarScan
from lukou_messages.clock import SystemClock
from lukou_messages.codec import encode
from lukou_messages.headers import make_header
from lukou_messages.objects import DetectionList
from lukou_messages.process import Input, Output
from lukou_messages.transport.sockets import BroadcastSocket
from lukou_messages.v1.header_pb2 import TimeSource


class _Silent:
    """A device that only gives."""

    name: str

    def poll(self, now_ns: int) -> Sequence[Input]:
        """Nothing."""
        return []

    def send(self, outputs: Sequence[Output]) -> None:
        """Ignored."""


class RadarFeed(_Silent):
    """Sends sweeps as UDP datagrams.

    Parameters
    ----------
    name : str
        Name of the device.
    host : str
        Where the radars' datagrams go.
    ports : dict of str to int
        UDP port by radar.
    """

    def __init__(self, name: str, host: str, ports: dict[str, int]) -> None:
        self.name = name
        self._to = {radar: (number, (host, port)) for number, (radar, port) in enumerate(sorted(ports.items()), 1)}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.unsent = 0

    def offer(self, scan: RadarScan) -> None:
        """Send one sweep; sensors are numbered from 1 in the order of their names."""
        if scan.radar not in self._to:
            return
        number, address = self._to[scan.radar]
        try:
            self._socket.sendto(encode_datagram(scan, number), address)
        except OSError:
            self.unsent += 1

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()


SENSORS_LATENCY_S = {"k2": 0.02, "k3": 0.045, "k4": 0.095}
"""From a scan to its sending: sensors that detect by themselves need some tens of milliseconds, and those of
different intersections never speak in chorus. [s]"""


class DetectionFeed(_Silent):
    """Publishes the scans of one site as source ``<site>/sensors``, in a thread of its own, when sensors would have them ready.

    Parameters
    ----------
    site : str
        The site.
    endpoint : str
        ipc address to bind.
    epoch : int
        Start of this life, nanoseconds POSIX UTC.
    """

    def __init__(self, site: str, endpoint: str, epoch: int) -> None:
        self.name = f"sensors-{site}"
        self._source, self._epoch, self._sequence = f"{site}/sensors", epoch, 0
        self._latency_s = SENSORS_LATENCY_S.get(site, 0.0)
        self._clock = SystemClock()
        context: Any = zmq.Context.instance()
        self._socket = BroadcastSocket(context, endpoint, None)  # from here on the thread's
        self._waiting: queue.Queue[tuple[DetectionList, int, float] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._send, name=self.name, daemon=True)
        self._thread.start()

    def offer(self, scan: DetectionList, measured_ns: int) -> None:
        """Publish one scan when it is ready."""
        self._waiting.put((scan, measured_ns, time.monotonic() + self._latency_s))

    def _send(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            scan, measured_ns, ready_s = waiting
            time.sleep(max(0.0, ready_s - time.monotonic()))
            self._sequence += 1
            output = Output("detections", scan, measured_ns)
            source = TimeSource.TIME_SOURCE_SIMULATION
            header = make_header(self._source, self._epoch, self._sequence, output, self._clock.now_ns(), source, 0)
            self._socket.send("detections", encode("detections", header, scan))

    def close(self) -> None:
        """Send what waits, then release the socket."""
        self._waiting.put(None)
        self._thread.join(1.0)
        self._socket.socket.close(0)


class CabinetServers(_Silent):
    """Holds the servers of the cabinets, which run in threads of their own.

    Parameters
    ----------
    servers : sequence
        Of `lukou_sim.cabinet`.
    """

    def __init__(self, servers: Sequence[Any]) -> None:
        self.name = "cabinets"
        self._servers = servers

    def close(self) -> None:
        """Stop serving."""
        for server in self._servers:
            server.close()


class Ending(_Silent):
    """Ends the simulation with the process and writes what came of it.

    Parameters
    ----------
    finish : callable
        Ends the world and gives the figures.
    file : Path, optional
        Where to write them as JSON.
    """

    def __init__(self, finish: Callable[[], dict[str, Any]], file: Path | None) -> None:
        self.name = "ending"
        self._finish, self._file = finish, file

    def close(self) -> None:
        """End."""
        figures = self._finish()
        if self._file is not None:
            self._file.write_text(json.dumps(figures) + "\n")
