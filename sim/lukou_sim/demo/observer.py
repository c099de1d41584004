"""Watches a running demo from its taps and measures it against the simulation's truth."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from lukou_messages.codec import decode
from lukou_messages.errors import LukouError
from lukou_messages.objects import ObjectList, TruthList
from lukou_messages.topics import TOPICS
from lukou_messages.transport.sockets import SubscriptionSocket
from lukou_messages.v1 import health_pb2
from lukou_messages.v1.warning_pb2 import WarningLevel, WarningPhase
from lukou_sim.bench_perception import PerceptionScore
from lukou_sim.demo.sites import CAMERA_SITE
from lukou_sim.demo.warnings import WarningScore

WANTED = ("objects", "truth", "fused_objects", "warning_log", "health")
TRUTH_KEPT = 40
OTHERS_EVERY = 5
"""Of the sites without cameras one list in so many is judged: the watching must not disturb what it watches."""

LIST_DELAY_S = 0.6
"""A list is judged so long after it came, when the truth around it is there."""


@dataclass(slots=True)
class Observer:
    """Subscribes to taps and keeps scores.

    Attributes
    ----------
    centres : dict
        Centre of each site's junction in the map frame. [m]
    """

    taps: Path
    centres: dict[str, tuple[float, float]]
    scores: dict[str, PerceptionScore] = field(default_factory=dict)
    warnings: WarningScore = field(default_factory=lambda: WarningScore())
    health: dict[str, health_pb2.Health] = field(default_factory=dict)
    heard_at: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    first_picture_at: float | None = None
    _context: Any = None
    _sockets: dict[Path, SubscriptionSocket] = field(default_factory=dict)
    _truths: deque[tuple[int, TruthList]] = field(default_factory=lambda: deque(maxlen=TRUTH_KEPT))
    _waiting: deque[tuple[str, int, ObjectList]] = field(default_factory=lambda: deque(maxlen=200))

    def turn(self) -> None:
        """Take what has come since the last turn, without waiting."""
        if self._context is None:
            self._context = zmq.Context()
        for path in self.taps.glob("*.tap"):
            if path not in self._sockets:
                self._sockets[path] = SubscriptionSocket(self._context, f"ipc://{path}", WANTED, None, None)
        for socket in self._sockets.values():
            for packet in socket.drain():
                try:
                    decoded = decode(packet.topic, packet.payload)
                except LukouError:
                    self.counts["undecodable"] = self.counts.get("undecodable", 0) + 1
                    continue
                self._take(packet.topic, decoded.header, decoded.value)
        self._judge()

    def _take(self, topic: str, header: Any, value: Any) -> None:
        assert topic in TOPICS
        self.counts[topic] = self.counts.get(topic, 0) + 1
        if topic == "health":
            self.health[header.source] = value
            self.heard_at[header.source] = time.monotonic()
        elif topic == "truth":
            self._truths.append((header.measured_at_ns, value))
            self.warnings.add_truth(header.measured_at_ns, value)
        elif topic == "objects":
            if self.first_picture_at is None and len(value):
                self.first_picture_at = time.monotonic()
            site = header.source.split("/")[0]
            if site == CAMERA_SITE or header.sequence % OTHERS_EVERY == 0:
                self._waiting.append((site, header.measured_at_ns, value))
        elif topic == "fused_objects":
            self.warnings.add_objects(header.measured_at_ns, value)
        elif topic == "warning_log" and value.level == WarningLevel.WARNING_LEVEL_IMMINENT:
            if value.phase == WarningPhase.WARNING_PHASE_RAISED:
                self.warnings.add_warning(header.measured_at_ns, value)
            elif value.phase == WarningPhase.WARNING_PHASE_CANCELLED:
                self.warnings.end_warning(header.measured_at_ns, value)

    def _judge(self) -> None:
        while self._waiting and self._truths and self._truths[-1][0] - self._waiting[0][1] > LIST_DELAY_S * 1e9:
            site, at_ns, objects = self._waiting.popleft()
            if site in self.centres:
                score = self.scores.setdefault(site, PerceptionScore(*self.centres[site]))
                score.add(at_ns, objects, list(self._truths))

    def figure(self, source: str, name: str) -> float | None:
        """A figure that a process tells in its health; None where it does not."""
        health = self.health.get(source)
        if health is None or name not in health.figures:
            return None
        value = float(health.figures[name])
        return value if math.isfinite(value) else None

    def close(self) -> None:
        """Release the sockets."""
        if self._context is not None:
            self._context.destroy(linger=0)
