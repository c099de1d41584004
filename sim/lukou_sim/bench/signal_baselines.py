"""Textbook controllers to compare with, through the same guard: max-pressure (Varaiya 2013) and the longest queue."""

from __future__ import annotations

from typing import Literal

import libsumo
import numpy as np

from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration, configuration_hash
from lukou_messages.v1.command_pb2 import Command, StageRequest
from lukou_messages.v1.signal_pb2 import Authority, SignalState

Kind = Literal["max-pressure", "greedy"]
LEASE_S = 15.0


class Baseline:
    """Chooses, at every decision, the stage of greatest pressure, or with the most standing vehicles.

    Parameters
    ----------
    kind : {"max-pressure", "greedy"}
    road : RoadModel
        Tells which lane each link joins with which.
    """

    def __init__(self, kind: Kind, road: RoadModel) -> None:
        self._kind = kind
        self._links: dict[tuple[str, int], tuple[str, str]] = {}
        self._sequence = 0
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
        best = max(
            configuration.stages,
            key=lambda stage: (self._worth(name, configuration, stage.green), stage.name == signal.stage),
        )
        wanted = signal.stage if signal.in_transition else best.name
        self._sequence += 1
        return Command(
            command_id=f"{name[-40:]}/{self._sequence}", device=name, issuer="baseline", authority=Authority.AUTHORITY_ADAPTIVE,
            issued_at_ns=now_ns, expires_at_ns=now_ns + 2 * 10**9, lease_s=LEASE_S, fencing_epoch=1,
            command_sequence=self._sequence, configuration_hash=configuration_hash(configuration),
            configuration_version=configuration.version, guard_nonce=signal.guard_nonce, expected_stage=signal.stage,
            stage_request=StageRequest(stage=wanted),
        )  # fmt: skip

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


def make_baseline(kind: str, road: RoadModel) -> Baseline:
    """By name; ValueError for another one."""
    if kind == "max-pressure":
        return Baseline("max-pressure", road)
    if kind == "greedy":
        return Baseline("greedy", road)
    raise ValueError(f"{kind}: no such controller; lukou, plan, actuated, max-pressure or greedy")
