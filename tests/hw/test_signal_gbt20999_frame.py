"""Frames of GB/T 20999: literal bytes, inverse functions, and bytes that are no frame."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lukou_hw.signal_controller import gbt20999_frame as wire
from lukou_hw.signal_controller.gbt20999_frame import Frame, FrameBuffer, FrameError, Item, crc16, decode, encode

BYTE = st.integers(0, 255)
ITEMS = st.lists(
    st.builds(Item, st.tuples(BYTE, BYTE, BYTE, BYTE), st.binary(max_size=40)), max_size=8
)  # fmt: skip
FRAMES = st.builds(
    Frame, st.sampled_from(sorted(wire.TYPES)), ITEMS.map(tuple), BYTE, BYTE, st.integers(0, 2**32 - 1),
    BYTE,
)  # fmt: skip


def test_layout_of_a_heartbeat():
    frame = encode(Frame(wire.HEARTBEAT, (), sequence=1, centre=1, controller=2, junction=3))
    # 7E | length 11 | version 0102 | centre 01 | controller 00000002 | junction 03 | sequence 01 | type 70 | count 00
    head = bytes.fromhex("000b 0102 01 00000002 03 01 70 00")
    assert frame == b"\x7e" + head + crc16(head).to_bytes(2, "big") + b"\x7d"


def test_crc_by_long_division():
    def slow(data):
        register = 0
        for byte in data:
            for bit in range(7, -1, -1):
                out = register >> 15 ^ (byte >> bit & 1)
                register = (register << 1 & 0xFFFF) ^ (0x1005 if out else 0)
        return register

    for data in (b"", b"\x01", b"123456789", bytes(range(256))):
        assert crc16(data) == slow(data)


@given(FRAMES)
def test_decoding_inverts_encoding(frame):
    assert FrameBuffer().feed(encode(frame)) == [frame]


@given(FRAMES, st.integers(1, 7))
def test_frames_may_arrive_in_pieces(frame, size):
    data, buffer, found = encode(frame), FrameBuffer(), []
    for at in range(0, len(data), size):
        found += buffer.feed(data[at : at + size])
    assert found == [frame]


@given(FRAMES, st.data())
def test_a_flipped_bit_is_refused(frame, data):
    body = bytearray(b"".join(bytes((b,)) for b in decode_body(frame)))
    at = data.draw(st.integers(0, 8 * len(body) - 1))
    body[at // 8] ^= 1 << at % 8
    with pytest.raises(FrameError):
        decode(bytes(body))


def decode_body(frame):
    """The unescaped bytes between the delimiters."""
    body, escaped = bytearray(), False
    for byte in encode(frame)[1:-1]:
        if byte == wire.ESCAPE and not escaped:
            escaped = True
            continue
        body.append(byte)
        escaped = False
    return bytes(body)


@given(FRAMES, st.integers(0, 60))
def test_a_cut_frame_is_refused(frame, cut):
    body = decode_body(frame)
    if cut < len(body):
        with pytest.raises(FrameError):
            decode(body[:cut])


def test_noise_never_stops_the_buffer_and_good_frames_pass():
    rng = random.Random(5)
    good = Frame(wire.QUERY, (Item(wire.STAGE),), 9)
    buffer, passed = FrameBuffer(), 0
    for _ in range(2000):
        noise = bytes(rng.choice((wire.START, wire.END, wire.ESCAPE, rng.randrange(256))) for _ in range(40))
        buffer.feed(noise + b"\x00\x00")
        passed += good in buffer.feed(encode(good))
    assert passed == 2000
    assert buffer.refused > 1000
    assert len(buffer._body) <= wire.LONGEST


def test_an_endless_frame_does_not_grow():
    buffer = FrameBuffer()
    buffer.feed(b"\x7e" + b"\x01" * 100_000)
    assert buffer.refused == 1
    assert len(buffer._body) == 0
