"""The city's archive: warnings, events, traffic states, commands and replies in SQLite, each kept exactly once.

A record is on disk (write-ahead log, full sync) before it is acknowledged. The primary key (source, epoch, topic, sequence)
makes repetitions harmless; gaps can be counted.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import structlog
from google.protobuf.json_format import MessageToDict

from lukou_messages.codec import MESSAGE_CLASSES, decode
from lukou_messages.errors import Refused
from lukou_messages.topics import TOPICS
from lukou_messages.transport.interface import Packet

log = structlog.get_logger()

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    source TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    topic TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    measured_at_ns INTEGER NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (source, epoch, topic, sequence)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_time ON records (topic, measured_at_ns);
CREATE TABLE IF NOT EXISTS set_aside (
    id INTEGER PRIMARY KEY, user TEXT, topic TEXT, reason TEXT, payload BLOB
);
"""

MAX_SET_ASIDE = 10_000


class Archive:
    """Keeps records; may be used from several threads.

    Parameters
    ----------
    path : Path
        SQLite file, made where it is not.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(SCHEMA)
        self.refused: Counter[str] = Counter()
        self.fresh: deque[tuple[str, Any]] = deque(maxlen=5000)

    def store(self, packets: Sequence[Packet], check_user: bool = True) -> None:
        """Put records on disk; bad ones are set aside, known ones change nothing. Raises sqlite3.Error without a disk."""
        rows, bad, values = [], [], []
        for packet in packets:
            try:
                decoded = decode(packet.topic, packet.payload)
                header = decoded.header
                if check_user and header.source != packet.user:
                    raise Refused("speaks_for_another", f"{packet.user} as {header.source}")
            except Refused as refusal:
                self.refused[refusal.reason] += 1
                bad.append((packet.user, packet.topic, str(refusal)[:500], packet.payload))
                continue
            subject, kind = _labels(decoded.value)
            rows.append(
                (header.source, _signed(header.epoch), packet.topic, _signed(header.sequence), header.measured_at_ns,
                 subject, kind, packet.payload)
            )  # fmt: skip
            values.append((packet.topic, decoded.value))
        with self._lock, self._database:
            before = self._database.total_changes
            new = []
            for row, value in zip(rows, values, strict=True):
                self._database.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
                if self._database.total_changes > before:
                    new.append(value)
                before = self._database.total_changes
            for aside in bad:
                self._database.execute(
                    "INSERT INTO set_aside (user, topic, reason, payload) VALUES (?, ?, ?, ?)", aside
                )
            self._database.execute(
                "DELETE FROM set_aside WHERE id <= (SELECT MAX(id) FROM set_aside) - ?", (MAX_SET_ASIDE,)
            )
        self.fresh.extend(new)

    def take_fresh(self) -> list[tuple[str, Any]]:
        """Records stored since the last call, each (topic, value)."""
        taken = []
        with contextlib.suppress(IndexError):
            while True:
                taken.append(self.fresh.popleft())
        return taken

    def query(
        self, topic: str, from_ns: int = 0, to_ns: int = 2**62, limit: int = 500, kind: str = "", subject: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Records of a topic, newest first, as plain dictionaries; of one kind or subject only where it is named."""
        message = MESSAGE_CLASSES[TOPICS[topic].type]
        with self._lock:
            rows = self._database.execute(
                "SELECT source, epoch, sequence, measured_at_ns, payload FROM records"
                " WHERE topic = ? AND measured_at_ns BETWEEN ? AND ? AND ? IN ('', kind) AND ? IN ('', subject)"
                " ORDER BY measured_at_ns DESC LIMIT ?",
                (topic, from_ns, to_ns, kind, subject, limit),
            ).fetchall()
        for source, epoch, sequence, measured_at_ns, payload in rows:
            value = MessageToDict(message.FromString(payload), preserving_proto_field_name=True)
            value.pop("header", None)
            yield {"source": source, "epoch": epoch, "sequence": sequence, "measured_at_ns": measured_at_ns, **value}

    def counts(self) -> dict[str, int]:
        """Number of records by topic."""
        with self._lock:
            return dict(self._database.execute("SELECT topic, COUNT(*) FROM records GROUP BY topic").fetchall())

    def gaps(self) -> list[tuple[str, int, str, int]]:
        """(source, epoch, topic, missing) where sequence numbers are not contiguous."""
        with self._lock:
            rows = self._database.execute(
                "SELECT source, epoch, topic, MAX(sequence) - MIN(sequence) + 1 - COUNT(*) AS missing FROM records"
                " GROUP BY source, epoch, topic HAVING missing > 0"
            ).fetchall()
        return [(str(a), int(b), str(c), int(d)) for a, b, c, d in rows]

    def close(self) -> None:
        with self._lock:
            self._database.close()


def _signed(value: int) -> int:
    """An unsigned 64-bit number as SQLite keeps it."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _labels(value: Any) -> tuple[str, str]:
    """(subject, kind) of a record for looking things up."""
    subject = getattr(value, "subject", "") or getattr(value, "intersection", "") or getattr(value, "device", "")
    kind = getattr(value, "kind", "") or getattr(value, "status", "")
    return str(subject), str(kind)
