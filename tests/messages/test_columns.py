"""The column codec: same wire form as the public schema, everything bad refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lukou_messages.columns import MAX_OBJECTS, ColumnList
from lukou_messages.errors import Refused
from lukou_messages.objects import DetectionList, ObjectList, TruthList
from lukou_messages.v1.header_pb2 import Header

HEADER = Header(source="k1/perception", epoch=10**18, sequence=7, measured_at_ns=17 * 10**17, sent_at_ns=17 * 10**17)


def full_list(kind: type[ColumnList], count: int, seed: int = 1) -> ColumnList:
    random = np.random.default_rng(seed)
    columns = {
        one.name: random.uniform(0, min(one.high, 100), count) if one.is_float else random.permutation(count) + 1
        for one in kind.KINDS
    }
    return kind.of(count, **columns)


@pytest.mark.parametrize("kind", [ObjectList, DetectionList, TruthList])
@pytest.mark.parametrize("count", [0, 1, 30, 200])
def test_decode_is_the_inverse_of_encode(kind: type[ColumnList], count: int) -> None:
    made = full_list(kind, count)
    back = kind.decode(made.encode(HEADER))
    assert back.message.header == HEADER
    for name, values in made.columns().items():
        np.testing.assert_array_equal(back.columns()[name], values)


@pytest.mark.parametrize("kind", [ObjectList, DetectionList, TruthList])
def test_the_twin_equals_the_public_schema(kind: type[ColumnList]) -> None:
    payload = full_list(kind, 30).encode(HEADER)
    public = kind.PUBLIC.FromString(payload)
    assert public.object_count == 30
    for one in kind.KINDS:
        np.testing.assert_array_equal(np.array(getattr(public, one.name)), getattr(kind.decode(payload), one.name))
    again = public.SerializeToString()
    assert kind.decode(again).encode(HEADER) == payload


def test_every_repeated_field_of_the_schema_is_a_declared_column() -> None:
    for kind in (ObjectList, DetectionList, TruthList):
        schema = {f.name: f.number for f in kind.PUBLIC.DESCRIPTOR.fields if f.number >= 10 and f.is_repeated}
        assert schema == {one.name: one.number for one in kind.KINDS}


def test_split_and_unpacked_columns_lose_no_road_user() -> None:
    made = full_list(ObjectList, 4)
    whole = ObjectList.PUBLIC.FromString(made.encode(HEADER))
    xs = list(whole.x_m)
    whole.ClearField("x_m")
    rest = whole.SerializeToString()
    split = b"".join(ObjectList.PUBLIC(x_m=part).SerializeToString() for part in (xs[:1], xs[1:]))
    np.testing.assert_array_equal(ObjectList.decode(rest + split).x_m, made.x_m)
    unpacked = b"".join(bytes([14 << 3 | 5]) + np.float32(x).tobytes() for x in xs)
    np.testing.assert_array_equal(ObjectList.decode(rest + unpacked).x_m, made.x_m)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x_m": [np.nan, 1]}, "out_of_bounds"),
        ({"velocity_x_mps": [np.inf, 1]}, "out_of_bounds"),
        ({"velocity_x_mps": [300, 1]}, "out_of_bounds"),
        ({"existence_probability": [-0.1, 1]}, "out_of_bounds"),
        ({"yaw_rad": [360, 1]}, "out_of_bounds"),
        ({"id": [5, 5]}, "doubled_id"),
        ({"id": [0, 5]}, "out_of_bounds"),
        ({"y_m": [1, 2, 3]}, "columns_differ_in_length"),
        ({"y_m": None}, "missing_column"),
    ],
)
def test_bad_columns_are_refused_with_a_reason(change: dict[str, list[float] | None], reason: str) -> None:
    columns: dict[str, list[float] | None] = {
        "id": [1, 2], "object_class": [1, 1], "x_m": [0, 1], "y_m": [0, 1],
        "velocity_x_mps": [1, 1], "existence_probability": [1, 1], "yaw_rad": [0, 0],
    }  # fmt: skip
    columns.update(change)
    kept = {name: values for name, values in columns.items() if values is not None}
    bits = sum(one.bit for one in ObjectList.KINDS if one.name in kept)
    payload = ObjectList.PUBLIC(header=HEADER, object_count=2, columns_present=bits, **kept).SerializeToString()
    with pytest.raises(Refused) as refusal:
        ObjectList.decode(payload)
    assert refusal.value.reason == reason


def test_too_long_lists_are_refused_before_they_are_read() -> None:
    with pytest.raises(Refused, match="too_many_objects"):
        ObjectList.decode(ObjectList.PUBLIC(object_count=MAX_OBJECTS + 1).SerializeToString())


def test_minus_zero_is_a_number() -> None:
    payload = ObjectList.of(1, id=[1], object_class=[1], x_m=[-0.0], y_m=[0], existence_probability=[-0.0]).encode(
        HEADER
    )
    assert len(ObjectList.decode(payload)) == 1


def test_columns_of_a_newer_schema_are_tolerated() -> None:
    made = ObjectList.of(1, id=[1], object_class=[1], x_m=[3], y_m=[0])
    message = ObjectList.PUBLIC.FromString(made.encode(HEADER))
    message.columns_present |= 1 << 60
    assert ObjectList.decode(message.SerializeToString()).x_m[0] == 3


def test_lists_are_read_only() -> None:
    made = full_list(ObjectList, 3)
    with pytest.raises(ValueError, match="read-only"):
        made.x_m[0] = 1
    with pytest.raises(ValueError, match="does not fit"):
        ObjectList.of(2, id=[1], object_class=[1, 1], x_m=[0, 0], y_m=[0, 0])


def test_clipped_lists_keep_their_bounds_and_refuse_what_is_no_number() -> None:
    far = {
        "id": [1, 2],
        "object_class": [1, 1],
        "x_m": [1e9, -np.inf],
        "y_m": [0, 5],
        "existence_probability": [1.2, -0.1],
    }
    with pytest.raises(ValueError, match="out_of_bounds"):
        ObjectList.of(2, **far)
    made = ObjectList.clipped(2, **far)
    bounds = {one.name: (one.low, one.high) for one in ObjectList.KINDS}
    assert made.x_m.tolist() == [*reversed(bounds["x_m"])] and made.y_m.tolist() == [0, 5]
    assert made.existence_probability.tolist() == [1, 0]
    assert len(ObjectList.decode(made.encode(HEADER))) == 2
    with pytest.raises(ValueError, match="out_of_bounds: x_m"):
        ObjectList.clipped(2, **far | {"x_m": [np.nan, 0]})


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 10_000))
def test_no_bytes_raise_anything_but_refused(noise: bytes, at: int) -> None:
    payload = bytearray(full_list(ObjectList, 5).encode(HEADER))
    at %= len(payload)
    for candidate in (
        noise,
        bytes(payload[:at]),
        bytes(payload[:at]) + noise,
        bytes(payload[:at] + noise + payload[at:]),
    ):
        try:
            ObjectList.decode(candidate)
        except Refused:
            pass
