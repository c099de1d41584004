"""Neighbours under plans: one cycle for those that exchange enough, and offsets under which most of what they send each other arrives on green.

Each intersection moves its own offset only, once a cycle and to where the arrivals of its own links, both ways, meet most green; what one gains nobody else loses, so
that moves one after the other come to an end. Two that move at once for the same link go too far, and one of them back. What leaves on green goes as a platoon, at saturation flow until the queue of a cycle is gone, and spreads on the way as in D. I. Robertson, *TRANSYT: a traffic
network study tool*, Road Research Laboratory report LR 253, 1969: each second the share F = 1 / (1 + 0.28 t) of what has come after 0.8 t arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.intersection import Intersection
from lukou_cloud.region.neighbours import ACROSS_S
from lukou_cloud.region.plan_model import Floats
from lukou_messages.v1.traffic_pb2 import ViewLevel

ENOUGH = 300.0 / 3600.0
"""Neighbours that exchange more, both ways together, get one cycle. [1/s]"""
CLEARLY = 1.05
"""An offset moves for so many times the arrivals on green."""
FIRST_S = 0.8
"""Share of the travel time after which the first of a platoon come."""
SPREAD = 0.28
"""Of platoons; 0.35 · 0.8 (Robertson). [1/s]"""


@dataclass(frozen=True)
class Link:
    """A way from one intersection to the next.

    Attributes
    ----------
    upstream, downstream : str
        Intersections.
    way : int
        Movement over the first one.
    choices : tuple of int
        Approach lanes of the second one that it leads to.
    travel_s : float
        From stop line to stop line. [s]
    """

    upstream: str
    downstream: str
    way: int
    choices: tuple[int, ...]
    travel_s: float


class Coordination:
    """Of the intersections of a district.

    Parameters
    ----------
    places : mapping of str to Intersection
    stale_s : float
        Neighbours whose signals have not been heard for so long count no more. [s]
    """

    def __init__(self, places: Mapping[str, Intersection], stale_s: float) -> None:
        self._places, self._stale_ns = places, stale_s * 1e9
        self._links = [
            Link(other, name, k, way[0], ACROSS_S + way[1])
            for name, place in places.items()
            for other, sender in places.items()
            if other != name
            for k, lane in enumerate(sender.timing.ways.to_lane.tolist())
            if (way := place.approaches.way_from(lane)) is not None
        ]

    def cycle_s(self, now_ns: int, name: str) -> float:
        """The longest cycle that one of those wants who exchange enough with each other, this one among them. [s]"""
        exchanged: dict[tuple[str, str], float] = {}
        for link in self._links:
            if not (self._is_heard(now_ns, link.upstream) and self._is_heard(now_ns, link.downstream)):
                continue
            for pair in ((link.upstream, link.downstream), (link.downstream, link.upstream)):
                exchanged[pair] = exchanged.get(pair, 0.0) + self._flow(link)
        group, todo = {name}, [name]
        while todo:
            at = todo.pop()
            found = [b for (a, b), flow in exchanged.items() if a == at and flow >= ENOUGH and b not in group]
            group.update(found)
            todo += found
        return max(self._places[one].plans.cycle_s for one in group)

    def shift_s(self, now_ns: int, name: str, begins_s: float, greens_s: Floats) -> float:
        """How much later the next cycle should begin, of an intersection whose plan has these greens; negative: earlier. [s]

        Parameters
        ----------
        now_ns : int
            [ns]
        name : str
            The intersection.
        begins_s : float
            When its next cycle begins, seconds POSIX UTC. [s]
        greens_s : (stages,) float array
            [s]
        """
        cycle_s = float(greens_s.sum() + self._places[name].plans.model.change_s.sum())
        count = round(cycle_s)
        worth = np.zeros(count)
        for link in self._links:
            if name not in (link.upstream, link.downstream):
                continue
            other = link.downstream if name == link.upstream else link.upstream
            begin_s = self._begins_s(now_ns, other, cycle_s)
            flow = self._flow(link)
            if begin_s is None or flow <= 0.0:
                continue
            target_s = np.array(self._places[other].plans.target_s)
            apart_s = begin_s - begins_s
            if name == link.downstream:
                comes = self._comes(link, target_s, flow, count, apart_s)
                green = self._green(link.downstream, link.choices, greens_s, count)
                worth += _overlap(comes, green)
            else:
                comes = self._comes(link, greens_s, flow, count, -apart_s)
                green = self._green(link.downstream, link.choices, target_s, count)
                worth += _overlap(green, comes)  # the later this one begins, the earlier that green seems
        best = int(np.argmax(worth))
        if worth[best] <= CLEARLY * worth[0]:
            return 0.0
        return float(best if best <= count // 2 else best - count)

    def _is_heard(self, now_ns: int, name: str) -> bool:
        """Whether an intersection runs a plan now, and is seen."""
        place = self._places[name]
        is_late = now_ns - place.signal_ns > self._stale_ns
        is_plan = place.signal is not None and place.signal.HasField("plan")
        return is_plan and not is_late and place.level != ViewLevel.VIEW_LEVEL_BLIND

    def _begins_s(self, now_ns: int, name: str, cycle_s: float) -> float | None:
        """When the next cycle of a neighbour begins that runs the same cycle, or will soon; None: it does not. [s]"""
        place = self._places[name]
        signal, plans = place.signal, place.plans
        if signal is None or not self._is_heard(now_ns, name) or not plans.target_s:
            return None
        if abs(sum(plans.target_s) + float(plans.model.change_s.sum()) - cycle_s) > 0.5:
            return None
        now_s = now_ns / 1e9
        return now_s + (signal.plan.offset_s - now_s) % signal.plan.cycle_s

    def _flow(self, link: Link) -> float:
        """Who takes a link and comes to its end. [1/s]"""
        sender, receiver = self._places[link.upstream], self._places[link.downstream]
        ways, shares = sender.timing.ways, sender.timing.lineup.shares
        lane = ways.movements[link.way].lane
        if not sender.plans.rates:
            return 0.0
        mine = [k for k, movement in enumerate(ways.movements) if movement.lane == lane]
        share = float(shares[link.way] / max(1e-6, shares[mine].sum()))
        return sender.plans.rates[lane] * share * receiver.queues.reach.share(int(ways.to_lane[link.way]))

    def _comes(self, link: Link, greens_s: Floats, flow: float, count: int, later_s: float) -> Floats:
        """(count,) Who arrives by a link in each second of a cycle; `later_s`: how much later its begin is that of the sender's. [1]"""
        place = self._places[link.upstream]
        lane = place.timing.ways.movements[link.way].lane
        green = np.flatnonzero(self._green(link.upstream, (lane,), greens_s, count))
        comes = np.zeros(count)
        if not len(green):
            return comes
        first = int(green[0]) if green[0] or green[-1] < count - 1 else int(green[np.argmax(np.diff(green) > 1) + 1])
        rate, saturation = place.plans.rates[lane], max(0.1, place.plans.flow[lane])
        lasts = int(np.clip(np.ceil(rate * count / saturation), 1, len(green)))
        at = first + FIRST_S * link.travel_s + later_s
        seconds = (np.arange(lasts) + round(at)) % count
        np.add.at(comes, seconds, flow * count / lasts)
        return _spread(comes, link.travel_s)

    def _green(self, name: str, lanes: tuple[int, ...], greens_s: Floats, count: int) -> Floats:
        """(count,) Share of some lanes that has right of way in each second of a cycle."""
        model = self._places[name].plans.model
        shown, at_s = np.zeros(count), 0.0
        for k, (green_s, change_s) in enumerate(zip(greens_s, model.change_s, strict=True)):
            for lane in lanes:
                if model.serves[k, lane]:
                    goes_on = model.serves[(k + 1) % len(greens_s), lane]
                    until_s = green_s + (change_s if goes_on else model.served_s[k, lane])
                    shown[round(at_s) : round(at_s + until_s)] += 1.0 / len(lanes)
            at_s += green_s + change_s
        return np.minimum(shown, 1.0)


def _overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> Floats:
    """(n,) Sum of the products of two cycles when the second begins so much later."""
    count = len(first)
    rows = (np.arange(count)[None, :] - np.arange(count)[:, None]) % count
    found: Floats = second[rows] @ first
    return found


def _spread(comes: Floats, travel_s: float) -> Floats:
    """Platoons after their way: Robertson's recurrence round the cycle until it repeats."""
    share = 1.0 / (1.0 + SPREAD * travel_s)
    arrives, last = np.zeros(len(comes)), float(comes.mean())
    for _ in range(2):
        for k, count in enumerate(comes.tolist()):
            last += share * (count - last)
            arrives[k] = last
    return arrives
