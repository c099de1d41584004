"""Tiles: a map cut and put together is the same map; broken, missing and stale tiles are told."""

from dataclasses import replace
from pathlib import Path

import pytest

from lukou_maps.map_keeper import MapKeeper
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_maps.tiles import TileError, assemble, make_tiles, read_tile_file, save_tiles, shifted_map
from lukou_messages.v1.map_pb2 import MapTile

DATA = Path(__file__).parent / "data"
DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
GOLDEN = DATA / "golden.tiles"
GOLDEN_SHA256 = "00c135c9c8a17a581db896c402c307927742ff99735041d1bc685dce1daa80c7"


@pytest.fixture(scope="module")
def district() -> RoadModel:
    return load_map(DISTRICT)


@pytest.mark.parametrize("name", ["small.net.xml", "four_arms.xodr", "crossing.osm", "j2735.json", "tcsae53.json"])
def test_every_kind_of_map_survives_tiles(name: str) -> None:
    model = load_map(DATA / name)
    again = assemble(make_tiles(model, size_m=50.0)[::-1])
    assert again.content_sha256 == model.content_sha256
    assert again.lanes.names == model.lanes.names
    assert again.lanes.length_m == pytest.approx(model.lanes.length_m, abs=0.01)
    assert again.signal_groups == model.signal_groups


def test_tiles_are_small_and_whole(district: RoadModel, tmp_path: Path) -> None:
    tiles = make_tiles(district)
    assert len(tiles) == tiles[0].tile_count == 6
    assert max(tile.ByteSize() for tile in tiles) < 20_000
    save_tiles(tiles, tmp_path / "d.tiles")
    assert load_map(tmp_path / "d.tiles").content_sha256 == district.content_sha256


def test_broken_missing_and_mixed_tiles_are_refused(district: RoadModel) -> None:
    tiles = make_tiles(district)
    with pytest.raises(TileError, match="expected 6 tiles, found 5"):
        assemble(tiles[1:])
    bad = MapTile.FromString(tiles[0].SerializeToString())
    bad.content = bad.content[:-1] + bytes([bad.content[-1] ^ 1])
    with pytest.raises(TileError, match="does not have the hash"):
        assemble([bad, *tiles[1:]])
    other = make_tiles(replace(district, version=2))
    with pytest.raises(TileError, match="another version"):
        assemble([other[0], *tiles[1:]])
    with pytest.raises(TileError, match="missing or doubled"):
        assemble([tiles[0], *tiles[:5]])


def test_far_maps_are_shifted(district: RoadModel) -> None:
    lanes = replace(district.lanes, x_m=district.lanes.x_m + 212_800.0, y_m=district.lanes.y_m + 451_100.0)
    far = replace(district, lanes=lanes)
    near = shifted_map(far)
    assert abs(near.lanes.x_m).max() < 2000.0
    assert near.frame.offset_x_m - far.frame.offset_x_m == pytest.approx(near.lanes.x_m[0] - far.lanes.x_m[0])


def test_a_unit_keeps_its_map_and_says_what_is_coming(district: RoadModel) -> None:
    keeper = MapKeeper(district)
    for tile in make_tiles(district):
        keeper.take(tile)
    assert keeper.faults() == []
    coming = make_tiles(replace(district, version=2))
    keeper.take(coming[0])
    assert keeper.faults() == [
        "map district: version 1 is in force and stale: version 2 is announced, 1 of 6 tiles are here"
    ]
    bad = MapTile.FromString(coming[1].SerializeToString())
    bad.content_sha256 = bytes(32)
    keeper.take(bad)
    assert any("does not have the hash" in fault for fault in keeper.faults())
    assert keeper.newest is None
    for tile in coming[1:]:
        keeper.take(tile)
    assert keeper.newest is not None
    assert keeper.newest.version == 2
    assert keeper.faults() == [
        "map district: version 1 is in force, version 2 is here whole; it takes over at the next start"
    ]


def test_the_same_number_with_another_content_is_told(district: RoadModel) -> None:
    lanes = replace(district.lanes, z_m=district.lanes.z_m + 1.0)
    keeper = MapKeeper(district)
    keeper.take(make_tiles(replace(district, lanes=lanes))[0])
    assert "another content under this number" in keeper.faults()[0]


def test_the_golden_file_is_still_read() -> None:
    """Written once, of four_arms.xodr: whoever changes what tiles mean must see it here."""
    model = read_tile_file(GOLDEN)
    assert model.content_sha256.hex() == GOLDEN_SHA256
    assert model.map_id == "four_arms"
    assert model.lanes.index["1.1.-2"] >= 0
    assert model.connections.turn.tolist() == load_map(DATA / "four_arms.xodr").connections.turn.tolist()
