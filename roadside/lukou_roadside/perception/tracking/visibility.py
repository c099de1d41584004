"""Probability that a sensor detects what is there: in view, not too far, not hidden behind another road user."""

from __future__ import annotations

import math

import numpy as np

from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Scan
from lukou_roadside.perception.tracking.sweeps import Sweeps
from lukou_roadside.perception.tracking.tracks import CONFIRMED, LENGTH, VX, VY, WIDTH, YAW_X, YAW_Y, Tracks, X, Y

CAMERA_DETECTION = 0.93
"""Probability that a camera's detector finds a road user near and in plain view."""

RADAR_DETECTION = 0.8
"""Probability that a radar returns something of a moving road user in plain view."""

HIDDEN_DETECTION = 0.35
"""Share of the detection probability that is left where the centre lies behind another road user."""

FAR_SHARE = 0.6
"""Share of the detection probability that is left at the farthest distance."""

STANDING_RADAR_SHARE = 0.3
"""Share left for a radar looking at something that hardly moves along its line of sight."""

STANDING_RADAR_MPS = 0.7
"""Less along its line of sight is hardly a movement for a radar. [m/s]"""

OUT_OF_VIEW = 0.02
"""Detection probability outside every view: the view is not known to the metre."""

LEAST_WEIGHT = 0.05
"""Below this weight the direction of a road user is not known. (length of the mean direction vector, 0 to 1)"""

LEAST_WIDTH_M = 1.2
"""Who is narrower hides nobody. [m]"""


UX, UY, DISTANCE, ALONG_M, ACROSS_M = range(5)
"""Rows of what a view sees of every track: unit vector from the sensor, distance, extent of the footprint along and across the line of sight. [1, 1, m, m, m]"""


@compiled
def sights(values: Floats, views: Floats) -> Floats:
    """How views see the tracks.

    Parameters
    ----------
    values : (rows, n) float array
        Of the tracks.
    views : (views, 6) float array
        As in `View`.

    Returns
    -------
    (views, 5, n) float array
        Rows as named above.
    """
    made = np.empty((len(views), 5, values.shape[1]))
    for view in range(len(views)):
        for k in range(values.shape[1]):
            dx, dy = values[X, k] - views[view, 0], values[Y, k] - views[view, 1]
            distance = max(math.sqrt(dx * dx + dy * dy), 1e-3)
            ux, uy = dx / distance, dy / distance
            yaw_x, yaw_y = values[YAW_X, k], values[YAW_Y, k]
            weight2, along = yaw_x * yaw_x + yaw_y * yaw_y, yaw_x * ux + yaw_y * uy
            # where the direction is not known: half way between along and across
            cos2 = min(along * along / weight2, 1.0) if weight2 > LEAST_WEIGHT**2 else 0.5
            cos, sin = math.sqrt(cos2), math.sqrt(1.0 - cos2)
            length, width = values[LENGTH, k], values[WIDTH, k]
            made[view, UX, k], made[view, UY, k], made[view, DISTANCE, k] = ux, uy, distance
            made[view, ALONG_M, k], made[view, ACROSS_M, k] = cos * length + sin * width, sin * length + cos * width
    return made


def detection_probability(tracks: Tracks, scan: Scan) -> Floats:
    """Probability that `scan` holds a detection of each track.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the scan.
    scan : Scan
        The scan; only its views and kind matter.

    Returns
    -------
    (n,) float array
        Probability; the best of all views.
    """
    full = (CAMERA_DETECTION if scan.kind == CAMERA else RADAR_DETECTION) * scan.presence
    if not scan.views:
        return np.full(len(tracks), full)
    views = np.array(scan.views, np.float64)
    seen = sights(tracks.values, views)
    each = _probability(tracks.values, views, np.full(len(views), full), seen, scan.kind != CAMERA)
    return each[0] if len(each) == 1 else np.asarray(each.max(axis=0))


def return_probability(tracks: Tracks, sweeps: Sweeps, seen: Floats) -> Floats:
    """Probability that each sweep holds a return of each track: `detection_probability` of several radars at once.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the sweeps.
    sweeps : Sweeps
        The sweeps; only where the radars stand and look matters.
    seen : (sweeps, 5, n) float array
        How they see the tracks.

    Returns
    -------
    (sweeps, n) float array
        Probability.
    """
    return _probability(tracks.values, sweeps.views, RADAR_DETECTION * sweeps.presence, seen, True)


@compiled
def _probability(values: Floats, views: Floats, full: Floats, seen: Floats, is_radar: bool) -> Floats:
    """Detection probability of every track in every view; `full` is that of who is near and in plain view."""
    count = values.shape[1]
    made, hiding = np.empty((len(views), count)), np.empty(count, np.int64)
    for view in range(len(views)):
        azimuth, opening, nearest, farthest = views[view, 2], views[view, 3], views[view, 4], views[view, 5]
        ux, uy, distance, across = seen[view, UX], seen[view, UY], seen[view, DISTANCE], seen[view, ACROSS_M]
        cos, sin, least = math.cos(azimuth), math.sin(azimuth), math.cos(min(0.5 * opening, math.pi))
        hiders = 0
        for k in range(count):
            is_visible = ux[k] * cos + uy[k] * sin > least and nearest < distance[k] < farthest
            made[view, k] = full[view] * (1.0 - (1.0 - FAR_SHARE) / farthest * distance[k]) if is_visible else 0.0
            if is_visible and values[CONFIRMED, k] > 0.5 and across[k] > LEAST_WIDTH_M:
                hiding[hiders] = k
                hiders += 1
        for k in range(count):
            probability = made[view, k]
            for by in hiding[:hiders] if probability > 0.0 else hiding[:0]:
                if distance[k] <= distance[by] + 1.0:
                    continue
                # sine of the angle between the lines of sight
                beside = abs(ux[k] * uy[by] - uy[k] * ux[by])
                in_front = opening <= math.pi or ux[k] * ux[by] + uy[k] * uy[by] > 0.0
                if in_front and beside < 0.5 * across[by] / distance[by]:
                    probability *= HIDDEN_DETECTION
                    break
            probability = max(probability, OUT_OF_VIEW)
            if is_radar and abs(ux[k] * values[VX, k] + uy[k] * values[VY, k]) <= STANDING_RADAR_MPS:
                probability *= STANDING_RADAR_SHARE
            made[view, k] = probability
    return made
