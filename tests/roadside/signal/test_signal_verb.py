"""``lukou guard prove`` prints what INTERFACES promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lukou_maps.signal_configuration import save
from lukou_roadside.signal.verb import app

KEYS = {"schema_version", "seed", "git", "states", "seconds", "tick_s", "inputs", "worst_return_s", "violations"}


@pytest.mark.slow
def test_prove_prints_one_object(tmp_path):
    import importlib.util

    spec = importlib.util.spec_from_file_location("small", Path(__file__).parent / "small_intersection.py")
    assert spec is not None and spec.loader is not None
    small = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(small)
    path = tmp_path / "small.json"
    save(small.small_configuration(), path)
    result = CliRunner().invoke(app, ["prove", str(path), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found) >= {*KEYS, "worst_green_extension_s"}
    assert found["violations"] == [] and found["states"] > 10_000 and found["tick_s"] == 1.0
    assert 0 < found["worst_green_extension_s"] <= 5 and found["worst_return_s"] > 0


def test_a_bad_file_is_explained_and_fails(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text("{}")
    result = CliRunner().invoke(app, ["prove", str(path), "--json"])
    assert result.exit_code == 1
    assert "stages: missing" in result.stderr and "next: " in result.stderr
