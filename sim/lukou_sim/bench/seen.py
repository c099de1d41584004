"""What a region is shown in ``lukou bench signals``: visible road users as one object list, and the turns that vehicles tell."""

from __future__ import annotations

import math
import random

import libsumo
import numpy as np

from lukou_maps.road_model import RoadModel
from lukou_messages.columns import MAX_OBJECTS, NOT_ONE
from lukou_messages.objects import ObjectList
from lukou_messages.process import VALID, Input
from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_messages.v1.vehicle_pb2 import TurnIntention, VehicleReport
from lukou_sim.bench.scenario_folder import turns_at_signals
from lukou_sim.bench.unsure import Sight, UnsureSight

CAR, WALKER = int(ObjectClass.OBJECT_CLASS_CAR), int(ObjectClass.OBJECT_CLASS_PEDESTRIAN)
KINDS = {
    "bus": int(ObjectClass.OBJECT_CLASS_BUS),
    "truck": int(ObjectClass.OBJECT_CLASS_TRUCK),
    "bicycle": int(ObjectClass.OBJECT_CLASS_BICYCLE),
}


class View:
    """Of one run.

    Parameters
    ----------
    road : RoadModel
    penetration : float
        Share of road users that are visible, each for its whole trip or not at all.
    sight : Sight, optional
        How unsure the list is; exact if not given.
    range_m : float
        How far before stop lines it reaches. [m]
    seed : int
        Equal seeds see the same.
    with_people : bool
        Whether who walks is seen.
    """

    def __init__(
        self, road: RoadModel, penetration: float, sight: Sight | None, range_m: float, seed: int, with_people: bool
    ) -> None:
        self._road, self._penetration, self._sight, self._with_people = road, penetration, sight, with_people
        self._random = random.Random(seed)
        self._visible: dict[str, bool] = {}
        self._numbers: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self._turns = turns_at_signals(road)
        self._unsure = UnsureSight(road, sight, range_m, seed) if sight else None

    def told(self, now_ns: int) -> list[Input]:
        """Everybody visible at an instant in ns, and the turns that vehicles tell."""
        vehicle, index = libsumo.vehicle, self._road.lanes.index
        rows: list[tuple[int, int, int, float, float, float, float]] = []  # identity, class, lane, s, speed, x, y
        reports, headings = [], {}  # of who walks; who drives follows its lane
        for name in vehicle.getIDList():
            if not self._is_visible(name):
                continue
            lane = index.get(vehicle.getLaneID(name), -1)
            if lane < 0:
                continue
            number = self._numbers[name]
            rows.append(
                (number, self._kind(name), lane, vehicle.getLanePosition(name), vehicle.getSpeed(name), 0.0, 0.0)
            )
            turn = self._turn(name)
            if turn:
                reports.append(VehicleReport(temporary_id=number, intention=TurnIntention.Name(turn)))
        for name in libsumo.person.getIDList() if self._with_people else ():
            if self._is_visible(name):
                x, y = libsumo.person.getPosition(name)
                rows.append((self._numbers[name], WALKER, -1, 0.0, libsumo.person.getSpeed(name), x, y))
                headings[self._numbers[name]] = math.radians(90.0 - libsumo.person.getAngle(name))
        table = np.array(rows, float).reshape(-1, 7)
        if self._unsure is not None:
            table = self._unsure.told(table)
        table = table[:MAX_OBJECTS]
        heading = np.array([headings.get(int(number), 0.0) for number in table[:, 0]])
        held, lane_of = np.unique(table[:, 2], return_inverse=True)
        first = int(len(held) > 0 and held[0] < 0)
        names = [self._road.lanes.names[int(k)] for k in held[first:]]
        objects = ObjectList.of(
            len(table), lane_names=names, id=table[:, 0].astype(np.int64), object_class=table[:, 1].astype(np.int64),
            x_m=table[:, 5], y_m=table[:, 6],
            velocity_x_mps=table[:, 4] * np.cos(heading), velocity_y_mps=table[:, 4] * np.sin(heading),
            lane=np.where(table[:, 2] < 0, NOT_ONE, lane_of - first).astype(np.uint32), lane_s_m=table[:, 3],
            **({} if self._sight is None else self._sight.told_variances(len(table))),
        )  # fmt: skip
        told = [Input("vehicle", "vehicles", 1, k, now_ns, report, VALID) for k, report in enumerate(reports)]
        return [Input("fused_objects", "bench", 1, 1, now_ns, objects, VALID), *told]

    def _kind(self, name: str) -> int:
        """Class of a vehicle."""
        type_name = libsumo.vehicle.getTypeID(name)
        if type_name not in self._kinds:
            self._kinds[type_name] = KINDS.get(libsumo.vehicletype.getVehicleClass(type_name), CAR)
        return self._kinds[type_name]

    def _is_visible(self, name: str) -> bool:
        if name not in self._visible:
            self._visible[name] = self._random.random() < self._penetration
            self._numbers[name] = len(self._numbers) + 1
        return self._visible[name]

    def _turn(self, name: str) -> int:
        """Turn at the next signal on its way."""
        route = libsumo.vehicle.getRoute(name)
        at = libsumo.vehicle.getRouteIndex(name)
        for k in range(max(0, at), min(at + 4, len(route) - 1)):
            turn = self._turns.get((route[k], route[k + 1]))
            if turn is not None:
                return turn
        return 0
