"""Near misses: from the edge's encounters to events, tables, counts, files, and the page's layer."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lukou_cloud.centre.archive import Archive
from lukou_cloud.edge.core import EdgeCore
from lukou_cloud.edge.settings import EdgeSettings
from lukou_cloud.near_misses import EVENT, NearMiss, counted, of_details
from lukou_cloud.web.server import PageDevice
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_messages.codec import encode
from lukou_messages.headers import make_header
from lukou_messages.process import Output
from lukou_messages.transport.interface import Packet
from lukou_messages.v1.event_pb2 import Event
from tests.cloud.test_centre import settings
from tests.cloud.test_edge_core import PEDESTRIAN, Street, objects, turn, user

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
T = 1_800_000_000_000_000_000
SECOND = 10**9


def near(
    kind: str = "crossing", at_s: float = 0.0, x_m: float = 300.0, where: str = "k1", pet_s: float = 0.8
) -> NearMiss:
    measures = {"time_to_collision_s": 0.9, "required_braking_mps2": 4.0}
    if kind != "rear_end":
        measures["post_encroachment_s"] = pet_s
    return NearMiss(kind, T + round(at_s * 1e9), x_m, 650.0, where, 1, 2, 1, 6, 9.0, 1.5, **measures)


def test_details_of_an_event_give_the_same_near_miss() -> None:
    for kind in ("crossing", "vulnerable", "rear_end"):
        again = of_details(near(kind).details())
        assert again is not None
        assert again.details() == near(kind).details()
        assert math.isnan(again.post_encroachment_s) == (kind == "rear_end")
    assert of_details({}) is None
    assert of_details({**near().details(), "x_m": "east"}) is None
    assert of_details({**near().details(), "from_a_later_version": "1"}) is not None


def test_counts_are_by_kind_place_and_hour() -> None:
    rows = [near(), near("vulnerable", pet_s=0.2), near("rear_end", at_s=3600.0, x_m=900.0, where="k2")]
    told = counted(rows)
    assert (told["total"], told["serious"]) == (3, 1)
    assert told["by_kind"] == {"crossing": 1, "vulnerable": 1, "rear_end": 1}
    assert told["by_intersection"] == {"k1": 2, "k2": 1}
    assert told["by_hour_utc"] == {"8": 2, "9": 1}  # T is 08:00
    assert [(place["intersection"], place["count"]) for place in told["places"]] == [("k1", 2), ("k2", 1)]
    assert counted([])["total"] == 0


def test_severity_is_one_at_contact_and_half_at_half_a_second() -> None:
    assert near(pet_s=0.0).severity == 1.0
    assert near(pet_s=0.5).severity == 0.5
    assert near(pet_s=1.5).severity == 0.25


# --- the edge -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


def near_misses_of(outputs: list[Output]) -> list[NearMiss]:
    events = [one.value for one in outputs if one.topic == "event" and one.value.kind == EVENT]
    found = [of_details(dict(event.details)) for event in events]
    assert None not in found
    return [one for one in found if one is not None]


def test_a_walker_missed_closely_is_an_event_with_its_measures(model: RoadModel) -> None:
    street, edge = Street(model), EdgeCore(EdgeSettings(map=str(DISTRICT)), model, [])
    path = street.path_of(int(street.straight[0]))
    s = np.array([street.line_m(path) + 4.0])
    x, y, h = (float(v[0]) for v in street.catalogue.table.pose(np.array([path]), s))
    outputs: list[Output] = []
    for k in range(90):
        at, t = T + k * SECOND // 10, 2.6 - k * 0.1
        aside = 1.4 * (t + 0.9)  # the walker is there 0.9 s after the car
        rows = [street.on(path, float(s[0]) - 13.0 * t, 13.0, 8)] if t > -4.0 else []
        rows.append(user(9, PEDESTRIAN, x + aside * np.sin(h), y - aside * np.cos(h), h + np.pi / 2, 1.4))
        outputs += turn(edge, at, [objects(at, rows)])
    [one] = near_misses_of(outputs)
    assert one.kind == "vulnerable"
    assert 0.2 < one.post_encroachment_s < 1.2
    assert {one.first_class, one.second_class} == {1, 6}
    assert math.hypot(one.x_m - x, one.y_m - y) < 6.0
    assert max(one.first_speed_mps, one.second_speed_mps) == pytest.approx(13.0, abs=0.5)
    assert one.intersection == "k1"
    assert abs(one.at_ns - (T + 3 * SECOND)) < SECOND


def test_who_brakes_late_behind_another_is_one_near_miss(model: RoadModel) -> None:
    street, edge = Street(model), EdgeCore(EdgeSettings(map=str(DISTRICT)), model, [])
    path = street.path_of(int(street.straight[0]))
    line, s, speed = street.line_m(path), 5.0, 13.0
    outputs: list[Output] = []
    for k in range(110):
        at = T + k * SECOND // 10
        gap = line - 10.0 - s - 4.5
        if gap < 15.0:
            speed = max(speed - 0.65, 0.0)
        s += 0.1 * speed
        rows = [street.on(path, line - 10.0, 0.0, 1), street.on(path, min(s, line - 15.0), speed, 2)]
        outputs += turn(edge, at, [objects(at, rows)])
    found = [one for one in near_misses_of(outputs) if one.kind == "rear_end"]
    assert len(found) == 1
    assert 0.5 < found[0].time_to_collision_s < 1.5
    assert found[0].required_braking_mps2 > 3.35
    assert found[0].first_speed_mps > found[0].second_speed_mps
    assert "came up behind" in found[0].in_words()


def test_who_brakes_in_time_is_none(model: RoadModel) -> None:
    street, edge = Street(model), EdgeCore(EdgeSettings(map=str(DISTRICT)), model, [])
    path = street.path_of(int(street.straight[0]))
    line, s, speed = street.line_m(path), 5.0, 13.0
    outputs: list[Output] = []
    for k in range(150):
        at = T + k * SECOND // 10
        speed = min(speed, math.sqrt(2.0 * 2.0 * max(line - 17.0 - s, 0.0)))
        s += 0.1 * speed
        rows = [street.on(path, line - 10.0, 0.0, 1), street.on(path, s, speed, 2)]
        outputs += turn(edge, at, [objects(at, rows)])
    assert near_misses_of(outputs) == []


# --- the centre ---------------------------------------------------------------------------------------------------


def packet(number: int, one: NearMiss | None) -> Packet:
    details = one.details() if one is not None else None
    subject = one.intersection if one is not None else "k1"
    event = Event(event_id=str(number), kind=EVENT, subject=subject, text="one", details=details)
    at_ns = one.at_ns if one is not None else T
    header = make_header("district/edge", T, number, Output("event", event, at_ns), at_ns)
    return Packet("event", encode("event", header, event), "district/edge")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    archive = Archive(tmp_path / "a.sqlite")
    rows = [near(), near("vulnerable", at_s=60.0, pet_s=0.2), near("rear_end", at_s=7200.0, where="k2")]
    other = Event(event_id="x", kind="edge.source_silent", subject="k1", text="other")
    header = make_header("district/edge", T, 9, Output("event", other, T), T)
    archive.store([packet(k + 1, one) for k, one in enumerate([*rows, None])])
    archive.store([Packet("event", encode("event", header, other), "district/edge")])
    device = PageDevice(settings(tmp_path), archive)
    ends = time.monotonic() + 5
    while not device._server.started and time.monotonic() < ends:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{device.port}"
    device.close()
    archive.close()


def get(address: str) -> tuple[Any, str]:
    with urllib.request.urlopen(address, timeout=5) as answer:
        return answer.headers, answer.read().decode()


def test_the_api_filters_counts_and_says_what_it_could_not_read(page: str) -> None:
    told = json.loads(get(f"{page}/api/near_misses")[1])
    assert [one["kind"] for one in told["near_misses"]] == ["rear_end", "vulnerable", "crossing"]
    assert (told["unread"], told["counts"]["total"], told["is_cut"]) == (1, 3, False)
    assert told["near_misses"][0]["post_encroachment_s"] is None
    for query, count in (
        ("kind=vulnerable", 1),
        ("intersection=k2", 1),
        (f"from_ns={T + 30 * SECOND}&to_ns={T + 90 * SECOND}", 1),
        ("intersection=nowhere", 0),
        (f"from_ns={T + 9 * 3600 * SECOND}", 0),
    ):
        assert json.loads(get(f"{page}/api/near_misses?{query}")[1])["counts"]["total"] == count, query
    with pytest.raises(urllib.error.HTTPError, match="422"):
        get(f"{page}/api/near_misses?kind=any")


def test_files_hold_the_same_rows_with_longitude_and_latitude(page: str) -> None:
    head, text = get(f"{page}/api/near_misses?format=csv")
    assert "attachment" in head["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 3
    assert rows[2]["time_utc"] == "2027-01-15T08:00:00.000+00:00"
    assert rows[0]["post_encroachment_s"] == ""
    assert 119.0 < float(rows[0]["longitude_deg"]) < 122.0
    head, text = get(f"{page}/api/near_misses?format=geojson&kind=crossing")
    features = json.loads(text)["features"]
    assert head["Content-Type"].startswith("application/geo+json")
    assert len(features) == 1
    assert features[0]["geometry"]["coordinates"] == [float(rows[2]["longitude_deg"]), float(rows[2]["latitude_deg"])]
    assert features[0]["properties"]["second_class"] == "pedestrian"


@pytest.mark.browser
def test_a_browser_shows_the_table_the_layer_and_both_languages(page: str) -> None:
    from playwright.sync_api import sync_playwright

    path = next((at for name in ("chromium", "chromium-browser", "google-chrome") if (at := shutil.which(name))), None)
    if path is None:
        if os.environ.get("LUKOU_REQUIRE_BROWSER"):
            pytest.fail("no Chromium: install Debian's package chromium")
        pytest.skip("no Chromium: install Debian's package chromium")
    flags = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        view = browser.new_page(viewport={"width": 1400, "height": 850}, locale="en-GB")
        errors: list[str] = []
        view.on("pageerror", lambda error: errors.append(str(error)))
        view.goto(page)
        view.wait_for_selector("#near-button:has-text('Near misses')", timeout=30_000)
        view.click("#near-button")
        view.click("#near-filters >> text=all >> nth=0")
        view.wait_for_selector(".near-row[data-kind=rear_end]", timeout=10_000)
        assert view.locator(".near-row").count() == 3
        view.click("#near-filters >> text=people and cyclists")
        view.wait_for_selector(".near-row[data-kind=rear_end]", state="detached", timeout=10_000)
        assert "PET 0.2 s" in view.inner_text(".near-row")
        assert "kind=vulnerable" in (view.get_attribute("#near-geojson", "href") or "")
        view.click("#language")
        view.wait_for_selector("#near-button:has-text('险情')", timeout=5_000)
        assert errors == []
        browser.close()
