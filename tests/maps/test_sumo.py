"""Reader of SUMO networks: a small net written by hand, with every number known."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from lukou_maps.errors import MapFileError
from lukou_maps.reading import load_map
from lukou_maps.road_model import ConflictKind, LaneKind, Participants, RightOfWay, RoadModel, Turn

NET = """<?xml version="1.0" encoding="UTF-8"?>
<net version="1.20">
 <location netOffset="-500000.00,-3000000.00" convBoundary="0,0,100,100" origBoundary="0,0,1,1"
  projParameter="+proj=utm +zone=51 +ellps=WGS84 +datum=WGS84 +units=m +no_defs"/>
 <edge id=":j_0" function="internal">
  <lane id=":j_0_0" index="0" speed="10" length="20" shape="40.00,48.40 60.00,48.40"/></edge>
 <edge id=":j_1" function="internal">
  <lane id=":j_1_0" index="0" speed="10" length="20" shape="51.60,40.00 51.60,60.00"/></edge>
 <edge id=":j_c0" function="crossing" crossingEdges="west">
  <lane id=":j_c0_0" index="0" allow="pedestrian" speed="2" length="3" width="4.00" shape="42.00,46.00 42.00,54.00"/></edge>
 <edge id=":j_w0" function="walkingarea">
  <lane id=":j_w0_0" index="0" allow="pedestrian" speed="2" length="3" width="3.00" shape="40,55 44,55 44,58 40,58"/></edge>
 <edge id="west" from="a" to="j"><lane id="west_0" index="0" disallow="pedestrian tram" speed="13.9" length="40" shape="0,48.4 40,48.4"/>
  <lane id="west_1" index="1" allow="bus" speed="13.9" length="40" width="3.5" shape="0,51.6 40,51.6"/></edge>
 <edge id="east" from="j" to="b"><lane id="east_0" index="0" speed="13.9" length="40" shape="60,48.4 100,48.4,2"/></edge>
 <edge id="south" from="c" to="j"><lane id="south_0" index="0" speed="13.9" length="40" shape="51.6,0 51.6,40"/></edge>
 <edge id="north" from="j" to="d"><lane id="north_0" index="0" speed="13.9" length="40" shape="51.6,60 51.6,100"/></edge>
 <junction id="j" type="traffic_light" x="50" y="50" incLanes="west_0 south_0" intLanes=":j_0_0 :j_1_0 :j_c0_0" shape="40,40 60,40 60,60 40,60">
  <request index="0" response="110" foes="110" cont="0"/>
  <request index="1" response="000" foes="001" cont="0"/>
  <request index="2" response="000" foes="001" cont="0"/></junction>
 <connection from="west" to="east" fromLane="0" toLane="0" via=":j_0_0" tl="j" linkIndex="3" dir="s" state="o"/>
 <connection from="south" to="north" fromLane="0" toLane="0" via=":j_1_0" tl="j" linkIndex="4" dir="s" state="O"/>
 <connection from=":j_0" to="east" fromLane="0" toLane="0" dir="s" state="M"/>
 <connection from=":j_1" to="north" fromLane="0" toLane="0" dir="s" state="M"/>
 <connection from=":j_w0" to=":j_c0" fromLane="0" toLane="0" tl="j" linkIndex="5" dir="s" state="M"/>
</net>
"""


@pytest.fixture
def net(tmp_path: Path) -> RoadModel:
    path = tmp_path / "small.net.xml"
    path.write_text(NET)
    return load_map(path)


def test_lanes_have_their_columns(net: RoadModel) -> None:
    west = net.lanes.index["west_0"]
    assert net.lanes.length_m[west] == 40.0
    assert net.lanes.width_m[net.lanes.index["west_1"]] == 3.5
    assert net.lanes.left[west] == net.lanes.index["west_1"]
    assert net.lanes.right[west] == -1
    assert net.lanes.kind[net.lanes.index[":j_c0_0"]] == LaneKind.CROSSWALK
    assert not net.lanes.participants[west] & Participants.PEDESTRIAN
    assert net.lanes.participants[west] & Participants.BICYCLE
    assert net.lanes.participants[net.lanes.index["west_1"]] == Participants.BUS
    assert net.lanes.successors[west].tolist() == [net.lanes.index[":j_0_0"]]
    assert net.junctions.names[net.lanes.junction[west]] == "j"


def test_connections_name_their_signal(net: RoadModel) -> None:
    (row,) = net.connection_of_link["j", 3]
    assert net.lanes.names[net.connections.from_lane[row]] == "west_0"
    assert net.connections.turn[row] == Turn.STRAIGHT
    assert net.crosswalks.link_index.tolist() == [5]
    assert [net.lanes.names[k] for k in net.crosswalks.crossed_lanes[0]] == ["west_0", "west_1"]


def test_stop_lines_end_their_lanes(net: RoadModel) -> None:
    row = net.stop_lines.lane.tolist().index(net.lanes.index["west_0"])
    assert net.stop_lines.s_m[row] == 40.0
    assert (net.stop_lines.left_x_m[row], net.stop_lines.left_y_m[row]) == pytest.approx((40.0, 50.0))


def test_conflict_areas_and_right_of_way_are_two_facts(net: RoadModel) -> None:
    areas, names = net.conflict_areas, net.lanes.names
    found = {(names[a], names[b]): k for k, (a, b) in enumerate(zip(areas.lane_a, areas.lane_b, strict=True))}
    crossing = found[":j_0_0", ":j_1_0"]
    assert areas.kind[crossing] == ConflictKind.CROSSING
    assert areas.right_of_way[crossing] == RightOfWay.A_YIELDS
    # the lanes are 3.2 m wide and cross at (51.6, 48.4): 11.6 m along the first, 8.4 m along the second
    assert areas.a_from_m[crossing] == pytest.approx(11.6 - 3.2, abs=1.0)
    assert areas.a_to_m[crossing] == pytest.approx(11.6 + 3.2, abs=1.0)
    assert areas.b_from_m[crossing] == pytest.approx(8.4 - 3.2, abs=1.0)
    walk = found[":j_0_0", ":j_c0_0"]
    assert areas.right_of_way[walk] == RightOfWay.A_YIELDS
    assert areas.a_from_m[walk] == pytest.approx(0.0, abs=1.0)


def test_frame_is_georeferenced(net: RoadModel) -> None:
    from lukou_maps.projection import MapProjection

    projection = MapProjection(net.frame)
    longitude, latitude = projection.to_geographic(np.array([0.0]), np.array([0.0]))
    # UTM zone 51 has its central meridian at 123 E, where easting is 500 km
    assert longitude[0] == pytest.approx(123.0, abs=1e-9)
    assert 27.0 < latitude[0] < 27.2
    x_m, y_m = projection.to_map(longitude, latitude)
    assert np.hypot(x_m[0], y_m[0]) < 1e-6
    assert projection.convergence(123.0, 27.1) == pytest.approx(0.0, abs=1e-9)


def test_hash_follows_the_content(net: RoadModel, tmp_path: Path) -> None:
    packed = tmp_path / "other.net.xml.gz"
    packed.write_bytes(gzip.compress(NET.encode()))
    assert load_map(packed).content_sha256 == net.content_sha256
    moved = tmp_path / "moved.net.xml"
    moved.write_text(NET.replace("60,48.4 100,48.4,2", "60,48.4 100,48.41,2"))
    assert load_map(moved).content_sha256 != net.content_sha256


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("</net>", "", "line 28: not well-formed"),
        ("<edge", "<way", "not well-formed"),
        ("<net ", "<nets ", "expected <net>"),
        ("<net ", "<!DOCTYPE net [<!ENTITY a 'b'>]><net ", "declares entities"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "broken.net.xml"
    text = NET.replace(old, new, 1)
    path.write_text(text if "DOCTYPE" not in new else text.split("?>", 1)[1].strip())
    with pytest.raises(MapFileError, match=said):
        load_map(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('speed="10"', 'speed="fast"', "lane :j_0_0: speed: expected a number, found 'fast'"),
        ('speed="10"', 'speed="-3"', "lane :j_0_0: speed -3"),
        ("0,48.4 40,48.4", "0,48.4 40 40,48.4", "lane west_0: shape: expected x,y"),
        ('id="west_1"', 'id="west_0"', "lane west_0: stands twice"),
        ('shape="0,51.6 40,51.6"', "", "lane west_1: has no shape, left out"),
    ],
)
def test_what_is_odd_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "odd.net.xml"
    path.write_text(NET.replace(old, new, 1))
    assert any(remark.startswith(said) for remark in load_map(path).remarks)


def test_oddities_become_remarks(tmp_path: Path) -> None:
    path = tmp_path / "odd.net.xml"
    path.write_text(NET.replace('to="east" fromLane="0" toLane="0" via', 'to="gone" fromLane="0" toLane="0" via', 1))
    model = load_map(path)
    path.write_text(NET.replace("60,48.4 100,48.4,2", "60,48.4 60,48.4").replace('width="3.5"', 'width="-1"'))
    model = load_map(path)
    assert any("east_0: has no length" in remark for remark in model.remarks)
    assert any("west_1: width -1" in remark for remark in model.remarks)


def test_every_truncation_is_refused_or_read(tmp_path: Path) -> None:
    path = tmp_path / "cut.net.xml"
    for end in range(0, len(NET), 97):
        path.write_text(NET[:end])
        with pytest.raises(MapFileError):
            load_map(path)


def test_unknown_suffix_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MapFileError, match="expected a file ending in"):
        load_map(tmp_path / "map.shp")
    with pytest.raises(MapFileError, match="cannot be read"):
        load_map(tmp_path / "absent.net.xml")
