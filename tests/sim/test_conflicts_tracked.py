"""Warnings on the same traffic, exact and as a unit tracks it; the time of a step by the number of road users."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from lukou_sim.bench.conflict_truth import Alarm, Truth
from lukou_sim.bench.conflicts_speed import measure_speed
from lukou_sim.bench.conflicts_tracked import _in_view, _named, busiest_intersection, measure_tracked

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
FCD = "timestep_time;vehicle_id;vehicle_x;vehicle_y;vehicle_angle;vehicle_type;vehicle_speed;vehicle_acceleration"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two cars pass the busiest intersection of the district one after the other, eastwards."""
    x, y = busiest_intersection(DISTRICT)
    with gzip.open(tmp_path / "fcd.csv.gz", "wt") as stream:
        stream.write(FCD + "\n")
        for k in range(60):
            for name, late in (("a", 0.0), ("b", 20.0)):
                stream.write(f"{0.1 * k:.1f};{name};{x - 30 + k - late:.1f};{y:.1f};90;car;10.0;0.0\n")
    (tmp_path / "vtypes.csv").write_text("id,length,width\ncar,5.0,1.8\n")
    head = "a,b,t_first,t_last,v_a,v_b,sumo_collision,in_ssm,dheading_deg,kind,lane_a,lane_b\n"
    for name in ("overlap", "overlap_m0"):
        (tmp_path / f"{name}.csv").write_text(head)
    return tmp_path


def test_tracks_are_named_after_who_is_there_and_ghosts_after_nobody() -> None:
    people = {1.0: {"car": (10.0, 0.0, 1), "ped": (30.0, 0.0, 6)}}
    tracks = {1.0: {"7": (10.5, 0.3, 1), "8": (50.0, 0.0, 1)}}
    assert _named(Alarm(1.0, 2.0, "crossing", ("7", "8")), tracks, people).pair == ("car", "nobody/8")
    assert _named(Alarm(1.0, 2.0, "red_light", ("", "7")), tracks, people).pair == ("", "car")


def test_only_what_happens_in_view_counts() -> None:
    truth = Truth(collisions=[(("a", "b"), 1.0, "crossing"), (("a", "c"), 1.0, "crossing")], red=[("c", 1.0)])
    seen = _in_view(truth, {1.0: {"a": (0.0, 0.0, 1), "b": (1.0, 0.0, 1)}})
    assert seen.collisions == [(("a", "b"), 1.0, "crossing")]
    assert seen.red == []


@pytest.mark.slow
def test_tracked_and_exact_figures_of_a_recording(folder: Path) -> None:
    figures = measure_tracked([(DISTRICT, folder)], seed=1, seconds=5.0)
    assert set(figures) == {"exact", "tracked"}
    hours = figures["exact"]["vehicle_hours"]
    assert hours == figures["tracked"]["vehicle_hours"] == pytest.approx(2 * 50 * 0.1 / 3600.0, abs=0.005)


@pytest.mark.slow
def test_the_time_of_a_step_is_told_for_numbers_that_the_recording_has(folder: Path) -> None:
    found = measure_speed(DISTRICT, folder, counts=(2, 30), seconds=3.0)
    assert list(found) == ["2"]
    assert np.isfinite(found["2"]["p50_ms"]) and found["2"]["steps"] >= 29
