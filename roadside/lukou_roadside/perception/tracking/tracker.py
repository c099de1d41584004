"""One scan into the tracks, or the sweeps of several radars: the composition of all steps."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.associator import many_to_one, one_to_one
from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.deleter import survivors
from lukou_roadside.perception.tracking.existence import Looks, update_existence
from lukou_roadside.perception.tracking.gater import Agreement, agreement, agreement_of_returns
from lukou_roadside.perception.tracking.initiator import begun, begun_by_returns
from lukou_roadside.perception.tracking.looks import turn_to_motion, update_looks
from lukou_roadside.perception.tracking.predictor import predicted
from lukou_roadside.perception.tracking.returns import update_by_returns
from lukou_roadside.perception.tracking.scan import Floats, Ints, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.spread import PRIOR_VELOCITY_VARIANCE
from lukou_roadside.perception.tracking.sweeps import Sweeps
from lukou_roadside.perception.tracking.tracks import LOG_ODDS, P_UU, P_VV, VX, VY, Tracks, X, Y
from lukou_roadside.perception.tracking.updater import (
    adapt_agility,
    follow_rate,
    update_position,
    update_range_rate,
    update_velocity,
)
from lukou_roadside.perception.tracking.visibility import detection_probability, return_probability, sights

VELOCITY_GATE = 9.0
"""Squared Mahalanobis distance beyond which a vendor's velocity is not that of this road user: 1 in 90 by chance."""


class Comparison(NamedTuple):
    """What a scan said of the tracks as they were expected: enough to learn about its sensor.

    Attributes
    ----------
    pairs : Agreement
        Tracks that were detected, each once, and one detection of each.
    probability : (n,) float array
        Detection probability of every track, by sight alone.
    """

    pairs: Agreement
    probability: Floats


class Comparisons(NamedTuple):
    """The same of several sweeps: pairs of all, a row of probabilities for each."""

    pairs: Agreement
    probability: Floats
    sweeps: Sweeps

    def of(self, number: int) -> Comparison:
        """What one of the sweeps said."""
        chosen = (self.sweeps.sweep[self.pairs.detections] == number).nonzero()[0]
        pairs = self.pairs.take(chosen)
        pairs.detections[:] -= self.sweeps.first[number]
        return Comparison(pairs, self.probability[number])


def tracked(tracks: Tracks, scan: Scan, settings: TrackerSettings) -> tuple[Tracks, Comparison]:
    """Take one scan of one sensor that detects whole road users.

    Parameters
    ----------
    tracks : Tracks
        Tracks at or before the time of the scan; not changed.
    scan : Scan
        The scan.
    settings : TrackerSettings
        Settings.

    Returns
    -------
    Tracks
        Tracks at the time of the scan.
    Comparison
        What it said of the tracks before.
    """
    tracks = predicted(tracks.with_room(scan.sensor + 1), scan.time_s)
    agreed = agreement(tracks, scan, settings)
    pairs = agreed.take(one_to_one(agreed, 0.5 * np.minimum(tracks.values[LOG_ODDS], 4.0)))
    probability = detection_probability(tracks, scan)
    found = probability * _coverage(tracks, scan)
    sensor, looked_s = np.array([scan.sensor]), np.array([scan.time_s])
    looked = pairs.rows, pairs.log_likelihood, scan.score[pairs.detections]
    looks = Looks(sensor, looked_s, found[None], np.zeros(len(pairs.rows), np.int64), *looked)
    update_existence(tracks, looks, settings.camera_clutter_per_m2, settings)
    _update_by_detections(tracks, pairs, scan, settings)
    turn_to_motion(tracks.values)
    count = len(tracks)
    tracks = begun(tracks, scan, _free(len(scan), pairs.detections), settings)
    touched = np.concatenate([pairs.rows, np.arange(count, len(tracks))])
    return survivors(tracks, settings, touched), Comparison(pairs, probability)


def swept(tracks: Tracks, sweeps: Sweeps, settings: TrackerSettings) -> tuple[Tracks, Comparisons]:
    """Take one sweep each of some radars.

    Parameters
    ----------
    tracks : Tracks
        Tracks at or before the time of the sweeps; not changed.
    sweeps : Sweeps
        The sweeps.
    settings : TrackerSettings
        Settings.

    Returns
    -------
    Tracks
        Tracks at the time of the sweeps.
    Comparisons
        What they said of the tracks before.
    """
    tracks = predicted(tracks.with_room(int(sweeps.sensors.max()) + 1), sweeps.time_s)
    seen = sights(tracks.values, sweeps.views)
    agreed = agreement_of_returns(tracks, sweeps, settings, seen)
    chosen = agreed.take(many_to_one(agreed.rows, agreed.detections, agreed.log_likelihood))
    pairs = chosen.take(_once(sweeps.sweep[chosen.detections], chosen.rows, len(sweeps.sensors), len(tracks)))
    probability = return_probability(tracks, sweeps, seen)
    looked = pairs.rows, pairs.log_likelihood, sweeps.score[pairs.detections]
    found = probability
    if any(scan.coverage for scan in sweeps.scans):
        found = probability * np.array([_coverage(tracks, scan) * np.ones(len(tracks)) for scan in sweeps.scans])
    looks = Looks(sweeps.sensors, sweeps.times_s, found, sweeps.sweep[pairs.detections], *looked)
    update_existence(tracks, looks, settings.radar_clutter_per_m2, settings)
    update_by_returns(tracks, chosen, sweeps, seen, settings)
    turn_to_motion(tracks.values)
    compared = Comparisons(pairs, probability, sweeps)
    if not settings.radars_begin:
        return tracks, compared  # what only confirms ends nothing: the next detections or the next list will
    count = len(tracks)
    tracks = begun_by_returns(tracks, sweeps, _free(len(sweeps), chosen.detections), settings)
    return survivors(tracks, settings, np.arange(count, len(tracks))), compared


def _coverage(tracks: Tracks, scan: Scan) -> Floats | float:
    """What is left of the detection probability of each track where the sensor has turned out to find little."""
    if scan.coverage is None:
        return 1.0
    return scan.coverage.of(scan.views[0], tracks.values[X], tracks.values[Y])


@compiled
def _free(count: int, detections: Ints) -> Ints:
    """Detections that belong to no track."""
    free = np.ones(count, np.bool_)
    free[detections] = False
    return free.nonzero()[0]


@compiled
def _once(sweep: Ints, rows: Ints, sweeps: int, tracks: int) -> Ints:
    """Of several returns of one track in one sweep the first."""
    first = np.full((sweeps, tracks), -1)
    for pair in range(len(rows)):
        if first[sweep[pair], rows[pair]] < 0:
            first[sweep[pair], rows[pair]] = pair
    every = first.ravel()
    return every[every >= 0]


def _update_by_detections(tracks: Tracks, pairs: Agreement, scan: Scan, settings: TrackerSettings) -> None:
    """Update by detections of whole road users; some tell a range rate."""
    rows, detections, innovations = pairs.rows, pairs.detections, pairs.innovations
    is_measured = scan.repeats == 1.0
    if not is_measured:
        innovations = _diluted(innovations, scan, detections, settings)
    _update_places(tracks.values, rows, innovations, is_measured)
    if scan.views:
        rate, variance = scan.range_rate_mps[detections], settings.doppler_deviation_mps**2 * scan.repeats
        _update_rates(tracks.values, rows, rate, variance, scan.views[0].x_m, scan.views[0].y_m)
    if scan.velocity_mps is not None:
        _update_by_velocities(tracks, rows, detections, scan.velocity_mps, scan)
    update_looks(tracks, rows, scan, detections)


@compiled
def _update_places(values: Floats, rows: Ints, innovations: Floats, is_measured: bool) -> None:
    for pair in range(len(rows)):
        dx, dy, s_xx, s_xy, s_yy = (
            innovations[0, pair],
            innovations[1, pair],
            innovations[2, pair],
            innovations[3, pair],
            innovations[4, pair],
        )
        white_x, white_y = update_position(values, rows[pair], dx, dy, s_xx, s_xy, s_yy)
        if is_measured:
            adapt_agility(values, rows[pair], white_x, white_y, 1.0)


@compiled
def _update_rates(values: Floats, rows: Ints, rate: Floats, variance: float, x_m: float, y_m: float) -> None:
    """Update by rates of change of the distance from a sensor at some place; nan: not told."""
    for pair in range(len(rows)):
        if rate[pair] == rate[pair]:
            k = rows[pair]
            dx, dy = values[X, k] - x_m, values[Y, k] - y_m
            distance = max(math.sqrt(dx * dx + dy * dy), 1e-3)
            faster = update_range_rate(values, k, rate[pair], variance, dx / distance, dy / distance)
            follow_rate(values, k, faster)


def _update_by_velocities(tracks: Tracks, rows: Ints, detections: Ints, velocity: Floats, scan: Scan) -> None:
    """Update by velocities that a vendor's filter tells: the same in scan after scan, and somebody else's where it has swapped two road users."""
    told, variance = velocity.take(detections, axis=1), scan.velocity_variance
    spread = scan.repeats * (np.full(len(rows), PRIOR_VELOCITY_VARIANCE) if variance is None else variance[detections])
    _update_velocities(tracks.values, rows, told, spread)


@compiled
def _update_velocities(values: Floats, rows: Ints, told: Floats, spread: Floats) -> None:
    for pair in range(len(rows)):
        k, variance = rows[pair], spread[pair]
        dx, dy = told[0, pair] - values[VX, k], told[1, pair] - values[VY, k]
        # nan, which is not told, is outside
        if dx * dx / (values[P_UU, k] + variance) + dy * dy / (values[P_VV, k] + variance) < VELOCITY_GATE:
            update_velocity(values, k, 1.0 / variance, 0.0, 1.0 / variance, dx / variance, dy / variance)


def _diluted(innovations: Floats, scan: Scan, detections: Ints, settings: TrackerSettings) -> Floats:
    """What a vendor has filtered says the same in scan after scan: each counts for its share."""
    made, more = innovations.copy(), (scan.repeats - 1.0) * settings.camera_variance_factor
    made[2] += more * scan.variance_xx[detections]
    made[3] += more * scan.variance_xy[detections]
    made[4] += more * scan.variance_yy[detections]
    return made
