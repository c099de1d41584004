"""The network as one small object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Packet:
    """One message as it came: not decoded, not believed.

    Attributes
    ----------
    topic : str
        What the sender says it is.
    payload : bytes
        Wire form.
    user : str
        Authenticated device; empty on transports inside one box.
    """

    topic: str
    payload: bytes
    user: str = ""


class Transport(Protocol):
    """Sends and receives packets; never blocks on a peer."""

    def send(self, topic: str, payload: bytes, to: str = "") -> None:
        """Send to whoever is to have the topic, or to one addressee; what cannot be sent is dropped and counted."""

    def receive(self, timeout_s: float) -> Sequence[Packet]:
        """What has arrived, in order of arrival; waits at most `timeout_s` for the first."""

    def is_recorded(self) -> bool:
        """Whether somebody records this process, its steps too."""

    def record(self, topic: str, payload: bytes) -> None:
        """Give a message to those who listen to this process on its box; no effect where nobody does."""

    def new_recorders(self) -> bool:
        """Whether a recorder has come since the last call: it then needs a snapshot."""

    def counters(self) -> Mapping[str, int]:
        """Packets dropped or refused below the codec, by reason."""

    def close(self) -> None:
        """Release everything; nothing waits."""
