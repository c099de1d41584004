"""Matching, poses and paths on the project's own district."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from lukou_maps.check import shortcomings
from lukou_maps.geometry import LaneGeometry
from lukou_maps.matching import REACH_M, LaneMatcher
from lukou_maps.paths import PathCatalogue
from lukou_maps.quadrangles import quadrangles
from lukou_maps.reading import load_map
from lukou_maps.road_model import ConflictKind, LaneKind, RoadModel
from lukou_maps.showing import outline

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


@pytest.fixture(scope="module")
def matcher(model: RoadModel) -> LaneMatcher:
    return LaneMatcher(model)


def by_brute_force(model: RoadModel, x_m: float, y_m: float) -> tuple[float, np.ndarray]:
    """Least cost over all quadrangles of road and junction lanes, by the definition, and the lanes that have it."""
    lanes = model.lanes
    owner = np.repeat(np.arange(len(lanes)), np.diff(lanes.point_start))
    point = np.flatnonzero((np.append(np.diff(owner), 1) == 0) & (lanes.kind[owner] <= LaneKind.JUNCTION))
    ends = np.zeros(len(point), np.bool_)
    q = quadrangles(lanes, point, ends, ends)
    dx, dy = x_m - q.x, y_m - q.y
    along, across = dx * q.ux + dy * q.uy, q.ux * dy - q.uy * dx
    inside = np.maximum(np.minimum(along, q.length + q.last * across), q.first * across)
    half = np.maximum(q.half + q.taper * inside, 0.05)
    cost = np.hypot(np.maximum(np.abs(across) - half, 0.0), along - inside) + 0.5e-3 * np.abs(across) / half
    cost[np.hypot(across, along - inside) > REACH_M] = np.inf
    return float(cost.min()), owner[point[cost <= cost.min() + 1e-8]]


@settings(max_examples=150, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_nearest_is_exact(matcher: LaneMatcher, model: RoadModel, u: float, v: float) -> None:
    lanes = model.lanes
    x_m = lanes.x_m.min() + u * np.ptp(lanes.x_m)
    y_m = lanes.y_m.min() + v * np.ptp(lanes.y_m)
    found = matcher.nearest(np.array([x_m]), np.array([y_m]))
    least, best = by_brute_force(model, x_m, y_m)
    assert found.lane[0] == -1 if np.isinf(least) else found.lane[0] in best


def test_every_point_near_a_junction_is_exact(matcher: LaneMatcher, model: RoadModel) -> None:
    random = np.random.default_rng(8)
    x_m, y_m = random.uniform(-25, 25, (2, 400)) + np.array([[model.junctions.x_m[0]], [model.junctions.y_m[0]]])
    found = matcher.nearest(x_m, y_m)
    for k in range(len(x_m)):
        _, best = by_brute_force(model, x_m[k], y_m[k])
        assert found.lane[k] in best


def test_containment_is_that_of_the_outlines(matcher: LaneMatcher, model: RoadModel) -> None:
    """Where just one lane's outline holds a point, that lane is found."""
    random = np.random.default_rng(5)
    lanes = np.flatnonzero(model.lanes.kind <= LaneKind.JUNCTION)
    outlines = [shapely.Polygon(outline(model, int(k))) for k in lanes]
    tree = shapely.STRtree(outlines)
    lane = random.choice(lanes, 4000)
    geometry = LaneGeometry(model.lanes)
    s_m = random.uniform(0, 1, 4000) * model.lanes.length_m[lane]
    x_m, y_m, _ = geometry.pose(lane, s_m)
    x_m, y_m = x_m + random.uniform(-3, 3, 4000), y_m + random.uniform(-3, 3, 4000)
    point, polygon = tree.query(shapely.points(x_m, y_m), predicate="within")
    single = np.flatnonzero(np.bincount(point, minlength=4000) == 1)
    holder = lanes[polygon[np.isin(point, single)]]
    found = matcher.nearest(x_m[single], y_m[single])
    assert (found.lane == holder).mean() > 0.999


def test_points_on_centre_lines_come_back(matcher: LaneMatcher, model: RoadModel) -> None:
    lanes = model.lanes
    lane = np.flatnonzero((lanes.kind == LaneKind.ROAD) & (lanes.length_m > 5))
    s_m = lanes.length_m[lane] / 2
    x_m, y_m, heading = LaneGeometry(lanes).pose(lane, s_m)
    found = matcher.match(x_m, y_m, heading)
    assert (found.lane == lane).mean() > 0.99
    same = found.lane == lane
    assert found.s_m[same] == pytest.approx(s_m[same], abs=0.02)
    assert np.abs(found.d_m[same]).max() < 1e-6


def test_offset_is_positive_to_the_left(matcher: LaneMatcher, model: RoadModel) -> None:
    lanes = model.lanes
    lane = np.flatnonzero((lanes.kind == LaneKind.ROAD) & (lanes.right < 0) & (lanes.length_m > 30))[:10]
    x_m, y_m, heading = LaneGeometry(lanes).pose(lane, np.full(len(lane), 10.0))
    found = matcher.match(x_m - 0.4 * np.sin(heading), y_m + 0.4 * np.cos(heading), heading)
    assert found.lane.tolist() == lane.tolist()
    assert found.d_m == pytest.approx(0.4)


def test_heading_tells_crossing_lanes_apart(matcher: LaneMatcher, model: RoadModel) -> None:
    lanes, areas = model.lanes, model.conflict_areas
    crossing = (areas.kind == ConflictKind.CROSSING) & (areas.distance_m < 0.5)
    crossing &= (lanes.kind[areas.lane_a] == LaneKind.JUNCTION) & (lanes.kind[areas.lane_b] == LaneKind.JUNCTION)
    a, s_m = areas.lane_a[crossing], (areas.a_from_m + areas.a_to_m)[crossing] / 2
    x_m, y_m, heading = LaneGeometry(lanes).pose(a, s_m)
    x_m, y_m = x_m + 0.3, y_m - 0.2
    found = matcher.match(x_m, y_m, heading)
    _, _, direction = LaneGeometry(lanes).pose(found.lane, found.s_m)
    assert np.cos(direction - heading).min() > 0.8
    blind = matcher.nearest(x_m, y_m)
    _, _, direction = LaneGeometry(lanes).pose(blind.lane, blind.s_m)
    assert np.cos(direction - heading).min() < 0.5


def test_probabilities_of_a_point_sum_to_one(matcher: LaneMatcher, model: RoadModel) -> None:
    rng = np.random.default_rng(5)
    x_m, y_m = rng.uniform(model.lanes.x_m.min(), model.lanes.x_m.max(), (2, 400))
    found = matcher.candidates(x_m, y_m, object_class=np.full(400, 1))
    total = np.bincount(found.point, weights=found.probability, minlength=400)
    present = np.unique(found.point)
    assert total[present] == pytest.approx(1.0)
    assert (np.diff(found.probability)[np.diff(found.point) == 0] <= 1e-12).all()


def test_points_off_the_map_are_on_no_lane(matcher: LaneMatcher) -> None:
    far = np.array([-1e6, 1e6, 0.0])
    found = matcher.nearest(far, far[::-1].copy())
    assert found.lane.tolist() == [-1, -1, -1]
    assert matcher.match(far, far).probability.tolist() == [0.0, 0.0, 0.0]
    assert len(matcher.nearest(np.zeros(0), np.zeros(0)).lane) == 0


def test_paths_agree_with_their_lanes(model: RoadModel) -> None:
    catalogue = PathCatalogue(model)
    start = np.array([int(k) for k in model.stop_lines.lane[:12]] + [-1])
    owner, path = catalogue.of_lanes(start)
    table = catalogue.table
    assert len(owner) >= 12
    assert 12 not in owner
    for one in np.unique(path):
        lanes = table.lanes[int(one)]
        offset = table.lane_offset_m[table.lanes.start[one] : table.lanes.start[one + 1]]
        s_m = offset + model.lanes.length_m[lanes] / 2
        x_m, y_m, _ = table.pose(np.full(len(lanes), one), s_m)
        x_lane, y_lane, _ = LaneGeometry(model.lanes).pose(lanes, model.lanes.length_m[lanes] / 2)
        assert np.hypot(x_m - x_lane, y_m - y_lane).max() < 0.15  # samples cut corners
    assert (table.conflict_to_m >= table.conflict_from_m).all()
    # the first stop line on a path is the end of its first lane
    first = table.connections.start[path]
    assert table.connection_s_m[first] == pytest.approx(model.lanes.length_m[start[owner]])


def test_paths_keep_their_rows(model: RoadModel) -> None:
    catalogue = PathCatalogue(model)
    _, before = catalogue.of_lanes(model.stop_lines.lane[:3])
    pose = catalogue.table.pose(before, np.full(len(before), 20.0))
    catalogue.prepare(model.stop_lines.lane)
    _, after = catalogue.of_lanes(model.stop_lines.lane[:3])
    assert before.tolist() == after.tolist()
    assert np.array_equal(pose, catalogue.table.pose(after, np.full(len(after), 20.0)))


def test_the_district_lacks_nothing(model: RoadModel) -> None:
    assert shortcomings(model) == ()
    assert set(model.intersections) == {"k1", "k2", "k3", "k4"}
