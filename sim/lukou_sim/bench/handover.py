"""``lukou bench handover``: do identities survive the gaps between intersections?

Any SUMO folder with several signalised intersections. At each stands a unit that sees vehicles within a radius: it publishes tracks
under its own numbers, late at birth, with errors that are slow to change, with wrong lengths and classes, and now and then it loses one and
begins it anew. The edge's core, as it ships, fuses the lists; where there are several edges, the region's core fuses theirs. A hand-over is a
vehicle that was followed in one view and is then followed in another; it is kept where the published identity is the same. Renamed in view is who gets
another identity where he has been followed already.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libsumo
import numpy as np

from lukou_maps.matching import LaneMatcher
from lukou_maps.reading import load_map
from lukou_maps.tiles import make_tiles, save_tiles, shifted_map
from lukou_messages.errors import SettingsError
from lukou_messages.objects import ObjectList
from lukou_messages.process import VALID, Input
from lukou_messages.site import load_spec
from lukou_sim.bench.scenario_folder import ScenarioFolder

START_NS = 1_767_225_600 * 10**9
STEP_S = 0.1

SETTLED_S = 2.0
"""A vehicle counts as followed in a view when it has been in it for so long. [s]"""

BIRTH_S = 0.5
"""A unit's track begins so long after the vehicle comes into view. [s]"""

POSITION_DEVIATION_M, SPEED_DEVIATION_MPS, LENGTH_DEVIATION_M = 0.35, 0.4, 0.4
"""Errors of a unit's tracks; that of length stays. [m, m/s, m]"""

ERROR_FADES_S = 1.0
"""Time constant of the errors of position and speed: a filter's errors of one step are much those of the last. [s]"""

LOST_PER_S = 0.005
"""Rate at which a unit loses a track and begins it anew a second later. [1/s]"""

OTHER_CLASS_SHARE = 0.03
"""Share of tracks with a wrong class."""

MATCH_M = 2.5
"""A fused road user nearer than this to a vehicle is taken to be it. [m]"""

REGION_STEPS = 2
"""The region makes a step every so many lists of its edges."""

NO_LANE = 0xFFFFFFFF

_DEVIATIONS = np.array([POSITION_DEVIATION_M, POSITION_DEVIATION_M, SPEED_DEVIATION_MPS])


@dataclass
class _Track:
    """One vehicle as one unit follows it."""

    since_s: float
    number: int
    length_m: float
    object_class: int
    error: np.ndarray  # of x, y [m] and speed [m/s]
    hidden_until_s: float


@dataclass
class _Unit:
    """One intersection's unit."""

    name: str
    x_m: float
    y_m: float
    rng: np.random.Generator
    tracks: dict[str, _Track] = field(default_factory=dict)
    numbers: int = 0

    def look(self, now_s: float, seen: dict[str, tuple[float, float, float]]) -> dict[str, _Track]:
        """Tracks published now, of the vehicles in view with (length, class, -)."""
        for name in [name for name in self.tracks if name not in seen]:
            del self.tracks[name]
        fade = math.exp(-STEP_S / ERROR_FADES_S)
        for name, (length_m, object_class, _) in seen.items():
            track = self.tracks.get(name)
            if track is None:
                self.numbers += 1
                wrong = self.rng.uniform() < OTHER_CLASS_SHARE
                track = self.tracks[name] = _Track(
                    now_s,
                    self.numbers,
                    max(length_m + self.rng.normal(0.0, LENGTH_DEVIATION_M), 0.5),
                    (2 if object_class == 1 else 1) if wrong else int(object_class),
                    self.rng.normal(0.0, _DEVIATIONS),
                    now_s + BIRTH_S,
                )
            fresh = self.rng.normal(0.0, _DEVIATIONS)
            track.error = fade * track.error + math.sqrt(1.0 - fade * fade) * fresh
            if self.rng.uniform() < LOST_PER_S * STEP_S:
                self.numbers += 1
                track.number, track.hidden_until_s = self.numbers, now_s + 1.0
        return {name: track for name, track in self.tracks.items() if now_s >= track.hidden_until_s}


@dataclass
class _Journey:
    """What is known of one vehicle: the view it was followed in last, and under which identity."""

    view: str = ""
    identity: int = 0
    views: dict[str, float] = field(default_factory=dict)


def measure(
    folder: Path,
    seed: int,
    seconds: float,
    radius_m: float,
    edges: int = 1,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Hand-overs on one scenario.

    Parameters
    ----------
    folder : Path
        With a ``.sumocfg``.
    seed : int
        Of SUMO and of the units' errors.
    seconds : float
        Length of the run. [s]
    radius_m : float
        Sight of a unit. [m]
    edges : int
        Edges among which the units are split; with more than one the identities are the region's.
    progress : callable, optional
        Called with the share done.
    """
    scenario = ScenarioFolder.open(folder)
    with tempfile.TemporaryDirectory(prefix="lukou-handover-") as place:
        road, shift_m = _near_map(scenario.net, Path(place))
        run = _Run(road, shift_m, seed, radius_m, edges)
    extra = ["--step-length", str(STEP_S)]
    arguments = [one for one in scenario.arguments(Path("/dev/null"), seed, 1.0, []) if one]
    at = arguments.index("--step-length")
    libsumo.start([*arguments[:at], *arguments[at + 2 :], *extra])
    try:
        run.place_units()
        steps = round(seconds / STEP_S)
        for step in range(steps):
            libsumo.simulationStep()
            run.step(step)
            if progress is not None and step % 100 == 0:
                progress(step / steps)
    finally:
        libsumo.close()
    return run.figures()


def _near_map(net: Path, place: Path) -> tuple[Path, tuple[float, float]]:
    """The map in a frame that messages can carry, and by how much that lies off SUMO's. [m]"""
    model = load_map(net)
    near = shifted_map(model)
    if near is model:
        return net, (0.0, 0.0)
    path = place / "near.tiles"
    save_tiles(make_tiles(near), path)
    return path, (near.frame.offset_x_m - model.frame.offset_x_m, near.frame.offset_y_m - model.frame.offset_y_m)


class _Run:
    def __init__(self, road: Path, shift_m: tuple[float, float], seed: int, radius_m: float, edges: int) -> None:
        self._road, self._shift_m = load_map(road), shift_m
        self._matcher = LaneMatcher(self._road)
        edge, region = load_spec("edge"), load_spec("region")
        self._edges = [
            edge.make_core(edge.settings.model_validate({"map": str(road), "stale_s": 0.5, "name": f"e{k}/edge"}))
            for k in range(edges)
        ]
        self._region = None
        if edges > 1:
            names = [f"e{k}/edge" for k in range(edges)]
            settings = {"map": str(road), "configurations": [], "edges": names}
            self._region = region.make_core(region.settings.model_validate(settings))
        self._edge_of: dict[str, int] = {}
        self._waiting: list[Input] = []
        self._region_ms: list[float] = []
        self._seed, self._radius_m = seed, radius_m
        self._units: list[_Unit] = []
        self._journeys: dict[str, _Journey] = {}
        self._kinds: dict[str, tuple[float, float, float]] = {}
        self.kept = self.changed = self.taken = 0
        self.between, self.kept_between = 0, 0  # edges
        self.renamed = 0
        self._listed = self._seen = 0
        self._owner: dict[int, str] = {}

    def place_units(self) -> None:
        """One unit at each signalised junction."""
        names = sorted(libsumo.trafficlight.getIDList())
        for k, name in enumerate(names):
            lanes = set(libsumo.trafficlight.getControlledLanes(name))
            ends = np.array([libsumo.lane.getShape(lane)[-1] for lane in lanes], float)
            middle = ends.mean(axis=0) + self._shift_m
            self._units.append(_Unit(f"u{k}/perception", middle[0], middle[1], np.random.default_rng([self._seed, k])))
        if len(self._units) < 2:
            raise SettingsError(["lukou bench handover: fewer than two signalised intersections; name another folder"])
        if len(self._units) < len(self._edges):
            raise SettingsError([f"lukou bench handover: --edges: {len(self._units)} intersections have no more edges"])
        places = np.array([(unit.x_m, unit.y_m) for unit in self._units])
        along = np.linalg.svd(places - places.mean(axis=0))[2][0]  # edges lie side by side along the longer axis
        for rank, k in enumerate(np.argsort(places @ along, kind="stable").tolist()):
            self._edge_of[self._units[k].name] = rank * len(self._edges) // len(self._units)

    def step(self, step: int) -> None:
        """One list of each unit, one step of the edge, one look at its list."""
        now_s = step * STEP_S
        now_ns = START_NS + round(now_s * 1e9)
        names = list(libsumo.vehicle.getIDList())
        place = np.array([_pose(name) for name in names]).reshape(-1, 4)
        place[:, :2] += self._shift_m
        inputs: list[list[Input]] = [[] for _ in self._edges]
        seen_by = {}
        for unit in self._units:
            near = np.hypot(place[:, 0] - unit.x_m, place[:, 1] - unit.y_m) < self._radius_m
            rows = {names[k]: k for k in np.flatnonzero(near).tolist()}
            published = unit.look(now_s, {name: self._kind(name) for name in rows})
            seen_by[unit.name] = set(published)
            objects = self._list(published, place[[rows[name] for name in published]], unit)
            inputs[self._edge_of[unit.name]].append(Input("objects", unit.name, 1, step + 1, now_ns, objects, VALID))
        fused = self._fused(now_ns, step, inputs)
        if fused is not None:
            self._listed += len(fused)
            self._seen += len(set().union(*seen_by.values()))
            self._judge(now_s, fused, names, place, seen_by)

    def _fused(self, now_ns: int, step: int, inputs: list[list[Input]]) -> ObjectList | None:
        """The list of the only edge each half second, or of the region each 0.4 s, with the times that its steps take."""
        for k, (edge, lists) in enumerate(zip(self._edges, inputs, strict=True)):
            for one in (*edge.step(now_ns, lists), *edge.step(now_ns, [])):  # a tick of its own, as its shell gives it
                if one.topic == "fused_objects":
                    source, at_ns = f"e{k}/edge", one.measured_at_ns
                    self._waiting.append(Input(one.topic, source, 1, step + 1, at_ns, one.value, one.validity))
        waiting, outputs = self._waiting, [one.value for one in self._waiting]
        if self._region is None:
            self._waiting = []
            return outputs[-1] if outputs and step % 5 == 0 else None
        if step % REGION_STEPS:
            return None
        self._waiting, began = [], time.process_time()
        told = [one.value for one in self._region.step(now_ns, waiting) if one.topic == "fused_objects"]
        self._region_ms.append(1e3 * (time.process_time() - began))
        return told[-1] if told and step % (2 * REGION_STEPS) == 0 else None

    def _kind(self, name: str) -> tuple[float, float, float]:
        if name not in self._kinds:
            kind = {"truck": 2, "bus": 3, "motorcycle": 4, "bicycle": 5}.get(libsumo.vehicle.getVehicleClass(name), 1)
            self._kinds[name] = (libsumo.vehicle.getLength(name), float(kind), 0.0)
        return self._kinds[name]

    def _list(self, tracks: dict[str, _Track], place: np.ndarray, unit: _Unit) -> ObjectList:
        count = len(tracks)
        error = np.array([track.error for track in tracks.values()]).reshape(-1, 3)
        x_m, y_m = place[:, 0] + error[:, 0], place[:, 1] + error[:, 1]
        speed = np.maximum(place[:, 3] + error[:, 2], 0.0)
        named = np.array([track.object_class for track in tracks.values()], np.int64)
        found = self._matcher.match(x_m, y_m, place[:, 2], named, np.full(count, POSITION_DEVIATION_M))
        on_lane = found.lane >= 0
        present = np.unique(found.lane[on_lane])
        variance, rest = np.full(count, POSITION_DEVIATION_M**2), np.full(count, SPEED_DEVIATION_MPS**2)
        return ObjectList.of(
            count,
            lane_names=[self._road.lanes.names[k] for k in present],
            id=np.array([track.number for track in tracks.values()], np.int64),
            object_class=named,
            existence_probability=np.full(count, 0.98),
            x_m=x_m,
            y_m=y_m,
            velocity_x_mps=speed * np.cos(place[:, 2]),
            velocity_y_mps=speed * np.sin(place[:, 2]),
            yaw_rad=place[:, 2],
            length_m=np.array([track.length_m for track in tracks.values()]),
            width_m=np.full(count, 1.8),
            position_variance_xx_m2=variance,
            position_variance_xy_m2=np.zeros(count),
            position_variance_yy_m2=variance,
            velocity_variance_xx_m2ps2=rest,
            velocity_variance_xy_m2ps2=np.zeros(count),
            velocity_variance_yy_m2ps2=rest,
            age_s=np.ones(count),
            unmeasured_s=np.zeros(count),
            lane=np.where(on_lane, np.searchsorted(present, found.lane), NO_LANE),
            lane_s_m=found.s_m,
            lane_offset_m=found.d_m,
            lane_probability=found.probability,
        )

    def _judge(
        self, now_s: float, fused: ObjectList, names: list[str], place: np.ndarray, seen_by: dict[str, set[str]]
    ) -> None:
        """Count the vehicles that have settled in another view than the one they were last followed in."""
        x_m, y_m = np.asarray(fused.x_m, float), np.asarray(fused.y_m, float)
        for row, name in enumerate(names):
            journey = self._journeys.setdefault(name, _Journey())
            views = {view for view, seen in seen_by.items() if name in seen}
            journey.views = {view: journey.views.get(view, now_s) for view in views}
            settled = [view for view, since_s in journey.views.items() if now_s - since_s >= SETTLED_S]
            if not settled or not len(x_m):
                continue
            away = np.hypot(x_m - place[row, 0], y_m - place[row, 1])
            if away.min() > MATCH_M:
                continue
            identity = int(fused.id[int(away.argmin())])
            if journey.view and journey.view not in journey.views:
                self._count(journey, identity, name, self._edge_of[settled[0]] != self._edge_of[journey.view])
            elif journey.view:
                self.renamed += identity != journey.identity
            if journey.view not in journey.views:
                journey.view = settled[0]
            journey.identity = identity
            self._owner.setdefault(identity, name)

    def _count(self, journey: _Journey, identity: int, name: str, is_between: bool) -> None:
        self.between += is_between
        self.kept_between += is_between and identity == journey.identity
        self.kept += identity == journey.identity
        self.changed += identity != journey.identity
        self.taken += identity != journey.identity and self._owner.get(identity, name) != name

    def figures(self) -> dict[str, Any]:
        """The result."""
        events = self.kept + self.changed
        return {
            "units": len(self._units),
            "handovers": events,
            "kept": self.kept,
            "kept_share": round(self.kept / events, 4) if events else None,
            "new_identity": self.changed - self.taken,
            "identity_of_another": self.taken,
            "renamed_in_view": self.renamed,
            "edges": len(self._edges),
            "between_edges": self.between,
            "kept_between_edges": self.kept_between,
            "listed_per_vehicle": round(self._listed / self._seen, 4) if self._seen else None,
            "region_step_cpu_ms": _percentiles(self._region_ms),
        }


def _percentiles(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {f"p{k}": round(float(np.percentile(values, k)), 3) for k in (50, 95, 99)}


def _pose(name: str) -> tuple[float, float, float, float]:
    """Middle of a vehicle, direction, speed; SUMO tells the middle of its front."""
    x_m, y_m = libsumo.vehicle.getPosition(name)
    yaw = math.radians(90.0 - libsumo.vehicle.getAngle(name))
    half = 0.5 * libsumo.vehicle.getLength(name)
    return x_m - half * math.cos(yaw), y_m - half * math.sin(yaw), yaw, libsumo.vehicle.getSpeed(name)
