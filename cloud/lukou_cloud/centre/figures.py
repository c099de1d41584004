"""Indicators of the city over the last minutes."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from lukou_messages.v1.traffic_pb2 import TrafficState
from lukou_messages.v1.warning_pb2 import WarningLevel, WarningPhase

WINDOW_S = 300.0


class Figures:
    """Delay, stops, waits, throughput and warnings; delays weighted by the vehicles that they concern."""

    def __init__(self) -> None:
        self._traffic: dict[str, tuple[int, TrafficState]] = {}
        self._log: deque[tuple[int, int, float, float]] = deque(maxlen=10_000)
        self._records: Counter[str] = Counter()
        self._warnings: Counter[str] = Counter()
        self._objects = 0

    def add_objects(self, count: int) -> None:
        """Number of road users in the newest list."""
        self._objects = count

    def add_traffic(self, at_ns: int, state: TrafficState) -> None:
        """The newest state of one intersection."""
        self._traffic[state.intersection] = (at_ns, state)

    def add_record(self, topic: str, value: Any) -> None:
        """A record that has been archived."""
        self._records[topic] += 1
        if topic == "traffic_log" and value.vehicles_left:
            left = int(value.vehicles_left)
            at_ns = value.header.measured_at_ns
            self._log.append((at_ns, left, left * float(value.delay_s), left * float(value.stops_per_vehicle)))
        elif topic == "warning_log" and value.phase == WarningPhase.WARNING_PHASE_RAISED:
            imminent = value.level == WarningLevel.WARNING_LEVEL_IMMINENT
            self._warnings["imminent" if imminent else "informative"] += 1

    def summary(self, now_ns: int) -> dict[str, Any]:
        """Plain values for page and API; None where nothing was measured."""
        recent = [row for row in self._log if now_ns - row[0] <= WINDOW_S * 1e9]
        left = sum(row[1] for row in recent)
        states = [state for at_ns, state in self._traffic.values() if now_ns - at_ns < 5e9]
        return {
            "window_s": WINDOW_S,
            "road_users": self._objects,
            "delay_s": round(sum(row[2] for row in recent) / left, 1) if left else None,
            "stops_per_vehicle": round(sum(row[3] for row in recent) / left, 2) if left else None,
            "vehicles_served": left,
            "longest_wait_s": round(max((s.longest_wait_s for s in states), default=0.0)) if states else None,
            "pedestrians_waiting": sum(s.pedestrians_waiting for s in states) if states else None,
            "queue": sum(lane.queue for s in states for lane in s.lanes) if states else None,
            "warnings_imminent": self._warnings["imminent"],
            "warnings_informative": self._warnings["informative"],
            "decisions": {s.intersection: s.decision for s in states},
            "archived": dict(self._records),
        }
