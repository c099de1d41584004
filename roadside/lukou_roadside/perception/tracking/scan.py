"""What one sensor saw at one instant."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lukou_roadside.perception.tracking.coverage import Coverage

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]

CAMERA, RADAR = 0, 1


class View(NamedTuple):
    """The part of the plane that a sensor watches.

    Attributes
    ----------
    x_m, y_m : float
        Position of the sensor. [m]
    azimuth_rad, opening_rad : float
        Middle direction and full opening angle. [rad]
    range_min_m, range_max_m : float
        Nearest and farthest distance. [m]
    """

    x_m: float
    y_m: float
    azimuth_rad: float = 0.0
    opening_rad: float = 2.0 * np.pi
    range_min_m: float = 0.0
    range_max_m: float = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Detections of one sensor at one instant, in the map frame.

    Attributes
    ----------
    sensor : int
        Number of the sensor, 0 to 31.
    kind : int
        `CAMERA` (positions of whole road users, with class) or `RADAR` (single returns, with range rate; without one view they are taken for positions).
    time_s : float
        Instant of measurement. [s]
    sequence : int
        Number of the scan of this sensor.
    x_m, y_m : (n,) float array
        Position. [m]
    variance_xx, variance_xy, variance_yy : (n,) float array
        Covariance of the position. [m^2]
    views : tuple of View
        What the scan covered; empty: everything.
    object_class : (n,) int array
        `lukou.v1.ObjectClass`; 0: not told.
    score : (n,) float array
        Confidence of the detector, 0 to 1.
    yaw_rad, length_m, width_m : (n,) float array
        Direction and size; nan: not told. [rad, m, m]
    range_rate_mps : (n,) float array
        Rate of change of the distance from the (single) view's position; nan: not told. [m/s]
    repeats : float
        So many scans in a row say the same once: 1 for measurements, more for tracks that a vendor has filtered already.
    presence : float
        What the absence of a detection says: 1 for measurements, little for a vendor that begins late and forgets who stands.
    age_s : (n,) float array, optional
        Only where the sensor tells no covariance and it is to be learned: how long it has followed each. [s]
    velocity_mps : (2, n) float array, optional
        Velocity over ground that a vendor's filter tells, along x and y; nan: not told. [m/s]
    velocity_variance : (n,) float array, optional
        Variance of each component of it, where known of the vendor's filter; else it is learned, and before any is known that of `spread`. [m^2/s^2]
    coverage : Coverage, optional
        Where the sensor has turned out to find less than it should; none: nowhere, or not known.
    """

    sensor: int
    kind: int
    time_s: float
    sequence: int
    x_m: Floats
    y_m: Floats
    variance_xx: Floats
    variance_xy: Floats
    variance_yy: Floats
    views: tuple[View, ...]
    object_class: Ints
    score: Floats
    yaw_rad: Floats
    length_m: Floats
    width_m: Floats
    range_rate_mps: Floats
    repeats: float = 1.0
    presence: float = 1.0
    age_s: Floats | None = None
    velocity_mps: Floats | None = None
    velocity_variance: Floats | None = None
    coverage: Coverage | None = None

    def __post_init__(self) -> None:
        """Have all arrays as compiled code takes them."""
        for name, kind in _ARRAYS.items():
            value = getattr(self, name)
            if value is not None and not (value.dtype == kind and value.flags.carray):
                object.__setattr__(self, name, np.require(value, kind, ["C", "W"]))

    def __len__(self) -> int:
        return len(self.x_m)

    @property
    def is_sweep(self) -> bool:
        """Whether these are returns of one radar of known place, several of which may be of one road user."""
        return self.kind == RADAR and len(self.views) == 1

    def of_tracks(self, rows: Ints, repeats: float, presence: float, age_s: Floats | None) -> Scan:
        """Some detections, as tracks that a vendor has filtered."""
        made = object.__new__(Scan)
        for name in _NAMES:
            value = getattr(self, name)
            object.__setattr__(made, name, value.take(rows, axis=-1) if isinstance(value, np.ndarray) else value)
        told = None if age_s is None else age_s[rows]
        for name, value in (("repeats", repeats), ("presence", presence), ("age_s", told)):
            object.__setattr__(made, name, value)
        return made

    def moved(self, time_s: float, x_m: Floats, y_m: Floats, wider: Floats | float = 1.0) -> Scan:
        """The same detections at another time and other positions, their covariances times a factor."""
        made = object.__new__(Scan)  # `dataclasses.replace`, several times faster
        for name in _NAMES:
            object.__setattr__(made, name, getattr(self, name))
        changed = {"time_s": time_s, "x_m": x_m, "y_m": y_m}
        for name in ("variance_xx", "variance_xy", "variance_yy"):
            changed[name] = getattr(self, name) * wider
        for name, value in changed.items():
            object.__setattr__(made, name, value)
        return made

    def with_coverage(self, coverage: Coverage) -> Scan:
        """The same detections of a sensor of which is known where it finds little."""
        made = object.__new__(Scan)
        for name in _NAMES:
            object.__setattr__(made, name, getattr(self, name))
        object.__setattr__(made, "coverage", coverage)
        return made

    def with_velocities(self, velocity_mps: Floats, variance: Floats) -> Scan:
        """The same detections, with velocities and their variance."""
        made = object.__new__(Scan)
        for name in _NAMES:
            object.__setattr__(made, name, getattr(self, name))
        object.__setattr__(made, "velocity_mps", velocity_mps)
        object.__setattr__(made, "velocity_variance", variance)
        return made


_NAMES = tuple(field.name for field in fields(Scan))
_ARRAYS = {
    field.name: np.int64 if field.type == "Ints" else np.float64
    for field in fields(Scan)
    if str(field.type).startswith(("Ints", "Floats"))
}
