"""From packets to inputs: decode, check rights, order and time; refuse, count, and go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from lukou_messages.codec import decode
from lukou_messages.errors import Refused
from lukou_messages.process import DEGRADED, INVALID, VALID, Input
from lukou_messages.security import Register
from lukou_messages.topics import TOPICS
from lukou_messages.transport.interface import Packet
from lukou_messages.v1.header_pb2 import Header, Validity

FUTURE_NS = 2 * 10**9
"""Clocks of honest sources are closer than this."""

TOO_OLD_FACTOR = 20
"""A state older than this many times its topic's maximal age is refused; between, it is taken and counts as stale."""

ACTED_UPON = frozenset({"objects", "fused_objects", "detections"})
UNSURE_CLOCK_US, INVALID_CLOCK_US = 50_000, 200_000
"""Clock uncertainties above which lists of road users are degraded, and invalid for warnings (DESIGN 4)."""

log = structlog.get_logger()


@dataclass(slots=True)
class _Last:
    epoch: int
    sequence: int
    measured_at_ns: int
    received: int = 0
    missed: int = 0


class Admission:
    """Judges packets; keeps the newest sequence per topic and source.

    Parameters
    ----------
    takes : iterable of str
        Topics that the process takes; others are left alone.
    register : Register, optional
        Rights of devices; needed where packets carry a user.
    """

    def __init__(self, takes: Iterable[str], register: Register | None = None) -> None:
        self._takes = frozenset(takes)
        self._register = register
        self._last: dict[tuple[str, str], _Last] = {}
        self._complained: dict[tuple[str, str, str], int] = {}
        self.refused: Counter[str] = Counter()

    def admit(self, packets: Iterable[Packet], now_ns: int) -> list[Input]:
        """Inputs from the good packets, in order of arrival; of keep-latest topics only the newest per source."""
        inputs: list[Input] = []
        for packet in packets:
            try:
                if packet.user and self._register is not None:
                    self._register.check(packet.user, packet.topic)
                if packet.topic in TOPICS and packet.topic not in self._takes:
                    continue  # to be passed on only
                inputs.append(self._judge(packet, now_ns))
            except Refused as refusal:
                self._count(packet, refusal)
        return _newest(inputs)

    def _judge(self, packet: Packet, now_ns: int) -> Input:
        decoded = decode(packet.topic, packet.payload)
        header = decoded.header
        if packet.user and self._register is not None:
            self._register.check(packet.user, packet.topic, header.source)
        if max(header.sent_at_ns, header.measured_at_ns, header.epoch) > now_ns + FUTURE_NS:
            raise Refused("from_the_future", f"{header.source}: {(header.sent_at_ns - now_ns) / 1e9:.1f} s ahead")
        limit = TOPICS[packet.topic].max_age_s * TOO_OLD_FACTOR
        if limit and now_ns - header.measured_at_ns > limit * 1e9:
            raise Refused("too_old", f"{header.source}: {(now_ns - header.measured_at_ns) / 1e9:.1f} s")
        self._order(packet.topic, header.source, header.epoch, header.sequence, header.measured_at_ns)
        return Input(
            packet.topic,
            header.source,
            header.epoch,
            header.sequence,
            header.measured_at_ns,
            decoded.value,
            max(header.validity, _validity_of_clock(header)) if packet.topic in ACTED_UPON else header.validity,
        )

    def _order(self, topic: str, source: str, epoch: int, sequence: int, measured_at_ns: int) -> None:
        last = self._last.get((topic, source))
        if last is None:
            if len(self._last) > 100_000:
                raise Refused("too_many_sources", source)
            self._last[topic, source] = _Last(epoch, sequence, measured_at_ns, received=1)
            return
        if epoch < last.epoch:
            raise Refused("old_epoch", f"{source}: {epoch} after {last.epoch}")
        if epoch == last.epoch and sequence <= last.sequence:
            raise Refused("doubled", f"{source}: {topic} {sequence} after {last.sequence}")
        if epoch == last.epoch:
            last.missed += sequence - last.sequence - 1
        last.epoch, last.sequence, last.measured_at_ns = epoch, sequence, measured_at_ns
        last.received += 1

    def _count(self, packet: Packet, refusal: Refused) -> None:
        self.refused[refusal.reason] += 1
        key = (packet.user, packet.topic if packet.topic in TOPICS else "?", refusal.reason)
        seen = self._complained.get(key, 0)
        if len(self._complained) < 10_000:
            self._complained[key] = seen + 1
        if seen == 0:  # once per source and reason; the counter says how often
            log.warning(
                "message.refused",
                user=packet.user or "local",
                topic=packet.topic[:40],
                reason=refusal.reason,
                detail=refusal.detail[:300],
            )

    def ages(self, now_ns: int) -> list[tuple[str, str, float, int, int]]:
        """Per topic and source: (topic, source, age of the last message [s], received, missed)."""
        return [
            (topic, source, (now_ns - last.measured_at_ns) / 1e9, last.received, last.missed)
            for (topic, source), last in self._last.items()
        ]


def _validity_of_clock(header: Header) -> Validity:
    """What a source's own clock uncertainty still allows: above 50 ms care, above 200 ms nothing."""
    if not header.HasField("time_uncertainty_us"):
        return VALID
    if header.time_uncertainty_us > INVALID_CLOCK_US:
        return INVALID
    return DEGRADED if header.time_uncertainty_us > UNSURE_CLOCK_US else VALID


def _newest(inputs: list[Input]) -> list[Input]:
    """Drop inputs of keep-latest topics that a later one of the same source supersedes."""
    if len(inputs) < 2:
        return inputs
    newest = {(one.topic, one.source): index for index, one in enumerate(inputs) if TOPICS[one.topic].keep == "latest"}
    return [
        one
        for index, one in enumerate(inputs)
        if TOPICS[one.topic].keep == "all" or newest[one.topic, one.source] == index
    ]
