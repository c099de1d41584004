"""Transport within one process: for tests and lockstep. Payloads travel as bytes, so that nobody shares a value."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from lukou_messages.topics import TOPICS
from lukou_messages.transport.interface import Packet


class Exchange:
    """Connects the processes of one composition; every packet reaches each process that takes its topic."""

    def __init__(self) -> None:
        self._ends: dict[str, InProcessTransport] = {}
        self.listeners: list[Callable[[str, str, bytes], None]] = []

    def attach(self, name: str, takes: Iterable[str], sources: Iterable[str] | None = None) -> InProcessTransport:
        """A transport end for the process `name`; `sources` limits whom it hears (None: everybody)."""
        end = InProcessTransport(self, name, frozenset(takes), None if sources is None else frozenset(sources))
        self._ends[name] = end
        return end

    def deliver(self, sender: str, topic: str, payload: bytes, to: str) -> None:
        """Queue a packet at every end that takes it."""
        for listener in self.listeners:
            listener(sender, topic, payload)
        for name, end in self._ends.items():
            addressed = to == name if to else name != sender
            if addressed and topic in end.takes and (end.sources is None or sender in end.sources):
                end.queue.append(Packet(topic, payload, sender))


class InProcessTransport:
    """One end of an `Exchange`."""

    def __init__(self, exchange: Exchange, name: str, takes: frozenset[str], sources: frozenset[str] | None) -> None:
        self._exchange, self.name, self.takes, self.sources = exchange, name, takes, sources
        self.queue: deque[Packet] = deque(maxlen=100_000)

    def send(self, topic: str, payload: bytes, to: str = "") -> None:
        assert topic in TOPICS
        self._exchange.deliver(self.name, topic, payload, to)

    def receive(self, timeout_s: float) -> Sequence[Packet]:
        packets = list(self.queue)
        self.queue.clear()
        return packets

    def is_recorded(self) -> bool:
        return False

    def record(self, topic: str, payload: bytes) -> None:
        return None

    def new_recorders(self) -> bool:
        return False

    def counters(self) -> Mapping[str, int]:
        return Counter()

    def close(self) -> None:
        self.queue.clear()
