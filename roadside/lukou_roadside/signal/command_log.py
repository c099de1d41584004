"""The durable log of accepted-for-judgement commands (SAFETY invariant 19), written outside the tick.

One JSON object per line: ``{"kind": "command", "id": …, "authority": …, "epoch": …, "sequence": …, "bytes": hex}`` or
``{"kind": "latched", "bits": …}``. A torn last line is cut at start. The writer is a device of the process: it gets
outputs ``("append", id, record)``, writes and fsyncs in its own thread, and answers with readings ``("written", id)``;
or ``("failed", id, why)`` where the disk has not taken it; at start it gives ``("resumed", fences, latched)``, so that sequences and latched faults survive ``kill -9``.
"""

from __future__ import annotations

import io
import json
import os
import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lukou_messages.process import Input, Output

LONGEST_QUEUE = 256  # more commands than that wait for the disk only when it has failed: they are refused
LARGEST_FILE = 4_000_000  # then a new file begins and the old one is kept as .1


class CommandLog:
    """Writer of the command log.

    Parameters
    ----------
    path : str
        File; empty: nothing is written and every record counts as written (simulation).
    """

    name = "command_log"

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._todo: queue.Queue[tuple[str, dict[str, Any]] | None] = queue.Queue(LONGEST_QUEUE)
        self._done: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._sequence = 0
        self._is_torn = False
        self._fault = ""
        self._done.put(("resumed", *self._resume()))
        self._thread = threading.Thread(target=self._write_all, name="command-log", daemon=True)
        if self._path:
            self._thread.start()

    def poll(self, now_ns: int) -> Sequence[Input]:
        result = []
        while not self._done.empty():
            self._sequence += 1
            result.append(Input(f"device/{self.name}", self.name, 0, self._sequence, now_ns, self._done.get()))
        return result

    def send(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            _, identity, record = output.value
            if self._path is None:
                self._done.put(("written", identity))
                continue
            try:
                self._todo.put_nowait((identity, record))
            except queue.Full:
                self._done.put(("failed", identity, "the disk does not keep up"))

    def faults(self) -> list[str]:
        """For health: commands are not accepted while the log cannot be written."""
        return [f"command log {self._path}: {self._fault}; no command is accepted"] if self._fault else []

    def close(self) -> None:
        if self._thread.is_alive():
            self._todo.put(None)
            self._thread.join(timeout=2.0)

    def _resume(self) -> tuple[dict[int, tuple[int, int]], int]:
        """Highest (epoch, sequence) per authority, and latched faults; a torn tail is cut."""
        fences: dict[int, tuple[int, int]] = {}
        latched = 0
        for path in (self._path.with_suffix(".1"), self._path) if self._path else ():
            if not path.exists():
                continue
            content = path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            if len(whole) != len(content) and path == self._path:
                with path.open("r+b") as file:
                    file.truncate(len(whole))
            for line in whole.splitlines():
                try:
                    record = json.loads(line)
                    if record["kind"] == "latched":
                        latched = int(record["bits"])
                    else:
                        key, mark = int(record["authority"]), (int(record["epoch"]), int(record["sequence"]))
                        fences[key] = max(fences.get(key, (0, 0)), mark)
                except (ValueError, KeyError, TypeError):
                    continue  # one damaged record is lost, the others are not
        return fences, latched

    def _write_all(self) -> None:
        while True:
            items = [self._todo.get()]
            while not self._todo.empty():
                items.append(self._todo.get())
            batch = [item for item in items if item is not None]
            try:
                self._append(batch)
                answers: list[tuple[Any, ...]] = [("written", identity) for identity, _ in batch]
                self._fault = ""
            except Exception as error:  # a writer that stops for good would leave every command without an answer
                self._fault = str(error) or type(error).__name__
                answers = [("failed", identity, self._fault) for identity, _ in batch]
            for answer in answers:
                self._done.put(answer)
            if len(batch) != len(items):
                return

    def _append(self, batch: list[tuple[str, dict[str, Any]]]) -> None:
        assert self._path is not None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size > LARGEST_FILE:
            fences, latched = self._resume()
            os.replace(self._path, self._path.with_suffix(".1"))
            kept = [{"kind": "command", "authority": a, "epoch": e, "sequence": s} for a, (e, s) in fences.items()]
            batch = [("", record) for record in (*kept, {"kind": "latched", "bits": latched})] + batch
        data = b"".join(json.dumps(record, sort_keys=True).encode() + b"\n" for _, record in batch)
        with self._path.open("ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                _write_whole(file, b"\n" + data if self._is_torn else data)
                os.fsync(file.fileno())
            except OSError:
                self._is_torn = True
                _cut(file, size)  # half a line must not stand before the next record
                self._is_torn = False
                raise
        self._is_torn = False


def _write_whole(file: io.FileIO, data: bytes) -> None:
    """Write everything or raise OSError; a full disk may take a part."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _cut(file: io.FileIO, size: int) -> None:
    file.truncate(size)
    os.fsync(file.fileno())
