"""Quickest routes."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from lukou_maps.compiled import CODE
from lukou_maps.quickest import Graph, quickest
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, RoadModel
from lukou_maps.routing import Router
from lukou_maps.warm import warm_routing

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


def test_every_step_of_a_route_is_possible(model: RoadModel) -> None:
    router, lanes = Router(model), model.lanes
    roads = np.flatnonzero(router.is_routable)
    random, found = np.random.default_rng(1), 0
    for _ in range(60):
        start, goal = (int(k) for k in random.choice(roads, 2))
        route = router.route(start, goal)
        if route is None:
            continue
        found += 1
        assert (route.lanes[0], route.lanes[-1]) == (start, goal)
        for a, b in zip(route.lanes[:-1].tolist(), route.lanes[1:].tolist(), strict=True):
            assert b in lanes.successors[a] or b in (lanes.left[a], lanes.right[a])
        assert route.time_s > 0 and route.length_m > 0
    assert found > 20


def test_closed_lanes_are_gone_round_or_there_is_no_way(model: RoadModel) -> None:
    router, lanes = Router(model), model.lanes
    roads = np.flatnonzero(router.is_routable)
    start = int(roads[0])
    routes = [route for goal in roads[1:40] if (route := router.route(start, int(goal))) is not None]
    route = max(routes, key=lambda one: len(one.lanes))
    inner = [int(k) for k in route.lanes if lanes.kind[k] == LaneKind.JUNCTION]
    other = router.route(start, int(route.lanes[-1]), closed=inner)
    assert other is None or (not set(inner) & set(other.lanes.tolist()) and other.time_s >= route.time_s - 1e-6)


def test_times_are_those_of_another_library() -> None:
    random = np.random.default_rng(7)
    for _ in range(20):
        count = int(random.integers(2, 40))
        costs = np.where(random.random((count, count)) < 0.15, random.uniform(0.1, 9.0, (count, count)), 0.0)
        known = csr_array(costs)
        graph = Graph(known.indptr.astype(np.int64), known.indices.astype(np.int64), known.data)
        limit = float(random.uniform(3.0, 30.0))
        times, before = quickest(graph, 0, limit)
        np.testing.assert_allclose(times, dijkstra(known, indices=0, limit=limit))
        np.testing.assert_allclose(quickest(graph.reversed(), 0, np.inf)[0], dijkstra(known.T.tocsr(), indices=0))
        for node in np.flatnonzero(before >= 0):
            assert times[node] == pytest.approx(times[before[node]] + costs[before[node], node])


def test_nothing_is_compiled_for_a_route(model: RoadModel) -> None:
    warm_routing()
    router, ready = Router(model), CODE.versions()
    first, second = (int(k) for k in np.flatnonzero(router.is_routable)[:2])
    for closed in ((), (second,)):
        router.route(first, second, closed=closed)
        router.times_to(second, 30, closed)
    assert CODE.versions() == ready


def test_walkways_are_no_way(model: RoadModel) -> None:
    lane = int(np.flatnonzero(model.lanes.kind == LaneKind.CROSSWALK)[0])
    assert Router(model).route(lane, lane) is None
