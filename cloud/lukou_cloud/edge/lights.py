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
            for group in state.groups:
                rows = self._groups.get((intersection, group.group))
                if rows is None or len(rows) == 0:
                    continue
                light = OF_COLOUR.get(group.colour, Light.UNKNOWN)
                lights.light[rows] = light
                lights.red_in_s[rows] = _red_in(group, light, now_ns)
        return lights


def _red_in(group: signal_pb2.SignalGroupState, light: Light, now_ns: int) -> float:
    if light == Light.RED:
        return 0.0
    if light != Light.YELLOW:
        return float("nan")
    if group.HasField("likely_end_at_ns"):
        return max((group.likely_end_at_ns - now_ns) * 1e-9, 0.0)
    if group.HasField("started_at_ns"):
        return max(USUAL_YELLOW_S - (now_ns - group.started_at_ns) * 1e-9, 0.0)
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
