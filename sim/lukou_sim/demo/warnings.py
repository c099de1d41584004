"""Warnings against what truly happened: raised, true, missed, false.

Truth as in the conflict evaluation of the field: a danger is an instant at which the footprints of two road users overlap, or a
red light is run. A warning is true where one of its road users is involved in a danger from 0.5 s before it was raised to 5 s
after; a danger is missed where no such warning was raised before it and still stood 0.5 s before it.

A scheduled danger begins when its actor begins to misbehave; whether it becomes dangerous is seen in the truth
(`encounters`): it counts when its actor touched somebody, ran a red light, or was in a near miss. It is warned of where
a warning was raised after it began, and stood 0.5 s before the red light was run, or before the contact or near miss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from lukou_messages.objects import ObjectList, TruthList
from lukou_messages.v1.warning_pb2 import Warning as WarningMessage
from lukou_sim.demo.encounters import Watch

HORIZON_S = 5.0
BEFORE_S = 0.5
STANDING_S = 0.5
SAME_EVENT_S = 3.0
MATCH_M = 3.0
"""A road user of the object list is the true one nearest to it within this distance."""

MOTOR = (1, 2, 3, 4)


@dataclass(slots=True)
class _Raised:
    at_s: float
    names: frozenset[str]
    kind: int
    ended_s: float = math.inf


@dataclass(slots=True)
class _Danger:
    at_s: float
    kind: str
    names: frozenset[str]


@dataclass(slots=True)
class WarningScore:
    """Collects truth, objects and warnings; tells the figures."""

    raised: dict[str, _Raised] = field(default_factory=dict)
    dangers: list[_Danger] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    vehicle_s: float = 0.0
    _objects: tuple[int, ObjectList] | None = None
    _truth: tuple[int, TruthList] | None = None

    def add_truth(self, at_ns: int, truth: TruthList) -> None:
        """One truth list; its events are the dangers, and the beginnings of scheduled ones."""
        if self._truth is not None:
            dt = (at_ns - self._truth[0]) / 1e9
            if 0 < dt < 1:
                self.vehicle_s += dt * int(np.isin(truth.object_class, MOTOR).sum())
        self._truth = (at_ns, truth)
        for event in truth.events:
            at_s = event.at_ns / 1e9
            if event.scheduled:
                self.watches.append(Watch(event.scheduled, event.kind, event.actor, event.other, at_s))
                continue
            self._happened(_Danger(at_s, event.kind, frozenset(name for name in (event.actor, event.other) if name)))
        for watch in self.watches:
            watch.add(at_ns / 1e9, truth)

    def _happened(self, danger: _Danger) -> None:
        for known in self.dangers:
            if known.names == danger.names and abs(known.at_s - danger.at_s) < SAME_EVENT_S:
                return
        self.dangers.append(danger)

    def add_objects(self, at_ns: int, objects: ObjectList) -> None:
        """One fused list: tells which true road user an identity stands for now."""
        self._objects = (at_ns, objects)

    def add_warning(self, at_ns: int, warning: WarningMessage) -> None:
        """A warning that was raised."""
        self.raised[warning.warning_id] = _Raised(warning.raised_at_ns / 1e9, self._names(warning), warning.kind)

    def end_warning(self, at_ns: int, warning: WarningMessage) -> None:
        """A warning that was cancelled."""
        if warning.warning_id in self.raised:
            self.raised[warning.warning_id].ended_s = at_ns / 1e9

    def _names(self, warning: WarningMessage) -> frozenset[str]:
        if self._objects is None or self._truth is None:
            return frozenset()
        objects, truth = self._objects[1], self._truth[1]
        dt = (self._truth[0] - self._objects[0]) / 1e9
        names = set()
        for user in warning.road_users:
            row = np.flatnonzero(objects.id == user.object_id)
            if not len(row) or not len(truth):
                continue
            k = int(row[0])
            x = float(objects.x_m[k]) + dt * float(np.nan_to_num(objects.velocity_x_mps[k]))
            y = float(objects.y_m[k]) + dt * float(np.nan_to_num(objects.velocity_y_mps[k]))
            distance = np.hypot(truth.x_m - x, truth.y_m - y)
            nearest = int(distance.argmin())
            if distance[nearest] <= MATCH_M:
                names.add(truth.names[nearest])
        return frozenset(names)

    def figures(self) -> dict[str, object]:
        """Counts over the run; null where nothing dangerous happened."""
        near = [_Danger(m.at_s, m.kind, m.names) for w in self.watches for m in w.moments() if m.kind == "near_miss"]
        true = [
            one
            for one in self.raised.values()
            if any(
                one.names & d.names and one.at_s - BEFORE_S <= d.at_s <= one.at_s + HORIZON_S
                for d in (*self.dangers, *near)
            )
        ]
        found = [danger for danger in self.dangers if self._was_warned(danger)]
        scheduled = [watch for watch in self.watches if watch.moments()]
        hit = [watch for watch in scheduled if self._was_warned_of(watch)]
        return {
            "raised": len(self.raised),
            "true": len(true) if self.dangers or near else None,
            "missed": len(self.dangers) - len(found) if self.dangers else None,
            "false": len(self.raised) - len(true),
            "vehicle_hours": round(self.vehicle_s / 3600, 4),
            "dangers": len(self.dangers),
            "scheduled_begun": len(self.watches),
            "scheduled": len(scheduled),
            "scheduled_warned": len(hit),
            "scheduled_recall": round(len(hit) / len(scheduled), 3) if scheduled else None,
            "by_kind": self._by_kind(found),
            "scheduled_by_identity": {w.identity: self._outcome(w, w in hit) for w in self.watches},
        }

    def _was_warned(self, danger: _Danger, since_s: float = -math.inf) -> bool:
        return any(
            one.names & danger.names
            and max(danger.at_s - 10.0, since_s - BEFORE_S) <= one.at_s <= danger.at_s
            and one.ended_s >= danger.at_s - STANDING_S
            for one in self.raised.values()
        )

    def _was_warned_of(self, watch: Watch) -> bool:
        return any(self._was_warned(_Danger(m.at_s, m.kind, m.names), watch.began_s) for m in watch.moments())

    def _outcome(self, watch: Watch, was_warned: bool) -> dict[str, object]:
        moments = watch.moments()
        return {
            "kind": watch.kind,
            "became": [moment.kind for moment in moments],
            "after_s": [round(moment.at_s - watch.began_s, 1) for moment in moments],
            "warned": was_warned if moments else None,
        }

    def _by_kind(self, found: list[_Danger]) -> dict[str, dict[str, int]]:
        table: dict[str, dict[str, int]] = {}
        for danger in self.dangers:
            row = table.setdefault(danger.kind, {"happened": 0, "warned": 0})
            row["happened"] += 1
            row["warned"] += danger in found
        return table
