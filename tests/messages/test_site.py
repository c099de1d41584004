"""Site files: precedence, problems all at once, and the example of the documentation."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lukou_messages.errors import SettingsError
from lukou_messages.security import Register
from lukou_messages.site import load_site, load_spec, resolved

EXAMPLE = Path(__file__).parents[2] / "docs/examples/site.toml"


@pytest.mark.parametrize("process", ["perception", "signal"])
def test_the_example_of_the_documentation_is_good(process: str) -> None:
    site = load_site(EXAMPLE, environment={})
    values = {one.name: one for one in resolved(site, load_spec(process))}
    assert values[f"links.{process}.identity"].value == f"k1/{process}"
    assert values[f"links.{process}.identity"].origin == "site.toml"
    assert any(one.origin == "default" for one in values.values())


@pytest.mark.parametrize("process", ["perception", "signal"])
def test_the_register_of_the_documentation_grants_what_its_site_sends(process: str) -> None:
    register = Register.load(EXAMPLE.with_name("edge.register.toml"))
    for uplink in tomllib.loads(EXAMPLE.read_text())["links"][process]["uplinks"]:
        for topic in uplink["topics"]:
            register.check(f"k1/{process}", topic, f"k1/{process}")


def test_flag_beats_environment_beats_file_beats_default() -> None:
    environment = {"LUKOU_SIGNAL__MODE": "supervised", "LUKOU_SIGNAL__LATENCY_S": "2.5"}
    site = load_site(EXAMPLE, ["signal.mode=advise"], environment)
    values = {one.name: one for one in resolved(site, load_spec("signal"))}
    assert (values["signal.mode"].value, values["signal.mode"].origin) == ("advise", "flag --set")
    assert (values["signal.latency_s"].value, values["signal.latency_s"].origin) == (
        2.5,
        "environment LUKOU_SIGNAL__LATENCY_S",
    )
    assert values["signal.driver"].origin == "site.toml"


def test_every_problem_of_a_section_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[signal]\nmode = "wild"\nlatency_s = 99\nunknown_key = 1\n')
    with pytest.raises(SettingsError) as error:
        load_site(path, environment={}).settings(load_spec("signal"))
    text = "\n".join(error.value.problems)
    for place in ("signal.configuration", "signal.mode", "signal.latency_s", "signal.unknown_key"):
        assert f"bad.toml: {place}" in text


@pytest.mark.parametrize("content", ["[nonsense]\n", "not toml = = 1", "[signal]\nmode = 1\nmode = 2\n"])
def test_files_that_are_none_are_refused_with_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=r"bad\.toml"):
        load_site(path, environment={})
    with pytest.raises(SettingsError, match="no such file"):
        load_site(tmp_path / "absent.toml", environment={})
    with pytest.raises(SettingsError, match="not a section"):
        load_site(EXAMPLE, ["site.name.x=1"], {})
    (tmp_path / "typo.toml").write_text("[links.egde]\n")
    with pytest.raises(SettingsError, match=r"links\.egde"):
        load_site(tmp_path / "typo.toml", environment={})
    with pytest.raises(SettingsError, match=r"section\.key=value"):
        load_site(EXAMPLE, ["nonsense"], {})
