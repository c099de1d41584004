"""MAP messages as JSON: one of each standard, written by hand."""

from pathlib import Path

import numpy as np
import pytest

from lukou_maps.map_json_fields import bits
from lukou_maps.reading import load_map
from lukou_maps.road_model import Direction, LaneKind, Turn

DATA = Path(__file__).parent / "data"


def test_j2735() -> None:
    model = load_map(DATA / "j2735.json")
    lanes, at = model.lanes, model.lanes.index
    approach = lanes.points(at["7/1"])
    # nodes run outwards in centimetres, each from the one before; traffic runs inwards
    assert lanes.x_m[approach].tolist() == pytest.approx([-100.0, -10.0])
    assert lanes.y_m[approach].tolist() == pytest.approx([-1.75, -1.75])
    assert lanes.x_m[lanes.points(at["7/2"])].tolist() == pytest.approx([10.0, 100.0])
    assert lanes.width_m[at["7/1"]] == pytest.approx(3.5)
    assert lanes.width_m[at["7/3"]] == pytest.approx(3.0)
    assert lanes.y_m[lanes.points(at["7/3"])][1] == pytest.approx(-110.9, abs=0.1)  # 1e-3 degrees south
    turns = {lanes.names[b]: Turn(t) for b, t in zip(model.connections.to_lane, model.connections.turn, strict=True)}
    assert turns == {"7/2": Turn.STRAIGHT, "7/3": Turn.RIGHT}
    assert model.signal_groups == ("7/4", "7/9")
    assert model.crosswalks.link_index.tolist() == [9]
    assert lanes.direction[at["7/4"]] == Direction.BOTH
    inner = lanes.kind == LaneKind.JUNCTION
    assert inner.sum() == 2
    assert model.frame.reference_system == "WGS-84"


def test_tcsae53() -> None:
    model = load_map(DATA / "tcsae53.json")
    lanes, at = model.lanes, model.lanes.index
    assert lanes.speed_limit_mps[at["10-1/1"]] == pytest.approx(16.66)
    assert lanes.right[at["10-1/1"]] == at["10-1/2"]
    assert lanes.junction[at["10-1/1"]] == 0
    (row,) = model.connection_of_link["10-1", 2]
    assert lanes.names[model.connections.to_lane[row]] == "10-3/5"
    points = lanes.points(at["10-1/2"])
    assert lanes.x_m[points] == pytest.approx([-95.3, -9.5], abs=0.1)  # 1e-3 degrees east are 95 m there
    assert (np.diff(lanes.x_m[points]) > 0).all()


def test_bits_in_all_spellings() -> None:
    assert bits("80") == bits("10000000") == bits("10") == {0}
    assert bits("a000") == bits([1, 0, 1]) == bits("101000000000") == {0, 2}
    assert bits("c0") == bits("11") == {0, 1}
    assert bits(None) == bits("zz") == bits(-3) == set()
