"""Identities across the gaps between intersections: who leaves one view is expected in the next, after the time that the way takes.

Travel-time-gated assignment on the lane graph: a vehicle that appears on a lane can only be one that was lost where lanes lead there,
long enough ago for the way and not much longer. Those who appear one after the other are told apart together, by time, length,
class and the shares of the ways, and each only where that is likelier than a stranger. Compare D. Makris, T. Ellis, J. Black,
"Bridging the Gaps between Cameras" (2004), where the times are learned; here the map and the vehicle's own speed on either
side give them, and what is learned corrects them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.fusion.gates import Gates, Way
from lukou_cloud.fusion.lost import Birth, Candidates, Lost, is_onward, leaving_mps, likelihoods, overdues
from lukou_cloud.fusion.overtaking import in_order
from lukou_cloud.fusion.tracks import Floats, Ints, UnitTracks
from lukou_maps.assembly import only_successor
from lukou_maps.road_model import LaneKind, RoadModel
from lukou_maps.routing import UNKNOWN_SPEED_MPS, Router
from lukou_messages import assignment

least_cost = compiled(assignment.least_cost)

UNLIKELY = 1e6
"""Cost of what cannot be."""

REMEMBERED_S = 150.0
"""Who is not seen again for so long has parked or left. [s]"""

LONGEST_WAY_S = 90.0
"""Gaps that take longer at the limits are not bridged. [s]"""

HELD_BACK_S = 4.0
"""So long after somebody appeared, whoever follows may still change who he is: about two headways of a platoon. [s]"""

STANDING, LATER_STANDING, LATER_S = 0.5, 1.5, 1.8
"""Log-likelihood by which another assignment must be better for an identity to be changed again; the second holds when he has been there for so long. [1, 1, s]"""

LEAST_LIKELY = math.log(0.0005)
"""Logarithm of the rate at which strangers appear on a lane: who fits less well is taken for one. [1/s]"""

CHANGE_S, FREE_CHANGE_S = 3.0, 0.3
"""What a change of lane costs where changes are counted, and what it takes. [s]"""

LEARNED_EVERY = 600
"""After so many lists what is watched is learned anew."""

LEAST_BEYOND = 0.25
"""A junction is seen through where vehicles are seen beyond it at least so often as on it, those who wait on it included."""

ENTERED_S = 2.0
"""Whoever appears so soon behind a junction may have crossed it unseen: a track begins late. [s]"""

LOOK_NS = 400_000_000
"""Who has just appeared is judged anew so often, by a mean speed that is known better. [ns]"""

LOOKED_AT_S = 0.9
"""So long after somebody appeared his speed tells of the way; later he may brake for what is ahead. [s]"""

SURE = 1.0
"""Who is likelier than everybody else by so much teaches how long a way takes. (log-likelihood)"""

OVERDUE_HELD_SHARE = 0.15
"""Share of those who wait on the way, among those who have not come yet."""

MOST_BIRTHS = 300
"""Who appears when so many who have just appeared are looked at already is a stranger: one edge that comes back with everybody holds nobody up."""

MOST_WAYS = 4096
"""Lanes where vehicles appear whose ways are kept."""

PEDESTRIAN = 6
"""`lukou.v1.ObjectClass`: who walks is not bound to lanes."""


class Born(NamedTuple):
    """Who has just appeared.

    Attributes
    ----------
    at_ns : int
        Instant of his list.
    tracks : UnitTracks
        The list.
    row : int
        His row in it.
    """

    at_ns: int
    tracks: UnitTracks
    row: int


@dataclass
class HandOver:
    """Remembers who was lost, and recognises them.

    Attributes
    ----------
    model : RoadModel
        The map.
    lost : dict of int to Lost
        By identity, the oldest first.
    births : dict of int to Birth
        Who has just appeared and may be one of them, by new identity.
    gates : Gates
        What is learned of the ways between views.
    most_lost : int
        Lost identities kept; the oldest go first.
    """

    model: RoadModel
    lost: dict[int, Lost] = field(default_factory=dict)
    births: dict[int, Birth] = field(default_factory=dict)
    gates: Gates = field(default_factory=Gates)
    most_lost: int = 400
    _times: dict[tuple[int, bool], tuple[Ints, Floats, Floats]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lanes = self.model.lanes
        self._router = Router(self.model, lane_change_s=FREE_CHANGE_S)
        self._counting = Router(self.model, lane_change_s=CHANGE_S)
        self._seen = np.zeros(len(lanes) + 1, np.int64)
        self._inside = np.append(lanes.kind == LaneKind.JUNCTION, False)
        self._watched: list[int] = []
        self._lists = 0
        self._speed = np.maximum(np.nan_to_num(lanes.speed_limit_mps, nan=UNKNOWN_SPEED_MPS), 1.0)
        self._following = only_successor(lanes)
        self._roads: list[int] = lanes.road.tolist()
        connections = self.model.connections
        inner = connections.via_lane >= 0
        self._before = dict(
            zip(connections.via_lane[inner].tolist(), connections.from_lane[inner].tolist(), strict=True)
        )

    def watch(self, tracks: UnitTracks) -> None:
        """Learn which junctions are watched: whoever crossed one of them would have been seen there."""
        np.add.at(self._seen, tracks.lane, 1)
        self._lists += 1
        if self._lists % LEARNED_EVERY == 0:
            watched = self._seen_through()
            if watched != self._watched:
                self._watched = watched
                self._times.clear()

    def _seen_through(self) -> list[int]:
        """Lanes inside junctions on which vehicles are seen, and on the lanes that they lead to: a junction at the edge of a view hides who crosses it."""
        ways = self.model.connections
        inner, after = self._seen[ways.via_lane], self._seen[ways.to_lane]
        through = (ways.via_lane >= 0) & (inner > 0) & (after >= LEAST_BEYOND * inner) & self._inside[ways.via_lane]
        return [int(lane) for lane in np.unique(ways.via_lane[through])]

    def lose(self, number: int, at_ns: int, tracks: UnitTracks, row: int, speed_mps: float) -> None:
        """Remember a vehicle that no unit sees any longer; its speed is the mean of its last second. [m/s]"""
        told_mps = math.hypot(float(tracks.vx_mps[row]), float(tracks.vy_mps[row]))
        place = self._place(tracks, row, leaving_mps(speed_mps, told_mps))
        if place is None:
            return
        self.births = {own: birth for own, birth in self.births.items() if birth.name != number}
        self.lost.pop(number, None)
        self.lost[number] = self._lost(at_ns, place, tracks, row)
        held = {birth.name for birth in self.births.values()}
        while len(self.lost) > self.most_lost:
            del self.lost[next((one for one in self.lost if one not in held), next(iter(self.lost)))]

    def recognise(
        self, at_ns: int, born: dict[int, Born], alive: set[int], speeds_mps: Mapping[int, float]
    ) -> dict[int, int]:
        """Who of those lost the vehicles are that have just appeared.

        Vehicles of a platoon resemble each other, so those who appeared within `HELD_BACK_S` are told apart together: by the
        assignment of all of them that is likeliest as a whole (H. W. Kuhn, "The Hungarian Method for the Assignment Problem",
        1955), with the order on the lanes counted (`overtaking`).

        Parameters
        ----------
        at_ns : int
            Instant of the latest list.
        born : dict of int to Born
            Who has just appeared, by the new identity that it has as a stranger; of many at once, the first `MOST_BIRTHS` are looked at.
        alive : set of int
            Identities that are seen now, without the new ones.
        speeds_mps : mapping of int to float
            Mean speed over the last second of who is new and of who was not long ago, by identity. [m/s]

        Returns
        -------
        dict of int to int
            Identities that change, and into what: those of the new ones, and rarely of those who appeared shortly before.
        """
        self._settle(at_ns, alive)
        lost_lanes = np.array([one.lane for one in self.lost.values()], np.int64) if born else np.zeros(0, np.int64)
        looked_at = list(born.items())[: max(MOST_BIRTHS - len(self.births), 0)]
        fresh = {own: self._birth(own, one, speeds_mps[own], lost_lanes) for own, one in looked_at}
        surer = [self._look_again(birth, at_ns, speeds_mps) for birth in self.births.values()]
        likely = {own: birth for own, birth in fresh.items() if birth is not None and birth.likely}
        if not likely and not any(surer):
            return {}
        self.births |= likely
        changed: dict[int, int] = {}
        for own, name in self._assigned(at_ns).items():
            birth = self.births[own]
            if name != birth.name:
                changed[birth.name] = name
                birth.name = name
        return changed

    def _settle(self, at_ns: int, alive: set[int]) -> None:
        """What was held back long enough is decided; who was lost too long ago is given up."""
        for own, birth in list(self.births.items()):
            if at_ns - birth.found.at_ns > HELD_BACK_S * 1e9 or birth.name not in alive:
                del self.births[own]
                one = self.lost.pop(birth.name, None)
                if one is not None and birth.name in birth.likely:
                    self._learn(birth, one)
        oldest_ns, held = at_ns - round(REMEMBERED_S * 1e9), {birth.name for birth in self.births.values()}
        given_up = []
        for number, one in self.lost.items():  # the oldest stand first
            if one.at_ns >= oldest_ns:
                break
            if number not in held:  # who is recognised, however long ago he was lost, may still turn out to be another
                self.gates.gave_up(one.lane)
                given_up.append(number)
        for number in [*given_up, *((self.lost.keys() & alive) - held)]:
            self.lost.pop(number, None)

    def _learn(self, birth: Birth, one: Lost) -> None:
        """Learn from who has been recognised."""
        value, passed_s, expected = birth.likely[birth.name]
        others = (other[0] for name, other in birth.likely.items() if name != birth.name)
        is_sure = value - max(others, default=LEAST_LIKELY) > SURE
        self.gates.took(self._way(one, birth.found.lane), passed_s, expected, is_sure)

    def _birth(self, own: int, born: Born, speed_mps: float, lost_lanes: Ints) -> Birth | None:
        """Who of those lost a vehicle may be, and how likely; None where no lane tells."""
        at_ns, tracks, row = born
        place = self._place(tracks, row, speed_mps)
        if place is None:
            return None
        found = self._lost(at_ns, place, tracks, row)
        birth, (lanes, free_s, changes) = (
            Birth(own, found, at_ns),
            self._times_to(found.lane, found.ahead_s < ENTERED_S),
        )
        place_of = np.minimum(np.searchsorted(lanes, lost_lanes), max(len(lanes) - 1, 0))
        numbers, ones = list(self.lost), list(self.lost.values())
        for k in np.flatnonzero(lanes[place_of] == lost_lanes).tolist() if len(lanes) else ():
            at, one = int(place_of[k]), ones[k]
            way_s = float(free_s[at]) + found.ahead_s - one.ahead_s
            if -0.5 < way_s < LONGEST_WAY_S and is_onward(one, found):
                birth.ways[numbers[k]] = (way_s, float(changes[at]))
        self._judge(birth)
        return birth

    def _look_again(self, birth: Birth, at_ns: int, speeds_mps: Mapping[int, float]) -> bool:
        """Judge anew, by the mean speed that is known now while it tells of the way; whether it was time to."""
        if birth.name not in speeds_mps or at_ns < birth.judged_ns + LOOK_NS:
            return False
        birth.judged_ns = at_ns
        if at_ns <= birth.found.at_ns + LOOKED_AT_S * 1e9:
            birth.found = replace(birth.found, pace=speeds_mps[birth.name] / float(self._speed[birth.found.lane]))
        self._judge(birth)
        return True

    def _judge(self, birth: Birth) -> None:
        """Who somebody may be, and how likely."""
        found, ways = birth.found, birth.ways
        numbers = [number for number in ways if number in self.lost]
        birth.likely.clear()
        if not numbers:
            return
        ones = [self.lost[number] for number in numbers]
        rows = [
            (
                (found.at_ns - one.at_ns) * 1e-9,
                one.pace,
                one.length_m,
                *ways[number],
                *self.gates.known(self._way(one, found.lane)),
            )
            for number, one in zip(numbers, ones, strict=True)
        ]
        table = np.array([*zip(*rows, strict=True)])
        is_other = np.array([one.object_class != found.object_class for one in ones])
        told = Candidates(table[0], table[1], table[2], is_other, table[3], table[4], table[5:])
        limit_mps = float(self._speed[found.lane])
        values, expected, apart = likelihoods(told, found.pace, found.length_m, limit_mps).tolist()
        for k, number in enumerate(numbers):
            if values[k] > LEAST_LIKELY:
                birth.likely[number] = (values[k], rows[k][0], (expected[k], apart[k]))

    def _assigned(self, at_ns: int) -> dict[int, int]:
        """The likeliest identities of all who have just appeared, by their own; each may be a stranger."""
        owns, numbers = list(self.births), sorted({n for birth in self.births.values() for n in birth.likely})
        numbers = [number for number in numbers if number in self.lost]
        gain = np.zeros((len(owns), len(numbers) + len(owns)))
        pairs: list[tuple[int, int]] = []
        told: list[tuple[float, ...]] = []
        for row, (own, birth) in enumerate(self.births.items()):
            is_later = at_ns - birth.found.at_ns >= LATER_S * 1e9
            standing = LATER_STANDING if is_later else STANDING
            least = LEAST_LIKELY + (standing if is_later and birth.name == own else 0.0)
            for column, number in enumerate(numbers):
                if number in birth.likely:
                    gain[row, column] = birth.likely[number][0] - least + standing * (number == birth.name)
                    pairs.append((row, column))
                    lost, (_, _, expected) = self.lost[number], birth.likely[number]
                    known = self.gates.known(self._way(lost, birth.found.lane))
                    told.append((*known, (at_ns - lost.at_ns) * 1e-9, *expected))
        if pairs:  # how unlikely it is that he has not come yet, if it is another one who has
            table = np.array([*zip(*told, strict=True)])
            gain[tuple(np.array(pairs).T)] += overdues(table[:-3], table[-3], table[-2:], OVERDUE_HELD_SHARE)
        columns = least_cost(np.nan_to_num(-gain, nan=UNLIKELY, posinf=UNLIKELY, neginf=-UNLIKELY)).tolist()
        left = [(self.lost[number].at_ns, self.lost[number].lane) for number in numbers]
        arrived = [(birth.found.at_ns, birth.found.lane) for birth in self.births.values()]
        return {
            own: numbers[column] if column < len(numbers) and gain[row, column] > 0.0 else own
            for row, (own, column) in enumerate(zip(owns, in_order(gain, columns, left, arrived), strict=True))
        }

    def _way(self, one: Lost, lane: int) -> Way:
        return Way(one.lane, lane, self._roads[one.lane], self._roads[lane])

    def state(self) -> dict[str, Any]:
        """For a snapshot."""
        return {
            "lost": [[number, *astuple(one)] for number, one in self.lost.items()],
            "births": [[own, birth.state()] for own, birth in self.births.items()],
            "gates": self.gates.state(),
            "seen": [[int(lane), int(self._seen[lane])] for lane in np.flatnonzero(self._seen)],
            "watched": self._watched,
            "lists": self._lists,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a snapshot."""
        self.lost = {int(number): Lost(int(at_ns), int(lane), *rest) for number, at_ns, lane, *rest in state["lost"]}
        self.births = {int(own): Birth.restored(one) for own, one in state["births"]}
        self.gates.restore(state["gates"])
        self._seen[:] = 0
        for lane, count in state["seen"]:
            self._seen[int(lane)] = int(count)
        self._watched, self._lists = list(state["watched"]), int(state["lists"])
        self._times.clear()

    def _lost(self, at_ns: int, place: tuple[int, float, float], tracks: UnitTracks, row: int) -> Lost:
        vx, vy, yaw = float(tracks.vx_mps[row]), float(tracks.vy_mps[row]), float(tracks.yaw_rad[row])
        speed = math.hypot(vx, vy)
        ux, uy = (vx / speed, vy / speed) if speed > 1.0 else (math.cos(yaw), math.sin(yaw))
        x_m, y_m = float(tracks.x_m[row]), float(tracks.y_m[row])
        length_m, object_class = float(tracks.length_m[row]), int(tracks.object_class[row])
        return Lost(at_ns, *place, x_m, y_m, ux, uy, length_m, object_class)

    def _place(self, tracks: UnitTracks, row: int, speed_mps: float) -> tuple[int, float, float] | None:
        """Road lane, time from its start at the limit, speed over the limit; None where no lane tells the way."""
        lane, s_m = int(tracks.lane[row]), float(tracks.lane_s_m[row])
        if lane < 0 or int(tracks.object_class[row]) == PEDESTRIAN:
            return None
        pace = speed_mps / float(self._speed[lane])
        ahead_s, lanes = s_m / float(self._speed[lane]), self.model.lanes
        for _ in range(4):
            if lanes.kind[lane] != LaneKind.JUNCTION:
                break
            before = self._before.get(lane)  # inside a junction: counted from the start of the lane that led there
            if before is None:
                ahead_s -= float(lanes.length_m[lane] / self._speed[lane])
                lane = int(self._following[lane])
                if lane < 0:
                    return None
                continue
            # a connection is one way on: it is known which lane follows
            following = int(self._following[lane])
            if following < 0:
                lane, ahead_s = before, ahead_s + float(lanes.length_m[before] / self._speed[before])
            else:
                ahead_s -= float(lanes.length_m[lane] / self._speed[lane])
                lane = following
        return (lane, ahead_s, pace) if self._router.is_routable[lane] else None

    def _times_to(self, lane: int, entering: bool) -> tuple[Ints, Floats, Floats]:
        """Lanes from where a lane is reached, in order, free times and changes of lane; those where vehicles appear are few, so each is worked out once.

        Who is entering it, or has just, may have crossed the junction before it, watched or not: that is where he is seen first.
        """
        key = lane, entering
        if key not in self._times:
            if len(self._times) >= MOST_WAYS:
                self._times.clear()
            ways, most_s = self.model.connections, LONGEST_WAY_S + 30.0
            into = set(ways.via_lane[ways.to_lane == lane].tolist()) if entering else set()
            watched = [one for one in self._watched if one not in into]
            free_s, counted_s = (router.times_to(lane, most_s, watched) for router in (self._router, self._counting))
            lanes = np.flatnonzero(np.isfinite(free_s))
            changes = (counted_s[lanes] - free_s[lanes]) / (CHANGE_S - FREE_CHANGE_S)
            self._times[key] = lanes, free_s[lanes], changes
        return self._times[key]
