"""The model of traffic that the search looks ahead with, vectorised over plans and lanes.

Per lane a queue in the order of arrival, each vehicle with its way and its headway; who yields waits for a gap; nobody goes where there
is no room. (Vertical queues: Robertson and Bretherton's TRANSYT.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.junction import FREE, NONE, STOPS, YIELDS, Junction

GAP_S = 3.0
"""Who yields goes if nobody with priority arrives within this time; SUMO's and HCM's critical gaps are 3 to 5 s. [s]"""

BRAKING_S = 2.5
"""Drivers begin to brake for a red light when they would be at the line in this time: one second, and v / 2b at 50 km/h and
4.5 m/s². Green that comes only then finds them slower. [s]"""
STOP_S = 3.0
"""Who turns on red comes to the line, stops, looks and starts: so much later than who need not stop. [s]"""


@dataclass(frozen=True)
class Traffic:
    """Vehicles known or expected, by lane, in the order in which they cross the stop line.

    Attributes
    ----------
    arrival_s : (lanes, n + 1) float array
        Earliest time at the stop line, from now; the last column is inf. [s]
    movement : (lanes, n + 1) int array
        Way of each.
    headway_s : (lanes, n + 1) float array
        Time that it takes of its lane's green. [s]
    weight : (lanes, n + 1) float array
        Sum of the weights of those before it.
    arrived : (horizon + 1, lanes) float array
        Sum of the weights that have arrived by the end of second t.
    room : (exits,) float array
        Vehicles that each exit still takes; inf: no limit known.
    drain : (exits,) float array
        Rate at which it gets room again. [1/s]
    spare : (lanes,) float array
        Share of the time that a lane has to clear what is left over in: that of its green less that of its load.
    pace : float
        Cycle of late on the shortest one: so much longer than the least is the wait for a stage.
    """

    arrival_s: NDArray[np.float64]
    movement: NDArray[np.int64]
    headway_s: NDArray[np.float64]
    weight: NDArray[np.float64]
    arrived: NDArray[np.float64]
    room: NDArray[np.float64]
    drain: NDArray[np.float64]
    spare: NDArray[np.float64]
    pace: float = 1.0


class Beam:
    """Plans, row by row."""

    __slots__ = ("age", "cost", "first_s", "free", "left_s", "next", "ones", "room", "skips", "state", "target")

    def __init__(
        self,
        state: int,
        age_s: float,
        skips: int,
        red_s: NDArray[np.float64],
        lanes: int,
        places: int,
        room: NDArray[np.float64],
    ) -> None:
        self.state = np.array([state])
        self.left_s = -red_s[None]  # when each stage ended last
        self.skips = np.array([skips])  # stages that may yet be left out
        self.age = np.array([age_s], np.float64)
        self.cost = np.zeros(1)
        self.first_s = np.full(1, -1)  # when the first change is decided; -1: not yet
        self.target = np.full(1, -1)  # what it leads to
        self.next = (
            np.arange(lanes)[None] * places
        )  # first vehicle of each lane, as a place in the flat tables of `Traffic`
        self.free = np.zeros((1, lanes))
        self.ones = np.ones(lanes)
        self.room = room[None].copy()

    def take(self, rows: NDArray[np.int64]) -> None:
        """Keep, or repeat, some rows."""
        self.age, self.cost, self.first_s = self.age.take(rows), self.cost.take(rows), self.first_s.take(rows)
        self.state, self.target, self.skips = self.state.take(rows), self.target.take(rows), self.skips.take(rows)
        self.free, self.next = self.free.take(rows, axis=0), self.next.take(rows, axis=0)
        self.room, self.left_s = self.room.take(rows, axis=0), self.left_s.take(rows, axis=0)


class QueueModel:
    """Queues at one intersection.

    Parameters
    ----------
    junction : Junction
    width : int
        Most plans at once.
    startup_s : float
        From green to the first vehicle over the stop line. [s]
    stop_s : float
        Delay of a stop beside the wait. [s]
    """

    def __init__(self, junction: Junction, width: int, startup_s: float, stop_s: float) -> None:
        self._junction, self._stop_s = junction, stop_s
        self._stages = len(junction.stages)
        self._wait_s = np.ascontiguousarray(junction.wait_s)
        # by state and way
        self._has_right, self._is_free = junction.right > NONE, junction.right == FREE
        self._yields, self._stops = junction.right >= YIELDS, junction.right == STOPS
        self._ways = junction.right.shape[1]
        self._turns_on_red = bool(self._stops.any())
        self._yields_to = np.ascontiguousarray(junction.gives_way.T)
        self._rows = np.arange(width)[:, None] * self._ways
        self._slowed = min(startup_s / BRAKING_S, 0.99)  # loss for each second of braking

    def advance(self, beam: Beam, second: int, traffic: Traffic, limits: bool) -> NDArray[np.bool_]:
        """One second of traffic for all rows; who departed.

        On arrays so small some ways of numpy take several times as long as others: `count_nonzero` stands for `any`, `dot` for `sum`,
        `putmask` for `where`.
        """
        junction = self._junction
        arrival = traffic.arrival_s.take(beam.next)
        movement = traffic.movement.take(beam.next)
        end = second + 1.0
        case = (beam.state * self._ways)[:, None] + movement
        if self._turns_on_red:
            arrival = np.where(self._stops.take(case), arrival + STOP_S, arrival)
        has_right = self._has_right.take(case)
        goes = (arrival < end) & has_right
        held = ~has_right  # or here, and nobody lets it go
        yields = goes & self._yields.take(case)
        if np.count_nonzero(yields):
            waits = yields > self._has_gap(case, movement, arrival, end)
            goes ^= waits
            held |= waits
        if limits:
            waits = goes & (np.take_along_axis(beam.room, junction.exit[movement], axis=1) < 1.0)
            goes ^= waits
            held |= waits
        departs: NDArray[np.bool_] = goes & (beam.free < end)
        start = np.maximum(beam.free, arrival)
        start = np.maximum(start, float(second)) + traffic.headway_s.take(beam.next)
        # who waits at the line without right of way needs a moment when it comes, and who brakes for a red light part of it
        at = np.maximum(arrival, end)
        ready = np.maximum(at, at * (1.0 - self._slowed) + self._slowed * (end + BRAKING_S))
        np.putmask(beam.free, held, np.maximum(beam.free, ready))
        np.putmask(beam.free, departs, start)
        if limits:
            np.subtract.at(beam.room, (np.nonzero(departs)[0], junction.exit[movement[departs]]), 1.0)
            beam.room += traffic.drain
        beam.next += departs.astype(np.int64)
        arrived = traffic.arrived[second + 1]
        waiting = arrived - traffic.weight.take(beam.next)
        if self._stop_s:
            waiting += self._stop_s * np.minimum(waiting, arrived - traffic.arrived[second])
        beam.cost += waiting.dot(beam.ones)
        beam.state = junction.following.take(beam.state)
        beam.age += (beam.state < self._stages).astype(np.float64)
        return departs

    def _has_gap(
        self, case: NDArray[np.int64], movement: NDArray[np.int64], arrival: NDArray[np.float64], end: float
    ) -> NDArray[np.bool_]:
        place = movement + self._rows[: len(movement)]
        busy = np.zeros((len(movement), self._ways), np.float32)
        coming = (arrival < end + GAP_S) & self._is_free.take(case)
        busy.ravel()[place[coming]] = 1.0
        is_open: NDArray[np.bool_] = (busy @ self._yields_to == 0).take(place)
        return is_open

    def rest(
        self, beam: Beam, second: int, traffic: Traffic, rows: NDArray[np.int64], state: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What those who wait yet in some plans will have to wait, estimated, if the junction is in a state then: a queue is gone
        when what its green has to spare has served it."""
        queue = traffic.arrived[second] - traffic.weight.take(beam.next)
        movement = traffic.movement.take(beam.next)
        clearing = (0.5 * traffic.headway_s.take(beam.next) * queue * queue / traffic.spare).dot(beam.ones)
        wait = self._wait_s.take((state * self._ways)[:, None] + movement.take(rows, axis=0))
        result: NDArray[np.float64] = (queue.take(rows, axis=0) * wait).dot(beam.ones) * traffic.pace + clearing.take(
            rows
        )
        return result
