"""Speed profiles: where vehicles stop, whom they follow, what the signals ahead make of it."""

import numpy as np
import pytest

from lukou_cloud.edge.lights import Light, stops
from lukou_cloud.edge.motion import Following, KeptSpeed, steps_until, travelled
from lukou_cloud.edge.road_users import Floats
from lukou_cloud.edge.settings import PredictionSettings

TIMES = np.arange(0.0, 5.01, 0.25)
NOBODY = Following(np.array([-1]), np.array([np.inf]))


def free(count: int) -> KeptSpeed:
    return KeptSpeed(np.zeros(count), np.zeros(count, np.int64), np.full(1, 14.0))


def profile(speed: float, acceleration: float = 0.0, stop_m: float = np.inf, until_s: float = np.inf) -> Floats:
    now, change, stop, until = (np.array([value]) for value in (speed, acceleration, stop_m, until_s))
    way = travelled(now, change, stop, until, free(1), NOBODY, steps_until(TIMES, PredictionSettings()))
    return np.asarray(way[0], np.float64)


@pytest.mark.parametrize("speed", [3.0, 8.0, 13.0])
@pytest.mark.parametrize("line", [25.0, 40.0])
def test_whoever_can_stop_at_a_line_stops_there_and_not_beyond(speed: float, line: float) -> None:
    way = profile(speed, stop_m=line)
    assert way.max() <= line + 1e-6
    assert np.all(np.diff(way) >= -1e-9)
    if speed * 5.0 > line + 10.0:
        assert way[-1] == pytest.approx(line, abs=1.5)


def test_constant_speed_stays_constant() -> None:
    assert profile(10.0) == pytest.approx(10.0 * TIMES)


def test_hard_braking_goes_on_to_standstill_and_soft_braking_fades() -> None:
    hard, soft = profile(9.0, -4.5), profile(9.0, -1.5)
    assert hard[-1] == pytest.approx(9.0**2 / 9.0, abs=1.0)
    assert soft[-1] - soft[-5] > 5.0


def test_a_light_that_turns_green_lets_go() -> None:
    waiting, released = profile(0.0, stop_m=1.0), profile(0.0, stop_m=1.0, until_s=1.0)
    assert waiting.max() == 0.0
    assert released[TIMES == 1.0] == pytest.approx(0.0)
    assert released[-1] > 5.0


def test_nobody_drives_through_the_one_ahead() -> None:
    speed, zero, none = np.array([12.0, 0.0]), np.zeros(2), np.full(2, np.inf)
    following = Following(np.array([1, -1]), np.array([15.0, np.inf]))
    way = travelled(speed, zero, none, none, free(2), following, steps_until(TIMES, PredictionSettings()))
    assert way[0].max() <= 15.0
    assert way[1].max() == 0.0


@pytest.mark.parametrize(
    ("light", "ends_in_s", "must", "from_s"),
    [(Light.RED, 2.0, False, 0.0), (Light.RED, np.nan, True, 0.0), (Light.GREEN, 2.0, True, 2.0), (Light.GREEN, 8.0, False, 0.0)],
)  # fmt: skip
def test_foreseen_signals_decide_for_the_instant_of_arrival(
    light: Light, ends_in_s: float, must: bool, from_s: float
) -> None:
    assert stops(int(light), ends_in_s, 4.0)[:2] == (must, from_s)
