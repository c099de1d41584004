"""CPU time of the object list, every column, both ways, beside one message per road user with the same fields."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from lukou_messages.objects import ObjectList
from lukou_messages.v1.header_pb2 import Header

ROUNDS = 15
CALLS = 2000


def measure(count: int = 30) -> dict[str, Any]:
    """Best of several rounds of CPU time, with a fixed calibration loop timed beside. [us]"""
    made = _full_list(count)
    header = Header(source="k1/perception", epoch=1, sequence=1, measured_at_ns=17 * 10**17, sent_at_ns=17 * 10**17)
    payload = made.encode(header)
    users = _PerRoadUser(made, header)
    other = users.encode()
    figures = {
        "road_users": count,
        "columns": len(ObjectList.KINDS),
        "bytes": len(payload),
        "decode_us": _best(lambda: ObjectList.decode(payload)),
        "encode_us": _best(lambda: made.encode(header)),
        "per_road_user_bytes": len(other),
        "per_road_user_decode_us": _best(lambda: users.decode(other), CALLS // 10),
        "per_road_user_encode_us": _best(users.encode, CALLS // 10),
        "calibration_us": _best(_calibration),
    }
    figures["decode_ratio"] = round(figures["per_road_user_decode_us"] / figures["decode_us"], 1)
    figures["encode_ratio"] = round(figures["per_road_user_encode_us"] / figures["encode_us"], 1)
    return figures


def _full_list(count: int) -> ObjectList:
    random = np.random.default_rng(1)
    columns = {
        kind.name: random.uniform(0, min(kind.high, 50), count) if kind.is_float else np.arange(1, count + 1) % 9 + (
            np.arange(count) if kind.name == "id" else 0
        )
        for kind in ObjectList.KINDS
    }  # fmt: skip
    columns["id"] = np.arange(1, count + 1)
    names = [f"k1_{leg}_approach_{lane}" for leg in "NESW" for lane in range(4)]
    return ObjectList.of(count, sensor_names=("camera-north", "radar-north"), lane_names=names, **columns)


class _PerRoadUser:
    """The same fields, one sub-message per road user, read into arrays and checked alike."""

    def __init__(self, made: ObjectList, header: Header) -> None:
        kinds = ObjectList.KINDS
        file = descriptor_pb2.FileDescriptorProto(name="bench_per_road_user.proto", package="bench", syntax="proto3")
        user = file.message_type.add(name="User")
        for number, kind in enumerate(kinds, 1):
            kind_of = (
                descriptor_pb2.FieldDescriptorProto.TYPE_FLOAT
                if kind.is_float
                else descriptor_pb2.FieldDescriptorProto.TYPE_FIXED32
            )
            user.field.add(name=kind.name, number=number, type=kind_of, label=1)
        users = file.message_type.add(name="Users")
        users.field.add(name="header", number=1, type=12, label=1)
        users.field.add(name="users", number=2, type=11, type_name=".bench.User", label=3)
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        self._class: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName("bench.Users"))
        self._names = [kind.name for kind in kinds]
        self._low = np.array([[kind.low] for kind in kinds])
        self._high = np.array([[kind.high] for kind in kinds])
        self._rows = np.array([getattr(made, name) for name in self._names], np.float64).T.tolist()
        self._integers = [not kind.is_float for kind in kinds]
        self._header = header.SerializeToString()

    def encode(self) -> bytes:
        message = self._class(header=self._header)
        for row in self._rows:
            user = message.users.add()
            for name, value, is_integer in zip(self._names, row, self._integers, strict=True):
                setattr(user, name, int(value) if is_integer else value)
        return bytes(message.SerializeToString())

    def decode(self, payload: bytes) -> np.ndarray[Any, Any]:
        message = self._class.FromString(payload)
        names = self._names
        table = np.array([[getattr(user, name) for name in names] for user in message.users], np.float64).T
        if not np.isfinite(table).all() or not ((table >= self._low) & (table <= self._high)).all():
            raise ValueError("out of bounds")
        ids = table[0]
        if len(set(ids.tolist())) != len(ids):
            raise ValueError("doubled id")
        return table


def _best(call: Callable[[], object], calls: int = CALLS) -> float:
    best = math.inf
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            call()
        best = min(best, (time.process_time() - began) / calls)
    return round(best * 1e6, 2)


def _calibration() -> int:
    return sum(range(100))
