"""Every topic, one line each.

Liveness, recording, what a queue keeps, metrics and ``docs/topics.md`` are derived from this table. A topic carries one message
type; many sources may publish on it. `key` says which messages supersede each other: with keep-latest, only the newest
message per key waits in a queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Keep = Literal["latest", "all"]
Delivery = Literal["state", "event", "record", "command"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes
    ----------
    name : str
        Name on the wire.
    type : str
        Full name of the message type.
    rate_hz : float
        Usual rate per source; 0: on occasion. [1/s]
    max_age_s : float
        Age above which the last message counts as stale; 0: never. [s]
    keep : {"latest", "all"}
        What a full queue keeps: the newest per source, or all up to the queue's bound.
    delivery : {"state", "event", "record", "command"}
        Class of SAFETY: newest wins; useless after its deadline; on disk before acknowledged; never past its lease.
    recorded : bool
        Whether ``lukou record`` takes it by default.
    purpose : str
        One phrase.
    """

    name: str
    type: str
    rate_hz: float
    max_age_s: float
    keep: Keep
    delivery: Delivery
    recorded: bool
    purpose: str


def _table(*rows: Topic) -> dict[str, Topic]:
    return {row.name: row for row in rows}


# fmt: off
TOPICS: dict[str, Topic] = _table(
    Topic("detections",    "lukou.v1.DetectionList", 10.0, 0.5, "all",    "state",   True,  "scans of sensors that detect by themselves"),
    Topic("objects",       "lukou.v1.ObjectList",    10.0, 0.5, "latest", "state",   True,  "road users at one intersection, from its roadside unit"),
    Topic("fused_objects", "lukou.v1.ObjectList",    10.0, 0.5, "latest", "state",   True,  "road users of an edge cloud, or of a region with several, each once"),
    Topic("signal",        "lukou.v1.SignalState",   10.0, 0.5, "latest", "state",   True,  "signal phase and timing of one intersection"),
    Topic("vehicle",       "lukou.v1.VehicleReport",  2.0, 2.0, "all",    "state",   True,  "what connected vehicles tell of themselves"),
    Topic("warning",       "lukou.v1.Warning",        0.0, 0.0, "all",    "event",   True,  "dangers, repeated until cancelled"),
    Topic("warning_log",   "lukou.v1.Warning",        0.0, 0.0, "all",    "record",  True,  "raised and cancelled warnings, for the archive"),
    Topic("advice",        "lukou.v1.SpeedAdvice",    1.0, 2.0, "all",    "state",   True,  "speeds with which connected vehicles pass signals without stopping"),
    Topic("traffic",       "lukou.v1.TrafficState",   1.0, 3.0, "latest", "state",   True,  "traffic at one intersection"),
    Topic("traffic_log",   "lukou.v1.TrafficState",   0.1, 0.0, "all",    "record",  True,  "traffic state every ten seconds, for the archive"),
    Topic("event",         "lukou.v1.Event",          0.0, 0.0, "all",    "record",  True,  "faults, take-overs, refusals, incidents"),
    Topic("command",       "lukou.v1.Command",        1.0, 0.0, "all",    "command", True,  "orders to signal controllers, through the guard"),
    Topic("command_reply", "lukou.v1.CommandReply",   1.0, 0.0, "all",    "command", True,  "what became of commands"),
    Topic("command_log",   "lukou.v1.Command",        0.0, 0.0, "all",    "record",  True,  "commands given, for the archive"),
    Topic("reply_log",     "lukou.v1.CommandReply",   0.0, 0.0, "all",    "record",  True,  "replies of the guards, for the archive"),
    Topic("health",        "lukou.v1.Health",         1.0, 3.0, "latest", "state",   True,  "how each process is"),
    Topic("map",           "lukou.v1.MapTile",        0.0, 0.0, "all",    "state",   True,  "map tiles in force"),
    Topic("sensor_report", "lukou.v1.SensorReport",   1.0,  5.0, "latest", "state",   True,  "how well each sensor of a site does"),
    Topic("picture",       "lukou.v1.CameraPicture",  1.0, 10.0, "all",    "state",   False, "small pictures of cameras for an operator, only where a site allows it"),
    Topic("journal",       "lukou.v1.StepJournal",   0.0, 0.0, "all",    "state",   True,  "steps of the processes, for recordings only"),
    Topic("truth",         "lukou.v1.TruthList",     10.0, 0.5, "latest", "state",   True,  "what a simulation knows; never an input of control"),
)
# fmt: on
