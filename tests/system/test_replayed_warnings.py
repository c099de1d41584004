"""Every warning of a whole run can be explained, and every explanation replays to the same warning: recorded and live."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lukou_cloud.edge.core import EdgeCore
from lukou_cloud.edge.explain import all_of, picture, replayed, text
from lukou_cloud.edge.settings import EdgeSettings
from lukou_cloud.edge.verb import app
from lukou_maps.reading import load_map
from lukou_messages.objects import ObjectList
from lukou_messages.process import Input, Output
from lukou_messages.v1.signal_pb2 import SignalGroupState, SignalState
from lukou_messages.v1.warning_pb2 import Warning as WarningMessage
from lukou_messages.v1.warning_pb2 import WarningPhase
from lukou_sim.district import FOLDER
from lukou_sim.world.road_users import RoadUsers
from lukou_sim.world.scenario import Danger, Scenario
from lukou_sim.world.world import World

SECONDS = 45.0
NET = FOLDER / "district.net.xml"
VEHICLES = {1: "car", 2: "truck", 3: "bus", 4: "motorcycle"}


def world(seed: int) -> World:
    dangers = [("red_light", 2.0), ("jaywalker", 5.0), ("rear_end", 10.0), ("left_turn", 15.0), ("right_turn", 20.0)]
    return World(
        Scenario(
            name="replayed",
            warm_up_s=60.0,
            connected_share=0.3,
            dangers=tuple(
                Danger(id=f"d{k}", kind=kind, at_s=at, within_s=40.0) for k, (kind, at) in enumerate(dangers)
            ),  # type: ignore[arg-type]
        ),
        seed,
        sensors=False,
    )


def columns(users: RoadUsers) -> dict[str, Any]:
    return {
        "id": users.number,
        "object_class": users.kind,
        "existence_probability": np.full(len(users), 0.95),
        "x_m": users.x,
        "y_m": users.y,
        "velocity_x_mps": users.speed * np.cos(users.yaw),
        "velocity_y_mps": users.speed * np.sin(users.yaw),
        "acceleration_x_mps2": users.acceleration * np.cos(users.yaw),
        "acceleration_y_mps2": users.acceleration * np.sin(users.yaw),
        "yaw_rad": users.yaw,
        "length_m": users.length,
        "width_m": users.width,
        "position_variance_xx_m2": np.full(len(users), 0.05),
        "position_variance_yy_m2": np.full(len(users), 0.05),
        "unmeasured_s": np.zeros(len(users)),
    }


class Recorder:
    """Plays a scenario once and keeps it both ways: as files of trajectories, and as the inputs of an edge."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.steps = folder, list[tuple[int, list[Input]]]()
        self._vehicles: list[tuple[Any, ...]] = []
        self._walkers: list[tuple[Any, ...]] = []
        self._states: list[tuple[Any, ...]] = []
        simulated, last = world(seed), dict[str, str]()
        for _ in range(round(SECONDS * 10)):
            simulated.step()
            self._note(simulated, last)
        simulated.close()
        self._write()

    def _note(self, simulated: World, last: dict[str, str]) -> None:
        users, t = simulated.users, round(simulated.elapsed_s, 1)
        rows = zip(users.names, users.kind.tolist(), users.x, users.y, users.yaw, users.speed, users.length, users.width, strict=True)  # fmt: skip
        for name, kind, x, y, yaw, speed, length, width in rows:
            if kind not in VEHICLES:
                word = "ped" if kind == 6 else "bike"
                self._walkers.append((t, name, x, y, yaw, speed, word, length, width))
                continue
            front = x + 0.5 * length * math.cos(yaw), y + 0.5 * length * math.sin(yaw)
            angle = (90.0 - math.degrees(yaw)) % 360.0
            size = f"{VEHICLES[kind]}_{length:.2f}_{width:.2f}"
            self._vehicles.append((t, name, *front, angle, size, speed))
        for name, letters in simulated._letters.items():
            if last.get(name) != letters:
                last[name] = letters
                self._states.append((t, name, letters))
        self.steps.append((simulated.now_ns, self._inputs(simulated)))

    @staticmethod
    def _inputs(simulated: World) -> list[Input]:
        at = simulated.now_ns
        told = [
            Input("objects", "k1/perception", 1, 1, at, ObjectList.of(len(simulated.users), **columns(simulated.users)))
        ]
        for name, cabinet in simulated.cabinets.items():
            groups = [SignalGroupState(group=group, colour=colour) for group, colour in cabinet.states().items()]  # type: ignore[arg-type]
            told.append(Input("signal", f"{name}/signal", 1, 1, at, SignalState(intersection=name, groups=groups)))
        return told + [Input("vehicle", "world", 1, 1, at, one) for one in simulated.vehicle_reports()]

    def _write(self) -> None:
        sizes = sorted({row[5] for row in self._vehicles})
        heads = {
            "fcd.csv": (";", "timestep_time vehicle_id vehicle_x vehicle_y vehicle_angle vehicle_type vehicle_speed", self._vehicles),
            "vru.csv": (",", "t id x y heading speed cls length width", self._walkers),
            "tls.csv": (",", "t tls state", self._states),
            "vtypes.csv": (",", "id length width", [(one, *one.split("_")[1:]) for one in sizes]),
        }  # fmt: skip
        for name, (delimiter, head, rows) in heads.items():
            with (self.folder / name).open("w", newline="") as stream:
                table = csv.writer(stream, delimiter=delimiter)
                table.writerow(head.split())
                table.writerows(rows)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    return Recorder(tmp_path_factory.mktemp("recorded"), seed=5)


def run(folder: Path) -> Path:
    told = ["--map", str(NET), "--signals", str(folder / "tls.csv"), "--out", str(folder / "w.csv")]
    told += ["--objects", str(folder / "fcd.csv"), "--objects", str(folder / "vru.csv"), "--run", str(folder / "run")]
    done = CliRunner().invoke(app, told)
    assert done.exit_code == 0, done.output
    return folder / "run"


@pytest.mark.slow
def test_every_warning_of_a_recording_is_explained_and_replays_to_itself(recorded: Recorder) -> None:
    folder = run(recorded.folder)
    told = all_of(folder)
    assert len(told) >= 5
    assert {one.kind for one in told} & {"crossing", "left_turn", "vru", "red_light", "rear_end"}
    model = load_map(NET)
    for one in told:
        m = one.message
        assert m.why and m.advice, one.identity
        assert one.names, one.identity
        assert 0.0 <= m.severity <= 1.0
        assert 0.0 < m.probability <= 1.0
        assert one.names[0] in text(one)
    for one in told[:3]:
        assert "<svg" in picture(one, model)
    done = CliRunner().invoke(app, ["--explain", "all", "--run", str(folder), "--replay"])
    assert done.exit_code == 0, done.output
    assert f"{len(told)} of {len(told)} warnings are the same" in done.output
    for one in (told[0], told[len(told) // 2]):  # and by itself, up to its own instant
        assert replayed(folder, one.identity) == [], one.identity


@pytest.mark.slow
def test_a_replay_notices_a_different_world(recorded: Recorder) -> None:
    folder = run(recorded.folder)
    path = recorded.folder / "fcd.csv"
    whole = path.read_text()
    try:
        rows = whole.splitlines(keepends=True)
        name = next(one.names[0] for one in all_of(folder) if not one.names[0].startswith("person"))
        path.write_text("".join(row for row in rows if f";{name};" not in row))
        done = CliRunner().invoke(app, ["--explain", "all", "--run", str(folder), "--replay"])
    finally:
        path.write_text(whole)
    assert done.exit_code == 1
    assert "different in" in done.output


@pytest.mark.slow
def test_every_warning_of_a_live_edge_replays_bit_for_bit_from_any_snapshot(recorded: Recorder) -> None:
    settings = EdgeSettings(map=str(NET), configurations=tuple(str(FOLDER / f"k{k}.signal.json") for k in range(1, 5)))
    live = EdgeCore(settings)
    said: list[list[bytes]] = []
    snapshots: dict[int, bytes] = {}
    raised: list[WarningMessage] = []
    for k, (now_ns, inputs) in enumerate(recorded.steps):
        if k in (150, 290):
            snapshots[k] = live.snapshot()
        outputs = live.step(now_ns, inputs)
        said.append(warnings(outputs))
        raised += [one.value for one in outputs if one.topic == "warning_log" and one.value.phase == WarningPhase.WARNING_PHASE_RAISED]  # fmt: skip
    assert len(raised) >= 5
    assert len({one.warning_id for one in raised}) == len(raised)
    for one in raised:
        assert one.why and one.advice and one.road_users, one.warning_id
        assert one.confidence == 1.0
    for begin, snapshot in snapshots.items():
        again = EdgeCore(settings)
        again.restore(snapshot)
        for k in range(begin, min(begin + 150, len(recorded.steps))):
            assert warnings(again.step(*recorded.steps[k])) == said[k], k


def warnings(outputs: Any) -> list[bytes]:
    told: list[Output] = [one for one in outputs if one.topic in ("warning", "advice", "event")]
    return [one.value.SerializeToString(deterministic=True) for one in told]
