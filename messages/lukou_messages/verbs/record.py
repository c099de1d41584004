"""``lukou record``: record what the processes of a site say, with their journals."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
import zmq

from lukou_messages.errors import SettingsError
from lukou_messages.recording import RecordingWriter
from lukou_messages.report import plain_errors
from lukou_messages.topics import TOPICS
from lukou_messages.transport.sockets import SubscriptionSocket
from lukou_messages.verbs.run import die_with
from lukou_messages.verbs.status import newest_taps

app = typer.Typer(add_completion=False)

QUIET_S = 0.3
LAST_S = 2.0


@app.command()
def record(
    out: Annotated[Path, typer.Option(help="Recording to write (MCAP)")],
    taps: Annotated[
        Path | None, typer.Option(help="Folder of the site's taps (*.tap); by default those of the newest demo")
    ] = None,
    topics: Annotated[
        list[str] | None, typer.Option("--topics", help="Only these topics, separated by commas; may be repeated")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after this time [s]")] = None,
    parent: Annotated[int | None, typer.Option(help="End when this process ends", hidden=True)] = None,
) -> None:
    """Record until Ctrl-C. Journals are recorded too, so that edge and region can be replayed bit for bit."""
    if parent is not None:
        die_with(parent)
    with plain_errors("lukou topics"):
        wanted = _topics([name for text in topics or () for name in text.split(",")])
        taps = taps or newest_taps()
        stopping: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, frame: stopping.append(received))
        ends = time.monotonic() + (seconds if seconds is not None else 1e12)
        with RecordingWriter(out) as writer:
            record_taps(writer, taps, wanted, lambda: bool(stopping) or time.monotonic() > ends)
        print(f"{writer.path}: {writer.messages} messages", file=sys.stderr)
        if not writer.messages:
            raise SettingsError([f"{taps}: nothing was heard there; is anything running? name the folder with --taps"])


def _topics(topics: list[str] | None) -> tuple[str, ...]:
    wanted = tuple(topics) if topics else tuple(name for name, topic in TOPICS.items() if topic.recorded)
    unknown = [name for name in wanted if name not in TOPICS]
    if unknown:
        raise SettingsError([f"{name} is no topic; there are {', '.join(TOPICS)}" for name in unknown])
    return wanted


def record_taps(writer: RecordingWriter, folder: Path, topics: tuple[str, ...], is_stopping: object) -> None:
    """Subscribe to every tap of the folder, also to those that appear later, and write what comes."""
    assert callable(is_stopping)
    context = zmq.Context()
    poller = zmq.Poller()
    sockets: dict[Path, SubscriptionSocket] = {}
    look_at = 0.0
    stop_at = quiet_at = None
    try:
        while True:
            now = time.monotonic()
            if stop_at is None and is_stopping():
                stop_at = quiet_at = now
            if stop_at is not None and quiet_at is not None and (now - quiet_at > QUIET_S or now - stop_at > LAST_S):
                return  # what was on its way when we were stopped still belongs to the recording
            if stop_at is None and now > look_at:
                look_at = now + 0.1
                for path in sorted(folder.glob("*.tap")):
                    if path not in sockets:
                        sockets[path] = SubscriptionSocket(context, f"ipc://{path.resolve()}", topics, None, None)
                        poller.register(sockets[path].socket, zmq.POLLIN)
            ready = dict(poller.poll(50))
            for socket in sockets.values():
                if socket.socket in ready:
                    for packet in socket.drain():
                        quiet_at = time.monotonic() if stop_at is not None else None
                        writer.write(packet.topic, packet.payload)
    finally:
        context.destroy(linger=0)
