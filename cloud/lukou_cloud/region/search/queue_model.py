"""The model of traffic that the search looks ahead with, for some plans at once.

Per lane a queue in the order of arrival, each vehicle with its way and its headway; who yields waits for a gap; nobody goes where there
is no room. (Vertical queues: Robertson and Bretherton's TRANSYT.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.search.compiled import compiled
from lukou_cloud.region.search.junction import FREE, NONE, STOPS, YIELDS

GAP_S = 3.0
"""Who yields goes if nobody with priority arrives within this time; SUMO's and HCM's critical gaps are 3 to 5 s. [s]"""

BRAKING_S = 2.5
"""Drivers begin to brake for a red light when they would be at the line in this time: one second, and v / 2b at 50 km/h and
4.5 m/s². Green that comes only then finds them slower. [s]"""
STOP_S = 3.0
"""Who turns on red comes to the line, stops, looks and starts: so much later than who need not stop. [s]"""
LONGEST_REST_S = 100
"""So far beyond the horizon it is looked who will have waited too long on foot. [s]"""


class Traffic(NamedTuple):
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
    overdue : (horizon + 1 + LONGEST_REST_S, crosswalks) float array
        Sum of the weights of who will by then have waited too long on foot, were there no green from now on; crosswalks are the last lanes.
    overdue_weight : float
        So much more they count from then on.
    pace : float
        Cycle of late, on the shortest one: whoever misses a green waits so much longer than the shortest wait.
    """

    arrival_s: NDArray[np.float64]
    movement: NDArray[np.int64]
    headway_s: NDArray[np.float64]
    weight: NDArray[np.float64]
    arrived: NDArray[np.float64]
    room: NDArray[np.float64]
    drain: NDArray[np.float64]
    spare: NDArray[np.float64]
    overdue: NDArray[np.float64]
    overdue_weight: float = 0.0
    pace: float = 1.0


class Rules(NamedTuple):
    """What the search needs of a `Junction`, and of its settings, as tables.

    Attributes
    ----------
    right : (states, ways) int8 array
        `NONE`, `FREE`, `YIELDS` or `STOPS`.
    gives_way : (ways, ways) bool array
        Whether the first waits for the second where it yields.
    exit : (ways,) int array
    following, stage : (states,) int array
        State of the next second if nobody decides; stage that runs, or that the change leads to.
    begun, passed : (stages, stages) int array
        State with which each change begins; stages that it leaves out.
    charge : (stages, stages) float array
        Cost of each change. [weighted s]
    min_s : (stages, stages) float array
        Least time from a stage's start to the start of each change; inf: from itself. [s]
    until_s, max_red_s : (stages,) float array
        When each stage has to end, and its longest time between an end and a begin. [s]
    wait_s : (states, ways) float array
        Least time until a way has right of way. [s]
    skips : int
        Stages that may be left out until the order has come round.
    fixed_order : bool
    least_cycle_s : float
        Shortest round of all stages. [s]
    slowed : float
        Loss for each second of braking.
    stop_s : float
        Delay of a stop beside the wait. [s]
    """

    right: NDArray[np.int8]
    gives_way: NDArray[np.bool_]
    exit: NDArray[np.int64]
    following: NDArray[np.int64]
    stage: NDArray[np.int64]
    begun: NDArray[np.int64]
    passed: NDArray[np.int64]
    charge: NDArray[np.float64]
    min_s: NDArray[np.float64]
    until_s: NDArray[np.float64]
    max_red_s: NDArray[np.float64]
    wait_s: NDArray[np.float64]
    skips: int
    fixed_order: bool
    least_cycle_s: float
    slowed: float
    stop_s: float


class Beam(NamedTuple):
    """Plans, row by row.

    Attributes
    ----------
    state : (n,) int array
        Of the junction.
    age : (n,) float array
        Since the start of the running stage. [s]
    cost : (n,) float array
        So far. [weighted s]
    first_s, target : (n,) int array
        When the first change is decided, and what it leads to; -1: not yet. [s]
    skips : (n,) int array
        Stages that may yet be left out.
    left_s : (n, stages) float array
        When each stage ended last. [s]
    next : (n, lanes) int array
        First vehicle of each lane that has not gone.
    free : (n, lanes) float array
        When it may go. [s]
    room : (n, exits) float array
    """

    state: NDArray[np.int64]
    age: NDArray[np.float64]
    cost: NDArray[np.float64]
    first_s: NDArray[np.int64]
    target: NDArray[np.int64]
    skips: NDArray[np.int64]
    left_s: NDArray[np.float64]
    next: NDArray[np.int64]
    free: NDArray[np.float64]
    room: NDArray[np.float64]


@compiled
def new_beam(width: int, stages: int, lanes: int, exits: int) -> Beam:
    """A beam that holds so many plans."""
    return Beam(
        np.zeros(width, np.int64),
        np.zeros(width),
        np.zeros(width),
        np.full(width, -1),
        np.full(width, -1),
        np.zeros(width, np.int64),
        np.zeros((width, stages)),
        np.zeros((width, lanes), np.int64),
        np.zeros((width, lanes)),
        np.zeros((width, exits)),
    )


@compiled
def copy_plan(old: Beam, source: int, new: Beam, to: int) -> None:
    """Copy one plan to a row of another beam."""
    new.state[to], new.age[to], new.cost[to] = old.state[source], old.age[source], old.cost[source]
    new.first_s[to], new.target[to], new.skips[to] = old.first_s[source], old.target[source], old.skips[source]
    for lane in range(old.next.shape[1]):
        new.next[to, lane], new.free[to, lane] = old.next[source, lane], old.free[source, lane]
    for stage in range(old.left_s.shape[1]):
        new.left_s[to, stage] = old.left_s[source, stage]
    for exit_ in range(old.room.shape[1]):
        new.room[to, exit_] = old.room[source, exit_]


@compiled
def advance(beam: Beam, count: int, second: int, rules: Rules, traffic: Traffic, departed: NDArray[np.bool_]) -> None:
    """One second of traffic for the first `count` plans.

    Parameters
    ----------
    beam : Beam
    count, second : int
    rules : Rules
    traffic : Traffic
    departed : (n, lanes) bool array
        Takes who has crossed which stop line.
    """
    lanes = traffic.arrival_s.shape[0]
    end = second + 1.0
    arrival, way, right = np.zeros(lanes), np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    for row in range(count):
        state = beam.state[row]
        for lane in range(lanes):
            first = beam.next[row, lane]
            way[lane] = traffic.movement[lane, first]
            right[lane] = rules.right[state, way[lane]]
            arrival[lane] = traffic.arrival_s[lane, first] + (STOP_S if right[lane] == STOPS else 0.0)
        for lane in range(lanes):
            goes, is_held = arrival[lane] < end and right[lane] != NONE, right[lane] == NONE
            if goes and right[lane] >= YIELDS and not _has_gap(lane, way, right, arrival, end, rules.gives_way):
                goes, is_held = False, True
            if goes and beam.room[row, rules.exit[way[lane]]] < 1.0:
                goes, is_held = False, True
            departed[row, lane] = goes and beam.free[row, lane] < end
            if is_held:
                # who waits at the line without right of way needs a moment when it comes, and who brakes for a red light part of it
                at = max(arrival[lane], end)
                ready = max(at, at * (1.0 - rules.slowed) + rules.slowed * (end + BRAKING_S))
                beam.free[row, lane] = max(beam.free[row, lane], ready)
            elif departed[row, lane]:
                start = max(beam.free[row, lane], arrival[lane], float(second))
                beam.free[row, lane] = start + traffic.headway_s[lane, beam.next[row, lane]]
        cost = 0.0
        for lane in range(lanes):
            if departed[row, lane]:
                beam.room[row, rules.exit[way[lane]]] -= 1.0
                beam.next[row, lane] += 1
            waiting = traffic.arrived[second + 1, lane] - traffic.weight[lane, beam.next[row, lane]]
            cost += waiting + rules.stop_s * min(
                waiting, traffic.arrived[second + 1, lane] - traffic.arrived[second, lane]
            )
        for k in range(traffic.overdue.shape[1]):
            cost += traffic.overdue_weight * _late(beam, row, k, second + 1, traffic)
        for exit_ in range(len(traffic.drain)):
            beam.room[row, exit_] += traffic.drain[exit_]
        beam.cost[row] += cost
        beam.state[row] = rules.following[state]
        beam.age[row] += beam.state[row] < len(rules.until_s)


@compiled
def _has_gap(
    lane: int,
    way: NDArray[np.int64],
    right: NDArray[np.int64],
    arrival: NDArray[np.float64],
    end: float,
    gives_way: NDArray[np.bool_],
) -> bool:
    """Whether nobody with priority comes within the gap that the first of a lane needs."""
    for other in range(len(way)):
        if right[other] == FREE and arrival[other] < end + GAP_S and gives_way[way[lane], way[other]]:
            return False
    return True


@compiled
def _late(beam: Beam, row: int, crossing: int, second: int, traffic: Traffic) -> float:
    """Weights of who waits at a crosswalk in a plan, and has waited too long by a second."""
    lane = traffic.arrival_s.shape[0] - traffic.overdue.shape[1] + crossing
    late: float = traffic.overdue[second, crossing] - traffic.weight[lane, beam.next[row, lane]]
    return max(0.0, late)


@compiled
def rest(beam: Beam, row: int, state: int, second: int, rules: Rules, traffic: Traffic) -> float:
    """What those who wait yet in a plan will have to wait, estimated, if the junction is in a state then: a queue is gone
    when what its green has to spare has served it."""
    clearing, wait = 0.0, 0.0
    for lane in range(traffic.arrival_s.shape[0]):
        first = beam.next[row, lane]
        queue = traffic.arrived[second, lane] - traffic.weight[lane, first]
        clearing += 0.5 * traffic.headway_s[lane, first] * queue * queue / traffic.spare[lane]
        wait += queue * rules.wait_s[state, traffic.movement[lane, first]]
    for k in range(traffic.overdue.shape[1]):
        lane = traffic.arrival_s.shape[0] - traffic.overdue.shape[1] + k
        wait_s = rules.wait_s[state, traffic.movement[lane, beam.next[row, lane]]]
        until = second + min(int(wait_s * traffic.pace), LONGEST_REST_S)
        late = 0.5 * (_late(beam, row, k, second, traffic) + _late(beam, row, k, until, traffic))
        wait += traffic.overdue_weight * late * wait_s
    return wait * traffic.pace + clearing
