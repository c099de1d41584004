"""Tracks of one roadside unit, as tables in double precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lukou_messages.objects import ObjectList

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Sets = NDArray[np.object_]
"""Bit sets as Python's integers, for they have no end."""

ACCELERATION_DEVIATION_MPS2 = 2.0
"""Unknown acceleration while a track is carried to another instant. [m/s^2]"""

INTEGERS = ("id", "object_class", "lane")
"""Integer columns of `UnitTracks`."""

VALUES: dict[str, tuple[str, float]] = {
    "class_confidence": ("class_confidence", 0.5),
    "existence": ("existence_probability", 0.8),
    "x_m": ("x_m", 0.0),
    "y_m": ("y_m", 0.0),
    "z_m": ("z_m", 0.0),
    "vx_mps": ("velocity_x_mps", 0.0),
    "vy_mps": ("velocity_y_mps", 0.0),
    "ax_mps2": ("acceleration_x_mps2", 0.0),
    "ay_mps2": ("acceleration_y_mps2", 0.0),
    "yaw_rad": ("yaw_rad", float("nan")),
    "yaw_rate_radps": ("yaw_rate_radps", 0.0),
    "length_m": ("length_m", 4.0),
    "width_m": ("width_m", 1.8),
    "height_m": ("height_m", 1.6),
    "pxx": ("position_variance_xx_m2", 1.0),
    "pxy": ("position_variance_xy_m2", 0.0),
    "pyy": ("position_variance_yy_m2", 1.0),
    "vxx": ("velocity_variance_xx_m2ps2", 0.8),
    "vxy": ("velocity_variance_xy_m2ps2", 0.0),
    "vyy": ("velocity_variance_yy_m2ps2", 0.8),
    "yaw_variance": ("yaw_variance_rad2", 0.3),
    "age_s": ("age_s", 0.0),
    "unmeasured_s": ("unmeasured_s", 0.0),
    "lane_s_m": ("lane_s_m", 0.0),
    "lane_offset_m": ("lane_offset_m", 0.0),
    "lane_probability": ("lane_probability", 0.0),
}
"""Real columns of `UnitTracks`: column of the list, and the value where the list does not tell it."""

_COLUMNS = [column for column, _ in VALUES.values()]
_UNTOLD = np.array([[default] for _, default in VALUES.values()])
_ROW = {name: row for row, name in enumerate(VALUES)}
_PLACE, _MOTION = [_ROW["x_m"], _ROW["y_m"]], [_ROW["vx_mps"], _ROW["vy_mps"]]
_PLACE_VARIANCE = [_ROW["pxx"], _ROW["pxy"], _ROW["pyy"]]
_MOTION_VARIANCE = [_ROW["vxx"], _ROW["vxy"], _ROW["vyy"]]
_DIAGONAL = [_ROW[name] for name in ("pxx", "pyy", "vxx", "vyy")]
_BESIDE = [_ROW[name] for name in ("pxy", "vxy")]
_NOISY = np.array([[1.0], [0.0], [1.0]])

ESTIMATES = (_PLACE + _PLACE_VARIANCE, _MOTION + _MOTION_VARIANCE)
"""Rows of an estimate of position, and of velocity: x, y, variance xx, xy, yy."""

LEAST_VARIANCE = 1e-3
"""No unit is believed to be surer. [m^2, m^2/s^2]"""

MOST_CORRELATED = 0.99
"""Errors along x and y are believed to be correlated by so much at most: beyond 1 a covariance measures negative squared distances."""


class _Integer:
    """A row of the integer table, as a column by name."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._row = INTEGERS.index(name)

    def __get__(self, tracks: UnitTracks, owner: type | None = None) -> Ints:
        return np.asarray(tracks.integers[self._row])


class _Value:
    """A row of the real table, as a column by name."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._row = _ROW[name]

    def __get__(self, tracks: UnitTracks, owner: type | None = None) -> Floats:
        return np.asarray(tracks.values[self._row])


class UnitTracks:
    """Tracks of one unit at one instant; columns as in `lukou.v1.ObjectList`, unknown values filled with usual ones.

    All columns of a kind stand in one table, so that selecting and joining tracks costs the same whatever their number.

    Parameters
    ----------
    integers : (3, n) int array
        Columns of `INTEGERS`.
    values : (26, n) float array
        Columns of `VALUES`.
    """

    __slots__ = ("integers", "values")

    id, object_class, lane = _Integer(), _Integer(), _Integer()
    class_confidence, existence = _Value(), _Value()
    x_m, y_m, z_m = _Value(), _Value(), _Value()
    vx_mps, vy_mps, ax_mps2, ay_mps2 = _Value(), _Value(), _Value(), _Value()
    yaw_rad, yaw_rate_radps, yaw_variance = _Value(), _Value(), _Value()
    length_m, width_m, height_m = _Value(), _Value(), _Value()
    pxx, pxy, pyy, vxx, vxy, vyy = _Value(), _Value(), _Value(), _Value(), _Value(), _Value()
    age_s, unmeasured_s = _Value(), _Value()
    lane_s_m, lane_offset_m, lane_probability = _Value(), _Value(), _Value()

    def __init__(self, integers: Ints, values: Floats) -> None:
        self.integers, self.values = integers, values

    def __len__(self) -> int:
        return int(self.integers.shape[1])

    def take(self, rows: Ints | Booleans) -> UnitTracks:
        """Only some rows."""
        return UnitTracks(self.integers[:, rows], self.values[:, rows])

    def renamed(self, identity: Ints) -> UnitTracks:
        """The same tracks under other identities."""
        integers = self.integers.copy()
        integers[0] = identity
        return UnitTracks(integers, self.values)

    def moved(self, dt_s: float) -> UnitTracks:
        """The same tracks a little later or earlier, with the uncertainty that this costs."""
        if dt_s == 0.0:
            return self
        values = self.values.copy()
        values[_PLACE] += values[_MOTION] * dt_s
        values[_PLACE_VARIANCE] += (
            values[_MOTION_VARIANCE] * dt_s**2 + (0.5 * ACCELERATION_DEVIATION_MPS2 * dt_s**2) ** 2 * _NOISY
        )
        values[_MOTION_VARIANCE] += (ACCELERATION_DEVIATION_MPS2 * dt_s) ** 2 * _NOISY
        values[_ROW["unmeasured_s"]] = np.maximum(self.unmeasured_s + dt_s, 0.0)
        return UnitTracks(self.integers, values)


def joined(parts: Sequence[UnitTracks]) -> UnitTracks:
    """All tracks of several units, one after the other."""
    if not parts:
        return UnitTracks(np.zeros((len(INTEGERS), 0), np.int64), np.zeros((len(VALUES), 0)))
    return UnitTracks(
        np.concatenate([part.integers for part in parts], axis=1),
        np.concatenate([part.values for part in parts], axis=1),
    )


def unit_tracks(objects: ObjectList, lane_index: Mapping[str, int]) -> UnitTracks:
    """Columns of a list in double precision.

    Parameters
    ----------
    objects : ObjectList
        A unit's list.
    lane_index : mapping of str to int
        Lanes of the edge's map by name.
    """
    values = np.array([getattr(objects, column) for column in _COLUMNS], np.float64)
    values = np.where(np.isnan(values), _UNTOLD, values)
    values[_DIAGONAL] = np.maximum(values[_DIAGONAL], LEAST_VARIANCE)
    most = MOST_CORRELATED * np.sqrt(values[_DIAGONAL[0::2]] * values[_DIAGONAL[1::2]])
    values[_BESIDE] = np.clip(values[_BESIDE], -most, most)
    yaw = values[_ROW["yaw_rad"]]
    still = np.isnan(yaw)
    if still.any():
        yaw[still] = np.arctan2(values[_ROW["vy_mps"], still], values[_ROW["vx_mps"], still])
    lanes = np.array([lane_index.get(name, -1) for name in objects.lane_names] + [-1], np.int64)
    told = objects.lane.astype(np.int64) if objects.has("lane") else np.full(len(objects), len(lanes))
    return UnitTracks(
        np.array([objects.id, objects.object_class, lanes[np.minimum(told, len(lanes) - 1)]], np.int64), values
    )
