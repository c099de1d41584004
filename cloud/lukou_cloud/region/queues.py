"""Queues and arrivals of one intersection, estimated from the object list: what the timing model starts from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.approaches import Approaches
from lukou_cloud.region.discharge import Discharge
from lukou_cloud.region.lineup import Seen
from lukou_cloud.region.people import WAITING_MPS, Crosswalks
from lukou_cloud.region.reach import ReachShare
from lukou_cloud.region.room import ExitRoom
from lukou_cloud.region.settings import TimingSettings
from lukou_cloud.region.situation import Situation
from lukou_cloud.region.sudden import BELIEVED, PASSED_M, Sudden
from lukou_cloud.region.tally import Above, Tally
from lukou_cloud.region.travel import STANDING_MPS, free_arrival_s
from lukou_cloud.region.trust import has_unsure_place, standing_mps
from lukou_cloud.region.unseen import Standing, Unseen
from lukou_cloud.region.view import SEEN_FROM_M
from lukou_messages.objects import ObjectList
from lukou_messages.v1.objects_pb2 import ObjectClass

Place = tuple[int, tuple[int, ...], float, float, float]
"""Approach lane or -1, those it may take, way to the stop line, time for it at the speed limits, limit here. [m, s, m/s]"""

PEDESTRIAN, BUS = int(ObjectClass.OBJECT_CLASS_PEDESTRIAN), int(ObjectClass.OBJECT_CLASS_BUS)

NOWHERE: Above = (0.0, 0.0, 0.0, (), 0.0, 0.0)
LONGEST_STEP_S = 2.0
"""After a longer gap, nobody knows what was shown in it. [s]"""
SHARE_MEMORY_S = 600.0
"""Time constant of the share of green that a lane had of late. [s]"""
PRIOR_S = 60.0
"""A usual side street's rate counts as seen for so long. [s]"""

COME_M = 10.0
"""Who has come so far nearer since it was first seen was seen driving; others may be nobody, or parked. [m]"""

FEW_TELL = 0.5
"""Where a smaller share is seen, what was learned of flows while all were taken for seen is not true."""
NOTHING: Mapping[int, int] = MappingProxyType({})


class QueueEstimator:
    """Follows road users on the approaches of one intersection and learns arrival rates and lane choice.

    Parameters
    ----------
    approaches : Approaches
    lane_index : dict
        Map index of each lane name.
    crossing_ends : (c, 2, 2) float array
        The two ends of each crosswalk in the map frame. [m]
    settings : TimingSettings
    """

    def __init__(
        self,
        approaches: Approaches,
        lane_index: dict[str, int],
        crossing_ends: NDArray[np.float64],
        settings: TimingSettings,
    ) -> None:
        self.approaches = approaches
        self._lane_index = lane_index
        self._crosswalks = Crosswalks(crossing_ends, len(approaches.lanes))
        self._view_m = settings.view_m
        self._memory = settings.rate_memory_s
        self._bus_weight = settings.bus_weight
        lanes, crossings = len(approaches.lanes), len(approaches.crossings)
        self._number = {lane: k for k, lane in enumerate(approaches.lanes)}
        self._size = lanes + crossings
        self._road = [name.rsplit("_", 1)[0] for name in approaches.names]
        self._left, self._watched_s = np.full(self._size, 0.02 * PRIOR_S), np.full(self._size, PRIOR_S)
        self.rates = self._left / self._watched_s  # arrivals of those who are seen
        self._seen: dict[int, tuple[int, float]] = {}
        self._waits: dict[int, tuple[int, float]] = {}
        self._first_m: dict[int, float] = {}  # where before the stop line everybody was seen first
        headway = np.where(approaches.yields, settings.yielding_headway_s, settings.headway_s)
        headway = np.where(approaches.is_bicycle, settings.bicycle_headway_s, headway)
        self.discharge = Discharge(1.0 / headway)
        self.green_share = approaches.serves[:, :lanes].mean(axis=0) if len(approaches.stages) else np.zeros(lanes)
        self.change_share = 0.0  # set by who knows the shortest cycle
        self._people_flow = np.full(crossings, 50.0)  # all who wait step off at once
        self.departures = np.zeros(lanes, np.int64)
        self.behind_m: Mapping[int, float] = {}  # lanes that begin so far behind another intersection [m]
        # of the intersection: approach lane by map index; set by who knows its ways
        self.inside_lanes: Mapping[int, int] = {}
        self.exits = ExitRoom()  # set by who knows them
        self.entries: frozenset[int] = frozenset()  # lanes with which the map begins; set by who knows it
        self.crossed: list[tuple[int, int]] = []  # identity and lane of those who passed the stop line last
        self._last_s: float | None = None
        self._above: dict[int, Above] = {}  # vehicles further up, as last seen
        self._lost: dict[int, Above] = {}  # those of them that nobody sees now
        self.reach = ReachShare()
        self.sudden = Sudden()
        self._border_m = np.full(lanes, self._view_m)  # where vehicles come into view, before each stop line
        self.unseen = Unseen(~approaches.is_bicycle)

    def update(
        self,
        now_s: float,
        objects: ObjectList,
        stage: int = -1,
        intentions: Mapping[int, int] = NOTHING,
        seen_m: NDArray[np.float64] | None = None,
        is_heard: bool = True,
        changing: tuple[int, int, float] | None = None,
    ) -> Situation:
        """Estimate from one object list.

        Parameters
        ----------
        now_s : float
            Time from any fixed origin. [s]
        objects : ObjectList
            Road users.
        stage : int
            Running stage; -1 during a change, or if it is unknown.
        intentions : mapping of int to int
            `Turn` that vehicles have told, by identity.
        seen_m : (lanes,) float array, optional
            How far before the stop line each lane is watched; everywhere if not given. [m]
        is_heard : bool
            Whether the signal tells what it shows: a stage, or a change.
        changing : (int, int, float), optional
            During a change: the stage that ends, the one that follows, and since when [s].
        """
        view_m = np.full(len(self.approaches.lanes), self._view_m)
        view_m = view_m if seen_m is None else np.minimum(seen_m, view_m)
        self._border_m = np.minimum(view_m, self.approaches.reach_m)
        lanes = [self._lane_index.get(name, -1) for name in objects.lane_names]
        tally = Tally.of(self._size, len(self.approaches.lanes))
        speed = np.hypot(objects.velocity_x_mps, objects.velocity_y_mps)
        pedestrians = objects.object_class == PEDESTRIAN
        is_near = self._is_near(objects, lanes) & ~pedestrians
        tally.elsewhere = objects.id[~is_near & ~pedestrians].tolist()
        stands, unsure = standing_mps(objects), has_unsure_place(objects)
        columns = (objects.id, objects.object_class, objects.lane, objects.lane_s_m, speed, stands, unsure)
        for identity, kind, lane, s, v, still, is_unsure in zip(
            *(column[is_near].tolist() for column in columns), strict=True
        ):
            worth = self._bus_weight if kind == BUS else 1.0
            v = 0.0 if STANDING_MPS <= v < still and identity in self._waits else v
            self._take(tally, now_s, identity, lanes[lane], s, v, intentions.get(identity, 0), worth, is_unsure)
        queue, waited, seen, present = tally.queue, tally.waited, tally.seen, tally.present
        walkers, waiting = self._crosswalks.take(
            objects, pedestrians & (speed < WAITING_MPS), now_s, self._waits, tally
        )
        seen += self._between(now_s, tally.above, present, view_m)
        is_watched = view_m >= SEEN_FROM_M
        dt_s = 0.0 if self._last_s is None else max(0.0, now_s - self._last_s)
        self._last_s = now_s
        self._hide(dt_s, is_watched, stage, tally)
        self._learn(dt_s, tally, stage, is_watched, is_heard, changing)
        self.reach.close(tally.elsewhere)
        self.sudden.close(now_s, dt_s)
        view_m = np.minimum(view_m, self.approaches.reach_m)
        self._waits = tally.waits
        flow = np.concatenate([self.discharge.flow, self._people_flow])
        red_flow = np.concatenate([self.discharge.red_flow, np.zeros(len(self._people_flow))])
        return Situation(
            queue, waited, flow, red_flow, walkers, len(present), waiting, tuple(seen), self.rates.copy(),
            tuple(tally.inside),
            view_m, self.hidden_rates(), *self.exits.left(tally.leaving), self.green_share.copy(), self.change_share,
            self.unseen.share, self.unseen.is_few, self.unseen.red_s,
            self._crosswalks.coming(objects, pedestrians & (speed >= WAITING_MPS)), tuple(tally.on_foot),
        )  # fmt: skip

    def _is_near(self, objects: ObjectList, lanes: list[int]) -> NDArray[np.bool_]:
        """Who is on the approaches, inside the intersection or on its exits."""
        upstream = self.approaches.upstream
        near = [
            lane in self._number or lane in upstream or lane in self.inside_lanes or self.exits.covers(lane)
            for lane in lanes
        ]
        found: NDArray[np.bool_] = np.array([*near, False])[np.minimum(objects.lane, len(lanes))]
        return found

    def _take(
        self,
        tally: Tally,
        now_s: float,
        identity: int,
        lane: int,
        s: float,
        v: float,
        turn: int,
        worth: float,
        is_unsure: bool,
    ) -> None:
        """Count one vehicle."""
        if v < STANDING_MPS and lane in self.inside_lanes:
            tally.inside.append(lane)
        if self.exits.covers(lane):
            tally.leaving.append((lane, s, v))
        place = self._place(lane, s)
        if place is None:
            tally.elsewhere.append(identity)
            self.sudden.passed(identity)
            if lane in self.inside_lanes:
                tally.entered[identity] = self.inside_lanes[lane]
            elif self.exits.covers(lane) and len(choices := self._above.get(identity, NOWHERE)[3]) == 1:
                tally.entered[identity] = choices[0]
            return
        if is_unsure and v < STANDING_MPS:
            place = self._kept(identity, place)
        number, shares, to_stop, free_s, limit = place
        self.reach.note(identity, lane if number < 0 else -1)
        # in view of the intersection before, since it left that
        is_behind = self.behind_m.get(lane, np.inf) + s <= self._view_m
        driven_m = np.inf if is_behind else min(self._border_m[list(shares)].tolist()) - to_stop
        driven_m = min(driven_m, s) if lane in self.entries else driven_m
        comes = self.sudden.likely(now_s, identity, driven_m, to_stop, v)
        if to_stop > self._view_m and not is_behind:
            return
        arrival_s = free_arrival_s(to_stop, free_s, v, limit)
        tally.present[identity] = (number, to_stop)
        self._first_m.setdefault(identity, to_stop)
        if number < 0:
            comes *= self.reach.share(lane)
            tally.above[identity] = (now_s, to_stop, v, shares, comes, worth)
        if v < STANDING_MPS:
            self._stand(tally.queue, number, shares, comes)
        wait_s = 0.0
        if v < STANDING_MPS:
            since = self._waits.get(identity, (number, now_s))[1]
            tally.waits[identity] = (number, since)
            wait_s = now_s - since
        tells = self._first_m.get(identity, to_stop) - to_stop > COME_M
        if comes > BELIEVED and number >= 0:
            tally.on_approach(number, Standing(to_stop, identity, wait_s, tells, is_unsure), v, limit)
        elif comes > BELIEVED and v < STANDING_MPS:  # its queue reaches beyond the lane
            above = self.approaches.upstream[lane]
            usual = self.reach.usual(lane, above.ahead, self.rates)
            one = Standing(max(0.0, to_stop - above.inside_m), identity, wait_s, tells and above.is_row, is_unsure)
            tally.on_approach(usual, one, v, limit)
        tally.seen.append(Seen(number, shares, to_stop, v, arrival_s, wait_s, turn, comes, worth))

    def _place(self, lane: int, s: float) -> Place | None:
        """Where a map lane and arc length are before the stop line; None: on no approach."""
        number = self._number.get(lane)
        if number is not None:
            limit = float(self.approaches.speed_mps[number])
            to_stop = max(0.0, float(self.approaches.length_m[number]) - s)
            return number, (number,), to_stop, to_stop / limit, limit
        above = self.approaches.upstream.get(lane)
        if above is None:
            return None
        to_stop, free_s = above.to_stop_m - s, above.to_stop_s - s / above.speed_mps
        return -1, above.choices, max(0.0, to_stop), max(0.0, free_s), above.speed_mps

    def _kept(self, identity: int, place: Place) -> Place:
        """Who stands, and whose place is unsure, has not changed to the lane beside: that was the measurement."""
        before, roads = self._waits.get(identity, (-1, 0.0))[0], self._road
        if not 0 <= before < len(roads) or place[0] < 0 or roads[before] != roads[place[0]]:
            return place
        return before, (before,), *place[2:]

    def _stand(self, queue: NDArray[np.float64], number: int, shares: tuple[int, ...], comes: float) -> None:
        """Count who stands, further up on the lanes that it may take."""
        if number >= 0:
            queue[number] += comes
            return
        choice = list(shares)
        weights = self.rates[choice] + 1e-3
        queue[choice] += comes * weights / weights.sum()

    def _between(
        self, now_s: float, above: dict[int, Above], present: Mapping[int, object], view_m: NDArray[np.float64]
    ) -> list[Seen]:
        """Vehicles that have driven out of one view and not yet into the next: where they should be by now."""
        found, kept = [], {}
        for identity, (at_s, to_stop, v, choices, comes, worth) in {**self._lost, **self._above}.items():
            if identity in present:
                continue
            speed = max(v, 0.5 * float(self.approaches.speed_mps[choices[0]]))
            left_m = to_stop - (now_s - at_s) * speed
            if left_m > view_m[list(choices)].min():
                kept[identity] = (at_s, to_stop, v, choices, comes, worth)
                self.reach.note(identity)
                found.append(Seen(-1, choices, left_m, speed, left_m / speed, 0.0, 0, comes, worth))
        self._above, self._lost = above, kept
        return found

    def _hide(self, dt_s: float, is_watched: NDArray[np.bool_], stage: int, tally: Tally) -> None:
        """Those who stand unseen; where nobody looks, as many come as usual."""
        lanes = len(is_watched)
        served = self.approaches.serves[stage, :lanes] if stage >= 0 else np.zeros(lanes, np.bool_)
        standing = tally.standing
        for row in standing:
            row.sort(key=lambda one: one.to_stop_m)
        flow = np.where(served, self.discharge.flow, self.discharge.red_flow)
        arriving = self.hidden_rates() + np.where(is_watched, 0.0, self.rates[:lanes])
        is_moving = tally.moving_m < [row[0].to_stop_m if row else np.inf for row in standing]
        is_moving[[lane for _, lane in self.crossed]] = True
        hidden = self.unseen.update(dt_s, standing, tally.free_m, served, flow, arriving, is_watched, is_moving)
        for lane, places in enumerate(hidden):
            for to_stop, comes, wait_s in places:
                tally.queue[lane] += comes
                tally.seen.append(Seen(lane, (lane,), to_stop, 0.0, 0.0, wait_s, 0, comes))

    def hidden_rates(self) -> NDArray[np.float64]:
        """Unseen vehicles that come to each approach lane: even where none was ever seen, there may be some (Jeffreys). [1/s]"""
        share, lanes = self.unseen.share, len(self.approaches.lanes)
        result: NDArray[np.float64] = (self._left[:lanes] + 0.5) / self._watched_s[:lanes] * (1.0 - share) / share
        return result

    def _learn(
        self,
        dt_s: float,
        tally: Tally,
        stage: int,
        is_seen: NDArray[np.bool_],
        is_heard: bool,
        changing: tuple[int, int, float] | None,
    ) -> None:
        """Count who has crossed the stop line of which lane, and smooth it to rates."""
        left = np.zeros(self._size)
        self.crossed = []
        for identity, (number, to_stop) in self._seen.items():
            number = (
                tally.entered.get(identity, -1) if number < 0 else number
            )  # short lanes are passed between two lists
            if identity not in tally.present and number >= 0 and to_stop < PASSED_M:
                self.reach.ended(identity, number)
                if self.sudden.is_doubted(identity):
                    continue
                left[number] += 1
                self.departures[number] += 1
                self.crossed.append((identity, number))
        for number in tally.came:
            left[number] += 1
        if dt_s > 0:
            served = self.approaches.serves[stage, : len(is_seen)] if stage >= 0 else np.zeros(len(is_seen), np.bool_)
            if changing is not None:
                first, second, since_s = changing
                served = self.approaches.served_in_change_s[first, second, : len(is_seen)] > since_s
            if dt_s <= LONGEST_STEP_S and is_heard:
                step = 1.0 - np.exp(-dt_s / SHARE_MEMORY_S)
                self.green_share += (served - self.green_share) * step
                self.change_share += ((stage < 0) - self.change_share) * step
            keep = np.exp(-dt_s * self.unseen.share / self._memory)  # where few are seen, it takes longer to know
            known = np.concatenate([is_seen, np.ones(self._size - len(is_seen), np.bool_)])
            self._left = np.where(known, keep * self._left + left, self._left)
            self._watched_s = np.where(known, keep * self._watched_s + dt_s, self._watched_s)
            self.rates = self._left / self._watched_s
            if self.unseen.share < FEW_TELL:
                self.discharge = Discharge(self.discharge.expected)
            elif stage >= 0 and self.unseen.share >= 1.0:
                standing = np.array([float(len(row)) for row in tally.standing])
                self.discharge.learn(served, standing, left[: len(is_seen)], dt_s)
        self._seen = tally.present
        self._first_m = {identity: m for identity, m in self._first_m.items() if identity in tally.present}

    def export(self) -> dict[str, object]:
        """State as plain values, for snapshots."""
        return {
            "left": self._left.tolist(),
            "watched_s": self._watched_s.tolist(),
            "seen": [[i, *v] for i, v in self._seen.items()],
            "first_m": [[i, m] for i, m in self._first_m.items()],
            "waits": [[i, *v] for i, v in self._waits.items()],
            "departures": self.departures.tolist(),
            "discharge": self.discharge.export(),
            "last_s": self._last_s,
            "unseen": self.unseen.export(),
            "crossed": [list(one) for one in self.crossed],
            "above": [[i, *v] for i, v in self._above.items()],
            "lost": [[i, *v] for i, v in self._lost.items()],
            "reach": self.reach.export(),
            "sudden": self.sudden.export(),
            "green_share": self.green_share.tolist(),
            "change_share": float(self.change_share),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from `export`."""
        self._left, self._watched_s = np.array(state["left"], float), np.array(state["watched_s"], float)
        self.rates = self._left / self._watched_s
        self._seen = {int(i): (int(n), float(d)) for i, n, d in state["seen"]}
        self._first_m = {int(i): float(m) for i, m in state["first_m"]}
        self._waits = {int(i): (int(n), float(d)) for i, n, d in state["waits"]}
        self.departures = np.array(state["departures"], np.int64)
        self.discharge.load(state["discharge"])
        self.crossed = [(int(identity), int(lane)) for identity, lane in state["crossed"]]
        self.unseen.load(state["unseen"])
        self._above = {int(i): (at, m, v, tuple(c), w, b) for i, at, m, v, c, w, b in state["above"]}
        self._lost = {int(i): (at, m, v, tuple(c), w, b) for i, at, m, v, c, w, b in state["lost"]}
        self.reach.load(state["reach"])
        self.sudden.load(state["sudden"])
        self.green_share = np.array(state["green_share"], float)
        self.change_share = float(state["change_share"])
        self._last_s = None if state["last_s"] is None else float(state["last_s"])
