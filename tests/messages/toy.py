"""A small process for the tests of shell, transport and replay: sums what it hears."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import BaseModel

from lukou_messages.process import Input, Output, ProcessSpec, Trigger
from lukou_messages.v1 import event_pb2


class ToySettings(BaseModel):
    """Nothing to set."""


class ToyCore:
    """Gives one event per step that tells the sum of all x so far."""

    def __init__(self) -> None:
        self.total = 0.0

    def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]:
        for one in inputs:
            self.total += float(one.value.x_m.sum())
        return [
            Output("event", event_pb2.Event(event_id=f"{now_ns}", kind="toy.sum", text=f"{self.total:.3f}"), now_ns)
        ]

    def snapshot(self) -> bytes:
        return json.dumps(self.total).encode()

    def restore(self, snapshot: bytes) -> None:
        self.total = float(json.loads(snapshot))


SPEC = ProcessSpec(
    "toy", ("objects",), ("event",), Trigger(on=frozenset({"objects"})), ToySettings, lambda _: ToyCore()
)
