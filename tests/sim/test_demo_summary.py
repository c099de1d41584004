"""What the demo says of its own figures."""

from __future__ import annotations

from lukou_sim.demo.pace import LEAST_HZ, MOST_HZ, NEED, SHARE, fitting_rate, loop_s
from lukou_sim.demo.summary import percentiles, too_busy


def test_figures_of_a_machine_that_was_too_busy_say_so() -> None:
    told = too_busy({"dropped_frames": 420, "frames_used": 580, "cpu_cores_all": 1.94}, 2)
    assert "42%" in told
    assert "1.9 of 2 cores" in told
    assert "--rate 5" not in told
    faster = {"dropped_frames": 420, "frames_used": 580, "cpu_cores_all": 1.94, "pictures_per_second": 10.0}
    assert "--rate 5" in too_busy(faster, 2)
    assert too_busy({"dropped_frames": 40, "frames_used": 960, "cpu_cores_all": 1.5}, 2) == ""
    assert too_busy({"dropped_frames": None, "frames_used": 0, "cpu_cores_all": 0.0}, 2) == ""


def test_without_values_there_are_no_percentiles() -> None:
    assert percentiles([]) == {"p50": None, "p95": None, "p99": None}
    assert percentiles([3.0] * 9 + [30.0])["p50"] == 3.0


def test_a_slow_machine_is_given_fewer_pictures_and_more_cores_help() -> None:
    fast = 2 * SHARE / NEED
    assert fitting_rate(2, 0.99 * fast) == MOST_HZ
    assert fitting_rate(2, 1.01 * fast) == LEAST_HZ
    assert fitting_rate(4, 1.01 * fast) == MOST_HZ
    assert fitting_rate(1, 1e3) == LEAST_HZ
    assert 0.0 < loop_s() < 10.0
