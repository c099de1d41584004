"""Level of service of signals, watched second by second: waits, split failures, blocked intersections, arrivals on green, promises.

Split failure and arrivals on green as in the Automated Traffic Signal Performance Measures (FHWA-HOP-20-002): whoever stood on the
approach lane when green began and is still there when it ends (who queues further up is not looked for); and who would have come to the
stop line of a through lane during green, were nobody before him, reckoned from where he came onto the approach (percent on green is told of the
coordinated phase, by detectors set back from its stop line: left turns have a phase of their own).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import libsumo

from lukou_messages.v1.signal_pb2 import SignalState

STANDING_MPS = 0.1
COORDINATED_M = 700.0
"""An approach is coordinated with a signal at most so far up. [m]"""
STRAIGHT = "s"
"""SUMO's direction of a link that leads straight on: the coordinated phase is that of the through lanes."""
LOCKED_S = 60.0
"""Who stands inside an intersection for longer is locked: nobody there gives way. [s]"""
BLOCKED_M = 2.0
"""A vehicle that stands with its back this near the beginning of an exit lets nobody in. [m]"""
SHORTEST_S = 2.0
"""Who only turns round, or lets somebody pass, does not wait. [s]"""
PROMISE_S = 10
NOT_DRIVEN = ("bicycle", "pedestrian")


@dataclass
class _Lane:
    """An approach lane: its links by signal, and who stood when green began."""

    signal: str
    links: list[int]
    exits: list[str]
    length_m: float
    limit_mps: float
    is_coordinated: bool
    is_green: bool = False
    queue: set[str] = field(default_factory=set)


class Locked:
    """Who stands inside an intersection.

    Attributes
    ----------
    count : int
        How often somebody did for `LOCKED_S`.
    beyond_s : float
        How long they stood there after that, all together. [s]
    """

    def __init__(self) -> None:
        self.count, self.beyond_s = 0, 0.0
        self._inside_s: dict[str, float] = {}

    def step(self, name: str, is_stuck: bool) -> None:
        """One second of one vehicle."""
        stood_s = self._inside_s[name] = self._inside_s.get(name, 0.0) + 1.0 if is_stuck else 0.0
        self.count += stood_s == LOCKED_S
        self.beyond_s += stood_s > LOCKED_S

    def keep(self, names: Iterable[str]) -> None:
        """Forget all others."""
        self._inside_s = {name: self._inside_s.get(name, 0.0) for name in names}


class Service:
    """Watches one run.

    Parameters
    ----------
    signals : iterable of str
        SUMO's signals that are timed.
    periods : sequence of mapping
        ``name``, ``begin_s``, ``end_s``, ``factor`` of each part of the day; may be empty.
    """

    def __init__(self, signals: Iterable[str], periods: Sequence[Mapping[str, Any]] = ()) -> None:
        self._periods = periods
        self._lanes: dict[str, _Lane] = {}
        self._exits: set[str] = set()
        self._junctions: set[str] = set()  # what the names of lanes inside begin with
        signals = sorted(signals)
        self._add_lanes(signals)
        self._standing: dict[str, float] = defaultdict(float)
        self._was_on: dict[str, str] = {}
        self._due: list[tuple[float, str]] = []
        self._noted: set[tuple[str, str]] = set()
        self._people: dict[str, float] = {}
        self._now_s = 0.0
        self._promises: dict[tuple[str, str], tuple[int, list[float | None]]] = {}
        self._starts: dict[str, list[float]] = defaultdict(list)
        self._stage: dict[str, str] = {}
        self.waits: list[tuple[float, float]] = []  # when it ended, how long [s]
        self.walks: list[tuple[float, float]] = []
        self.on_green = self.arrivals = 0
        self.blocked: dict[str, list[float]] = defaultdict(list)
        self.locked = Locked()
        self.greens: list[tuple[float, bool]] = []
        self.promised = self.kept = self.unknown = self.wrong_colours = self.colours = 0

    def _add_lanes(self, signals: Sequence[str]) -> None:
        for signal in signals:
            for link, choices in enumerate(libsumo.trafficlight.getControlledLinks(signal)):
                for origin, exit_lane, inside in choices:
                    if origin.startswith(":") or not _is_driven(origin):
                        continue
                    self._junctions.add(inside.rsplit("_", 2)[0])
                    if origin not in self._lanes:
                        limit = libsumo.lane.getMaxSpeed(origin)
                        self._lanes[origin] = _Lane(signal, [], [], libsumo.lane.getLength(origin), limit, False)
                    self._lanes[origin].links.append(link)
                    self._lanes[origin].exits.append(exit_lane)
                    self._exits.add(exit_lane)
        fed = _reached({exit_lane.rsplit("_", 1)[0] for exit_lane in self._exits})
        for name, lane in self._lanes.items():
            leads_on = any(link[6] == STRAIGHT for link in libsumo.lane.getLinks(name))
            lane.is_coordinated = leads_on and name.rsplit("_", 1)[0] in fed

    # ---- every second

    def step(self, second: float, letters: Mapping[str, str]) -> None:
        """After SUMO has moved to a second, with what every signal shows."""
        vehicle, self._now_s = libsumo.vehicle, second
        on: dict[str, set[str]] = defaultdict(set)
        full: set[str] = set()
        names = vehicle.getIDList()
        for name in names:
            lane, speed = vehicle.getLaneID(name), vehicle.getSpeed(name)
            if speed < STANDING_MPS:
                self._standing[name] += 1.0
            if lane in self._lanes:
                on[lane].add(name)
                self._arrive(second, name, lane)
            is_stuck = speed < STANDING_MPS and lane.rsplit("_", 2)[0] in self._junctions
            self.locked.step(name, is_stuck)
            before = self._was_on.get(name, "")
            if before in self._lanes and lane != before and lane.startswith(":"):
                self.waits.append((second, self._standing.pop(name, 0.0)))
            back_m = vehicle.getLanePosition(name) - vehicle.getLength(name) if lane in self._exits else BLOCKED_M
            if back_m < BLOCKED_M and speed < STANDING_MPS:
                full.add(lane)
            self._was_on[name] = lane
        if len(self._was_on) > 2 * len(names) + 100:
            self._was_on = {name: self._was_on[name] for name in names}
            self.locked.keep(names)
        self._turn_lights(second, letters, on, full)
        self._walk(second)

    def _arrive(self, second: float, name: str, lane: str) -> None:
        at = self._lanes[lane]
        if not at.is_coordinated or (name, at.signal) in self._noted:
            return
        left_m = at.length_m - libsumo.vehicle.getLanePosition(name)
        self._noted.add((name, at.signal))
        self._due.append((second + left_m / at.limit_mps, lane))

    def _turn_lights(
        self, second: float, letters: Mapping[str, str], on: Mapping[str, set[str]], full: set[str]
    ) -> None:
        blocked = set()
        for name, lane in self._lanes.items():
            shown = letters.get(lane.signal, "")
            is_green = any(link < len(shown) and shown[link] in "Gg" for link in lane.links)
            here = on.get(name, set())
            if is_green and not lane.is_green:
                lane.queue = {each for each in here if libsumo.vehicle.getSpeed(each) < 1.0}
            elif lane.is_green and not is_green and lane.queue:
                self.greens.append((second, bool(lane.queue & here)))
            lane.is_green = is_green
            if is_green and here and full.intersection(lane.exits):
                blocked.add(lane.signal)
        for signal in blocked:
            self.blocked[signal].append(second)
        due = [one for one in self._due if one[0] <= second]
        self._due = [one for one in self._due if one[0] > second]
        for _, name in due:
            self.arrivals += 1
            self.on_green += self._lanes[name].is_green

    def _walk(self, second: float) -> None:
        """Who stands on foot, at a kerb or on a refuge, waits until it walks on."""
        person, here = libsumo.person, {}
        for name in person.getIDList():
            if person.getSpeed(name) < STANDING_MPS:
                here[name] = self._people.get(name, 0.0) + 1.0
        self.walks += [(second, wait) for name, wait in self._people.items() if name not in here and wait >= SHORTEST_S]
        self._people = here

    def hear(self, second: float, now_ns: int, signal: SignalState, shown: Mapping[str, int]) -> None:
        """What a signal published at a second, an instant in ns, beside what its lamps show."""
        if signal.stage != self._stage.get(signal.intersection) and not signal.in_transition:
            self._stage[signal.intersection] = signal.stage
            self._starts[f"{signal.intersection} {signal.stage}"].append(second)
        for group in signal.groups:
            if group.colour and shown:
                self.colours += 1
                self.wrong_colours += group.colour != shown[group.group]
            key = signal.intersection, group.group
            likely = (group.likely_end_at_ns - now_ns) / 1e9 if group.HasField("likely_end_at_ns") else None
            colour, told = self._promises.get(key, (0, []))
            if colour != group.colour:
                for end in told:
                    self.unknown += end is None
                    self.promised += end is not None
                    self.kept += end is not None and abs(end - second) <= 1.0
                told = []
            told.append(None if likely is None else second + likely)
            self._promises[key] = group.colour, told[-PROMISE_S:]

    # ---- the outcome

    def figures(self) -> dict[str, Any]:
        """What was seen, over the day and by part of it."""
        self._close()
        whole = [{"name": "day", "begin_s": 0.0, "end_s": float("inf"), "factor": 0.0}]
        rows = {each["name"]: self._of(each["begin_s"], each["end_s"]) for each in [*whole, *self._periods]}
        free = [each for each in self._periods if each["factor"] < 0.9]
        greens = [failed for at, failed in self.greens if _within(at, free)]
        lasting_h = sum(each["end_s"] - each["begin_s"] for each in free) / 3600
        blocked = sum(_within(at, free) for times in self.blocked.values() for at in times)
        return {
            "service": rows,
            "split_failures_off_saturation": _share(greens),
            "blocked_s_per_h_off_saturation": blocked / lasting_h if lasting_h else None,
            "locked": self.locked.count,
            "locked_s": self.locked.beyond_s,
            "arrivals_on_green": self.on_green / self.arrivals if self.arrivals else None,
            "spat_colour_right": 1.0 - self.wrong_colours / self.colours if self.colours else None,
            "spat_end_within_1_s": self.kept / self.promised if self.promised else None,
            "spat_end_told": self.promised / max(1, self.promised + self.unknown),
        }

    def _close(self) -> None:
        """Waits that have not ended count as long as they were."""
        self.walks += [(self._now_s, wait) for wait in self._people.values() if wait >= SHORTEST_S]
        waiting = [name for name, lane in self._was_on.items() if lane in self._lanes and name in self._standing]
        self.waits += [(self._now_s, self._standing.pop(name)) for name in waiting]
        self._people = {}

    def _of(self, begin_s: float, end_s: float) -> dict[str, float | None]:
        waits = sorted(wait for at, wait in self.waits if begin_s <= at < end_s)
        walks = sorted(wait for at, wait in self.walks if begin_s <= at < end_s)
        cycle_s = self._cycle(begin_s, end_s)
        p99 = _at(waits, 0.99)
        return {
            "cycle_s": cycle_s,
            "vehicle_wait_p99_s": p99,
            "vehicle_wait_p99_cycles": p99 / cycle_s if p99 is not None and cycle_s else None,
            "pedestrian_wait_mean_s": sum(walks) / len(walks) if walks else None,
            "pedestrian_wait_p95_s": _at(walks, 0.95),
            "split_failures": _share([failed for at, failed in self.greens if begin_s <= at < end_s]),
        }

    def _cycle(self, begin_s: float, end_s: float) -> float | None:
        """Mean time between two starts of the same stage. [s]"""
        gaps = []
        for starts in self._starts.values():
            inside = [at for at in starts if begin_s <= at < end_s]
            gaps += [b - a for a, b in pairwise(inside)]
        return sum(gaps) / len(gaps) if gaps else None


def _is_driven(lane: str) -> bool:
    allowed = libsumo.lane.getAllowed(lane)
    return not allowed or any(kind not in NOT_DRIVEN for kind in allowed)


def _reached(edges: set[str]) -> set[str]:
    """Edges that lead to signals and are reached from behind others, straight along the road."""
    found = set()
    for edge in edges:
        at, way_m = edge, 0.0
        for _ in range(8):
            lane = f"{at}_{libsumo.edge.getLaneNumber(at) - 1}"
            way_m += libsumo.lane.getLength(lane)
            if way_m > COORDINATED_M:
                break
            found.add(at)
            onward = {link[0].rsplit("_", 1)[0] for link in libsumo.lane.getLinks(lane)}
            if len(onward) != 1 or (at := next(iter(onward))) in found:
                break
    return found


def _within(at_s: float, periods: Iterable[Mapping[str, Any]]) -> bool:
    return any(each["begin_s"] <= at_s < each["end_s"] for each in periods)


def _share(found: Sequence[bool]) -> float | None:
    return sum(found) / len(found) if found else None


def _at(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None
