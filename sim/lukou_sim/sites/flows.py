"""A day's demand as SUMO flows: Poisson arrivals, so that SUMO's own seed makes every run another day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lukou_sim.district.demand import turns, vehicle_types_xml
from lukou_sim.district.layout import LEFT_OF, OPPOSITE, RIGHT_OF, Leg
from lukou_sim.sites.kinds import Kind

LONGEST_ROUTE = 14
"""Intersections after which a vehicle drives straight out."""
RAREST_ROUTE = 0.004
"""Routes that fewer take are left out, the others take their share."""
TIDE = 0.15
"""So much more comes from where the hour's traffic comes, and so much less from elsewhere."""
WALK_M = 40.0
"""From the junction to where people appear and vanish. [m]"""


@dataclass(frozen=True)
class Period:
    """A part of the day.

    Attributes
    ----------
    name : str
    factor : float
        On the full hour's flows.
    tide : int
        1: inbound traffic prevails, -1: outbound, 0: neither.
    """

    name: str
    factor: float
    tide: int = 0


DAY = (
    Period("early", 0.4),
    Period("morning", 0.95, 1),
    Period("noon", 0.7),
    Period("evening", 1.05, -1),
    Period("night", 0.5),
)
"""Saturation of the most loaded intersection under the best of plans: 0.95 and 1.05 in the peaks."""


def period_flows(kind: Kind, period: Period, scale: float) -> dict[str, float]:
    """Motor vehicles per hour at every outer leg."""
    flows = {}
    for place, flow in kind.demand.vehicles_per_h.items():
        tide = period.tide * (TIDE if place in kind.inbound else -TIDE)
        flows[place] = scale * period.factor * (1.0 + tide) * flow
    return flows


def flows_xml(kind: Kind, periods: Sequence[Period], length_s: float, scale: float) -> str:
    """SUMO routes file: types, routes by origin, and a flow per origin and period.

    Parameters
    ----------
    kind : Kind
    periods : sequence of Period
        One after the other from 0.
    length_s : float
        Of each. [s]
    scale : float
        On motor vehicles; who walks and rides follows the period's factor alone.
    """
    rows = [vehicle_types_xml(), *_types(kind), *_routes(kind)]
    flows: list[tuple[float, str]] = []
    for number, period in enumerate(periods):
        begin = number * length_s
        span = f'begin="{begin:g}" end="{begin + length_s:g}"'
        motor = period_flows(kind, period, scale)
        for place, rate in motor.items():
            if rate > 0:
                flows.append((begin, _flow(f"{period.name}.car.{place}", "motor", place, "", span, rate)))
        for place, rate in kind.demand.two_wheelers_per_h.items():
            ridden = rate * period.factor
            flows.append((begin, _flow(f"{period.name}.bike.{place}", "rider", place, "bike.", span, ridden)))
        for place, rate in kind.demand.pedestrians_per_h.items():
            walked = rate * period.factor
            flows += [(begin, text) for text in _walks(kind, place, f"{period.name}.foot.{place}", span, walked)]
    rows += [text for _, text in sorted(flows, key=lambda one: one[0])]
    return "\n".join(["<routes>", *rows, "</routes>", ""])


def _types(kind: Kind) -> Iterator[str]:
    names = re.findall(r'vType id="(\w+?)_(\d)"', vehicle_types_xml())
    trucks, buses = kind.demand.trucks, kind.demand.buses
    cars = 1.0 - trucks - buses
    shares = {"sedan": 0.65 * cars, "van": 0.35 * cars, "truck": trucks, "bus": buses}
    for group, weights in (
        ("motor", shares),
        ("rider", {"ebike": 0.65, "bicycle": 0.35}),
        ("walker", {"pedestrian": 1.0}),
    ):
        chosen = [(f"{base}_{k}", weights[base]) for base, k in names if base in weights]
        listed, odds = " ".join(name for name, _ in chosen), " ".join(f"{weight:g}" for _, weight in chosen)
        yield f'    <vTypeDistribution id="{group}" vTypes="{listed}" probabilities="{odds}"/>'


def _routes(kind: Kind) -> Iterator[str]:
    for name, leg in kind.layout.fringe_legs():
        for prefix, is_rider in (("", False), ("bike.", True)):
            yield f'    <routeDistribution id="{prefix}{name}.{leg}">'
            for edges, share in _ways(kind, name, leg, is_rider):
                yield f'        <route edges="{" ".join(edges)}" probability="{share:.4f}"/>'
            yield "    </routeDistribution>"


def _ways(kind: Kind, name: str, leg: Leg, is_rider: bool) -> list[tuple[list[str], float]]:
    """Routes from an outer leg, and how many take them."""
    layout, found = kind.layout, []
    here = layout.road(name, leg)
    open_ends = [([here.arrival, here.approach], name, leg, 1.0, 1)]
    while open_ends:
        edges, at, came, share, count = open_ends.pop()
        choices = list(turns(kind.demand, at, came))
        if is_rider or count >= LONGEST_ROUTE:  # two-wheelers ride straight on or right
            left = choices[0][1] if is_rider else 0.0
            choices = [(to, part / max(1e-9, 1.0 - left)) for to, part in choices[1:]]
            choices = [c for c in choices if (at, c[0]) not in layout.missing]
        total = sum(part for to, part in choices if part > 0 and (at, to) not in layout.missing)
        for to, part in choices:
            odds = share * part / max(total, 1e-9)
            if odds < RAREST_ROUTE or (at, to) in layout.missing:
                continue
            onward = [*edges, layout.road(at, to).exit]
            beyond = layout.neighbours.get((at, to))
            if beyond is None:
                found.append((onward, odds))
            else:
                came_by = OPPOSITE[to]
                onward.append(layout.road(beyond, came_by).approach)
                open_ends.append((onward, beyond, came_by, odds, count + 1))
    return found


def _flow(identity: str, kind: str, place: str, prefix: str, span: str, rate_per_h: float) -> str:
    return (
        f'    <flow id="{identity}" type="{kind}" route="{prefix}{place}" {span} period="exp({rate_per_h / 3600:.6f})"'
        ' departLane="best" departSpeed="desired"/>'
    )


def _walks(kind: Kind, place: str, identity: str, span: str, rate_per_h: float) -> Iterator[str]:
    """Who crosses one leg, in both directions; from and to the corners' four sidewalks, two and two."""
    name, at = next(
        (name, leg) for name in kind.layout.intersections for leg in kind.layout.legs(name) if f"{name}.{leg}" == place
    )
    layout = kind.layout
    near, far = [layout.road(name, at).approach], [layout.road(name, at).exit]
    beside, across = RIGHT_OF[at], LEFT_OF[at]
    if (name, beside) not in layout.missing:
        near.append(layout.road(name, beside).exit)
    if (name, across) not in layout.missing:
        far.append(layout.road(name, across).approach)
    pairs = [(a, b) for k, a in enumerate(near) for b in far[k : k + 1] or far[:1]]
    for k, (one, other) in enumerate(pairs):
        for way, (start, end) in enumerate(((one, other), (other, one))):
            rate = rate_per_h / (2 * len(pairs)) / 3600
            yield (
                f'    <personFlow id="{identity}.{k}{way}" type="walker" {span} period="exp({rate:.6f})"'
                f' departPos="{_along(start)}"><walk from="{start}" to="{end}" arrivalPos="{_along(end)}"/></personFlow>'
            )


def _along(edge: str) -> str:
    return f"{-WALK_M:g}" if edge.endswith("_approach") else f"{WALK_M:g}"
