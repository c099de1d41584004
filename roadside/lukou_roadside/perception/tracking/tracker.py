"""One scan into the tracks: the composition of all steps."""

from __future__ import annotations

import numpy as np

from lukou_roadside.perception.tracking.associator import many_to_one, one_to_one
from lukou_roadside.perception.tracking.deleter import survivors
from lukou_roadside.perception.tracking.gater import Agreement, agreement
from lukou_roadside.perception.tracking.initiator import begun
from lukou_roadside.perception.tracking.predictor import predicted
from lukou_roadside.perception.tracking.registration import Matches, matches
from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Ints, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import Tracks
from lukou_roadside.perception.tracking.updater import (
    turned_to_motion,
    with_existence,
    with_looks,
    with_positions,
    with_range_rates,
)
from lukou_roadside.perception.tracking.visibility import detection_probability, sight


def tracked(tracks: Tracks, scan: Scan, settings: TrackerSettings) -> tuple[Tracks, Matches | None]:
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
    Matches or None
        What it says of its sensor; None where it has not exactly one view.
    """
    tracks = predicted(tracks, scan.time_s)
    is_camera = scan.kind == CAMERA
    seen = sight(tracks, scan.views[0]) if scan.views else None
    agreed = agreement(tracks, scan, settings, seen)
    if is_camera:
        rows, detections = one_to_one(agreed, settings.gate, 0.5 * np.minimum(tracks.log_odds, 4.0))
    else:
        rows, detections = many_to_one(agreed, settings.gate)
    probability = detection_probability(tracks, scan, seen)
    clutter = settings.camera_clutter_per_m2 if is_camera else settings.radar_clutter_per_m2
    first_rows, first = np.unique(rows, return_index=True)
    told = _told(tracks, scan, (first_rows, detections[first]), agreed, probability) if len(scan.views) == 1 else None
    tracks = with_existence(tracks, scan, (first_rows, detections[first]), agreed, probability, clutter, settings)
    if is_camera:
        tracks = with_positions(
            tracks,
            rows,
            agreed.dx_m[rows, detections],
            agreed.dy_m[rows, detections],
            agreed.r_xx[rows, detections],
            agreed.r_xy[rows, detections],
            agreed.r_yy[rows, detections],
        )
        rated = ~np.isnan(scan.range_rate_mps[detections])
        if rated.any() and scan.views:
            rate = scan.range_rate_mps[detections[rated]]
            variance = np.full(len(rate), settings.doppler_deviation_mps**2)
            tracks = with_range_rates(tracks, rows[rated], rate, variance, scan)
        tracks = with_looks(tracks, rows, scan, detections)
    else:
        tracks = _with_returns(tracks, rows, detections, agreed, scan, settings)
    tracks = turned_to_motion(tracks)
    free = np.ones(len(scan), np.bool_)
    free[detections] = False
    tracks = begun(tracks, scan, np.flatnonzero(free), settings)
    return survivors(tracks, settings), told


def _told(tracks: Tracks, scan: Scan, pairs: tuple[Ints, Ints], agreed: Agreement, probability: Floats) -> Matches:
    innovations = (agreed.dx_m, agreed.dy_m, agreed.s_xx, agreed.s_xy, agreed.s_yy)
    return matches(tracks, scan, pairs, tuple(part[pairs] for part in innovations), probability)  # type: ignore[arg-type]


def _with_returns(
    tracks: Tracks, rows: Ints, detections: Ints, agreed: Agreement, scan: Scan, settings: TrackerSettings
) -> Tracks:
    """Update by radar returns: those of one track together, as one measurement of its position and its range rate."""
    if len(rows) == 0:
        return tracks
    chosen, number = np.unique(rows, return_inverse=True)
    count = np.bincount(number)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.bincount(number, weights=values[rows, detections]) / count)

    # returns of one body share most of their error: their mean is better than one of them, but not by much
    shared = 0.5 + 0.5 / count
    tracks = with_positions(
        tracks,
        chosen,
        mean(agreed.dx_m),
        mean(agreed.dy_m),
        mean(agreed.r_xx) * shared,
        mean(agreed.r_xy) * shared,
        mean(agreed.r_yy) * shared,
    )
    rate = np.bincount(number, weights=scan.range_rate_mps[detections]) / count
    variance = settings.doppler_deviation_mps**2 * shared
    told = ~np.isnan(rate)
    return with_range_rates(tracks, chosen[told], rate[told], variance[told], scan)
