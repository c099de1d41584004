"""``lukou map``: files in, files out."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lukou_maps.reading import load_map
from lukou_maps.reference import gcj02
from lukou_maps.verb import app

DATA = Path(__file__).parent / "data"
RUN = CliRunner()


def run(*words: object) -> str:
    done = RUN.invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_info_is_one_object() -> None:
    found = json.loads(run("info", DATA / "four_arms.xodr", "--json"))
    assert found["lanes"] == 14
    assert found["signal_groups"] == 1
    assert found["remarks"] == []
    assert found["schema_version"] == 1


def test_check_names_what_is_missing(tmp_path: Path) -> None:
    assert "no crosswalks" in run("check", DATA / "tcsae53.json")


def test_match_writes_the_best_lane_first(tmp_path: Path) -> None:
    points, out = tmp_path / "p.csv", tmp_path / "m.csv"
    points.write_text("t,id,x,y,heading,class\n0,a,20,48.3,0.02,car\n0,b,500,500,0,car\n0.5,a,27,48.4,0.0,car\n")
    for more in ([], ["--tracked"]):
        run("match", DATA / "small.net.xml", "--points", points, "--out", out, *more)
        rows = list(csv.DictReader(out.read_text().splitlines()))
        first = {(row["t"], row["id"]): row for row in reversed(rows)}
        assert first["0", "a"]["lane"] == "west_0"
        assert float(first["0", "a"]["s"]) == pytest.approx(20.0, abs=0.01)
        assert float(first["0", "a"]["d"]) == pytest.approx(-0.1, abs=0.01)
        assert first["0", "b"]["lane"] == ""
        assert first["0.5", "a"]["lane"] == "west_0"
        assert sum(float(row["probability"]) for row in rows if row["id"] == "a" and row["t"] == "0") > 0.95


def test_display_offsets_are_refused(tmp_path: Path) -> None:
    lon, lat = np.linspace(121.47002, 121.47038, 30), np.full(30, 31.229984)
    points, out = tmp_path / "p.csv", tmp_path / "m.csv"
    for shifted in (False, True):
        east, north = gcj02(lon, lat) if shifted else (lon, lat)
        points.write_text(
            "t,id,lon,lat\n" + "\n".join(f"0,{k},{a},{b}" for k, (a, b) in enumerate(zip(east, north, strict=True)))
        )
        done = RUN.invoke(app, ["match", str(DATA / "crossing.osm"), "--points", str(points), "--out", str(out)])
        assert done.exit_code == int(shifted), done.output
    assert "looks like GCJ-02" in done.output


def test_locate_answers_in_the_columns_asked(tmp_path: Path) -> None:
    points, out = tmp_path / "p.csv", tmp_path / "q.csv"
    points.write_text("kind,road,s,lane,t\nref,1,40,0,0\nborder,1,40,-1,\nborder,99,1,-1,\n")
    run("locate", DATA / "four_arms.xodr", "--points", points, "--out", out)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [rows[0][k] for k in ("x", "y", "z", "heading")] == [
        "-70.000000000",
        "0.000000000",
        "5.400000000",
        "0.000000000",
    ]
    assert float(rows[1]["y"]) == pytest.approx(-3.5 * np.cos(0.02))
    assert rows[2]["x"] == ""


def test_show_writes_geojson_and_a_picture(tmp_path: Path) -> None:
    run("show", DATA / "crossing.osm", "--out", tmp_path / "m.geojson", "--picture", tmp_path / "m.svg")
    found = json.loads((tmp_path / "m.geojson").read_text())
    assert {feature["properties"]["layer"] for feature in found["features"]} >= {
        "lane",
        "centre line",
        "stop line",
        "crosswalk",
    }
    longitude, latitude = found["features"][0]["geometry"]["coordinates"][0][0]
    assert (round(longitude, 2), round(latitude, 2)) == (121.47, 31.23)
    assert (tmp_path / "m.svg").read_text().startswith("<svg")


def test_a_supplement_adds_what_the_format_cannot_hold(tmp_path: Path) -> None:
    supplement, out = tmp_path / "s.toml", tmp_path / "m.tiles"
    supplement.write_text(
        """
[[waiting_area]]
from_lane = "west_0"
via_lane = ":j_0_0"
to_m = 8.0
enter_on = ["j/W-through"]
leave_on = ["j/W-left"]
[[lane_function]]
lane = "west_1"
function = "bus_only"
participants = ["bus"]
days = [1, 2, 3, 4, 5]
from = "22:00"
to = "05:00"
[[two_stage_turn]]
first = ["west_0", "east_0"]
second = ["south_0", "north_0"]
x_m = 51.0
y_m = 42.0
[[bus_stop]]
name = "Market"
lane = "west_0"
from_m = 5.0
to_m = 20.0
"""
    )
    run("convert", DATA / "small.net.xml", "--out", out, "--supplement", supplement, "--version", 3, "--id", "city")
    model = load_map(out)
    assert (model.map_id, model.version) == ("city", 3)
    assert model.signal_groups == ("j/W-through", "j/W-left")
    waiting = int(np.flatnonzero(model.stop_lines.kind == 1)[0])
    assert model.stop_lines.s_m[waiting] == 8.0
    assert model.stop_lines.permitting_groups[waiting].tolist() == [1]
    assert model.bus_stops.names == ("Market",)
    functions = model.lane_functions
    assert functions.in_force(5, 23 * 60).tolist() == [True]
    assert functions.in_force(6, 4 * 60).tolist() == [True]  # still Friday's night
    assert functions.in_force(1, 4 * 60).tolist() == [False]
    assert functions.in_force(1, 12 * 60).tolist() == [False]


def test_all_that_is_wrong_with_a_supplement_is_said_at_once(tmp_path: Path) -> None:
    supplement = tmp_path / "s.toml"
    supplement.write_text(
        '[[bus_stop]]\nlane = "gone"\n[[lane_function]]\nlane = "west_0"\nfunction = "dancing"\n[other]\n'
    )
    done = RUN.invoke(app, ["check", str(DATA / "small.net.xml"), "--supplement", str(supplement)])
    assert done.exit_code == 1
    for part in ("no lane 'gone'", "'dancing'", "other: expected"):
        assert part in done.output


def test_wrong_usage_and_failures_have_their_codes(tmp_path: Path) -> None:
    assert RUN.invoke(app, ["info", str(tmp_path / "no.xodr")]).exit_code == 2
    broken = tmp_path / "b.xodr"
    broken.write_text("<OpenDRIVE>")
    assert RUN.invoke(app, ["info", str(broken)]).exit_code == 1
    assert RUN.invoke(app, ["convert", str(DATA / "small.net.xml"), "--out", str(tmp_path / "x.zip")]).exit_code == 2
