"""Tables as columns of protobuf messages and back; the names of the fields say how each column is written.

``<column>``             as it is (whole numbers, booleans, texts)
``<column>_delta``       whole numbers as differences
``<column with _mm>``    metres as millimetres, ``_mmps`` metres per second likewise, ``_thousandths`` any other number
``<column with _mm>_delta``   the same as differences
``<column>_count`` and ``<column>_delta``   lists (`Ragged`); ``point_count``, ``outline_count`` for ``…_start`` columns
``number_delta``         number of each row in the whole map
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

import numpy as np

from lukou_maps.ragged import Floats, Ints, Ragged, spread
from lukou_maps.tables import Table

NOT_KNOWN = -(1 << 31)
"""A number that is not known."""

T = TypeVar("T", bound=Table)


@cache
def _written(table: type[Table], message: type) -> tuple[tuple[str, str, str], ...]:
    """(column, kind of column, field) of everything that is sent."""
    names = {field.name for field in message.DESCRIPTOR.fields}  # type: ignore[attr-defined]
    derived: frozenset[str] = getattr(table, "DERIVED", frozenset())
    found = []
    for column in fields(table):  # type: ignore[arg-type]
        name, kind = column.name, str(column.type)
        if name in derived:
            continue
        stem, _, unit = name.rpartition("_")
        wires = [name, f"{name}_delta", f"{name}_thousandths"]
        if unit in ("m", "mps"):
            wires += [f"{stem}_m{unit}", f"{stem}_m{unit}_delta"]
        if unit == "start":
            wires = [f"{stem}_count"]
        wire = next((w for w in wires if w in names), None)
        if wire is None:
            raise TypeError(f"{message.__name__}: no field for column {name}")
        found.append((name, kind, wire))
    return tuple(found)


def starts(table: Table) -> dict[str, str]:
    """Column that says where the rows of each longer column begin, by the latter's name."""
    found = {}
    for column in fields(table):  # type: ignore[arg-type]
        if column.name.startswith("outline_") and column.name != "outline_start":
            found[column.name] = "outline_start"
        if column.name in ("x_m", "y_m", "z_m", "across_x_m", "across_y_m") and hasattr(table, "point_start"):
            found[column.name] = "point_start"
    return found


def write(table: Table, rows: Ints, corner: tuple[int, int], message: Any) -> None:
    """Fill a message with some rows of a table.

    Parameters
    ----------
    table : Table
        Table of the whole map.
    rows : (n,) int array
        Rows to write, ascending.
    corner : tuple of int
        East and north that coordinates count from. [mm]
    message : protobuf message
        Its columns.
    """
    message.number_delta.extend(_differences(rows).tolist())
    longer = starts(table)
    for name, kind, wire in _written(type(table), type(message)):  # type: ignore[arg-type]
        column = getattr(table, name)
        if kind == "Ragged":
            counts = column.start[rows + 1] - column.start[rows]
            getattr(message, f"{name}_count").extend(counts.tolist())
            getattr(message, wire).extend(_differences(column.values[spread(column.start[rows], counts)]).tolist())
        elif kind.startswith("tuple"):
            getattr(message, wire).extend([column[k] for k in rows])
        elif name.endswith("_start"):
            getattr(message, wire).extend((column[rows + 1] - column[rows]).tolist())
        else:
            if name in longer:
                start = getattr(table, longer[name])
                values = column[spread(start[rows], start[rows + 1] - start[rows])]
            else:
                values = column[rows]
            values = _whole(values, _corner_of(name, corner)) if kind == "Floats" else values
            values = _differences(values) if wire.endswith("_delta") else values
            getattr(message, wire).extend(values.tolist())


def _corner_of(name: str, corner: tuple[int, int]) -> int:
    if "across" in name:
        return 0
    stem = name.removesuffix("_m")
    return corner[0] if stem.endswith("x") else corner[1] if stem.endswith("y") else 0


def _whole(values: Floats, corner: int) -> Ints:
    known = np.isfinite(values)
    return np.where(known, np.round(np.where(known, values, 0.0) * 1000.0).astype(np.int64) - corner, NOT_KNOWN)


def _differences(values: Ints) -> Ints:
    return np.diff(values, prepend=0)


def read(table: type[T], parts: list[tuple[tuple[int, int], Any]]) -> T:
    """A table from messages that hold its rows.

    Parameters
    ----------
    table : type
        Class of the table.
    parts : list of (corner, message)
        Messages, and the corner that each counts from. [mm]

    Raises
    ------
    ValueError
        If columns differ in length, or rows are missing or doubled.
    """
    numbers = np.concatenate([np.zeros(0, np.int64), *(_summed(message.number_delta) for _, message in parts)])
    order = np.argsort(numbers, kind="stable")
    if not np.array_equal(numbers[order], np.arange(len(numbers))):
        raise ValueError(f"{table.__name__}: rows are missing or doubled")
    made: dict[str, Any] = {}
    if not parts:
        return table.empty()
    long = starts(table.empty())
    layout = _written(table, type(parts[0][1]))  # type: ignore[arg-type]
    for name, kind, wire in layout:
        if kind.startswith("tuple"):
            texts = [text for _, message in parts for text in getattr(message, wire)]
            _same_length(table, name, len(texts), len(numbers))
            made[name] = tuple(texts[k] for k in order)
        elif kind == "Ragged":
            counts = _joined(parts, f"{name}_count")
            _same_length(table, name, len(counts), len(numbers))
            values = np.concatenate([np.zeros(0, np.int64), *(_summed(getattr(message, wire)) for _, message in parts)])
            made[name] = _reordered(table, name, counts, values, order)
        elif name.endswith("_start"):
            counts = _joined(parts, wire)
            _same_length(table, name, len(counts), len(numbers))
            start = np.zeros(len(counts) + 1, np.int64)
            np.cumsum(counts[order], out=start[1:])
            made[name] = start
    for name, kind, wire in layout:
        if name not in made:
            values = np.concatenate([_values(name, kind, wire, corner, message) for corner, message in parts])
            if name in long:
                counts = _joined(parts, long[name].replace("_start", "_count"))
                values = _reordered(table, name, counts, values, order).values
            else:
                _same_length(table, name, len(values), len(numbers))
                values = values[order]
            made[name] = values.astype(np.bool_) if kind == "Booleans" else values
    return table(**made, **{name: np.zeros(0) for name in getattr(table, "DERIVED", ())})


def _joined(parts: list[tuple[tuple[int, int], Any]], wire: str) -> Ints:
    return np.concatenate([np.array(getattr(message, wire), np.int64) for _, message in parts])


def _summed(values: Any) -> Ints:
    return np.cumsum(np.array(values, np.int64))


def _values(name: str, kind: str, wire: str, corner: tuple[int, int], message: Any) -> Any:
    values = _summed(getattr(message, wire)) if wire.endswith("_delta") else np.array(getattr(message, wire), np.int64)
    if kind != "Floats":
        return values
    return np.where(values == NOT_KNOWN, np.nan, (values + _corner_of(name, corner)) / 1000.0)


def _reordered(table: type[Table], name: str, counts: Ints, values: Any, order: Ints) -> Ragged:
    _same_length(table, name, len(values), int(counts.sum()))
    start = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    taken = spread(start[order], counts[order])
    after = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts[order], out=after[1:])
    return Ragged(after, values[taken])


def _same_length(table: type[Table], name: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise ValueError(f"{table.__name__}: column {name} has {found} values, expected {wanted}")
