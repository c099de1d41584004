"""One scan into the tracks, or the sweeps of several radars: the composition of all steps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.associator import many_to_one, one_to_one
from lukou_roadside.perception.tracking.deleter import survivors
from lukou_roadside.perception.tracking.gater import Agreement, agreement, agreement_of_returns
from lukou_roadside.perception.tracking.initiator import begun, begun_by_returns
from lukou_roadside.perception.tracking.predictor import predicted
from lukou_roadside.perception.tracking.scan import Floats, Ints, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.spread import PRIOR_VELOCITY_VARIANCE
from lukou_roadside.perception.tracking.sweeps import Sweeps
from lukou_roadside.perception.tracking.tracks import (
    LOG_ODDS,
    MOTION,
    P_UU,
    P_UV,
    P_VV,
    P_XX,
    P_YY,
    VX,
    VY,
    Tracks,
    X,
    Y,
)
from lukou_roadside.perception.tracking.updater import (
    Looks,
    adapt_agility,
    follow_rates,
    turn_to_motion,
    update_existence,
    update_looks,
    update_positions,
    update_range_rates,
    update_velocities,
)
from lukou_roadside.perception.tracking.visibility import Sight, detection_probability, return_probability, sights

BODY_REPEATS = 15.0
"""So many sweeps in a row see a body from the same side and tell the same error of place: those of one second."""

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
    turn_to_motion(tracks)
    count = len(tracks)
    tracks = begun(tracks, scan, _free(len(scan), pairs), settings)
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
    seen = sights(tracks, sweeps)
    agreed = agreement_of_returns(tracks, sweeps, settings, seen)
    chosen = agreed.take(many_to_one(agreed))
    pairs = chosen.take(_once(sweeps.sweep[chosen.detections] * len(tracks) + chosen.rows, seen.ux.size))
    probability = return_probability(tracks, sweeps, seen)
    looked = pairs.rows, pairs.log_likelihood, sweeps.score[pairs.detections]
    found = probability
    if any(scan.coverage for scan in sweeps.scans):
        found = probability * np.array([_coverage(tracks, scan) * np.ones(len(tracks)) for scan in sweeps.scans])
    looks = Looks(sweeps.sensors, sweeps.times_s, found, sweeps.sweep[pairs.detections], *looked)
    update_existence(tracks, looks, settings.radar_clutter_per_m2, settings)
    if len(chosen.rows):
        _update_by_returns(tracks, chosen, sweeps, seen, settings)
    turn_to_motion(tracks)
    compared = Comparisons(pairs, probability, sweeps)
    if not settings.radars_begin:
        return tracks, compared  # what only confirms ends nothing: the next detections or the next list will
    count = len(tracks)
    tracks = begun_by_returns(tracks, sweeps, _free(len(sweeps), chosen), settings)
    return survivors(tracks, settings, np.arange(count, len(tracks))), compared


def _coverage(tracks: Tracks, scan: Scan) -> Floats | float:
    """What is left of the detection probability of each track where the sensor has turned out to find little."""
    if scan.coverage is None:
        return 1.0
    return scan.coverage.of(scan.views[0], tracks.values[X], tracks.values[Y])


def _free(count: int, chosen: Agreement) -> Ints:
    """Detections that belong to no track."""
    free = np.ones(count, np.bool_)
    free[chosen.detections] = False
    return free.nonzero()[0]


def _once(keys: Ints, count: int) -> Ints:
    """Each key once: its first place."""
    first = np.full(count, -1)
    first[keys[::-1]] = np.arange(len(keys))[::-1]
    return np.asarray(first[first >= 0])


def _update_by_detections(tracks: Tracks, pairs: Agreement, scan: Scan, settings: TrackerSettings) -> None:
    """Update by detections of whole road users; some tell a range rate."""
    rows, detections, innovations = pairs.rows, pairs.detections, pairs.innovations
    moved = tracks.values[MOTION].take(rows, axis=1)
    if scan.repeats > 1.0:
        innovations = _diluted(innovations, scan, detections, settings)
    whitened = update_positions(moved, *innovations)
    tracks.values[MOTION, rows] = moved
    rate = scan.range_rate_mps[detections]
    told = (rate == rate).nonzero()[0]
    if len(told) and scan.views:
        moved = moved.take(told, axis=1)
        faster = update_range_rates(moved, rate[told], settings.doppler_deviation_mps**2 * scan.repeats, scan.views[0])
        tracks.values[MOTION, rows[told]] = moved
        follow_rates(tracks.values, rows[told], faster)
    if scan.velocity_mps is not None:
        _update_by_velocities(tracks, rows, detections, scan.velocity_mps, scan)
    if scan.repeats == 1.0:
        adapt_agility(tracks.values, rows, whitened)
    update_looks(tracks, rows, scan, detections)


def _update_by_velocities(tracks: Tracks, rows: Ints, detections: Ints, velocity: Floats, scan: Scan) -> None:
    """Update by velocities that a vendor's filter tells: the same in scan after scan, and somebody else's where it has swapped two road users."""
    told, variance = velocity[:, detections], scan.velocity_variance
    spread = scan.repeats * (np.full(len(rows), PRIOR_VELOCITY_VARIANCE) if variance is None else variance[detections])
    vx, vy, uu, vv = tracks.values[[VX, VY, P_UU, P_VV]][:, rows]
    dx, dy = told[0] - vx, told[1] - vy
    kept = (dx * dx / (uu + spread) + dy * dy / (vv + spread) < VELOCITY_GATE).nonzero()[0]  # none that is not told
    if len(kept):
        moved = tracks.values[MOTION].take(rows[kept], axis=1)
        weight = 1.0 / spread[kept]
        update_velocities(moved, np.array([weight, 0.0 * weight, weight]), weight * np.array([dx[kept], dy[kept]]))
        tracks.values[MOTION, rows[kept]] = moved


def _diluted(innovations: Floats, scan: Scan, detections: Ints, settings: TrackerSettings) -> Floats:
    """What a vendor has filtered says the same in scan after scan: each counts for its share."""
    made, more = innovations.copy(), (scan.repeats - 1.0) * settings.camera_variance_factor
    made[2] += more * scan.variance_xx[detections]
    made[3] += more * scan.variance_xy[detections]
    made[4] += more * scan.variance_yy[detections]
    return made


def _update_by_returns(
    tracks: Tracks, chosen: Agreement, sweeps: Sweeps, seen: Sight, settings: TrackerSettings
) -> None:
    """Update by radar returns: those of one track in one sweep are one measurement, and those of several sweeps count together."""
    key = sweeps.sweep[chosen.detections] * len(tracks) + chosen.rows
    order = key.argsort(kind="stable")
    key, detections = key[order], chosen.detections[order]
    begins = np.concatenate([[0], (key[1:] != key[:-1]).nonzero()[0] + 1])
    keys, count = key[begins], np.diff(begins, append=len(key))
    rate = sweeps.range_rate_mps[detections]
    no_rate = rate != rate
    each = np.empty((10, len(key)))
    each[:5] = chosen.innovations[:, order]
    each[5], each[6] = sweeps.variance_xx[detections], sweeps.variance_xy[detections]
    each[7], each[8], each[9] = sweeps.variance_yy[detections], np.where(no_rate, 0.0, rate), no_rate
    # rows: what is averaged; columns: a track in a sweep
    mean = np.add.reduceat(each, begins, axis=1) / count
    of = keys % len(tracks)
    rows = np.bincount(of).nonzero()[0]
    share = (of[:, None] == rows).astype(np.float64)
    known = tracks.values[P_XX : P_YY + 1].take(of, axis=1)
    # what is noise averages out over several returns; where on the body they come from does not, neither among them nor soon
    r_xx, r_xy, r_yy = (
        BODY_REPEATS * (mean[2:5] - known) + settings.radar_variance_factor * (1.0 / count - BODY_REPEATS) * mean[5:8]
    )
    dx, dy, xx, xy, yy = _combined(mean[0], mean[1], r_xx, r_xy, r_yy, share)
    moved = tracks.values[MOTION].take(rows, axis=1)
    p_xx, p_xy, p_yy = moved[P_XX : P_YY + 1]
    whitened = update_positions(moved, dx, dy, p_xx + xx, p_xy + xy, p_yy + yy)
    # one that does not tell its rate has no weight
    weight = (mean[9] == 0.0) / (settings.doppler_deviation_mps**2 * (0.5 + 0.5 / count))
    surprise, faster = _update_by_rates(moved, mean[8], weight, seen.ux.take(keys), seen.uy.take(keys), share)
    tracks.values[MOTION, rows] = moved
    adapt_agility(tracks.values, rows, whitened, surprise)
    follow_rates(tracks.values, rows, faster)


def _combined(dx: Floats, dy: Floats, r_xx: Floats, r_xy: Floats, r_yy: Floats, share: Floats) -> Floats:
    """Differences of place and their covariances, those of one track combined: (5, tracks)."""
    determinant = r_xx * r_yy - r_xy * r_xy
    i_xx, i_xy, i_yy = r_yy / determinant, -r_xy / determinant, r_xx / determinant
    j_xx, j_xy, j_yy, x, y = np.array([i_xx, i_xy, i_yy, i_xx * dx + i_xy * dy, i_xy * dx + i_yy * dy]) @ share
    determinant = j_xx * j_yy - j_xy * j_xy
    return np.asarray(np.array([j_yy * x - j_xy * y, j_xx * y - j_xy * x, j_yy, -j_xy, j_xx]) / determinant)


def _update_by_rates(
    moved: Floats, rate: Floats, weight: Floats, ux: Floats, uy: Floats, share: Floats
) -> tuple[Floats, Floats]:
    """Update by range rates, each of the track that `share` says.

    Returns
    -------
    (tracks,) float array
        Mean of their squared innovations over variance.
    (tracks,) float array
        How much faster than expected each road user is, of variance 1 where all covariances are right; nan: nobody told.
    """
    vx, vy, uu, uv, vv = moved[[VX, VY, P_UU, P_UV, P_VV]] @ share.T
    radial = ux * vx + uy * vy
    innovation = rate - radial
    wx, wy = weight * ux, weight * uy
    over = weight / (1.0 + weight * (ux * ux * uu + 2.0 * ux * uy * uv + uy * uy * vv))
    squared, faster = over * innovation * innovation, np.copysign(np.sqrt(over), radial) * innovation
    sums = np.array([wx * ux, wx * uy, wy * uy, wx * innovation, wy * innovation, squared, faster, over > 0.0]) @ share
    update_velocities(moved, sums[:3], sums[3:5])
    told = np.where(sums[7] > 0.0, sums[7], np.nan)
    return np.asarray(sums[5] / share.sum(axis=0)), sums[6] / np.sqrt(told)
