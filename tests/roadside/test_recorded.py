"""Recordings from elsewhere: what is wrong with them is said or counted, and never stops what is good."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lukou_messages.errors import RecordingError
from lukou_roadside.perception.recorded import track_folder
from lukou_roadside.perception.verb import app

SENSOR = {"name": "a", "kind": "cam", "x": 0.0, "y": 0.0, "yaw": 0.0, "fov": 1.4, "rmin": 2.0, "rmax": 100.0}
RADAR = SENSOR | {"name": "b", "kind": "rad"}
ASYNC = "t_meas,t_arr,sensor,kind,scan,x,y,sxx,sxy,syy,rdot,length,width,heading,cls,score"
SYNC = "frame,x,y,sxx,sxy,syy,length,width,heading,cls,score"


def async_rows() -> list[str]:
    """A car that drives away from both sensors."""
    rows = []
    for k in range(30):
        at, x = 0.1 * k, 20.0 + k
        rows.append(f"{at:.2f},{at + 0.1:.2f},a,cam,{k},{x},0.0,0.05,0,0.05,nan,4.5,1.8,0.0,car,0.8")
        rows.append(f"{at + 0.03:.2f},{at + 0.08:.2f},b,rad,{k},{x - 1.5},0.1,0.1,0,0.1,10.0,nan,nan,nan,,0.6")
    return rows


def sync_rows() -> list[str]:
    return [f"{k},{20.0 + k},0.0,0.05,0,0.05,4.5,1.8,0.0,car,0.8" for k in range(30)]


def folder(place: Path, rows: list[str], name: str = "async", head: str = ASYNC, **more: Any) -> Path:
    (place / "sensors.json").write_text(json.dumps({"duration": 3.0, "sensors": [SENSOR, RADAR]} | more))
    (place / f"{name}.csv").write_text("\n".join([head, *rows]) + "\n")
    return place


def test_good_recordings_are_tracked_and_nothing_is_refused(tmp_path: Path) -> None:
    for kind, rows, head in (("async", async_rows(), ASYNC), ("sync", sync_rows(), SYNC)):
        told = track_folder(folder(tmp_path, rows, kind, head), kind)  # type: ignore[arg-type]
        assert told.refused == {}
        assert told.rows[-1, 4] == pytest.approx(10.0, abs=0.7)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("0.5,0.6,a,cam,90,nan,0,0.05,0,0.05,nan,4,2,0,car,0.8", "not finite"),
        ("0.5,0.6,a,cam,90,inf,0,0.05,0,0.05,nan,4,2,0,car,0.8", "not finite"),
        ("0.5,0.6,a,cam,90,1e300,0,0.05,0,0.05,nan,4,2,0,car,0.8", "not finite"),
        ("0.5,0.6,a,cam,90,west,0,0.05,0,0.05,nan,4,2,0,car,0.8", "no number where there has to be one"),
        ("0.5,0.6,a,cam", "no number where there has to be one"),
        ("0.5,0.6,a,cam,90,20,0,-1,0,0.05,nan,4,2,0,car,0.8", "covariance not positive definite"),
        ("0.5,0.6,a,cam,90,20,0,0.05,0.5,0.05,nan,4,2,0,car,0.8", "covariance not positive definite"),
        ("0.5,0.6,a,cam,90,20,0,0.05,0,nan,nan,4,2,0,car,0.8", "covariance not positive definite"),
        ("0.5,0.6,z,cam,90,20,0,0.05,0,0.05,nan,4,2,0,car,0.8", "of no sensor or kind in sensors.json"),
        ("0.5,0.6,a,lidar,90,20,0,0.05,0,0.05,nan,4,2,0,car,0.8", "of no sensor or kind in sensors.json"),
        ("9.5,0.6,a,cam,90,20,0,0.05,0,0.05,nan,4,2,0,car,0.8", "arrived before it was measured"),
        ("0.5,2.9,a,cam,90,20,0,0.05,0,0.05,nan,4,2,0,car,0.8", "too late to be worked in"),
    ],
)
def test_bad_rows_are_counted_and_left_out(tmp_path: Path, bad: str, why: str) -> None:
    good = track_folder(folder(tmp_path, async_rows()), "async")
    told = track_folder(folder(tmp_path, [*async_rows(), bad]), "async")
    assert told.refused == {why: 1}
    assert np.array_equal(told.rows, good.rows)


def test_what_may_be_missing_is_unknown(tmp_path: Path) -> None:
    rows = [row.replace("4.5,1.8,0.0,car", ",junk,,tractor") for row in async_rows()]
    told = track_folder(folder(tmp_path, rows), "async")
    assert told.refused == {}
    assert told.rows[-1, 4] == pytest.approx(10.0, abs=0.7)


def test_rows_in_any_order_give_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for kind, rows, head in (("async", async_rows(), ASYNC), ("sync", sync_rows(), SYNC)):
        straight = track_folder(folder(tmp_path, rows, kind, head), kind)  # type: ignore[arg-type]
        shuffled = [rows[k] for k in rng.permutation(len(rows))]
        mixed = track_folder(folder(tmp_path, shuffled, kind, head), kind)  # type: ignore[arg-type]
        assert np.array_equal(straight.rows, mixed.rows)


def test_no_rows_are_no_tracks(tmp_path: Path) -> None:
    assert len(track_folder(folder(tmp_path, []), "async").rows) == 0
    assert len(track_folder(folder(tmp_path, [], "sync", SYNC), "sync").rows) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sensors": []}, "at least one"),
        ({"duration": -1.0}, "at least one"),
        ({"duration": "long"}, "could not convert"),
        ({"sensors": [{"name": "a", "kind": "cam"}]}, "is missing"),
        ({"sensors": [SENSOR, SENSOR]}, "each with its own"),
        ({"sensors": [SENSOR | {"x": float("nan")}]}, "none"),
        ({"sensors": 5}, "sensors.json"),
    ],
)
def test_bad_sensors_are_said(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        track_folder(folder(tmp_path, async_rows(), **change), "async")


def test_files_that_are_none_are_said_in_one_sentence(tmp_path: Path) -> None:
    run = CliRunner()
    place = folder(tmp_path, async_rows(), head=ASYNC.replace("sxx", "spread"))
    arguments = [str(place), "--input", "async", "--out", str(tmp_path / "out.csv")]
    told = run.invoke(app, arguments)
    assert told.exit_code == 1
    assert "no column sxx" in told.stderr
    (place / "async.csv").write_text("")
    assert "no column t_meas" in run.invoke(app, arguments).stderr
    (place / "async.csv").unlink()
    (place / "async.csv.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    assert "plain or gzipped" in run.invoke(app, arguments).stderr
    (place / "sensors.json").write_text("{")
    assert "sensors.json" in run.invoke(app, arguments).stderr
    (place / "sensors.json").unlink()
    assert run.invoke(app, arguments).exit_code == 2


def test_refused_rows_are_told_to_the_user(tmp_path: Path) -> None:
    place = folder(tmp_path, [*async_rows(), "0.5,0.6,a,cam,90,nan,0,1,0,1,nan,4,2,0,car,0.8"])
    told = CliRunner().invoke(app, [str(place), "--input", "async", "--out", str(tmp_path / "out.csv"), "--json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout)["refused"] == {"not finite": 1}
    assert "1 rows or scans not used: not finite" in told.stderr
