"""Stamps from the future, told by literal arrivals."""

import numpy as np
import pytest

from lukou_roadside.perception.stamps import Stamps

NOW_NS = 1_800_000_000_000_000_000


def of(stamps: Stamps, lags_s: list[float]) -> list[float]:
    """How late each stamp is taken to be, of measurements that arrive after so long by their own stamps."""
    return [
        stamps.late(NOW_NS + k * 100_000_000 - round(lag_s * 1e9), NOW_NS + k * 100_000_000)
        for k, lag_s in enumerate(lags_s)
    ]


def test_stamps_that_may_be_right_are_left_and_tell_the_usual_lag() -> None:
    stamps = Stamps()
    assert of(stamps, [0.03] * 100) == [0.0] * 100
    assert stamps.lag_s == pytest.approx(0.03, abs=0.001)


def test_a_clock_that_is_late_is_set_right_from_its_first_stamp_on_whatever_the_jitter() -> None:
    stamps = Stamps()
    of(stamps, [0.06] * 100)
    late = of(stamps, [0.06 - 0.2 + jitter for jitter in (0.0, 0.01, 0.09, -0.01, 0.0, 0.11, 0.0)])
    assert late == pytest.approx([0.2] * 7, abs=0.02)  # the third and the sixth alone could be right
    assert stamps.lag_s == pytest.approx(0.06, abs=0.001)  # learned from nothing that is known to be wrong


def test_a_clock_that_is_set_right_again_is_believed_after_four_stamps() -> None:
    stamps = Stamps()
    of(stamps, [0.06] * 100 + [-0.14] * 50)
    assert [late > 0 for late in of(stamps, [0.06] * 5)] == [True, True, True, False, False]


def test_an_early_clock_is_not_to_be_told_from_a_slow_line() -> None:
    assert of(Stamps(), [0.26] * 30) == [0.0] * 30


def shifts(stamps: Stamps, lags_s: list[float]) -> list[float]:
    told = []
    for lag_s in lags_s:
        stamps.late(NOW_NS - round(lag_s * 1e9), NOW_NS)
        told.append(stamps.shift_s)
    return told


def test_arrivals_that_come_later_or_sooner_from_now_on_are_told_once() -> None:
    stamps = Stamps()
    later = shifts(stamps, [0.06] * 30 + [0.25, 0.28, 0.24] * 20)
    assert np.flatnonzero(later).tolist() == [34]
    assert later[34] == pytest.approx(0.19, abs=0.01)
    sooner = shifts(stamps, [0.06, 0.05, 0.09] * 20)
    assert np.flatnonzero(sooner).tolist() == [4]
    assert sooner[4] == pytest.approx(-0.19, abs=0.01)


def test_a_few_quick_or_slow_arrivals_tell_nothing() -> None:
    assert not any(shifts(Stamps(), [0.2, 0.2, 0.2, 0.05] * 20))
    assert not any(shifts(Stamps(), [0.06, 0.03] * 50))
    assert not any(shifts(Stamps(), [0.06] * 30 + [0.3] * 4 + [0.06] * 30))


def test_later_arrivals_are_held_against_a_sensor_until_they_end_or_are_usual() -> None:
    stamps = Stamps()
    of(stamps, [0.06] * 30 + [0.26] * 5)
    assert stamps.later_s == pytest.approx(0.2, abs=0.01)
    of(stamps, [0.26] * 250)
    assert stamps.later_s == pytest.approx(0.2, abs=0.01)
    of(stamps, [0.06] * 5)
    assert stamps.later_s == 0.0
    of(stamps, [0.06] * 30 + [0.26] * 310)  # ten a second
    assert stamps.later_s == 0.0


def test_a_hold_up_that_fades_is_over_when_they_come_as_before() -> None:
    """A full machine catches up slowly: no five arrivals come suddenly sooner than those before them."""
    stamps = Stamps()
    of(stamps, [0.06] * 30 + [0.46] * 5)
    assert stamps.later_s == pytest.approx(0.4, abs=0.01)
    fading = [0.46 - 0.005 * k for k in range(80)]
    assert not any(one < 0.0 for one in shifts(stamps, fading))
    assert stamps.later_s == 0.0
