"""Street plan around one intersection of a SUMO net."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import sumolib

from lukou_sim.render.camera import FloatArray
from lukou_sim.render.street import EXTENT_M, StreetPlan


@lru_cache(maxsize=2)
def read_net(path: Path) -> Any:
    """The net with its internal lanes, by sumolib."""
    return sumolib.net.readNet(str(path), withInternal=True, withPedestrianConnections=True)


def street_plan(path: Path, centre: tuple[float, float]) -> StreetPlan:
    """Plan of what lies within sight of a centre.

    Parameters
    ----------
    path : Path
        SUMO net.
    centre : (x, y)
        Middle of the plan in the map frame. [m]
    """
    net = read_net(path)
    plan = StreetPlan(centre)
    edges = [edge for edge in net.getEdges() if _near(edge, centre)]
    ordinary = [edge for edge in edges if edge.getFunction() == ""]
    for edge in edges:
        if edge.getFunction() == "walkingarea":
            plan.surfaces.append(("sidewalk", _line(edge.getLanes()[0].getShape())))
    for edge in ordinary:
        for lane in edge.getLanes():
            kind = _kind(lane)
            surface = {"walk": "sidewalk", "bicycle": "bicycle"}.get(kind, "asphalt")
            plan.strip(surface, _line(lane.getShape()), lane.getWidth() + 0.05)
            plan.paths.append((kind, _line(lane.getShape())))
    for node in net.getNodes():
        shape = _line(node.getShape())
        if len(shape) > 2 and np.hypot(*(shape.mean(axis=0) - np.array(centre))) < EXTENT_M:
            plan.surfaces.append(("asphalt", shape))
    for edge in edges:
        lane = edge.getLanes()[0]
        if edge.getFunction() == "walkingarea":
            plan.surfaces.append(("refuge", _line(lane.getShape())))
        elif edge.getFunction() == "crossing":
            plan.stripes(_line(lane.getShape()), lane.getWidth() * 0.85, 0.45, 0.55)
            plan.paths.append(("walk", _line(lane.getShape())))
        elif edge.getFunction() == "internal":
            plan.paths += [(_kind(each), _line(each.getShape())) for each in edge.getLanes()]
    for edge in ordinary:
        _mark(plan, edge)
    return plan


def _mark(plan: StreetPlan, edge: Any) -> None:
    """Lane lines between the lanes of an edge and, before a signal, its stop line."""
    lanes = edge.getLanes()
    signalised = edge.getToNode().getType() == "traffic_light"
    for right, left in pairwise(lanes[1:]):
        line = _line(right.getShape())
        towards = _line(left.getShape())[: len(line)] - line if len(left.getShape()) == len(line) else None
        if towards is None:
            continue
        share = right.getWidth() / (right.getWidth() + left.getWidth())
        border = line + towards * share
        solid = signalised or _kind(right) != _kind(left)
        plan.stripes(border, 0.15, 1e3 if solid else 4.0, 0.0 if solid else 6.0)
    if signalised:
        for lane in lanes[1:]:
            end, before = (np.array(point[:2]) for point in (lane.getShape()[-1], lane.getShape()[-2]))
            along = (end - before) / np.hypot(*(end - before))
            across = np.array([-along[1], along[0]]) * lane.getWidth() / 2
            middle = end - along * 0.3
            plan.markings.append(
                np.array(
                    [
                        middle - across - along * 0.2,
                        middle + across - along * 0.2,
                        middle + across + along * 0.2,
                        middle - across + along * 0.2,
                    ]
                )
            )


def _line(shape: Any) -> FloatArray:
    return np.array([point[:2] for point in shape], dtype=np.float64)


def _near(edge: Any, centre: tuple[float, float]) -> bool:
    x1, y1, x2, y2 = edge.getBoundingBox()
    reach = EXTENT_M + 5
    return bool(x2 > centre[0] - reach and x1 < centre[0] + reach and y2 > centre[1] - reach and y1 < centre[1] + reach)


def _kind(lane: Any) -> Any:
    if lane.allows("passenger"):
        return "vehicle"
    return "bicycle" if lane.allows("bicycle") else "walk"
