"""Small XML trees that know their lines, for map files of up to some tens of megabytes."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from lukou_maps.errors import MapFileError
from lukou_maps.reading_numbers import number

DEEPEST = 200
"""Elements inside each other; more is no map."""


class Element:
    """One element: its name without namespace, attributes, children, text and line."""

    __slots__ = ("attributes", "children", "line", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str], line: int) -> None:
        self.tag, self.attributes, self.line = tag, attributes, line
        self.children: list[Element] = []
        self.text = ""

    def get(self, name: str, default: str = "") -> str:
        """Text of an attribute."""
        return self.attributes.get(name, default)

    def number(self, name: str, default: float, where: str, remarks: list[str]) -> float:
        """Number in an attribute; a remark with the line where it is none."""
        return number(self.attributes.get(name), default, f"{where}: line {self.line}: {name}", remarks)

    def all(self, tag: str) -> Iterator[Element]:
        """Children of a name."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> Element | None:
        """First child of a name."""
        return next(self.all(tag), None)

    def under(self, *path: str) -> list[Element]:
        """Elements at the end of a path of names."""
        found = [self]
        for tag in path:
            found = [child for element in found for child in element.all(tag)]
        return found


def read_tree(path: Path, root: str, remarks: list[str]) -> Element:
    """Read an XML file.

    Parameters
    ----------
    path : Path
        File, also gzipped.
    root : str
        Name that the outermost element must have.
    remarks : list of str
        Takes what was odd.

    Raises
    ------
    MapFileError
        If it cannot be opened, is not well-formed, or is something else; with the line.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise MapFileError(f"{path}: cannot be read: {error}") from error
    return _parsed(path, _begun(content, remarks), root)


def _begun(content: bytes, remarks: list[str]) -> bytes:
    """Content from its first mark on; some tools write text or blank lines before the XML declaration."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content
    begin = content.find(b"<?xml")
    begin = content.find(b"<") if begin < 0 or content[:begin].count(b"<") else begin
    if begin > 0 and content[:begin] != b"\xef\xbb\xbf":
        remarks.append(f"line 1: {begin} bytes before the first mark, left out")
        return b"\n" * content[:begin].count(b"\n") * (not content[begin:].startswith(b"<?xml")) + content[begin:]
    return content


def _parsed(path: Path, content: bytes, root: str) -> Element:
    top = Element("", {}, 0)
    stack = [top]
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if len(stack) == 1 and tag != root:
            raise MapFileError(f"expected <{root}>, found <{tag}>")
        if len(stack) > DEEPEST:
            raise MapFileError(f"elements more than {DEEPEST} deep")
        element = Element(tag, attributes, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_: str) -> None:
        stack.pop()

    def text(piece: str) -> None:
        if len(stack[-1].text) < 100_000:
            stack[-1].text += piece

    def entity(*_: Any) -> None:
        raise MapFileError("declares entities of its own, which no map needs; remove the DOCTYPE")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = text, entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise MapFileError(f"{path}: line {error.lineno}: not well-formed XML: {error}") from error
    except MapFileError as error:
        raise MapFileError(f"{path}: line {parser.CurrentLineNumber}: {error}") from error
    except (ValueError, LookupError) as error:
        raise MapFileError(f"{path}: cannot be read: {error}") from error
    return top.children[0]
