"""Reference systems: what is recognised, what is refused."""

import numpy as np
import pytest

from lukou_maps.errors import MapError
from lukou_maps.reference import bd09, datum_of, display_offset, gcj02


def test_the_published_transform_moves_beijing_by_half_a_kilometre() -> None:
    east, north = gcj02(np.array([116.397428]), np.array([39.90923]))
    # values of the transform as its open ports give them for Tiananmen
    assert (east[0], north[0]) == pytest.approx((116.403672, 39.910635), abs=2e-6)


def test_nothing_moves_outside_china() -> None:
    east, north = gcj02(np.array([8.4]), np.array([49.0]))
    assert (east[0], north[0]) == (8.4, 49.0)


def test_display_offsets_are_recognised_by_trusted_places() -> None:
    random = np.random.default_rng(1)
    lon, lat = 121.47 + random.normal(0, 0.01, 200), 31.23 + random.normal(0, 0.01, 200)
    shaken = lon + random.normal(0, 3e-5, 200)
    assert display_offset(shaken, lat, lon, lat) == ""
    assert display_offset(*gcj02(shaken, lat), lon, lat) == "GCJ-02"
    assert display_offset(*bd09(shaken, lat), lon, lat) == "BD-09"


@pytest.mark.parametrize("text", ["GCJ-02", "+proj=longlat gcj02", "BD09", "火星坐标系", "baidu"])
def test_names_of_display_offsets_are_refused(text: str) -> None:
    with pytest.raises(MapError, match="looks like"):
        datum_of(text)


def test_datums_are_told_apart() -> None:
    assert datum_of("+proj=utm +zone=51 +datum=WGS84") == ("WGS-84", 0.0)
    assert datum_of("EPSG:4490") == datum_of("EPSG:4549") == ("CGCS2000", 2000.0)
    assert datum_of("+proj=tmerc") == ("", 0.0)
