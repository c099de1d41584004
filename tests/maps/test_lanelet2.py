"""Lanelet2: a small map written by hand."""

from pathlib import Path

import numpy as np
import pytest

from lukou_maps.errors import MapFileError
from lukou_maps.matching import LaneMatcher
from lukou_maps.projection import MapProjection
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, LaneType, Participants, RightOfWay, RoadModel

SAMPLE = Path(__file__).parent / "data/crossing.osm"


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(SAMPLE)


def test_lanes_follow_and_lie_beside(model: RoadModel) -> None:
    lanes, at = model.lanes, model.lanes.index
    assert [lanes.names[k] for k in lanes.successors[at["201"]]] == ["202"]
    assert lanes.left[at["201"]] == at["204"]
    assert lanes.right[at["204"]] == at["201"]
    assert lanes.may_change_left[at["201"]]  # dashed
    assert lanes.type[at["204"]] == LaneType.BUS
    assert lanes.speed_limit_mps[at["201"]] == pytest.approx(50 / 3.6)
    assert lanes.speed_limit_mps[at["205"]] == pytest.approx(20 * 0.44704)
    assert not lanes.participants[at["203"]] & Participants.BICYCLE


def test_bounds_are_turned_to_the_direction_of_travel(model: RoadModel) -> None:
    # way 102 runs against the lane, and 205 names its left bound right
    lanes = model.lanes
    for name in ("201", "205"):
        points = lanes.points(lanes.index[name])
        ux, uy = np.diff(lanes.x_m[points])[0], np.diff(lanes.y_m[points])[0]
        assert ux * lanes.across_y_m[points][0] - uy * lanes.across_x_m[points][0] > 0
    west_to_east = lanes.points(lanes.index["201"])
    assert lanes.x_m[west_to_east][0] < lanes.x_m[west_to_east][-1]
    assert lanes.width_m[lanes.index["201"]] == pytest.approx(3.55, abs=0.05)


def test_what_shares_ground_is_a_junction(model: RoadModel) -> None:
    lanes, at = model.lanes, model.lanes.index
    assert lanes.kind[at["202"]] == lanes.kind[at["205"]] == LaneKind.JUNCTION
    assert lanes.junction[at["202"]] == lanes.junction[at["205"]] == lanes.junction[at["201"]]
    areas = model.conflict_areas
    row = np.flatnonzero((areas.lane_a == at["202"]) & (areas.lane_b == at["205"]))
    assert areas.right_of_way[row].tolist() == [RightOfWay.B_YIELDS]


def test_lights_and_stop_lines(model: RoadModel) -> None:
    assert model.signal_groups == ("junction-202/301",)
    assert (model.connections.signal_group >= 0).sum() == 1
    row = model.stop_lines.lane.tolist().index(model.lanes.index["201"])
    lane = model.lanes.points(model.lanes.index["201"])
    assert model.stop_lines.left_y_m[row] > model.stop_lines.right_y_m[row]
    assert model.stop_lines.left_x_m[row] == pytest.approx(model.lanes.x_m[lane][-1], abs=0.1)


def test_crosswalks_know_what_they_cross(model: RoadModel) -> None:
    assert [model.lanes.names[k] for k in model.crosswalks.crossed_lanes[0]] == ["201", "204"]


def test_points_inside_one_lanelet_are_on_it(model: RoadModel) -> None:
    projection = MapProjection(model.frame)
    x, y = projection.to_map(np.array([121.4702, 121.4702]), np.array([31.22998, 31.230016]))
    found = LaneMatcher(model).nearest(x, y)
    assert [model.lanes.names[k] for k in found.lane] == ["201", "204"]


def test_local_coordinates_count_where_they_are(tmp_path: Path) -> None:
    text = SAMPLE.read_text()
    for k, line in enumerate(text.split("<node ")[1:], 1):
        place = line.split('"/>')[0]
        x, y = 100.0 + k, 200.0 - k % 5
        text = text.replace(
            f'<node {place}"/>', f'<node {place}"><tag k="local_x" v="{x}"/><tag k="local_y" v="{y}"/></node>'
        )
    path = tmp_path / "local.osm"
    path.write_text(text)
    model = load_map(path)
    assert model.lanes.x_m.min() > 90.0
    assert not model.frame.projection
    assert any("do not agree" in remark for remark in model.remarks)


def test_refusals(tmp_path: Path) -> None:
    path = tmp_path / "x.osm"
    path.write_text("<osm><node id='1' lat='1' lon='1'/></osm>")
    with pytest.raises(MapFileError, match="expected at least one lanelet"):
        load_map(path)
    path.write_text(SAMPLE.read_text().replace("<osm ", "<osm><MetaInfo coordinates='GCJ-02'/></osm><osm ", 1))
    with pytest.raises(MapFileError):
        load_map(path)
    path.write_text(SAMPLE.read_text().replace('<node id="1"', '<MetaInfo datum="GCJ-02"/><node id="1"', 1))
    with pytest.raises(MapFileError, match="looks like GCJ-02"):
        load_map(path)
