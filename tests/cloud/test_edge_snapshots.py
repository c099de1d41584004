"""The edge continues from its snapshot, and from no other's."""

import pytest

from lukou_cloud.edge.core import EdgeCore
from lukou_cloud.edge.settings import EdgeSettings
from lukou_cloud.edge.warm import two_roads
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration
from lukou_messages.objects import ObjectList
from lukou_messages.process import Output
from tests.cloud.test_edge_core import Street, configurations, core, crossing_frames, drive, model

__all__ = ["configurations", "model"]  # fixtures


def encoded(outputs: list[Output]) -> list[tuple[str, int, int, bytes]]:
    found = []
    for one in outputs:
        value = one.value
        raw = b"".join(c.tobytes() for c in value.columns().values()) if isinstance(value, ObjectList) else b""
        found.append((one.topic, one.measured_at_ns, one.validity, raw or value.SerializeToString(deterministic=True)))
    return found


def test_a_snapshot_continues_bit_for_bit(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    frames = crossing_frames(Street(model), 3.5)
    straight = core(model, configurations)
    drive(straight, frames[:18])
    snapshot = straight.snapshot()
    expected = encoded(drive(straight, frames[18:]))
    resumed = core(model, configurations)
    resumed.restore(snapshot)
    assert encoded(drive(resumed, frames[18:])) == expected
    assert any(topic == "warning" for topic, *_ in expected)


def test_a_snapshot_of_another_version_is_refused(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    with pytest.raises(ValueError, match="version"):
        core(model, configurations).restore(b'{"version": 99}')


def test_a_snapshot_made_on_another_map_is_refused(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    elsewhere = EdgeCore(EdgeSettings(map="two roads"), two_roads(), [])
    with pytest.raises(ValueError, match="another map"):
        core(model, configurations).restore(elsewhere.snapshot())
