"""Time scales against published values."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lukou_messages.time_scales import (
    BUILT_IN,
    bdt_time,
    etsi_timestamp_ms,
    gps_time,
    load_leap_seconds,
    tai_ns,
    utc_from_etsi_ms,
)

SECOND = 10**9


def at(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * SECOND  # type: ignore[misc]


def test_leap_seconds_of_history() -> None:
    assert BUILT_IN.offset_s(at(1972, 1, 1)) == 10
    assert BUILT_IN.offset_s(at(2016, 12, 31, 23, 59, 59)) == 36
    assert BUILT_IN.offset_s(at(2017, 1, 1)) == 37
    assert tai_ns(at(2017, 1, 1)) - at(2017, 1, 1) == 37 * SECOND
    assert BUILT_IN.is_expired(at(2030, 1, 1)) and not BUILT_IN.is_expired(at(2026, 1, 1))
    with pytest.raises(ValueError, match="1972"):
        BUILT_IN.offset_s(at(1970, 1, 1))


def test_gps_seconds_of_2017() -> None:
    week, within = gps_time(at(2017, 1, 1))
    assert week * 604_800 + within / SECOND == 1_167_264_018  # 18 s ahead of UTC since 2017
    assert gps_time(at(1980, 1, 6)) == (0, 0)


def test_bdt_is_four_seconds_ahead_since_2017() -> None:
    assert bdt_time(at(2006, 1, 1)) == (0, 0)
    week, within = bdt_time(at(2017, 1, 1))
    assert week * 604_800 + within // SECOND == (at(2017, 1, 1) - at(2006, 1, 1)) // SECOND + 4


def test_the_example_of_etsi_ts_102_894_2() -> None:
    assert etsi_timestamp_ms(at(2004, 1, 1)) == 0
    assert etsi_timestamp_ms(at(2007, 1, 1)) == 94_694_401_000  # the standard's own example: one leap second since 2004


@given(st.integers(at(2004, 1, 1) // 10**6, at(2040, 1, 1) // 10**6))
def test_etsi_there_and_back(milliseconds: int) -> None:
    assert utc_from_etsi_ms(etsi_timestamp_ms(milliseconds * 10**6)) == milliseconds * 10**6


def test_tables_from_files(tmp_path: Path) -> None:
    file = tmp_path / "leap-seconds.list"
    file.write_text("#@\t3991593600\n# comment\n2272060800\t10\t# 1 Jan 1972\n3692217600 37\n")
    table = load_leap_seconds(file)
    assert table.offset_s(at(2020, 1, 1)) == 37 and table.expires_s == 3991593600 - 2208988800
    file.write_text("nothing here\n")
    with pytest.raises(ValueError):
        load_leap_seconds(file)
