"""Which hard braking counts as an emergency stop that a signal caused."""

from __future__ import annotations

from lukou_sim.bench.stops import EmergencyStops


def stops(*seconds: tuple[str, float], ended_s: int = 1) -> int:
    """Count for one vehicle with (lane, speed) in each second; the green of lane `in_0` ends in one of them."""
    found = EmergencyStops()
    for second, (lane, speed) in enumerate(seconds):
        if second == ended_s:
            found.end("in_0", second)
        found.step(second, {"one": (lane, speed)})
    return found.count


def test_who_brakes_hard_after_green_is_counted_wherever_he_comes_to_stand() -> None:
    assert stops(("in_0", 14.0), ("in_0", 14.0), ("in_0", 7.0), ("in_0", 2.0), ("in_0", 0.0)) == 1
    assert stops(("in_0", 14.0), ("in_0", 14.0), ("in_0", 7.0), (":inside", 8.0), (":inside", 7.0)) == 1


def test_braking_long_after_or_softly_is_not_the_signals() -> None:
    assert stops(*[("in_0", 14.0)] * 8, ("in_0", 7.0), ("in_0", 0.0)) == 0
    assert stops(("in_0", 14.0), ("in_0", 9.0), ("in_0", 4.0), ("in_0", 0.0)) == 0
