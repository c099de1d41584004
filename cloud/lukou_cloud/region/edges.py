"""Lists of several edges into one: every road user of the region once, under an identity of the region.

Where two edges look at one place, their tracks are joined by covariance intersection; who leaves one edge's views is expected in another's
by travel time on the lane graph: the same code with which an edge joins its units (`lukou_cloud.fusion`). What edges do themselves is
believed: who comes back under an edge's own identity is who he was. A region that has heard of one edge only takes its list as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lukou_cloud.fusion.association import Fusion
from lukou_cloud.fusion.fused_list import fits, fused_list
from lukou_cloud.fusion.handover import HandOver
from lukou_cloud.fusion.tracks import UnitTracks, joined, unit_tracks
from lukou_cloud.region.settings import RegionSettings
from lukou_maps.road_model import RoadModel
from lukou_messages.columns import MAX_OBJECTS
from lukou_messages.objects import ObjectList
from lukou_messages.process import DEGRADED, INVALID, VALID, Input, Output
from lukou_messages.v1.header_pb2 import Header, Validity
from lukou_messages.v1.objects_pb2 import PerceivedArea

RECOVERED_NS = 3 * 10**9
"""An edge is said to be back when its lists have come in time for so long: one change of state, not one per hiccup."""

MOST_LISTS = 2
"""Lists of one edge that are used in one step: as many as come between two steps, for times of ways are told by tenths of a second. (With the
last one alone 1192 of 1335 hand-overs were kept, with both 1198, as at one edge: 1200.)"""

FIRST_HEARD_NS = 5 * 10**9
"""So much longer an expected edge may take until it is heard for the first time: region and edges start together."""

FORGOTTEN_NS = 600 * 10**9
"""Of an edge that is not among the expected ones nothing is known any more when it has told nothing for so long: it was renamed or taken away."""

NOTHING_WATCHED = PerceivedArea()
"""An area without corners: a list without areas would mean that everything is watched."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Last list of one edge.

    Attributes
    ----------
    at_ns : int
        Instant of the list.
    epoch : int
        Start of the edge's life.
    validity : Validity
        Whether the content may be relied upon.
    objects : ObjectList
        The list.
    taken_ns : int
        When it came.
    """

    at_ns: int
    epoch: int
    validity: Validity
    objects: ObjectList
    taken_ns: int


@dataclass(frozen=True, slots=True)
class Everybody:
    """Road users of the region at one instant, each once.

    Attributes
    ----------
    at_ns : int
        The instant.
    objects : ObjectList
        As they are told.
    validity : Validity
        Whether the content may be relied upon.
    reason : str
        Why it is not VALID.
    around : callable
        ``around(x_m, y_m)`` -> ObjectList: all of them, or where there are more than one list tells, the nearest to a place.
    """

    at_ns: int
    objects: ObjectList
    validity: Validity
    reason: str
    around: Callable[[float, float], ObjectList]


class Edges:
    """What the region hears of its edges.

    Parameters
    ----------
    settings : RegionSettings
    road : RoadModel
        Map of the region.
    """

    def __init__(self, settings: RegionSettings, road: RoadModel) -> None:
        self._settings, self._road = settings, road
        self._fusion: Fusion | None = None
        self._heard: dict[str, Heard] = {}
        self._late: dict[str, int] = {}  # last instant at which each edge was silent
        self._began_ns = 0
        self._latest: tuple[tuple[Any, ...], Everybody] | None = None
        self._ahead = self._outdated = 0
        if len(settings.edges) > 1:
            self._fusion = self._new_fusion()

    def _new_fusion(self) -> Fusion:
        how = self._settings.fusion
        handover = HandOver(self._road, most_lost=how.most_lost)
        return Fusion(how.gate, how.reach_m, how.forget_s, handover, how.remember_s)

    def take(self, now_ns: int, inputs: Sequence[Input]) -> list[tuple[str, bool, str]]:
        """Take lists.

        Parameters
        ----------
        now_ns : int
            Time of the step.
        inputs : sequence of Input
            Of topic ``fused_objects``; of each edge the last `MOST_LISTS` count.

        Returns
        -------
        list of (str, bool, str)
            Changes: which edge, whether it is heard now, and in words.
        """
        self._began_ns = self._began_ns or now_ns
        lists: dict[str, list[Input]] = {}
        for one in inputs:
            if one.source != self._settings.name:
                lists.setdefault(one.source, []).append(one)
        if self._fusion is None and len(self._heard.keys() | lists.keys()) > 1:
            self._fusion = self._begun()
        for k in range(-MOST_LISTS, 0):
            self._take_one_each(now_ns, [some[k] for some in lists.values() if len(some) >= -k])
        if self._fusion is None:
            return []
        return self._watch(now_ns, self._fusion) + self._forget(now_ns, self._fusion)

    def _take_one_each(self, now_ns: int, inputs: Sequence[Input]) -> None:
        """Take a list of each of some edges."""
        usable: dict[str, tuple[int, UnitTracks]] = {}
        for one in inputs:
            before = self._heard.get(one.source)
            if not self._is_in_time(now_ns, one, before):
                continue
            heard = self._heard[one.source] = Heard(one.measured_at_ns, one.epoch, one.validity, one.value, now_ns)
            if self._fusion is not None and self._is_usable(self._fusion, one.source, heard, before):
                usable[one.source] = heard.at_ns, unit_tracks(heard.objects, self._road.lanes.index)
        if self._fusion is not None:
            self._fusion.take(usable)

    def _is_in_time(self, now_ns: int, one: Input, before: Heard | None) -> bool:
        """Whether a list may be used: not from the future, and newer than the last one of its edge, or so much older that its clock was set."""
        if one.measured_at_ns - now_ns > self._settings.fusion.ahead_s * 1e9:
            self._ahead += 1
            return False
        back_ns = -1 if before is None or before.epoch != one.epoch else before.at_ns - one.measured_at_ns
        if 0 <= back_ns <= self._settings.stale_s * 1e9:
            self._outdated += back_ns > 0  # an edge that has heard nothing new tells the same again
            return False
        return True

    def _begun(self) -> Fusion:
        """A second edge is heard: until now the identities were those of the first one, and they go on."""
        fusion = self._new_fusion()
        for source, heard in self._heard.items():
            if heard.validity != INVALID:
                fusion.adopt(source, heard.at_ns, unit_tracks(heard.objects, self._road.lanes.index))
        return fusion

    def _is_usable(self, fusion: Fusion, source: str, heard: Heard, before: Heard | None) -> bool:
        """Whether a list tells anything; what an edge told before is let go where it has begun anew, and its identities with it."""
        if before is not None and (heard.epoch != before.epoch or heard.at_ns <= before.at_ns):
            fusion.drop(source, forget=True)
        if heard.validity == INVALID:
            fusion.drop(source)
        return heard.validity != INVALID

    def _watch(self, now_ns: int, fusion: Fusion) -> list[tuple[str, bool, str]]:
        """Let go of edges that have fallen silent, and say so once; say once when they are back."""
        changes = []
        for source in sorted({*self._heard, *self._settings.edges}):
            heard = self._heard.get(source)
            at_ns = self._began_ns + FIRST_HEARD_NS if heard is None else heard.at_ns
            is_silent = now_ns - at_ns > self._settings.stale_s * 1e9
            is_lost = is_silent or (heard is not None and heard.validity == INVALID)
            is_news = source not in self._late
            if is_lost:
                self._late[source] = now_ns
            if is_silent:
                fusion.drop(source)
            if is_lost and is_news:
                since_ns = self._began_ns if heard is None else heard.at_ns
                why = f"for {(now_ns - since_ns) * 1e-9:.1f} s" if is_silent else "now: it sees nothing"
                changes.append((source, False, f"no usable list of road users from {source} {why}"))
            elif not is_lost and not is_news and now_ns - self._late[source] >= RECOVERED_NS:
                del self._late[source]
                changes.append((source, True, f"lists from {source} are back"))
        return changes

    def _forget(self, now_ns: int, fusion: Fusion) -> list[tuple[str, bool, str]]:
        """Forget edges that nobody expects and that have told nothing for long; say so."""
        gone = [
            source
            for source, heard in sorted(self._heard.items())
            if source not in self._settings.edges and now_ns - heard.taken_ns > FORGOTTEN_NS
        ]
        for source in gone:
            fusion.drop(source, forget=True)
            del self._heard[source]
            self._late.pop(source, None)
        why = f"told nothing for {FORGOTTEN_NS // 10**9} s and is not among the expected edges: it is not waited for any more"
        return [(source, False, f"{source} {why}") for source in gone]

    def everybody(self, now_ns: int) -> Everybody | None:
        """Road users of the region; None where no edge tells any."""
        stale_ns = self._settings.stale_s * 1e9
        fresh = {
            source: heard
            for source, heard in self._heard.items()
            if heard.validity != INVALID and now_ns - heard.at_ns <= stale_ns
        }
        if self._fusion is None:
            return next((_as_told(one) for one in fresh.values()), None)
        silent = sorted({*self._heard, *self._settings.edges} - fresh.keys())
        key = (tuple(silent), *((source, one.at_ns) for source, one in fresh.items()))
        if self._latest is None or self._latest[0] != key:
            self._latest = key, self._fused(self._fusion, fresh, silent)
        return self._latest[1] if fresh else None

    def told(self, now_ns: int) -> Output | None:
        """The list of the region, for the centre; None where one edge's list is passed on unchanged."""
        if self._fusion is None:
            return None
        everybody = self.everybody(now_ns)
        if everybody is None:
            nobody = fused_list(joined([]), np.zeros(0, np.object_), [], [NOTHING_WATCHED], self._road.lanes.names)
            return Output("fused_objects", nobody, now_ns, INVALID, "no edge is heard")
        return Output("fused_objects", everybody.objects, everybody.at_ns, everybody.validity, everybody.reason)

    def _fused(self, fusion: Fusion, fresh: dict[str, Heard], silent: list[str]) -> Everybody:
        at_ns = max((one.at_ns for one in fresh.values()), default=0)
        tracks, edges = fusion.fused_at(at_ns)
        names = sorted(fusion.units)
        areas = [area for name in names for area in fresh[name].objects.perceived_areas]
        if not areas and silent:
            areas = [NOTHING_WATCHED]
        degraded = [name for name in names if fresh[name].validity == DEGRADED]
        reasons = [f"{name} silent" for name in silent] + [f"{name} degraded" for name in degraded]
        shown, by, left_out = fits(tracks, edges)
        reasons += [left_out] if left_out else []
        objects = fused_list(shown, by, names, areas, self._road.lanes.names)

        def around(x_m: float, y_m: float) -> ObjectList:
            if not left_out:
                return objects
            near = np.argsort(np.hypot(tracks.x_m - x_m, tracks.y_m - y_m), kind="stable")[:MAX_OBJECTS]
            return fused_list(tracks.take(near), edges[near], names, areas, self._road.lanes.names)

        return Everybody(at_ns, objects, DEGRADED if reasons else VALID, "; ".join(reasons)[:200], around)

    def faults(self) -> list[str]:
        """For health."""
        if self._fusion is None:
            return []
        shapeless = [
            name
            for name, one in sorted(self._heard.items())
            if one.validity != INVALID and not one.objects.perceived_areas
        ]
        return [f"{name} is silent: its road users are not known" for name in sorted(self._late)] + [
            f"{name} tells no perceived areas: what it watches is not known" for name in shapeless
        ]

    def figures(self) -> dict[str, float]:
        """For health: lists that were not used."""
        return {"lists_ahead": float(self._ahead), "lists_outdated": float(self._outdated)}

    def state(self) -> dict[str, Any]:
        """For a snapshot."""
        return {
            "heard": {
                source: [one.at_ns, one.epoch, int(one.validity), one.objects.encode(Header()).hex(), one.taken_ns]
                for source, one in self._heard.items()
            },
            "late": sorted(self._late.items()),
            "began_ns": self._began_ns,
            "fusion": self._fusion.state() if self._fusion is not None else None,
            "refused": [self._ahead, self._outdated],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a snapshot."""
        self._heard = {
            source: Heard(at_ns, epoch, validity, ObjectList.decode(bytes.fromhex(objects)), taken_ns)
            for source, (at_ns, epoch, validity, objects, taken_ns) in state["heard"].items()
        }
        self._late = {source: int(at_ns) for source, at_ns in state["late"]}
        self._began_ns, self._latest = state["began_ns"], None
        self._ahead, self._outdated = state["refused"]
        if state["fusion"] is None:  # of one edge; where more are expected now, they are joined from here on
            self._fusion = self._begun() if len(self._settings.edges) > 1 else None
        else:
            self._fusion, lanes = self._new_fusion(), self._road.lanes.index
            self._fusion.restore(
                state["fusion"], {source: unit_tracks(one.objects, lanes) for source, one in self._heard.items()}
            )


def _as_told(heard: Heard) -> Everybody:
    """The list of the only edge."""
    return Everybody(heard.at_ns, heard.objects, heard.validity, "", lambda x_m, y_m: heard.objects)
