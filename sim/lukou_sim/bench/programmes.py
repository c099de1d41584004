"""Signal configurations out of the programmes that a SUMO scenario ships, by the rules of published comparisons."""

from __future__ import annotations

from typing import Any

import libsumo

from lukou_maps.signal_configuration import SignalConfiguration, configuration_from_programme
from lukou_maps.sumo import intersection_name

RESEARCH_YELLOW_S = 3.0
"""RESCO's protocol; a programme with a shorter yellow keeps its own. [s]"""
MINIMUM_GREEN_S = 5.0
NO_LIMIT_S = 3600.0
"""The longest that a configuration may say. RESCO's rules know no longest red, and their eight stages serve each way several times over: where every stage had to come within ten
minutes, all those that nobody needed came one after the other. The longest wait is among the figures. [s]"""


def research_configuration(signal_id: str, all_red_s: float) -> SignalConfiguration | None:
    """From the programme that runs in libsumo: its yellow, its all-red, its green pairs; None: it has no stages.

    Parameters
    ----------
    signal_id : str
        SUMO's.
    all_red_s : float
        More all-red, after every yellow. [s]
    """
    running = libsumo.trafficlight.getProgram(signal_id)
    logic = next(each for each in libsumo.trafficlight.getAllProgramLogics(signal_id) if each.programID == running)
    phases = [(float(phase.duration), str(phase.state)) for phase in logic.phases]
    yellows = [duration for duration, state in phases if "y" in state and not set(state) & set("Gg")]
    yellows = yellows or [duration for duration, state in phases if "y" in state]
    try:
        return configuration_from_programme(
            intersection_name(signal_id), phases, yellow_s=min([RESEARCH_YELLOW_S, *yellows]), all_red_s=all_red_s + _all_red_s(phases),
            minimum_green_s=MINIMUM_GREEN_S - 0.2, maximum_green_s=120.0, maximum_red_s=NO_LIMIT_S,
        )  # fmt: skip
    except ValueError:
        return None


def _all_red_s(phases: list[tuple[float, str]]) -> float:
    """All-red that the programme has after its yellows; the shortest of them. [s]"""
    found = [duration for duration, state in phases if set(state) <= set("rsu")]
    return min(found, default=0.0)


def told(configuration: SignalConfiguration) -> dict[str, Any]:
    """What a configuration lets the guard do, for the figures."""
    vehicle = next(group for group in configuration.groups)
    return {
        "yellow_s": vehicle.yellow_s,
        "all_red_s": max((pair.clearance_s for pair in configuration.pairs), default=0.0),
        "minimum_green_s": configuration.limits.minimum_through_s,
        "stages": {stage.name: " ".join(stage.green) for stage in configuration.stages},
    }
