"""Numbers in the attributes of map files: many at once, with a remark for each that is none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lukou_maps.ragged import Floats, Ints


def number(text: str | None, default: float, where: str, remarks: list[str]) -> float:
    """One number; a remark and the default where it is none or not finite.

    Parameters
    ----------
    text : str or None
        Text of the attribute; None: absent, which is no remark.
    default : float
        Value where there is no number.
    where : str
        Element and attribute, for the remark.
    remarks : list of str
        Takes the remark.
    """
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        remarks.append(f"{where}: expected a number, found {text[:40]!r}, taken as {default:g}")
        return default
    if not math.isfinite(value) or abs(value) > 1e12:
        remarks.append(f"{where}: expected a finite number, found {text[:40]!r}, taken as {default:g}")
        return default
    return value


def shapes(texts: Sequence[str], what: str, names: Sequence[str], remarks: list[str]) -> tuple[Floats, Ints]:
    """Points of shapes written as ``x,y x,y,z …``.

    Parameters
    ----------
    texts : sequence of str
        Shapes.
    what : str
        Kind of element, before the names.
    names : sequence of str
        Name of each element, for remarks; a point that cannot be read is left out.
    remarks : list of str
        Takes the remarks.

    Returns
    -------
    points : (p, 3) float array
        Points of all shapes, one shape after the other. [m]
    count : (n,) int array
        Points of each shape; may be 0.
    """
    counts = np.fromiter((text.count(" ") + 1 for text in texts), np.int64, len(texts))
    commas = np.fromiter((text.count(",") for text in texts), np.int64, len(texts))
    flat = commas == counts
    if (flat | (commas == 2 * counts)).all():
        try:
            values = np.array(" ".join(texts).replace(",", " ").split(" "), np.float64)
        except ValueError:
            values = np.array([np.nan])
        dimensions = np.where(flat, 2, 3)
        if len(values) == int((counts * dimensions).sum()) and (np.abs(values) < 1e12).all():
            if flat.all():
                return np.column_stack([values.reshape(-1, 2), np.zeros(len(values) // 2)]), counts
            return _mixed(values, np.repeat(dimensions, counts)), counts
    rows = [_points(text, what + name, remarks) for text, name in zip(texts, names, strict=True)]
    counts = np.array([len(row) for row in rows], np.int64)
    return np.array([point for row in rows for point in row], np.float64).reshape(-1, 3), counts


def _mixed(values: Floats, dimensions: Ints) -> Floats:
    first = np.cumsum(dimensions) - dimensions
    points = np.zeros((len(dimensions), 3))
    points[:, 0], points[:, 1] = values[first], values[first + 1]
    spatial = dimensions == 3
    points[spatial, 2] = values[first[spatial] + 2]
    return points


def _points(text: str, name: str, remarks: list[str]) -> list[tuple[float, float, float]]:
    found = []
    for part in text.split():
        try:
            values = [float(word) for word in part.split(",")]
        except ValueError:
            values = []
        if len(values) in (2, 3) and all(abs(value) < 1e12 for value in values):
            found.append((values[0], values[1], values[2] if len(values) == 3 else 0.0))
        else:
            remarks.append(f"{name}: shape: expected x,y or x,y,z, found {part[:40]!r}, left out")
    return found
