"""Belief that each road user exists, after D. Musicki, R. Evans, S. Stankovic, "Integrated Probabilistic Data Association" (1994)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.scan import Floats, Ints
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import CONFIRMED, LOG_ODDS, MEASURED, PRIOR, Tracks

EVIDENCE_GAIN = 0.2
"""Weight of the bound of a weaker detection against stronger evidence held."""


class Looks(NamedTuple):
    """Who was detected and who could have been, by one or several sensors at about the same time.

    Attributes
    ----------
    sensors : (s,) int array
        The sensors, all different.
    times_s : (s,) float array
        Instant of each one's scan. [s]
    probability : (s, n) float array
        Detection probability of every track.
    look, rows : (k,) int array
        Which look found which track; no pair twice.
    log_likelihood, score : (k,) float array
        Of the detection.
    """

    sensors: Ints
    times_s: Floats
    probability: Floats
    look: Ints
    rows: Ints
    log_likelihood: Floats
    score: Floats


def update_existence(tracks: Tracks, looks: Looks, clutter_per_m2: float, settings: TrackerSettings) -> None:
    """Belief that each road user exists, after a detection or a miss, and when it was last seen.

    Every sensor's evidence is kept apart and bounded. Looks of one sensor at a scene that stands still repeat their errors: the gap
    between two cars that resembles a person does so in every picture. What a hundred such detections can say is
    bounded by their score, and another sensor that sees the place plainly and finds nothing can outweigh them.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the scans; changed.
    looks : Looks
        What came of the scans.
    clutter_per_m2 : float
        False detections per scan and area. [1/m^2]
    settings : TrackerSettings
        Settings.
    """
    numbers = _Numbers(
        math.log(clutter_per_m2),
        settings.score_weight,
        settings.sensor_log_odds,
        settings.sensor_score_weight,
        settings.most_log_odds,
        settings.most_contrary_log_odds,
        settings.miss_weight,
        settings.evidence_memory_s,
        settings.confirm_log_odds,
    )
    _update(tracks.values, tracks.evidence, tracks.sensor_seen_s, tracks.time_s, looks, numbers)


class _Numbers(NamedTuple):
    log_clutter: float
    score_weight: float
    sensor_log_odds: float
    sensor_score_weight: float
    most_log_odds: float
    most_contrary_log_odds: float
    miss_weight: float
    evidence_memory_s: float
    confirm_log_odds: float


@compiled
def _update(values: Floats, evidence: Floats, seen: Floats, time_s: float, looks: Looks, numbers: _Numbers) -> None:
    most = numbers.most_log_odds
    found = np.empty(len(looks.rows))
    for pair in range(len(looks.rows)):
        look, k = looks.look[pair], looks.rows[pair]
        score = min(max(looks.score[pair], 0.05), 0.95)
        score_odds = math.log(score / (1.0 - score))
        gained = math.log(max(looks.probability[look, k], 0.1)) + looks.log_likelihood[pair]
        gained = min(max(gained + numbers.score_weight * score_odds - numbers.log_clutter, -1.0), 4.0)
        bound = min(max(numbers.sensor_log_odds + numbers.sensor_score_weight * score_odds, 0.0), most)
        held = evidence[looks.sensors[look], k]
        found[pair] = min(held + gained, bound) if held <= bound else held + EVIDENCE_GAIN * (bound - held)
    for look in range(len(looks.sensors)):
        said = evidence[looks.sensors[look]]
        for k in range(len(said)):
            missed = said[k] + numbers.miss_weight * math.log1p(-min(looks.probability[look, k], 0.98))
            said[k] = max(missed, min(said[k], -numbers.most_contrary_log_odds))
    for pair in range(len(looks.rows)):
        look, k = looks.look[pair], looks.rows[pair]
        evidence[looks.sensors[look], k] = found[pair]
        seen[looks.sensors[look], k] = values[MEASURED, k] = looks.times_s[look]
    for k in range(values.shape[1]):
        support, contrary = 0.0, 0.0
        for sensor in range(len(evidence)):
            said = evidence[sensor, k]
            if said > 0.0:
                support += said * math.exp((seen[sensor, k] - time_s) / numbers.evidence_memory_s)
            contrary = min(contrary, said)
        values[LOG_ODDS, k] = min(values[PRIOR, k] + support + contrary, most)
        if values[LOG_ODDS, k] > numbers.confirm_log_odds:
            values[CONFIRMED, k] = 1.0
