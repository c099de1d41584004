"""Maps whose coordinates no message can carry are brought near their origin before units and edge see them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lukou_maps.assembly import shifted
from lukou_maps.reading import load_map
from lukou_messages.objects import ObjectList
from lukou_messages.process import VALID, Input
from lukou_sim.bench import handover
from lukou_sim.district import NET

FAR_M = (213_000.0, -1_342_000.0)


def test_a_far_map_is_shifted_and_says_by_how_much(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = load_map(NET)
    far = replace(model, lanes=shifted(model.lanes, FAR_M))
    monkeypatch.setattr(handover, "load_map", lambda _: far)
    path, shift_m = handover._near_map(NET, tmp_path)
    near = load_map(path)
    assert np.abs([near.lanes.x_m, near.lanes.y_m]).max() < 50_000.0
    assert near.lanes.x_m == pytest.approx(far.lanes.x_m + shift_m[0], abs=0.002)
    assert near.lanes.y_m == pytest.approx(far.lanes.y_m + shift_m[1], abs=0.002)


def test_a_near_map_stays_as_it_is(tmp_path: Path) -> None:
    assert handover._near_map(NET, tmp_path) == (NET, (0.0, 0.0))


def test_whoever_a_unit_tells_stands_in_the_edges_list() -> None:
    run, now_ns = handover._Run(NET, (0.0, 0.0), 1, 60.0, 1), 1_790_000_000 * 10**9
    objects = ObjectList.of(1, id=[1], object_class=[1], x_m=[100.0], y_m=[50.0])
    listed = run._fused(now_ns, 0, [[Input("objects", "k1/perception", 1, 1, now_ns, objects, VALID)]])
    assert listed is not None and listed.x_m.tolist() == [100.0]
