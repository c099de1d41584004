"""Radar datagrams: there and back, and every damage refused with a counted reason."""

from __future__ import annotations

import socket
import struct
import time
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lukou_hw.radar import RadarScan
from lukou_hw.radar.datagram import MOST_RETURNS, DatagramError, decode, encode
from lukou_hw.radar.udp import UdpRadar
from lukou_messages.process import Input
from lukou_messages.v1.header_pb2 import TimeSource

AT = 1_767_225_600_000_000_000


def scan(count: int = 3, at_ns: int = AT, sequence: int = 7) -> RadarScan:
    column = np.arange(count, dtype=np.float32)
    return RadarScan(
        "r",
        at_ns,
        sequence,
        column + 1,
        column / 100,
        -column / 10,
        column / 10 - 5,
        time_source=TimeSource.TIME_SOURCE_PTP,
        time_uncertainty_s=0.001,
    )


@given(st.integers(0, MOST_RETURNS), st.integers(0, 2**32 - 1), st.integers(1, 65535))
def test_there_and_back(count: int, sequence: int, sensor: int) -> None:
    back = decode(encode(scan(count, sequence=sequence), sensor), "r")
    assert back.sensor == sensor
    assert back.scan.sequence == sequence
    assert back.scan.measured_at_ns == AT
    assert back.scan.time_uncertainty_s == 0.001
    np.testing.assert_array_equal(back.scan.range_m, scan(count).range_m)
    np.testing.assert_array_equal(back.scan.range_rate_mps, scan(count).range_rate_mps)


def test_golden_bytes() -> None:
    """The layout, byte for byte: other vendors' programs rely on it."""
    one = RadarScan(
        "r",
        AT,
        258,
        *(np.array([v], np.float32) for v in (12.5, -0.25, -8.0, 10.0)),
        time_source=2,
        time_uncertainty_s=0.002,
    )
    body = bytes.fromhex("4c4b52440102000300000102") + AT.to_bytes(8, "big") + bytes.fromhex("00010014")
    body += bytes.fromhex("41480000be800000c100000041200000")
    assert encode(one, 3) == body + zlib.crc32(body).to_bytes(4, "big")


def test_strongest_returns_stay() -> None:
    kept = decode(encode(scan(200), 1), "r").scan
    assert len(kept) == MOST_RETURNS
    assert kept.radar_cross_section_dbsm.min() == pytest.approx((200 - MOST_RETURNS) / 10 - 5)


@given(st.data())
def test_every_flipped_bit_is_refused(data: st.DataObject) -> None:
    good = bytearray(encode(scan(), 1))
    place = data.draw(st.integers(0, len(good) * 8 - 1))
    good[place // 8] ^= 1 << (place % 8)
    with pytest.raises(DatagramError):
        decode(bytes(good), "r")


@given(st.integers(0, 75))
def test_every_truncation_is_refused(length: int) -> None:
    whole = encode(scan(), 1)
    assert len(whole) == 76
    with pytest.raises(DatagramError):
        decode(whole[:length], "r")


def test_numbers_out_of_bounds_are_refused() -> None:
    for bad in (np.nan, np.inf, 5000.0, -1.0):
        broken = replace(scan(1), range_m=np.array([bad], np.float32))
        with pytest.raises(DatagramError, match="value"):
            decode(encode(broken, 1), "r")


def receive(radar: UdpRadar, wanted: int) -> list[Input]:
    got: list[Input] = []
    deadline = time.monotonic() + 2
    while len(got) < wanted and time.monotonic() < deadline:
        got += radar.poll(time.time_ns())
    return got


def test_driver_takes_the_good_and_counts_the_bad() -> None:
    radar = UdpRadar("r", 0, sensor=1)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        to = ("127.0.0.1", radar.port)
        sender.sendto(encode(scan(sequence=1), 1), to)
        sender.sendto(b"", to)
        sender.sendto(encode(scan(at_ns=AT + 1, sequence=2), 2), to)  # another sensor's number
        sender.sendto(encode(scan(), 1), to)  # the first one's instant again
        sender.sendto(b"LKRD" + bytes(100), to)
        sender.sendto(encode(scan(at_ns=AT + 2, sequence=5), 1), to)
        first, second = receive(radar, 2)
        assert first.value.sequence == 1
        assert second.value.sequence == 5
        assert second.value.lost == 3
        assert second.value.refused == 4
        assert radar.refused == {"short": 1, "sensor": 1, "replayed": 1, "version": 1}
        assert struct.pack(">I", second.sequence) == b"\0\0\0\x02"
    finally:
        sender.close()
        radar.close()
