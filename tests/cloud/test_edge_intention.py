"""Who is believed to wait: by the braking that is needed and what is seen of it."""

import numpy as np
import pytest

from lukou_cloud.edge.intention import IGNORING_SHARE, can_stop, share_that_goes, with_those_who_go


def share(speed: float, acceleration: float, place: float, beyond: bool = False) -> float:
    return share_that_goes(speed, acceleration, place, beyond)


def test_far_away_nothing_is_known_of_the_intention() -> None:
    assert share(10.0, 0.0, 50.0) == pytest.approx(IGNORING_SHARE)  # 1 m/s^2 would do


def test_needed_braking_that_is_not_seen_shows_who_goes() -> None:
    shares = [share(10.0, 0.0, place) for place in (40.0, 25.0, 18.0, 13.0, 11.0)]
    assert shares == sorted(shares)
    assert shares[-1] > 0.8  # 4.5 m/s^2 are needed
    assert share(10.0, -4.4, 11.0) < IGNORING_SHARE


def test_who_has_left_the_place_to_wait_behind_goes_unless_it_hesitates() -> None:
    assert share(4.0, 1.0, 8.0, beyond=True) > 0.5
    assert share(4.0, -1.0, 8.0, beyond=True) <= IGNORING_SHARE


def test_those_who_may_go_are_followed_both_ways() -> None:
    waits, speed = np.array([True, False, True]), np.array([5.0, 5.0, 0.0])
    place, beyond = np.array([4.0, 4.0, 4.0]), np.zeros(3, np.bool_)
    rows, intention, goes = with_those_who_go(waits, speed, np.zeros(3), place, beyond)
    goes_on = share(5.0, 0.0, 4.0)
    assert rows.tolist() == [0, 0, 1, 2]
    assert goes.tolist() == [False, True, False, False]
    assert intention.tolist() == pytest.approx([1.0 - goes_on, goes_on, 1.0, 1.0])


@pytest.mark.parametrize(
    ("acceleration", "distance", "expected"),
    [(0.0, 25.0, True), (0.0, 15.0, False), (-6.2, 15.0, True), (-4.5, 15.0, False)],
)
def test_only_who_brakes_as_is_needed_is_believed_to_stop_late(
    acceleration: float, distance: float, expected: bool
) -> None:
    """From 14 m/s in 15 m takes 6.5 m/s^2."""
    assert can_stop(14.0, acceleration, distance, 0.1, 5.0) is expected
