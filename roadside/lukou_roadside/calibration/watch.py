"""Whether a camera still looks where its calibration says: the map's lines against the edges of the picture as it is now."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lukou_maps.road_model import RoadModel
from lukou_roadside.calibration.alignment import aligned, found_share
from lukou_roadside.calibration.edges import find_edges, find_segments
from lukou_roadside.calibration.ground_lines import GroundLines, edge_points
from lukou_roadside.calibration.judge import Judge
from lukou_roadside.calibration.lane_lines import lane_lines
from lukou_roadside.calibration.parameters import camera_at, vector_of
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.scan import Floats

MOVED_RAD = math.radians(0.5)
"""A camera that has turned by more is said to have moved: 0.35 m at 40 m across, several metres along. [rad]"""

PLACE_M, TURN_RAD, ROLL_RAD = 0.15, math.radians(4.0), math.radians(2.0)
"""Standard deviations of what wind, a bump or a worker may have changed. [m, rad]"""

SEARCH_RAD = math.radians(8.0)
"""A camera whose lines are not found near where they should be is looked for so far to each side, up and down. [rad]"""

STEP_RAD = math.radians(1.0)
"""Step of that search. [rad]"""

LEAST_SHARE = 0.45
"""With a smaller share of the lines found nothing is said: too dark, too worn, or the wrong map."""

SIGMAS = 4.0
"""A turn counts that is larger than so many standard deviations."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was seen.

    Attributes
    ----------
    found_share : float
        Share of the map's lines that lie on edges with the calibration as it stands.
    best_share : float
        The same with the camera turned as found.
    azimuth_rad, pitch_rad, roll_rad : float
        How far the camera has turned; nan where the lines do not tell. [rad]
    deviation_rad : float
        Standard deviation of the larger of azimuth and pitch. [rad]
    """

    found_share: float
    best_share: float
    azimuth_rad: float = math.nan
    pitch_rad: float = math.nan
    roll_rad: float = math.nan
    deviation_rad: float = math.nan

    @property
    def is_sure(self) -> bool:
        """Whether enough lines were found to say anything."""
        return self.best_share >= LEAST_SHARE and math.isfinite(self.azimuth_rad)

    @property
    def turn_rad(self) -> float:
        """How far the optical axis has turned. [rad]"""
        return math.hypot(self.azimuth_rad, self.pitch_rad)

    @property
    def has_moved(self) -> bool:
        """Whether the turn is larger than what is tolerated and than its own uncertainty."""
        return self.is_sure and self.turn_rad > max(MOVED_RAD, SIGMAS * self.deviation_rad)

    @property
    def words(self) -> str:
        """For an operator; empty where all is well."""
        if not self.is_sure:
            return f"lane lines are not recognised ({self.found_share:.0%} found)"
        if not self.has_moved:
            return ""
        parts = [
            f"{abs(math.degrees(angle)):.1f} degrees {word[angle < 0]}"
            for angle, word in (
                (self.azimuth_rad, ("to the left", "to the right")),
                (self.pitch_rad, ("up", "down")),
                (self.roll_rad, ("rolled clockwise", "rolled counter-clockwise")),
            )
            if abs(angle) > 0.5 * MOVED_RAD
        ]
        return f"has moved: {', '.join(parts)} against its calibration"

    def figures(self) -> dict[str, Any]:
        """For reports."""
        turns = {name: getattr(self, f"{name}_rad") for name in ("azimuth", "pitch", "roll", "deviation")}
        told = {
            f"{name}_degrees": round(math.degrees(value), 3) for name, value in turns.items() if math.isfinite(value)
        }
        shares = {"found_share": round(self.found_share, 3), "best_share": round(self.best_share, 3)}
        return {**shares, "has_moved": self.has_moved, "is_sure": self.is_sure, **told}


class MountingWatch:
    """Compares pictures of one camera with the map.

    Parameters
    ----------
    camera : CameraSettings
        The calibration.
    model : RoadModel
        The map.
    """

    def __init__(self, camera: CameraSettings, model: RoadModel) -> None:
        near = camera.x_m, camera.y_m
        self._camera, self._lines = camera, lane_lines(model, near)
        self._ground = GroundLines(self._lines, model, near) if len(self._lines) else None

    def judged(self, picture: NDArray[np.uint8]) -> Judgement:
        """Where the camera looks now.

        Parameters
        ----------
        picture : (h, w, 3) uint8 array
            Best a median of some pictures, without traffic.
        """
        if self._ground is None:
            return Judgement(0.0, 0.0)
        camera, lines = self._camera, self._lines
        edges = find_edges(picture)
        judge = Judge(lines, edges, self._ground, edge_points(find_segments(picture, 0.03 * camera.width_px), 600))
        share = found_share(camera, lines, edges)
        start = vector_of(camera)
        prior = np.array([PLACE_M, PLACE_M, PLACE_M, TURN_RAD, TURN_RAD, ROLL_RAD, 0.0, 0.0])
        best: tuple[float, Judgement] | None = None
        for begin in _begins(camera, start, judge):
            found = aligned(camera, begin, prior, lines, edges, mean=start)
            if found is None:
                continue
            turned = camera_at(camera, found.vector)
            azimuth, pitch, roll = (float(value) for value in (found.vector - start)[3:6])
            deviation = float(np.sqrt(max(found.covariance[3, 3], found.covariance[4, 4])))
            told = Judgement(share, found_share(turned, lines, edges), azimuth, pitch, roll, deviation)
            quality = judge.score(turned, sigma_px=2.0)
            if best is None or quality > best[0]:
                best = quality, told
        return best[1] if best is not None else Judgement(share, share)


def _begins(camera: CameraSettings, start: Floats, judge: Judge) -> list[Floats]:
    """Where to begin: as calibrated, and the best of a search around."""
    few = judge.with_few_lines(500)
    turns = np.arange(-SEARCH_RAD, SEARCH_RAD + 1e-9, STEP_RAD)
    tried = []
    for azimuth in turns:
        for pitch in turns:
            moved = start.copy()
            moved[3:5] += azimuth, pitch
            tried.append((few.score(camera_at(camera, moved), sigma_px=7.0), moved))
    tried.sort(key=lambda one: -one[0])
    rolled = []
    for _, vector in tried[:16]:
        for roll in (-STEP_RAD, 0.0, STEP_RAD):
            moved = vector.copy()
            moved[5] += roll
            rolled.append((few.score(camera_at(camera, moved), sigma_px=4.0), moved))
    rolled.sort(key=lambda one: -one[0])
    begins = [start]
    for _, moved in rolled:
        if all(np.abs(moved - other)[3:6].max() > 0.9 * STEP_RAD for other in begins):
            begins.append(moved)
        if len(begins) == 6:
            break
    return begins
