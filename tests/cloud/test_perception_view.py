"""The perception view: what the centre makes of pictures and sensor reports, what the server gives, what a browser shows."""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lukou_cloud.centre.archive import Archive
from lukou_cloud.centre.core import CentreCore
from lukou_cloud.web.server import PageDevice
from lukou_messages.objects import ObjectList
from lukou_messages.process import VALID, Input, Output
from lukou_messages.v1.header_pb2 import Validity
from lukou_messages.v1.sensor_pb2 import (
    CameraPicture,
    MountingQuality,
    PictureBox,
    RangeQuality,
    SensorQuality,
    SensorReport,
)

from .test_centre import T, of_type, settings


def picture(camera: str = "camera-north") -> Input:
    packed = cv2.imencode(".jpg", np.full((120, 200, 3), (30, 160, 60), np.uint8))[1].tobytes()
    value = CameraPicture(camera=camera, width_px=200, height_px=120, jpeg=packed, is_coarsened=True)
    value.boxes.append(PictureBox(object_class=1, score=0.8, left=0.2, top=0.3, right=0.5, bottom=0.8))
    return Input("picture", "k1/perception", T, 1, T, value, VALID)


def report() -> Input:
    north = SensorQuality(
        sensor="camera-north", state=Validity.VALIDITY_DEGRADED, reason="has moved: 2.0 degrees down", scans=40
    )
    north.latency_p50_ms, north.clock_offset_s = 41.0, -0.012
    north.ranges.append(RangeQuality(from_m=0, to_m=20, expected=40, found=38, residual_p50_m=0.21, residual_p95_m=0.6))
    north.ranges.append(RangeQuality(from_m=20, to_m=40, expected=2, found=2))
    north.mounting.CopyFrom(
        MountingQuality(compared_at_ns=T, found_share=0.8, is_sure=True, has_moved=True, pitch_rad=-0.0349)
    )
    value = SensorReport(
        sensors=[north, SensorQuality(sensor="radar-north", state=Validity.VALIDITY_INVALID, reason="silent for 3.0 s")]
    )
    return Input("sensor_report", "k1/perception", T, 1, T, value, VALID)


def test_a_report_becomes_plain_and_unknown_stays_unknown(tmp_path: Path) -> None:
    [update] = of_type(CentreCore(settings(tmp_path)).step(T, [report()]), "sensors")
    north, radar = update["sensors"]
    assert update["site"] == "k1"
    assert (north["state"], north["latency_p50_ms"], north["clock_offset_s"]) == ("degraded", 41.0, -0.012)
    assert north["latency_p95_ms"] is None
    assert north["ranges"][0]["found_share"] == 0.95
    assert north["ranges"][1]["found_share"] is None  # too few to say
    assert north["mounting"]["pitch_deg"] == -2.0
    assert (radar["state"], radar["mounting"], radar["rate_hz"]) == ("invalid", None, None)
    json.dumps(update, allow_nan=False)


def test_ellipses_follow_the_covariance(tmp_path: Path) -> None:
    core = CentreCore(settings(tmp_path))
    one = ObjectList.of(
        1, id=[1], object_class=[1], x_m=[1.0], y_m=[2.0], position_variance_xx_m2=[2.5], position_variance_xy_m2=[1.5],
        position_variance_yy_m2=[2.5], velocity_x_mps=[0.0], velocity_y_mps=[0.0], yaw_rad=[0.0], length_m=[4.0], width_m=[2.0],
        age_s=[1.0], unmeasured_s=[0.0], lane=[0xFFFFFFFF],
    )  # fmt: skip
    [update] = of_type(core.step(T, [Input("fused_objects", "district/edge", T, 1, T, one, VALID)]), "objects")
    assert update["ellipse"] == [2.0, 1.0, 0.79]  # variances 4 and 1 along and across 45 degrees


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[PageDevice, str]]:
    given = settings(tmp_path)
    device = PageDevice(given, Archive(given.archive.file))
    address = f"http://127.0.0.1:{device.port}"
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{address}/api/sensors", timeout=2)
            break
        except OSError:
            time.sleep(0.05)
    yield device, address
    device.close()


def publish(device: PageDevice, core: CentreCore, *inputs: Input) -> None:
    device.send([one for one in core.step(T, inputs) if one.topic == "device/page"])


def get(address: str) -> tuple[str, bytes]:
    with urllib.request.urlopen(address, timeout=5) as answer:
        return str(answer.headers["Content-Type"]), answer.read()


def test_the_server_gives_reports_and_the_newest_picture(served: tuple[PageDevice, str], tmp_path: Path) -> None:
    device, address = served
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{address}/api/picture/k1/camera-north")
    publish(device, CentreCore(settings(tmp_path)), picture(), report())
    kind, packed = get(f"{address}/api/picture/k1/camera-north")
    assert kind == "image/jpeg"
    assert packed == picture().value.jpeg
    told = json.loads(get(f"{address}/api/sensors")[1])
    assert told["sites"][0]["sensors"][0]["reason"].startswith("has moved")


@pytest.mark.browser
def test_a_browser_shows_pictures_boxes_and_quality_in_both_languages(
    served: tuple[PageDevice, str], tmp_path: Path
) -> None:
    from playwright.sync_api import sync_playwright

    path = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if path is None:
        if os.environ.get("LUKOU_REQUIRE_BROWSER"):
            pytest.fail("no Chromium: install Debian's package chromium")
        pytest.skip("no Chromium: install Debian's package chromium")
    device, address = served
    core = CentreCore(settings(tmp_path))
    flags = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        page = browser.new_page(viewport={"width": 1400, "height": 850}, locale="en-GB")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#sight-button:has-text('Perception')", timeout=30_000)
        page.click("#sight-button")
        publish(device, core, report(), picture())
        page.wait_for_selector("[data-camera=camera-north][data-drawn]", timeout=20_000)
        colours: Any = page.evaluate(
            "(() => { const c = document.querySelector('[data-camera=camera-north] canvas'); const pen = c.getContext('2d');"
            " return [[...pen.getImageData(5, 5, 1, 1).data], [...pen.getImageData(40, 60, 1, 1).data]]; })()"
        )
        assert abs(colours[0][1] - 160) < 12  # the picture itself
        assert colours[1][2] > 150  # the box of a car, blue
        assert page.get_attribute("[data-sensor=camera-north]", "data-state") == "degraded"
        assert "has moved: 2.0 degrees down" in page.inner_text("#sight-sensors")
        assert "95 %" in page.inner_text("#sight-sensors")
        page.click("#language")
        page.wait_for_selector("#sight-button:has-text('感知')", timeout=5_000)
        assert "传感器" in page.inner_text("#sight-sensors")
        assert errors == []
        browser.close()


def test_pictures_of_many_cameras_are_bounded(
    served: tuple[PageDevice, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("lukou_cloud.web.server.MOST_PICTURES", 2)
    device, address = served
    core = CentreCore(settings(tmp_path))
    outputs: list[Output] = []
    for k in range(4):
        outputs += core.step(T, [picture(f"camera-{k}")])
    device.send([one for one in outputs if one.topic == "device/page"])
    assert get(f"{address}/api/picture/k1/camera-1")[0] == "image/jpeg"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{address}/api/picture/k1/camera-3")
