"""What the signals show, per connection of the map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from lukou_cloud.edge.road_users import Booleans, Floats, Ints
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration
from lukou_messages.v1 import signal_pb2
from lukou_messages.v1.signal_pb2 import SignalColour


class Light(IntEnum):
    """What a driver at a stop line sees, as far as it matters for going."""

    UNKNOWN = 0
    RED = 1
    YELLOW = 2
    GREEN = 3


OF_COLOUR = {
    SignalColour.SIGNAL_COLOUR_RED: Light.RED,
    SignalColour.SIGNAL_COLOUR_RED_YELLOW: Light.RED,
    SignalColour.SIGNAL_COLOUR_YELLOW: Light.YELLOW,
    SignalColour.SIGNAL_COLOUR_GREEN: Light.GREEN,
    SignalColour.SIGNAL_COLOUR_FLASHING_GREEN: Light.GREEN,
}
"""Every other colour (dark, flashing yellow and red) leaves the rules of the road: UNKNOWN."""

OF_LETTER = {"r": Light.RED, "u": Light.RED, "y": Light.YELLOW, "Y": Light.YELLOW, "g": Light.GREEN, "G": Light.GREEN}
"""SUMO's state letters."""

USUAL_YELLOW_S = 3.0
"""Length of a yellow that nobody tells. [s]"""


@dataclass(frozen=True, slots=True, eq=False)
class Lights:
    """State per connection.

    Attributes
    ----------
    light : (c,) int array
        `Light`.
    red_in_s : (c,) float array
        Time until red begins: 0 where it is red, nan where it is not known. [s]
    """

    light: Ints
    red_in_s: Floats


def no_lights(model: RoadModel) -> Lights:
    """Nothing is known of any signal."""
    count = len(model.connections)
    return Lights(np.zeros(count, np.int64), np.full(count, np.nan))


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
        self._groups: dict[tuple[str, str], Ints] = {}
        self._read: dict[str, tuple[signal_pb2.SignalState, Ints, Ints, Floats]] = {}
        self.may_turn_on_red = np.zeros(len(model.connections), np.bool_)
        for configuration in configurations:
            for group in configuration.groups:
                rows = self._rows(configuration.intersection, group.links)
                self._groups[configuration.intersection, group.name] = rows
                self.may_turn_on_red[self._rows(configuration.intersection, group.turns_on_red)] = True

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
        for intersection, state in states.items():
            read = self._read.get(intersection)
            if read is None or read[0] is not state:
                read = self._read[intersection] = (state, *self._of_state(intersection, state))
            _, rows, light, red_at_ns = read
            lights.light[rows] = light
            lights.red_in_s[rows] = np.maximum((red_at_ns - now_ns) * 1e-9, 0.0)
        return lights

    def _of_state(self, intersection: str, state: signal_pb2.SignalState) -> tuple[Ints, Ints, Floats]:
        """Connections that a state tells of, their lights, and when each turns red (nan: not known). [ns]"""
        rows, lights, red_at_ns = [np.zeros(0, np.int64)], [], []
        for group in state.groups:
            ruled = self._groups.get((intersection, group.group))
            if ruled is None or len(ruled) == 0:
                continue
            light = OF_COLOUR.get(group.colour, Light.UNKNOWN)
            rows.append(ruled)
            lights += [int(light)] * len(ruled)
            red_at_ns += [_red_at(group, light)] * len(ruled)
        return np.concatenate(rows), np.array(lights, np.int64), np.array(red_at_ns)


def _red_at(group: signal_pb2.SignalGroupState, light: Light) -> float:
    """Instant at which a group turns red: long ago where it is red, nan where it is not known. [ns]"""
    if light == Light.RED:
        return 0.0
    if light != Light.YELLOW:
        return float("nan")
    if group.HasField("likely_end_at_ns"):
        return float(group.likely_end_at_ns)
    if group.HasField("started_at_ns"):
        return group.started_at_ns + USUAL_YELLOW_S * 1e9
    return float("nan")


def link_rows(model: RoadModel, intersection: str, count: int) -> tuple[Ints, Ints]:
    """Connections of an intersection's links 0 to count - 1: (row, link) pairs."""
    rows, links = [], []
    for link in range(count):
        for row in model.connection_of_link.get((intersection, link), ()):
            rows.append(int(row))
            links.append(link)
    return np.array(rows, np.int64), np.array(links, np.int64)


def waits(lights: Lights, connection: Ints, arrives_in_s: Floats, may_turn_on_red: Booleans) -> Booleans:
    """Whether a law-abiding driver who arrives at a connection's stop line then would have to stop there."""
    light = lights.light[connection]
    return np.asarray(
        ((light == Light.RED) | (light == Light.YELLOW)) & ~may_turn_on_red[connection] & (arrives_in_s > -1.0)
    )
