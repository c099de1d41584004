"""Points files and georeferences that are no such thing: one sentence, exit 1, never a traceback."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lukou_maps.verb import app

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
GOOD = "t,id,x,y,class\n0,a,0,0,car\n"


def matched(folder: Path, name: str, content: bytes) -> tuple[int, str, str]:
    points, out = folder / name, folder / "m.csv"
    points.write_bytes(content)
    result = CliRunner().invoke(app, ["match", str(DISTRICT), "--points", str(points), "--out", str(out)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output, out.read_text() if out.exists() else ""


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("p.csv", b"\xd2\xff\x00rubbish", "CSV text"),
        ("p.csv", b"t,id,x,y,class\n0,a,0,0\n", "line 2: expected 5 fields"),
        ("p.csv", b"t,id,x,y\n0,a,here,0\n", "line 2: x: expected a number"),
        ("p.csv", b"t,id,x,y\n0,a,0," + b"1" * 200_000, "field limit"),
        ("p.csv.gz", gzip.compress(GOOD.encode() * 500, mtime=0)[:-20], "whole if packed"),
    ],
)
def test_rubbish_is_refused_in_one_sentence(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    code, output, _ = matched(tmp_path, name, content)
    assert code == 1
    assert told in output


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),  # as spreadsheets write it
        GOOD.encode() + b"\n\n",
        GOOD.replace("car", "²").encode(),
        GOOD.encode() + b"1,b,inf,nan,car\n",
    ],
)
def test_what_can_be_understood_is_matched(tmp_path: Path, content: bytes) -> None:
    code, output, _ = matched(tmp_path, "p.csv", content)
    assert code == 0, output


def test_a_projection_that_is_none_is_a_remark_and_the_map_is_still_of_use(tmp_path: Path) -> None:
    text = re.sub(r'projParameter="[^"]*"', 'projParameter="+proj=rubbish"', DISTRICT.read_text())
    (tmp_path / "bad.net.xml").write_text(text)
    result = CliRunner().invoke(app, ["info", str(tmp_path / "bad.net.xml"), "--json"])
    assert result.exit_code == 0
    assert "is no projection" in result.output
