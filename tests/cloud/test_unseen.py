"""Vehicles that nobody sees: the share that is seen, found from queues; who stands in the gaps; what is believed of nobody."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lukou_cloud.region.unseen import COUNTS, MOST_HIDDEN, NOBODY, SPACING_M, Standing, Unseen, joined, moved

FRONT_M = 1.5


def step(unseen: Unseen, queue: list[Standing], red: bool = True, arriving: float = 0.0, free_m: float = np.inf,
         flow: float = 0.5, moving: bool = False) -> list[tuple[float, float, float]]:  # fmt: skip
    """One second of one lane."""
    return unseen.update(
        1.0, [sorted(queue, key=lambda one: one.to_stop_m)], np.array([free_m]), np.array([not red]),
        np.array([0.0 if red else flow]), np.array([arriving]), np.array([True]), np.array([moving]),
    )[0]  # fmt: skip


def queues(share: float, seed: int, count: int = 300, gap_m: float = SPACING_M) -> Unseen:
    """What is learned from queues of 1 to 10 vehicles of which a share is seen."""
    rng = np.random.default_rng(seed)
    unseen = Unseen(np.array([True]))
    for cycle in range(count):
        length = int(rng.integers(1, 11))
        places = np.flatnonzero(rng.random(length) < share)
        for second in range(15):
            step(unseen, [Standing(FRONT_M + gap_m * k, cycle * 100 + int(k), float(second)) for k in places])
        step(unseen, [], red=False)
    return unseen


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_the_share_that_is_seen_is_found(share: float, seed: int) -> None:
    assert queues(share, seed).share == pytest.approx(share, rel=0.35)


@pytest.mark.parametrize("gap_m", [SPACING_M, 7.9])
def test_who_sees_all_is_not_told_of_ghosts(gap_m: float) -> None:
    unseen = queues(1.0, 0, gap_m=gap_m)
    assert unseen.share == 1.0
    for second in range(20):
        assert step(unseen, [Standing(FRONT_M + gap_m * k, k, float(second)) for k in range(8)], arriving=0.2) == []


def test_places_before_somebody_who_stands_are_taken() -> None:
    unseen = queues(0.3, 1)
    for second in range(20):
        found = step(unseen, [Standing(FRONT_M + 4 * SPACING_M, 10**6, float(second))])
    assert len(found) == 4 and all(sure == 1.0 for _, sure, _ in found)
    assert [round(m / SPACING_M) for m, *_ in found] == [0, 1, 2, 3]
    assert all(waited_s == pytest.approx(19.0, abs=2.0) for *_, waited_s in found)


def test_a_queue_nobody_sees_grows_on_red_and_leaves_on_green() -> None:
    unseen = queues(0.3, 2)
    for _ in range(20):
        step(unseen, [], red=False)
    for _ in range(30):
        found = step(unseen, [], arriving=0.2)
    assert sum(sure for _, sure, _ in found) == pytest.approx(6.0, abs=0.3)
    assert found[0][2] > found[-1][2]  # who came first has waited longest
    for _ in range(10):  # in the mean two too few could leave
        found = step(unseen, [], red=False, arriving=0.2)
    assert sum(sure for _, sure, _ in found) == pytest.approx(3.3, abs=0.3)
    for _ in range(10):  # now as many could as have come in the mean, but more may have come
        found = step(unseen, [], red=False, arriving=0.2)
    assert 0.8 < sum(sure for _, sure, _ in found) < 2.0
    for _ in range(60):
        found = step(unseen, [], red=False, arriving=0.0)
    assert found == []


def test_how_many_stand_unseen_is_a_distribution() -> None:
    chances = joined(np.tile(NOBODY, (1, 1)), np.array([0.0]))
    for _ in range(50):
        chances = joined(chances, np.array([0.1]))
    few = [math.exp(-5.0) * 5.0**k / math.factorial(k) for k in range(10)]  # Poisson
    assert chances[0, :10] == pytest.approx(few, rel=1e-3)
    left = moved(chances[0], -5.0)
    assert left[0] == pytest.approx(sum(few[:6]), rel=1e-3)
    assert left @ COUNTS == pytest.approx(0.877, abs=0.005)  # E[max(0, N - 5)]
    assert moved(NOBODY, 2.25) @ COUNTS == pytest.approx(2.25)
    assert moved(NOBODY, 100.0)[-1] == 1.0 and moved(chances[0], -100.0)[0] == pytest.approx(1.0)


def test_somebody_who_drives_freely_proves_the_lane_empty() -> None:
    unseen = queues(0.3, 3)
    for _ in range(30):
        step(unseen, [], arriving=0.2)
    assert step(unseen, [], red=False, free_m=10.0, moving=True) == []


def test_a_queue_that_dissolves_from_the_front_is_not_taken_for_unseen() -> None:
    unseen = queues(1.0, 4)
    row = [Standing(FRONT_M + SPACING_M * k, k, 30.0) for k in range(12)]
    for second in range(12):
        step(unseen, row[second:], red=False, moving=True)
    for _ in range(6):
        step(unseen, row[8:])
    assert unseen.share == 1.0


def test_a_snapshot_goes_on_alike() -> None:
    one = queues(0.3, 5, count=40)
    two = Unseen(np.array([True]))
    two.load(one.export())
    for second in range(10):
        queue = [Standing(FRONT_M + 3 * SPACING_M, 7, float(second))]
        assert step(one, queue, arriving=0.1) == step(two, queue, arriving=0.1)


@pytest.mark.parametrize("to_stop_m", [150.0, 300.0])
def test_one_who_stands_far_back_alone_makes_no_ghosts(to_stop_m: float) -> None:
    """A bus at its stop, a breakdown: full queues have told that all are seen, and it tells of nobody before it."""
    unseen = queues(1.0, 6, count=20)
    for cycle in range(30):
        for second in range(20):
            found = step(unseen, [Standing(to_stop_m, 10**7 + cycle, float(second))], arriving=0.01)
        step(unseen, [], red=False)
        assert unseen.share == 1.0 and found == []


def test_a_bus_stop_seen_first_of_all_tells_nothing() -> None:
    unseen = Unseen(np.array([True]))
    for second in range(20):
        step(unseen, [Standing(FRONT_M, 1, float(second))])
    step(unseen, [], red=False)
    for second in range(20):
        found = step(unseen, [Standing(300.0, 2, float(second))])
    assert unseen.share == 1.0 and found == []


def test_a_few_that_stand_alone_among_full_queues_change_nothing() -> None:
    """Nobody at all (false tracks), or who stands there for a reason of his own."""
    unseen = Unseen(np.array([True]))
    for cycle in range(60):
        row = [FRONT_M + SPACING_M * k for k in range(3)] if cycle % 6 else [FRONT_M + 8 * SPACING_M]
        for second in range(15):
            step(unseen, [Standing(m, 100 * cycle + k, float(second)) for k, m in enumerate(row)])
        step(unseen, [], red=False)
        assert unseen.share == 1.0


@pytest.mark.parametrize(("is_unsure", "is_all"), [(True, True), (False, False)])
def test_who_may_stand_in_another_lane_tells_nothing_of_this_one(is_unsure: bool, is_all: bool) -> None:
    unseen = queues(1.0, 7, count=3)
    for cycle in range(30):
        for second in range(15):
            step(unseen, [Standing(FRONT_M + 4 * SPACING_M, 10**6 + cycle, float(second), True, is_unsure)])
        step(unseen, [], red=False)
    assert (unseen.share == 1.0) is is_all


@pytest.mark.parametrize("is_unsure", [False, True])
def test_few_may_be_seen_until_queues_tell_that_it_is_more(is_unsure: bool) -> None:
    unseen = Unseen(np.array([True]))
    assert unseen.is_few and unseen.share == 1.0  # nothing is known yet
    for row in ([FRONT_M], [FRONT_M, FRONT_M + SPACING_M], [FRONT_M]):
        for second in range(15):
            step(unseen, [Standing(m, round(m), float(second), True, is_unsure) for m in row])
        step(unseen, [], red=False)
        assert unseen.is_few is (len(row) == 1 and not unseen._roughly.any())
    assert queues(0.1, 8).is_few and not queues(0.3, 8).is_few


def test_the_first_of_a_queue_is_believed_to_stand_at_the_line_until_a_lane_is_known() -> None:
    unseen = Unseen(np.array([True]))
    for cycle in range(6):
        for second in range(15):
            step(unseen, [Standing(FRONT_M + 6 * SPACING_M, cycle, float(second))])
        step(unseen, [], red=False)
    assert unseen.share < 0.3
    away = Unseen(np.array([True]))
    for cycle in range(30):  # a line that nobody comes up to
        for second in range(15):
            step(away, [Standing(9.0 + SPACING_M * k, 10 * cycle + k, float(second)) for k in range(4)])
        step(away, [], red=False)
    assert away.share == 1.0


@pytest.mark.parametrize("mean", [0.05, 1.0, 6.0, 60.0])
def test_as_many_have_come_as_come_on_average_however_long_nobody_looked(mean: float) -> None:
    after = joined(NOBODY[None], np.array([mean]))[0]
    assert after.sum() == pytest.approx(1.0)
    assert float(after @ COUNTS) == pytest.approx(min(mean, MOST_HIDDEN), rel=0.01)


def test_who_is_placed_surely_only_later_tells_of_the_share_then() -> None:
    unseen, place = Unseen(np.array([True])), FRONT_M + 5 * SPACING_M
    for second in range(15):
        step(unseen, [Standing(place, 1, float(second), is_unsure=second < 12)])
    surely = Unseen(np.array([True]))
    for second in range(15):
        step(surely, [Standing(place, 1, float(second))])
    assert unseen.share == surely.share < Unseen(np.array([True])).share
