"""The ``lukou`` command: loads only the verb named, explains itself, exits as documented."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lukou_messages.topics import TOPICS
from lukou_messages.verbs.topics import markdown

DOCS = Path(__file__).parents[2] / "docs"


def lukou(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lukou_messages.cli", *words], capture_output=True, text=True, timeout=60, check=False
    )


def test_help_lists_every_verb_and_unknown_ones_are_wrong_usage() -> None:
    done = lukou()
    assert done.returncode == 0 and "demo" in done.stdout and "keys" in done.stdout
    assert lukou("nonsense").returncode == 2
    assert lukou("topics", "--nonsense").returncode == 2


def test_json_is_exactly_one_object() -> None:
    done = lukou("topics", "--json")
    found = json.loads(done.stdout)
    assert {"schema_version", "seed", "git", "topics"} <= set(found)
    assert len(found["topics"]) == len(TOPICS)


def test_a_verb_loads_no_other_room() -> None:
    code = (
        "import sys; from lukou_messages.cli import main\n"
        "try: main(['topics', '--json'])\n"
        "except SystemExit: pass\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('libsumo', 'onnxruntime', 'cv2', 'scipy', 'lukou_sim')]\n"
        "sys.exit(len(bad))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["check", "absent.toml"], 1, "no such file"),
        (["run", "edge", "--site", "absent.toml"], 1, "lukou check"),
        (["replay", "absent.mcap", "--process", "edge", "--site", str(DOCS / "examples/site.toml")], 1, "edge"),
        (["status", "--taps", "absent"], 1, "--taps"),
        (["record", "--out", "/tmp/x.mcap", "--topics", "nonsense"], 1, "is no topic"),
        (["keys", "revoke", "absent.toml", "k1"], 1, "absent.toml"),
    ],
)
def test_errors_say_what_to_do(words: list[str], code: int, says: str) -> None:
    done = lukou(*words)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_keys_are_made_registered_and_revoked(tmp_path: Path) -> None:
    key = lukou("keys", "new", str(tmp_path / "a.key"))
    assert key.returncode == 0 and (tmp_path / "a.key").stat().st_mode & 0o077 == 0
    register = str(tmp_path / "register.toml")
    assert lukou("keys", "add", register, "k1/perception", key.stdout.strip(), "--topic", "objects").returncode == 0
    assert "may send objects" in lukou("keys", "list", register).stdout
    assert lukou("keys", "revoke", register, "k1/perception").returncode == 0
    assert "revoked" in lukou("keys", "list", register).stdout
    assert lukou("keys", "new", str(tmp_path / "a.key")).returncode == 1
    for bad in (
        ('a"b', key.stdout.strip(), "objects"),
        ("k2", "x" * 39, "objects"),
        ("k2", key.stdout.strip(), "nonsense"),
    ):
        before = Path(register).read_text()
        assert lukou("keys", "add", register, bad[0], bad[1], "--topic", bad[2]).returncode == 1
        assert Path(register).read_text() == before


def test_the_page_of_topics_is_current() -> None:
    assert (DOCS / "topics.md").read_text() == markdown(), "run `lukou topics --markdown > docs/topics.md`"
