"""What the covariances of a list say of who stands, and where."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.travel import STANDING_MPS
from lukou_messages.objects import ObjectList

SURE = 1.5
"""Whoever stood seems to drive off only beyond so many of the deviations that its speed is told with."""

MOST_STANDING_MPS = 3.0
"""Whoever is told to be faster drives, however unsure it is. [m/s]"""

UNSURE_M = 0.6
"""Whose place is told with a larger deviation may be on the lane beside. [m]"""

SPEED_VARIANCES = ("velocity_variance_xx_m2ps2", "velocity_variance_yy_m2ps2")
PLACE_VARIANCES = ("position_variance_xx_m2", "position_variance_yy_m2")


def standing_mps(objects: ObjectList) -> NDArray[np.float64]:
    """(n,) Speed below which somebody who stood stands still. [m/s]"""
    return np.asarray(np.minimum(STANDING_MPS + SURE * _deviation(objects, SPEED_VARIANCES), MOST_STANDING_MPS))


def has_unsure_place(objects: ObjectList) -> NDArray[np.bool_]:
    """(n,) Whose place is too unsure to tell one lane from the next."""
    return np.asarray(_deviation(objects, PLACE_VARIANCES) > UNSURE_M)


def _deviation(objects: ObjectList, variances: tuple[str, str]) -> NDArray[np.float64]:
    """How unsure everybody is told to be, on either axis; 0 where nothing is told."""
    if not all(objects.has(name) for name in variances):
        return np.zeros(len(objects))
    told = [np.nan_to_num(np.asarray(getattr(objects, name), np.float64)) for name in variances]
    return np.asarray(np.sqrt(np.maximum(0.5 * (told[0] + told[1]), 0.0)))
