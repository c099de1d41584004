"""Bytes to values and back, one place for every topic.

`decode` refuses whatever SAFETY lists as bad input, with a counted reason; `encode` is its inverse.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from lukou_messages.columns import MAX_OBJECTS, ColumnList
from lukou_messages.errors import Refused
from lukou_messages.objects import DetectionList, ObjectList, TruthList
from lukou_messages.topics import TOPICS
from lukou_messages.v1 import (
    advice_pb2,
    command_pb2,
    event_pb2,
    health_pb2,
    map_pb2,
    sensor_pb2,
    signal_pb2,
    traffic_pb2,
    vehicle_pb2,
    warning_pb2,
)
from lukou_messages.v1.header_pb2 import Header

MAX_BYTES = 192 * 1024
"""Largest message on any topic but those of `LARGE`: a full object list has 137 kB."""

LARGE = {"journal": 8 * 1024 * 1024, "map": 1024 * 1024}
"""Topics with larger messages; they never come from outside the box, or are checked by hash."""

SOURCE = re.compile(r"[a-z0-9][a-z0-9._/-]{0,63}")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

EARLIEST_NS = 1_577_836_800 * 10**9  # 2020-01-01: anything before it is seconds or milliseconds taken for nanoseconds
LATEST_NS = 4_102_444_800 * 10**9  # 2100-01-01

MESSAGE_CLASSES: dict[str, Any] = {
    "lukou.v1.ObjectList": ObjectList,
    "lukou.v1.DetectionList": DetectionList,
    "lukou.v1.TruthList": TruthList,
    "lukou.v1.SignalState": signal_pb2.SignalState,
    "lukou.v1.VehicleReport": vehicle_pb2.VehicleReport,
    "lukou.v1.Warning": warning_pb2.Warning,
    "lukou.v1.SpeedAdvice": advice_pb2.SpeedAdvice,
    "lukou.v1.TrafficState": traffic_pb2.TrafficState,
    "lukou.v1.Event": event_pb2.Event,
    "lukou.v1.Command": command_pb2.Command,
    "lukou.v1.CommandReply": command_pb2.CommandReply,
    "lukou.v1.Health": health_pb2.Health,
    "lukou.v1.StepJournal": health_pb2.StepJournal,
    "lukou.v1.MapTile": map_pb2.MapTile,
    "lukou.v1.SensorReport": sensor_pb2.SensorReport,
    "lukou.v1.CameraPicture": sensor_pb2.CameraPicture,
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A message that was accepted: its header and its value."""

    header: Header
    value: Any


def encode(topic: str, header: Header, value: Any) -> bytes:
    """The wire form of `value` under `header`."""
    if isinstance(value, ColumnList):
        return value.encode(header)
    message = type(value)()
    message.CopyFrom(value)
    message.header.CopyFrom(header)
    return bytes(message.SerializeToString(deterministic=True))


def decode(topic: str, payload: bytes) -> Decoded:
    """Read one message of a topic.

    Raises
    ------
    Refused
        ``unknown_topic``, ``too_large``, ``empty``, ``malformed``, ``bad_header``, ``bad_time``, ``bad_text``,
        ``not_finite``, ``out_of_bounds``, ``unknown_order``, ``too_many_elements``, and those of `ColumnList.decode`.
    """
    known = TOPICS.get(topic)
    if known is None:
        raise Refused("unknown_topic", repr(topic[:40]))
    if len(payload) > LARGE.get(topic, MAX_BYTES):
        raise Refused("too_large", f"{len(payload)} bytes on {topic}")
    if not payload:
        raise Refused("empty", f"{topic}: a message without a header says nothing")
    kind = MESSAGE_CLASSES[known.type]
    if issubclass(kind, ColumnList):
        value = kind.decode(payload)
        _check(value.message, column_list=True)
        header = value.message.header
    else:
        try:
            value = kind.FromString(payload)
        except Exception as error:
            raise Refused("malformed", f"{topic}: {error}") from None
        header = value.header
        _check(value)
        semantic = SEMANTIC_CHECKS.get(known.type)
        if semantic is not None:
            semantic(value)
    check_header(header)
    return Decoded(header, value)


def check_header(header: Header) -> None:
    """Raise Refused where a header cannot be true."""
    if SOURCE.fullmatch(header.source) is None:
        raise Refused("bad_header", f"source {header.source[:80]!r}: expected 1 to 64 of a-z 0-9 . _ / -")
    if header.sequence == 0 or header.epoch == 0:
        raise Refused("bad_header", f"{header.source}: epoch and sequence count from 1")
    if not EARLIEST_NS <= header.measured_at_ns <= LATEST_NS or not EARLIEST_NS <= header.sent_at_ns <= LATEST_NS:
        raise Refused(
            "bad_time",
            f"{header.source}: measured {header.measured_at_ns}, sent {header.sent_at_ns}: expected nanoseconds POSIX UTC",
        )
    if header.epoch > LATEST_NS:
        raise Refused("bad_header", f"{header.source}: epoch {header.epoch} is after 2100")


# --- generic checks, compiled once per message type ------------------------------------------------------------------

MAX_ELEMENTS = 4096
MAX_TEXT = 4000


@dataclass(frozen=True, slots=True)
class _Fields:
    texts: tuple[str, ...]
    floats: tuple[str, ...]
    repeated_floats: tuple[str, ...]
    repeated_texts: tuple[str, ...]
    messages: tuple[tuple[str, Descriptor], ...]
    repeated_messages: tuple[tuple[str, Descriptor], ...]
    maps: tuple[str, ...]


@lru_cache(maxsize=256)
def _fields(name: str, descriptor: Descriptor) -> _Fields:
    found: dict[str, list[Any]] = {key: [] for key in _Fields.__slots__}
    for field in descriptor.fields:
        prefix = "repeated_" if field.is_repeated else ""
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            found["maps"].append(field.name)
        elif field.type == FieldDescriptor.TYPE_STRING:
            found[prefix + "texts"].append(field.name)
        elif field.type in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE):
            found[prefix + "floats"].append(field.name)
        elif field.message_type is not None:
            found[prefix + "messages"].append((field.name, field.message_type))
    return _Fields(**{key: tuple(value) for key, value in found.items()})


def _check(message: Any, column_list: bool = False) -> None:
    """Refuse texts with control characters, floats that are not finite, and floods of small parts, at every depth."""
    descriptor = message.DESCRIPTOR
    fields = _fields(descriptor.full_name, descriptor)
    for name in fields.texts:
        _check_text(name, getattr(message, name))
    for name in fields.floats:
        if not math.isfinite(getattr(message, name)):
            raise Refused("not_finite", f"{descriptor.name}.{name}")
    for name in fields.repeated_texts:
        texts = getattr(message, name)
        if len(texts) > MAX_ELEMENTS:
            raise Refused("too_many_elements", f"{descriptor.name}.{name}: {len(texts)}")
        if texts:
            _check_text(name, "".join(texts), MAX_TEXT * 16)
    for name in fields.repeated_floats:
        if not all(map(math.isfinite, getattr(message, name))):
            raise Refused("not_finite", f"{descriptor.name}.{name}")
    for name in fields.maps:
        _check_map(f"{descriptor.name}.{name}", getattr(message, name))
    for name, _ in fields.messages:
        if message.HasField(name):
            _check(getattr(message, name))
    for name, _ in fields.repeated_messages:
        parts = getattr(message, name)
        if len(parts) > MAX_ELEMENTS:
            raise Refused("too_many_elements", f"{descriptor.name}.{name}: {len(parts)}")
        for part in parts:
            _check(part)


def _check_map(name: str, entries: Any) -> None:
    if len(entries) > MAX_ELEMENTS:
        raise Refused("too_many_elements", f"{name}: {len(entries)}")
    for key, value in entries.items():
        _check_text(name, key)
        if isinstance(value, str):
            _check_text(name, value)
        elif not math.isfinite(value):
            raise Refused("not_finite", name)


def _check_text(name: str, text: str, limit: int = MAX_TEXT) -> None:
    if len(text) > limit:
        raise Refused("bad_text", f"{name} has {len(text)} characters")
    if CONTROL.search(text):
        raise Refused("bad_text", f"{name} holds control characters")


# --- checks by meaning -----------------------------------------------------------------------------------------------


def _check_name(what: str, name: str) -> None:
    if SOURCE.fullmatch(name.lower()) is None or ".." in name:
        raise Refused("bad_text", f"{what} {name[:80]!r}")


def _check_command(command: command_pb2.Command) -> None:
    if command.WhichOneof("action") is None:
        raise Refused("unknown_order", "the command names no order of the closed list")
    if not command.command_id or len(command.command_id) > 64:
        raise Refused("bad_text", "command_id must have 1 to 64 characters")
    _check_name("device", command.device)
    if not 0.0 <= command.lease_s <= 15.0:
        raise Refused("out_of_bounds", f"lease_s {command.lease_s:g}, expected 0 to 15")
    if not EARLIEST_NS <= command.issued_at_ns <= LATEST_NS or not EARLIEST_NS <= command.expires_at_ns <= LATEST_NS:
        raise Refused("bad_time", "issued_at and expires_at must be nanoseconds POSIX UTC")
    if command.expires_at_ns < command.issued_at_ns:
        raise Refused("bad_time", "the command expires before it is issued")
    if command.HasField("plan_request"):
        plan = command.plan_request
        if not 0 < plan.cycle_s <= 600 or len(plan.splits) > 32 or any(not 0 < s.green_s <= 300 for s in plan.splits):
            raise Refused("out_of_bounds", "plan: cycle 0 to 600 s, up to 32 splits of 0 to 300 s")


def _check_signal(state: signal_pb2.SignalState) -> None:
    _check_name("intersection", state.intersection)
    if len(state.groups) > 256:
        raise Refused("too_many_elements", f"{len(state.groups)} signal groups")
    names = [group.group for group in state.groups]
    if len(set(names)) != len(names):
        raise Refused("doubled_id", "a signal group appears twice")
    for name in ("plan", "next_plan"):
        if state.HasField(name):
            _check_plan(name, state.plan if name == "plan" else state.next_plan)


def _check_plan(name: str, plan: signal_pb2.SignalPlan) -> None:
    if not 0 < plan.cycle_s <= 600 or not 0 <= plan.offset_s <= 600:
        raise Refused(
            "out_of_bounds", f"{name}: cycle_s {plan.cycle_s:g}, offset_s {plan.offset_s:g}, expected 0 to 600"
        )
    if len(plan.greens_s) > 32 or any(not 0 <= green <= 300 for green in plan.greens_s):
        raise Refused("out_of_bounds", f"{name}: expected up to 32 greens of 0 to 300 s")


def _check_vehicle(report: vehicle_pb2.VehicleReport) -> None:
    if abs(report.x_m) > 60_000 or abs(report.y_m) > 60_000 or (report.x_m == 0 and report.y_m == 0):
        raise Refused("out_of_bounds", f"position ({report.x_m:g}, {report.y_m:g}) is not in the map frame")
    if not 0 <= report.speed_mps <= 100:
        raise Refused("out_of_bounds", f"speed_mps {report.speed_mps:g}, expected 0 to 100")
    if abs(report.yaw_rad) > 2 * math.pi + 1e-5:
        raise Refused("out_of_bounds", f"yaw_rad {report.yaw_rad:g}: radians expected")
    if not 0 <= report.length_m <= 60 or not 0 <= report.width_m <= 10:
        raise Refused("out_of_bounds", f"size {report.length_m:g} x {report.width_m:g} m")


def _check_warning(warning: warning_pb2.Warning) -> None:
    if not warning.warning_id or not 0 <= warning.probability <= 1 or not 0 <= warning.severity <= 1:
        raise Refused("out_of_bounds", "warning needs an identity, a probability and a severity from 0 to 1")
    if not 0 <= warning.confidence <= 1:
        raise Refused("out_of_bounds", f"confidence {warning.confidence:g}, expected 0 to 1")


def _check_advice(advice: advice_pb2.SpeedAdvice) -> None:
    _check_name("intersection", advice.intersection)
    if not 0 <= advice.speed_mps <= 100 or not 0 <= advice.confidence <= 1:
        raise Refused("out_of_bounds", f"speed_mps {advice.speed_mps:g}, confidence {advice.confidence:g}")


MOST_PICTURE_BYTES = 128 * 1024


def _check_picture(picture: sensor_pb2.CameraPicture) -> None:
    _check_name("camera", picture.camera)
    if not 0 < len(picture.jpeg) <= MOST_PICTURE_BYTES or not picture.jpeg.startswith(b"\xff\xd8"):
        raise Refused("bad_picture", f"{len(picture.jpeg)} bytes, expected a JPEG of at most {MOST_PICTURE_BYTES}")
    if not 0 < picture.width_px <= 4096 or not 0 < picture.height_px <= 4096:
        raise Refused("out_of_bounds", f"a picture of {picture.width_px} x {picture.height_px} pixels")
    if len(picture.boxes) > 512:
        raise Refused("too_many_elements", f"{len(picture.boxes)} boxes")


def _check_sensors(report: sensor_pb2.SensorReport) -> None:
    if len(report.sensors) > 64 or any(len(one.ranges) > 16 for one in report.sensors):
        raise Refused("too_many_elements", f"{len(report.sensors)} sensors")
    for one in report.sensors:
        _check_name("sensor", one.sensor)


SEMANTIC_CHECKS: dict[str, Callable[[Any], None]] = {
    "lukou.v1.CameraPicture": _check_picture,
    "lukou.v1.Command": _check_command,
    "lukou.v1.SensorReport": _check_sensors,
    "lukou.v1.SignalState": _check_signal,
    "lukou.v1.SpeedAdvice": _check_advice,
    "lukou.v1.VehicleReport": _check_vehicle,
    "lukou.v1.Warning": _check_warning,
}

assert MAX_OBJECTS * 4 * 33 < MAX_BYTES
