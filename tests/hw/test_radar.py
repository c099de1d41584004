"""Radar datagrams: there and back, and every damage refused with a counted reason."""

from __future__ import annotations

import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
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
SECOND = 1_000_000_000


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


def receive(radar: UdpRadar, wanted: int, now_ns: int = AT) -> list[Input]:
    got: list[Input] = []
    deadline = time.monotonic() + 2
    while len(got) < wanted and time.monotonic() < deadline:
        got += radar.poll(now_ns)
    return got


def until_refused(radar: UdpRadar, total: int, now_ns: int = AT) -> None:
    deadline = time.monotonic() + 2
    while radar.refused.total() < total and time.monotonic() < deadline:
        assert radar.poll(now_ns) == []
    assert radar.refused.total() == total


@pytest.fixture
def link() -> Iterator[tuple[UdpRadar, Callable[..., int]]]:
    radar = UdpRadar("r", 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield radar, lambda **sweep: sender.sendto(encode(scan(**sweep), 1), ("127.0.0.1", radar.port))
    radar.close()


@pytest.mark.parametrize("forged_ns", [2**62, AT + 2_100_000_000, AT - 2_100_000_000, 1])
def test_a_forged_time_does_not_blind_the_radar(link: tuple[UdpRadar, Callable[..., int]], forged_ns: int) -> None:
    radar, send = link
    send(at_ns=forged_ns)
    until_refused(radar, 1)
    send(at_ns=AT)
    assert [one.measured_at_ns for one in receive(radar, 1)] == [AT]
    assert radar.refused == {"clock": 1}


def test_a_clock_that_is_set_back_does_not_blind_the_radar(link: tuple[UdpRadar, Callable[..., int]]) -> None:
    radar, send = link
    send(at_ns=AT)
    assert receive(radar, 1)
    send(at_ns=AT - 3600 * SECOND)
    assert receive(radar, 1, AT - 3600 * SECOND)
    assert radar.faults() == []


def test_silence_is_a_fault_until_the_next_sweep(link: tuple[UdpRadar, Callable[..., int]]) -> None:
    radar, send = link
    radar.poll(AT)
    radar.poll(AT + SECOND)
    assert radar.faults() == []
    radar.poll(AT + 3 * SECOND)
    assert radar.faults() == ["r: no sweep for 3 s"]
    send(at_ns=AT + 3 * SECOND)
    assert receive(radar, 1, AT + 3 * SECOND)
    assert radar.faults() == []


def test_lasting_refusals_are_a_fault_and_a_single_one_is_not(link: tuple[UdpRadar, Callable[..., int]]) -> None:
    radar, send = link
    send(at_ns=AT)
    assert receive(radar, 1)
    send(at_ns=AT)
    until_refused(radar, 1)
    assert radar.faults() == []
    for _ in range(9):
        send(at_ns=AT)
    until_refused(radar, 10)
    assert radar.faults() == ["r: datagrams are refused (replayed)"]
    send(at_ns=AT + 11 * SECOND)
    assert receive(radar, 1, AT + 11 * SECOND)
    assert radar.faults() == []


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
