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
from lukou_roadside.perception.tracking.tracks import LOG_ODDS, MOTION, P_XX, P_XY, P_YY, Tracks
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

Innovations = tuple[Floats, Floats, Floats, Floats, Floats]
"""Differences and their covariance: dx, dy, s_xx, s_xy, s_yy."""


class Comparison(NamedTuple):
    """What a scan said of the tracks as they were expected: enough to learn about its sensor.

    Attributes
    ----------
    rows, detections : (k,) int array
        Tracks that were detected, each once, and one detection of each.
    innovations : five (k,) float array
        Differences and their covariance: dx, dy, s_xx, s_xy, s_yy.
    probability : (n,) float array
        Detection probability of every track.
    """

    rows: Ints
    detections: Ints
    innovations: Innovations
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
        rows, detections = one_to_one(agreed, settings.gate, 0.5 * np.minimum(tracks.values[LOG_ODDS], 4.0))
        pairs = rows, detections
    else:
        rows, detections = many_to_one(agreed, settings.gate)
        pairs = _once(rows, detections, len(tracks))
    probability = detection_probability(tracks, scan, seen)
    innovations = agreed.at(*pairs)
    clutter = settings.camera_clutter_per_m2 if is_camera else settings.radar_clutter_per_m2
    update_existence(tracks, scan, pairs, agreed.log_likelihood[pairs], probability, clutter, settings)
    if is_camera:
        _update_by_detections(tracks, rows, detections, innovations, scan, settings)
    elif len(rows):
        _update_by_returns(tracks, rows, detections, agreed, scan, settings)
    turn_to_motion(tracks)
    free = np.ones(len(scan), np.bool_)
    free[detections] = False
    compared = Comparison(*pairs, innovations, probability)
    if not is_camera and not settings.radars_begin:
        return tracks, compared  # what only confirms ends nothing: the next detections or the next list will
    count = len(tracks)
    tracks = begun(tracks, scan, free.nonzero()[0], settings)
    touched = np.arange(count, len(tracks))
    if is_camera:
        touched = np.concatenate([pairs[0], touched])
    return survivors(tracks, settings, touched), compared


def _once(rows: Ints, detections: Ints, count: int) -> tuple[Ints, Ints]:
    """Each track once, with its first detection."""
    first = np.full(count, -1)
    first[rows[::-1]] = detections[::-1]
    chosen = (first >= 0).nonzero()[0]
    return chosen, first[chosen]


def _update_by_detections(
    tracks: Tracks, rows: Ints, detections: Ints, innovations: Innovations, scan: Scan, settings: TrackerSettings
) -> None:
    """Update by detections of whole road users; some tell a range rate."""
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


def _diluted(innovations: Innovations, scan: Scan, detections: Ints, settings: TrackerSettings) -> Innovations:
    """What a vendor has filtered says the same in scan after scan: each counts for its share."""
    dx, dy, s_xx, s_xy, s_yy = innovations
    more = (scan.repeats - 1.0) * settings.camera_variance_factor
    return (
        dx,
        dy,
        s_xx + more * scan.variance_xx[detections],
        s_xy + more * scan.variance_xy[detections],
        s_yy + more * scan.variance_yy[detections],
    )


def _update_by_returns(
    tracks: Tracks, rows: Ints, detections: Ints, agreed: Agreement, scan: Scan, settings: TrackerSettings
) -> None:
    """Update by radar returns: those of one track together, as one measurement of its position and its range rate."""
    counts = np.bincount(rows, minlength=len(tracks))
    chosen = counts.nonzero()[0]
    count = counts[chosen]

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(rows, values, len(tracks))[chosen] / count)

    dx, dy, s_xx, s_xy, s_yy = (mean(part) for part in agreed.at(rows, detections))
    # what is noise averages out over several returns; where on the body they come from does not, neither among them nor soon
    moved = tracks.values[MOTION].take(chosen, axis=1)
    noise = settings.radar_variance_factor * (1.0 / count - BODY_REPEATS)
    s_xx = moved[P_XX] + BODY_REPEATS * (s_xx - moved[P_XX]) + noise * mean(scan.variance_xx[detections])
    s_xy = moved[P_XY] + BODY_REPEATS * (s_xy - moved[P_XY]) + noise * mean(scan.variance_xy[detections])
    s_yy = moved[P_YY] + BODY_REPEATS * (s_yy - moved[P_YY]) + noise * mean(scan.variance_yy[detections])
    shared = 0.5 + 0.5 / count
    whitened = update_positions(moved, dx, dy, s_xx, s_xy, s_yy)
    rate = mean(scan.range_rate_mps[detections])
    told = rate == rate
    # one that does not tell its rate is updated by the rate it has, with no weight
    variance = np.where(told, settings.doppler_deviation_mps**2 * shared, np.inf)
    surprise = update_range_rates(moved, np.where(told, rate, 0.0), variance, scan.views[0])
    tracks.values[MOTION, chosen] = moved
    adapt_agility(tracks.values, chosen, whitened, surprise)
