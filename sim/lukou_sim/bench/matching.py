"""Matching points to the lanes of a map, beside sumolib and lanelet2 on the same points; and what else a map must do fast."""

from __future__ import annotations

import importlib.util
import math
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lukou_maps.geometry import LaneGeometry, sample
from lukou_maps.matching import LaneMatcher
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, RoadModel
from lukou_maps.routing import Router
from lukou_maps.tiles import make_tiles

Floats = NDArray[np.float64]

NOISE_M = 1.0
"""Standard deviation of the points about the lanes. [m]"""

POINTS = 100_000
"""Points of the bulk measurement."""

PEER_S = 2.0
"""How long each peer is measured, point by point. [s]"""

FOES_WITHIN_M = 3.0
"""Foes whose lanes come nearer than this must be found. [m]"""

ROUNDS = 7


def measure(path: Path, seed: int) -> dict[str, Any]:
    """All figures of one map; what cannot be measured is None."""
    before_mb = _memory_mb()
    load_s, model = _timed(lambda: load_map(path))
    matcher = LaneMatcher(model)
    prepare_s, _ = _timed(matcher.prepare)
    memory_mb = _memory_mb() - before_mb
    x_m, y_m = _points(model, seed)
    rates = {f"points_per_s_{n}_a_call": _rate(matcher, x_m, y_m, n) for n in (10, 100, 1_000, POINTS)}
    areas_s, areas = _timed(lambda: model.conflict_areas)
    foes, found = foes_found(model)
    route_ms, lanes_of_route = _route(model)
    tiles_s, tiles = _timed(lambda: make_tiles(model))
    return {
        "map": path.name,
        "lanes": len(model.lanes),
        "noise_m": NOISE_M,
        "load_s": round(load_s, 3),
        "prepare_s": round(prepare_s, 3),
        "ready_s": round(load_s + prepare_s, 3),
        "memory_mb": round(memory_mb, 1),
        **{name: round(value) for name, value in rates.items()},
        "slowest_cell_to_median": round(_slowest_cell(matcher, x_m, y_m), 2),
        "sumolib_points_per_s": _rounded(_peer(lambda: _sumolib(path, x_m, y_m))),
        "sumolib_has_rtree": importlib.util.find_spec("rtree") is not None,
        "lanelet2_points_per_s": _rounded(_peer(lambda: _lanelet2(model, x_m, y_m))),
        "conflict_areas": len(areas),
        "conflict_areas_s": round(areas_s, 3),
        "foes_within_3_m": foes,
        "foes_found_share": round(found / foes, 4) if foes else None,
        "route_ms": route_ms,
        "route_lanes": lanes_of_route,
        "tiles": len(tiles),
        "tiles_s": round(tiles_s, 3),
        "mean_tile_kb": round(float(np.mean([tile.ByteSize() for tile in tiles])) / 1000.0, 2),
    }


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    made = call()
    return time.process_time() - began, made


def _memory_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


def _points(model: RoadModel, seed: int) -> tuple[Floats, Floats]:
    """Points along road and junction lanes, by length, with noise."""
    random = np.random.default_rng(seed)
    lanes = np.flatnonzero(model.lanes.kind <= LaneKind.JUNCTION)
    length = model.lanes.length_m[lanes]
    lane = random.choice(lanes, POINTS, p=length / length.sum())
    x_m, y_m, _ = LaneGeometry(model.lanes).pose(lane, random.uniform(0.0, 1.0, POINTS) * model.lanes.length_m[lane])
    return x_m + random.normal(0.0, NOISE_M, POINTS), y_m + random.normal(0.0, NOISE_M, POINTS)


def _rate(matcher: LaneMatcher, x_m: Floats, y_m: Floats, size: int) -> float:
    """Points per second of CPU at a size of call; best of several rounds."""
    calls = max(1, min(len(x_m) // size, 2_000))
    best = math.inf
    for _ in range(ROUNDS):
        began = time.process_time()
        for begin in range(0, calls * size, size):
            matcher.nearest(x_m[begin : begin + size], y_m[begin : begin + size])
        best = min(best, time.process_time() - began)
    return calls * size / best


def _slowest_cell(matcher: LaneMatcher, x_m: Floats, y_m: Floats) -> float:
    """CPU of 1,000 points in the most crowded cell against 1,000 points in a cell of median crowding."""
    candidates = matcher.candidate_counts(x_m, y_m)
    crowded, usual = int(candidates.argmax()), int(np.argsort(candidates)[len(candidates) // 2])
    times = []
    for k in (crowded, usual):
        x, y = np.full(1_000, x_m[k]), np.full(1_000, y_m[k])
        times.append(min(_timed(lambda x=x, y=y: [matcher.nearest(x, y) for _ in range(20)])[0] for _ in range(ROUNDS)))  # type: ignore[misc]
    return times[0] / times[1]


def _peer(measured: Callable[[], float | None]) -> float | None:
    """What a peer reaches; None where it cannot read the map or falls over."""
    try:
        return measured()
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        print(f"a peer cannot use this map: {error}", file=sys.stderr)
        return None


def _sumolib(path: Path, x_m: Floats, y_m: Floats) -> float | None:
    """sumolib: nearest lane, arc length and distance; SUMO networks only."""
    if not path.name.endswith((".net.xml", ".net.xml.gz")):
        return None
    import sumolib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has no rtree is said in the figures
        net = sumolib.net.readNet(str(path), withInternal=True)
        net.getNeighboringLanes(float(x_m[0]), float(y_m[0]), 15.0)

    def match(x: float, y: float) -> None:
        near = net.getNeighboringLanes(x, y, 8.0)
        if near:
            lane, _ = min(near, key=lambda found: found[1])
            lane.getClosestLanePosAndDist((x, y))

    return _peer_rate(match, x_m, y_m)


def _lanelet2(model: RoadModel, x_m: Floats, y_m: Floats) -> float | None:
    """lanelet2's Python: nearest lanelet, arc length and offset; the same lanes given to it as lanelets."""
    try:
        import lanelet2  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    core, geometry = lanelet2.core, lanelet2.geometry
    lanes, shapes = model.lanes, LaneGeometry(model.lanes)
    made = []
    for lane in np.flatnonzero(lanes.kind <= LaneKind.JUNCTION).tolist():
        s_m = lanes.s_m[lanes.points(lane)]
        own = np.full(len(s_m), lane)
        bounds = []
        for side in (0, 1):
            x, y = shapes.boundary(own, s_m, side)
            points = [core.Point3d(core.getId(), a, b, 0.0) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
            bounds.append(core.LineString3d(core.getId(), points))
        made.append(core.Lanelet(core.getId(), bounds[0], bounds[1]))
    layer = core.createMapFromLanelets(made).laneletLayer

    def match(x: float, y: float) -> None:
        at = core.BasicPoint2d(x, y)
        (_, found), *_ = geometry.findNearest(layer, at, 1)
        geometry.toArcCoordinates(geometry.to2D(found.centerline), at)

    return _peer_rate(match, x_m, y_m)


def _peer_rate(match: Callable[[float, float], None], x_m: Floats, y_m: Floats) -> float:
    """Points per second of CPU, one by one, for a while."""
    match(float(x_m[0]), float(y_m[0]))
    began, done = time.process_time(), 0
    for x, y in zip(x_m.tolist(), y_m.tolist(), strict=True):
        match(x, y)
        done += 1
        if time.process_time() - began > PEER_S:
            break
    return done / (time.process_time() - began)


def foes_found(model: RoadModel) -> tuple[int, int]:
    """Pairs of foes by the file's rules whose centre lines come within 3 m, and how many of them are conflict areas."""
    lanes, rules, areas = model.lanes, model.priorities, model.conflict_areas
    once = (
        (rules.lane < rules.foe)
        & (lanes.kind[rules.lane] <= LaneKind.CROSSWALK)
        & (lanes.kind[rules.foe] <= LaneKind.CROSSWALK)
    )
    a, b = rules.lane[once], rules.foe[once]
    if len(a) == 0:
        return 0, 0
    owner, _, x_m, y_m = sample(lanes, np.arange(len(lanes)), 0.5)
    start = np.searchsorted(owner, np.arange(len(lanes) + 1))
    known = set((areas.lane_a * len(lanes) + areas.lane_b).tolist())
    near = found = 0
    for first, second in zip(a.tolist(), b.tolist(), strict=True):
        one, other = slice(start[first], start[first + 1]), slice(start[second], start[second + 1])
        gap = np.hypot(x_m[one, None] - x_m[None, other], y_m[one, None] - y_m[None, other]).min()
        if gap < FOES_WITHIN_M:
            near += 1
            found += first * len(lanes) + second in known
    return near, found


def _route(model: RoadModel) -> tuple[float | None, int | None]:
    """Wall time of a route from the south-west to the north-east [ms], and its lanes."""
    lanes = model.lanes
    router = Router(model)
    start = lanes.point_start[:-1]
    diagonal = np.where(router.is_routable, lanes.x_m[start] + lanes.y_m[start], np.nan)
    if np.isnan(diagonal).all():
        return None, None
    order = np.argsort(diagonal)
    order = order[np.isfinite(diagonal[order])].tolist()
    for first, last in (
        (order[0], order[-1]),
        (order[len(order) // 10], order[-len(order) // 10]),
        (order[-1], order[0]),
    ):
        route = router.route(first, last)
        if route is not None:
            times = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                router.route(first, last)
                times.append(time.perf_counter() - began)
            return round(min(times) * 1e3, 2), len(route.lanes)
    return None, None
