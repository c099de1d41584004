"""Bad input of SAFETY: refused with a reason, never anything else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lukou_messages.codec import MESSAGE_CLASSES, decode, encode
from lukou_messages.errors import Refused
from lukou_messages.objects import ObjectList
from lukou_messages.topics import TOPICS
from lukou_messages.v1 import command_pb2, event_pb2, health_pb2, signal_pb2, vehicle_pb2
from lukou_messages.v1.header_pb2 import Header

T = 1_790_000_000 * 10**9
HEADER = Header(source="k1/signal", epoch=T, sequence=1, measured_at_ns=T, sent_at_ns=T, validity=1)


def reason(topic: str, payload: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        decode(topic, payload)
    return refusal.value.reason


def test_every_topic_has_a_message_class_of_the_schema() -> None:
    for topic in TOPICS.values():
        kind = MESSAGE_CLASSES[topic.type]
        public = getattr(kind, "PUBLIC", kind)
        assert public.DESCRIPTOR.full_name == topic.type
        assert public.DESCRIPTOR.fields_by_name["header"].number == 1


@pytest.mark.parametrize("topic", list(TOPICS))
def test_empty_unknown_and_large_messages(topic: str) -> None:
    assert reason(topic, b"") == "empty"
    assert reason(topic, b"\xff" * 20) in ("malformed",)
    assert reason(topic, b"\0" * 9_000_000) == "too_large"
    assert reason("no_such_topic", b"x") == "unknown_topic"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("source", "", "bad_header"),
        ("source", "../../etc", "bad_header"),
        ("source", "a" * 65, "bad_header"),
        ("sequence", 0, "bad_header"),
        ("epoch", 0, "bad_header"),
        ("measured_at_ns", 0, "bad_time"),
        ("measured_at_ns", 1_790_000_000, "bad_time"),
        ("measured_at_ns", 1_790_000_000_000, "bad_time"),
        ("sent_at_ns", -5, "bad_time"),
        ("validity_reason", "a\x00b", "bad_text"),
        ("validity_reason", "\x1b[31m", "bad_text"),
    ],
)
def test_bad_headers(field: str, value: object, expected: str) -> None:
    header = Header()
    header.CopyFrom(HEADER)
    setattr(header, field, value)
    assert reason("event", event_pb2.Event(header=header, event_id="x").SerializeToString()) == expected
    if expected != "bad_text":
        made = ObjectList.of(1, id=[1], object_class=[1], x_m=[0], y_m=[0])
        assert reason("objects", made.encode(header)) == expected


def test_commands_outside_the_closed_list_are_refused() -> None:
    good = command_pb2.Command(
        header=HEADER, command_id="c1", device="k1", issued_at_ns=T, expires_at_ns=T + 10**9, lease_s=5,
        stage_request=command_pb2.StageRequest(stage="NS-through"),
    )  # fmt: skip
    assert decode("command", good.SerializeToString()).value.device == "k1"
    for change, expected in (
        ({"device": "../k1"}, "bad_text"),
        ({"command_id": ""}, "bad_text"),
        ({"lease_s": 1e9}, "out_of_bounds"),
        ({"lease_s": float("nan")}, "not_finite"),
        ({"expires_at_ns": T - 1}, "bad_time"),
        ({"issued_at_ns": 5}, "bad_time"),
    ):
        bad = command_pb2.Command()
        bad.CopyFrom(good)
        for name, value in change.items():
            setattr(bad, name, value)
        assert reason("command", bad.SerializeToString()) == expected
    orderless = command_pb2.Command()
    orderless.CopyFrom(good)
    orderless.ClearField("stage_request")
    assert reason("command", orderless.SerializeToString()) == "unknown_order"
    plan = command_pb2.Command()
    plan.CopyFrom(good)
    plan.plan_request.cycle_s = 0
    assert reason("command", plan.SerializeToString()) == "out_of_bounds"


@pytest.mark.parametrize("name", ["plan", "next_plan"])
def test_a_signals_plan_must_be_one(name: str) -> None:
    good: dict[str, Any] = {"greens_s": [20.0, 15.0], "cycle_s": 50.0, "offset_s": 3.0}
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"cycle_s": 0.0},
        {"cycle_s": float("nan")},
        {"cycle_s": 1e9},
        {"offset_s": -1.0},
        {"greens_s": [20.0, -1.0]},
        {"greens_s": [1.0] * 40},
    )
    for change in changes:
        state = signal_pb2.SignalState(header=HEADER, intersection="k1")
        getattr(state, name).CopyFrom(signal_pb2.SignalPlan(**{**good, **change}))
        if change:
            assert reason("signal", state.SerializeToString()) in ("out_of_bounds", "not_finite")
        else:
            assert decode("signal", state.SerializeToString())


def test_vehicles_must_be_on_the_map_and_in_si_units() -> None:
    good = {
        "header": HEADER,
        "temporary_id": 4,
        "x_m": 10,
        "y_m": 20,
        "speed_mps": 8,
        "yaw_rad": 1,
        "length_m": 5,
        "width_m": 2,
    }
    assert decode("vehicle", vehicle_pb2.VehicleReport(**good).SerializeToString())
    for change in ({"x_m": 0, "y_m": 0}, {"x_m": 116e6}, {"speed_mps": 300}, {"yaw_rad": 360}, {"length_m": 500}):
        payload = vehicle_pb2.VehicleReport(**{**good, **change}).SerializeToString()
        assert reason("vehicle", payload) == "out_of_bounds"
    assert (
        reason("vehicle", vehicle_pb2.VehicleReport(**{**good, "x_m": float("inf")}).SerializeToString())
        == "not_finite"
    )


def test_a_flood_of_tiny_parts_is_refused_before_each_is_looked_at() -> None:
    payload = signal_pb2.SignalState(header=HEADER, intersection="k1").SerializeToString() + b"\x3a\x00" * 90_000

    def least_s(work: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            began = time.process_time()
            work()
            times.append(time.process_time() - began)
        return min(times)

    assert reason("signal", payload) in ("too_many_elements", "too_large")
    parsed_s = least_s(lambda: signal_pb2.SignalState.FromString(payload))
    assert least_s(lambda: reason("signal", payload)) < 2.0 * parsed_s


def test_signal_groups_may_not_appear_twice() -> None:
    groups = [signal_pb2.SignalGroupState(group="N"), signal_pb2.SignalGroupState(group="N")]
    payload = signal_pb2.SignalState(header=HEADER, intersection="k1", groups=groups).SerializeToString()
    assert reason("signal", payload) == "doubled_id"


def test_every_flipped_bit_is_refused_or_still_a_message() -> None:
    """No flip may raise anything but Refused; most change a value and are for the receiver to judge."""
    groups = [signal_pb2.SignalGroupState(group=f"g{i}", colour=2, countdown_s=3.5) for i in range(3)]
    payload = encode("signal", HEADER, signal_pb2.SignalState(intersection="k1", groups=groups))
    refused = 0
    for bit in range(len(payload) * 8):
        flipped = bytearray(payload)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            decode("signal", bytes(flipped))
        except Refused:
            refused += 1
    assert refused > 100
    for cut in range(len(payload)):
        try:
            decode("signal", payload[:cut])
        except Refused:
            refused += 1


def test_maps_are_checked_too() -> None:
    for bad in ({"figures": {"x": float("nan")}}, {"figures": {"a\0b": 1.0}}):
        payload = health_pb2.Health(header=HEADER, process="edge", **bad).SerializeToString()
        assert reason("health", payload) in ("not_finite", "bad_text")
    event = event_pb2.Event(header=HEADER, event_id="x", details={"why": "\x1b[2J"})
    assert reason("event", event.SerializeToString()) == "bad_text"


def test_encode_is_deterministic() -> None:
    event = event_pb2.Event(event_id="e", details={str(i): "x" for i in range(20)})
    assert encode("event", HEADER, event) == encode("event", HEADER, event)
    assert np.all([decode("event", encode("event", HEADER, event)).value.event_id == "e"])
