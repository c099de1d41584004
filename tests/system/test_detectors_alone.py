"""Nobody sees: the district is timed by its cabinets' detectors, or by their own plans where there are none."""

from __future__ import annotations

from collections import Counter

import pytest

from lukou_messages.v1.signal_pb2 import Authority
from lukou_sim.lockstep.loop import Lockstep
from lukou_sim.world.scenario import Scenario

SECONDS = 60.0


@pytest.mark.slow
@pytest.mark.parametrize("has_detectors", [True, False])
def test_greens_follow_the_detectors_where_nobody_sees(has_detectors: bool) -> None:
    scenario = Scenario(name="d", duration_s=SECONDS, warm_up_s=30.0, start_hour=13.0, detectors=has_detectors)
    loop = Lockstep(scenario, 1, "none")
    loop.run(SECONDS)
    kinds = Counter(event.kind for event in loop.events)
    authority = Authority.AUTHORITY_ADAPTIVE if has_detectors else Authority.AUTHORITY_LOCAL_PLAN
    assert kinds["region.detectors_only"] == (4 if has_detectors else 0)
    assert {signal.authority for signal in loop.signals.values()} == {authority}
    assert all(bool(signal.detected_groups) == has_detectors for signal in loop.signals.values())
    assert not [reply.reason for reply in loop.replies if reply.reason]  # the guard refused nothing
    if has_detectors:
        assert any(signal.called_groups for signal in loop.signals.values())
