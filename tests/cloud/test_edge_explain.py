"""`lukou warn` on a small recording: table, near misses, explanation and picture."""

import csv
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lukou_cloud.edge.verb import app
from lukou_maps.geometry import LaneGeometry
from lukou_maps.reading import load_map

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
LANE = "k1_N_approach_3"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A car that drives into a standing one, 25 m ahead, in 2 s."""
    folder = tmp_path_factory.mktemp("recording")
    lanes = load_map(DISTRICT).lanes
    geometry, lane = LaneGeometry(lanes), np.array([lanes.index[LANE]])
    with (folder / "fcd.csv").open("w") as stream:
        stream.write("timestep_time;vehicle_id;vehicle_x;vehicle_y;vehicle_angle;vehicle_type;vehicle_speed\n")
        for k in range(20):
            for name, s_m, speed in (("ahead", 45.0, 0.0), ("behind", 15.5 + 1.2 * k, 12.0)):
                x, y, heading = geometry.pose(lane, np.array([s_m]))
                angle = 90.0 - float(np.degrees(heading[0]))
                stream.write(f"{k / 10:.1f};{name};{x[0]:.3f};{y[0]:.3f};{angle:.3f};car;{speed}\n")
    return folder


def test_a_recorded_warning_names_its_lane_and_explains_itself(recording: Path) -> None:
    out, run = recording / "w.csv", recording / "run"
    told = ["--map", str(DISTRICT), "--objects", str(recording / "fcd.csv"), "--out", str(out), "--run", str(run)]
    done = CliRunner().invoke(app, [*told, "--near-misses", str(recording / "near.csv"), "--json"])
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(out.read_text().splitlines()))
    row = next(row for row in rows if row["kind"] == "rear_end")
    assert (row["id_a"], row["id_b"], row["lane"]) == ("behind", "ahead", LANE)
    number = str(rows.index(row) + 1)
    again = CliRunner().invoke(app, ["--explain", number, "--run", str(run)])
    assert again.exit_code == 0, again.output
    assert "rear_end" in again.output
    assert "behind at 12.0 m/s" in again.output
    replayed = CliRunner().invoke(app, ["--explain", number, "--run", str(run), "--replay"])
    assert replayed.exit_code == 0, replayed.output
    assert "replayed: the same warning" in replayed.output
    picture = ElementTree.parse(run / f"{number}.svg").getroot()
    assert picture.tag.endswith("svg")
    assert len(list(picture)) > 10


def test_a_recording_in_coordinates_of_another_origin_is_told(recording: Path) -> None:
    moved, lines = recording / "moved.csv", (recording / "fcd.csv").read_text().splitlines()
    cells = [line.split(";") for line in lines[1:]]
    far = [";".join([*one[:2], f"{float(one[2]) + 20_000.0:.3f}", *one[3:]]) for one in cells]
    moved.write_text("\n".join([lines[0], *far]) + "\n")
    for file, share, told in ((recording / "fcd.csv", 1.0, ""), (moved, 0.0, "only 0 % of the vehicles are on a lane")):
        done = CliRunner().invoke(
            app, ["--map", str(DISTRICT), "--objects", str(file), "--out", str(recording / "w4.csv"), "--json"]
        )
        assert json.loads(done.stdout)["on_lanes_share"] == share
        assert told in done.stderr


def test_an_unknown_warning_is_refused_with_a_reason(recording: Path) -> None:
    done = CliRunner().invoke(app, ["--explain", "4711", "--run", str(recording)])
    assert done.exit_code == 1
    assert "neither" in done.output
    assert CliRunner().invoke(app, ["--explain", "1"]).exit_code == 2
    assert CliRunner().invoke(app, []).exit_code == 2


def test_a_replay_with_other_settings_says_what_is_different(recording: Path) -> None:
    out, run = recording / "w2.csv", recording / "run2"
    told = ["--map", str(DISTRICT), "--objects", str(recording / "fcd.csv"), "--out", str(out), "--run", str(run)]
    assert CliRunner().invoke(app, told).exit_code == 0
    about = json.loads((run / "run.json").read_text())
    about["settings"]["warnings"]["onset_s"] = 0.5
    (run / "run.json").write_text(json.dumps(about))
    replayed = CliRunner().invoke(app, ["--explain", "1", "--run", str(run), "--replay"])
    assert replayed.exit_code == 1
    assert "its being raised" in replayed.output


def test_settings_come_from_a_file_and_wrong_ones_are_named(recording: Path) -> None:
    out, file = recording / "w3.csv", recording / "thresholds.toml"
    told = ["--map", str(DISTRICT), "--objects", str(recording / "fcd.csv"), "--out", str(out), "--settings", str(file)]
    file.write_text("[warnings]\nonset_s = 1.5\n")
    assert CliRunner().invoke(app, told).exit_code == 0
    late = [float(row["t_first"]) for row in csv.DictReader(out.read_text().splitlines()) if row["kind"] == "rear_end"]
    assert late
    assert min(late) >= 1.5
    file.write_text('[edge]\nmap = "x"\n[edge.warnings]\nonset_s = 0.1\n')
    assert CliRunner().invoke(app, told).exit_code == 0
    file.write_text("[warnings]\nonset = 0.1\n")
    refused = CliRunner().invoke(app, told)
    assert refused.exit_code == 1
    assert "warnings.onset" in refused.output
