"""What crosswalks show to people on foot, live by signal groups and on recordings by links."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from lukou_cloud.edge.lights import OF_COLOUR, OF_LETTER, Light
from lukou_cloud.edge.road_users import Ints
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration
from lukou_maps.sumo import intersection_name
from lukou_messages.v1.signal_pb2 import SignalState


class WalkLights:
    """Turns SPaT into one `Light` per crosswalk.

    Parameters
    ----------
    model : RoadModel
        The map.
    configurations : iterable of SignalConfiguration
        Configurations of the intersections.
    """

    def __init__(self, model: RoadModel, configurations: Iterable[SignalConfiguration]) -> None:
        self._count = len(model.crosswalks)
        self._rows = {
            (one.intersection, group.name): rows
            for one in configurations
            for group in one.groups
            if len(rows := _crosswalks(model, one.intersection, group.links))
        }

    def of_states(self, states: Mapping[str, SignalState]) -> Ints:
        """`Light` of each crosswalk; UNKNOWN where nothing valid is told, or there is no signal."""
        shown = np.full(self._count, int(Light.UNKNOWN))
        for name, state in states.items():
            for group in state.groups:
                rows = self._rows.get((name, group.group))
                if rows is not None:
                    shown[rows] = int(OF_COLOUR.get(group.colour, Light.UNKNOWN))
        return shown


class RecordedWalks:
    """The same from a file ``t,tls,state`` of changes.

    Parameters
    ----------
    model : RoadModel
        The map.
    path : Path or None
        The file; none: nothing is known.
    """

    def __init__(self, model: RoadModel, path: Path | None) -> None:
        self._count = len(model.crosswalks)
        self._changes: dict[str, tuple[list[float], list[str]]] = {}
        if path is not None:
            with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
                for row in csv.DictReader(stream):
                    times, states = self._changes.setdefault(intersection_name(row["tls"]), ([], []))
                    times.append(float(row["t"]))
                    states.append(row["state"])
        self._rows = {
            name: [(link, rows) for link in range(len(states[0])) if len(rows := _crosswalks(model, name, (link,)))]
            for name, (_, states) in self._changes.items()
        }

    def at(self, t: float) -> Ints:
        """`Light` of each crosswalk at an instant."""
        shown = np.full(self._count, int(Light.UNKNOWN))
        for name, (times, states) in self._changes.items():
            k = bisect_right(times, t + 1e-6) - 1
            for link, rows in self._rows[name] if k >= 0 else ():
                shown[rows] = int(OF_LETTER.get(states[k][link], Light.UNKNOWN))
        return shown


def _crosswalks(model: RoadModel, intersection: str, links: Iterable[int]) -> Ints:
    """Crosswalks that some links of an intersection rule."""
    if intersection not in model.intersections:
        return np.zeros(0, np.int64)
    table, where = model.crosswalks, model.intersections.index(intersection)
    return np.flatnonzero((table.intersection == where) & np.isin(table.link_index, list(links)))
