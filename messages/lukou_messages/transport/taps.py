"""Listening to the processes of this box at their taps."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import zmq

from lukou_messages.codec import decode
from lukou_messages.errors import LukouError
from lukou_messages.transport.sockets import SubscriptionSocket

PAUSE_S = 0.02
"""Between looks at the taps. [s]"""


def heard(paths: Sequence[Path], topics: tuple[str, ...], seconds: float) -> Iterator[tuple[str, Any]]:
    """What processes say for some seconds: topic and decoded message; what cannot be decoded is left out.

    Parameters
    ----------
    paths : sequence of Path
        Their taps; without any, it ends at once.
    topics : tuple of str
        What to listen to.
    seconds : float
        For how long. [s]
    """
    context = zmq.Context()
    try:
        sockets = [SubscriptionSocket(context, f"ipc://{path.resolve()}", topics, None, None) for path in paths]
        ends = time.monotonic() + seconds
        while sockets and time.monotonic() < ends:
            for socket in sockets:
                for packet in socket.drain():
                    try:
                        decoded = decode(packet.topic, packet.payload)
                    except LukouError:
                        continue
                    yield packet.topic, decoded
            time.sleep(PAUSE_S)
    finally:
        context.destroy(linger=0)
