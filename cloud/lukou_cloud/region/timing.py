"""Timing of one intersection: from who is seen to the stage that is wanted, with a reason for people."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.approaches import Approaches
from lukou_cloud.region.lineup import Lineup, Seen
from lukou_cloud.region.movements import ways_of
from lukou_cloud.region.search.junction import YIELDS, Movement, compile_junction
from lukou_cloud.region.search.queue_model import Traffic
from lukou_cloud.region.search.stage_search import Choice, SearchSettings, StageSearch
from lukou_cloud.region.settings import TimingSettings
from lukou_cloud.region.situation import Situation
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import GroupType, SignalConfiguration

BOX_VEHICLES = 2
"""So many vehicles inside the intersection clear it during a change; with more, it is cleared first."""

SLOWEST_PACE = 3.0
"""However long cycles were of late, the wait for a stage is no more than so many times the shortest one."""
PLAN_SHARE = 0.5
"""Where few are seen, every stage runs for about half to one and a half times as long as in the plans of the day: they know of streets that nobody sees."""
LEAST_SPARE = 0.03
"""However loaded a lane is, so much of the time is left to clear a queue in: the peak ends."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now.

    Attributes
    ----------
    stage : int
        Stage wanted: the running one, or the one to change to.
    hold_s : float
        How long the running stage is expected to last yet. [s]
    cost, alternative : float
        Weighted delay of this choice and of the best one that decides otherwise now. [road user s]
    why : str
        For people.
    following : int
        Stage to change to as soon as the guard allows it, within the second; -1: none.
    then : int
        Stage that is expected to follow; -1: not within the horizon.
    """

    stage: int
    hold_s: float
    cost: float
    alternative: float
    why: str
    following: int = -1
    then: int = -1


class Timing:
    """Timing of one intersection.

    Parameters
    ----------
    road : RoadModel
    configuration : SignalConfiguration
    approaches : Approaches
    settings : TimingSettings
    """

    def __init__(
        self, road: RoadModel, configuration: SignalConfiguration, approaches: Approaches, settings: TimingSettings
    ) -> None:
        self._approaches, self._settings = approaches, settings
        ways = ways_of(road, configuration, approaches.lanes)
        self.ways = ways
        lanes, crossings = len(approaches.lanes), len(approaches.crossings)
        people = [
            Movement(lanes + k, len(ways.exits), frozenset(links)) for k, links in enumerate(approaches.crossing_links)
        ]
        gives_way = np.zeros((len(ways.movements) + crossings,) * 2, bool)
        motor = ~approaches.is_bicycle[[m.lane for m in ways.movements]] if ways.movements else np.zeros(0, bool)
        gives_way[: len(motor), : len(motor)] = ways.gives_way & motor[:, None] & motor[None]
        movements = [*ways.movements, *people]
        self.junction = compile_junction(configuration, movements, gives_way)
        careful = compile_junction(configuration, movements, gives_way, PLAN_SHARE)
        self.models_yielding = np.zeros(lanes, bool)  # lanes whose yielding the search itself models, all of it
        for k, m in enumerate(ways.movements):
            self.models_yielding[m.lane] |= gives_way[k].any() and (self.junction.right[:, k] >= YIELDS).any()
        self.models_yielding[_yields_to_people(configuration, ways.movements, lanes)] = (
            False  # what is learned tells it
        )
        search = SearchSettings(
            settings.horizon_s,
            settings.width,
            settings.startup_s,
            settings.interval_s,
            settings.switch_cost,
            settings.skip_cost if configuration.limits.fixed_order else 0.0,
            settings.stop_s,
        )
        self._has_plans = bool(configuration.plans)
        self._longest_red_s = _longest_red_s(configuration, approaches)
        self._search, self._careful_search = StageSearch(self.junction, search), StageSearch(careful, search)
        self.horizon_s = settings.horizon_s
        self.lineup = Lineup(approaches, ways, settings.horizon_s, settings.wait_weight_s)
        site_s = 0.0 if configuration.research else configuration.limits.commit_s
        self.commit_s = site_s if settings.commit_s is None else settings.commit_s
        order = np.arange(len(self.junction.stages))
        at = order, np.roll(order, -1)
        changes_s, least_s = float(self.junction.change_s[at].sum()), float(self.junction.min_s[at].sum())
        self.change_share = changes_s / max(1.0, changes_s + least_s)  # of the time, in the shortest cycle
        self.outflow: list[tuple[float, int]] = []  # seconds from the plan, lane entered
        self.planned_ns = 0  # when the plan that neighbours count on was made
        self.weights = np.concatenate(
            [
                np.where(approaches.is_bicycle, settings.bicycle_weight, 1.0),
                np.full(crossings, settings.pedestrian_weight),
            ]
        )

    def decide(
        self,
        stage: int,
        elapsed_s: float,
        situation: Situation,
        allowed: frozenset[int],
        may_hold: bool = True,
        expected: Sequence[tuple[float, tuple[int, ...], float]] = (),
        fed: frozenset[int] = frozenset(),
        skips_left: int = 0,
        red_s: NDArray[np.float64] | None = None,
    ) -> Decision:
        """Choose for a stage that has run `elapsed_s`.

        Parameters
        ----------
        stage : int
            Running stage.
        elapsed_s : float
            Since its start. [s]
        situation : Situation
            Who stands and comes.
        allowed : frozenset of int
            Other stages that the guard would let begin now.
        may_hold : bool
            Whether the guard would let the running stage go on.
        expected, fed
            What neighbours will send, as in `Lineup.build`.
        skips_left : int
            Stages that may yet be left out of the order.
        red_s : (stages,) float array, optional
            Since the last end of each stage; none is left out if it is not given. [s]
        """
        lanes, settings = len(self._approaches.lanes), self._settings
        search = self._careful_search if may_hold and situation.is_few else self._search
        junction = search.junction
        count = len(junction.stages)
        # what the guard ends now is not told first
        lead = np.array([self.lead_s(stage, b) if may_hold else 0 for b in range(count)])
        ripe = {b for b in range(count) if b != stage and elapsed_s + lead[b] >= junction.min_s[stage, b] - 0.9}
        soon = set(ripe)
        if junction.fixed_order:
            soon = {b for b in soon if junction.left_out(stage, b, skips_left) >= 0}
            # what the guard does not let begin after its minimum, it will not while this stage runs
            refused = {b for b in soon if elapsed_s >= junction.min_s[stage, b] + 1.0} - allowed
            soon -= {b for b in refused if junction.passed[stage, b]}
        allowed = frozenset(b for b in (soon | allowed) & ripe if lead[b] or b in allowed)
        blocked = self._blocked(situation)
        if may_hold and blocked:
            allowed, soon = allowed - blocked, soon - blocked
        headway = np.where(self.models_yielding, settings.headway_s, 1.0 / np.maximum(situation.flow[:lanes], 0.05))
        exits = len(self.ways.exits)
        knows = len(situation.room) == exits
        room = np.append(situation.room if knows else np.full(exits, np.inf), np.inf)  # people always find room
        drain = np.append(situation.drain if knows else np.zeros(exits), 0.0)
        due = self._due(situation) if search is self._careful_search else ()
        seen = situation.seen + due
        traffic = self.lineup.build(
            seen, situation.walkers, headway, situation.rates, situation.view_m, self.weights,
            room, drain, self._spare(situation, headway), self._pace(situation.change_share), expected, fed,
            situation.hidden_rates if situation.hidden_rates.any() else None, situation.coming, situation.on_foot,
        )  # fmt: skip
        choice = search.decide(stage, elapsed_s, traffic, allowed | soon, may_hold, lead, skips_left, red_s)
        self.outflow = self._outflow(choice, traffic, {one.lane for one in due})
        target = choice.stage if choice.stage == stage or choice.stage in allowed else stage
        why = self._why(stage, choice, situation)
        why += "; few are seen: near the plan" if search is self._careful_search and self._has_plans else ""
        if due:
            red = [one.lane for one in due]
            may = zip(self._approaches.stages, self._approaches.serves, strict=True)
            waiting = " or ".join(name for name, serves in may if serves[red].any())
            why += f"; red for so long that somebody may wait unseen for {waiting}"
        following = choice.stage if target != choice.stage else -1
        return Decision(target, choice.hold_s, choice.cost, choice.alternative, why, following, choice.following)

    def _pace(self, change_share: float) -> float:
        """Cycle of late on the shortest one, from how much of the time stages change; where the order is free, 1."""
        if not self.junction.fixed_order or change_share <= 0:
            return 1.0
        return float(np.clip(self.change_share / change_share, 1.0, SLOWEST_PACE))

    def _spare(self, situation: Situation, headway_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of the time that each lane has to clear what is left over in; people on foot all go at once.

        Where the order is free, a queue is served again as soon as it is worth it.
        """
        lanes = len(headway_s)
        load = situation.rates[:lanes] * headway_s if len(situation.rates) else np.zeros(lanes)
        is_bound = self.junction.fixed_order and len(situation.green_share)
        green = situation.green_share if is_bound else np.full(lanes, np.inf)
        return np.append(np.clip(green - load, LEAST_SPARE, 1.0), np.ones(len(self.weights) - lanes))

    def lead_s(self, stage: int, to: int) -> int:
        """How long before a change begins that has to be told; some groups only end in the course of it. [s]"""
        return max(0, int(np.ceil(self.commit_s - float(self.junction.ends_s[stage, to]))))

    def _blocked(self, situation: Situation) -> frozenset[int]:
        """Stages that must not begin yet: more vehicles stand inside than leave during a change, and these would be crossed.
        Where only a share is seen, each of those stands for as many as it is one of.
        """
        most = BOX_VEHICLES * situation.share
        if len(situation.inside) <= most:
            return frozenset()
        ways = [self.ways.inner[lane] for lane in situation.inside]
        served = self.junction.right[: len(self.junction.stages), ways] > 0
        return frozenset(np.flatnonzero((~served).sum(axis=1) > most).tolist())

    def _due(self, situation: Situation) -> tuple[Seen, ...]:
        """In each lane that has been red for longer than near the plan, and where nobody is known to stand, somebody may."""
        if not len(situation.red_s):
            return ()
        late = (situation.red_s > self._longest_red_s) & (situation.queue[: len(situation.red_s)] < 0.5)
        return tuple(Seen(k, (k,), 0.0, 0.0, 0.0, float(situation.red_s[k]), 0) for k in np.flatnonzero(late).tolist())

    def _outflow(self, choice: Choice, traffic: Traffic, due: Set[int]) -> list[tuple[float, int]]:
        """When somebody enters which lane behind the intersection (map index), under this plan: seconds from now.

        Who is first in a lane that is due may be nobody: neighbours are not told of him.
        """
        seconds, lanes = np.nonzero(choice.departures[:, : len(self._approaches.lanes)])
        passed = np.zeros(len(self._approaches.lanes), np.int64)
        found = []
        for second, lane in zip(seconds.tolist(), lanes.tolist(), strict=True):
            way = int(traffic.movement[lane, passed[lane]])
            passed[lane] += 1
            if lane in due and passed[lane] == 1:
                continue
            found.append((second + 1.0, int(self.ways.to_lane[way])))
        return found

    def _why(self, stage: int, choice: Choice, situation: Situation) -> str:
        names, serves = self._approaches.stages, self._approaches.serves

        def waiting(which: int) -> float:
            return float(situation.queue[serves[which]].sum())

        following = choice.following if choice.following >= 0 else (stage + 1) % len(names)
        text = f"{waiting(stage):.0f} queue for {names[stage]}, {waiting(following):.0f} for {names[following]}"
        more = choice.alternative - choice.cost
        worse = f"; otherwise {more:.0f} s of delay more" if np.isfinite(more) else ""
        if choice.stage == stage:
            return f"hold {names[stage]} about {choice.hold_s:.0f} s: {text}{worse}"
        return f"change to {names[choice.stage]}: {text}{worse}"


def _longest_red_s(configuration: SignalConfiguration, approaches: Approaches) -> NDArray[np.float64]:
    """(lanes,) Red of each lane near the plan: one and a half times that of the plan that gives it most; inf: there is none. [s]"""
    serves = approaches.serves[:, : len(approaches.lanes)]
    reds_s = [
        np.where(
            serves.any(axis=0),
            plan.cycle_s - np.array([dict(plan.splits_s)[name] for name in approaches.stages]) @ serves,
            np.inf,
        )
        for plan in configuration.plans
    ]
    return (2.0 - PLAN_SHARE) * np.max(reds_s, axis=0) if reds_s else np.full(len(approaches.lanes), np.inf)


def _yields_to_people(
    configuration: SignalConfiguration, movements: Sequence[Movement], lanes: int
) -> NDArray[np.bool_]:
    """Lanes with a way that yields to people on foot or on two wheels, whom the search does not follow across."""
    groups = configuration.group_by_name
    slow = (GroupType.PEDESTRIAN, GroupType.BICYCLE)
    links = {
        link
        for pair in configuration.pairs
        for one, other in ((pair.first, pair.second), (pair.second, pair.first))
        if pair.yields == one and groups[other].type in slow
        for link in groups[one].links
    }
    yielding = {link for stage in configuration.stages for link in stage.yielding_links}
    found = np.zeros(lanes, bool)
    for movement in movements:
        found[movement.lane] |= bool(movement.links & links & yielding)
    return found
