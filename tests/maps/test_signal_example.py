"""The example signal configuration is what the builder makes, byte for byte, and its hash is golden."""

from __future__ import annotations

from pathlib import Path

import lukou_maps
from lukou_maps.signal_configuration import (
    Leg,
    configuration_hash,
    four_leg_configuration,
    load,
    parse,
    problems,
    write_configuration,
)

EXAMPLE = Path(lukou_maps.__file__).parent / "signal_example.json"
GOLDEN = "ce6ab8d7d45671b16c1439d7c2560edec043bb583195d44fe8b9f37a10fb9fa2"


def built():
    legs = {leg: Leg(*((6 * i + k,) for k in range(6)), near_m=12.0, far_m=9.0) for i, leg in enumerate("NESW")}
    return four_leg_configuration("example", legs)


def test_example_is_what_the_builder_makes():
    assert EXAMPLE.read_text(encoding="utf-8") == write_configuration(built())


def test_hash_is_golden():
    assert configuration_hash(load(EXAMPLE)) == GOLDEN


def test_reading_and_writing_are_inverse():
    configuration = built()
    assert parse(write_configuration(configuration)) == configuration


def test_hash_does_not_depend_on_layout():
    import json

    text = EXAMPLE.read_text(encoding="utf-8")
    assert configuration_hash(parse(json.dumps(json.loads(text), indent=8))) == GOLDEN


def test_hash_depends_on_every_clearance():
    text = EXAMPLE.read_text(encoding="utf-8")
    changed = text.replace('"conflict": {"E-bicycle": ', '"conflict": {"E-bicycle": 1', 1)
    assert changed != text
    assert configuration_hash(parse(changed)) != GOLDEN


def test_only_warnings_remain():
    assert all(problem.is_warning for problem in problems(built()))
