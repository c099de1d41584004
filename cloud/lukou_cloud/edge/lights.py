"""What the signals show, per connection and crosswalk of the map."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.road_users import Floats, Ints
from lukou_maps.road_model import RoadModel, StopLineKind
from lukou_maps.signal_configuration import SignalConfiguration
from lukou_messages.v1 import signal_pb2
from lukou_messages.v1.signal_pb2 import SignalColour


class Light(IntEnum):
    """What a driver at a stop line sees, as far as it matters for going."""

    UNKNOWN = 0
    RED = 1
    YELLOW = 2
    GREEN = 3


_RED, _YELLOW, _GREEN = int(Light.RED), int(Light.YELLOW), int(Light.GREEN)  # arrays compare with plain numbers faster

OF_COLOUR = {
    SignalColour.SIGNAL_COLOUR_RED: Light.RED,
    SignalColour.SIGNAL_COLOUR_RED_YELLOW: Light.RED,
    SignalColour.SIGNAL_COLOUR_YELLOW: Light.YELLOW,
    SignalColour.SIGNAL_COLOUR_GREEN: Light.GREEN,
    SignalColour.SIGNAL_COLOUR_FLASHING_GREEN: Light.GREEN,
}
"""Every other colour (dark, flashing yellow and red) leaves the rules of the road: UNKNOWN."""

LIGHT_OF = {int(colour): int(light) for colour, light in OF_COLOUR.items()}
"""The same as plain numbers."""

OF_LETTER = {"r": Light.RED, "u": Light.RED, "y": Light.YELLOW, "Y": Light.YELLOW, "g": Light.GREEN, "G": Light.GREEN}
"""SUMO's state letters."""

SURE_CONFIDENCE = 0.8
"""Forecast ends of red and green that are less sure are not counted on."""

USUAL_YELLOW_S = 3.0
"""Length of a yellow that nobody tells. [s]"""


@dataclass(frozen=True, slots=True, eq=False)
class Lights:
    """State per line: the stop lines of all connections, then the ends of all waiting areas, then all crosswalks for people on foot.

    Attributes
    ----------
    light : (l,) int array
        `Light`.
    ends_in_s : (l,) float array
        Time until what is shown ends, where that is all but sure; nan: not known. [s]
    for_s : (l,) float array
        Time for which it has been shown; nan: not known. [s]
    """

    light: Ints
    ends_in_s: Floats
    for_s: Floats


def waiting_lines(model: RoadModel) -> Ints:
    """Stop lines at the ends of waiting areas; line ``len(connections) + k`` of `Lights` is number k of these."""
    return np.flatnonzero(model.stop_lines.kind == StopLineKind.WAITING_AREA)


def entered_lines(model: RoadModel) -> Ints:
    """Stop lines before waiting areas, which other groups than the connections' own permit to pass."""
    lines = model.stop_lines
    told = np.diff(lines.permitting_groups.start) > 0
    return np.flatnonzero(told & (lines.kind != StopLineKind.WAITING_AREA))


def first_walk(model: RoadModel) -> int:
    """Line of the first crosswalk; crosswalk k is line ``first_walk(model) + k`` of `Lights`."""
    return len(model.connections) + len(waiting_lines(model))


def walks_of_link(model: RoadModel, intersection: str, link: int) -> Ints:
    """Lines of the crosswalks that a link of an intersection rules."""
    if intersection not in model.intersections:
        return np.zeros(0, np.int64)
    table, where = model.crosswalks, model.intersections.index(intersection)
    return first_walk(model) + np.flatnonzero((table.intersection == where) & (table.link_index == link))


def no_lights(model: RoadModel) -> Lights:
    """Nothing is known of any signal."""
    count = first_walk(model) + len(model.crosswalks)
    return Lights(np.zeros(count, np.int64), np.full(count, np.nan), np.full(count, np.nan))


_Read = tuple[signal_pb2.SignalState, Ints, Ints, Floats, Floats]
"""A state, the lines that it tells of, their lights, and when each ends and began (nan: not known). [ns]"""


class LightTable:
    """Turns SPaT into `Lights` by the links of the signal configurations.

    Parameters
    ----------
    model : RoadModel
        The map.
    configurations : iterable of SignalConfiguration
        Configurations of the intersections.
    """

    def __init__(self, model: RoadModel, configurations: Iterable[SignalConfiguration]) -> None:
        self._model = model
        self._groups: dict[str, dict[str, list[int]]] = {}
        self._read: dict[str, _Read] = {}
        self._permitted = _permitted_lines(model)
        self._permitting = {group for _, groups in self._permitted for group in groups}
        self.may_turn_on_red = np.zeros(len(model.connections), np.bool_)
        for configuration in configurations:
            for group in configuration.groups:
                name = configuration.intersection
                rows = [self._rows(name, group.links), *(walks_of_link(model, name, link) for link in group.links)]
                self._groups.setdefault(name, {})[group.name] = np.concatenate(rows).tolist()
                self.may_turn_on_red[self._rows(configuration.intersection, group.turns_on_red)] = True

    @property
    def intersections(self) -> set[str]:
        """Intersections whose signals this table can read."""
        return set(self._groups)

    def _rows(self, intersection: str, links: Iterable[int]) -> Ints:
        found = [self._model.connection_of_link.get((intersection, link), np.zeros(0, np.int64)) for link in links]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def of_states(self, states: Mapping[str, signal_pb2.SignalState], now_ns: int) -> Lights:
        """Lights now.

        Parameters
        ----------
        states : mapping of str to SignalState
            Latest valid state of each intersection; an intersection that is missing is not known.
        now_ns : int
            Instant, nanoseconds POSIX UTC.
        """
        lights = no_lights(self._model)
        shown: dict[str, tuple[int, float]] = {}
        for intersection, state in states.items():
            if self._permitting:
                shown |= self._shown(intersection, state)
            _, rows, light, ends_at_ns, began_ns = self.read(intersection, state)
            lights.light[rows] = light
            lights.for_s[rows] = np.maximum((now_ns - began_ns) * 1e-9, 0.0)
            lights.ends_in_s[rows] = np.maximum((ends_at_ns - now_ns) * 1e-9, 0.0)
        for rows, groups in self._permitted:
            told = [shown[group] for group in groups if group in shown]
            if told:  # whichever of the groups permits most
                permits, ends_ns = max(told, key=lambda one: one[0])
                kept = rows[lights.light[rows] < permits]
                lights.light[kept], lights.ends_in_s[kept] = permits, max((ends_ns - now_ns) * 1e-9, 0.0)
        return lights

    def read(self, intersection: str, state: signal_pb2.SignalState) -> _Read:
        """Read a state, once: when it comes, so that nobody waits for it later."""
        read = self._read.get(intersection)
        if read is None or read[0] is not state:
            read = self._read[intersection] = (state, *self._of_state(intersection, state))
        return read

    def _shown(self, intersection: str, state: signal_pb2.SignalState) -> dict[str, tuple[int, float]]:
        """What the groups show that permit to pass lines of waiting areas, and when that ends. [ns]"""
        found = {}
        for group in list(state.groups):
            name = f"{intersection}/{group.group}"
            if name in self._permitting:
                light = LIGHT_OF.get(group.colour, 0)
                found[name] = (light, _ends_at(group, light))
        return found

    def _of_state(self, intersection: str, state: signal_pb2.SignalState) -> tuple[Ints, Ints, Floats, Floats]:
        """Connections that a state tells of, their lights, and when each ends and began (nan: not known). [ns]"""
        rows: list[int] = []
        lights: list[int] = []
        ends_at_ns: list[float] = []
        began_ns: list[float] = []
        found = self._groups.get(intersection, {})
        for group in list(state.groups):
            ruled = found.get(group.group)
            if ruled is not None:
                light = LIGHT_OF.get(group.colour, 0)
                rows += ruled
                lights += [light] * len(ruled)
                ends_at_ns += [_ends_at(group, light)] * len(ruled)
                began = float(group.started_at_ns) if group.HasField("started_at_ns") else math.nan
                began_ns += [began] * len(ruled)
        times = np.array([ends_at_ns, began_ns], np.float64)
        return np.array(rows, np.int64), np.array(lights, np.int64), times[0], times[1]


def _permitted_lines(model: RoadModel) -> list[tuple[Ints, tuple[str, ...]]]:
    """Lines whose light is that of some named groups: rows of `Lights`, and the groups."""
    lines, names = model.stop_lines, model.signal_groups
    found = []
    for line in entered_lines(model):
        groups = tuple(names[k] for k in lines.permitting_groups[line].tolist())
        found.append((np.asarray(lines.connections[line], np.int64), groups))
    for k, line in enumerate(waiting_lines(model)):
        groups = tuple(names[g] for g in lines.permitting_groups[line].tolist())
        found.append((np.array([len(model.connections) + k]), groups))
    return found


def _ends_at(group: signal_pb2.SignalGroupState, light: int) -> float:
    """Instant at which what a group shows ends, where it is promised or nearly sure; nan: not known. [ns]"""
    sure = light == _YELLOW or group.is_committed or group.confidence >= SURE_CONFIDENCE
    if light and sure and group.HasField("likely_end_at_ns"):
        return float(group.likely_end_at_ns)
    if light == _YELLOW and group.HasField("started_at_ns"):
        return float(group.started_at_ns) + USUAL_YELLOW_S * 1e9
    return math.nan


def link_rows(model: RoadModel, intersection: str, count: int) -> tuple[Ints, Ints]:
    """Lines of an intersection's links 0 to count - 1: (row, link) pairs."""
    rows, links = [], []
    for link in range(count):
        ruled = model.connection_of_link.get((intersection, link), ())
        for row in (*ruled, *walks_of_link(model, intersection, link)):
            rows.append(int(row))
            links.append(link)
    return np.array(rows, np.int64), np.array(links, np.int64)


@compiled
def stops(light: int, ends_in_s: float, arrives_in_s: float) -> tuple[bool, float, float]:
    """What the signal ahead means for a driver who would arrive at the stop line at some time.

    Parameters
    ----------
    light : int
        `Light` now.
    ends_in_s : float
        Time until that ends; nan: not known. [s]
    arrives_in_s : float
        Time until the stop line at the present speed. [s]

    Returns
    -------
    must : bool
        Whether who abides by the law has to stop.
    from_s, until_s : float
        When that begins and ends to hold: now and until green, or from a foreseen yellow on. [s]
    """
    closing = light == _GREEN and ends_in_s < arrives_in_s
    red = light == _RED
    must = closing or light == _YELLOW or (red and not ends_in_s <= arrives_in_s)  # a red that ends before that is none
    return must, ends_in_s if closing else 0.0, ends_in_s if red and ends_in_s >= 0.0 else np.inf
