"""The archive: every record once, whatever is repeated, broken or out of order."""

from __future__ import annotations

from pathlib import Path

from lukou_cloud.centre.archive import Archive
from lukou_messages.codec import encode
from lukou_messages.headers import make_header
from lukou_messages.process import Output
from lukou_messages.transport.interface import Packet
from lukou_messages.v1 import event_pb2

T = 1_790_000_000 * 10**9


def packet(sequence: int, source: str = "k1/signal", user: str = "k1/signal", epoch: int = T) -> Packet:
    event = event_pb2.Event(event_id=f"{sequence}", kind="signal.test", subject="k1", text="what happened")
    header = make_header(source, epoch, sequence, Output("event", event, T + sequence), T)
    return Packet("event", encode("event", header, event), user)


def test_repeated_records_are_kept_once_and_told_once(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "a.sqlite")
    archive.store([packet(1), packet(2), packet(1)])
    archive.store([packet(2), packet(3)])
    assert archive.counts() == {"event": 3}
    assert [value.event_id for _, value in archive.take_fresh()] == ["1", "2", "3"]
    assert archive.take_fresh() == []
    assert archive.gaps() == []


def test_gaps_show_by_source_and_life(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "a.sqlite")
    archive.store([packet(1), packet(4), packet(1, epoch=T + 5), packet(2, epoch=T + 5)])
    assert archive.gaps() == [("k1/signal", T, "event", 2)]


def test_poison_and_forgery_are_set_aside_and_good_records_stay(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "a.sqlite")
    archive.store([Packet("event", b"\xff\xff", "k1/signal"), packet(1, user="k2/signal"), packet(2)])
    assert archive.refused == {"malformed": 1, "speaks_for_another": 1}
    assert [row["sequence"] for row in archive.query("event")] == [2]
    rows = archive._database.execute("SELECT reason FROM set_aside ORDER BY id").fetchall()
    assert [reason.split(":")[0] for (reason,) in rows] == ["malformed", "speaks_for_another"]


def test_records_survive_reopening_and_are_found_by_time(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "a.sqlite")
    archive.store([packet(k) for k in range(1, 11)])
    archive.close()
    again = Archive(tmp_path / "a.sqlite")
    found = list(again.query("event", from_ns=T + 4, to_ns=T + 6))
    assert [row["sequence"] for row in found] == [6, 5, 4]
    assert found[0]["text"] == "what happened"
