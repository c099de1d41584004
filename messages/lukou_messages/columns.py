"""Lists as columns: decoding and encoding at a few microseconds a list, with every check.

A packed ``repeated float`` and a ``bytes`` field have the same wire form. Decoding therefore parses an internal twin
schema in which every column is ``bytes``, joins the columns once and looks at them as one table. That fast path is taken
only if the whole message is in canonical form (every column present has exactly ``object_count`` elements, and nothing
was split, doubled or unpacked); any other message is legal protobuf too and goes through the public schema, where
its columns are judged one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, ClassVar, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lukou_messages.errors import Refused

FIRST_COLUMN = 10
"""Field number of bit 0 of ``columns_present``."""

MAX_OBJECTS = 1024
"""Longest list that is accepted."""

USUAL_OBJECTS = 256
MAX_LAYOUTS = 8
"""Tables of bounds are kept for lists up to this long and for so many layouts: 70 MB at the very most."""

NOT_ONE = 0xFFFFFFFF
"""Index that names none (lane, site)."""

FloatArray = NDArray[np.float32]
UintArray = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """One column of a list.

    Attributes
    ----------
    name : str
        Field name in the schema.
    number : int
        Field number.
    low, high : float
        Smallest and largest value that is accepted; low is 0 or -high.
    is_float : bool
        float32, otherwise uint32.
    is_required : bool
        A list without this column is refused.
    """

    name: str
    number: int
    low: float
    high: float
    is_float: bool = True
    is_required: bool = False

    @property
    def bit(self) -> int:
        return 1 << (self.number - FIRST_COLUMN)


class _Declared:
    """What both kinds of column declarations hold."""

    is_float: ClassVar[bool]

    def __init__(self, number: int, low: float = 0, high: float = NOT_ONE, *, required: bool = False) -> None:
        self.number, self.low, self.high, self.required = number, low, high, required
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


class Column(_Declared):
    """Declares one float column of a `ColumnList` subclass; reading it gives an (n,) float32 array.

    An absent column reads as NaN everywhere.
    """

    is_float = True

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: ColumnList, owner: type) -> FloatArray: ...
    def __get__(self, instance: ColumnList | None, owner: type) -> Self | FloatArray:
        if instance is None:
            return self
        row = instance._layout.float_rows.get(self.name)
        return instance._floats[row] if row is not None else np.full(len(instance), np.nan, np.float32)


class UintColumn(_Declared):
    """Declares one uint32 column of a `ColumnList` subclass; an absent column reads as 0 everywhere."""

    is_float = False

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: ColumnList, owner: type) -> UintArray: ...
    def __get__(self, instance: ColumnList | None, owner: type) -> Self | UintArray:
        if instance is None:
            return self
        row = instance._layout.uint_rows.get(self.name)
        return instance._words[row] if row is not None else np.zeros(len(instance), np.uint32)


class Layout:
    """Which columns a list holds and where: floats first, then unsigned integers, each in field order."""

    def __init__(self, kinds: Sequence[ColumnKind], bits: int, key: str | None) -> None:
        held = [kind for kind in kinds if kind.bit & bits]
        self.bits = bits
        self.floats = [kind for kind in held if kind.is_float]
        self.uints = [kind for kind in held if not kind.is_float]
        self.held = self.floats + self.uints
        self.float_rows = {kind.name: row for row, kind in enumerate(self.floats)}
        self.uint_rows = {kind.name: row for row, kind in enumerate(self.uints, len(self.floats))}
        self.key_row = self.uint_rows.get(key) if key else None
        self._tags = [_varint(kind.number << 3 | 2) for kind in self.held]
        self._prefixes: tuple[int, tuple[bytes, ...]] | None = None
        self._limits: dict[int, tuple[UintArray, UintArray]] = {}
        self._bounds = [
            np.array([getattr(kind, end) for kind in self.floats], np.float32).reshape(-1, 1) for end in ("low", "high")
        ]
        self.get_columns: Callable[[Any], tuple[bytes, ...]] = _getter([kind.name for kind in self.held])
        self.get_absent = _getter([kind.name for kind in kinds if not kind.bit & bits])
        self.has_absent = len(held) < len(kinds)
        self.missing = [kind.name for kind in kinds if kind.is_required and not kind.bit & bits]

    def limits(self, count: int) -> tuple[UintArray, UintArray]:
        """Masks and largest values of the raw 32-bit words, as full tables.

        A float whose sign bit is masked off compares like an unsigned integer, infinity and NaN above every number. So
        ``words & mask <= limit`` checks symmetric bounds (mask without sign), bounds from 0 (mask with sign), unsigned
        integers and finiteness at once. Tables for usual lengths are kept, since whole tables compare fastest.
        """
        found = self._limits.get(count)
        if found is None:
            mask = [0x7FFFFFFF if kind.low < 0 else 0xFFFFFFFF for kind in self.held]
            limit = [
                int(np.float32(kind.high).view(np.uint32)) if kind.is_float else int(kind.high) for kind in self.held
            ]
            found = (
                np.repeat(np.array(mask, np.uint32).reshape(-1, 1), count, axis=1),
                np.repeat(np.array(limit, np.uint32).reshape(-1, 1), count, axis=1),
            )
            if count <= USUAL_OBJECTS:
                self._limits[count] = found
        return found

    def clipped(self, words: UintArray) -> UintArray:
        """A table with its floats moved into their bounds."""
        words = words.copy()
        floats = words[: len(self.floats)].view(np.float32)
        np.clip(floats, *self._bounds, out=floats)
        words.flags.writeable = False
        return words

    def prefixes(self, count: int) -> tuple[bytes, ...]:
        """Tag and length of each column on the wire, for lists of `count` elements; those of the last count are kept."""
        if self._prefixes is None or self._prefixes[0] != count:
            size = _varint(4 * count)
            self._prefixes = (count, tuple(tag + size for tag in self._tags))
        return self._prefixes[1]


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return lambda message: ()
    if len(names) == 1:
        one = attrgetter(names[0])
        return lambda message: (one(message),)
    return attrgetter(*names)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class ColumnList:
    """A list of things, one read-only array per property; immutable.

    Subclasses declare their columns with `Column` and `UintColumn`, name the protobuf classes `PUBLIC` (what vendors
    see) and `TWIN` (same wire form, columns as bytes), and may give `KEY`, a uint column whose values must differ and not be 0.
    """

    PUBLIC: ClassVar[Any]
    TWIN: ClassVar[Any]
    KEY: ClassVar[str | None] = None
    KINDS: ClassVar[tuple[ColumnKind, ...]]
    _layouts: ClassVar[dict[int, Layout]]
    _known_bits: ClassVar[int]

    __slots__ = ("_floats", "_layout", "_message", "_words")

    def __init_subclass__(cls) -> None:
        declared = [value for value in vars(cls).values() if isinstance(value, _Declared)]
        cls.KINDS = tuple(
            ColumnKind(c.name, c.number, c.low, c.high, c.is_float, c.required)
            for c in sorted(declared, key=lambda c: c.number)
        )
        cls._layouts = {}
        cls._known_bits = sum(kind.bit for kind in cls.KINDS)

    def __init__(self, message: Any, layout: Layout, words: UintArray) -> None:
        self._message = message
        self._layout = layout
        self._words = words
        self._floats = words.view(np.float32)

    @classmethod
    def of(cls, count: int, /, **values: Any) -> Self:
        """Build a list from columns and properties by keyword.

        Parameters
        ----------
        count : int
            Number of elements.
        **values
            Columns as (count,) array-likes under their schema names; anything else is a property of the list
            (``sensor_names=("a", "b")``).

        Raises
        ------
        ValueError
            A column of another length, or out of its bounds; an unknown name.
        """
        return cls._of(count, values, is_clipped=False)

    @classmethod
    def clipped(cls, count: int, /, **values: Any) -> Self:
        """Build a list as `of` does, with floats that are out of their bounds moved to them (NaN stays an error)."""
        return cls._of(count, values, is_clipped=True)

    @classmethod
    def _of(cls, count: int, values: dict[str, Any], is_clipped: bool) -> Self:
        names = {kind.name: kind for kind in cls.KINDS}
        columns = {name: value for name, value in values.items() if name in names}
        layout = cls.layout(sum(names[name].bit for name in columns))
        words = _table(columns, layout, count)
        if is_clipped:
            words = layout.clipped(words)
        message = cls.TWIN(**{name: value for name, value in values.items() if name not in names})
        made = cls(message, layout, words)
        try:
            made._judge()
        except Refused as refusal:
            raise ValueError(str(refusal)) from None
        return made

    @classmethod
    def layout(cls, bits: int) -> Layout:
        """The layout for a bit set of columns; raises Refused where a bit names no column."""
        found = cls._layouts.get(bits)
        if found is None:
            if bits & ~cls._known_bits:
                bits &= cls._known_bits  # a newer sender: columns that we do not know are tolerated and left out
            found = Layout(cls.KINDS, bits, cls.KEY)
            if len(cls._layouts) < MAX_LAYOUTS:
                cls._layouts[bits] = found
        return found

    def __len__(self) -> int:
        return int(self._words.shape[1])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} x {[kind.name for kind in self._layout.held]})"

    @property
    def message(self) -> Any:
        """The protobuf message without its columns: header and properties of the list."""
        return self._message

    def has(self, column: str) -> bool:
        """Whether the list holds the column."""
        return column in self._layout.float_rows or column in self._layout.uint_rows

    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Every column held, by name."""
        return {kind.name: getattr(self, kind.name) for kind in self._layout.held}

    def encode(self, header: Any) -> bytes:
        """The wire form under `header`, a `lukou.v1.Header`."""
        count = len(self)
        message = self.TWIN()
        message.CopyFrom(self._message)
        if message.ByteSize() > 4 * count * len(self._layout.held):  # decoded: holds its columns still
            for kind in self._layout.held:
                message.ClearField(kind.name)
        message.header.CopyFrom(header)
        message.object_count = count
        message.columns_present = self._layout.bits
        parts = [message.SerializeToString()]
        if count:
            raw = self._words.tobytes()
            size = 4 * count
            at = 0
            for prefix in self._layout.prefixes(count):
                parts.append(prefix)
                parts.append(raw[at : at + size])
                at += size
        return b"".join(parts)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Read the wire form.

        Raises
        ------
        Refused
            ``malformed``, ``too_many_objects``, ``columns_differ_in_length``, ``missing_column``, ``out_of_bounds``
            (NaN and infinity included), ``doubled_id``.
        """
        try:
            message = cls.TWIN.FromString(payload)
        except Exception as error:
            raise Refused("malformed", str(error)) from None
        count = message.object_count
        if count > MAX_OBJECTS:
            raise Refused("too_many_objects", f"{count} is above {MAX_OBJECTS}")
        layout = cls.layout(message.columns_present)
        columns = layout.get_columns(message)
        if (
            list(map(len, columns)) != [4 * count] * len(columns)
            or message.ByteSize() != len(payload)
            or (layout.has_absent and any(layout.get_absent(message)))
        ):
            return cls._decode_public(payload)
        words = np.ndarray((len(columns), count), np.uint32, b"".join(columns))
        made = cls(message, layout, words)
        made._judge()
        return made

    @classmethod
    def _decode_public(cls, payload: bytes) -> Self:
        """Read a message whose columns are split, unpacked, missing or of the wrong length."""
        try:
            message = cls.PUBLIC.FromString(payload)
        except Exception as error:
            raise Refused("malformed", str(error)) from None
        count = message.object_count
        layout = cls.layout(message.columns_present)
        columns = {kind.name: getattr(message, kind.name) for kind in cls.KINDS}
        for kind in cls.KINDS:
            expected = count if kind.bit & layout.bits else 0
            if len(columns[kind.name]) != expected:
                raise Refused(
                    "columns_differ_in_length",
                    f"{kind.name} has {len(columns[kind.name])} elements, expected {expected}",
                )
        words = _table(columns, layout, count)
        for kind in cls.KINDS:
            message.ClearField(kind.name)
        made = cls(cls.TWIN.FromString(message.SerializeToString()), layout, words)
        made._judge()
        return made

    def _judge(self) -> None:
        """Raise Refused with what is wrong, where anything is."""
        if not self._is_good():
            self._complain()

    def _is_good(self) -> bool:
        """Whether nothing is wrong, in a few operations on the whole table."""
        layout, words, count = self._layout, self._words, len(self)
        if layout.missing or count > MAX_OBJECTS:
            return False
        mask, limit = layout.limits(count)
        if b"\0" in ((words & mask) <= limit).tobytes():  # a byte search: the fastest `any` here
            return False
        if layout.key_row is None:
            return True
        keys = set(words[layout.key_row].tolist())
        return len(keys) == count and 0 not in keys

    def _complain(self) -> None:
        """Raise Refused with the first thing that is wrong."""
        layout = self._layout
        if len(self) > MAX_OBJECTS:
            raise Refused("too_many_objects", f"{len(self)} is above {MAX_OBJECTS}")
        if layout.missing:
            raise Refused("missing_column", ", ".join(layout.missing))
        for kind in layout.held:
            values = getattr(self, kind.name)
            bad = ~((values >= kind.low) & (values <= kind.high))
            if bad.any():
                at = int(np.argmax(bad))
                found = f"{kind.name}[{at}] = {values[at]}, expected {kind.low:g} to {kind.high:g}"
                raise Refused("out_of_bounds", found)
        if self.KEY is not None and self.has(self.KEY):
            ids = getattr(self, self.KEY)
            values, counts = np.unique(ids, return_counts=True)
            if 0 in values:
                raise Refused("out_of_bounds", f"{self.KEY} is 0")
            if (counts > 1).any():
                raise Refused("doubled_id", f"{self.KEY} {values[np.argmax(counts)]} appears {counts.max()} times")


def _table(columns: Mapping[str, ArrayLike], layout: Layout, count: int) -> UintArray:
    """The columns of a layout as one read-only table of 32-bit words."""
    words = np.empty((len(layout.held), count), np.uint32)
    floats = words.view(np.float32)
    for row, kind in enumerate(layout.held):
        values = np.asarray(columns[kind.name])
        if values.ndim > 1 or (values.ndim == 1 and len(values) != count):
            raise ValueError(f"{kind.name}: shape {values.shape} does not fit a list of {count}")
        (floats if kind.is_float else words)[row] = values
    words.flags.writeable = False
    return words
