"""Frames of GB/T 20999-2017.

``7E | length 2 | version 2 | centre 1 | controller 4 | junction 1 | sequence 1 | type 1 | count 1 | items | CRC 2 | 7D``,
big-endian; the length counts the bytes between itself and the CRC; CRC16 with polynomial 0x1005, start 0, over length to
items. On streams every 7E, 7D and 5C between the delimiters is preceded by 5C. Read in a third-party implementation, not
in the standard: verify against a real cabinet (see ``docs/guard.md``).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

START, END, ESCAPE = 0x7E, 0x7D, 0x5C
VERSION = 0x0102
QUERY, QUERY_REPLY, QUERY_ERROR = 0x10, 0x20, 0x21
SET, SET_REPLY, SET_ERROR = 0x30, 0x40, 0x41
HEARTBEAT, HEARTBEAT_REPLY = 0x70, 0x80
TYPES = frozenset({QUERY, QUERY_REPLY, QUERY_ERROR, SET, SET_REPLY, SET_ERROR, 0x50, 0x60, HEARTBEAT, HEARTBEAT_REPLY})
LONGEST = 2048  # bytes of one frame
_HEAD = struct.Struct(">HHBIBBBB")

# Data used here: (class, object, attribute, element).
STAGE = (0x0D, 0x01, 0x01, 0x00)  # running stage, 1 byte; 0 between stages
LAMPS = (0x0D, 0x02, 0x01, 0x00)  # one byte per lamp group, from group 1
CONDITION = (0x0D, 0x03, 0x01, 0x00)  # 0 normal, 1 in hand, 2 flashing
DEMANDS = (0x0E, 0x01, 0x01, 0x00)  # lamp groups with a call, one byte each
LAMP_FAULTS = (0x10, 0x01, 0x01, 0x00)  # lamp groups with a fault, one byte each
CENTRE_STAGE = (0x11, 0x02, 0x01, 0x00)  # stage ordered by the centre, 1 byte; 0 gives the control back

# Lamp states on the wire, by `SignalColour`.
WIRE_OF_COLOUR = {0: 0x00, 1: 0x01, 2: 0x02, 3: 0x03, 4: 0x04, 7: 0x05, 6: 0x06, 5: 0x07}
COLOUR_OF_WIRE = {wire: colour for colour, wire in WIRE_OF_COLOUR.items()}


class FrameError(ValueError):
    """A frame is refused; the message says why."""


@dataclass(frozen=True, slots=True)
class Item:
    """One datum: (class, object, attribute, element) and its bytes."""

    key: tuple[int, int, int, int]
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    type: int
    items: tuple[Item, ...] = ()
    sequence: int = 0
    centre: int = 1
    controller: int = 1
    junction: int = 1


@dataclass(slots=True)
class FrameBuffer:
    """Cuts a byte stream into frames; what is no frame is refused and counted.

    Attributes
    ----------
    refused : int
        Frames refused so far.
    """

    refused: int = 0
    _open: bool = False
    _escaped: bool = False
    _body: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Frame]:
        """Frames completed by these bytes."""
        frames = []
        for byte in data:
            if not self._open:
                self._open = byte == START
                continue
            if self._escaped:
                self._body.append(byte)
                self._escaped = False
            elif byte == ESCAPE:
                self._escaped = True
            elif byte == START:
                self._refuse()
                self._open = True
            elif byte == END:
                try:
                    frames.append(decode(bytes(self._body)))
                except FrameError:
                    self.refused += 1
                self._reset()
            else:
                self._body.append(byte)
            if len(self._body) > LONGEST:
                self._refuse()
        return frames

    def _refuse(self) -> None:
        self.refused += 1
        self._reset()

    def _reset(self) -> None:
        self._open = self._escaped = False
        self._body.clear()


def _table() -> tuple[int, ...]:
    result = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1005 if crc & 0x8000 else crc << 1) & 0xFFFF
        result.append(crc)
    return tuple(result)


_CRC = _table()


def crc16(data: bytes) -> int:
    """CRC16 with polynomial 0x1005, start 0, most significant bit first."""
    crc = 0
    for byte in data:
        crc = ((crc << 8) & 0xFFFF) ^ _CRC[crc >> 8 ^ byte]
    return crc


def encode(frame: Frame) -> bytes:
    """The frame as bytes of a stream, escaped, with its delimiters."""
    items = b"".join(
        bytes((number & 0xFF, 4 + len(item.data), *item.key)) + item.data
        for number, item in enumerate(frame.items, 1)
    )  # fmt: skip
    length = _HEAD.size - 2 + len(items)
    head = _HEAD.pack(
        length, VERSION, frame.centre, frame.controller, frame.junction, frame.sequence & 0xFF, frame.type,
        len(frame.items),
    )  # fmt: skip
    body = head + items
    body += struct.pack(">H", crc16(body))
    escaped = bytearray((START,))
    for byte in body:
        if byte in (START, END, ESCAPE):
            escaped.append(ESCAPE)
        escaped.append(byte)
    escaped.append(END)
    return bytes(escaped)


def decode(body: bytes) -> Frame:
    """The frame between the delimiters, unescaped; raises FrameError."""
    if len(body) < _HEAD.size + 2:
        raise FrameError(f"{len(body)} bytes; a frame has at least {_HEAD.size + 2}")
    if crc16(body[:-2]) != int.from_bytes(body[-2:], "big"):
        raise FrameError("wrong CRC")
    length, version, centre, controller, junction, sequence, kind, count = _HEAD.unpack_from(body)
    if length != len(body) - 4:
        raise FrameError(f"length {length}, found {len(body) - 4}")
    if version != VERSION:
        raise FrameError(f"version {version:04x}, expected {VERSION:04x}")
    if kind not in TYPES:
        raise FrameError(f"unknown type {kind:02x}")
    items, at, end = [], _HEAD.size, len(body) - 2
    for _ in range(count):
        if at + 6 > end:
            raise FrameError("an item is cut")
        size = body[at + 1]
        if size < 4 or at + 2 + size > end:
            raise FrameError(f"an item of length {size} is cut")
        key = (body[at + 2], body[at + 3], body[at + 4], body[at + 5])
        items.append(Item(key, body[at + 6 : at + 2 + size]))
        at += 2 + size
    if at != end:
        raise FrameError(f"{end - at} bytes after the last item")
    return Frame(kind, tuple(items), sequence, centre, controller, junction)
