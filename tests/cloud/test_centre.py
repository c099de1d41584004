"""The centre's core: who is down, what stands, what the page is told; and its server."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets

from lukou_cloud.centre.archive import Archive
from lukou_cloud.centre.core import CentreCore
from lukou_cloud.centre.settings import ArchiveSettings, CentreSettings, PageSettings
from lukou_cloud.web.server import PageDevice
from lukou_messages.objects import ObjectList
from lukou_messages.process import VALID, Input, Output
from lukou_messages.v1 import health_pb2, warning_pb2

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district"
T = 1_790_000_000 * 10**9
SECOND = 10**9


def settings(tmp_path: Path) -> CentreSettings:
    return CentreSettings(
        map=str(DISTRICT / "district.net.xml"),
        configurations=tuple(str(DISTRICT / f"k{k}.signal.json") for k in range(1, 5)),
        processes=("district/edge", "k1/signal"),
        archive=ArchiveSettings(file=tmp_path / "a.sqlite"),
        page=PageSettings(port=0),
    )


def health(source: str, at_ns: int, epoch: int = T) -> Input:
    value = health_pb2.Health(process="edge", state=health_pb2.HEALTH_STATE_GOOD)
    return Input("health", source, epoch, 1, at_ns, value, VALID)


def of_type(outputs: Any, kind: str) -> list[dict[str, Any]]:
    return [o.value for o in outputs if o.topic == "device/page" and o.value["type"] == kind]


def events(outputs: Any) -> list[str]:
    return [o.value.kind for o in outputs if o.topic == "device/archive"]


def test_a_killed_process_is_told_down_once_and_back_with_its_new_life(tmp_path: Path) -> None:
    core = CentreCore(settings(tmp_path))
    core.step(T, [health("district/edge", T)])
    heard = []
    for tenth in range(1, 60):
        heard += events(core.step(T + tenth * SECOND // 10, []))
    assert heard == ["process.down"]
    outputs = core.step(T + 6 * SECOND, [health("district/edge", T + 6 * SECOND, epoch=T + 5 * SECOND)])
    assert events(outputs) == ["process.back"]
    rows = {row["source"]: row for row in of_type(core.step(T + 7 * SECOND, []), "processes")[0]["processes"]}
    assert (rows["district/edge"]["state"], rows["district/edge"]["restarts"]) == ("good", 1)
    assert rows["k1/signal"]["state"] == "waiting"


def test_warnings_stand_until_cancelled_or_expired(tmp_path: Path) -> None:
    core = CentreCore(settings(tmp_path))

    def warning(identity: str, phase: int) -> Input:
        value = warning_pb2.Warning(
            warning_id=identity, phase=phase, kind=1, level=2, expires_at_ns=T + SECOND, meeting_x_m=3, meeting_y_m=4
        )
        return Input("warning", "district/edge", T, 1, T, value, VALID)

    def standing(now_ns: int, *inputs: Input) -> list[str]:
        [update] = of_type(core.step(now_ns, inputs), "warnings")
        return [one["id"] for one in update["warnings"]]

    assert standing(T, warning("a", 1), warning("b", 1)) == ["a", "b"]
    assert standing(T + SECOND, warning("a", 3)) == ["b"]
    assert standing(T + 3 * SECOND) == []


def test_objects_reach_the_page_at_its_rate(tmp_path: Path) -> None:
    core = CentreCore(settings(tmp_path))
    sent = 0
    for tenth in range(20):
        now_ns = T + tenth * SECOND // 10
        objects = ObjectList.of(
            2, id=[1, 2], object_class=[1, 6], x_m=[1.234, 5], y_m=[0, 0], lane_names=["a"], lane=[0, 9]
        )
        updates = of_type(
            core.step(now_ns, [Input("fused_objects", "district/edge", T, tenth + 1, now_ns, objects)]), "objects"
        )
        sent += len(updates)
    assert sent == 10
    assert updates == [] or updates[0]["lane"] == ["a", ""]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[PageDevice]:
    archive = Archive(tmp_path / "a.sqlite")
    device = PageDevice(settings(tmp_path), archive)
    ends = time.monotonic() + 5
    while not device._server.started and time.monotonic() < ends:
        time.sleep(0.02)
    yield device
    device.close()
    archive.close()


def get(page: PageDevice, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{page.port}{path}", timeout=5) as answer:
        return json.loads(answer.read())


def test_the_api_serves_map_figures_and_archive(page: PageDevice) -> None:
    kinds = {feature["properties"]["kind"] for feature in get(page, "/api/map")["features"]}
    assert {"road", "crosswalk", "stop_line", "connection", "junction"} <= kinds
    assert get(page, "/api/archive") == {"counts": {}, "gaps": []}
    assert get(page, "/api/archive/event")["records"] == []
    for bad in ("/api/archive/objects", "/api/archive/..%2f..", "/api/archive/event?limit=0"):
        with pytest.raises(urllib.error.HTTPError):
            get(page, bad)


def test_other_hosts_and_other_pages_are_turned_away(page: PageDevice) -> None:
    foreign = urllib.request.Request(f"http://127.0.0.1:{page.port}/api/figures", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="421"):
        urllib.request.urlopen(foreign, timeout=5)

    async def listen() -> None:
        async with websockets.connect(f"ws://127.0.0.1:{page.port}/live", origin="http://evil.example") as client:  # type: ignore[arg-type]
            await client.recv()

    with pytest.raises(websockets.exceptions.WebSocketException):
        asyncio.run(listen())


def test_the_live_stream_gives_the_newest_first_and_then_what_comes(page: PageDevice) -> None:
    page.send(
        [
            Output("device/page", {"type": "figures", "delay_s": 1}, T),
            Output("device/page", {"type": "figures", "delay_s": 2}, T),
        ]
    )

    async def listen() -> list[Any]:
        async with websockets.connect(f"ws://127.0.0.1:{page.port}/live") as client:
            first = json.loads(await client.recv())
            page.send([Output("device/page", {"type": "signals", "signals": []}, T)])
            return [first, json.loads(await asyncio.wait_for(client.recv(), 5))]

    assert [one["type"] for one in asyncio.run(listen())] == ["figures", "signals"]
    assert get(page, "/api/figures")["delay_s"] == 2


def told(source: str, at_ns: int, count: int, beneath: tuple[str, ...] = ()) -> Input:
    ids = list(range(1, count + 1))
    objects = ObjectList.of(count, sensor_names=beneath, id=ids, object_class=ids, x_m=ids, y_m=ids)
    return Input("fused_objects", source, T, 1, at_ns, objects, VALID)


def shown(core: CentreCore, now_ns: int, *inputs: Input) -> list[int]:
    """Lengths of the lists of road users that the page is given."""
    return [len(one["id"]) for one in of_type(core.step(now_ns, inputs), "objects")]


@pytest.mark.parametrize("liar", ["north/edge", "south/region", "k1/perception"])
def test_nobody_hides_a_regions_list_by_naming_it(tmp_path: Path, liar: str) -> None:
    core, region = CentreCore(settings(tmp_path)), "north/region"
    for k in range(3):
        at = T + k * SECOND // 2
        assert shown(core, at, told(liar, at, 1, (region, "south/edge")), told(region, at, 3)) == [3]


def test_an_edge_hides_no_other_edge(tmp_path: Path) -> None:
    core = CentreCore(settings(tmp_path))
    assert shown(core, T, told("north/edge", T, 1, ("south/edge",)), told("south/edge", T, 2)) == [2]


def test_a_list_that_is_part_of_another_is_not_shown_beside_it(tmp_path: Path) -> None:
    core = CentreCore(settings(tmp_path))

    edge, region = "north/edge", "district/region"
    assert shown(core, T, told(edge, T, 2, ("n1/perception",))) == [2]
    at = T + SECOND
    assert shown(core, at, told(region, at, 3, (edge, "south/edge")), told(edge, at, 2)) == [3]
    assert shown(core, at + SECOND // 2, told(edge, at + SECOND // 2, 2)) == []
    assert shown(core, at + 3 * SECOND, told(edge, at + 3 * SECOND, 2)) == [2]  # the region is gone
    at += 6 * SECOND
    assert shown(core, at, told(region, at, 3, (edge,))) == [3]
    assert shown(core, at + SECOND // 2, told(edge, at, 2, (region,))) == []  # nor for claiming to hold the region's
    assert shown(core, at + SECOND, told(region, at, 3, (edge,))) == [3]
