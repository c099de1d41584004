"""The part of YAML that calibration files use: nested keys, lists, lists and maps in brackets, numbers, words."""

from __future__ import annotations

import re
from typing import Any

from lukou_roadside.calibration.errors import CalibrationError

_TOKEN = re.compile(r"""\s*(?:([\[\]{},:])|"([^"]*)"|'([^']*)'|([^\[\]{},:]+(?::(?!\s)[^\[\]{},:]*)*))""")
DEEPEST = 20


def parse(text: str) -> Any:
    """Nested dictionaries, lists, floats and strings.

    Raises
    ------
    CalibrationError
        The text is of another form; with its line.
    """
    lines = _lines(text)
    value, rest = _block(lines, 0, 0, 0)
    if rest < len(lines):
        raise CalibrationError(f"line {lines[rest][2]}: cannot be read: {lines[rest][1][:60]}")
    return value


def _lines(text: str) -> list[tuple[int, str, int]]:
    """(indentation, content, number) of each line; what is open in brackets is joined."""
    found: list[tuple[int, str, int]] = []
    open_brackets = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("%") or line.strip() in ("---", "...", ""):
            continue
        content = re.sub(r"(^|\s)#.*$", "", line).rstrip()
        if not content.strip():
            continue
        if open_brackets > 0 and found:
            found[-1] = (found[-1][0], found[-1][1] + " " + content.strip(), found[-1][2])
        else:
            found.append((len(content) - len(content.lstrip()), content.strip(), number))
        open_brackets += sum(content.count(sign) for sign in "[{") - sum(content.count(sign) for sign in "]}")
    return found


def _block(lines: list[tuple[int, str, int]], at: int, indent: int, depth: int) -> tuple[Any, int]:
    if depth > DEEPEST:
        raise CalibrationError("nested too deeply")
    if at >= len(lines):
        return None, at
    if lines[at][1].startswith("- ") or lines[at][1] == "-":
        return _sequence(lines, at, depth)
    made: dict[str, Any] = {}
    indent = lines[at][0]
    while at < len(lines) and lines[at][0] == indent:
        content, number = lines[at][1], lines[at][2]
        key, colon, rest = content.partition(":")
        if not colon or (rest and not rest.startswith(" ")):
            raise CalibrationError(f"line {number}: expected `key: value`, found: {content[:60]}")
        rest = re.sub(r"^!\S+\s*", "", rest.strip())
        at += 1
        if rest:
            made[key.strip("\"' ")] = _flow(rest, number)
        elif at < len(lines) and (lines[at][0] > indent or (lines[at][0] == indent and lines[at][1].startswith("-"))):
            made[key.strip("\"' ")], at = _block(lines, at, lines[at][0], depth + 1)
        else:
            made[key.strip("\"' ")] = None
    return made, at


def _sequence(lines: list[tuple[int, str, int]], at: int, depth: int) -> tuple[list[Any], int]:
    indent, made = lines[at][0], []
    while at < len(lines) and lines[at][0] == indent and lines[at][1].startswith("-"):
        rest = lines[at][1][1:].strip()
        if rest.startswith("- "):  # a list in a list, begun on one line
            lines[at] = (indent + 2, rest, lines[at][2])
            value, at = _sequence(lines, at, depth + 1)
            made.append(value)
        elif re.match(r"^[\w.]+:(\s|$)", rest):
            lines[at] = (indent + 2, rest, lines[at][2])
            value, at = _block(lines, at, indent + 2, depth + 1)
            made.append(value)
        else:
            made.append(_flow(rest, lines[at][2]))
            at += 1
    return made, at


def _flow(text: str, number: int) -> Any:
    """A scalar, or what stands in brackets."""
    if text[0] not in "[{":
        return scalar(text.strip("\"'"))
    tokens = [(m.group(1), next((g for g in m.groups()[1:] if g is not None), None)) for m in _TOKEN.finditer(text)]
    try:
        value, _rest = _bracket(tokens, 0, 0)
    except IndexError:
        raise CalibrationError(f"line {number}: a bracket is not closed") from None
    return value


def _bracket(tokens: list[tuple[str | None, str | None]], at: int, depth: int) -> tuple[Any, int]:
    if depth > DEEPEST:
        raise CalibrationError("nested too deeply")
    sign, word = tokens[at]
    if sign is None:
        return scalar((word or "").strip()), at + 1
    if sign == "[":
        items: list[Any] = []
        at += 1
        while tokens[at][0] != "]":
            if tokens[at][0] == ",":
                at += 1
                continue
            value, at = _bracket(tokens, at, depth + 1)
            items.append(value)
        return items, at + 1
    if sign == "{":
        made: dict[str, Any] = {}
        at += 1
        while tokens[at][0] != "}":
            if tokens[at][0] in (",", ":"):
                at += 1
                continue
            key = (tokens[at][1] or "").strip()
            at += 2 if tokens[at + 1][0] == ":" else 1
            made[key], at = _bracket(tokens, at, depth + 1)
        return made, at + 1
    raise CalibrationError(f"a {sign!r} where a value was expected")


def scalar(text: str) -> Any:
    """A number, or the text itself."""
    try:
        return float(text)
    except ValueError:
        return text
