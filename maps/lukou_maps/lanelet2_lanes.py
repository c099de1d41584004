"""Lanelets as lanes: bounds put in order, centre lines between them, who follows and who is beside whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_maps.lanelet2_file import Lanelet, Lanelet2File, Way
from lukou_maps.ragged import Floats

STEP_M = 0.5
"""Largest distance of cross-sections between the bounds. [m]"""


@dataclass
class Bounds:
    """The two bounds of a lanelet in the direction of travel.

    Attributes
    ----------
    left, right : (n, 3) float array
        Points. [m]
    left_nodes, right_nodes : list of str
        Their nodes.
    left_ways, right_ways : list of (Way, bool)
        The ways, and whether each runs in the direction of travel.
    """

    left: Floats
    right: Floats
    left_nodes: list[str]
    right_nodes: list[str]
    left_ways: list[tuple[Way, bool]]
    right_ways: list[tuple[Way, bool]]


def bounds(lanelet: Lanelet, file: Lanelet2File) -> Bounds:
    """Bounds that run the same way, the left one left of the right one."""
    left, right = _chain(lanelet.left), _chain(lanelet.right)
    if _gap(left, right) > _gap(left, _reversed(right)):
        right = _reversed(right)
    # the outline, along the left bound and back along the right one, runs clockwise
    outline = np.concatenate([_points(left), _points(right)[::-1]])[:, :2]
    x, y = outline[:, 0] - outline[0, 0], outline[:, 1] - outline[0, 1]
    if float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) > 0.0:
        left, right = _reversed(left), _reversed(right)
    return Bounds(_points(left), _points(right), _nodes(left), _nodes(right), left, right)


def _chain(ways: list[Way]) -> list[tuple[Way, bool]]:
    """Several ways of one bound, put end to end."""
    rest = list(ways)
    chain = [(rest.pop(0), True)]
    while rest:
        head = chain[0][0].nodes[0 if chain[0][1] else -1]
        tail = chain[-1][0].nodes[-1 if chain[-1][1] else 0]
        for way in rest:
            if way.nodes[0] == tail or way.nodes[-1] == tail:
                chain.append((way, way.nodes[0] == tail))
            elif way.nodes[-1] == head or way.nodes[0] == head:
                chain.insert(0, (way, way.nodes[-1] == head))
            else:
                continue
            rest.remove(way)
            break
        else:
            break  # what does not join is left out
    return chain


def _reversed(chain: list[tuple[Way, bool]]) -> list[tuple[Way, bool]]:
    return [(way, not forward) for way, forward in reversed(chain)]


def _points(chain: list[tuple[Way, bool]]) -> Floats:
    parts = [way.points if forward else way.points[::-1] for way, forward in chain]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def _nodes(chain: list[tuple[Way, bool]]) -> list[str]:
    parts = [way.nodes if forward else way.nodes[::-1] for way, forward in chain]
    return [node for k, part in enumerate(parts) for node in (part if k == 0 else part[1:])]


def _gap(left: list[tuple[Way, bool]], right: list[tuple[Way, bool]]) -> float:
    a, b = _points(left), _points(right)
    return float(np.hypot(*(a[0] - b[0])[:2]) + np.hypot(*(a[-1] - b[-1])[:2]))


def centre_line(one: Bounds) -> tuple[Floats, Floats]:
    """Centre line and width between two bounds.

    Returns
    -------
    points : (n, 3) float array
        Middles of cross-sections at equal shares of both bounds' lengths, every vertex of either among them. [m]
    across : (n, 2) float array
        From there to the left bound. [m]
    """
    shares = []
    for side in (one.left, one.right):
        share = _shares(side)
        shares.append(share)
    longest = max(_length(one.left), _length(one.right))
    even = np.linspace(0.0, 1.0, max(2, min(4000, int(np.ceil(longest / STEP_M)) + 1)))
    at = np.unique(np.concatenate([even, *shares]).round(9))
    left, right = (
        np.column_stack([np.interp(at, share, side[:, k]) for k in range(3)])
        for side, share in zip((one.left, one.right), shares, strict=True)
    )
    return (left + right) / 2.0, (left - right)[:, :2] / 2.0


def _length(points: Floats) -> float:
    return float(np.hypot(*np.diff(points[:, :2], axis=0).T).sum())


def _shares(points: Floats) -> Floats:
    """Share of its length at each point of a bound."""
    step = np.hypot(*np.diff(points[:, :2], axis=0).T)
    total = max(float(step.sum()), 1e-9)
    return np.append(0.0, np.cumsum(step) / total)
