"""The kinds of site: where their intersections lie, and who comes.

Flows are those of a full hour before scaling: `make` scales them so that the most loaded intersection is just saturated at factor 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from lukou_sim.district.demand import Demand, load_demand
from lukou_sim.district.layout import DISTRICT, OUTER_LEG_M, Layout, Leg

ARTERIAL_SPACING_M = (380, 300, 460, 340, 420, 300, 380, 500, 340)
"""Blocks of unequal length, as real ones: a green wave must be looked for. [m]"""


@dataclass(frozen=True)
class Kind:
    """One kind of site.

    Attributes
    ----------
    layout : Layout
    demand : Demand
        Its profile and fluctuation are not used: periods have factors of their own.
    inbound : frozenset of str
        Outer legs (``k1.W``) by which the morning comes in; the others by which the evening does.
    """

    layout: Layout
    demand: Demand
    inbound: frozenset[str]


def district() -> Kind:
    """The district of the demo: four intersections in a square."""
    return Kind(DISTRICT, load_demand(), frozenset({"k1.N", "k1.W", "k3.W", "k2.N"}))


def tee() -> Kind:
    """One T junction: a street that ends on an arterial."""
    layout = Layout({"k1": (OUTER_LEG_M, OUTER_LEG_M)}, {}, frozenset({("k1", "N")}))
    demand = _demand(
        layout,
        vehicles={"k1.W": 900, "k1.E": 950, "k1.S": 620},
        two_wheelers=120,
        pedestrians=100,
        left={"k1.W": 0.0, "k1.E": 0.25, "k1.S": 0.55},
        right={"k1.W": 0.22, "k1.E": 0.0, "k1.S": 0.45},
    )
    return Kind(layout, demand, frozenset({"k1.W", "k1.S"}))


def arterial() -> Kind:
    """Ten intersections along one arterial; side streets of unequal weight."""
    x, places = OUTER_LEG_M, {"k1": (OUTER_LEG_M, OUTER_LEG_M)}
    for number, spacing in enumerate(ARTERIAL_SPACING_M, 2):
        x += spacing
        places[f"k{number}"] = (x, OUTER_LEG_M)
    names = list(places)
    joined: dict[tuple[str, Leg], str] = {}
    for west, east in pairwise(names):
        joined[west, "E"], joined[east, "W"] = east, west
    layout = Layout(places, joined)
    side = {f"{name}.{leg}": 260.0 + 60 * ((3 * k + (leg == "S")) % 5) for k, name in enumerate(names) for leg in "NS"}
    turning = {f"{name}.{leg}": 0.10 if leg in "EW" else 0.25 for name in names for leg in "NESW"}
    demand = _demand(layout, {**side, "k1.W": 950, f"{names[-1]}.E": 900}, 70, 50, turning, turning)
    return Kind(layout, demand, frozenset({"k1.W", *(f"{name}.N" for name in names)}))


def mixed() -> Kind:
    """Two intersections of an old town: as many two-wheelers as cars, and crowds on foot."""
    layout = Layout(
        {"k1": (OUTER_LEG_M, OUTER_LEG_M), "k2": (OUTER_LEG_M + 300.0, OUTER_LEG_M)},
        {("k1", "E"): "k2", ("k2", "W"): "k1"},
    )
    turning = {f"{name}.{leg}": 0.15 for name in layout.intersections for leg in "NESW"}
    outer = {f"{name}.{leg}": 520.0 for name, leg in layout.fringe_legs()}
    return Kind(layout, _demand(layout, outer, 520, 420, turning, turning), frozenset({"k1.W", "k1.N", "k2.N"}))


KINDS: dict[str, Callable[[], Kind]] = {"district": district, "tee": tee, "arterial": arterial, "mixed": mixed}


def _demand(
    layout: Layout, vehicles: dict[str, float], two_wheelers: float, pedestrians: float,
    left: dict[str, float], right: dict[str, float],
) -> Demand:  # fmt: skip
    """The same two-wheelers and people everywhere. [1/h]"""
    outer = [f"{name}.{leg}" for name, leg in layout.fringe_legs()]
    legs = [f"{name}.{leg}" for name in layout.intersections for leg in layout.legs(name)]
    return replace(
        load_demand(),
        vehicles_per_h={place: float(vehicles[place]) for place in outer},
        two_wheelers_per_h=dict.fromkeys(outer, float(two_wheelers)),
        pedestrians_per_h=dict.fromkeys(legs, float(pedestrians)),
        left=left,
        right=right,
    )


__all__ = ["KINDS", "Kind"]
