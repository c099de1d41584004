"""The signal process on a simulated cabinet: commands in, honest SPaT out."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import lukou_maps
from lukou_maps.signal_configuration import Relation, configuration_hash
from lukou_messages.process import Input
from lukou_messages.v1.command_pb2 import Command
from lukou_messages.v1.header_pb2 import Validity
from lukou_roadside.signal.devices import devices_for
from lukou_roadside.signal.host import HostReading
from lukou_roadside.signal.process import SignalCore
from lukou_roadside.signal.settings import SignalSettings
from lukou_sim.cabinet.core import RED, Cabinet
from lukou_sim.cabinet.direct import DirectController

EXAMPLE = Path(lukou_maps.__file__).parent / "signal_example.json"
START_NS = 1_700_000_000 * 10**9
TICK_NS = 100_000_000


class Street:
    """Cabinet, signal process and an issuer of commands, in one thread and simulated time."""

    def __init__(self, configuration, **settings):
        settings = {"mode": "automatic", "latency_s": 0.3, **settings}
        self.settings = SignalSettings(configuration=str(EXAMPLE), **settings)
        self.configuration = configuration
        self.cabinet = Cabinet(configuration, START_NS)
        self.core = SignalCore(self.settings, configuration)
        self.devices = devices_for(self.settings, DirectController(self.cabinet), host=False)
        self.now_ns = START_NS
        self.host = None
        self.signal = None
        self.reason = ""
        self.validity = 0
        self.replies, self.events, self.todo = [], [], []
        self.number = 0

    def command(self, **fields):
        self.number += 1
        command = Command(
            command_id=f"c{self.number}", device="example", issuer="district/region", authority=7,
            issued_at_ns=self.now_ns, expires_at_ns=self.now_ns + 3 * 10**9, lease_s=3.0, fencing_epoch=1,
            command_sequence=self.number, configuration_hash=configuration_hash(self.configuration),
            configuration_version=1, guard_nonce=self.signal.guard_nonce if self.signal else 0,
        )  # fmt: skip
        for name, value in fields.items():
            if name == "stage":
                command.stage_request.stage = value
            elif name in ("release", "renewal"):
                getattr(command, name).SetInParent()
            else:
                setattr(command, name, value)
        self.todo.append(command)
        return command.command_id

    def tick(self):
        self.now_ns += TICK_NS
        self.cabinet.step(self.now_ns)
        inputs = [i for device in self.devices for i in device.poll(self.now_ns)]
        inputs += [Input("command", "district/region", 1, n, self.now_ns, c) for n, c in enumerate(self.todo)]
        if self.host is not None:
            self.host = replace(self.host, monotonic_ns=self.host.monotonic_ns + TICK_NS)
            inputs.append(Input("device/host", "host", 0, 0, self.now_ns, self.host))
        self.todo = []
        outputs = self.core.step(self.now_ns, inputs)
        for device in self.devices:
            device.send([o for o in outputs if o.topic == f"device/{device.name}"])
        for output in outputs:
            if output.topic == "signal":
                self.signal, self.validity, self.reason = output.value, output.validity, output.reason
            elif output.topic == "command_reply":
                self.replies.append((output.value.command_id, int(output.value.status), output.value.reason))
            elif output.topic == "event":
                self.events.append(output.value.kind)
        return outputs

    def run(self, seconds):
        for _ in range(round(seconds * 10)):
            self.tick()

    def until(self, condition, seconds=200):
        for _ in range(seconds * 10):
            self.tick()
            if condition():
                return
        raise AssertionError("did not happen")

    def statuses(self, identity):
        return [(status, reason) for i, status, reason in self.replies if i == identity]


RECEIVED, ACCEPTED, REJECTED, APPLIED, ENDED = 1, 2, 3, 4, 5


@pytest.fixture
def street(configuration):
    street = Street(configuration)
    street.until(lambda: street.core.state.is_synced and street.core.state.to < 0)
    return street


def test_calls_of_the_cabinets_detectors_are_told_as_far_as_the_site_has_them(configuration):
    first, second, third = (group.name for group in configuration.groups[:3])
    street = Street(configuration, detected_groups=[first, second])
    street.cabinet.demands = {second, third}
    street.tick()
    assert (list(street.signal.detected_groups), list(street.signal.called_groups)) == ([first, second], [second])
    street.cabinet.faults.is_flashing = True
    street.run(1.0)
    assert not street.signal.detected_groups  # who does not know the stage tells nothing by it


def test_detectors_of_a_group_that_is_not_there_are_an_error(configuration):
    with pytest.raises(ValueError, match=r"detected_groups: .* has no group N-trough; it has "):
        Street(configuration, detected_groups=["N-trough"])


def test_states_are_published_and_valid(street):
    assert street.validity == Validity.VALIDITY_VALID
    assert len(street.signal.groups) == 20
    assert {g.group: g.colour for g in street.signal.groups} == street.cabinet.states()


def test_a_command_is_received_accepted_applied_and_ends_with_its_lease(street):
    street.until(lambda: "NS-left" in street.signal.allowed_stages and street.signal.stage == "NS-through")
    identity = street.command(stage="NS-left")
    street.run(30)
    assert [status for status, _ in street.statuses(identity)] == [RECEIVED, ACCEPTED, APPLIED, ENDED]
    assert street.statuses(identity)[-1] == (ENDED, "lease_ended")
    assert street.events == ["signal.authority_taken", "signal.lease_ended"]
    assert street.signal.authority == 8


def test_holding_lengthens_a_stage_up_to_its_maximum(street):
    street.until(lambda: street.signal.stage == "NS-through" and not street.signal.in_transition)
    began = street.now_ns
    while street.signal.stage == "NS-through" and not street.signal.in_transition:
        if street.now_ns % 10**9 == 0:
            street.command(stage="NS-through")
        street.tick()
    green_s = (street.now_ns - began) / 1e9
    assert 70 <= green_s <= 80  # maximum 80 s less backup timer and latency


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"stage": "NS-left", "device": "k9"}, "intersection"),
        ({"stage": "NS-left", "configuration_hash": "0" * 64}, "configuration"),
        ({"stage": "NS-left", "configuration_version": 2}, "configuration"),
        ({"stage": "NS-left", "guard_nonce": 12345}, "nonce"),
        ({"stage": "NS-left", "expires_at_ns": START_NS}, "expired"),
        ({"stage": "NS-left", "lease_s": 0.0}, "lease"),
        ({"stage": "NS-left", "lease_s": 60.0}, "lease"),
        ({"stage": "NS-left", "lease_s": float("nan")}, "lease"),
        ({"stage": "nowhere"}, "unknown_stage"),
        ({"stage": "NS-left", "expected_stage": "EW-left"}, "expected_stage"),
        ({"stage": "NS-left", "authority": 1}, "unknown_order"),
        ({"stage": "NS-left", "not_before_ns": START_NS + 10**15}, "not_yet"),
        ({}, "unknown_order"),
        ({"renewal": True}, "no_lease"),
        ({"release": True}, "no_lease"),
    ],
)
def test_refusals_name_their_reason(street, fields, reason):
    street.until(lambda: "NS-left" in street.signal.allowed_stages and street.signal.stage == "NS-through")
    identity = street.command(**fields)
    street.run(1)
    assert street.statuses(identity)[-1] == (REJECTED, reason)
    assert street.signal.authority == 8


def test_repeating_a_command_repeats_nothing(street):
    street.until(lambda: "NS-through" in street.signal.allowed_stages)
    street.command(stage=street.signal.stage)
    again = street.todo[0]
    street.run(0.5)
    before = street.core.state.fences
    street.todo.append(again)
    street.run(0.2)
    assert street.core.state.fences == before
    assert street.replies[-1][0] == again.command_id and street.replies[-1][1] in (ACCEPTED, APPLIED)


def test_observe_is_the_default(configuration):
    street = Street(configuration, mode="observe")
    street.until(lambda: street.core.state.is_synced)
    identity = street.command(stage=street.signal.stage)
    street.run(1)
    assert street.statuses(identity) == [(REJECTED, "mode")]
    assert not street.cabinet.is_controlled


@pytest.mark.parametrize("fault", ["is_manual", "is_flashing"])
def test_a_hand_or_flash_withdraws_everything_within_a_second(street, fault):
    street.command(stage=street.signal.stage)
    street.run(1)
    assert street.signal.authority == 7
    setattr(street.cabinet.faults, fault, True)
    street.run(0.5)
    assert street.validity == Validity.VALIDITY_INVALID
    assert street.signal.authority in (1, 2)
    assert not any(g.HasField("min_end_at_ns") or g.HasField("countdown_s") for g in street.signal.groups)


def test_conflicting_greens_latch_a_fault(street):
    street.until(lambda: street.signal.stage == "NS-through" and not street.signal.in_transition)
    street.cabinet.faults.extra_green = {"E-through"}
    street.run(0.5)
    street.cabinet.faults.extra_green = set()
    street.run(120)
    identity = street.command(stage=street.signal.stage)
    street.run(1)
    assert street.statuses(identity)[-1] == (REJECTED, "fault")
    assert "signal.fault_latched" in street.events


def test_a_cabinet_that_ignores_orders_is_given_up(street):
    street.until(lambda: "NS-left" in street.signal.allowed_stages and street.signal.stage == "NS-through")
    street.cabinet.faults.ignores_orders = True
    street.command(stage="NS-left", lease_s=15.0)
    street.run(8)
    assert "signal.read_back_lost" in street.events or "signal.read_back_differs" in street.events
    assert street.signal.authority != 7


def drive(street, seconds, seed):
    """Random but well-formed requests; checks every promise of SPaT against what the street then shows."""
    rng = random.Random(seed)
    seen = Counter()
    open_bounds = {}
    shown = dict(street.cabinet.states())
    names = [g.name for g in street.configuration.groups]
    conflicts = [
        (p.first, p.second)
        for p in street.configuration.pairs
        if p.relation is Relation.CONFLICT and p.first < p.second
    ]
    for _ in range(seconds * 10):
        if street.now_ns % 10**9 == 0 and street.now_ns // 10**11 % 4 != 3:
            stage = rng.choice(list(street.signal.allowed_stages) or [street.signal.stage])
            street.command(stage=street.signal.stage if rng.random() < 0.7 else stage)
        street.tick()
        states = street.cabinet.states()
        for name in names:
            if states[name] != shown[name]:
                low, high, promise = open_bounds.pop(name, (None, None, None))
                if low is not None:
                    assert low <= street.now_ns, (name, (low - street.now_ns) / 1e9, street.signal.stage)
                    seen["min"] += 1
                if high is not None:
                    assert street.now_ns <= high, (name, (street.now_ns - high) / 1e9)
                    seen["max"] += 1
                if promise is not None:
                    assert abs(promise - street.now_ns) <= 3 * TICK_NS, (name, (promise - street.now_ns) / 1e9)
                    seen["promise"] += 1
        shown = dict(states)
        for group in street.signal.groups:
            if group.colour != shown[group.group]:
                continue
            low, high, promise = open_bounds.get(group.group, (None, None, None))
            if group.HasField("min_end_at_ns"):
                low = max(low or 0, group.min_end_at_ns)
            if group.HasField("max_end_at_ns"):
                high = min(high or 2**63, group.max_end_at_ns)
            if group.HasField("countdown_s"):
                if promise is not None:
                    assert promise == group.likely_end_at_ns, "a promise was moved"
                promise = group.likely_end_at_ns
            open_bounds[group.group] = (low, high, promise)
        for a, b in conflicts:
            assert states[a] == RED or states[b] == RED, (a, b)
    return seen


@pytest.mark.slow
def test_spat_is_honest_and_promises_are_kept(street):
    seen = drive(street, 600, seed=4)
    assert min(seen["min"], seen["max"], seen["promise"]) > 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_spat_is_honest_for_long(street, seed):
    drive(street, 900, seed)


def test_sequences_and_faults_survive_a_restart(configuration, tmp_path):
    street = Street(configuration, command_log=str(tmp_path / "commands.log"))
    street.until(lambda: street.core.state.is_synced and street.core.state.to < 0)
    street.command(stage=street.signal.stage)
    import time

    for _ in range(50):
        street.tick()
        time.sleep(0.01)
        if any(status == ACCEPTED for _, status, _ in street.replies):
            break
    assert street.core.state.fences[7] == (1, 1)
    with (tmp_path / "commands.log").open("ab") as file:
        file.write(b'{"kind": "comm')  # torn by a power cut
    for device in street.devices:
        device.close()
    again = Street(configuration, command_log=str(tmp_path / "commands.log"))
    again.tick()
    assert again.core.state.fences[7] == (1, 1)
    for device in again.devices:
        device.close()


def test_waits_survive_a_restart(street):
    street.run(60)
    again = Street(street.configuration)
    again.core.restore(street.core.snapshot())
    again.now_ns = street.now_ns
    again.core.step(street.now_ns + 5 * 10**9, [])
    assert again.core.state.due == tuple(max(0, due - 50) for due in street.core.state.due)


def test_control_is_possible_soon_after_a_first_start(configuration):
    street = Street(configuration)
    street.until(lambda: street.core.state.is_synced and street.core.state.to < 0, 40)
    identity = street.command(stage=street.signal.stage)
    street.run(1)
    assert (ACCEPTED, "") in street.statuses(identity)


@pytest.mark.parametrize(
    ("highest", "authority", "answer"),
    [
        ("adaptive", 3, (REJECTED, "not_entitled")),
        ("adaptive", 5, (REJECTED, "not_entitled")),
        ("emergency", 4, (REJECTED, "not_entitled")),
        ("emergency", 5, (ACCEPTED, "")),
        ("officer", 3, (ACCEPTED, "")),
        ("adaptive", 7, (ACCEPTED, "")),
        ("adaptive", 2, (REJECTED, "unknown_order")),
    ],
)
def test_a_link_speaks_in_no_higher_name_than_the_site_says(configuration, highest, authority, answer):
    street = Street(configuration, highest_authority=highest)
    street.until(lambda: street.core.state.is_synced and street.core.state.to < 0)
    identity = street.command(stage=street.signal.stage, authority=authority)
    street.tick()
    street.tick()
    assert answer in street.statuses(identity)
    assert (street.core.state.fences[authority] > (0, 0)) is (answer[0] == ACCEPTED)


@pytest.mark.parametrize("order", [{"release": True}, {"stage": "NS-left"}])
def test_a_fencing_epoch_of_the_future_locks_nobody_out(street, order):
    now_ms = street.now_ns // 10**6
    first = street.command(stage=street.signal.stage, fencing_epoch=now_ms)
    street.run(0.3)
    forged = [street.command(**order, fencing_epoch=epoch) for epoch in (now_ms + 62_000, 2**64 - 1)]
    street.run(0.3)
    assert [street.statuses(one) for one in forged] == [[(REJECTED, "epoch_ahead")]] * 2
    later = street.command(stage=street.signal.stage, fencing_epoch=now_ms + 1)
    street.run(0.3)
    assert (ACCEPTED, "") in street.statuses(first) and (ACCEPTED, "") in street.statuses(later)


def test_a_bad_clock_refuses_commands_but_no_release(street):
    street.host = HostReading(street.core.state.now * TICK_NS, 12345)
    taken = street.command(stage=street.signal.stage)
    street.run(0.3)
    assert (ACCEPTED, "") in street.statuses(taken)
    street.host = replace(street.host, clock_fault="no command: the clock may be off by 2.0 s")
    refused = street.command(renewal=True)
    street.run(0.3)
    assert street.statuses(refused) == [(REJECTED, "clock")]
    assert street.host.clock_fault in street.core.faults()
    released = street.command(release=True)
    street.run(0.3)
    assert (ACCEPTED, "") in street.statuses(released)


def without_log(street):
    """The log takes records and never answers."""
    street.devices = [device for device in street.devices if device.name != "command_log"]


def test_a_command_that_the_log_does_not_take_is_answered(street):
    without_log(street)
    identity = street.command(stage=street.signal.stage)
    street.run(0.2)
    assert street.statuses(identity) == [(RECEIVED, "")]
    failed = Input("device/command_log", "command_log", 0, 1, street.now_ns, ("failed", identity, "disk full"))
    outputs = street.core.step(street.now_ns + TICK_NS, [failed])
    replies = [output.value for output in outputs if output.topic == "command_reply"]
    assert [(one.command_id, one.status, one.reason) for one in replies] == [(identity, REJECTED, "not_logged")]
    assert any(output.topic == "reply_log" for output in outputs)


def test_a_log_that_hangs_delays_no_answer_for_long_and_no_release(street):
    held = street.command(stage=street.signal.stage)
    street.run(0.3)
    assert (ACCEPTED, "") in street.statuses(held)
    without_log(street)
    for _ in range(10):
        waiting = [street.command(renewal=True) for _ in range(8)]
        street.tick()
    assert (REJECTED, "busy") in street.statuses(waiting[-1])
    released = street.command(release=True)
    street.tick()
    assert (ACCEPTED, "") in street.statuses(released)
    street.run(2.5)
    assert {street.replies[-1][1:]} == {(REJECTED, "not_logged")}
    assert not street.core._waiting


def test_an_end_that_is_meant_is_published_as_likely_and_not_as_promised(street):
    while not street.signal or not street.signal.stage or street.signal.in_transition:
        street.tick()
    running = street.signal.stage
    street.command(stage=running)
    street.todo[-1].stage_request.expected_duration_s = 12.0
    for _ in range(3):
        street.tick()
    meant = street.now_ns + 12 * 10**9
    likely = [g.likely_end_at_ns for g in street.signal.groups if g.HasField("likely_end_at_ns")]
    assert likely and all(at >= meant - 10**9 for at in likely)  # some greens only end in the course of the change
    assert not any(g.is_committed for g in street.signal.groups)
    street.command(release=True)
    street.tick()
    street.tick()
    plan = [g.likely_end_at_ns for g in street.signal.groups if g.HasField("likely_end_at_ns")]
    assert plan != likely  # the local plan rules again, with ends of its own


@pytest.mark.parametrize(("following", "begins"), [("", "NS-left"), ("EW-through", "EW-through"), ("?", "NS-through")])
def test_what_is_meant_to_follow_tells_whose_red_ends(street, following, begins):
    street.until(lambda: street.signal.stage == "NS-through" and not street.signal.in_transition)
    street.command(stage="NS-through")
    street.todo[-1].stage_request.expected_duration_s = 12.0
    street.todo[-1].stage_request.following_stage = following
    for _ in range(3):
        street.tick()
    stages = {stage.name: set(stage.green) for stage in street.core.configuration.stages}
    red_ends = {g.group for g in street.signal.groups if g.HasField("likely_end_at_ns")} - stages["NS-through"]
    assert red_ends == stages[begins] - stages["NS-through"]


def test_how_many_stages_may_be_left_out_is_published(street):
    street.until(lambda: street.signal.stage == "NS-through" and "EW-through" in street.signal.allowed_stages)
    assert street.signal.skips_left == 1
    street.command(stage="EW-through")
    street.until(lambda: street.signal.stage == "EW-through" and not street.signal.in_transition)
    assert street.signal.skips_left == 0
