"""What is known of each kind of road user before it is seen; rows are `lukou.v1.ObjectClass` 0 to 9.

Sizes: GB 1589-2016 and common fleet averages; motion: A. Bokare and A. Maurya, "Acceleration-Deceleration Behaviour of
Various Vehicle Types" (2017), tables 2-5, rounded; walkers: Fruin, "Pedestrian Planning and Design" (1971).
"""

from __future__ import annotations

import numpy as np

COUNT = 10
"""Number of classes, the unknown one included."""

CAR, TRUCK, BUS, MOTORCYCLE, BICYCLE, PEDESTRIAN = 1, 2, 3, 4, 5, 6

LENGTH_M = np.array([4.0, 4.5, 8.5, 11.5, 2.1, 1.7, 0.5, 1.0, 1.0, 30.0])
"""Usual length. [m]"""

WIDTH_M = np.array([1.6, 1.8, 2.5, 2.55, 0.8, 0.6, 0.5, 0.5, 1.0, 2.6])
"""Usual width. [m]"""

SIZE_M = np.array([LENGTH_M, WIDTH_M])
"""Both, as rows. [m]"""

HEIGHT_M = np.array([1.6, 1.5, 3.0, 3.1, 1.6, 1.7, 1.7, 1.0, 0.5, 3.5])
"""Usual height. [m]"""

ALONG_NOISE = np.array([3.0, 2.5, 1.5, 1.5, 3.0, 1.2, 0.5, 1.5, 0.1, 0.8])
"""Spectral density of the acceleration along the motion. [m^2/s^3]"""

ACROSS_NOISE = np.array([2.0, 1.0, 0.6, 0.6, 1.5, 1.0, 0.5, 1.5, 0.1, 0.2])
"""Spectral density of the acceleration across the motion. [m^2/s^3]"""

NOISE = np.array([ALONG_NOISE, ACROSS_NOISE])
"""Both, as rows. [m^2/s^3]"""

DRIVES = np.array([0.5, 1.0, 1.0, 1.0, 1.0, 0.3, 0.0, 0.0, 0.0, 1.0])
"""How much of an acceleration lasts: an engine's and brakes' do, a step's does not."""

SPEED_DEVIATION_MPS = np.array([8.0, 9.0, 8.0, 8.0, 8.0, 4.5, 1.3, 1.5, 0.3, 8.0])
"""Standard deviation of each component of velocity at first sight. [m/s]"""

CONFUSION = np.full((COUNT, COUNT), 0.02)
"""Probability that a detector names column for what is truly row: cars, trucks and buses are mixed up, and two-wheelers with walkers."""
for _true, _named, _probability in (
    (CAR, TRUCK, 0.08),
    (CAR, BUS, 0.02),
    (TRUCK, CAR, 0.12),
    (TRUCK, BUS, 0.12),
    (BUS, TRUCK, 0.2),
    (BUS, CAR, 0.05),
    (MOTORCYCLE, BICYCLE, 0.2),
    (BICYCLE, MOTORCYCLE, 0.2),
    (BICYCLE, PEDESTRIAN, 0.1),
    (MOTORCYCLE, PEDESTRIAN, 0.08),
    (PEDESTRIAN, BICYCLE, 0.06),
    (PEDESTRIAN, MOTORCYCLE, 0.03),
):
    CONFUSION[_true, _named] = _probability
np.fill_diagonal(CONFUSION, 0.0)
np.fill_diagonal(CONFUSION, 1.0 - CONFUSION.sum(axis=1))
CONFUSION[0] = 1.0 / COUNT

PRIOR = np.array([0.02, 0.5, 0.07, 0.05, 0.08, 0.1, 0.17, 0.002, 0.002, 0.006])
"""Share of each class at an urban intersection, before anything is seen."""
