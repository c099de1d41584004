"""Tracked matching on the project's own district: simulated drives with noise, and what memory must do."""

from pathlib import Path

import numpy as np
import pytest

from lukou_maps.geometry import LaneGeometry
from lukou_maps.lane_smoothing import Smoother
from lukou_maps.lane_tracking import LaneTracker
from lukou_maps.matching import LaneMatcher
from lukou_maps.paths import PathCatalogue
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, RoadModel

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


def drives(model: RoadModel, count: int) -> tuple[PathCatalogue, np.ndarray]:
    """Paths that begin on driving lanes and lead over a junction."""
    lanes = model.lanes
    start = np.flatnonzero((lanes.kind == LaneKind.ROAD) & (lanes.type == 1) & (lanes.length_m > 60))
    catalogue = PathCatalogue(model, 80.0)
    _, paths = catalogue.of_lanes(start)
    long = paths[np.diff(catalogue.table.lanes.start)[paths] >= 3]
    return catalogue, np.random.default_rng(4).choice(long, count, replace=False)


@pytest.mark.parametrize(("noise_m", "noise_deg", "least"), [(0.5, 5.0, 0.97), (1.0, 8.0, 0.95)])
def test_memory_finds_the_lane(model: RoadModel, noise_m: float, noise_deg: float, least: float) -> None:
    random = np.random.default_rng(9)
    catalogue, paths = drives(model, 60)
    table, matcher = catalogue.table, LaneMatcher(model)
    tracker = LaneTracker(matcher, model.connections)
    right = near = total = 0
    ids = np.arange(len(paths))
    for step in range(25):
        s_m = np.minimum(5.0 + 9.0 * step * 0.5, table.length_m[paths] - 1.0)
        x, y, heading = table.pose(paths, s_m)
        truth = table.lane_at(paths, s_m)
        x, y = x + random.normal(0, noise_m, len(x)), y + random.normal(0, noise_m, len(x))
        heading = heading + random.normal(0, np.radians(noise_deg), len(x))
        found = tracker.update(step * 0.5, ids, x, y, heading)
        best = np.full(len(ids), -1)
        point, first = np.unique(found.point, return_index=True)
        best[point] = found.lane[first]
        on_road = model.lanes.kind[truth] == LaneKind.ROAD
        right += int((best == truth)[on_road].sum())
        near += int((matcher.nearest(x, y).lane == truth)[on_road].sum())
        total += int(on_road.sum())
    assert right / total >= least
    assert noise_m < 1.0 or right > near  # with little noise the nearest lane is hard to beat


def test_one_that_stands_at_the_line_stays_on_its_lane(model: RoadModel) -> None:
    random = np.random.default_rng(2)
    lane = int(model.stop_lines.lane[np.flatnonzero(model.stop_lines.kind == 0)[0]])
    s_m = np.array([model.lanes.length_m[lane] - 0.8])
    x, y, heading = LaneGeometry(model.lanes).pose(np.array([lane]), s_m)
    tracker = LaneTracker(LaneMatcher(model), model.connections)
    best = []
    for step in range(40):
        noise = random.normal(0, 1.0, 2)
        found = tracker.update(float(step), np.array([7]), x + noise[0], y + noise[1], heading)
        best.append(int(found.lane[0]))
    assert np.mean(np.array(best[8:]) == lane) > 0.9


def test_probabilities_sum_to_one_and_forgotten_ids_start_anew(model: RoadModel) -> None:
    tracker = LaneTracker(LaneMatcher(model), model.connections)
    x, y = model.lanes.x_m[:40:2], model.lanes.y_m[:40:2]
    for time_s in (0.0, 0.1, 100.0):
        found = tracker.update(time_s, np.arange(len(x)), x + time_s * 0.01, y)
        total = np.bincount(found.point, weights=found.probability, minlength=len(x))
        assert total[np.unique(found.point)] == pytest.approx(1.0)


def test_nobody_is_no_problem(model: RoadModel) -> None:
    tracker = LaneTracker(LaneMatcher(model), model.connections)
    none = np.zeros(0)
    assert len(tracker.update(0.0, np.zeros(0, np.int64), none, none, none).point) == 0
    far = tracker.update(1.0, np.array([1, 2]), np.array([1e7, np.nan]), np.array([0.0, 0.0]))
    assert len(far.point) == 0


def test_noise_is_learnt(model: RoadModel) -> None:
    random = np.random.default_rng(3)
    catalogue, paths = drives(model, 80)
    tracker = LaneTracker(LaneMatcher(model), model.connections)
    for step in range(30):
        x, y, heading = catalogue.table.pose(paths, np.full(len(paths), 3.0 + step))
        tracker.update(
            step * 0.1, np.arange(len(paths)), x + random.normal(0, 0.3, 80), y + random.normal(0, 0.3, 80), heading
        )
    assert tracker.deviation_m == pytest.approx(0.3, abs=0.08)


def test_later_sightings_decide_earlier_ones(model: RoadModel) -> None:
    """Going back, those who turned are on their turning lane from its start, where the filter cannot know it."""
    random = np.random.default_rng(6)
    catalogue, paths = drives(model, 60)
    table = catalogue.table
    tracker = LaneTracker(LaneMatcher(model), model.connections)
    ids, steps = np.arange(len(paths)), []
    for step in range(40):
        s_m = np.minimum(5.0 + 4.0 * step, table.length_m[paths] - 1.0)
        x, y, heading = table.pose(paths, s_m)
        x, y = x + random.normal(0, 1.0, len(x)), y + random.normal(0, 1.0, len(x))
        found = tracker.update(step * 0.5, ids, x, y, heading + random.normal(0, 0.14, len(x)))
        steps.append((step * 0.5, table.lane_at(paths, s_m), found))
    smoother = Smoother(tracker, len(ids))
    before = after = total = 0
    for time_s, truth, found in reversed(steps):
        smoothed = smoother.back(time_s, ids, found)
        sums = np.bincount(smoothed.point, weights=smoothed.probability, minlength=len(ids))
        assert sums[np.unique(smoothed.point)] == pytest.approx(1.0)
        inside = model.lanes.kind[truth] == LaneKind.JUNCTION
        for one in (found, smoothed):
            best = np.full(len(ids), -1)
            point, first = np.unique(one.point, return_index=True)
            best[point] = one.lane[first]
            right = int((best == truth)[inside].sum())
            before, after = (before + right, after) if one is found else (before, after + right)
        total += int(inside.sum())
    assert after > before
