"""Vendors' lists as scans: what of them is no evidence, and what is the same evidence twice."""

from pathlib import Path

import numpy as np
import pytest

from lukou_messages.objects import DetectionList
from lukou_messages.process import Input
from lukou_messages.v1.sensor_pb2 import SensorKind
from lukou_roadside.perception.core import PerceptionCore
from lukou_roadside.perception.sensing import VendorMemory
from lukou_roadside.perception.settings import PerceptionSettings

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
CAMERA, TRACKS = SensorKind.SENSOR_KIND_CAMERA, SensorKind.SENSOR_KIND_RADAR_TRACKS


def told(kind: int, xy: list[float], **columns: object) -> DetectionList:
    """Cars 20 m apart, variances of 0.25 m^2 and these covariances."""
    count = len(xy)
    numbers = {"track_id": np.arange(1, count + 1)} if kind == TRACKS else {}
    return DetectionList.of(
        count, sensor="pole", sensor_kind=kind, object_class=np.ones(count), score=np.full(count, 0.9),
        x_m=20.0 * np.arange(count), y_m=np.zeros(count), position_variance_xx_m2=np.full(count, 0.25),
        position_variance_xy_m2=np.array(xy), position_variance_yy_m2=np.full(count, 0.25), **numbers, **columns,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [CAMERA, TRACKS])
def test_a_covariance_that_can_be_none_is_left_out_and_counted(kind: int) -> None:
    memory = VendorMemory()
    scan = memory.scan(told(kind, [0.1, 0.3, -0.25, -0.24]), 0, 0.0, 1)
    assert scan.x_m.tolist() == [0.0, 60.0]
    assert scan.presence == (1.0 if kind == CAMERA else pytest.approx(0.1))
    assert memory.refused == 2
    assert len(memory.scan(told(kind, [0.0, 0.0]), 0, 0.1, 2)) == 2
    assert memory.refused == 2


def test_a_list_with_such_covariances_gives_no_phantoms_and_health_tells_of_it() -> None:
    core = PerceptionCore(PerceptionSettings(site="k2", map=str(DISTRICT), sensors=("pole",)))
    for k in range(10):
        at_ns = 10**18 + k * 100_000_000
        given = core.step(at_ns + 20_000_000, [Input("detections", "x", 1, k + 1, at_ns, told(CAMERA, [0.1, 0.3]))])
    objects = given[0].value
    assert np.asarray(objects.x_m) == pytest.approx([0.0], abs=0.1)
    xx, xy, yy = (np.asarray(getattr(objects, f"position_variance_{which}_m2"), float) for which in ("xx", "xy", "yy"))
    assert (xx * yy - xy * xy > 0.0).all()
    assert xx.min() > 0.01
    assert core.figures()["detections_of_wrong_covariance"] == 10


def test_a_range_rate_beside_a_velocity_is_no_second_evidence() -> None:
    ones, bit = np.ones(2), {"velocity_x_mps": 1 << 11, "velocity_y_mps": 1 << 12}
    both = told(TRACKS, [0.0, 0.0], range_rate_mps=5.0 * ones, velocity_x_mps=5.0 * ones, velocity_y_mps=0.0 * ones)
    assert np.isnan(VendorMemory().scan(both, 0, 0.0, 1).range_rate_mps).all()
    rate = VendorMemory().scan(told(TRACKS, [0.0, 0.0], range_rate_mps=5.0 * ones), 0, 0.0, 1).range_rate_mps
    assert rate.tolist() == [5.0, 5.0]  # alone it is the only evidence
    known = np.array([0xFFFFFFFF, 0xFFFFFFFF & ~sum(bit.values())], np.uint32)
    columns = {"range_rate_mps": 5.0 * ones, "velocity_x_mps": 5.0 * ones, "velocity_y_mps": 0.0 * ones}
    some = VendorMemory().scan(told(TRACKS, [0.0, 0.0], **columns, known=known), 0, 0.0, 1).range_rate_mps
    assert np.isnan(some[0])
    assert some[1] == 5.0
