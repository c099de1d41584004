"""Messages that may not be lost: on disk before they are acknowledged, delivered at least once, kept once.

The sender holds them in a SQLite outbox (write-ahead log, full sync) until the archive acknowledges cumulatively by
number; the archive stores them under (source, epoch, topic, sequence), so that a repetition changes nothing. Both ends run in
threads of their own: neither a disk nor a network delays a step.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
import zmq

from lukou_messages.errors import Refused
from lukou_messages.security import KeyPair, Register
from lukou_messages.topics import TOPICS
from lukou_messages.transport.interface import Packet

log = structlog.get_logger()

BATCH = 200
RESEND_S = 1.0
SET_ASIDE = ("wrong_topic",)
"""Records refused for ever: acknowledged all the same, else they would block those behind them. A sender that is not entitled is
not acknowledged: its records wait until the register is put right."""

STORE_TRIES = 3
"""A batch that fails so often is stored one by one, so that a poisonous record cannot block the others."""


class Outbox:
    """Sends records to the archive through a thread of its own."""

    def __init__(self, context: Any, path: Path, endpoint: str, keys: KeyPair, server_key: str) -> None:
        self.dropped = 0
        self.faults: list[str] = []
        self._path = path
        self._queue: queue.Queue[tuple[str, bytes] | None] = queue.Queue(maxsize=10_000)
        self._context, self._endpoint, self._keys, self._server_key = context, endpoint, keys, server_key
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def put(self, topic: str, payload: bytes) -> None:
        """Hand over a record without waiting; a full queue means a dead disk, and is counted."""
        try:
            self._queue.put_nowait((topic, payload))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write what has been handed over and stop."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(timeout=3)

    def _open(self) -> sqlite3.Connection:
        """Open the outbox; a damaged file is kept beside and a new one begun, a full disk is waited for."""
        while True:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                database = sqlite3.connect(self._path)
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("PRAGMA synchronous=FULL")
                database.execute(
                    "CREATE TABLE IF NOT EXISTS outbox"
                    " (number INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, payload BLOB)"
                )
                return database
            except sqlite3.OperationalError as error:
                self.faults = [f"outbox {self._path} cannot be opened: {error}"]
                log.error("outbox.unwritable", file=str(self._path), error=str(error))
                time.sleep(RESEND_S)
            except sqlite3.DatabaseError as error:
                aside = self._path.with_suffix(f".damaged-{time.time_ns()}")
                self._path.rename(aside)
                log.error("outbox.damaged", file=str(self._path), kept_as=str(aside), error=str(error))

    def _run(self) -> None:
        from lukou_messages.transport.sockets import harden, use_curve

        database = self._open()
        socket = self._context.socket(zmq.DEALER)
        harden(socket)
        use_curve(socket, self._keys, self._server_key)
        socket.connect(self._endpoint)
        sent, resend_at, running = 0, 0.0, True
        try:
            while running:
                try:
                    running = self._store(database, timeout_s=0.02)
                    acknowledged = self._acknowledged(socket)
                    if acknowledged:
                        with database:
                            database.execute("DELETE FROM outbox WHERE number <= ?", (acknowledged,))
                        resend_at = time.monotonic() + RESEND_S
                    elif time.monotonic() > resend_at:
                        sent, resend_at = 0, time.monotonic() + RESEND_S
                    sent = self._send(database, socket, sent)
                except sqlite3.Error as error:
                    self.faults = [f"outbox {self._path} cannot be written: {error}"]
                    log.error("outbox.failed", file=str(self._path), error=str(error))
                    database.close()
                    database = self._open()
                    sent = 0
                    self.faults = []
        except zmq.ZMQError:
            pass  # the context went: the process ends, the rows stay
        finally:
            database.close()
            socket.close(0)

    def _store(self, database: sqlite3.Connection, timeout_s: float) -> bool:
        """Move what is queued to disk in one transaction; False at the end."""
        rows: list[tuple[str, bytes]] = []
        ended = False
        with contextlib.suppress(queue.Empty):
            while len(rows) < BATCH and not ended:
                item = self._queue.get(timeout=timeout_s) if not rows else self._queue.get_nowait()
                if item is None:
                    ended = True
                else:
                    rows.append(item)
        if rows:
            try:
                with database:
                    database.executemany("INSERT INTO outbox (topic, payload) VALUES (?, ?)", rows)
            except sqlite3.Error:
                self.dropped += len(rows)
                raise
        return not ended

    @staticmethod
    def _acknowledged(socket: Any) -> int:
        newest = 0
        while True:
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return newest
            if len(frames) == 2 and frames[0] == b"ack" and frames[1].isdigit():
                newest = max(newest, int(frames[1]))

    @staticmethod
    def _send(database: sqlite3.Connection, socket: Any, sent: int) -> int:
        rows = database.execute(
            "SELECT number, topic, payload FROM outbox WHERE number > ? ORDER BY number LIMIT ?", (sent, BATCH)
        ).fetchall()
        for number, topic, payload in rows:
            try:
                socket.send_multipart([b"%d" % number, b"%d" % sent, topic.encode(), payload], zmq.NOBLOCK)
            except zmq.Again:
                return sent
            sent = number
        return sent


class RecordIntake:
    """Takes records of many devices; acknowledges what `store` has put on disk.

    Parameters
    ----------
    store : callable
        ``store(packets)`` puts good packets on disk, durably, and refuses bad ones by itself; an exception means that
        nothing is acknowledged.
    """

    def __init__(
        self,
        context: Any,
        endpoint: str,
        keys: KeyPair,
        register: Register,
        store: Callable[[Sequence[Packet]], None],
    ) -> None:
        from lukou_messages.transport.sockets import harden, serve_curve

        self.counts: Counter[str] = Counter()
        self._register, self._store = register, store
        self._last: dict[str, int] = {}
        self._socket = context.socket(zmq.ROUTER)
        harden(self._socket)
        serve_curve(self._socket, keys)
        self._socket.bind(endpoint)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record-intake", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=3)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._socket.poll(100):
                    self._turn()
        except zmq.ZMQError:
            pass
        finally:
            self._socket.close(0)

    def _turn(self) -> None:
        packets: list[Packet] = []
        newest: dict[bytes, int] = {}
        for _ in range(BATCH):
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            user = str(frames[-1].get("User-Id"))
            try:
                packet = self._admit(user, frames)
            except Refused as refusal:
                self.counts[refusal.reason] += 1
                if refusal.reason not in SET_ASIDE:
                    continue
                packet = None
            if packet is not None:
                packets.append(packet)
            number = int(frames[1].bytes)
            self._last[user] = newest[frames[0].bytes] = number
        if self._keep(packets):
            for route, number in newest.items():
                with contextlib.suppress(zmq.ZMQError):
                    self._socket.send_multipart([route, b"ack", b"%d" % number], zmq.NOBLOCK)

    def _admit(self, user: str, frames: list[Any]) -> Packet:
        """The record in these frames, if it is next in its sender's order and the sender may send it."""
        if len(frames) != 5 or not all(f.bytes.isdigit() and len(f.bytes) <= 18 for f in frames[1:3]):
            raise Refused("bad_frames", user)
        device = self._register.devices.get(user)
        if device is None or device.revoked:
            raise Refused("revoked_key", user)
        previous = int(frames[2].bytes)
        if previous and previous != self._last.get(user):
            raise Refused("out_of_order", f"{user}: waits for the record after {self._last.get(user)}")
        topic = bytes(frames[3].buffer[:40]).decode("ascii", "replace")
        if topic not in TOPICS or TOPICS[topic].delivery != "record":
            raise Refused("wrong_topic", topic)
        self._register.check(user, topic)
        return Packet(topic, frames[4].bytes, user)

    def _keep(self, packets: list[Packet]) -> bool:
        """Store until it succeeds: no acknowledgement without disk, and nothing new before the old is safe."""
        tries = 0
        while packets and not self._stopping.is_set():
            try:
                self._store(packets)
                return True
            except sqlite3.Error:
                self.counts["store_failed"] += 1
            except Exception as error:
                tries += 1
                self.counts["store_failed"] += 1
                if tries >= STORE_TRIES:
                    log.error("records.poison", error=repr(error)[:200], count=len(packets))
                    self._one_by_one(packets)
                    return True
            self._stopping.wait(0.5)
        return not packets

    def _one_by_one(self, packets: list[Packet]) -> None:
        for packet in packets:
            try:
                self._store([packet])
            except sqlite3.Error:
                raise
            except Exception:
                self.counts["poison"] += 1
