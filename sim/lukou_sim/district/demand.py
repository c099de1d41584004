"""Demand of the district: who enters when and where, drawn from hourly flows, turning shares and a seed.

Departures are Poisson with a rate that follows the time of day and wanders from minute to minute (a log-normal factor per
entry that is redrawn every two minutes and keeps half of its last value), so that no fixed plan is right at all times.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lukou_sim.district import FOLDER
from lukou_sim.district.layout import DISTRICT, LEFT_OF, NEIGHBOURS, OPPOSITE, RIGHT_OF, Layout, Leg, road

DEMAND_FILE = FOLDER / "demand.json"
BLOCK_S = 120.0
"""Time for which an entry's fluctuation stays the same. [s]"""
FURTHER_S = 3600.0
"""The time after a period is drawn in pieces of this length. [s]"""
LONGEST_ROUTE = 6
"""Intersections after which a vehicle drives straight out."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Flows of a full (factor 1) hour.

    Attributes
    ----------
    profile : tuple of 24 float
        Factor by hour of the local day.
    vehicles_per_h : mapping of "k1.N" to float
        Cars, trucks and buses entering at each outer leg. [1/h]
    two_wheelers_per_h : mapping of "k1.N" to float
        Bicycles and electric bicycles entering at each outer leg. [1/h]
    pedestrians_per_h : mapping of "k1.N" to float
        People crossing each leg, both directions together. [1/h]
    left, right : mapping of "k1.N" to float
        Share of vehicles that turn; the rest goes straight on.
    trucks, buses : float
        Shares of vehicles.
    fluctuation : float
        Standard deviation of the logarithm of an entry's factor.
    """

    profile: tuple[float, ...]
    vehicles_per_h: Mapping[str, float]
    two_wheelers_per_h: Mapping[str, float]
    pedestrians_per_h: Mapping[str, float]
    left: Mapping[str, float]
    right: Mapping[str, float]
    trucks: float
    buses: float
    fluctuation: float


def load_demand(path: Path = DEMAND_FILE) -> Demand:
    """Read a demand file."""
    content: dict[str, Any] = json.loads(path.read_text())
    return Demand(**{**content, "profile": tuple(content["profile"])})


def turning_flows(
    demand: Demand, factor: float = 1.0, plan: Layout = DISTRICT
) -> dict[tuple[str, Leg], tuple[float, float, float]]:
    """Vehicles per hour that turn left, drive straight and turn right, by intersection and leg, in equilibrium."""
    arriving = {(name, leg): 0.0 for name in plan.intersections for leg in plan.legs(name)}
    for _ in range(60):
        following = {(name, leg): factor * demand.vehicles_per_h.get(f"{name}.{leg}", 0.0) for name, leg in arriving}
        for (name, leg), flow in arriving.items():
            for to, share in turns(demand, name, leg):
                beyond = plan.neighbours.get((name, to))
                if beyond is not None:
                    following[beyond, OPPOSITE[to]] += flow * share
        arriving = following
    return {
        (name, leg): tuple(flow * share for _, share in turns(demand, name, leg))  # type: ignore[misc]
        for (name, leg), flow in arriving.items()
    }


def turns(demand: Demand, name: str, leg: Leg) -> tuple[tuple[Leg, float], ...]:
    """Legs by which vehicles leave, and their shares: to the left, straight on, to the right."""
    left, right = demand.left[f"{name}.{leg}"], demand.right[f"{name}.{leg}"]
    return (LEFT_OF[leg], left), (OPPOSITE[leg], 1 - left - right), (RIGHT_OF[leg], right)


def departures(
    rate_per_h: float, demand: Demand, start_hour: float, duration_s: float, rng: np.random.Generator
) -> list[float]:
    """Poisson departures over a period, seconds after its start."""
    times: list[float] = []
    wander = rng.normal(0, demand.fluctuation)
    for begin in np.arange(0.0, duration_s, BLOCK_S):
        hour = (start_hour + (begin + BLOCK_S / 2) / 3600) % 24
        base = float(np.interp(hour, np.arange(25), [*demand.profile, demand.profile[0]]))
        rate = rate_per_h / 3600 * base * np.exp(wander - demand.fluctuation**2 / 2)
        length = min(BLOCK_S, duration_s - begin)
        times += (begin + np.sort(rng.uniform(0, length, rng.poisson(rate * length)))).tolist()
        wander = 0.5 * wander + np.sqrt(0.75) * rng.normal(0, demand.fluctuation)
    return times


def _vehicle_route(demand: Demand, name: str, leg: Leg, rng: np.random.Generator, two_wheeler: bool) -> list[str]:
    edges: list[str] = []
    for count in range(LONGEST_ROUTE + 1):
        here = road(name, leg)
        edges += [here.arrival, here.approach] if not edges or edges[-1] != here.arrival else [here.approach]
        ways = turns(demand, name, leg)
        if two_wheeler:  # straight on or right; see `lukou_sim.district.net.connections_xml`
            to = ways[2][0] if rng.random() < ways[2][1] else ways[1][0]
        else:
            to = ways[1][0] if count == LONGEST_ROUTE else ways[rng.choice(3, p=[share for _, share in ways])][0]
        edges.append(road(name, to).exit)
        beyond = NEIGHBOURS.get((name, to))
        if beyond is None:
            return edges
        name, leg = beyond, OPPOSITE[to]
    return edges


def routes_xml(
    demand: Demand, *, seed: int, start_hour: float, duration_s: float, scale: float = 1.0, further_s: float = 0.0
) -> str:
    """SUMO routes file of one period, and of the time after it where wanted.

    Parameters
    ----------
    demand : Demand
        Flows.
    seed : int
        Equal seeds give equal files.
    start_hour : float
        Local time at which the period begins. [h]
    duration_s : float
        Length of the period. [s]
    scale : float
        Factor on all flows.
    further_s : float
        For so long the traffic goes on after the period, which itself stays the same. [s]
    """
    rows = _rows(demand, (seed,), start_hour, (0.0, duration_s), scale)
    ends_s = duration_s + further_s
    for number, begin_s in enumerate(np.arange(duration_s, ends_s, FURTHER_S)):
        piece = _rows(demand, (seed, number), start_hour, (float(begin_s), FURTHER_S), scale)
        rows += [row for row in piece if row[0] < ends_s]  # whole pieces are drawn: whoever looks longer sees the same
    rows.sort(key=lambda row: row[0])
    bodies = [text.replace("#", str(number), 1) for number, (_, text) in enumerate(rows)]
    return "\n".join(["<routes>", vehicle_types_xml(), *bodies, "</routes>", ""])


def _rows(
    demand: Demand, seed: tuple[int, ...], start_hour: float, span_s: tuple[float, float], scale: float
) -> list[tuple[float, str]]:
    """Departures of a span, which is a begin and a length, in seconds after `start_hour`: time and element of each. [s]"""
    begin_s, length_s = span_s
    rows: list[tuple[float, str]] = []

    def times(rate_per_h: float, rng: np.random.Generator) -> list[float]:
        drawn = departures(scale * rate_per_h, demand, (start_hour + begin_s / 3600) % 24, length_s, rng)
        return [begin_s + at for at in drawn]

    def draws(what: int, place: int) -> np.random.Generator:
        return np.random.default_rng((seed[0], what, place, *seed[1:]))

    for number, (name, leg) in enumerate(DISTRICT.fringe_legs()):
        rng = draws(1, number)
        for at in times(demand.vehicles_per_h[f"{name}.{leg}"], rng):
            kind = _vehicle_kind(demand, rng)
            route = _vehicle_route(demand, name, leg, rng, two_wheeler=False)
            rows.append((at, _vehicle(f"{kind.split('_')[0]}.{name}{leg}", kind, at, route)))
        rng = draws(2, number)
        for at in times(demand.two_wheelers_per_h[f"{name}.{leg}"], rng):
            kind = f"{'ebike' if rng.random() < 0.65 else 'bicycle'}_{rng.integers(3)}"
            route = _vehicle_route(demand, name, leg, rng, two_wheeler=True)
            rows.append((at, _vehicle(f"{kind.split('_')[0]}.{name}{leg}", kind, at, route)))
    for number, place in enumerate(sorted(demand.pedestrians_per_h)):
        rng = draws(3, number)
        for at in times(demand.pedestrians_per_h[place], rng):
            rows.append((at, _person(place, at, rng)))
    return rows


def _vehicle_kind(demand: Demand, rng: np.random.Generator) -> str:
    draw = rng.random()
    if draw < demand.buses:
        return f"bus_{rng.integers(2)}"
    if draw < demand.buses + demand.trucks:
        return f"truck_{rng.integers(3)}"
    return f"sedan_{rng.integers(4)}" if rng.random() < 0.65 else f"van_{rng.integers(3)}"


def _vehicle(prefix: str, kind: str, at: float, route: list[str]) -> str:
    return (
        f'    <vehicle id="{prefix}.#" type="{kind}" depart="{at:.1f}" departLane="best" departSpeed="desired"'
        f' departPos="base"><route edges="{" ".join(route)}"/></vehicle>'
    )


def _person(place: str, at: float, rng: np.random.Generator) -> str:
    """Someone who crosses one leg: comes along a sidewalk to one corner and leaves along one from the other."""
    name, leg = place.split(".")[0], place.split(".")[1]
    near = (road(name, leg).approach, road(name, RIGHT_OF[leg]).exit)  # type: ignore[index,arg-type]
    far = (road(name, leg).exit, road(name, LEFT_OF[leg]).approach)  # type: ignore[index,arg-type]
    start, end = near[rng.integers(2)], far[rng.integers(2)]
    if rng.random() < 0.5:
        start, end = end, start

    def position(edge: str) -> str:
        distance = rng.uniform(25, 55)
        return f"-{distance:.1f}" if edge.endswith("_approach") else f"{distance:.1f}"

    return (
        f'    <person id="person.{name}{leg}.#" type="pedestrian_{rng.integers(4)}" depart="{at:.1f}"'
        f' departPos="{position(start)}"><walk from="{start}" to="{end}" arrivalPos="{position(end)}"/></person>'
    )


def vehicle_types_xml() -> str:
    """Types of road users; their names begin with the shape they are drawn in."""
    rng = np.random.default_rng(7)
    rows: list[str] = []

    def add(kind: str, count: int, klass: str, size: tuple[tuple[float, float], ...], extra: str) -> None:
        for k in range(count):
            length, width, height = (round(float(rng.uniform(*span)), 2) for span in size)
            rows.append(
                f'    <vType id="{kind}_{k}" vClass="{klass}" length="{length}" width="{width}" height="{height}" {extra}/>'
            )

    driver = 'speedFactor="normc(0.98,0.08,0.75,1.15)" sigma="0.4"'
    add("sedan", 4, "passenger", ((4.3, 4.9), (1.75, 1.9), (1.4, 1.55)), f'accel="2.4" decel="4.5" tau="1.1" {driver}')
    add("van", 3, "passenger", ((4.6, 5.3), (1.85, 2.0), (1.7, 2.05)), f'accel="2.2" decel="4.5" tau="1.1" {driver}')
    add("truck", 3, "truck", ((6.0, 9.5), (2.2, 2.5), (2.7, 3.7)), f'accel="1.2" decel="4.0" tau="1.3" {driver}')
    add("bus", 2, "bus", ((10.5, 12.0), (2.5, 2.55), (3.0, 3.2)), f'accel="1.2" decel="4.0" tau="1.3" {driver}')
    rider = 'minGap="0.6" latAlignment="center" speedFactor="normc(0.95,0.1,0.6,1.1)"'
    size = ((1.7, 1.95), (0.6, 0.75), (1.6, 1.75))
    add("ebike", 3, "bicycle", size, f'maxSpeed="6.9" accel="1.5" decel="3.5" {rider}')
    add("bicycle", 3, "bicycle", size, f'maxSpeed="4.5" accel="1.0" decel="3.0" {rider}')
    add(
        "pedestrian",
        4,
        "pedestrian",
        ((0.4, 0.55), (0.45, 0.6), (1.55, 1.85)),
        'maxSpeed="1.5" speedFactor="normc(0.88,0.1,0.6,1.1)"',
    )
    return "\n".join(rows)
