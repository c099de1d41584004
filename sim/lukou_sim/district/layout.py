"""Plan of the district, hand-written: four signalised intersections of a Chinese city in a 2 x 2 grid.

::

            k1_N        k2_N                 one leg, seen against the traffic
             |           |                   --------------------------------------------
    k1_W --- k1 -------- k2 --- k2_E         exit: sidewalk, bicycles, 2 lanes
             |           |                   refuge of 3 m
    k3_W --- k3 -------- k4 --- k4_E         approach: left, through, through + right, bicycles, sidewalk
             |           |                   (the left lane begins 95 m before the junction)
            k3_S        k4_S

Crosswalks lie over all legs and are split by the refuge: the half over the approach is the near one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Leg = Literal["N", "E", "S", "W"]
LEGS: tuple[Leg, ...] = ("N", "E", "S", "W")

ORIGIN_LATITUDE_DEG = 31.3412
ORIGIN_LONGITUDE_DEG = 120.7218
"""Where the district's (0, 0) lies: farmland at the edge of a city in eastern China; WGS-84. [deg]"""
UTM_ZONE = 51

SPACING_X_M = 380.0
SPACING_Y_M = 340.0
OUTER_LEG_M = 320.0
FLARE_M = 95.0
"""Length of the approach with a left-turn lane. [m]"""
LANE_WIDTH_M = 3.3
BICYCLE_WIDTH_M = 2.5
SIDEWALK_WIDTH_M = 3.0
CROSSWALK_WIDTH_M = 5.0
REFUGE_M = 3.0
SPEED_LIMIT_MPS = 13.89
"""50 km/h, arterial road. [m/s]"""
BICYCLE_SPEED_MPS = 6.94
"""25 km/h, limit for electric bicycles (GB 17761). [m/s]"""

OUTWARD: dict[Leg, tuple[float, float]] = {"N": (0.0, 1.0), "E": (1.0, 0.0), "S": (0.0, -1.0), "W": (-1.0, 0.0)}
OPPOSITE: dict[Leg, Leg] = {"N": "S", "S": "N", "E": "W", "W": "E"}
RIGHT_OF: dict[Leg, Leg] = {"N": "W", "W": "S", "S": "E", "E": "N"}
"""Leg by which a right turn from a leg leaves."""
LEFT_OF: dict[Leg, Leg] = {"N": "E", "E": "S", "S": "W", "W": "N"}
"""Leg by which a left turn from a leg leaves."""


@dataclass(frozen=True, slots=True)
class Road:
    """Names of the edges of one leg of one intersection.

    Attributes
    ----------
    arrival, approach, exit : str
        Edge upstream of the flare, edge with the turn lanes, edge that leaves.
    """

    arrival: str
    approach: str
    exit: str


@dataclass(frozen=True)
class Layout:
    """Where intersections lie and how they are joined; every leg is built as in the picture above.

    Attributes
    ----------
    intersections : mapping of str to (float, float)
        Centres in the map frame. [m]
    neighbours : mapping of (str, Leg) to str
        Intersection at the other end of a leg; legs without one lead out.
    missing : frozenset of (str, Leg)
        Legs that are not there, as at a T junction.
    """

    intersections: Mapping[str, tuple[float, float]]
    neighbours: Mapping[tuple[str, Leg], str]
    missing: frozenset[tuple[str, Leg]] = frozenset()

    def legs(self, intersection: str) -> tuple[Leg, ...]:
        """Legs of an intersection."""
        return tuple(leg for leg in LEGS if (intersection, leg) not in self.missing)

    def road(self, intersection: str, leg: Leg) -> Road:
        """Edge names of a leg."""
        neighbour = self.neighbours.get((intersection, leg))
        approach = f"{intersection}_{leg}_approach"
        if neighbour is None:
            return Road(f"{intersection}_{leg}_arrival", approach, f"{intersection}_{leg}_exit")
        return Road(f"{neighbour}_{intersection}", approach, f"{intersection}_{neighbour}")

    def fringe_legs(self) -> tuple[tuple[str, Leg], ...]:
        """Legs by which road users enter and leave."""
        return tuple(
            (name, leg) for name in self.intersections for leg in self.legs(name) if (name, leg) not in self.neighbours
        )

    def leg_length_m(self, intersection: str, leg: Leg) -> float:
        """From the centre to the neighbour's, or to the end. [m]"""
        neighbour = self.neighbours.get((intersection, leg))
        if neighbour is None:
            return OUTER_LEG_M
        return math.dist(self.intersections[intersection], self.intersections[neighbour])


DISTRICT = Layout(
    {
        "k1": (OUTER_LEG_M, OUTER_LEG_M + SPACING_Y_M),
        "k2": (OUTER_LEG_M + SPACING_X_M, OUTER_LEG_M + SPACING_Y_M),
        "k3": (OUTER_LEG_M, OUTER_LEG_M),
        "k4": (OUTER_LEG_M + SPACING_X_M, OUTER_LEG_M),
    },
    {
        ("k1", "E"): "k2",
        ("k2", "W"): "k1",
        ("k1", "S"): "k3",
        ("k3", "N"): "k1",
        ("k2", "S"): "k4",
        ("k4", "N"): "k2",
        ("k3", "E"): "k4",
        ("k4", "W"): "k3",
    },
)
INTERSECTIONS = DISTRICT.intersections
NEIGHBOURS = DISTRICT.neighbours
road = DISTRICT.road
