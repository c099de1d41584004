"""Traffic state of one intersection: what the region publishes and the archive keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from lukou_cloud.region.approaches import Approaches
from lukou_cloud.region.situation import Situation
from lukou_cloud.region.travel import STANDING_MPS
from lukou_messages.objects import ObjectList
from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_messages.v1.traffic_pb2 import LaneTraffic, TrafficState, ViewLevel

PEDESTRIAN = int(ObjectClass.OBJECT_CLASS_PEDESTRIAN)

LOST_S = 3.0
"""Who is on no lane of the approaches for so long has left, or is lost. [s]"""

NEAR_LINE_M = 10.0
"""Who was last seen no farther than this, and a second and a half of driving, from the stop line has passed it. [m]"""


@dataclass(slots=True)
class _Trip:
    """One vehicle on the approaches: when and where first and last seen, how often it stopped."""

    since_s: float
    to_stop_m: float
    limit_mps: float
    stops: int = 0
    is_standing: bool = False
    last_s: float = 0.0
    last_to_stop_m: float = 0.0
    last_mps: float = 0.0

    def has_passed(self) -> bool:
        """Whether the last that was seen of it lets it have passed the line; else it was lost on its way."""
        return self.last_to_stop_m <= NEAR_LINE_M + 1.5 * self.last_mps

    def delay_s(self) -> float:
        """Delay until the stop line, which it reached after it was last seen. [s]"""
        passed_s = self.last_s + self.last_to_stop_m / max(self.last_mps, 0.5 * self.limit_mps, 1.0)
        return max(0.0, passed_s - self.since_s - self.to_stop_m / max(self.limit_mps, 1.0))


@dataclass(slots=True)
class TrafficMeter:
    """Measures delay, stops and queues of one intersection from object lists.

    Delay of a vehicle is the time from first sight to the stop line minus the same distance at the speed limit. Who vanishes farther from the
    line was lost, and has not left: whoever sees badly counts few vehicles, not many.
    """

    approaches: Approaches
    lane_index: dict[str, int]
    trips: dict[int, _Trip] = field(default_factory=dict)
    left: int = 0
    delay_s: float = 0.0
    stops: int = 0
    state: TrafficState = field(default_factory=TrafficState)

    def update(
        self,
        now_s: float,
        objects: ObjectList,
        situation: Situation,
        rates: list[float],
        departures: list[int],
        decision: str,
        interval_s: float,
        view: int = ViewLevel.VIEW_LEVEL_FULL,
    ) -> TrafficState:
        """The state of the interval that ends now."""
        numbers = {lane: k for k, lane in enumerate(self.approaches.lanes)}
        lanes = [numbers.get(self.lane_index.get(name, -1), -1) for name in objects.lane_names]
        vehicles: list[list[tuple[float, float]]] = [[] for _ in self.approaches.lanes]
        present: dict[int, _Trip] = {}
        speed = np.hypot(objects.velocity_x_mps, objects.velocity_y_mps)
        number_of = np.array([*lanes, -1])[np.minimum(objects.lane, len(lanes))]
        here = (number_of >= 0) & (objects.object_class != PEDESTRIAN)
        columns = (objects.id, number_of, objects.lane_s_m, speed)
        for identity, number, s, v in zip(*(column[here].tolist() for column in columns), strict=True):
            to_stop = max(0.0, float(self.approaches.length_m[number]) - s)
            vehicles[number].append((to_stop, v))
            trip = self.trips.get(identity) or _Trip(now_s, to_stop, float(self.approaches.speed_mps[number]))
            if v < STANDING_MPS and not trip.is_standing:
                trip.stops += 1
            trip.is_standing = v < STANDING_MPS
            trip.last_s, trip.last_to_stop_m, trip.last_mps = now_s, to_stop, v
            present[identity] = trip
        self._finish(now_s, present)
        state = TrafficState(
            intersection=self.approaches.intersection,
            interval_s=interval_s,
            lanes=[self._lane(k, vehicles[k], rates[k], departures[k]) for k in range(len(vehicles))],
            view=view,  # type: ignore[arg-type]
            decision=decision,
            pedestrians_waiting=situation.pedestrians,
            longest_wait_s=float(situation.waited_s.max(initial=0.0)),
        )
        self.count_into(state)
        return state

    def count_into(self, state: TrafficState) -> None:
        """Tell who has left since the interval began."""
        state.vehicles_left = self.left
        if self.left:
            state.delay_s = self.delay_s / self.left
            state.stops_per_vehicle = self.stops / self.left

    def reset(self) -> None:
        """Begin a new interval."""
        self.left, self.delay_s, self.stops = 0, 0.0, 0

    def _finish(self, now_s: float, present: dict[int, _Trip]) -> None:
        for identity, trip in self.trips.items():
            if identity in present:
                continue
            if now_s - trip.last_s < LOST_S:
                present[identity] = trip
            elif trip.has_passed():
                self.left += 1
                self.stops += trip.stops
                self.delay_s += trip.delay_s()
        self.trips = present

    def _lane(self, number: int, vehicles: list[tuple[float, float]], rate: float, departures: int) -> LaneTraffic:
        standing = [to_stop for to_stop, v in vehicles if v < STANDING_MPS]
        lane = LaneTraffic(
            lane=self.approaches.names[number],
            vehicles=len(vehicles),
            queue=len(standing),
            queue_m=max(standing, default=0.0),
            arrival_rate_vph=rate * 3600,
            departures=departures,
        )
        if vehicles and math.isfinite(mean := sum(v for _, v in vehicles) / len(vehicles)):
            lane.mean_speed_mps = mean
        return lane
