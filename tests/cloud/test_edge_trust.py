"""Degrading honestly: what warnings rest on lowers their trust, too little trust withholds them, and the state says so."""

from pathlib import Path

import pytest

from lukou_cloud.edge.core import EdgeCore
from lukou_cloud.edge.settings import EdgeSettings
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration, load
from lukou_messages.objects import ObjectList
from lukou_messages.process import DEGRADED, VALID, Input, Output
from lukou_messages.v1.sensor_pb2 import MountingQuality, SensorQuality, SensorReport
from lukou_messages.v1.warning_pb2 import Warning as WarningMessage
from lukou_messages.v1.warning_pb2 import WarningKind, WarningLevel, WarningPhase
from tests.cloud.test_edge_core import CAR, Street, crossing_frames, objects, signal, turn, user

FOLDER = Path(__file__).parents[2] / "sim/lukou_sim/district"
DISTRICT = FOLDER / "district.net.xml"
T = 1_800_000_000_000_000_000
STEP_NS = 100_000_000


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


@pytest.fixture(scope="module")
def configuration() -> SignalConfiguration:
    return load(FOLDER / "k1.signal.json")


def moved(at_ns: int, has_moved: bool = True) -> Input:
    quality = SensorQuality(sensor="camera-north", mounting=MountingQuality(is_sure=True, has_moved=has_moved))
    return Input("sensor_report", "k1/perception", 1, 1, at_ns, SensorReport(sensors=[quality]))


def sent(outputs: list[Output]) -> list[WarningMessage]:
    return [one.value for one in outputs if one.topic == "warning"]


class Drive:
    """The crossing of two cars, with what is not in order."""

    def __init__(self, model: RoadModel, configuration: SignalConfiguration, least: float = 0.3) -> None:
        settings = EdgeSettings.model_validate(
            {"map": str(DISTRICT), "services": {"trust": {"least_confidence": least}}}
        )
        self.edge = EdgeCore(settings, model, [configuration])
        self.frames, self.configuration = crossing_frames(Street(model), 2.8), configuration

    def run(
        self, is_lit: bool = True, has_moved: bool = False, validity: int = VALID, lane_probability: float | None = None,
        unmeasured_s: float = 0.0,
    ) -> list[Output]:  # fmt: skip
        outputs: list[Output] = []
        for now, inputs in self.frames:
            told = [signal(now, {}, self.configuration)] if is_lit else []
            told += [moved(now)] if has_moved else []
            for one in inputs:
                columns = one.value.columns()
                count = len(one.value)
                if lane_probability is not None:
                    columns |= {"lane": [0] * count, "lane_probability": [lane_probability] * count}
                if unmeasured_s:
                    columns |= {"unmeasured_s": [unmeasured_s] * count}
                value = ObjectList.of(count, lane_names=["k1_N_approach_2"], **columns)
                told.append(Input(one.topic, one.source, 1, one.sequence, one.measured_at_ns, value, validity))
            outputs += turn(self.edge, now, told)
        return outputs


def test_all_in_order_is_full_trust_and_no_fault(model: RoadModel, configuration: SignalConfiguration) -> None:
    drive = Drive(model, configuration)
    outputs = drive.run()
    assert sent(outputs)
    assert {one.confidence for one in sent(outputs)} == {1.0}
    assert {tuple(one.doubts) for one in sent(outputs)} == {()}
    assert {one.validity for one in outputs if one.topic == "warning"} == {VALID}
    assert drive.edge.faults() == []


@pytest.mark.parametrize(
    ("wrong", "trust", "said", "fault"),
    [
        ({"is_lit": False}, 0.6, "signals of k1 are not known", "signals of k1 are not known: warnings there"),
        ({"has_moved": True}, 0.7, "camera-north of k1/perception moved", "camera-north of k1/perception moved"),
        ({"validity": DEGRADED}, 0.8, "k1/perception is degraded", "k1/perception is degraded"),
        ({"lane_probability": 0.3}, 0.6, "with probability 0.30 only", ""),
        ({"unmeasured_s": 0.4}, 0.7, "not measured for 0.4 s", ""),
    ],
)
def test_each_doubt_lowers_the_trust_and_is_named(
    model: RoadModel,
    configuration: SignalConfiguration,
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, float],
    trust: float,
    said: str,
    fault: str,
) -> None:
    monkeypatch.setattr("lukou_cloud.edge.core.SETTLED_NS", 0)  # these drives are shorter
    drive = Drive(model, configuration)
    outputs = drive.run(**wrong)  # type: ignore[arg-type]
    assert sent(outputs)
    assert [one.confidence for one in sent(outputs)] == pytest.approx([trust] * len(sent(outputs)))
    assert all(said in "; ".join(one.doubts) for one in sent(outputs))
    told = [one for one in outputs if one.topic == "warning"]
    assert {one.validity for one in told} == {DEGRADED}
    assert all(said in one.reason for one in told)
    assert [fault in one for one in drive.edge.faults()] == ([True] if fault else [])


def test_too_many_doubts_withhold_and_the_state_says_how_many_and_why(
    model: RoadModel, configuration: SignalConfiguration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lukou_cloud.edge.core.SETTLED_NS", 0)
    drive = Drive(model, configuration, least=0.5)
    outputs = drive.run(is_lit=False, has_moved=True)  # .6 x .7
    assert [one for one in sent(outputs) if one.level == WarningLevel.WARNING_LEVEL_IMMINENT] == []
    assert drive.edge.figures()["warnings_withheld"] == 1.0
    withheld = [one for one in drive.edge.faults() if "withheld: 1" in one]
    assert len(withheld) == 1
    assert "signals of k1 are not known; camera-north of k1/perception moved" in withheld[0]


def test_a_warning_that_was_withheld_is_raised_when_it_is_trusted_again(
    model: RoadModel, configuration: SignalConfiguration
) -> None:
    drive = Drive(model, configuration, least=0.65)
    outputs: list[Output] = []
    for k, (now, inputs) in enumerate(drive.frames):
        spat = [signal(now, {}, configuration)] if k >= 18 else []
        outputs += turn(drive.edge, now, [*spat, *inputs])
        if k == 16:
            assert sent(outputs) == []
            assert drive.edge.figures()["warnings_withheld"] == 1.0
    phases = [one.phase for one in sent(outputs)]
    assert phases[0] == WarningPhase.WARNING_PHASE_RAISED
    assert set(phases[1:]) <= {WarningPhase.WARNING_PHASE_REPEATED}
    assert sent(outputs)[0].confidence == 1.0


def test_stale_lists_end_a_warning_with_the_true_reason(model: RoadModel, configuration: SignalConfiguration) -> None:
    drive = Drive(model, configuration)
    outputs = drive.run()
    assert sent(outputs)
    last = drive.frames[-1][0]
    after: list[Output] = []
    for k in range(1, 25):  # the unit falls silent
        after += turn(drive.edge, last + k * STEP_NS, [signal(last + k * STEP_NS, {}, configuration)])
    cancelled = [one for one in sent(after) if one.phase == WarningPhase.WARNING_PHASE_CANCELLED]
    assert len(cancelled) == 1
    assert cancelled[0].cancel_reason == "nobody is seen any more: k1/perception silent"
    assert drive.edge.faults() == ["k1/perception is silent: nobody is warned of what only it sees"]
    assert [one.value.kind for one in after if one.topic == "event"] == ["edge.source_silent"]


def test_a_camera_that_is_set_right_again_is_trusted_again(
    model: RoadModel, configuration: SignalConfiguration
) -> None:
    edge = EdgeCore(EdgeSettings(map=str(DISTRICT)), model, [configuration])
    for k in range(40):
        at = T + k * STEP_NS
        told = [objects(at, [user(1, CAR, 10, 10, 0, 0)]), signal(at, {}, configuration), moved(at, k < 35)]
        turn(edge, at, told)
        if k == 34:
            assert any("camera-north" in one for one in edge.faults())
    assert edge.faults() == []


def test_red_lights_are_not_warned_of_without_signals(model: RoadModel, configuration: SignalConfiguration) -> None:
    street = Street(model)
    path = street.path_of(int(street.straight[0]))
    for is_lit in (True, False):
        edge = EdgeCore(EdgeSettings(map=str(DISTRICT)), model, [configuration])
        outputs: list[Output] = []
        for k in range(30):
            at = T + k * STEP_NS
            told = [objects(at, [street.on(path, street.line_m(path) - 45.0 + 1.3 * k, 13.0, 5)])]
            if is_lit:
                told.append(signal(at, {}, configuration))
            outputs += turn(edge, at, told)
        kinds = {one.kind for one in sent(outputs)}
        assert kinds == ({WarningKind.WARNING_KIND_RED_LIGHT} if is_lit else set())


def test_a_standing_vehicle_is_told_to_those_who_come_with_the_lanes_behind(
    model: RoadModel, configuration: SignalConfiguration
) -> None:
    street, edge = Street(model), EdgeCore(EdgeSettings(map=str(DISTRICT)), model, [configuration])
    path = street.path_of(int(street.straight[0]))
    outputs: list[Output] = []
    for k in range(240):
        at = T + k * STEP_NS
        rows = [street.on(path, 70.0, 0.0, 1), street.on(path, min(5.0 + 0.2 * k, 45.0), 5.0, 2)]
        outputs += turn(edge, at, [objects(at, rows)])
    told = [one for one in sent(outputs) if one.kind == WarningKind.WARNING_KIND_STOPPED]
    assert told
    assert [(one.object_id > 0, one.is_cause) for one in told[0].road_users] == [(True, False), (True, True)]
    assert told[0].lanes[0].startswith("k1_")
