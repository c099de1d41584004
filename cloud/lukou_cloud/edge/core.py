"""The edge core: lists of roadside units in, one fused list and warnings out."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

from lukou_cloud import near_misses
from lukou_cloud.edge import near_miss
from lukou_cloud.edge.announcer import PERIOD_NS, Announcer, Wording
from lukou_cloud.edge.episodes import Changes, Episode
from lukou_cloud.edge.followings import Followings
from lukou_cloud.edge.judge import Judge
from lukou_cloud.edge.lights import LightTable
from lukou_cloud.edge.road_users import around, road_users_of
from lukou_cloud.edge.rules import STOPPED, WRONG_WAY
from lukou_cloud.edge.services import PERIOD_NS as LOOK_NS
from lukou_cloud.edge.services import Services
from lukou_cloud.edge.settings import EdgeSettings
from lukou_cloud.edge.speed_advice import SpeedAdvisor
from lukou_cloud.edge.trust import Condition, withheld_in_words
from lukou_cloud.edge.wording import message, nearest_intersection
from lukou_cloud.fusion.association import Fusion
from lukou_cloud.fusion.fused_list import fits, fused_list
from lukou_cloud.fusion.handover import HandOver
from lukou_cloud.fusion.tracks import Sets, UnitTracks, unit_tracks
from lukou_cloud.near_misses import NearMiss
from lukou_maps.map_keeper import MapKeeper
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration, load
from lukou_messages.objects import ObjectList
from lukou_messages.process import DEGRADED, INVALID, VALID, Input, Output
from lukou_messages.v1 import warning_pb2
from lukou_messages.v1.event_pb2 import Event, Severity
from lukou_messages.v1.header_pb2 import Header
from lukou_messages.v1.signal_pb2 import SignalState

SNAPSHOT_VERSION = 13

STILL_LATE_NS = 200_000_000
"""The fused list says at once when a unit is in time again."""

RECOVERED_NS = 3 * 10**9
"""A unit is said to be back when its lists have come in time for so long: one change of state, not one per hiccup."""

ADVICE_NS = 10**9
"""From advice to advice. [ns]"""

SETTLED_NS = 3 * 10**9
"""What has not been heard so long after the start is missing. [ns]"""


class EdgeCore:
    """One edge cloud.

    Parameters
    ----------
    settings : EdgeSettings
        Settings.
    model : RoadModel, optional
        The map; read from ``settings.map`` if not given.
    configurations : iterable of SignalConfiguration, optional
        Read from ``settings.configurations`` if not given.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        model: RoadModel | None = None,
        configurations: Iterable[SignalConfiguration] | None = None,
    ) -> None:
        self._settings = settings
        self._model = load_map(settings.map) if model is None else model
        self._maps = MapKeeper(self._model)
        chosen = [load(path) for path in settings.configurations] if configurations is None else configurations
        self._lights = LightTable(self._model, chosen)
        self._judge = Judge(
            self._model,
            settings.prediction,
            settings.warnings,
            settings.experience,
            settings.rules,
            self._lights.may_turn_on_red,
        )
        self._fusion = Fusion(settings.fusion_gate, settings.fusion_reach_m, settings.forget_s, HandOver(self._model))
        self._lists: dict[str, tuple[int, int, ObjectList]] = {}
        self._signals: dict[str, tuple[int, SignalState]] = {}
        self._silent: dict[str, int] = {}  # last instant at which each unit was late
        self._ahead: dict[str, float] = {}  # by how many seconds a unit's clock is ahead
        self._latest: tuple[tuple[Any, ...], UnitTracks, Sets] | None = None
        trust = settings.services.trust
        self._condition = Condition(trust)
        self._services = Services(self._model, settings.services, settings.hazards)
        self._advisor = SpeedAdvisor(self._services.surroundings, settings.services.advice, chosen)
        self._followings = Followings(settings.services.near_miss)
        announced = settings.warnings.expiry_s, trust.least_confidence
        self._imminent = Announcer(settings.name, "", *announced)
        self._informative = Announcer(settings.name, "i", *announced)
        self._advised_ns = 0
        self._epoch_ns = 0
        self._last_fused_ns = 0
        self._events = 0

    # --- the step -------------------------------------------------------------------------------------------------

    def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]:
        """Take lists and signal states; give warnings at once and, in steps without lists, the fused list ten times a second."""
        self._epoch_ns = self._epoch_ns or now_ns
        fresh = self._take(now_ns, inputs)
        outputs = self._watch(now_ns)
        used = tuple((f"objects:{source}", self._lists[source][0]) for source in fresh)
        measured_ns = max((self._lists[source][0] for source in fresh), default=now_ns)
        changes, made, outcomes = self._judged(now_ns, measured_ns, fresh)
        outputs += [self._near_miss(now_ns, one) for one in outcomes]
        outputs += self._imminent.step(
            now_ns, self._epoch_ns, measured_ns, changes, made, self._trust, used, self._passed()
        )
        if not fresh and now_ns // PERIOD_NS != self._last_fused_ns // PERIOD_NS:
            self._last_fused_ns = now_ns
            if self._fusion.recognise():  # no warning waits for it, and no list goes out before it
                self._latest = None
            outputs.append(self._fused(now_ns))
            outputs += self._served(now_ns)
        return outputs

    def _take(self, now_ns: int, inputs: Sequence[Input]) -> list[str]:
        """Note what has come; the sources with a new list that may be used."""
        fresh: dict[str, None] = {}
        for one in inputs:
            if one.topic == "map":
                self._maps.take(one.value)
                continue
            if one.topic == "sensor_report":
                self._condition.take_sensors(one.source, one.value)
                continue
            ahead_s = (one.measured_at_ns - now_ns) * 1e-9
            if ahead_s > self._settings.ahead_s:
                self._ahead[one.source] = round(ahead_s, 1)  # whoever stamps the future would move everybody's time
                continue
            self._ahead.pop(one.source, None)
            if one.topic == "signal" and one.validity in (VALID, DEGRADED):
                self._signals[one.value.intersection] = (one.measured_at_ns, one.value)
                self._advisor.closed.take(one.measured_at_ns, one.value)
                self._lights.read(one.value.intersection, one.value)
            elif one.topic == "vehicle":
                self._services.take(one.measured_at_ns, one.value)
            elif one.topic == "objects":
                last = self._lists.get(one.source)
                if one.validity == INVALID or (last is not None and one.measured_at_ns <= last[0]):
                    continue
                self._lists[one.source] = (one.measured_at_ns, one.validity, one.value)
                fresh[one.source] = None
        lanes = self._model.lanes.index
        new = {s: (self._lists[s][0], unit_tracks(self._lists[s][2], lanes)) for s in fresh}
        self._fusion.take(new, is_urgent=True)
        return list(fresh)

    def faults(self) -> list[str]:
        """For health: the map, and by what warnings are trusted less or withheld."""
        if self._last_fused_ns - self._epoch_ns < SETTLED_NS:
            return self._maps.faults()
        withheld = withheld_in_words(self._imminent.withheld())
        return [*self._maps.faults(), *self._condition.faults(sorted(self._silent)), *([withheld] if withheld else [])]

    def figures(self) -> dict[str, float]:
        """For health: warnings that were withheld since the start, and reports for which there was no room."""
        withheld = float(self._imminent.withheld_total)
        return {"warnings_withheld": withheld, "reports_refused": float(self._services.refused_reports)}

    def _watch(self, now_ns: int) -> list[Output]:
        """Drop units that have fallen silent, and say so once; say once when they are back."""
        outputs = []
        for source in sorted({*self._lists, *self._settings.sources}):
            at_ns = self._lists[source][0] if source in self._lists else self._epoch_ns
            is_silent = now_ns - at_ns > self._settings.stale_s * 1e9
            is_news = source not in self._silent
            if is_silent:
                self._silent[source] = now_ns
                self._fusion.drop(source)
            if is_silent and is_news:
                text = f"no usable list of road users from {source} for {(now_ns - at_ns) * 1e-9:.1f} s"
                if source in self._ahead:
                    text += f"; its clock is {self._ahead[source]:.1f} s ahead: set it"
                outputs.append(self._event(now_ns, "edge.source_silent", Severity.SEVERITY_WARNING, source, text))
            elif not is_news and now_ns - self._silent[source] >= RECOVERED_NS:
                del self._silent[source]
                outputs.append(
                    self._event(
                        now_ns, "edge.source_back", Severity.SEVERITY_INFO, source, f"lists from {source} are back"
                    )
                )
        return outputs

    def _event(
        self, now_ns: int, kind: str, severity: Any, subject: str, text: str, details: dict[str, str] | None = None
    ) -> Output:
        self._events += 1
        identity = f"{self._settings.name}/{self._epoch_ns}/{self._events}"
        event = Event(event_id=identity, kind=kind, severity=severity, subject=subject, text=text, details=details)
        return Output("event", event, now_ns)

    def _near_miss(self, now_ns: int, one: NearMiss) -> Output:
        severity, subject = Severity.SEVERITY_INFO, one.intersection
        return self._event(now_ns, near_misses.EVENT, severity, subject, one.in_words(), one.details())

    # --- warnings -------------------------------------------------------------------------------------------------

    def _judged(self, now_ns: int, measured_ns: int, fresh: list[str]) -> tuple[Changes, Wording, list[NearMiss]]:
        """Dangers around the road users of the new lists; what makes the message of one by its place; near misses."""
        if not fresh:
            return self._judge.episodes.step(now_ns, []), _nothing_to_say, []
        tracks, units = self._everybody(measured_ns)
        users = road_users_of(tracks, self._settings.warnings)
        users = users.take(around(users, self._touched(units, fresh)))
        lights = self._lights.of_states(self._states(now_ns), measured_ns)
        found = self._judge.step(now_ns, measured_ns, users, lights)

        def worded(episode: Episode, index: int) -> warning_pb2.Warning:
            row = found.rows[index]
            where = nearest_intersection(self._model, float(found.dangers.x_m[row]), float(found.dangers.y_m[row]))
            made = message(row, users, found.dangers, found.hypotheses, self._judge.predictor, where)
            if episode.kind in (STOPPED, WRONG_WAY):
                self._services.address(made)
            return made

        near = [near_miss.of_outcome(one, self._model) for one in found.outcomes if near_miss.is_believed(one)]
        close = self._followings.step(measured_ns, users, found.hypotheses)
        return found.changes, worded, near + [near_miss.of_following(one, self._model) for one in close]

    def _states(self, now_ns: int) -> dict[str, SignalState]:
        """Signals that are known now; notes which are not."""
        oldest_ns = now_ns - self._settings.stale_s * 1e9
        states = {name: state for name, (at_ns, state) in self._signals.items() if at_ns >= oldest_ns}
        self._condition.dark = self._lights.intersections - set(states)
        return states

    def _trust(self, warning: warning_pb2.Warning) -> tuple[float, list[str]]:
        """Trust in a warning, and what lowers it."""
        self._condition.degraded = {name for name in self._fusion.units if self._lists[name][1] == DEGRADED}
        seen = None if self._latest is None else self._latest[1:]
        return self._condition.judged(warning, seen, sorted(self._fusion.units))

    def _passed(self) -> str:
        """Why warnings end that end now."""
        if self._fusion.units or not self._silent:
            return "the danger has passed"
        return "nobody is seen any more: " + ", ".join(sorted(self._silent)) + " silent"

    def _served(self, now_ns: int) -> list[Output]:
        """What the informative services say."""
        services = self._services
        measured_ns = max((unit.at_ns for unit in self._fusion.units.values()), default=now_ns)
        told: list[Output] = []
        if now_ns - services.looked_ns >= LOOK_NS:
            states, users = (
                self._states(now_ns),
                road_users_of(self._everybody(measured_ns)[0], self._settings.warnings),
            )
            light = self._lights.of_states(states, now_ns).light
            changes = services.look(now_ns, users, light)
            if services.scene is not None and now_ns - self._advised_ns >= ADVICE_NS:
                self._advised_ns = now_ns
                told = [Output("advice", one, now_ns) for one in self._advisor.step(services.scene, states)]
        else:
            changes = Changes((), tuple((one, -1) for one in services.standing()), ())
        say = services.content
        return told + self._informative.step(
            now_ns, self._epoch_ns, measured_ns, changes, lambda one, _: say(one), self._trust, (), self._passed()
        )

    def _everybody(self, at_ns: int) -> tuple[UnitTracks, Sets]:
        """All road users at an instant; worked out once per instant and set of lists."""
        key = (at_ns, *((name, unit.at_ns) for name, unit in self._fusion.units.items()))
        if self._latest is None or self._latest[0] != key:
            self._latest = (key, *self._fusion.fused_at(at_ns))
        return self._latest[1], self._latest[2]

    def _touched(self, units: Sets, fresh: list[str]) -> Any:
        names = sorted(self._fusion.units)
        wanted = sum(1 << names.index(source) for source in fresh if source in names)
        return (units & wanted) > 0

    # --- the fused list -------------------------------------------------------------------------------------------

    def _fused(self, now_ns: int) -> Output:
        used = {name: unit.at_ns for name, unit in self._fusion.units.items()}
        at_ns = max(used.values(), default=now_ns)
        tracks, units = self._everybody(at_ns)
        self._judge.forget(set(tracks.id.tolist()))
        tracks, units, left_out = fits(tracks, units)
        names = sorted(used)
        areas = [area for name in names for area in self._lists[name][2].perceived_areas]
        degraded = [name for name in names if self._lists[name][1] == DEGRADED]
        silent = [name for name, late_ns in sorted(self._silent.items()) if now_ns - late_ns < STILL_LATE_NS]
        reasons = [f"{name} silent" for name in silent] + [f"{name} degraded" for name in degraded]
        reasons += [left_out] if left_out else []
        validity = INVALID if not used else DEGRADED if reasons else VALID
        objects = fused_list(tracks, units, names, areas, self._model.lanes.names)
        stamps = tuple((f"objects:{name}", stamp) for name, stamp in sorted(used.items()))
        return Output("fused_objects", objects, at_ns, validity, "; ".join(reasons)[:200], used=stamps)

    # --- restarts -------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything that a continuation needs, as JSON."""
        state = {
            "version": SNAPSHOT_VERSION,
            "map": self._model.content_hash,
            "epoch_ns": self._epoch_ns,
            "last_fused_ns": self._last_fused_ns,
            "events": self._events,
            "silent": sorted(self._silent.items()),
            "judge": self._judge.state(),
            "dark": sorted(self._condition.dark),
            "followings": self._followings.state(),
            "moved": sorted(self._condition.moved.items()),
            "services": self._services.state(),
            "advised_ns": self._advised_ns,
            "closed": self._advisor.closed.state(),
            "imminent": self._imminent.state(),
            "informative": self._informative.state(),
            "ahead": sorted(self._ahead.items()),
            "lists": {s: [at, validity, _text(o.encode(Header()))] for s, (at, validity, o) in self._lists.items()},
            "fusion": self._fusion.state(),
            "signals": {
                i: [at, _text(state.SerializeToString(deterministic=True))] for i, (at, state) in self._signals.items()
            },
        }
        return json.dumps(state).encode()

    def restore(self, snapshot: bytes) -> None:
        """Continue from a snapshot.

        Raises
        ------
        ValueError
            If it is not one of this version and map: lanes are kept by their numbers.
        """
        if not snapshot:
            return
        state = json.loads(snapshot)
        if state.get("version") != SNAPSHOT_VERSION:
            raise ValueError(f"edge snapshot: expected version {SNAPSHOT_VERSION}, found {state.get('version')!r}")
        if state.get("map") != self._model.content_hash:
            raise ValueError("edge snapshot: made on another map; what was learned there is left")
        self._epoch_ns, self._last_fused_ns = state["epoch_ns"], state["last_fused_ns"]
        self._events, self._silent = state["events"], {name: int(at) for name, at in state["silent"]}
        self._judge.restore(state["judge"])
        self._condition.dark = set(state["dark"])
        self._condition.moved = {unit: tuple(names) for unit, names in state["moved"]}
        self._services.restore(state["services"])
        self._followings.restore(state["followings"])
        self._advised_ns = state["advised_ns"]
        self._advisor.closed.restore(state["closed"])
        self._imminent.restore(state["imminent"])
        self._informative.restore(state["informative"])
        self._ahead, self._latest = {name: float(by) for name, by in state["ahead"]}, None
        self._lists = {s: (at, v, ObjectList.decode(_bytes(o))) for s, (at, v, o) in state["lists"].items()}
        self._signals = {i: (at, SignalState.FromString(_bytes(s))) for i, (at, s) in state["signals"].items()}
        lanes = self._model.lanes.index
        self._fusion.restore(state["fusion"], {s: unit_tracks(o, lanes) for s, (_, _, o) in self._lists.items()})


def _nothing_to_say(episode: Episode, index: int) -> warning_pb2.Warning:
    raise IndexError(f"no danger {index} of {episode.key} in a step without lists")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
