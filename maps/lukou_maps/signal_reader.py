"""Signal configurations as JSON: reading with all problems at once, writing, canonical form, hash.

The file is one JSON object with the fields of `SignalConfiguration`, where pairs are written per first group::

    "relations": {"N-through": {"conflict": {"E-through": 3}, "permissive": {"E-pedestrian-far": "N-through"},
                                "protected": ["S-through"]}, ...}

(conflict: clearance in seconds; permissive: who yields) and plans' splits as an object by stage.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import types
import typing
from enum import StrEnum
from typing import Any, TypeVar

from lukou_maps.signal_model import (
    CalendarEntry,
    Limits,
    Mode,
    Pair,
    Plan,
    Relation,
    SignalConfiguration,
    SignalGroup,
    Stage,
    UnsignalisedMovement,
)
from lukou_maps.signal_problems import Problem, SignalConfigurationError

T = TypeVar("T")
SCHEMA = "lukou.signal_configuration/1"
MAXIMUM_BYTES = 4_000_000  # a file of 64 groups with every pair is below 0.3 MB


class _DoubledKey(dict[str, Any]):
    """A JSON object that remembers keys given twice."""

    doubled: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> _DoubledKey:
    result = _DoubledKey(pairs)
    names = [name for name, _ in pairs]
    result.doubled = tuple(sorted({name for name in names if names.count(name) > 1}))
    return result


class _Reader:
    """Turns JSON values into dataclasses and collects what does not fit."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, path: str, found: object, expected: str, remedy: str) -> None:
        self.problems.append(Problem(path, _short(found), expected, remedy))

    def fields(self, value: Any, path: str, known: set[str], required: set[str]) -> dict[str, Any]:
        """The object's fields; unknown, doubled and missing ones are problems."""
        if not isinstance(value, _DoubledKey):
            self.problem(path, value, "an object", "write it as {…}")
            return {}
        for name in value.doubled:
            self.problem(f"{path}.{name}", "given twice", "each key once", "remove one")
        for name in sorted(set(value) - known):
            self.problem(f"{path}.{name}", "unknown key", "one of " + ", ".join(sorted(known)), "remove or rename it")
        for name in sorted(required - set(value)):
            self.problem(f"{path}.{name}", "missing", "a value", "add it")
        return {name: item for name, item in value.items() if name in known}

    def dataclass(self, kind: type[T], value: Any, path: str) -> T | None:
        """An instance of a flat dataclass, or None with problems noted."""
        hints = typing.get_type_hints(kind)
        entries = dataclasses.fields(kind)  # type: ignore[arg-type]
        required = {
            f.name for f in entries if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        }
        before = len(self.problems)
        given = self.fields(value, path, {f.name for f in entries}, required)
        label = given.get("name")
        here = f"{path.rsplit('.', 1)[0]}.{label}" if isinstance(label, str) and "." in path else path
        read = {name: self.value(hints[name], item, f"{here}.{name}") for name, item in given.items()}
        return kind(**read) if len(self.problems) == before else None

    def value(self, hint: Any, value: Any, path: str) -> Any:
        """A scalar or tuple of the hinted type."""
        if isinstance(hint, types.UnionType):
            return None if value is None else self.value(hint.__args__[0], value, path)
        if typing.get_origin(hint) is tuple:
            if not isinstance(value, list):
                self.problem(path, value, "a list", "write it as […]")
                return ()
            return tuple(self.value(hint.__args__[0], item, f"{path}[{i}]") for i, item in enumerate(value))
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            if value not in [str(member) for member in hint]:
                self.problem(path, value, "one of " + ", ".join(hint), "choose one")
                return None
            return hint(value)
        return self._scalar(hint, value, path)

    def _scalar(self, hint: Any, value: Any, path: str) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if hint is float and number and math.isfinite(value):
            return float(value)
        if hint is float:
            self.problem(path, value, "a finite number", "correct it")
        elif hint is int and number and float(value).is_integer():
            return int(value)
        elif hint is int:
            self.problem(path, value, "a whole number", "correct it")
        elif isinstance(value, hint):
            if hint is str and any(ord(letter) < 32 for letter in value):
                self.problem(path, value, "printable text", "remove control characters")
            return value
        else:
            self.problem(path, value, f"a {hint.__name__}", "correct it")
        return None

    def list_of(self, kind: type[T], value: Any, path: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            self.problem(path, value, "a list", "write it as […]")
            return ()
        read = [self.dataclass(kind, item, f"{path}.{index}") for index, item in enumerate(value)]
        return tuple(item for item in read if item is not None)

    def plan(self, value: Any, path: str) -> Plan | None:
        given = self.fields(value, path, {"name", "cycle_s", "offset_s", "splits_s"}, {"name", "cycle_s", "splits_s"})
        splits = given.get("splits_s", _DoubledKey())
        if not isinstance(splits, _DoubledKey):
            self.problem(f"{path}.splits_s", splits, "an object stage: seconds", "write it as {…}")
            return None
        for name in splits.doubled:
            self.problem(f"{path}.splits_s.{name}", "given twice", "each stage once", "remove one")
        before = len(self.problems)
        result = Plan(
            self.value(str, given.get("name", ""), f"{path}.name"),
            self.value(float, given.get("cycle_s", 0), f"{path}.cycle_s"),
            self.value(float, given.get("offset_s", 0), f"{path}.offset_s"),
            tuple((stage, self.value(float, item, f"{path}.splits_s.{stage}")) for stage, item in splits.items()),
        )
        return result if len(self.problems) == before else None

    def pairs(self, value: Any, path: str) -> tuple[Pair, ...]:
        if not isinstance(value, _DoubledKey):
            self.problem(path, value, "an object by group", "write it as {…}")
            return ()
        for name in value.doubled:
            self.problem(f"{path}.{name}", "given twice", "each group once", "remove one")
        result: list[Pair] = []
        for first, row in value.items():
            here = f"{path}.{first}"
            given = self.fields(row, here, {"conflict", "permissive", "protected"}, set())
            result += self._row(first, given, here)
        return tuple(result)

    def _row(self, first: str, given: dict[str, Any], path: str) -> list[Pair]:
        result: list[Pair] = []
        for name, hint in (("conflict", float), ("permissive", str)):
            entries = given.get(name, _DoubledKey())
            if not isinstance(entries, _DoubledKey):
                self.problem(f"{path}.{name}", entries, "an object by group", "write it as {…}")
                continue
            for second in entries.doubled:
                self.problem(f"{path}.{name}.{second}", "given twice", "each pair once", "remove one")
            for second, item in entries.items():
                read = self.value(hint, item, f"{path}.{name}.{second}")
                if read is not None and hint is float:
                    result.append(Pair(first, second, Relation.CONFLICT, clearance_s=read))
                elif read is not None:
                    result.append(Pair(first, second, Relation.PERMISSIVE, yields=read))
        for second in self.value(tuple[str, ...], given.get("protected", []), f"{path}.protected"):
            if second is not None:
                result.append(Pair(first, second, Relation.PROTECTED))
        return result


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


_LISTS: dict[str, type] = {"groups": SignalGroup, "stages": Stage, "unsignalised": UnsignalisedMovement}
_SCALARS: dict[str, Any] = {
    "intersection": str,
    "version": int,
    "mode": Mode,
    "research": bool,
    "utc_offset_s": int,
}
_REQUIRED = {"schema", "intersection", "version", "groups", "stages", "relations", "plans", "calendar"}


def read_configuration(text: str | bytes, where: str = "signal configuration") -> SignalConfiguration:
    """Read the JSON text without judging what it says.

    Raises
    ------
    SignalConfigurationError
        The text is no JSON, or has missing, unknown, doubled or mistyped keys; all of them are listed.
    """
    if len(text) > MAXIMUM_BYTES:
        problem = Problem("file", f"{len(text)} bytes", f"at most {MAXIMUM_BYTES}", "this is no signal configuration")
        raise SignalConfigurationError(where, [problem])
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise SignalConfigurationError(where, [Problem("file", str(error), "JSON text", "correct it")]) from error
    reader = _Reader()
    known = {*_SCALARS, *_LISTS, "schema", "relations", "plans", "calendar", "limits"}
    given = reader.fields(value, "file", known, _REQUIRED)
    if given.get("schema", SCHEMA) != SCHEMA:
        reader.problem("schema", given["schema"], SCHEMA, "use the tool of that version")
    read: dict[str, Any] = {k: reader.value(h, given[k], k) for k, h in _SCALARS.items() if k in given}
    read |= {k: reader.list_of(kind, given[k], k) for k, kind in _LISTS.items() if k in given}
    read["calendar"] = reader.list_of(CalendarEntry, given.get("calendar", []), "calendar")
    read["pairs"] = reader.pairs(given.get("relations", _DoubledKey()), "relations")
    read["limits"] = reader.dataclass(Limits, given.get("limits", _DoubledKey()), "limits")
    plans = given.get("plans", [])
    if not isinstance(plans, list):
        reader.problem("plans", plans, "a list", "write it as […]")
        plans = []
    read["plans"] = tuple(p for i, item in enumerate(plans) if (p := reader.plan(item, f"plans.{i}")) is not None)
    if reader.problems:
        raise SignalConfigurationError(where, reader.problems)
    return SignalConfiguration(**read)


def _plain(value: Any) -> Any:
    """The JSON form of a value: whole numbers without a point, tuples as lists, empty optional fields kept."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return str(value) if isinstance(value, StrEnum) else value


def _as_json(configuration: SignalConfiguration) -> dict[str, Any]:
    result: dict[str, Any] = {"schema": SCHEMA}
    result |= {name: _plain(getattr(configuration, name)) for name in _SCALARS}
    result |= {name: _plain(getattr(configuration, name)) for name in ("limits", *_LISTS, "calendar")}
    result["plans"] = [
        {
            "name": plan.name,
            "cycle_s": _plain(plan.cycle_s),
            "offset_s": _plain(plan.offset_s),
            "splits_s": {stage: _plain(split) for stage, split in plan.splits_s},
        }
        for plan in configuration.plans
    ]
    relations: dict[str, Any] = {g.name: {} for g in configuration.groups}
    for pair in sorted(configuration.pairs, key=lambda p: (p.first, p.second)):
        row = relations.setdefault(pair.first, {})
        if pair.relation is Relation.PROTECTED:
            row.setdefault("protected", []).append(pair.second)
        else:
            conflict = pair.relation is Relation.CONFLICT
            row.setdefault(str(pair.relation), {})[pair.second] = _plain(pair.clearance_s) if conflict else pair.yields
    result["relations"] = relations
    return result


def write_configuration(configuration: SignalConfiguration) -> str:
    """The configuration as indented JSON with one line per group, stage and row of relations."""
    lines: list[str] = []
    for key, value in _as_json(configuration).items():
        if key in (*_LISTS, "calendar", "plans") and value:
            rows = ",\n".join("    " + json.dumps(item, ensure_ascii=False) for item in value)
            lines.append(f'  "{key}": [\n{rows}\n  ]')
        elif key == "relations":
            rows = ",\n".join(f'    "{name}": {json.dumps(row, ensure_ascii=False)}' for name, row in value.items())
            lines.append(f'  "{key}": {{\n{rows}\n  }}')
        else:
            lines.append(f'  "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def canonical_bytes(configuration: SignalConfiguration) -> bytes:
    """The form that is hashed: UTF-8 JSON, keys sorted, no spaces, whole numbers without a point."""
    return json.dumps(_as_json(configuration), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def configuration_hash(configuration: SignalConfiguration) -> str:
    """The configuration hash: SHA-256 of `canonical_bytes`, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_bytes(configuration)).hexdigest()
