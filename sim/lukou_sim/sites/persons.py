"""Delay of people: what each vehicle carries, and who walks, from SUMO's trip file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

OCCUPANCY: Mapping[str, float] = {"passenger": 1.4, "truck": 1.1, "bus": 25.0, "coach": 25.0, "bicycle": 1.0}
"""People by SUMO's vehicle class; any other counts 1.4, assumed: a driver and 0.4 passengers, a bus a third full."""
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
    people, delay_s : float
        Who travels, time lost against free speed with the wait for departure. [-, s]
    on_foot : bool
    """

    name: str
    scheduled_s: float
    ended_s: float
    people: float
    delay_s: float
    on_foot: bool


def trips(
    tripinfo: Path, classes: Mapping[str, str], end_s: float = 0.0, occupancy: Mapping[str, float] = OCCUPANCY
) -> Iterator[Trip]:
    """Every trip of a trip file with unfinished and undeparted ones.

    Parameters
    ----------
    tripinfo : Path
    classes : mapping of str to str
        SUMO's vehicle class by vehicle type.
    end_s : float
        Of the run: who was never inserted has waited until then. [s]
    occupancy : mapping of str to float
        People by vehicle class.
    """
    for _, element in ElementTree.iterparse(tripinfo):
        at = element.attrib
        if element.tag == "tripinfo":
            people = occupancy.get(classes.get(at["vType"].split("@")[0], ""), OTHERWISE)
            waited_before = max(0.0, float(at["departDelay"]))
            if float(at["depart"]) < 0:
                yield Trip(at["id"], end_s - waited_before, -1.0, people, waited_before, False)
            else:
                scheduled = float(at["depart"]) - waited_before
                delay = float(at["timeLoss"]) + waited_before
                yield Trip(at["id"], scheduled, float(at["arrival"]), people, delay, False)
            element.clear()
        elif element.tag == "personinfo":
            delay = sum(max(0.0, float(walk.attrib["timeLoss"])) for walk in element.iter("walk"))
            yield Trip(at["id"], float(at["depart"]), -1.0, 1.0, delay, True)
            element.clear()


def mean_delay(found: Iterator[Trip], begin_s: float = 0.0, end_s: float = float("inf")) -> float:
    """Mean delay of a person whose trip should have begun in a time. [s]"""
    people = lost = 0.0
    for trip in found:
        if begin_s <= trip.scheduled_s < end_s:
            people += trip.people
            lost += trip.people * trip.delay_s
    return lost / people if people else 0.0
