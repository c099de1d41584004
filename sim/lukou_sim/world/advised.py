"""Connected drivers who keep to the speeds that they are advised, as long as traffic and signals let them."""

from __future__ import annotations

from dataclasses import dataclass

import libsumo

from lukou_messages.v1.advice_pb2 import AdviceAction, SpeedAdvice

FOLLOWED = (AdviceAction.ADVICE_ACTION_KEEP, AdviceAction.ADVICE_ACTION_SLOW, AdviceAction.ADVICE_ACTION_STOP)
LEAST_MPS = 2.0
"""Nobody drives more slowly because of an advice. [m/s]"""


@dataclass(slots=True)
class _Followed:
    usual_mps: float
    until_ns: int


class AdvisedDrivers:
    """Caps the speed of vehicles while their advice lasts; their own car following goes on to keep them safe."""

    def __init__(self) -> None:
        self._followed: dict[str, _Followed] = {}
        self.heard = 0

    def hear(self, name: str, advice: SpeedAdvice) -> None:
        """Take an advice to a vehicle that drives now."""
        if advice.action not in FOLLOWED or not advice.HasField("speed_mps"):
            return
        known = self._followed.get(name)
        usual = known.usual_mps if known is not None else float(libsumo.vehicle.getMaxSpeed(name))
        libsumo.vehicle.setMaxSpeed(name, min(usual, max(advice.speed_mps, LEAST_MPS)))
        self._followed[name] = _Followed(usual, advice.expires_at_ns)
        self.heard += 1

    def step(self, now_ns: int, alive: frozenset[str] | set[str]) -> None:
        """Let go whose advice has expired."""
        for name, one in list(self._followed.items()):
            if name not in alive:
                del self._followed[name]
            elif now_ns >= one.until_ns:
                libsumo.vehicle.setMaxSpeed(name, one.usual_mps)
                del self._followed[name]
