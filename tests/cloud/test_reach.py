"""The share of the vehicles further up that come: learned from those who came, turned off, or only changed lanes on their way."""

from __future__ import annotations

import numpy as np
import pytest

from lukou_cloud.region.reach import AWAY, GONE, ReachShare

LANE, NEXT = 7, 8


def drive(reach: ReachShare, identity: int, comes: bool, detour: int = 0) -> None:
    """One vehicle over a lane further up, perhaps some lists on a lane that does not lead on, then the stop line or elsewhere."""
    reach.note(identity, LANE)
    reach.close([])
    for _ in range(detour):
        reach.close([identity])
    if comes:
        reach.note(identity, NEXT)
        reach.close([])
        reach.ended(identity, 0)
    for _ in range(2 * AWAY):
        reach.close([identity])


def test_the_share_is_learned() -> None:
    reach = ReachShare()
    assert reach.share(LANE) == 1.0
    for identity in range(200):
        drive(reach, identity, comes=identity % 4 == 0)
    assert reach.share(LANE) == pytest.approx(0.25, abs=0.06)
    assert reach.share(NEXT) == 1.0


def test_who_changes_lanes_on_the_way_still_comes() -> None:
    reach = ReachShare()
    for identity in range(100):
        drive(reach, identity, comes=True, detour=AWAY - 2)
    assert reach.share(LANE) == 1.0


def test_who_leaves_the_view_elsewhere_does_not_come() -> None:
    reach = ReachShare()
    for identity in range(100):
        reach.note(identity, LANE)
        reach.close([])
        for _ in range(GONE):
            reach.close([identity])
        reach.close([])
    assert reach.share(LANE) < 0.1


def test_the_lane_that_is_taken_is_learned() -> None:
    reach, rates = ReachShare(), np.array([0.01, 0.2, 0.1])
    assert reach.usual(LANE, (0, 1), rates) == 1  # as all who come to these lanes
    reach.note(1, LANE)
    reach.ended(1, 0)
    assert reach.usual(LANE, (0, 1), rates) == 0 and reach.usual(NEXT, (0, 1), rates) == 1
    for identity in (2, 3):  # they change lanes before the stop line
        reach.note(identity, LANE)
        reach.ended(identity, 2)
    assert reach.usual(LANE, (0, 1), rates) == 2


def test_of_who_is_lost_nobody_knows() -> None:
    reach = ReachShare()
    for identity in range(100):
        reach.note(identity, LANE)
        reach.close([])
        reach.close([])
    assert reach.share(LANE) == 1.0 and reach.export()[1] == []


def test_a_snapshot_goes_on_alike() -> None:
    one, two = ReachShare(), ReachShare()
    for identity in range(30):
        drive(one, identity, comes=identity % 3 > 0)
    one.note(99, LANE)
    one.close([])
    one.close([99])
    two.load(one.export())
    for reach in (one, two):
        for _ in range(AWAY):
            reach.close([99])
    assert one.share(LANE) == two.share(LANE) < 1.0
    assert one.export() == two.export()
