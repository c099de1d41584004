"""Scores of tracking on small cases worked out by hand, and honesty of covariances on errors drawn to be honest."""

from types import SimpleNamespace

import numpy as np
import pytest

from lukou_sim.bench.tracking import _honesty
from lukou_sim.bench.tracking_scores import Frame, consistency, scores


def frames(offset_m: float, swap_at: int | None = None, count: int = 40) -> list[Frame]:
    """Two road users 50 m apart, each tracked with an offset; from a frame on the tracks change places."""
    made = []
    for k in range(count):
        ids = np.array([1, 0]) if swap_at is not None and k >= swap_at else np.array([0, 1])
        distance = np.array([[offset_m, 50.0], [50.0, offset_m]])
        made.append(Frame(np.array([0, 1]), ids, distance, np.full((2, 2), 0.25)))
    return made


def test_perfect_tracks_score_all() -> None:
    told = scores(frames(0.0))
    assert told["hota"] == 100.0
    assert told["idf1"] == 100.0
    assert told["gospa_m"] == 0.0
    assert told["velocity_rmse_mps"] == 0.5


def test_an_offset_of_one_metre_costs_the_strict_thresholds() -> None:
    told = scores(frames(1.0))  # similarity 0.75: 15 of 19 thresholds are met
    assert told["hota"] == pytest.approx(100.0 * 15 / 19, abs=0.1)
    assert told["gospa_m"] == pytest.approx(np.sqrt(2.0), abs=0.01)
    assert told["position_rmse_m"] == 1.0


def test_a_swap_half_way_halves_identity() -> None:
    told = scores(frames(0.0, swap_at=20))
    assert told["idf1"] == pytest.approx(50.0, abs=0.1)
    assert told["hota"] == pytest.approx(100.0 * np.sqrt(1.0 / 3.0), abs=0.5)


def test_honest_errors_are_within_their_band_and_small_covariances_are_not() -> None:
    rng = np.random.default_rng(1)
    of, frame = np.repeat(np.arange(30), 200), np.tile(np.arange(200), 30)
    error = rng.normal(size=(6000, 2))
    told = consistency(of, frame, (error**2).sum(axis=1))
    assert told["nees_band"][0] < told["nees"] < told["nees_band"][1]  # type: ignore[index,operator]
    assert told["inside_95"] == pytest.approx(0.95, abs=0.01)
    boasting = consistency(of, frame, (error**2).sum(axis=1) * 2.0)
    assert boasting["nees"] > boasting["nees_band"][1]  # type: ignore[index,operator]


def test_errors_that_last_count_as_fewer_samples() -> None:
    rng = np.random.default_rng(2)
    of, frame = np.repeat(np.arange(30), 200), np.tile(np.arange(200), 30)
    slow = np.repeat(rng.normal(size=(30, 20, 2)), 10, axis=1).reshape(6000, 2)
    assert consistency(of, frame, (slow**2).sum(axis=1))["independent_samples"] < 1200  # type: ignore[operator]


def test_a_car_that_passes_a_walker_is_no_pair_with_him() -> None:
    car, walker = [0.0, 0.0, 10.0, 0.0], [0.6, 0.3, 0.0, 1.2]
    truth = SimpleNamespace(frames=1, frame=np.zeros(2, int), of=np.arange(2), state=np.array([car, walker]))
    # by place alone each track is nearer to the other one
    tracks = np.array([[0, 1, 0.5, 0.3, 10.1, 0.0], [0, 2, 0.1, 0.0, 0.1, 1.2]])
    uncertain = np.tile([0.25, 0.0, 0.25, 0.04, 0.0, 0.04], (2, 1))
    told = _honesty(truth, tracks, uncertain)  # type: ignore[arg-type]
    assert told["velocity"]["nees"] < 1.0 and told["position"]["nees"] < 2.0
