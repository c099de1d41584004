"""The whole loop in lockstep, seen by sensor models: simulated time is right, whatever the machine's own clock is worth."""

from __future__ import annotations

import pytest

from lukou_hw.clock.system import SystemClockSource, Timex
from lukou_messages.codec import decode
from lukou_messages.process import VALID
from lukou_sim.lockstep.loop import Lockstep
from lukou_sim.world.scenario import Scenario

TIME_ERROR = 5


@pytest.mark.slow
def test_a_machine_whose_clock_nobody_disciplines_makes_nobody_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    made = SystemClockSource.__init__
    monkeypatch.setattr(
        SystemClockSource, "__init__", lambda self, *told: made(self, ask=lambda: (TIME_ERROR, Timex()))
    )
    loop = Lockstep(Scenario(name="d", duration_s=10.0, warm_up_s=60.0, start_hour=8.0), 1, "sensors")
    ear = loop.exchange.attach("ear", ["fused_objects"])
    loop.run(5.0)
    last = [decode(packet.topic, packet.payload) for packet in ear.receive(0)][-1]
    assert last.header.validity == VALID
    assert len(last.value) > 10
    assert "region.blind" not in {event.kind for event in loop.events}
