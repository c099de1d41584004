"""Indicators: sums by place and period, of an archive that somebody else writes, and of recordings."""

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lukou_cloud.centre.archive import Archive
from lukou_cloud.indicators.indicators import level_of_service
from lukou_cloud.indicators.verb import app
from lukou_cloud.near_misses import EVENT, NearMiss
from lukou_messages.codec import encode
from lukou_messages.headers import make_header
from lukou_messages.process import Output
from lukou_messages.recording import RecordingWriter
from lukou_messages.transport.interface import Packet
from lukou_messages.v1.command_pb2 import Command, CommandReply, CommandStatus, LeaseRenewal
from lukou_messages.v1.event_pb2 import Event, Severity
from lukou_messages.v1.traffic_pb2 import LaneTraffic, TrafficState, ViewLevel
from lukou_messages.v1.warning_pb2 import Warning as WarningMessage
from lukou_messages.v1.warning_pb2 import WarningKind, WarningLevel, WarningPhase

HOUR_NS = 3600 * 10**9
BEGIN_NS = 500_000 * HOUR_NS
"""A whole hour: 2027-01-15T08:00 UTC."""


def traffic(place: str, left: int, delay_s: float, view: Any = ViewLevel.VIEW_LEVEL_FULL) -> TrafficState:
    lanes = [LaneTraffic(lane="a_0", queue=4), LaneTraffic(lane="a_1", queue=2)]
    return TrafficState(
        intersection=place, interval_s=10.0, lanes=lanes, view=view, vehicles_left=left, delay_s=delay_s,
        stops_per_vehicle=0.5, longest_wait_s=delay_s + 5.0,
    )  # fmt: skip


def warning(identity: str, phase: Any) -> WarningMessage:
    return WarningMessage(
        warning_id=identity, kind=WarningKind.WARNING_KIND_CROSSING, level=WarningLevel.WARNING_LEVEL_IMMINENT,
        phase=phase, intersection="k1", probability=0.9, severity=0.5, raised_at_ns=BEGIN_NS, expires_at_ns=BEGIN_NS + 1,
    )  # fmt: skip


def records() -> list[tuple[str, int, Any]]:
    """Topic, instant, message: two hours of two intersections."""
    near = NearMiss("vulnerable", BEGIN_NS + 7, 1.0, 2.0, "k1", 1, 2, 1, 6, 9.0, 1.0, post_encroachment_s=0.3)
    event = Event(event_id="n", kind=EVENT, severity=Severity.SEVERITY_INFO, subject="k1", details=near.details())
    alarm = Event(
        event_id="a", kind="process.down", severity=Severity.SEVERITY_ALARM, subject="k2/signal", text="cut [/off]"
    )
    reply = CommandReply(device="k1", status=CommandStatus.COMMAND_STATUS_REJECTED, reason="minimum_green")
    return [
        ("traffic_log", BEGIN_NS, traffic("k1", 10, 12.0)),
        ("traffic_log", BEGIN_NS + HOUR_NS, traffic("k1", 30, 60.0)),
        ("traffic_log", BEGIN_NS, traffic("k2", 0, 0.0, ViewLevel.VIEW_LEVEL_BLIND)),
        ("warning_log", BEGIN_NS, warning("w", WarningPhase.WARNING_PHASE_RAISED)),
        ("warning_log", BEGIN_NS + 1, warning("w", WarningPhase.WARNING_PHASE_CANCELLED)),
        ("event", BEGIN_NS, event),
        ("event", BEGIN_NS, alarm),
        (
            "command_log",
            BEGIN_NS,
            Command(device="k1", command_id="c", renewal=LeaseRenewal(), issued_at_ns=BEGIN_NS, expires_at_ns=BEGIN_NS),
        ),
        ("reply_log", BEGIN_NS, reply),
    ]


def payloads() -> list[tuple[str, int, bytes]]:
    made = []
    for number, (topic, at_ns, value) in enumerate(records(), 1):
        header = make_header("d/test", BEGIN_NS, number, Output(topic, value, at_ns), at_ns)
        made.append((topic, at_ns, encode(topic, header, value)))
    return made


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "archive.sqlite"
    Archive(path).store([Packet(topic, payload, "d/test") for topic, _, payload in payloads()])  # stays open: a centre
    return path


def told(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_delays_are_weighted_by_vehicles_and_blindness_is_no_calm(archive: Path) -> None:
    answer = told(str(archive.parent.parent))
    rows = {row["intersection"]: row for row in answer["rows"]}
    assert rows["k1"]["delay_s"] == (10 * 12.0 + 30 * 60.0) / 40
    assert rows["k1"]["level_of_service"] == "D"
    assert rows["k1"]["mean_queue"] == 6.0
    assert rows["k1"]["longest_wait_s"] == 65.0
    assert rows["k2"]["view"] == {"blind": 1.0}
    assert rows["k2"]["delay_s"] is None
    assert rows["k2"]["mean_queue"] is None
    assert answer["total"]["vehicles"] == 40


def test_a_warning_counts_once_and_what_the_guard_refused_says_why(archive: Path) -> None:
    row = next(row for row in told(str(archive))["rows"] if row["intersection"] == "k1")
    assert row["warnings"] == {"imminent": {"crossing": 1}}
    assert row["near_misses"] == {"vulnerable": 1}
    assert row["serious_near_misses"] == 1
    assert row["commands"] == 1
    assert row["refusals"] == {"minimum_green": 1}


def test_periods_places_and_times_are_those_asked_for(archive: Path) -> None:
    rows = told(str(archive), "--every", "hour", "--intersection", "k1")["rows"]
    assert [(row["period_begins"], row["vehicles"]) for row in rows] == [
        ("2027-01-15T08:00:00+00:00", 10),
        ("2027-01-15T09:00:00+00:00", 30),
    ]
    late = told(str(archive), "--from", "2027-01-15T17:00+08:00", "--to", "2027-01-15T10:00")
    assert late["records"] == {"traffic_log": 1}
    assert late["events"] == []


def test_a_recording_gives_the_same(archive: Path, tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "day.mcap") as writer:
        for topic, _, payload in payloads():
            writer.write(topic, payload)
    keys = ("rows", "events", "records", "total")
    of_archive, of_recording = told(str(archive)), told(str(tmp_path / "day.mcap"))
    assert [of_archive[key] for key in keys] == [of_recording[key] for key in keys]
    assert of_recording["records_missing"] is None


def test_what_cannot_be_read_is_counted_and_spoils_nothing(archive: Path) -> None:
    with sqlite3.connect(archive) as database:
        database.execute(
            "INSERT INTO records VALUES ('d/test', 1, 'event', 1, ?, 'k1', '', ?)", (BEGIN_NS, b"\xff\xff")
        )
        database.execute("DELETE FROM records WHERE topic = 'traffic_log' AND sequence = 2")
    database.close()
    answer = told(str(archive))
    assert answer["records_unreadable"] == 1
    assert answer["records_missing"] == 1
    assert answer["total"]["vehicles"] == 10


def test_the_table_is_for_people_and_the_file_for_spreadsheets(archive: Path, tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    done = CliRunner().invoke(app, [str(archive), "--csv", str(file)])
    assert done.exit_code == 0, done.output
    assert "alarm" in done.output
    assert "process.down, k2/signal" in done.output
    assert "[/off]" in done.output  # words of others are no markup
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [(row["intersection"], row["vehicles"], row["LOS"]) for row in rows] == [("k1", "40", "D"), ("k2", "0", "")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "yesterday"], "expected a time like"),
        (["--to", "9999-12-31T23:59-12:00"], "expected a year from"),
        (["--from", "0001-01-01T00:00+12:00"], "expected a year from"),
        (["--from", "2027-01-02", "--to", "2027-01-01"], "is not before"),
        (["--every", "month"], "expected one of all, quarter, hour, day"),
        (["--to", "2020-01-01"], "no records of that time"),
    ],
)
def test_what_is_asked_wrongly_is_said(archive: Path, arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, [str(archive), *arguments])
    assert done.exit_code == 1
    assert words in done.output


def test_a_file_that_is_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_text("no database at all, and longer than a header of SQLite has to be " * 20)
    for path in (tmp_path, tmp_path / "a.sqlite", tmp_path / "nothing"):
        done = CliRunner().invoke(app, [str(path)])
        assert done.exit_code == 1
        assert "archive" in done.output


@pytest.mark.parametrize(("delay_s", "letter"), [(10.0, "A"), (10.1, "B"), (35.0, "C"), (80.0, "E"), (80.1, "F")])
def test_levels_of_service_are_those_of_the_manual(delay_s: float, letter: str) -> None:
    assert level_of_service(delay_s) == letter
