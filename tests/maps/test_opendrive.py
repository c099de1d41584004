"""OpenDRIVE: geometry against closed forms and published clothoid values, lanes of a file written by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

from lukou_maps.geometry import LaneGeometry
from lukou_maps.opendrive_file import read_opendrive_file
from lukou_maps.opendrive_geometry import CubicCurve, Cubics, Piece, PlanView, Spiral
from lukou_maps.opendrive_lanes import points
from lukou_maps.projection import MapProjection
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, LaneType, Participants, RoadModel, Turn

SAMPLE = Path(__file__).parent / "data/four_arms.xodr"


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(SAMPLE)


@pytest.mark.parametrize(
    ("start", "end", "length", "x", "y"),
    [
        (0.0, 1.0, 1.0, 0.9752876882, 0.1637140474),
        (1.0, 0.0, 1.0, 0.9343841633, 0.3239052321),
        (0.0, 0.2, 10.0, 9.0452423790, 3.1026830172),
    ],
)
def test_clothoids_end_where_published_tables_say(start: float, end: float, length: float, x: float, y: float) -> None:
    u, v, turn = Spiral(start, (end - start) / length).local(np.array([length]))
    assert (u[0], v[0]) == pytest.approx((x, y), abs=1e-9)
    assert turn[0] == pytest.approx((start + end) / 2 * length)


def test_a_tight_long_clothoid_keeps_its_length() -> None:
    s = np.linspace(0.0, 300.0, 15_001)
    u, v, _ = Spiral(0.0, 0.01 / 30).local(s)
    assert np.hypot(np.diff(u), np.diff(v)).sum() == pytest.approx(300.0, abs=1e-4)


def test_an_arc_is_a_circle() -> None:
    plan = PlanView((Piece(0.0, 1.0, 2.0, math.pi / 2, 10.0, Spiral(0.1)),))
    x, y, heading = plan.pose(np.array([0.0, 5.0 * math.pi]))
    assert x == pytest.approx([1.0, -9.0])
    assert y == pytest.approx([2.0, 12.0])
    assert heading[1] == pytest.approx(math.pi)


def test_the_parameter_of_a_cubic_curve_is_turned_into_arc_length() -> None:
    curve = CubicCurve(np.array([0.0, 15.0, 0.0, -5.0]), np.array([0.0, 0.0, 15.0, -5.0]), 1.0, 16.6)
    s = np.linspace(0.0, 16.6, 2001)
    u, v, _ = curve.local(s)
    step = np.hypot(np.diff(u), np.diff(v))
    assert step.std() / step.mean() < 1e-4
    assert (u[-1], v[-1]) == pytest.approx((10.0, 10.0), abs=1e-9)


def test_cubics_hold_from_their_start_and_the_last_of_two_counts() -> None:
    cubics = Cubics.of([(10.0, 1.0, 0, 0, 0), (0.0, 5.0, 1.0, 0, 0), (10.0, 2.0, 0, 0, 1.0)])
    assert cubics(np.array([0.0, 4.0, 12.0])).tolist() == [5.0, 9.0, 10.0]


def test_superelevation_tilts_and_level_lanes_do_not() -> None:
    road = read_opendrive_file(SAMPLE).roads["1"]
    at = np.array([70.0])
    x, y, z, width = points(road, road.sections[1], -1, at, 1.0)
    assert z[0] == pytest.approx(5.7 - 3.5 * math.sin(0.02))
    assert (x[0], y[0]) == pytest.approx((-40.0, -3.5 * math.cos(0.02)))
    assert width[0] == pytest.approx(3.5)
    _, _, kerb, _ = points(road, road.sections[1], -3, at, 1.0)
    _, _, inner, _ = points(road, road.sections[1], -3, at, 0.0)
    assert kerb[0] == pytest.approx(inner[0])
    assert inner[0] - 5.7 + 4.5 * math.sin(0.02) == pytest.approx(0.12, abs=1e-9)


def test_borders_give_widths(model: RoadModel) -> None:
    lane = model.lanes.index["1.1.-2"]
    # inner border 3.5 m, outer 3.5 + 0.1 ds
    assert LaneGeometry(model.lanes).width(np.array([lane]), np.array([20.0]))[0] == pytest.approx(2.0, abs=0.02)
    assert model.lanes.left[lane] == model.lanes.index["1.1.-1"]
    assert model.lanes.may_change_left[lane]


def test_lanes_run_with_their_traffic(model: RoadModel) -> None:
    lanes = model.lanes
    back = lanes.index["1.0.1"]
    assert lanes.x_m[lanes.points(back)][0] > lanes.x_m[lanes.points(back)][-1]
    assert [lanes.names[k] for k in lanes.successors[lanes.index["1.1.1"]]] == ["1.0.1"]
    assert [lanes.names[k] for k in lanes.successors[lanes.index["1.0.-1"]]] == ["1.1.-1"]
    assert sorted(lanes.names[k] for k in lanes.successors[lanes.index["1.1.-1"]]) == ["10.0.-1", "11.0.-1"]
    assert [lanes.names[k] for k in lanes.successors[lanes.index["12.0.-1"]]] == ["1.1.1"]
    assert lanes.kind[lanes.index["10.0.-1"]] == LaneKind.JUNCTION
    assert lanes.type[lanes.index["1.1.-3"]] == LaneType.SIDEWALK
    assert lanes.participants[lanes.index["1.1.-3"]] == Participants.PEDESTRIAN


def test_connections_have_turns_and_signals(model: RoadModel) -> None:
    names = model.lanes.names
    rows = {
        (names[a], names[b]): (Turn(t), model.signal_groups[g] if g >= 0 else "")
        for a, b, t, g in zip(
            model.connections.from_lane,
            model.connections.to_lane,
            model.connections.turn,
            model.connections.signal_group,
            strict=True,
        )
    }
    assert rows["1.1.-1", "2.0.-1"] == (Turn.STRAIGHT, "9/k1")
    assert rows["1.1.-1", "3.0.-1"] == (Turn.LEFT, "9/k1")
    assert rows["2.0.1", "1.1.1"] == (Turn.STRAIGHT, "")
    assert model.intersections == ("9",)


def test_limits_signs_and_crosswalks(model: RoadModel) -> None:
    lanes = model.lanes
    assert lanes.speed_limit_mps[lanes.index["1.0.-1"]] == pytest.approx(50 / 3.6)
    assert lanes.speed_limit_mps[lanes.index["1.1.-1"]] == pytest.approx(30 / 3.6)
    assert lanes.speed_limit_mps[lanes.index["2.0.-1"]] == pytest.approx(20 * 0.44704)
    assert model.regulations.value.tolist() == pytest.approx([30 / 3.6])
    assert model.crosswalks.names == ("1.crosswalk.c1",)
    crossed = {lanes.names[k] for k in model.crosswalks.crossed_lanes[0]}
    assert {"1.1.1", "1.1.-1"} <= crossed


def test_the_offset_is_added_before_projecting(model: RoadModel) -> None:
    longitude, latitude = MapProjection(model.frame).to_geographic(np.array([0.0]), np.array([0.0]))
    x, y = MapProjection(model.frame).to_map(longitude, latitude)
    assert (x[0], y[0]) == pytest.approx((0.0, 0.0), abs=1e-6)
    assert 120.8 < longitude[0] < 121.0  # 300 km east in zone 51, 200 km west of 123 E
    assert model.frame.reference_system == "WGS-84"


def test_odd_things_are_named(tmp_path: Path) -> None:
    text = SAMPLE.read_text()
    text = text.replace('predecessor elementType="road" elementId="2"', 'predecessor elementType="road" elementId="77"')
    text = text.replace(
        '<width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></left>',
        '<width sOffset="0" a="3.5" b="x" c="0" d="0"/></lane></left>',
        1,
    )
    text = "a note by some tool\n" + text.replace('<arc curvature="0.02"/>', "<cubic/>").replace(
        "+proj=utm +zone=51", "+lat_0=31 +lon_0=121"
    )
    path = tmp_path / "odd.xodr"
    path.write_text(text)
    remarks = " | ".join(load_map(path).remarks)
    assert "before the first mark" in remarks
    assert "linked to road 77, which is not there" in remarks
    assert "b: expected a number, found 'x'" in remarks
    assert "found cubic; left out" in remarks
    assert "taken as transverse Mercator" in remarks
