"""Other trackers on the same detections: a script of its own, for an environment of its own.

norfair 2.3 wants an older numpy than Lukou, so the benchmark runs this file with the interpreter named by ``lukou bench tracking --peers``, where
norfair and Stone Soup are installed; it imports nothing of Lukou. It reads detections ``frame,x,y,sxx,sxy,syy`` and writes tracks ``frame,id,x,y,vx,vy``.

``python tracking_peers.py norfair|stonesoup FRAMES DETECTIONS.csv TRACKS.csv`` prints CPU milliseconds per frame.
"""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

FRAME_S = 0.1
BEGIN = datetime.datetime(2026, 1, 1)

Rows = list[list[float]]


def norfair_tracks(frames: list[Any]) -> Rows:
    """norfair with Euclidean distance, its thresholds chosen by hand on recordings of this kind."""
    import norfair

    tracker = norfair.Tracker(
        distance_function="euclidean", distance_threshold=2.5, hit_counter_max=10, initialization_delay=3
    )
    rows: Rows = []
    for k, found in enumerate(frames):
        for one in tracker.update(detections=[norfair.Detection(points=row[None, :2]) for row in found]):
            velocity = np.asarray(one.estimate_velocity)[0] / FRAME_S
            rows.append([k, one.id, *np.asarray(one.estimate)[0], *velocity])
    return rows


def stonesoup_tracks(frames: list[Any]) -> Rows:
    """Stone Soup's global nearest neighbour with a Kalman filter of nearly constant velocity and each detection's own covariance."""
    from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
    from stonesoup.deleter.time import UpdateTimeStepsDeleter
    from stonesoup.hypothesiser.distance import DistanceHypothesiser
    from stonesoup.initiator.simple import MultiMeasurementInitiator
    from stonesoup.measures import Mahalanobis
    from stonesoup.models.measurement.linear import LinearGaussian
    from stonesoup.models.transition.linear import (
        CombinedLinearGaussianTransitionModel,
        ConstantVelocity,
    )
    from stonesoup.predictor.kalman import KalmanPredictor
    from stonesoup.tracker.simple import MultiTargetTracker
    from stonesoup.types.detection import Detection
    from stonesoup.types.state import GaussianState
    from stonesoup.updater.kalman import KalmanUpdater

    def detections() -> Iterator[tuple[datetime.datetime, set[Any]]]:
        for k, found in enumerate(frames):
            at = BEGIN + datetime.timedelta(seconds=FRAME_S * k)
            made = set()
            for x, y, xx, xy, yy in found:
                model = LinearGaussian(4, (0, 2), np.array([[xx, xy], [xy, yy]]))
                made.add(Detection(np.array([[x], [y]]), timestamp=at, measurement_model=model))
            yield at, made

    predictor = KalmanPredictor(CombinedLinearGaussianTransitionModel([ConstantVelocity(2.0), ConstantVelocity(2.0)]))
    updater = KalmanUpdater(None)
    associator = GNNWith2DAssignment(DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=4.0))
    begun = MultiMeasurementInitiator(
        prior_state=GaussianState(np.zeros((4, 1)), np.diag([0.0, 25.0, 0.0, 25.0]), timestamp=BEGIN),
        deleter=UpdateTimeStepsDeleter(3),
        data_associator=GNNWith2DAssignment(DistanceHypothesiser(predictor, updater, Mahalanobis(), 4.0)),
        updater=updater,
        min_points=3,
    )
    tracker = MultiTargetTracker(begun, UpdateTimeStepsDeleter(10), detections(), associator, updater)
    number: dict[str, int] = {}
    rows: Rows = []
    for at, tracks in tracker:
        k = round((at - BEGIN).total_seconds() / FRAME_S)
        for one in tracks:
            x, vx, y, vy = np.asarray(one.state_vector, float).ravel()
            rows.append([k, number.setdefault(one.id, len(number)), x, y, vx, vy])
    return rows


TRACKERS: dict[str, Callable[[list[Any]], Rows]] = {"norfair": norfair_tracks, "stonesoup": stonesoup_tracks}


def main() -> None:
    """Run one tracker on a file."""
    name, count, source, target = sys.argv[1:]
    told = np.loadtxt(source, delimiter=",", skiprows=1, ndmin=2)
    frames = [told[told[:, 0] == k, 1:] for k in range(int(count))]
    TRACKERS[name](frames[:1])  # imports are not counted
    begin = time.process_time()
    rows = TRACKERS[name](frames)
    print((time.process_time() - begin) * 1e3 / len(frames))
    np.savetxt(target, np.array(rows, float).reshape(-1, 6), delimiter=",", header="frame,id,x,y,vx,vy", comments="")


if __name__ == "__main__":
    main()
