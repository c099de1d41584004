"""What is fixed of the detector and its training; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

STRIDE = 4
"""Pixels of the picture per cell of the output. [px]"""
CLASS_COUNT = 4
CHANNELS = CLASS_COUNT + 6
"""Heat per class; left, top, right, bottom; ground x, ground y; the last six in cells."""
MEAN, SCALE = 114.0, 1 / 64.0
"""How pictures are brought to the network's range; the exported model does it by the scale of its first tensor."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the recipe.

    Attributes
    ----------
    steps : int
        Number of batches.
    peak_rate : float
        Highest learning rate; it falls to a fiftieth as a cosine.
    box_weight : float
        Weight of the boxes' loss beside the heat's.
    """

    steps: int
    peak_rate: float
    box_weight: float


PHASES = (Phase(2600, 2.5e-3, 1.5), Phase(1300, 1.0e-3, 1.5), Phase(4000, 2.0e-3, 3.0))
"""From scratch, then twice on from the exported model; about half a second a batch on one free core."""
