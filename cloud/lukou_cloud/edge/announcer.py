"""Warnings on their way out: identity, phases, repetition, expiry, trust; what is trusted too little is withheld and counted."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from lukou_cloud.edge.episodes import Changes, Episode
from lukou_messages.process import DEGRADED, VALID, Output
from lukou_messages.v1 import warning_pb2
from lukou_messages.v1.warning_pb2 import WarningLevel, WarningPhase

PERIOD_NS = 100_000_000
"""From repetition to repetition of a warning. [ns]"""

Wording = Callable[[Episode, int], warning_pb2.Warning]
"""Makes the message of an episode by its place in the changes."""

Judged = Callable[[warning_pb2.Warning], tuple[float, list[str]]]
"""Trust in a warning, and what lowers it."""


class Announcer:
    """Sends the warnings of one kind of judgement.

    Parameters
    ----------
    name : str
        Of the edge, in identities.
    mark : str
        Before the number in identities: tells kinds of judgement apart.
    expiry_s : float
        A warning is not to be shown longer than this after it was sent. [s]
    least_confidence : float
        Imminent warnings that are trusted less are withheld.
    """

    def __init__(self, name: str, mark: str, expiry_s: float, least_confidence: float) -> None:
        self._name, self._mark, self._expiry_ns = name, mark, round(expiry_s * 1e9)
        self._least = least_confidence
        self.standing: dict[int, tuple[int, warning_pb2.Warning]] = {}
        self._withheld: dict[int, str] = {}
        self.withheld_total = 0

    def step(
        self,
        now_ns: int,
        epoch_ns: int,
        measured_ns: int,
        changes: Changes,
        made: Wording,
        judged: Judged,
        used: tuple[tuple[str, int], ...] = (),
        cancel_reason: str = "the danger has passed",
    ) -> list[Output]:
        """Warnings to be sent now.

        Parameters
        ----------
        now_ns, epoch_ns, measured_ns : int
            Instant, start of the edge's life, instant of what was judged.
        changes : Changes
            Episodes raised, standing, ended.
        made, judged : callable
            Message of an episode; trust in a message.
        used : tuple of (str, int)
            Inputs behind it.
        cancel_reason : str
            Why warnings end that end now.
        """
        outputs: list[Output] = []
        sends = Sending(now_ns, epoch_ns, measured_ns, judged, used)
        for episode, index in changes.raised:
            outputs += self._begun(sends, episode, made(episode, index))
        for episode, index in changes.standing:
            sent_ns, content = self.standing.get(episode.number, (0, None))
            if content is None or now_ns - sent_ns < PERIOD_NS - 5_000_000:
                continue
            content = _renewed(content, made(episode, index)) if index >= 0 else content
            if episode.number in self._withheld:
                outputs += self._begun(sends, episode, content)
                continue
            self.standing[episode.number] = (now_ns, content)
            outputs += self._sent(sends, episode, content, WarningPhase.WARNING_PHASE_REPEATED)
        for episode in changes.ended:
            _, content = self.standing.pop(episode.number)
            if self._withheld.pop(episode.number, None) is None:
                outputs += self._sent(sends, episode, content, WarningPhase.WARNING_PHASE_CANCELLED, cancel_reason)
        return outputs

    def _begun(self, sends: Sending, episode: Episode, content: warning_pb2.Warning) -> list[Output]:
        """A warning that is raised, or withheld because it is trusted too little."""
        self.standing[episode.number] = (sends.now_ns, content)
        confidence, doubts = sends.judged(content)
        if content.level == WarningLevel.WARNING_LEVEL_IMMINENT and confidence < self._least:
            self.withheld_total += episode.number not in self._withheld
            self._withheld[episode.number] = "; ".join(doubts)
            return []
        self._withheld.pop(episode.number, None)
        return self._sent(sends, episode, content, WarningPhase.WARNING_PHASE_RAISED)

    def _sent(
        self, sends: Sending, episode: Episode, content: warning_pb2.Warning, phase: Any, cancel_reason: str = ""
    ) -> list[Output]:
        warning = warning_pb2.Warning()
        warning.CopyFrom(content)
        warning.kind = episode.kind  # type: ignore[assignment]
        warning.warning_id = f"{self._name}/{sends.epoch_ns}/{self._mark}{episode.number}"
        warning.phase = phase
        warning.raised_at_ns = episode.raised_ns
        warning.expires_at_ns = sends.now_ns + self._expiry_ns
        warning.cancel_reason = cancel_reason
        warning.confidence, doubts = sends.judged(content)
        warning.doubts.extend(doubts)
        state = (DEGRADED, "; ".join(doubts)[:200]) if doubts else (VALID, "")
        outputs = [Output("warning", warning, sends.measured_ns, *state, used=sends.used)]
        if phase != WarningPhase.WARNING_PHASE_REPEATED:
            outputs.append(Output("warning_log", warning, sends.measured_ns, *state))
        return outputs

    def withheld(self) -> Counter[str]:
        """Warnings that are withheld now, by reason."""
        return Counter(self._withheld.values())

    def state(self) -> dict[str, Any]:
        """All that a continuation needs, for JSON."""
        return {
            "standing": [
                [n, at, base64.b64encode(w.SerializeToString(deterministic=True)).decode()]
                for n, (at, w) in self.standing.items()
            ],
            "withheld": sorted(self._withheld.items()),
            "withheld_total": self.withheld_total,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.standing = {
            n: (at, warning_pb2.Warning.FromString(base64.b64decode(text))) for n, at, text in state["standing"]
        }
        self._withheld = {int(number): reason for number, reason in state["withheld"]}
        self.withheld_total = state["withheld_total"]


def _renewed(before: warning_pb2.Warning, now: warning_pb2.Warning) -> warning_pb2.Warning:
    """The message of now; where the danger has another kind by now, the advice and the reason of its own kind stay."""
    if now.kind != before.kind:
        now.kind, now.advice, now.why = before.kind, before.advice, before.why
    return now


class Sending:
    """What all warnings of one step share."""

    __slots__ = ("epoch_ns", "judged", "measured_ns", "now_ns", "used")

    def __init__(
        self, now_ns: int, epoch_ns: int, measured_ns: int, judged: Judged, used: Sequence[tuple[str, int]]
    ) -> None:
        self.now_ns, self.epoch_ns, self.measured_ns = now_ns, epoch_ns, measured_ns
        self.judged, self.used = judged, tuple(used)
