"""Signal configurations of the district, from its net: links per group, lengths of crosswalks, distances per pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from shapely.geometry import LineString

from lukou_maps.signal_configuration import (
    CalendarEntry,
    Distances,
    Leg,
    Plan,
    SignalConfiguration,
    check,
    four_leg_configuration,
    load,
)
from lukou_sim.district import FOLDER, NET
from lukou_sim.district.layout import BICYCLE_WIDTH_M, DISTRICT, LANE_WIDTH_M, LEFT_OF, Layout
from lukou_sim.render.district_plan import read_net

_VEHICLE_BODY_M = 2.4
"""Width swept by a vehicle. [m]"""


def configuration_path(intersection: str) -> Path:
    """Where the committed configuration of an intersection stands."""
    return FOLDER / f"{intersection}.signal.json"


def load_configuration(intersection: str, plan: str = "") -> SignalConfiguration:
    """The committed configuration of an intersection; with a `plan`, that one rules at all times."""
    found = load(configuration_path(intersection))
    if not plan:
        return found
    return check(replace(found, calendar=(CalendarEntry((1, 2, 3, 4, 5, 6, 7), "00:00", plan),)))


class _Links:
    """Signalised connections of one intersection of the net."""

    def __init__(self, file: Path, name: str, plan: Layout) -> None:
        net = read_net(file)
        self._crossed = _crossed_edges(file)
        self.path: dict[int, LineString] = {}
        self.width: dict[int, float] = {}
        self.group: dict[int, str] = {}
        self._leg_of = {}
        for leg in plan.legs(name):
            here = plan.road(name, leg)
            self._leg_of[here.approach] = leg
            self._leg_of[here.exit] = leg
        for edge in net.getEdges():
            for lane in edge.getLanes():
                for connection in lane.getOutgoing():
                    if connection.getTLSID() == name:
                        self._add(net, connection)

    def _add(self, net: Any, connection: Any) -> None:
        index, edge, to = connection.getTLLinkIndex(), connection.getFrom(), connection.getTo()
        if to.getFunction() == "crossing":
            crossed = self._crossed[to.getID()]
            half = "near" if crossed.endswith("_approach") else "far"
            self.group[index] = f"{self._leg_of[crossed]}-pedestrian-{half}"
            lane = to.getLanes()[0]
            self.path[index], self.width[index] = LineString([p[:2] for p in lane.getShape()]), lane.getWidth()
            return
        points: list[Any] = []
        via = connection.getViaLaneID()
        while via:
            lane = net.getLane(via)
            points += [p[:2] for p in lane.getShape()]
            via = next((c.getViaLaneID() for c in lane.getOutgoing()), "")
        self.path[index] = LineString(points)
        is_bicycle = not connection.getFromLane().allows("passenger")
        self.width[index] = 1.0 if is_bicycle else _VEHICLE_BODY_M
        leg, turn = self._leg_of[edge.getID()], connection.getDirection()
        kind = "bicycle" if is_bicycle else "left" if turn == "l" else "right" if turn == "r" else "through"
        self.group[index] = f"{leg}-{kind}"

    def of(self, group: str) -> tuple[int, ...]:
        """Link indices of a group."""
        return tuple(sorted(index for index, name in self.group.items() if name == group))

    def length(self, group: str) -> float:
        """Length of a crosswalk's half, kerb to refuge. [m]"""
        return float(max(self.path[index].length for index in self.of(group)))

    def distances(self, first: str, second: str) -> Distances | None:
        """Farthest clearing and nearest entering distance over the paths of two groups; None if they do not meet."""
        clear, enter = -np.inf, np.inf
        for a in self.of(first):
            for b in self.of(second):
                area = self.path[a].buffer(self.width[a] / 2).intersection(self.path[b].buffer(self.width[b] / 2))
                if area.is_empty:
                    continue
                corners = [c for part in getattr(area, "geoms", [area]) for c in part.exterior.coords]
                along_a = [self.path[a].project(_point(c)) for c in corners]
                along_b = [self.path[b].project(_point(c)) for c in corners]
                clear, enter = max(clear, max(along_a)), min(enter, min(along_b))
        return None if clear == -np.inf else Distances(round(clear, 1), round(enter, 1))


@cache
def _crossed_edges(net: Path) -> dict[str, str]:
    """Edge that each crosswalk crosses, which sumolib does not tell."""
    edges = ElementTree.parse(net).getroot().iterfind("edge[@function='crossing']")
    return {edge.attrib["id"]: edge.attrib["crossingEdges"] for edge in edges}


def _point(corner: Sequence[float]) -> Any:
    from shapely.geometry import Point

    return Point(corner[0], corner[1])


def build(
    intersection: str,
    *,
    plans: Sequence[Plan] | None = None,
    calendar: Sequence[CalendarEntry] | None = None,
    net: Path = NET,
    plan: Layout = DISTRICT,
) -> SignalConfiguration:
    """Configuration of one intersection, with the builder's default plan or with given ones."""
    links = _Links(net, intersection, plan)
    there = plan.legs(intersection)
    legs: dict[str, Leg] = {
        leg: Leg(
            through=links.of(f"{leg}-through"),
            right=links.of(f"{leg}-right"),
            left=links.of(f"{leg}-left"),
            bicycle=links.of(f"{leg}-bicycle"),
            pedestrian_near=links.of(f"{leg}-pedestrian-near"),
            pedestrian_far=links.of(f"{leg}-pedestrian-far"),
            near_m=round((3 if LEFT_OF[leg] in there else 2) * LANE_WIDTH_M + BICYCLE_WIDTH_M, 1),
            far_m=round(2 * LANE_WIDTH_M + BICYCLE_WIDTH_M, 1),
        )
        for leg in there
    }
    kinds = ("through", "left", "bicycle", "pedestrian-near", "pedestrian-far")
    names = [f"{leg}-{kind}" for leg in there for kind in kinds]
    distances = {}
    for first in names:
        for second in names:
            walking = first.endswith(("near", "far"))  # their flashing green has cleared them
            found = None if first == second or walking else links.distances(first, second)
            if found is not None:
                distances[first, second] = found
    return four_leg_configuration(intersection, legs, distances=distances, plans=plans, calendar=calendar)
