"""Delay of people: what each vehicle carries, and who walks, from SUMO's trip file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

OCCUPANCY: Mapping[str, float] = {"passenger": 1.4, "truck": 1.1, "bus": 25.0, "coach": 25.0, "bicycle": 1.0}
"""People by SUMO's vehicle class; any other counts 1.4, as in Chinese cities' household surveys. A setting of the site."""
OTHERWISE = 1.4


@dataclass(frozen=True, slots=True)
class Trip:
    """One vehicle or walk.

    Attributes
    ----------
    name : str
    scheduled_s : float
        When it should have begun. [s]
    ended_s : float
        When it ended; -1: not yet. [s]
    people, delay_s, waited_s : float
        Who travels, time lost against free speed with the wait for departure, time spent standing. [-, s, s]
    on_foot : bool
    """

    name: str
    scheduled_s: float
    ended_s: float
    people: float
    delay_s: float
    waited_s: float
    on_foot: bool


def trips(tripinfo: Path, classes: Mapping[str, str], occupancy: Mapping[str, float] = OCCUPANCY) -> Iterator[Trip]:
    """Every trip of a trip file with unfinished and undeparted ones.

    Parameters
    ----------
    tripinfo : Path
    classes : mapping of str to str
        SUMO's vehicle class by vehicle type.
    occupancy : mapping of str to float
        People by vehicle class.
    """
    for _, element in ElementTree.iterparse(tripinfo):
        at = element.attrib
        if element.tag == "tripinfo":
            people = occupancy.get(classes.get(at["vType"].split("@")[0], ""), OTHERWISE)
            waited_before = max(0.0, float(at["departDelay"]))
            if float(at["depart"]) < 0:
                yield Trip(at["id"], -1.0, -1.0, people, waited_before, waited_before, False)
            else:
                scheduled = float(at["depart"]) - waited_before
                delay = float(at["timeLoss"]) + waited_before
                yield Trip(at["id"], scheduled, float(at["arrival"]), people, delay, float(at["waitingTime"]), False)
            element.clear()
        elif element.tag == "personinfo":
            delay = sum(max(0.0, float(walk.attrib["timeLoss"])) for walk in element.iter("walk"))
            yield Trip(at["id"], float(at["depart"]), -1.0, 1.0, delay, float(at.get("waitingTime", 0.0)), True)
            element.clear()


def mean_delay(found: Iterator[Trip], begin_s: float = 0.0, end_s: float = float("inf")) -> float:
    """Mean delay of a person whose trip should have begun in a time; those never inserted count in all. [s]"""
    people = lost = 0.0
    for trip in found:
        if trip.scheduled_s < 0 or begin_s <= trip.scheduled_s < end_s:
            people += trip.people
            lost += trip.people * trip.delay_s
    return lost / people if people else 0.0
