"""What a signal configuration is refused for, and that every problem is listed at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lukou_maps
from lukou_maps.signal_clearance import CLEARING, ENTERING
from lukou_maps.signal_configuration import (
    SignalConfigurationError,
    change,
    check,
    clearance_s,
    configuration_from_programme,
    cycle_position_s,
    load,
    parse,
    plan_at,
    problems,
)

EXAMPLE = Path(lukou_maps.__file__).parent / "signal_example.json"
TEXT = EXAMPLE.read_text(encoding="utf-8")
NS = json.loads(TEXT)["stages"][0]["green"]


def altered(*path, value):
    data = json.loads(TEXT)
    at = data
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return json.dumps(data)


def refused(text):
    with pytest.raises(SignalConfigurationError) as caught:
        parse(text, "k1.json")
    return {problem.path: problem for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("groups", 0, "yellow_s"), 0, "groups.N-through.yellow_s"),
        (("groups", 0, "yellow_s"), 2.5, "groups.N-through.yellow_s"),
        (("groups", 0, "min_green_s"), 200, "groups.N-through.min_green_s"),
        (("groups", 0, "max_green_s"), 1e308, "groups.N-through.max_green_s"),
        (("groups", 0, "channel"), 0, "groups.N-through.channel"),
        (("groups", 0, "channel"), 1, "groups.channel 1"),
        (("groups", 0, "min_green_s"), 15.05, "groups.N-through.min_green_s"),
        (("groups", 0, "type"), "tram", "groups.N-through.type"),
        (("groups", 0, "colour"), "red", "groups.0.colour"),
        (("groups", 3, "flashing_green_s"), 3, "groups.N-pedestrian-near.flashing_green_s"),
        (("groups", 0, "may_be_dark"), True, "groups.N-through.parent"),
        (("groups", 0, "max_red_s"), 30, "groups.N-through.max_red_s"),
        (("stages", 0, "min_s"), 5, "stages.NS-through.min_s"),
        (("stages", 1, "max_s"), 12, "stages.NS-left.max_s"),
        (("stages", 0, "green"), ["N-through", "E-through", *NS[1:]], "stages.NS-through.green"),
        (("stages", 0, "green"), ["nobody"], "stages.NS-through.green"),
        (("plans", 0, "cycle_s"), 0, "plans.all-day.cycle_s"),
        (("plans", 0, "splits_s", "NS-left"), 1, "plans.all-day.splits_s.NS-left"),
        (("calendar", 0, "plan"), "night", "calendar.0.plan"),
        (("calendar", 0, "start"), "24:00", "calendar.0.start"),
        (("calendar", 0, "days"), [1, 2], "calendar"),
        (("relations", "N-through", "conflict", "E-through"), -1, "relations.N-through.E-through"),
        (("relations", "N-through", "protected"), [], "relations.N-through.S-through"),
        (("relations", "N-through", "permissive"), {"nobody": "N-through"}, "relations.N-through.nobody"),
        (("limits", "backup_s"), 0, "limits.backup_s"),
        (("limits", "minimum_yellow_s"), 1, "limits.minimum_yellow_s"),
        (("version",), 0, "version"),
        (("version",), "1", "version"),
        (("mode",), "reckless", "mode"),
        (("intersection",), "../etc", "intersection"),
        (("schema",), "lukou.signal_configuration/2", "schema"),
        (("groups",), {}, "groups"),
        (("plans",), [], "plans"),
        (("research",), "no", "research"),
        (("extra",), 1, "file.extra"),
    ],
)
def test_refused_with_its_path(path, value, where):
    found = refused(altered(*path, value=value))
    assert where in found, list(found)
    problem = found[where]
    assert problem.found and problem.expected and problem.remedy
    assert str(problem).startswith(f"{where}: ")


def test_asymmetric_matrix_is_refused():
    data = json.loads(TEXT)
    del data["relations"]["N-through"]["conflict"]["E-through"]
    data["relations"]["N-through"]["protected"].append("E-through")
    assert "relations.N-through.E-through" in refused(json.dumps(data))


def test_doubled_keys_are_refused():
    assert "file.version" in refused(TEXT.replace('"version": 1,', '"version": 1, "version": 2,', 1))
    assert "relations.N-through" in refused(
        TEXT.replace('"relations": {\n', '"relations": {\n    "N-through": {},\n', 1)
    )


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(number):
    assert "groups.N-through.yellow_s" in refused(TEXT.replace('"yellow_s": 3', f'"yellow_s": {number}', 1))


def test_all_problems_are_listed_at_once():
    data = json.loads(TEXT)
    data["groups"][0]["yellow_s"] = 0
    data["groups"][1]["min_green_s"] = 500
    data["limits"]["backup_s"] = 60
    assert {"groups.N-through.yellow_s", "groups.N-left.min_green_s", "limits.backup_s"} <= set(
        refused(json.dumps(data))
    )


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "{", "[" * 100_000, b"\xff\xfe", '"x"', "x" * 5_000_000])
def test_what_is_no_configuration_is_refused(text):
    with pytest.raises(SignalConfigurationError):
        parse(text)


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 127))
def test_a_damaged_file_is_read_or_refused_and_never_breaks(at, byte):
    try:
        parse(TEXT[:at] + chr(byte) + TEXT[at + 1 :])
    except SignalConfigurationError as error:
        assert error.problems


def test_clearance_by_invariant_5():
    # A bus of 12 m clears 20 m at 10 m/s: 3.2 s; a car enters 5 m at 13.9 m/s: 0.36 s; rounded up: 3 s.
    assert clearance_s(20.0, 5.0, CLEARING["through"], ENTERING["through"], 1.0) == 3.0
    # A bicycle of 2 m clears 20 m at 4 m/s: 5.5 s: 6 s; never below the floor, never clipped from above.
    assert clearance_s(20.0, 5.0, CLEARING["bicycle"], ENTERING["through"], 1.0) == 6.0
    assert clearance_s(2.0, 30.0, CLEARING["through"], ENTERING["bicycle"], 1.0) == 1.0
    assert clearance_s(60.0, 0.0, CLEARING["bicycle"], ENTERING["pedestrian"], 1.0) == 16.0


def test_vehicles_stay_green_while_people_clear():
    timeline = change(load(EXAMPLE), "NS-through", "EW-through", 1.0)
    walking, driving, riding = (timeline.endings[n] for n in ("E-pedestrian-near", "N-through", "N-bicycle"))
    assert walking.steady_ends == 0 and walking.flashing_ends == walking.red_starts == 12
    assert driving.steady_ends == 5 and driving.red_starts == 8
    assert riding.red_starts < driving.red_starts  # slow users end early


def test_plan_and_cycle_position_follow_local_time():
    configuration = load(EXAMPLE)
    midnight_ns = 1_700_006_400 * 10**9 - 0  # 2023-11-15 00:00 in China (UTC+8)
    assert plan_at(configuration, midnight_ns).name == "all-day"
    assert cycle_position_s(configuration, configuration.plans[0], midnight_ns) == 0.0
    assert cycle_position_s(configuration, configuration.plans[0], midnight_ns + 130_500_000_000) == pytest.approx(30.5)


def test_a_programme_becomes_a_research_configuration():
    phases = [(33.0, "GGgrrr"), (3.0, "yyyrrr"), (25.0, "rrGGGg"), (3.0, "rryyyy")]
    configuration = check(configuration_from_programme("x", phases, all_red_s=2.0))
    assert configuration.research
    assert [stage.green for stage in configuration.stages] == [("L0", "L2"), ("L2", "L3", "L5")]
    relation = configuration.pair_by_names
    assert relation["L0", "L3"].relation == "conflict" and relation["L0", "L3"].clearance_s == 2.0
    assert relation["L0", "L2"].yields == "L2" and relation["L2", "L5"].yields == "L5"
    assert change(configuration, "S1", "S2", 1.0).duration == 5  # yellow 3 s, all-red 2 s
    assert not [p for p in problems(configuration) if not p.is_warning]
