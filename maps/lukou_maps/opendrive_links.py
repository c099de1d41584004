"""Which OpenDRIVE lanes follow each other: within roads, from road to road, through junctions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lukou_maps.opendrive_records import Junction, JunctionConnection, Link, OpenDriveFile, Road

if TYPE_CHECKING:
    from lukou_maps.opendrive import OpenDriveLanes

FAR_M = 10.0
"""Lanes that a link joins although their ends are farther apart than this get a remark. [m]"""


def pairs(file: OpenDriveFile, lanes: OpenDriveLanes) -> tuple[list[int], list[int]]:
    """Pairs of lanes of which the second follows the first in the direction of traffic."""
    linker = _Linker(file, lanes)
    for road in file.roads.values():
        linker.within(road)
        linker.beyond(road)
    for junction in file.junctions.values():
        for connection in junction.connections:
            linker.through(junction, connection)
    return linker.before, linker.after


class _Linker:
    def __init__(self, file: OpenDriveFile, lanes: OpenDriveLanes) -> None:
        self._file, self._lanes = file, lanes
        self.before: list[int] = []
        self.after: list[int] = []

    def within(self, road: Road) -> None:
        """From section to section."""
        for place, (section, following) in enumerate(zip(road.sections, road.sections[1:], strict=False)):
            for number, record in section.lanes.items():
                if number and record.successor is not None:
                    self._join(road, place, number, "end", road, place + 1, record.successor, "start")
            for number, record in following.lanes.items():
                if number and record.predecessor is not None:
                    self._join(road, place, record.predecessor, "end", road, place + 1, number, "start")

    def beyond(self, road: Road) -> None:
        """From road to road, also out of connecting roads."""
        for side, link in (("start", road.predecessor), ("end", road.successor)):
            if link is None or link.is_junction or not road.sections:
                continue
            other = self._file.roads.get(link.name)
            if other is None:
                self._file.remarks.append(
                    f"road {road.name}: its {side} is linked to road {link.name}, which is not there"
                )
                continue
            contact = link.contact if link.contact in ("start", "end") else self._nearest_end(road, side, other)
            if not other.sections:
                continue
            place, there = _section_at(road, side), _section_at(other, contact)
            for number, record in road.sections[place].lanes.items():
                target = record.predecessor if side == "start" else record.successor
                if number and target:
                    self._join(road, place, number, side, other, there, target, contact)

    def through(self, junction: Junction, connection: JunctionConnection) -> None:
        """From an incoming road onto a connecting road; over a direct junction onto the linked road."""
        where = f"junction {junction.name}"
        incoming = self._file.roads.get(connection.incoming)
        connecting = self._file.roads.get(connection.connecting)
        if incoming is None or connecting is None:
            if junction.kind != "virtual":
                missing = connection.connecting if incoming is not None else connection.incoming
                self._file.remarks.append(f"{where}: names road {missing or '(none)'}, which is not there")
            return
        if not incoming.sections or not connecting.sections:
            return
        contact = connection.contact
        if contact not in ("start", "end"):
            contact = "start"
        side = self._side_towards(incoming, junction.name, connecting, contact)
        place, there = _section_at(incoming, side), _section_at(connecting, contact)
        links = connection.lanes or self._links_of(incoming, connecting, there, contact)
        for source, target in links:
            self._join(incoming, place, source, side, connecting, there, target, contact)

    def _links_of(self, incoming: Road, connecting: Road, there: int, contact: str) -> list[tuple[int, int]]:
        """Lane links that a connection leaves out, from the connecting road's own lanes."""
        link = connecting.predecessor if contact == "start" else connecting.successor
        if link is None or link.name != incoming.name:
            return []
        found = []
        for number, record in connecting.sections[there].lanes.items():
            source = record.predecessor if contact == "start" else record.successor
            if number and source:
                found.append((source, number))
        return found

    def _side_towards(self, road: Road, junction: str, connecting: Road, contact: str) -> str:
        sides = [
            side
            for side, link in (("start", road.predecessor), ("end", road.successor))
            if _leads_to(link, junction, connecting.name)
        ]
        return sides[0] if len(sides) == 1 else self._nearest_end(connecting, contact, road)

    @staticmethod
    def _nearest_end(road: Road, side: str, other: Road) -> str:
        """End of `other` that is nearest to an end of `road`."""
        x, y, _ = road.plan.pose(np.array([0.0 if side == "start" else road.length_m]))
        ends_x, ends_y, _ = other.plan.pose(np.array([0.0, other.length_m]))
        return "start" if np.hypot(ends_x - x, ends_y - y).argmin() == 0 else "end"

    def _join(
        self, road: Road, place: int, number: int, side: str, other: Road, there: int, target: int, contact: str
    ) -> None:
        """Join the end `side` of one lane to the end `contact` of another, whichever way traffic runs."""
        lanes = self._lanes
        a, b = lanes.index.get((road.name, place, number)), lanes.index.get((other.name, there, target))
        if a is None or b is None:
            return
        leaves = lanes.forward[a] == (side == "end")
        enters = lanes.forward[b] == (contact == "start")
        if leaves != enters:
            text = f"road {road.name}: lane {number} is linked to lane {target} of road {other.name}, which runs against it"
            if text not in self._file.remarks:
                self._file.remarks.append(text)
            return
        first, second = (a, b) if leaves else (b, a)
        end, start = lanes.drafts[first].points[-1], lanes.drafts[second].points[0]
        gap = float(np.hypot(*(end - start)[:2]))
        if gap > FAR_M:
            text = f"lane {lanes.drafts[first].name}: its link to {lanes.drafts[second].name} spans {gap:.1f} m"
            if text not in self._file.remarks:
                self._file.remarks.append(text)
        self.before.append(first)
        self.after.append(second)


def _section_at(road: Road, side: str) -> int:
    return 0 if side == "start" else len(road.sections) - 1


def _leads_to(link: Link | None, junction: str, road: str) -> bool:
    if link is None:
        return False
    return link.name == junction if link.is_junction else link.name == road
