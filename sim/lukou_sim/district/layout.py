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

INTERSECTIONS: dict[str, tuple[float, float]] = {
    "k1": (OUTER_LEG_M, OUTER_LEG_M + SPACING_Y_M),
    "k2": (OUTER_LEG_M + SPACING_X_M, OUTER_LEG_M + SPACING_Y_M),
    "k3": (OUTER_LEG_M, OUTER_LEG_M),
    "k4": (OUTER_LEG_M + SPACING_X_M, OUTER_LEG_M),
}
"""Centres in the map frame. [m]"""
NEIGHBOURS: dict[tuple[str, Leg], str] = {
    ("k1", "E"): "k2",
    ("k2", "W"): "k1",
    ("k1", "S"): "k3",
    ("k3", "N"): "k1",
    ("k2", "S"): "k4",
    ("k4", "N"): "k2",
    ("k3", "E"): "k4",
    ("k4", "W"): "k3",
}
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


def road(intersection: str, leg: Leg) -> Road:
    """Edge names of a leg."""
    neighbour = NEIGHBOURS.get((intersection, leg))
    if neighbour is None:
        return Road(f"{intersection}_{leg}_arrival", f"{intersection}_{leg}_approach", f"{intersection}_{leg}_exit")
    return Road(f"{neighbour}_{intersection}", f"{intersection}_{leg}_approach", f"{intersection}_{neighbour}")


def fringe_legs() -> tuple[tuple[str, Leg], ...]:
    """Legs by which road users enter and leave the district."""
    return tuple((name, leg) for name in INTERSECTIONS for leg in LEGS if (name, leg) not in NEIGHBOURS)
