"""Vehicles that appear out of nowhere are believed as far as such ones have lasted."""

import json

from lukou_cloud.region.sudden import AGES_S, Sudden


def appear(sudden: Sudden, identity: int, at_s: float, driven_m: float = 100.0) -> float:
    return sudden.likely(at_s, identity, driven_m, 50.0, 0.0)


def settled() -> Sudden:
    """After its first list."""
    sudden = Sudden()
    sudden.close(0.0, 1.0)
    return sudden


def show(sudden: Sudden, identity: int, from_s: float, seconds: int) -> float:
    """Somebody is there for some seconds, then nobody for five; how likely at last."""
    likely = 1.0
    for k in range(seconds):
        likely = appear(sudden, identity, from_s + k)
        sudden.close(from_s + k, 1.0)
    for k in range(5):
        sudden.close(from_s + seconds + k, 1.0)
    return likely


def test_at_first_everybody_is_believed() -> None:
    sudden = settled()
    assert appear(sudden, 1, 1.0) == 1.0


def test_where_those_who_appear_do_not_last_the_next_is_doubted_until_it_has_lasted() -> None:
    sudden = settled()
    for k in range(40):
        show(sudden, k, 10.0 * k, 3)
    at_s = 500.0
    assert appear(sudden, 999, at_s) < 0.3
    for k in range(1, round(AGES_S[-1]) + 2):
        likely = appear(sudden, 999, at_s + k)
        sudden.close(at_s + k, 1.0)
    assert likely == 1.0


def test_who_comes_from_the_beginning_of_the_lane_is_not_doubted() -> None:
    sudden = settled()
    for k in range(40):
        show(sudden, k, 10.0 * k, 3)
    assert appear(sudden, 999, 500.0, driven_m=2.0) == 1.0
    assert sudden.likely(500.0, 998, 14.0, 50.0, 10.0) == 1.0


def test_a_gap_in_the_lists_makes_no_newcomer() -> None:
    sudden = settled()
    for k in range(40):
        show(sudden, k, 10.0 * k, 3)
    appear(sudden, 999, 500.0, driven_m=2.0)
    sudden.close(500.0, 1.0)
    sudden.close(504.0, 4.0)
    assert appear(sudden, 999, 505.0) == 1.0


def test_those_who_pass_the_line_were_there() -> None:
    sudden = settled()
    for k in range(40):
        show(sudden, k, 10.0 * k, 3)
    low = appear(sudden, 998, 500.0)
    for k in range(60):
        appear(sudden, 2000 + k, 500.0)
        sudden.passed(2000 + k)
    assert appear(sudden, 999, 500.0) > low + 0.2


def test_a_snapshot_goes_on_the_same() -> None:
    one, other = settled(), Sudden()
    for k in range(10):
        show(one, k, 10.0 * k, 3)
    appear(one, 77, 120.0)
    other.load(json.loads(json.dumps(one.export())))
    assert other.export() == one.export()
    assert appear(other, 77, 121.0) == appear(one, 77, 121.0)
