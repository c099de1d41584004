"""``lukou bench matching``: every figure is there on a small map."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lukou_sim.bench.verb import app

NET = Path(__file__).parents[1] / "maps/data/small.net.xml"


@pytest.mark.slow
def test_figures_of_a_small_map() -> None:
    done = CliRunner().invoke(app, ["matching", "--map", str(NET), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["lanes"] == 9
    assert found["points_per_s_1000_a_call"] > found["points_per_s_10_a_call"]
    assert found["sumolib_points_per_s"] is None or found["points_per_s_1000_a_call"] > found["sumolib_points_per_s"]
    assert found["foes_found_share"] == 1.0
    assert found["slowest_cell_to_median"] > 0


def test_a_map_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["matching", "--map", str(tmp_path / "no.xodr")]).exit_code == 2
