"""Whatever stands in a file, a reader gives a map or refuses it as a map file; it never falls over."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lukou_maps.errors import MapError, MapFileError
from lukou_maps.matching import LaneMatcher
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel

DATA = Path(__file__).parent / "data"
FILES = ["small.net.xml", "four_arms.xodr", "crossing.osm", "j2735.json", "tcsae53.json"]
ODD = [
    "",
    "nan",
    "inf",
    "-1e300",
    "1e308",
    "0",
    "-1",
    "99999999999999999999",
    "x",
    "é",
    "1,2",
    "true",
    "-0.0",
    "1e-300",
]


def survives(path: Path) -> RoadModel | None:
    """The map, if it is one; everything that uses it must work too."""
    try:
        model = load_map(path)
    except MapFileError as error:
        assert str(error)
        return None
    assert len(model.lanes) > 0
    assert np.isfinite(model.lanes.x_m).all()
    assert np.isfinite(model.lanes.across_x_m).all()
    assert (np.diff(model.lanes.point_start) >= 2).all()
    assert len(model.content_sha256) == 32
    _ = model.conflict_areas
    if len(model.lanes.x_m) < 2000:
        try:
            found = LaneMatcher(model).nearest(model.lanes.x_m[:5], model.lanes.y_m[:5])
        except MapError as error:
            assert "km, too much" in str(error)
        else:
            assert (found.lane < len(model.lanes)).all()
    return model


@pytest.mark.parametrize("name", FILES)
def test_the_samples_are_whole(name: str) -> None:
    model = survives(DATA / name)
    assert model is not None
    assert model.remarks == ()


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_values_never_break_a_reader(tmp_path: Path, name: str, data: st.DataObject) -> None:
    text = (DATA / name).read_text()
    values = list(re.finditer(r'(?<=")[^"<>]*(?=")|(?<=: )-?\d+', text))
    for _ in range(data.draw(st.integers(1, 3))):
        found = values[data.draw(st.integers(0, len(values) - 1))]
        old = found.group()
        new = data.draw(st.sampled_from(ODD) | st.floats().map(str) | st.just(old[::-1]) | st.just(old + old))
        if name.endswith(".json"):
            new = new.replace("nan", "0").replace("inf", "1")
        text = text[: found.start()] + new + text[found.end() :]
        values = list(re.finditer(r'(?<=")[^"<>]*(?=")|(?<=: )-?\d+', text))
    path = tmp_path / name
    path.write_text(text)
    survives(path)


@pytest.mark.parametrize("name", [*FILES, "golden.tiles"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_broken_bytes_never_break_a_reader(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = bytearray((DATA / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(
        bytes(content[: data.draw(st.integers(1, len(content)))]) if data.draw(st.booleans()) else bytes(content)
    )
    survives(path)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_lines_left_out_or_doubled_never_break_a_reader(tmp_path: Path, name: str, data: st.DataObject) -> None:
    lines = (DATA / name).read_text().split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        if data.draw(st.booleans()):
            del lines[place]
        else:
            lines.insert(data.draw(st.integers(0, len(lines) - 1)), lines[place])
    path = tmp_path / name
    path.write_text("\n".join(lines))
    survives(path)


def test_a_refusal_names_the_line(tmp_path: Path) -> None:
    for name in ("four_arms.xodr", "crossing.osm"):
        path = tmp_path / name
        path.write_text((DATA / name).read_text().replace("</", "<", 1))
        with pytest.raises(MapFileError, match=r"line \d+"):
            load_map(path)
