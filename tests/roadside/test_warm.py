"""Nothing is compiled while a road is watched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from lukou_maps.matching import LaneMatcher
from lukou_maps.reading import load_map
from lukou_messages.compiled import place
from lukou_roadside.perception.tracking.scan import Scan, View
from tests.roadside import test_coverage, test_detection_gate, test_projection, test_tracking

WATCH = """
import numpy as np
from lukou_maps import compiled as maps
from lukou_roadside.perception import ground
from lukou_roadside.perception.tracking import compiled
from lukou_roadside.perception.warm import warm
warm()
codes = compiled.CODE, ground.CODE, maps.CODE
ready = [code.versions() for code in codes]
from tests.roadside.test_warm import watched
watched()
print(*ready, *(code.versions() for code in codes))
"""


def watched() -> None:
    """Tests of the tracker, of what it learns, and of projection that need nothing else, whatever types they call it with; and points on a map."""
    for tests in (test_tracking, test_projection, test_detection_gate):
        for name in dir(tests):
            one = getattr(tests, name)
            if name.startswith("test_") and not one.__code__.co_argcount:
                one()
    matcher = LaneMatcher(load_map(test_detection_gate.DISTRICT))
    x, kinds = np.arange(20.0)[::2], np.ones(10, np.int32)
    for given in ((), (x,), (x, kinds), (None, kinds, x)):
        assert len(matcher.match(x, x, *given).lane) == len(matcher.nearest(x, x).lane)
        matcher.candidates(x, x, *given, margin_m=5.0)
    test_coverage.test_a_camera_that_is_covered_is_named_for_as_long_as_it_is()
    test_coverage.test_a_cell_is_plain_again_once_detections_come()


def test_what_is_warmed_up_is_all_that_is_needed() -> None:
    told = subprocess.run([sys.executable, "-c", WATCH], capture_output=True, text=True, timeout=250, check=True)
    ready, after = np.array(told.stdout.split(), int).reshape(2, 3).tolist()
    assert ready[0] > 20
    assert after == ready


def test_machine_code_is_of_just_these_sources(tmp_path: Path) -> None:
    one, other, sealed = tmp_path / "one.py", tmp_path / "other.py", tmp_path / "sealed"
    one.write_text("X = 1"), other.write_text("Y = 1")
    sealed.write_text("a file, in which no folder can be")
    before = place([one, other], [sealed, tmp_path / "cache"])
    assert before is not None and before.is_dir() and before.parent.name == "cache"
    assert place([other, one], [tmp_path / "cache"]) == before
    other.write_text("Y = 2")
    assert place([one, other], [tmp_path / "cache"]) != before
    assert place([one, other], [sealed]) is None


def test_a_scan_has_its_arrays_as_compiled_code_takes_them() -> None:
    read_only, strided = np.arange(3.0), np.arange(6.0)[::2]
    read_only.flags.writeable = False
    none, one = np.zeros(3), np.ones(3, np.float32)
    made = Scan(
        sensor=0, kind=0, time_s=0.0, sequence=0, x_m=read_only, y_m=strided, variance_xx=one, variance_xy=none,
        variance_yy=one, views=(View(0.0, 0.0),), object_class=np.ones(3, np.int32), score=one, yaw_rad=none,
        length_m=none, width_m=none, range_rate_mps=none,
    )  # fmt: skip
    for name in ("x_m", "y_m", "variance_xx", "object_class", "score"):
        array = getattr(made, name)
        assert array.flags.carray and array.dtype == (np.int64 if name == "object_class" else np.float64)
    assert made.y_m.tolist() == [0.0, 2.0, 4.0]
