"""One step of the judgement, live and on recordings alike: predict, compare, keep episodes, learn from what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lukou_cloud.edge.dangers import VULNERABLE, Dangers, dangers, joined_dangers
from lukou_cloud.edge.encounters import Encounters, Outcome
from lukou_cloud.edge.episodes import Changes, Episode, Episodes, Key
from lukou_cloud.edge.hard_braking import Emergencies
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.lights import Lights
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import SURE_MPS, Booleans, RoadUsers
from lukou_cloud.edge.rules import INFORMATIVE, Rules
from lukou_cloud.edge.settings import ExperienceSettings, PredictionSettings, RuleSettings, WarningSettings
from lukou_cloud.edge.walking import WalkingRules
from lukou_maps.road_model import RoadModel

UNSURE_MPS = 0.3
"""Whose speed is known worse has not just been measured, or has just changed it: ways worked out with it are a little longer at one moment than at the next. [m/s]"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one step found.

    Attributes
    ----------
    changes : Changes
        Episodes raised, standing and ended, with indices into `rows`.
    rows : list of int
        Danger behind each index.
    dangers : Dangers
        All dangers of the moment.
    hypotheses : Hypotheses
        What was predicted.
    outcomes : list of Outcome
        Encounters that are over.
    """

    changes: Changes
    rows: list[int]
    dangers: Dangers
    hypotheses: Hypotheses
    outcomes: list[Outcome]


class Judge:
    """Judges the road users of one map from moment to moment.

    Parameters
    ----------
    model : RoadModel
        The map.
    prediction, warnings, experience, rules
        Settings.
    may_turn_on_red : (c,) bool array, optional
        Connections that may be taken on red.
    """

    def __init__(
        self,
        model: RoadModel,
        prediction: PredictionSettings,
        warnings: WarningSettings,
        experience: ExperienceSettings,
        rules: RuleSettings,
        may_turn_on_red: Booleans | None = None,
    ) -> None:
        self.settings = warnings
        self.predictor = Predictor(model, prediction, may_turn_on_red)
        self.walking = WalkingRules(self.predictor)
        self.episodes = Episodes(warnings)
        self.encounters = Encounters(experience)
        self.emergencies = Emergencies()
        self.rules = Rules(rules)

    def step(self, now_ns: int, measured_ns: int, users: RoadUsers, lights: Lights) -> Judgement:
        """Take one moment.

        Parameters
        ----------
        now_ns : int
            Instant of the step, for episodes.
        measured_ns : int
            Instant of the road users, for encounters.
        users : RoadUsers
            Road users then.
        lights : Lights
            Signals then.
        """
        braked = self.emergencies.step(measured_ns, users)
        found, hypotheses, expected = dangers(
            users, lights, self.predictor, self.settings, self.encounters.required(), braked, measured_ns, self.walking
        )
        outcomes = self.encounters.step(measured_ns, users, hypotheses, expected, self.predictor.times_s)
        found = joined_dangers([found, self.rules.step(measured_ns, users, hypotheses, self.predictor)])
        seen, rows = keys(users, found)
        here = set(users.id.tolist()) if self.episodes.open else ()
        changes = self.episodes.step(now_ns, seen, here, *_unsure_and_late(users, found, seen, rows))
        return Judgement(changes, rows, found, hypotheses, outcomes)

    def forget(self, alive: set[int]) -> None:
        """Keep the memory of these road users only."""
        self.predictor.lanes.forget(alive)
        since = self.rules.since
        for key in [key for key in since if key[1] not in alive]:
            del since[key]

    def state(self) -> dict[str, Any]:
        """All that a continuation needs, for JSON."""
        return {
            "next_number": self.episodes.next_number,
            "episodes": [_plain(episode) for episode in self.episodes.open.values()],
            "lanes": self.predictor.lanes.state(),
            "since": [[*key, at_ns] for key, at_ns in self.rules.since.items()],
            "encounters": self.encounters.state(),
            "emergencies": sorted(self.emergencies.last_ns.items()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.episodes.next_number = state["next_number"]
        open_ = [Episode(**{**one, "key": tuple(one["key"])}) for one in state["episodes"]]
        self.episodes.open = {episode.key: episode for episode in open_}
        self.predictor.lanes.restore(state["lanes"])
        self.rules.since = {(kind, number): at_ns for kind, number, at_ns in state["since"]}
        self.encounters.restore(state["encounters"])
        self.emergencies.last_ns = {int(number): int(at_ns) for number, at_ns in state["emergencies"]}


def _unsure_and_late(
    users: RoadUsers, found: Dangers, seen: list[tuple[Key, int, bool]], rows: list[int]
) -> tuple[set[Key], set[Key]]:
    """Dangers with walkers and cyclists where a speed is not known well, and where both are tracked and well known: what they begin to do is seen a little later."""
    unsure, late, doubt = set(), set(), users.speed_deviation_mps
    for (key, kind, _), row in zip(seen, rows, strict=True):
        if kind == VULNERABLE:
            worst = max(doubt[found.first[row]], doubt[found.second[row]])
            if worst > UNSURE_MPS:
                unsure.add(key)
            elif worst > SURE_MPS:
                late.add(key)
    return unsure, late


def _plain(episode: Episode) -> dict[str, Any]:
    return {name: getattr(episode, name) for name in episode.__dataclass_fields__}


def keys(users: RoadUsers, found: Dangers) -> tuple[list[tuple[Key, int, bool]], list[int]]:
    """Key, kind and onset of each danger; all imminent dangers of a pair are one episode.

    Returns
    -------
    seen : list of (key, kind, is_onset)
        Each key once.
    rows : list of int
        The danger behind each.
    """
    if len(found) == 0:
        return [], []
    seen: dict[Key, tuple[int, bool, int]] = {}
    columns, number = (found.kind, found.first, found.second, found.is_onset), users.id.tolist()
    for row, (kind, a, b, onset) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        first, second = number[a], number[b] if b >= 0 else 0
        pair = (min(first, second), max(first, second))
        key = (kind, first, 0) if b < 0 else (kind if kind in INFORMATIVE else 0, *pair)
        known = seen.get(key)
        if known is None or (onset and not known[1]):
            seen[key] = (kind, onset, row)
    return [(key, kind, onset) for key, (kind, onset, _) in seen.items()], [row for _, _, row in seen.values()]
