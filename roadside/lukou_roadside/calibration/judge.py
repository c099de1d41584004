"""How well a camera fits: the map's lines in the picture, and the picture's edges on the map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lukou_roadside.calibration.alignment import score
from lukou_roadside.calibration.edges import Edges
from lukou_roadside.calibration.ground_lines import EdgePoints, GroundLines
from lukou_roadside.calibration.lane_lines import LineSamples
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings

EXPLAINED_WEIGHT = 2.0
"""Weight of the picture's edges that the map explains against the map's lines that the picture shows: stripes and texture meet any line."""


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """One picture and the map around its camera.

    Attributes
    ----------
    lines : LineSamples
        Of the map.
    edges : Edges
        Of the picture.
    ground : GroundLines
        The lines as a raster.
    points : EdgePoints
        Points on the picture's straight segments.
    """

    lines: LineSamples
    edges: Edges
    ground: GroundLines
    points: EdgePoints

    def score(self, camera: CameraSettings, sigma_px: float) -> float:
        """0 (nothing fits) to 3."""
        forth = score(camera, self.lines, self.edges, sigma_px)
        return (
            forth + EXPLAINED_WEIGHT * self.ground.explained_share(Calibration(camera), self.points)
            if forth > 0
            else 0.0
        )

    def with_few_lines(self, most: int, seed: int = 0) -> Judge:
        """The same with a random part of the lines' samples, for searching."""
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(len(self.lines), min(len(self.lines), most), replace=False))
        return replace(self, lines=self.lines.take(rows))
