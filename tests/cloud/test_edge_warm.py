"""Nothing is compiled while warnings are worked out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.core import EdgeCore
from lukou_cloud.edge.settings import EdgeSettings
from lukou_maps.reading import load_map
from lukou_messages.objects import ObjectList
from lukou_messages.process import VALID, Input
from lukou_messages.v1.signal_pb2 import SignalGroupState, SignalState

NET = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
WATCH = """
from lukou_cloud.compiled import CODE
from lukou_cloud.edge.warm import warm
warm()
ready = CODE.versions()
from tests.cloud.test_edge_warm import watched
print(ready, watched(), CODE.versions())
"""


def watched() -> int:
    """How many warnings are raised among many road users on the lanes of the district, restarted half way."""
    model, rng, raised = load_map(NET), np.random.default_rng(5), 0
    core, at, count = EdgeCore(EdgeSettings(map=str(NET)), model, []), 0, 150
    lane, along = rng.integers(0, len(model.lanes), count), rng.uniform(0.0, 1.0, count)
    core_lanes = core._judge.predictor.ways.catalogue.geometry
    x_m, y_m, heading = core_lanes.pose(lane, along * model.lanes.length_m[lane])
    speed, kind = rng.uniform(0.0, 14.0, count), rng.integers(1, 7, count)
    for step in range(8):
        at += 10**8
        columns = {
            "id": np.arange(1, count + 1),
            "object_class": kind,
            "existence_probability": np.full(count, 0.95),
            "x_m": x_m + 0.1 * step * speed * np.cos(heading),
            "y_m": y_m + 0.1 * step * speed * np.sin(heading),
            "velocity_x_mps": speed * np.cos(heading),
            "velocity_y_mps": speed * np.sin(heading),
        }
        shown = SignalState(intersection="k1", groups=[SignalGroupState(group="1", colour=1)])
        inputs = [
            Input("objects", "k1/perception", 1, step, at, ObjectList.of(count, **columns), VALID),
            Input("signal", "k1/signal", 1, step, at, shown),
        ]
        raised += sum(output.topic == "warning" for output in [*core.step(at, inputs), *core.step(at, [])])
        if step == 4:
            kept = core.snapshot()
            core = EdgeCore(EdgeSettings(map=str(NET)), model, [])
            core.restore(kept)
    return raised


@pytest.mark.slow
def test_what_is_warmed_up_is_all_that_is_needed() -> None:
    told = subprocess.run([sys.executable, "-c", WATCH], capture_output=True, text=True, timeout=250, check=True)
    ready, raised, after = map(int, told.stdout.split())
    assert ready > 10
    assert raised > 0
    assert after == ready
