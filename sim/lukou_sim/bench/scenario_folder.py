"""A folder with a ``.sumocfg``: how it is run, and what its trips say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np

from lukou_maps.road_model import RoadModel, Turn
from lukou_messages.errors import SettingsError

LONGEST_S = 7200.0
"""Scenarios without an end are run until they are empty, no longer than this. [s]"""


@dataclass(frozen=True)
class ScenarioFolder:
    """One scenario.

    Attributes
    ----------
    path, configuration, net : Path
        Folder, its ``.sumocfg``, its net.
    begin_s, end_s : float
        Of the simulation. [s]
    has_end : bool
        Whether the file says when it ends.
    signals : tuple of Path
        Signal configurations (``*.signal.json``): what the cabinets are; without, one is made from SUMO's programmes.
    periods : tuple of dict
        Parts of the day of a ``site.json``: ``name``, ``begin_s``, ``end_s``, ``factor``.
    """

    path: Path
    configuration: Path
    net: Path
    begin_s: float
    end_s: float
    has_end: bool
    signals: tuple[Path, ...] = ()
    periods: tuple[dict[str, Any], ...] = field(default=(), hash=False)

    @classmethod
    def open(cls, path: Path) -> ScenarioFolder:
        """Read the ``.sumocfg``; SettingsError names what is missing."""
        found = sorted(path.glob("*.sumocfg"))
        if len(found) != 1:
            raise SettingsError([f"{path}: {len(found)} .sumocfg files; expected one"])
        root = ElementTree.parse(found[0]).getroot()

        def value(tag: str) -> str | None:
            element = root.find(f".//{tag}")
            return None if element is None else element.get("value")

        net = value("net-file")
        if net is None:
            raise SettingsError([f"{found[0]}: no net-file; name one"])
        begin_s = float(value("begin") or 0.0)
        end = value("end")
        end_s = begin_s + LONGEST_S if end is None or float(end) < 0 else float(end)
        has_end = end is not None and float(end) >= 0
        signals = tuple(sorted(path.glob("*.signal.json")))
        return cls(path, found[0], path / net, begin_s, end_s, has_end, signals, _periods(path / "site.json"))

    def arguments(self, tripinfo: Path, seed: int, scale: float, extra: list[str]) -> list[str]:
        """Command line of SUMO: no teleports, every trip in the trip file."""
        return [
            *("sumo", "-c", str(self.configuration), "--seed", str(seed), "--scale", str(scale)),
            *("--time-to-teleport", "-1", "--no-step-log", "true", "--no-warnings", "true", "--step-length", "1"),
            *("--duration-log.disable", "true", "--tripinfo-output", str(tripinfo)),
            *("--tripinfo-output.write-unfinished", "true", "--tripinfo-output.write-undeparted", "true"),
            *("--collision.action", "none", "--xml-validation", "never", *extra),
        ]

    def actuated(self, folder: Path) -> list[str]:
        """Further arguments that make the shipped programmes actuated, 5 to 50 s of green."""
        rows = []
        for logic in ElementTree.parse(self.net).getroot().iter("tlLogic"):
            rows.append(
                f'<tlLogic id={quoteattr(logic.attrib["id"])} type="actuated" programID="lukou-actuated" offset="0">'
            )
            for phase in logic.iter("phase"):
                state, duration = phase.attrib["state"], phase.attrib["duration"]
                is_green = bool(set(state) & set("Gg")) and "y" not in state
                bounds = ' minDur="5" maxDur="50"' if is_green else ""
                rows.append(f'<phase duration="{duration}" state="{state}"{bounds}/>')
            rows.append("</tlLogic>")
        file = folder / "actuated.add.xml"
        file.write_text("<additional>" + "\n".join(rows) + "</additional>")
        own = ElementTree.parse(self.configuration).getroot().find(".//additional-files")
        before = [str(self.path / name) for name in (own.attrib["value"].split(",") if own is not None else [])]
        return ["--additional-files", ",".join([*before, str(file)])]

    def statistics(self, tripinfo: Path, end_s: float) -> dict[str, Any]:
        """Delay over all scheduled vehicles: one still driving counts its loss so far, one never inserted its wait."""
        delays, finished, longest = [], [], 0.0
        for trip in ElementTree.parse(tripinfo).getroot().iter("tripinfo"):
            values = trip.attrib
            longest = max(longest, float(values["waitingTime"]))
            if float(values["depart"]) < 0:
                delays.append(max(0.0, float(values["departDelay"])))
                continue
            delay = float(values["timeLoss"]) + max(0.0, float(values["departDelay"]))
            delays.append(delay)
            if float(values["arrival"]) >= 0:
                finished.append(delay)
        return {
            "delay_all": sum(delays) / len(delays) if delays else None,
            "delay_finished": sum(finished) / len(finished) if finished else None,
            "longest_wait_s": longest,
            "finished": len(finished),
            "scheduled": len(delays),
        }


def _periods(file: Path) -> tuple[dict[str, Any], ...]:
    if not file.is_file():
        return ()
    try:
        found = json.loads(file.read_text())["periods"]
        return tuple(
            {"name": str(p["name"]), "begin_s": float(p["begin_s"]), "end_s": float(p["end_s"]), "factor": float(p["factor"])}
            for p in found
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError([f"{file}: {error!r}; make the site anew with `lukou site`"]) from None


def turns_at_signals(road: RoadModel) -> dict[tuple[str, str], int]:
    """`Turn` at signals, by the edges before and behind."""
    found = {}
    at, names = road.connections, road.lanes.names
    for k in np.flatnonzero(at.intersection >= 0):
        pair = names[at.from_lane[k]].rsplit("_", 1)[0], names[at.to_lane[k]].rsplit("_", 1)[0]
        found[pair] = int(at.turn[k]) or int(Turn.STRAIGHT)
    return found
