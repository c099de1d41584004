"""What detections say of how road users look: class, direction of the front and size; all of it in place."""

from __future__ import annotations

import math

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.scan import Floats, Ints, Scan
from lukou_roadside.perception.tracking.tracks import (
    ACROSS,
    ALONG,
    CLASS,
    LENGTH,
    SIZE_WEIGHT,
    VX,
    VY,
    WIDTH,
    YAW_X,
    YAW_Y,
    Tracks,
)

YAW_GAIN = 0.2
"""Weight of a new direction against the one known."""

LEAST_SIZE_GAIN = 0.04
"""Weight of a new size against the one known, once many are known."""

TRUSTED_SPEED_MPS = 2.5
"""Above this speed the direction of motion is the direction of the front. [m/s]"""


def update_looks(tracks: Tracks, rows: Ints, scan: Scan, detections: Ints) -> None:
    """Class, direction and size of some tracks by the detections that were theirs."""
    told = scan.object_class, scan.score, scan.yaw_rad, scan.length_m, scan.width_m
    _update_looks(tracks.values, rows, detections, *told)


@compiled
def _update_looks(
    values: Floats,
    rows: Ints,
    detections: Ints,
    object_class: Ints,
    score: Floats,
    yaw_rad: Floats,
    length_m: Floats,
    width_m: Floats,
) -> None:
    for pair in range(len(rows)):
        k, detection = rows[pair], detections[pair]
        update_class(values, k, object_class[detection], min(max(score[detection], 0.05), 0.95))
        yaw, length, width = yaw_rad[detection], length_m[detection], width_m[detection]
        if yaw == yaw:
            values[YAW_X, k] += YAW_GAIN * (math.cos(yaw) - values[YAW_X, k])
            values[YAW_Y, k] += YAW_GAIN * (math.sin(yaw) - values[YAW_Y, k])
        # nobody has told a size yet: who turns out to be a walker is no longer than one
        if values[SIZE_WEIGHT, k] == 0.0 and values[CLASS.start + classes.PEDESTRIAN, k] > 0.5:
            usual_m, usual_width_m = 0.0, 0.0
            for number in range(classes.COUNT):
                usual_m += classes.LENGTH_M[number] * values[CLASS.start + number, k]
                usual_width_m += classes.WIDTH_M[number] * values[CLASS.start + number, k]
            values[LENGTH, k], values[WIDTH, k] = min(values[LENGTH, k], usual_m), min(values[WIDTH, k], usual_width_m)
        if length == length:
            values[SIZE_WEIGHT, k] += 1.0
            gain = max(1.0 / values[SIZE_WEIGHT, k], LEAST_SIZE_GAIN)
            values[LENGTH, k] += gain * (length - values[LENGTH, k])
            values[WIDTH, k] += gain * (width - values[WIDTH, k])


@compiled
def update_class(values: Floats, k: int, named: int, confidence: float) -> None:
    """Probabilities of the classes of a track, and the noise of motion that follows from them."""
    total, along, across = 0.0, 0.0, 0.0
    for number in range(classes.COUNT):
        row = CLASS.start + number
        values[row, k] = max(values[row, k], 1e-3)
        if named != 0:
            # a class named with little confidence is mixed with "any class is as likely to be named"
            values[row, k] *= confidence * classes.CONFUSION[number, named] + (1.0 - confidence) / classes.COUNT
        total += values[row, k]
    for number in range(classes.COUNT):
        values[CLASS.start + number, k] /= total
        along += classes.ALONG_NOISE[number] * values[CLASS.start + number, k]
        across += classes.ACROSS_NOISE[number] * values[CLASS.start + number, k]
    values[ALONG, k], values[ACROSS, k] = along, across


@compiled
def turn_to_motion(values: Floats) -> None:
    """The front of what moves fast points where it goes."""
    for k in range(values.shape[1]):
        vx, vy = values[VX, k], values[VY, k]
        speed = math.sqrt(vx * vx + vy * vy)
        if speed > TRUSTED_SPEED_MPS:
            values[YAW_X, k] += YAW_GAIN * (vx / speed - values[YAW_X, k])
            values[YAW_Y, k] += YAW_GAIN * (vy / speed - values[YAW_Y, k])
