"""What the cabinets' own detectors tell: zones before the stop lines, and push buttons at the crosswalks."""

from __future__ import annotations

from collections.abc import Mapping

import libsumo

from lukou_maps.signal_configuration import GroupType, SignalConfiguration

ZONE_M = 35.0
"""A vehicle this near to its stop line is in the zone of its lane's detectors. [m]"""

WAITS_MPS = 0.2
"""Who is slower than this before a crosswalk has pressed its button. [m/s]"""


class Detectors:
    """Detectors of several intersections; a lane that several groups share calls them all, as a loop does.

    Parameters
    ----------
    configurations : mapping of str to SignalConfiguration
        By intersection.
    """

    def __init__(self, configurations: Mapping[str, SignalConfiguration]) -> None:
        self._groups: dict[str, dict[str, set[str]]] = {}  # by intersection and lane, or crosswalk: its groups
        for name, configuration in configurations.items():
            links = libsumo.trafficlight.getControlledLinks(name)
            places = self._groups[name] = {}
            for group in configuration.groups:
                walks = group.type is GroupType.PEDESTRIAN
                for start, to, _ in (way for link in group.links for way in links[link]):
                    place = to.rpartition("_")[0] if walks else start
                    places.setdefault(place, set()).add(group.name)
        self._length_m = {
            lane: libsumo.lane.getLength(lane)
            for places in self._groups.values()
            for lane in places
            if not lane.startswith(":")
        }

    def called(self) -> dict[str, set[str]]:
        """Groups with a demand now, by intersection."""
        person, vehicle = libsumo.person, libsumo.vehicle
        occupied = {person.getNextEdge(one) for one in person.getIDList() if person.getSpeed(one) < WAITS_MPS}
        for lane, length_m in self._length_m.items():
            inside = libsumo.lane.getLastStepVehicleIDs(lane)
            if inside and length_m - max(vehicle.getLanePosition(one) for one in inside) <= ZONE_M:
                occupied.add(lane)
        return {
            name: {group for place in places.keys() & occupied for group in places[place]}
            for name, places in self._groups.items()
        }
