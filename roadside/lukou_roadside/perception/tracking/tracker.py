"""One scan into the tracks: the composition of all steps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.associator import many_to_one, one_to_one
from lukou_roadside.perception.tracking.deleter import survivors
from lukou_roadside.perception.tracking.gater import Agreement, agreement
from lukou_roadside.perception.tracking.initiator import begun
from lukou_roadside.perception.tracking.predictor import predicted
from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Ints, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import LOG_ODDS, MOTION, P_XX, P_YY, Tracks
from lukou_roadside.perception.tracking.updater import (
    adapt_agility,
    turn_to_motion,
    update_existence,
    update_looks,
    update_positions,
    update_range_rates,
)
from lukou_roadside.perception.tracking.visibility import detection_probability, sight

BODY_REPEATS = 15.0
"""So many sweeps in a row see a body from the same side and tell the same error of place: those of one second."""


class Comparison(NamedTuple):
    """What a scan said of the tracks as they were expected: enough to learn about its sensor.

    Attributes
    ----------
    pairs : Agreement
        Tracks that were detected, each once, and one detection of each.
    probability : (n,) float array
        Detection probability of every track.
    """

    pairs: Agreement
    probability: Floats


def tracked(tracks: Tracks, scan: Scan, settings: TrackerSettings) -> tuple[Tracks, Comparison]:
    """Take one scan of one sensor.

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
    is_camera = scan.kind == CAMERA
    seen = sight(tracks, scan.views[0]) if scan.views else None
    agreed = agreement(tracks, scan, settings, seen)
    if is_camera:
        chosen = pairs = agreed.take(one_to_one(agreed, 0.5 * np.minimum(tracks.values[LOG_ODDS], 4.0)))
    else:
        chosen = agreed.take(many_to_one(agreed))
        pairs = chosen.take(_once(chosen.rows, len(tracks)))
    probability = detection_probability(tracks, scan, seen)
    clutter = settings.camera_clutter_per_m2 if is_camera else settings.radar_clutter_per_m2
    update_existence(tracks, scan, pairs, probability, clutter, settings)
    if is_camera:
        _update_by_detections(tracks, pairs, scan, settings)
    elif len(chosen.rows):
        _update_by_returns(tracks, chosen, scan, settings)
    turn_to_motion(tracks)
    free = np.ones(len(scan), np.bool_)
    free[chosen.detections] = False
    compared = Comparison(pairs, probability)
    if not is_camera and not settings.radars_begin:
        return tracks, compared  # what only confirms ends nothing: the next detections or the next list will
    count = len(tracks)
    tracks = begun(tracks, scan, free.nonzero()[0], settings)
    touched = np.arange(count, len(tracks))
    if is_camera:
        touched = np.concatenate([pairs.rows, touched])
    return survivors(tracks, settings, touched), compared


def _once(rows: Ints, count: int) -> Ints:
    """Each track once: its first pair."""
    first = np.full(count, -1)
    first[rows[::-1]] = np.arange(len(rows))[::-1]
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
        update_range_rates(moved, rate[told], settings.doppler_deviation_mps**2 * scan.repeats, scan.views[0])
        tracks.values[MOTION, rows[told]] = moved
    if scan.repeats == 1.0:
        adapt_agility(tracks.values, rows, whitened)
    update_looks(tracks, rows, scan, detections)


def _diluted(innovations: Floats, scan: Scan, detections: Ints, settings: TrackerSettings) -> Floats:
    """What a vendor has filtered says the same in scan after scan: each counts for its share."""
    made, more = innovations.copy(), (scan.repeats - 1.0) * settings.camera_variance_factor
    made[2] += more * scan.variance_xx[detections]
    made[3] += more * scan.variance_xy[detections]
    made[4] += more * scan.variance_yy[detections]
    return made


def _update_by_returns(tracks: Tracks, chosen: Agreement, scan: Scan, settings: TrackerSettings) -> None:
    """Update by radar returns: those of one track together, as one measurement of its position and its range rate."""
    counts = np.bincount(chosen.rows, minlength=len(tracks))
    rows, detections = counts.nonzero()[0], chosen.detections
    count = counts[rows]
    rate = scan.range_rate_mps[detections]
    no_rate = rate != rate
    each = [*chosen.innovations, scan.variance_xx[detections], scan.variance_xy[detections]]
    each += [scan.variance_yy[detections], np.where(no_rate, 0.0, rate), no_rate]
    # rows: what is averaged; columns: tracks
    mean = np.array(each) @ ((chosen.rows[:, None] == rows) / count)
    dx, dy = mean[:2]
    # what is noise averages out over several returns; where on the body they come from does not, neither among them nor soon
    moved = tracks.values[MOTION].take(rows, axis=1)
    known = moved[P_XX : P_YY + 1]
    noise = settings.radar_variance_factor * (1.0 / count - BODY_REPEATS)
    s_xx, s_xy, s_yy = known + BODY_REPEATS * (mean[2:5] - known) + noise * mean[5:8]
    shared = 0.5 + 0.5 / count
    whitened = update_positions(moved, dx, dy, s_xx, s_xy, s_yy)
    # one that does not tell its rate is updated by the rate it has, with no weight
    variance = np.where(mean[9] == 0.0, settings.doppler_deviation_mps**2 * shared, np.inf)
    surprise = update_range_rates(moved, mean[8], variance, scan.views[0])
    tracks.values[MOTION, rows] = moved
    adapt_agility(tracks.values, rows, whitened, surprise)
