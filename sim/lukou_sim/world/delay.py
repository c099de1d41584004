"""Delay of a period from SUMO's trip file, by the definition of the project's facts (delay_all)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree


@dataclass(frozen=True, slots=True)
class DelayStatistics:
    """How a period was for those who drove.

    Attributes
    ----------
    delay_s : float or None
        Mean over all vehicles scheduled in the period of time loss plus departure delay: a vehicle still driving counts its
        loss so far, one never inserted the time since its scheduled departure. None where nobody was scheduled. [s]
    stops_per_vehicle : float or None
        Mean number of stops.
    longest_wait_s : float or None
        Longest time that one vehicle stood in all. [s]
    scheduled, finished : int
        Vehicles.
    """

    delay_s: float | None
    stops_per_vehicle: float | None
    longest_wait_s: float | None
    scheduled: int
    finished: int


def statistics(tripinfo: Path, scheduled_s: Mapping[str, float], begin_s: float, end_s: float) -> DelayStatistics:
    """Statistics of the vehicles scheduled in begin_s..end_s of a run that ended at `end_s`.

    Parameters
    ----------
    tripinfo : Path
        SUMO's trip file with unfinished and undeparted trips.
    scheduled_s : mapping of str to float
        Scheduled departure by vehicle. [s]
    begin_s, end_s : float
        The period in SUMO's time. [s]
    """
    wanted = {name for name, at in scheduled_s.items() if begin_s <= at < end_s}
    seen: dict[str, tuple[float, float, float, bool]] = {}
    for trip in ElementTree.parse(tripinfo).getroot().iter("tripinfo"):
        name = trip.attrib["id"]
        if name not in wanted:
            continue
        if float(trip.attrib["depart"]) < 0:
            seen[name] = (end_s - scheduled_s[name], 0.0, 0.0, False)
            continue
        delay = float(trip.attrib["timeLoss"]) + max(0.0, float(trip.attrib["departDelay"]))
        waited, stops = float(trip.attrib["waitingTime"]), float(trip.attrib["waitingCount"])
        seen[name] = (delay, stops, waited, float(trip.attrib["arrival"]) >= 0)
    for name in wanted - seen.keys():  # scheduled, not yet known to SUMO
        seen[name] = (end_s - scheduled_s[name], 0.0, 0.0, False)
    if not seen:
        return DelayStatistics(None, None, None, 0, 0)
    rows = list(seen.values())
    return DelayStatistics(
        sum(row[0] for row in rows) / len(rows),
        sum(row[1] for row in rows) / len(rows),
        max(row[2] for row in rows),
        len(rows),
        sum(row[3] for row in rows),
    )
