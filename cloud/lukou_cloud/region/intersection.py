"""What the region keeps of one intersection: its model, what was heard from it, what was decided for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.actuation import Actuation
from lukou_cloud.region.approaches import Approaches, compile_approaches
from lukou_cloud.region.plans import Plans, plans_of
from lukou_cloud.region.queues import QueueEstimator
from lukou_cloud.region.room import ExitRoom
from lukou_cloud.region.settings import TimingSettings
from lukou_cloud.region.timing import Timing
from lukou_cloud.region.traffic import TrafficMeter, _Trip
from lukou_cloud.region.view import View
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration, configuration_hash
from lukou_messages.v1.signal_pb2 import SignalState
from lukou_messages.v1.traffic_pb2 import ViewLevel


@dataclass(slots=True)
class Intersection:
    """One intersection."""

    configuration: SignalConfiguration
    approaches: Approaches
    timing: Timing
    queues: QueueEstimator
    meter: TrafficMeter
    view: View
    hash: str
    middle_m: tuple[float, float]  # of its stop lines
    actuation: Actuation
    plans: Plans
    sequence: int = 0
    signal: SignalState | None = None
    signal_ns: int = 0
    decision: str = ""
    last_departures: list[int] = field(default_factory=list)
    level: int = ViewLevel.VIEW_LEVEL_UNSPECIFIED
    refused: str = ""
    changes: int = 0
    stage: int = -1  # running stage; the last one while changing
    left_ns: dict[int, int] = field(default_factory=dict)  # when each stage was seen to run last
    told: tuple[int, int, int] | None = None  # running stage, the one that follows, and when it is ended: not moved
    following: int = -1  # stage to be ordered as soon as the guard allows it; -1: none

    def follow(self) -> int:
        """Note the running stage; -1 during a change or if the stage is not known."""
        stages, signal = self.approaches.stages, self.signal
        if signal is None or signal.in_transition or signal.stage not in stages:
            return -1
        stage = stages.index(signal.stage)
        self.left_ns[stage] = self.signal_ns
        self.stage = stage
        return stage

    def changing(self, now_ns: int) -> tuple[int, int, float] | None:
        """During a change: the stage that ends, the one that follows, and since when [s]."""
        stages, signal = self.approaches.stages, self.signal
        if (
            signal is None
            or not signal.in_transition
            or signal.next_stage not in stages
            or self.stage not in self.left_ns
        ):
            return None
        return self.stage, stages.index(signal.next_stage), (now_ns - self.left_ns[self.stage]) / 1e9

    def red_s(self, now_ns: int) -> NDArray[np.float64]:
        """Since the last end of each stage; inf where it is not known. [s]"""
        stages = range(len(self.approaches.stages))
        return np.array([(now_ns - self.left_ns[k]) / 1e9 if k in self.left_ns else np.inf for k in stages])

    def export(self) -> dict[str, Any]:
        """For a snapshot."""
        return {
            "sequence": self.sequence,
            "signal": self.signal.SerializeToString(deterministic=True).hex() if self.signal else None,
            "signal_ns": self.signal_ns,
            "decision": self.decision,
            "last_departures": self.last_departures,
            "level": int(self.level),
            "refused": self.refused,
            "changes": self.changes,
            "stage": [self.stage, self.following],
            "left_ns": list(self.left_ns.items()),
            "told": self.told,
            "plan": [self.timing.planned_ns, self.timing.outflow, self.timing.lineup.shares.tolist()],
            "queues": self.queues.export(),
            "trips": [[identity, asdict(trip)] for identity, trip in self.meter.trips.items()],
            "calls": self.actuation.state(),
            "plans": self.plans.state(),
            "meter": [self.meter.left, self.meter.delay_s, self.meter.stops],
        }

    def load(self, kept: dict[str, Any]) -> None:
        """From a snapshot."""
        self.sequence, self.signal_ns, self.decision = kept["sequence"], kept["signal_ns"], kept["decision"]
        self.signal = SignalState.FromString(bytes.fromhex(kept["signal"])) if kept["signal"] else None
        self.last_departures, self.level = kept["last_departures"], kept["level"]
        self.refused, self.changes = kept["refused"], kept["changes"]
        self.stage, self.following = kept["stage"]
        self.left_ns = {int(k): int(at) for k, at in kept["left_ns"]}
        self.told = tuple(kept["told"]) if kept["told"] is not None else None
        self.timing.planned_ns, outflow, shares = kept["plan"]
        self.timing.outflow = [(float(at_s), int(lane)) for at_s, lane in outflow]
        self.timing.lineup.shares = np.array(shares)
        self.queues.load(kept["queues"])
        self.actuation.restore(kept["calls"])
        self.plans.restore(kept["plans"])
        self.meter.trips = {int(identity): _Trip(**trip) for identity, trip in kept["trips"]}
        self.meter.left, self.meter.delay_s, self.meter.stops = kept["meter"]


def intersection_of(road: RoadModel, configuration: SignalConfiguration, settings: TimingSettings) -> Intersection:
    """An intersection of which nothing is known yet."""
    approaches = compile_approaches(road, configuration)
    index = dict(road.lanes.index)
    ends = np.array(
        [
            [
                [road.lanes.x_m[p], road.lanes.y_m[p]]
                for p in (road.lanes.points(c).start, road.lanes.points(c).stop - 1)
            ]
            for c in approaches.crossings
        ]
    ).reshape(-1, 2, 2)
    queues = QueueEstimator(approaches, index, ends, settings)
    chooser = Timing(road, configuration, approaches, settings)
    queues.inside_lanes = {lane: chooser.ways.movements[k].lane for lane, k in chooser.ways.inner.items()}
    queues.change_share = chooser.change_share
    queues.exits = ExitRoom(road, chooser.ways.exits)
    queues.entries = frozenset(
        k for k in (*approaches.lanes, *approaches.upstream) if not len(road.lanes.predecessors[k])
    )
    return Intersection(
        configuration,
        approaches,
        chooser,
        queues,
        TrafficMeter(approaches, index),
        View(road, approaches, settings.view_m),
        configuration_hash(configuration),
        _middle_m(road, approaches),
        Actuation(configuration, chooser.junction),
        plans_of(configuration, approaches, chooser.weights, settings),
        last_departures=[0] * len(approaches.lanes),
    )


def _middle_m(road: RoadModel, approaches: Approaches) -> tuple[float, float]:
    last = [road.lanes.points(lane).stop - 1 for lane in approaches.lanes]
    return (float(road.lanes.x_m[last].mean()), float(road.lanes.y_m[last].mean())) if last else (0.0, 0.0)
