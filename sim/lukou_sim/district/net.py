"""Write the district as SUMO plain XML and let netconvert build the net."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pyproj
import sumo

from lukou_sim.district import layout
from lukou_sim.district.layout import DISTRICT, LEFT_OF, OPPOSITE, OUTWARD, RIGHT_OF, Layout, Leg

SIDEWALK, BICYCLE, RIGHT, THROUGH, LEFT = range(5)
"""Lane indices of an approach, from the kerb; arrivals and exits lack LEFT."""


def _element(tag: str, **attributes: object) -> str:
    pairs = " ".join(f"{key.rstrip('_')}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"    <{tag} {pairs}/>"


def _document(root: str, rows: Iterable[str]) -> str:
    return "\n".join([f"<{root}>", *rows, f"</{root}>", ""])


def _point(centre: tuple[float, float], leg: Leg, along_m: float, right_m: float) -> tuple[float, float]:
    """Point `along_m` outward from a centre on a leg and `right_m` to the right of arriving traffic."""
    east, north = OUTWARD[leg]
    # Arriving traffic drives against OUTWARD; its right is OUTWARD turned by +90 degrees.
    return centre[0] + east * along_m - north * right_m, centre[1] + north * along_m + east * right_m


def _shape(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)


def location() -> str:
    """Element that georeferences the net: UTM coordinates of the district's (0, 0)."""
    projection = f"+proj=utm +zone={layout.UTM_ZONE} +ellps=WGS84 +datum=WGS84 +units=m +no_defs"
    east, north = pyproj.Proj(projection)(layout.ORIGIN_LONGITUDE_DEG, layout.ORIGIN_LATITUDE_DEG)
    return _element(
        "location",
        netOffset=f"{-east:.2f},{-north:.2f}",
        convBoundary="0.00,0.00,1020.00,980.00",
        origBoundary="10000000000.00,10000000000.00,-10000000000.00,-10000000000.00",
        projParameter=projection,
    )


def nodes_xml(plan: Layout = DISTRICT) -> str:
    """Junctions, flare points and ends."""
    rows = []
    half = layout.REFUGE_M / 2
    for name, centre in plan.intersections.items():
        rows.append(
            _element(
                "node", id=name, x=centre[0], y=centre[1], type="traffic_light", tl=name, radius=9, keepClear="true"
            )
        )
        for leg in plan.legs(name):
            x, y = _point(centre, leg, 30 + layout.FLARE_M, half)
            rows.append(_element("node", id=f"{name}_{leg}_flare", x=x, y=y, type="priority"))
            if (name, leg) not in plan.neighbours:
                x, y = _point(centre, leg, layout.OUTER_LEG_M, 0.0)
                rows.append(_element("node", id=f"{name}_{leg}", x=x, y=y, type="priority", fringe="outer"))
    return _document("nodes", rows)


def _edge(name: str, start: str, end: str, points: list[tuple[float, float]], vehicle_lanes: int) -> str:
    lanes = [
        f'        <lane index="0" allow="pedestrian" width="{layout.SIDEWALK_WIDTH_M}" speed="2.78"/>',
        f'        <lane index="1" allow="bicycle" width="{layout.BICYCLE_WIDTH_M}" speed="{layout.BICYCLE_SPEED_MPS}"/>',
        *(
            f'        <lane index="{2 + k}" disallow="pedestrian bicycle" width="{layout.LANE_WIDTH_M}"/>'
            for k in range(vehicle_lanes)
        ),
    ]
    head = (
        f'    <edge id="{name}" from="{start}" to="{end}" numLanes="{2 + vehicle_lanes}" priority="5"'
        f' speed="{layout.SPEED_LIMIT_MPS}" spreadType="right" shape="{_shape(points)}">'
    )
    return "\n".join([head, *lanes, "    </edge>"])


def edges_xml(plan: Layout = DISTRICT) -> str:
    """Carriageways: per leg an arrival, an approach with the left-turn lane, and an exit."""
    rows = []
    half = layout.REFUGE_M / 2
    for name, centre in plan.intersections.items():
        for leg in plan.legs(name):
            names = plan.road(name, leg)
            length, flare = plan.leg_length_m(name, leg), 30 + layout.FLARE_M
            wide = half + layout.LANE_WIDTH_M  # upstream the median is wider by the left-turn lane
            approach = [_point(centre, leg, flare, half), _point(centre, leg, 0, half)]
            rows.append(
                _edge(
                    names.approach,
                    f"{name}_{leg}_flare",
                    name,
                    approach,
                    3 if (name, LEFT_OF[leg]) not in plan.missing else 2,
                )
            )
            neighbour = plan.neighbours.get((name, leg))
            start = neighbour or f"{name}_{leg}"
            if neighbour is None:
                arrival = [_point(centre, leg, length, wide), _point(centre, leg, flare, wide)]
                leaving = [_point(centre, leg, 0, -half), _point(centre, leg, length, -half)]
                rows.append(_edge(names.exit, name, f"{name}_{leg}", leaving, 2))
            else:  # the arrival is the neighbour's exit: beside the refuge first, then along the wider median
                arrival = [
                    _point(centre, leg, length, half),
                    _point(centre, leg, flare + 75, half),
                    _point(centre, leg, flare + 40, wide),
                    _point(centre, leg, flare, wide),
                ]
            rows.append(_edge(names.arrival, start, f"{name}_{leg}_flare", arrival, 2))
    return _document("edges", rows)


def connections_xml(plan: Layout = DISTRICT) -> str:
    """Who may drive where; two-wheelers ride straight on and right (their left turn is not modelled), crosswalks in halves."""
    rows = []
    for name in plan.intersections:
        for leg in plan.legs(name):
            here = plan.road(name, leg)
            right, straight, left = ((name, to[leg]) not in plan.missing for to in (RIGHT_OF, OPPOSITE, LEFT_OF))
            joins = [(BICYCLE, BICYCLE), (RIGHT, RIGHT), (THROUGH, THROUGH), *([(THROUGH, LEFT)] if left else [])]
            for start, end in joins:
                rows.append(_element("connection", from_=here.arrival, to=here.approach, fromLane=start, toLane=end))
            ways: list[tuple[dict[Leg, Leg], int, int]] = []
            if right:
                ways += [(RIGHT_OF, BICYCLE, BICYCLE), (RIGHT_OF, RIGHT, RIGHT)]
            if straight:
                ways += [(OPPOSITE, BICYCLE, BICYCLE), (OPPOSITE, RIGHT, RIGHT), (OPPOSITE, THROUGH, THROUGH)]
            if left:
                ways += [(LEFT_OF, LEFT, THROUGH), *([] if straight else [(LEFT_OF, THROUGH, RIGHT)])]
            for to, start, end in ways:
                target = plan.road(name, to[leg]).exit
                rows.append(_element("connection", from_=here.approach, to=target, fromLane=start, toLane=end))
            for edge in (here.approach, here.exit):
                rows.append(
                    _element("crossing", node=name, edges=edge, priority="true", width=layout.CROSSWALK_WIDTH_M)
                )
    return _document("connections", rows)


def build(folder: Path, plan: Layout = DISTRICT, name: str = "district") -> Path:
    """Write the plain files into `folder`/plain and build `folder`/`name`.net.xml.

    Parameters
    ----------
    folder : Path
        Where to write.
    plan : Layout
    name : str
        Of the files.

    Returns
    -------
    Path
        The net.
    """
    plain = folder / "plain"
    plain.mkdir(parents=True, exist_ok=True)
    files = {"node": nodes_xml(plan), "edge": edges_xml(plan), "connection": connections_xml(plan)}
    arguments = [str(Path(sumo.SUMO_HOME) / "bin" / "netconvert")]
    for kind, text in files.items():
        path = plain / f"{name}.{kind[:3]}.xml"
        path.write_text(text)
        arguments += [f"--{kind}-files", str(path)]
    net = folder / f"{name}.net.xml"
    arguments += [
        *("--output-file", str(net), "--no-turnarounds", "true", "--no-internal-links", "false"),
        *("--walkingareas", "true", "--junctions.corner-detail", "5", "--tls.default-type", "static"),
        *("--precision", "2", "--offset.disable-normalization", "true", "--default.crossing-width", "5"),
        *("--xml-validation", "never", "--output.original-names", "false"),
    ]
    subprocess.run(arguments, check=True, capture_output=True, text=True)
    _georeference(net)
    return net


def _georeference(net: Path) -> None:
    """Put the district's location into the net and take out what changes from run to run (time, paths)."""
    lines = net.read_text().splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("<net "))
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', *lines[start:]]
    boundary = next(line for line in lines if "<location " in line).split('convBoundary="')[1].split('"')[0]
    lines = [
        location().replace("0.00,0.00,1020.00,980.00", boundary) if "<location " in line else line for line in lines
    ]
    net.write_text("\n".join(lines) + "\n")
