"""Site files: one TOML per site, a section per process, read once at start.

Order of precedence: default, site file, environment (``LUKOU_<SECTION>__<KEY>``, nested keys joined by two
underscores), ``--set section.key=value``. Paths are relative to the site file. Sections::

    [site]                # name of the site
    [links.<process>]     # sockets, see lukou_messages.transport.settings
    [run.<process>]       # snapshots, metrics, see lukou_messages.shell.RunSettings
    [<process>]           # the process's own settings, see the room that owns it
"""

from __future__ import annotations

import copy
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lukou_messages.errors import SettingsError
from lukou_messages.process import ProcessSpec
from lukou_messages.shell import RunSettings
from lukou_messages.transport.settings import LinkSettings

Model = TypeVar("Model", bound=BaseModel)

PROCESSES = ("perception", "signal", "edge", "region", "centre", "world")
TOP = ("site", "links", "run", *PROCESSES)


@dataclass(frozen=True, slots=True)
class Setting:
    """One resolved value and where it came from."""

    name: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Site:
    """A site file with its overrides, not yet judged by the rooms."""

    path: Path
    data: Mapping[str, Any]
    origins: Mapping[str, str]

    @property
    def name(self) -> str:
        return str(self.data.get("site", {}).get("name", self.path.stem))

    def links(self, process: str) -> LinkSettings:
        return self._model(LinkSettings, "links", process)

    def run(self, process: str) -> RunSettings:
        return self._model(RunSettings, "run", process)

    def settings(self, spec: ProcessSpec) -> BaseModel:
        return self._model(spec.settings, spec.section or spec.name)

    def _model(self, model: type[Model], *section: str) -> Model:
        data: Any = self.data
        for part in section:
            data = data.get(part, {}) if isinstance(data, Mapping) else {}
        try:
            return model.model_validate(data)
        except ValidationError as error:
            raise SettingsError(explain(self.path, ".".join(section), error)) from None


def explain(path: Path, section: str, error: ValidationError) -> list[str]:
    """One line per problem: where, what was found, what was expected."""
    lines = []
    for one in error.errors(include_url=False):
        where = ".".join([section, *map(str, one["loc"])])
        found = "" if one["type"] == "missing" else f" (found {str(one.get('input'))[:80]!r})"
        lines.append(f"{path.name}: {where}: {one['msg']}{found}")
    return lines


def load_site(path: Path, overrides: Sequence[str] = (), environment: Mapping[str, str] = os.environ) -> Site:
    """Read a site file and apply environment and flags.

    Raises
    ------
    SettingsError
        With every problem of the file's form: not TOML, unknown top-level sections, overrides without ``=``.
    """
    try:
        data = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise SettingsError([f"{path}: there is no such file"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError([f"{path}: {error}"]) from None
    problems = [
        f"{path.name}: [{section}] is not a section of a site file; expected one of {', '.join(TOP)}"
        for section in data
        if section not in TOP
    ]
    for section in ("links", "run"):
        found = data.get(section, {})
        for process in found if isinstance(found, dict) else ():
            if process not in PROCESSES:
                problems.append(f"{path.name}: [{section}.{process}]: no such process; expected {', '.join(PROCESSES)}")
    data = copy.deepcopy(data)
    origins: dict[str, str] = {}
    for variable, text in sorted(environment.items()):
        if variable.startswith("LUKOU_") and "__" in variable:
            keys = variable[6:].lower().split("__")
            _put(data, keys, text)
            origins[".".join(keys)] = f"environment {variable}"
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals:
            problems.append(f"--set {override}: expected section.key=value")
            continue
        _put(data, name.split("."), text)
        origins[name] = "flag --set"
    if problems:
        raise SettingsError(problems)
    return Site(path, data, origins)


def _put(data: dict[str, Any], keys: list[str], text: str) -> None:
    for key in keys[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise SettingsError([f"{'.'.join(keys)}: {key} is a value, not a section"])
    try:
        data[keys[-1]] = tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        data[keys[-1]] = text


def load_spec(process: str) -> ProcessSpec:
    """The spec of a process by name, from whichever room is installed.

    Raises
    ------
    SettingsError
        No installed distribution has it, or it cannot be loaded; with the remedy.
    """
    for entry in entry_points(group="lukou.processes"):
        if entry.name == process:
            try:
                spec = entry.load()
            except ImportError as error:
                raise SettingsError([f"process {process}: cannot be loaded: {error}; run `lukou doctor`"]) from None
            assert isinstance(spec, ProcessSpec)
            return spec
    room = {"perception": "roadside", "signal": "roadside", "world": "sim"}.get(process, "cloud")
    raise SettingsError([f"process {process} is not installed; install lukou-{room}"])


def resolved(site: Site, spec: ProcessSpec) -> list[Setting]:
    """Every value of a process's sections with its origin."""
    found = []
    for section, model in (
        (f"links.{spec.name}", site.links(spec.name)),
        (f"run.{spec.name}", site.run(spec.name)),
        (spec.section or spec.name, site.settings(spec)),
    ):
        given: Any = site.data
        for part in section.split("."):
            given = given.get(part, {}) if isinstance(given, Mapping) else {}
        for name, value in model.model_dump(mode="json").items():
            full = f"{section}.{name}"
            origin = site.origins.get(full) or (site.path.name if name in given else "default")
            found.append(Setting(full, value, origin))
    return found
