"""Textbook controllers to compare with, through the same guard.

Max-pressure (Varaiya 2013), the longest queue, and full actuation: stages in order, each until no served lane has been driven over
for a passage time, at most its plan's split and a quarter more; one that nobody calls is left out where the guard allows it, those
that people on foot begin to walk in are always called (NCHRP report 812, *Signal Timing Manual*, 2nd ed., ch. 6).
"""

from __future__ import annotations

import math
from typing import Literal

import libsumo
import numpy as np

from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import GroupType, SignalConfiguration, changes, configuration_hash, plan_at
from lukou_messages.v1.command_pb2 import Command, StageRequest
from lukou_messages.v1.signal_pb2 import Authority, SignalState

Kind = Literal["max-pressure", "greedy", "actuated"]
LEASE_S = 15.0
PASSAGE_S, ZONE_M = 3.0, 35.0
"""Gap that ends a green, and the detector's zone before the stop line. [s, m]"""
LONGEST_ON_SPLIT = 1.25
DRIVEN = (GroupType.VEHICLE, GroupType.ARROW)
"""Groups whose lanes lengthen a green: two-wheelers are in the zone for so long that no green would end before its maximum."""


class Baseline:
    """Chooses, at every decision, the stage of greatest pressure, or with the most standing vehicles.

    Parameters
    ----------
    kind : {"max-pressure", "greedy", "actuated"}
    road : RoadModel
        Tells which lane each link joins with which.
    commit_s : float or None
        Actuation too tells ends of green so long before; None: as the configuration demands. [s]
    """

    def __init__(self, kind: Kind, road: RoadModel, commit_s: float | None = None) -> None:
        self._kind = kind
        self._links: dict[tuple[str, int], tuple[str, str]] = {}
        self._sequence = 0
        self._driven_ns: dict[str, int] = {}
        self._commit_s = commit_s
        # by intersection and two stages: duration, to the first end, earliest [s]
        self._change_s: dict[tuple[str, str, str], tuple[float, float, float]] = {}
        self._told: dict[str, tuple[str, int, str]] = {}  # running stage, when it is ended, and what follows
        at, names = road.connections, road.lanes.names
        for k in np.flatnonzero(at.intersection >= 0):
            place = road.intersections[int(at.intersection[k])]
            self._links[place, int(at.link_index[k])] = names[at.from_lane[k]], names[at.to_lane[k]]

    def command(
        self, name: str, configuration: SignalConfiguration, signal: SignalState | None, now_ns: int
    ) -> Command | None:
        """The stage wanted now, as a command."""
        if signal is None or not signal.stage:
            return None
        if not (signal.HasField("stage_started_at_ns") or signal.HasField("lease_remaining_s")):
            return None  # the guard has not yet seen a stage begin
        wanted = signal.next_stage if signal.in_transition else self._wanted(name, configuration, signal, now_ns)
        self._sequence += 1
        return Command(
            command_id=f"{name[-40:]}/{self._sequence}", device=name, issuer="baseline", authority=Authority.AUTHORITY_ADAPTIVE,
            issued_at_ns=now_ns, expires_at_ns=now_ns + 2 * 10**9, lease_s=LEASE_S, fencing_epoch=1,
            command_sequence=self._sequence, configuration_hash=configuration_hash(configuration),
            configuration_version=configuration.version, guard_nonce=signal.guard_nonce, expected_stage=signal.stage,
            stage_request=StageRequest(stage=wanted),
        )  # fmt: skip

    def _wanted(self, name: str, configuration: SignalConfiguration, signal: SignalState, now_ns: int) -> str:
        if self._kind == "actuated":
            return self._actuated(name, configuration, signal, now_ns)
        return max(
            configuration.stages,
            key=lambda stage: (self._worth(name, configuration, stage.green), stage.name == signal.stage),
        ).name

    def _actuated(self, name: str, configuration: SignalConfiguration, signal: SignalState, now_ns: int) -> str:
        """The running stage, or the next one that is called when it gaps out or reaches its maximum."""
        stages = [stage.name for stage in configuration.stages]
        running = stages.index(signal.stage)
        following = self._called(name, configuration, signal)
        groups = configuration.group_by_name
        lanes = {
            self._links[name, link][0]
            for group in configuration.stages[running].green
            for link in groups[group].links
            if (name, link) in self._links and groups[group].type in DRIVEN
        }
        for lane in lanes:
            if self._is_occupied(lane):
                self._driven_ns[lane] = now_ns
        if self._told.get(name, ("", 0, ""))[0] != signal.stage:
            self._told.pop(name, None)
        elif now_ns < self._told[name][1]:
            return signal.stage
        else:
            told = self._told[name][2]
            return told if told in signal.allowed_stages else stages[(running + 1) % len(stages)]
        if following == signal.stage or not signal.HasField("stage_started_at_ns"):
            return signal.stage
        if (name, signal.stage, following) not in self._change_s:
            for (first, second), change in changes(configuration, 0.1).items():
                driven = [e.steady_ends for each, e in change.endings.items() if not _walks(configuration, each)]
                ends = min(driven, default=change.duration)
                self._change_s[name, first, second] = change.duration / 10, ends / 10, change.earliest / 10
        duration_s, first_s, least_s = self._change_s[name, signal.stage, following]
        commit_s = configuration.limits.commit_s if self._commit_s is None else self._commit_s
        lead_s = math.ceil(max(0.0, commit_s - first_s))
        elapsed_s = (now_ns - signal.stage_started_at_ns) / 1e9
        if following not in signal.allowed_stages and (not lead_s or elapsed_s + lead_s < least_s):
            return signal.stage
        longest_s = LONGEST_ON_SPLIT * dict(plan_at(configuration, now_ns).splits_s)[signal.stage] - duration_s
        has_gap = all(now_ns - self._driven_ns.get(lane, 0) >= PASSAGE_S * 1e9 for lane in lanes)
        if elapsed_s + lead_s < longest_s and not has_gap:
            return signal.stage
        if lead_s:
            self._told[name] = signal.stage, now_ns + lead_s * 10**9, following
            return signal.stage
        return following

    def _called(self, name: str, configuration: SignalConfiguration, signal: SignalState) -> str:
        """The next stage in order that somebody calls, as far as the order lets others be left out."""
        stages, groups = configuration.stages, configuration.group_by_name
        running = [stage.name for stage in stages].index(signal.stage)
        limits, farthest = configuration.limits, stages[(running + 1) % len(stages)].name
        for k in range(1, len(stages)):
            stage, is_new_round = stages[(running + k) % len(stages)], running + k >= len(stages)
            if limits.fixed_order and k - 1 > (limits.skips_per_cycle if is_new_round else signal.skips_left):
                break
            farthest = stage.name
            new = set(stage.green) - set(stages[running].green)
            walks = any(groups[group].type is GroupType.PEDESTRIAN for group in new)
            lanes = {self._links[name, i][0] for g in new for i in groups[g].links if (name, i) in self._links}
            if walks or any(self._is_occupied(lane) for lane in lanes):
                break
        return farthest

    def _is_occupied(self, lane: str) -> bool:
        length = libsumo.lane.getLength(lane)
        return any(
            length - libsumo.vehicle.getLanePosition(vehicle) <= ZONE_M
            for vehicle in libsumo.lane.getLastStepVehicleIDs(lane)
        )

    def _worth(self, name: str, configuration: SignalConfiguration, green: tuple[str, ...]) -> float:
        groups = configuration.group_by_name
        links = [
            self._links[name, link] for group in green for link in groups[group].links if (name, link) in self._links
        ]
        if self._kind == "greedy":
            return float(sum(libsumo.lane.getLastStepHaltingNumber(lane) for lane in {origin for origin, _ in links}))
        pressure = 0
        for origin, to in set(links):
            pressure += libsumo.lane.getLastStepVehicleNumber(origin) - libsumo.lane.getLastStepVehicleNumber(to)
        return float(pressure)


def make_baseline(kind: str, road: RoadModel, commit_s: float | None = None) -> Baseline:
    """By name; ValueError for another one."""
    if kind == "max-pressure":
        return Baseline("max-pressure", road)
    if kind == "greedy":
        return Baseline("greedy", road)
    if kind == "actuated":
        return Baseline("actuated", road, commit_s)
    raise ValueError(f"{kind}: no such controller; lukou, plan, actuated, max-pressure or greedy")


def _walks(configuration: SignalConfiguration, group: str) -> bool:
    return configuration.group_by_name[group].type is GroupType.PEDESTRIAN
