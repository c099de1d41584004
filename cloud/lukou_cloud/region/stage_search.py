"""Search over stage sequences: which stage to show, for how long, and what comes next, for the least weighted delay.

A beam of plans is carried forward second by second over a model of the traffic: per lane a queue in the order of arrival, each
vehicle with its way and its headway; who yields waits for a gap; nobody goes where there is no room. Every plan that may change its
stage branches; the most promising are kept, some of each stage. (Beam search: Lowerre 1976; the rolling horizon: Gartner, *OPAC*, 1983;
vertical queues: Robertson and Bretherton's TRANSYT.) The model is vectorised over plans and lanes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.junction import FREE, NONE, YIELDS, Junction

GAP_S = 3.0
"""Who yields goes if nobody with priority arrives within this time; SUMO's and HCM's critical gaps are 3 to 5 s. [s]"""


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
    onward_s : (horizon, movements) float array, optional
        Wait at the next signal of who leaves in each second, above or below its mean. [s]
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
    onward_s: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class SearchSettings:
    """Size of the search.

    Attributes
    ----------
    horizon_s : int
        How far it looks ahead. [s]
    width : int
        Plans kept.
    startup_s : float
        From green to the first vehicle over the stop line. [s]
    interval_s : int
        Time between two decisions. [s]
    switch_cost : float
        Charged per change of stage. [weighted s]
    skip_cost : float
        Charged per stage that is left out of a fixed order. [weighted s]
    stop_s : float
        Delay of a stop beside the wait: braking and starting again, v / 2b + v / 2a. [s]
    """

    horizon_s: int = 60
    width: int = 24
    startup_s: float = 1.0
    interval_s: int = 1
    switch_cost: float = 0.0
    skip_cost: float = 0.0
    stop_s: float = 0.0


@dataclass(frozen=True)
class Choice:
    """Outcome of a search.

    Attributes
    ----------
    stage : int
        Stage to show or to change to now, or after the time in which ends are told.
    hold_s : float
        How long the running stage is expected to last yet. [s]
    following : int
        Stage that is expected next.
    cost, alternative : float
        Weighted delay of the plan chosen, and of the best one that decides otherwise now; inf: there is none. [s]
    departures : (horizon, lanes) bool array
        Who crosses which stop line when, under this plan.
    states : (horizon,) int array
        Of the junction in each second.
    """

    stage: int
    hold_s: float
    following: int
    cost: float
    alternative: float
    departures: NDArray[np.bool_]
    states: NDArray[np.int64]


class _Beam:
    """Plans, row by row."""

    __slots__ = ("age", "cost", "first_s", "free", "left_s", "next", "room", "skips", "state", "target")

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
        self.age = np.array([age_s])
        self.cost = np.zeros(1)
        self.first_s = np.full(1, -1)  # when the first change is decided; -1: not yet
        self.target = np.full(1, -1)  # what it leads to
        self.next = (
            np.arange(lanes)[None] * places
        )  # first vehicle of each lane, as a place in the flat tables of `Traffic`
        self.free = np.zeros((1, lanes))
        self.room = room[None].copy()

    def take(self, rows: NDArray[np.int64]) -> None:
        """Keep, or repeat, some rows."""
        self.age, self.cost, self.first_s = self.age.take(rows), self.cost.take(rows), self.first_s.take(rows)
        self.state, self.target, self.skips = self.state.take(rows), self.target.take(rows), self.skips.take(rows)
        self.free, self.next = self.free.take(rows, axis=0), self.next.take(rows, axis=0)
        self.room, self.left_s = self.room.take(rows, axis=0), self.left_s.take(rows, axis=0)


def _branches(second: int) -> bool:
    """Whether plans may change their stage in a second: later decisions will be made again, and need not be so fine."""
    return second < 12 or second % (2 if second < 36 else 4) == 0


class StageSearch:
    """Search for one intersection.

    Parameters
    ----------
    junction : Junction
    settings : SearchSettings
    """

    def __init__(self, junction: Junction, settings: SearchSettings) -> None:
        self.junction, self.settings = junction, settings
        self._stages = len(junction.stages)
        self._right, self._wait_s = np.ascontiguousarray(junction.right), np.ascontiguousarray(junction.wait_s)
        self._ways = junction.right.shape[1]
        self._served = np.ascontiguousarray((junction.right[: self._stages] > NONE).T, np.float32)
        stages, order = range(self._stages), np.arange(self._stages)
        following = np.roll(order, -1)
        self._least_cycle_s = float((junction.change_s + junction.min_s)[order, following].sum())
        self._between = np.zeros((self._stages,) * 3, np.float32)  # [from, stage between, to]
        for a, b in ((a, b) for a in stages for b in stages if a != b):
            self._between[a, [(a + 1 + k) % self._stages for k in range(int(junction.passed[a, b]))], b] = 1.0
        self._yields_to = np.ascontiguousarray(junction.gives_way.T)

    def decide(
        self,
        state: int,
        age_s: float,
        traffic: Traffic,
        allowed: frozenset[int],
        may_hold: bool = True,
        lead_s: NDArray[np.int64] | None = None,
        skips_left: int = 0,
        red_s: NDArray[np.float64] | None = None,
    ) -> Choice:
        """Choose.

        Parameters
        ----------
        state : int
            Of the junction now: a stage, or a second of a change.
        age_s : float
            Since the start of the running stage. [s]
        traffic : Traffic
        allowed : frozenset of int
            Stages that may be begun at their earliest.
        may_hold : bool
            Whether the running stage may go on.
        lead_s : (stages,) int array, optional
            The running stage is not ended sooner for each: its end has to be told first. [s]
        skips_left : int
            Stages that may yet be left out of the order.
        red_s : (stages,) float array, optional
            Since the last end of each stage; none is left out if it is not given. [s]
        """
        red_s = np.full(self._stages, np.inf) if red_s is None else red_s
        lead = np.zeros(self._stages, np.int64) if lead_s is None else lead_s
        lanes, places = traffic.arrival_s.shape
        beam = _Beam(state, age_s, skips_left, red_s, lanes, places, traffic.room)
        lineage: list[tuple[NDArray[np.int64] | None, NDArray[np.bool_], NDArray[np.int64]]] = []
        limits = bool(np.isfinite(traffic.room).any())
        for second in range(self.settings.horizon_s):
            rows = None
            after = second - int(lead.min())
            if (after >= 0 and after % self.settings.interval_s == 0 and _branches(after)) or second in lead:
                rows = self._branch(beam, second, traffic, allowed, may_hold, lead)
            shown = beam.state
            lineage.append((rows, self._advance(beam, second, traffic, limits), shown))
        every = np.arange(len(beam.state))
        score = beam.cost + self._rest(beam, self.settings.horizon_s, traffic, every, beam.state)
        return self._choice(beam, score, state, lineage, lead)

    # ---- branching

    def _branch(
        self,
        beam: _Beam,
        second: int,
        traffic: Traffic,
        allowed: frozenset[int],
        may_hold: bool,
        lead: NDArray[np.int64],
    ) -> NDArray[np.int64] | None:
        junction, count = self.junction, self._stages
        running = beam.state < count
        if not running.any() or count < 2:
            return None
        stage, undecided = np.minimum(beam.state, count - 1), beam.first_s < 0
        may = self._may(beam, stage, second, traffic)
        may &= running[:, None] & (beam.age[:, None] >= junction.min_s[stage] - 1e-6)
        may &= ~undecided[:, None] | (second > lead)[None]
        if second in lead:
            begins = np.array([k in allowed for k in range(count)]) & (second == lead)
            may |= (running & undecided)[:, None] & begins[None]
        if junction.fixed_order:
            may &= ~self._are_due(beam, stage, second, traffic.pace)
        may[np.arange(len(stage)), stage] = False
        over = running & (beam.age >= junction.max_s[stage] - 6.0) & may.any(axis=1)
        if not may_hold and second == 0 and may.any():
            over = running & may.any(axis=1)
        parent, to = np.nonzero(may)
        if not len(parent):
            return None
        stay = np.flatnonzero(~over)
        rows, target = np.concatenate([stay, parent]), np.concatenate([np.full(len(stay), -1), to])
        if len(rows) > self.settings.width:
            kept = self._best(beam, rows, target, second, traffic)
            rows, target = rows[kept], target[kept]
        beam.take(rows)
        self._change(beam, np.flatnonzero(target >= 0), target[target >= 0], second)
        return rows

    def _change(self, beam: _Beam, new: NDArray[np.int64], to: NDArray[np.int64], second: int) -> None:
        """Begin to change the stage of some plans."""
        junction, old = self.junction, beam.state[new]
        beam.skips[new] = np.where(to <= old, junction.skips, beam.skips[new]) - junction.passed[old, to]
        beam.left_s[new, old] = second
        beam.state[new] = np.where(junction.change_s[old, to] > 0, junction.change[old, to], to)
        beam.age[new] = 0.0
        beam.cost[new] += self.settings.switch_cost + self.settings.skip_cost * junction.passed[old, to]
        fresh = new[beam.first_s[new] < 0]
        beam.target[fresh] = to[beam.first_s[new] < 0]
        beam.first_s[fresh] = second

    def _may(self, beam: _Beam, stage: NDArray[np.int64], second: int, traffic: Traffic) -> NDArray[np.bool_]:
        """Stages that may follow by the order, or that somebody wants where it is free."""
        junction = self.junction
        if not junction.fixed_order:
            return self._wanted(beam, second, traffic)
        is_new_round = np.arange(self._stages)[None] <= stage[:, None]
        result: NDArray[np.bool_] = junction.passed[stage] <= np.where(
            is_new_round, junction.skips, beam.skips[:, None]
        )
        return result

    def _are_due(self, beam: _Beam, stage: NDArray[np.int64], second: int, pace: float) -> NDArray[np.bool_]:
        """Stages whose begin would leave out one that would be red for too long then, a round of the usual length later."""
        is_late = (second - beam.left_s + pace * self._least_cycle_s > self.junction.max_red_s).astype(np.float32)
        result: NDArray[np.bool_] = np.einsum("rk,rkt->rt", is_late, self._between[stage]) > 0
        return result

    def _wanted(self, beam: _Beam, second: int, traffic: Traffic) -> NDArray[np.bool_]:
        """Stages that serve a lane whose first vehicle waits or comes soon."""
        soon = traffic.arrival_s.take(beam.next) < second + 8.0
        rows, lanes = soon.nonzero()
        asked = np.zeros((len(soon), self._ways), np.float32)
        asked[rows, traffic.movement.take(beam.next)[rows, lanes]] = 1.0
        result: NDArray[np.bool_] = asked @ self._served > 0
        return result

    def _best(
        self, beam: _Beam, rows: NDArray[np.int64], target: NDArray[np.int64], second: int, traffic: Traffic
    ) -> NDArray[np.int64]:
        """The most promising of plans, which either go on or change to a target now; some of each stage."""
        junction, new = self.junction, np.flatnonzero(target >= 0)
        state, cost, to = beam.state[rows], beam.cost[rows], target[new]
        old = state[new]
        state[new] = np.where(junction.change_s[old, to] > 0, junction.change[old, to], to)
        cost[new] += self.settings.switch_cost + self.settings.skip_cost * junction.passed[old, to]
        score = cost + self._rest(beam, second, traffic, rows, state)
        stage = junction.stage[state] * 2 + ((beam.first_s[rows] >= 0) | (target >= 0))
        order = np.lexsort((score, stage))
        ordered = stage[order]
        counts = np.bincount(stage)
        starts = (np.cumsum(counts) - counts)[ordered]
        quota = max(2, self.settings.width // (2 * np.count_nonzero(counts)))
        key = score[order] - 1e12 * (np.arange(len(order)) - starts < quota)
        chosen: NDArray[np.int64] = order[np.argsort(key, kind="stable")[: self.settings.width]]
        chosen.sort()
        return chosen

    # ---- the model

    def _advance(self, beam: _Beam, second: int, traffic: Traffic, limits: bool) -> NDArray[np.bool_]:
        """One second of traffic for all rows; who departed."""
        junction = self.junction
        arrival = traffic.arrival_s.take(beam.next)
        movement = traffic.movement.take(beam.next)
        end = second + 1.0
        here = arrival < end
        right = self._right.take(beam.state[:, None] * self._ways + movement)
        goes = here & (right > NONE)
        yields = goes & (right == YIELDS)
        if yields.any():
            goes &= ~yields | self._has_gap(beam, right, movement, arrival, end)
        if limits:
            goes &= np.take_along_axis(beam.room, junction.exit[movement], axis=1) >= 1.0
        departs: NDArray[np.bool_] = np.asarray(goes & (beam.free < end), bool)
        start = np.maximum(np.maximum(arrival, beam.free), second)
        beam.free = np.where(departs, start + traffic.headway_s.take(beam.next), beam.free)
        # who waits at the line without right of way needs a moment when it comes
        held = here & ~goes
        beam.free = np.where(held, np.maximum(beam.free, end + self.settings.startup_s), beam.free)
        if limits:
            np.subtract.at(beam.room, (np.nonzero(departs)[0], junction.exit[movement[departs]]), 1.0)
            beam.room += traffic.drain
        if traffic.onward_s is not None:
            worth = traffic.weight.take(beam.next + 1, mode="clip") - traffic.weight.take(beam.next)
            beam.cost += np.where(departs, worth * traffic.onward_s[second].take(movement), 0.0).sum(axis=1)
        beam.next = beam.next + departs
        waiting = traffic.arrived[second + 1] - traffic.weight.take(beam.next)
        if self.settings.stop_s:
            stops = np.minimum(waiting, traffic.arrived[second + 1] - traffic.arrived[second])
            waiting += self.settings.stop_s * stops
        beam.cost += waiting.sum(axis=1)
        beam.state = junction.following.take(beam.state)
        beam.age += beam.state < self._stages
        return departs

    def _has_gap(
        self,
        beam: _Beam,
        right: NDArray[np.int8],
        movement: NDArray[np.int64],
        arrival: NDArray[np.float64],
        end: float,
    ) -> NDArray[np.bool_]:
        place = movement + np.arange(len(beam.state))[:, None] * self._ways
        busy = np.zeros((len(beam.state), self._ways), np.float32)
        busy.ravel()[place[(right == FREE) & (arrival < end + GAP_S)]] = 1.0
        is_open: NDArray[np.bool_] = (busy @ self._yields_to == 0).take(place)
        return is_open

    def _rest(
        self, beam: _Beam, second: int, traffic: Traffic, rows: NDArray[np.int64], state: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What those who wait yet in some plans will have to wait, estimated, if the junction is in a state then: a queue is gone
        when what its green has to spare has served it."""
        queue = traffic.arrived[second] - traffic.weight.take(beam.next)
        movement = traffic.movement.take(beam.next)
        clearing = (0.5 * traffic.headway_s.take(beam.next) * queue * queue / traffic.spare).sum(axis=1)
        wait = self._wait_s.take(state[:, None] * self._ways + movement[rows])
        result: NDArray[np.float64] = (queue[rows] * wait).sum(axis=1) * traffic.pace + clearing[rows]
        return result

    # ---- the outcome

    def _choice(
        self,
        beam: _Beam,
        score: NDArray[np.float64],
        state: int,
        lineage: list[tuple[NDArray[np.int64] | None, NDArray[np.bool_], NDArray[np.int64]]],
        lead: NDArray[np.int64],
    ) -> Choice:
        best = int(np.argmin(score))
        now = (beam.first_s >= 0) & (beam.first_s == lead[beam.target])
        is_now = bool(now[best])
        others = score[now != is_now]
        row, departures, states = best, [], []
        for rows, departed, shown in reversed(lineage):
            departures.append(departed[row])
            states.append(int(shown[row]))
            row = int(rows[row]) if rows is not None else row
        stage = int(self.junction.stage[state])
        first = int(beam.first_s[best])
        return Choice(
            int(beam.target[best]) if is_now else stage,
            float(first if first >= 0 else self.settings.horizon_s),
            int(beam.target[best]),
            float(score[best]),
            float(others.min()) if len(others) else np.inf,
            np.array(departures[::-1]),
            np.array(states[::-1]),
        )
