"""The centre's core: keeps the city's picture, notices who is down, and tells the page what has changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lukou_cloud.centre.figures import Figures
from lukou_cloud.centre.settings import CentreSettings
from lukou_maps.reading import load_map
from lukou_maps.tiles import make_tiles
from lukou_messages.columns import NOT_ONE
from lukou_messages.objects import ObjectList
from lukou_messages.process import Input, Output
from lukou_messages.sensor_quality import plain_sensor
from lukou_messages.v1 import health_pb2
from lukou_messages.v1.event_pb2 import Event, Severity
from lukou_messages.v1.header_pb2 import Validity
from lukou_messages.v1.sensor_pb2 import CameraPicture, SensorReport
from lukou_messages.v1.signal_pb2 import Authority, ControlMode, SignalColour, SignalState
from lukou_messages.v1.warning_pb2 import Warning as WarningMessage
from lukou_messages.v1.warning_pb2 import WarningKind, WarningLevel, WarningPhase

EVENTS_KEPT = 200

MAP_EVERY_NS = 60 * 10**9
"""How often all tiles of the map in force are sent, so that whoever comes later gets them too. [ns]"""

MADE_OF_NS = 10**9
"""So long an edge's list counts as part of a region's that names it."""

REGION = "region"
"""Process whose list is made of edges' lists."""

TILES_A_STEP = 4
"""Tiles sent in one step, so that they never crowd out anything else."""


@dataclass(slots=True)
class _Process:
    """One process as last heard."""

    health: health_pb2.Health | None = None
    epoch: int = 0
    heard_ns: int = 0
    state: str = "waiting"
    restarts: int = 0
    down_since_ns: int = 0


class CentreCore:
    """Keeps the latest of everything and gives page updates (``device/page``) and its own events (``device/archive``).

    A page update is a dictionary with a ``type``: ``objects``, ``signals``, ``warnings``, ``processes``, ``figures``,
    ``event``, ``sensors``, ``picture``; all values are plain, but for the picture's ``jpeg``.
    """

    def __init__(self, settings: CentreSettings) -> None:
        self._settings = settings
        self._processes: dict[str, _Process] = {name: _Process() for name in settings.processes}
        self._signals: dict[str, tuple[int, SignalState, int]] = {}
        self._warnings: dict[str, tuple[int, WarningMessage]] = {}
        self._objects: tuple[int, ObjectList, int] | None = None
        self._made_of: dict[str, tuple[int, frozenset[str]]] = {}  # of whose lists each region's was made, and when
        self._objects_sent_ns = 0
        self._second_ns = 0
        self._started_ns = 0
        self._event_number = 0
        self._events: deque[dict[str, Any]] = deque(maxlen=EVENTS_KEPT)
        self._figures = Figures()
        self._tiles = make_tiles(load_map(settings.map))
        self._tiles_sent = 0
        self._round_ns = 0

    def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]:
        """Take what came; give what the page should know."""
        if not self._started_ns:
            self._started_ns = now_ns
        outputs = self._map(now_ns)
        for one in inputs:
            outputs += self._take(now_ns, one)
        period_ns = 1e9 / self._settings.page_rate_hz - 20e6
        if self._objects is not None and now_ns - self._objects_sent_ns >= period_ns:
            self._objects_sent_ns = now_ns
            outputs.append(self._page(now_ns, objects_update(*self._objects)))
            outputs.append(self._page(now_ns, {"type": "warnings", "warnings": self._standing(now_ns)}))
            outputs.append(self._page(now_ns, signals_update(self._signals, now_ns)))
            self._objects = None
        if now_ns - self._second_ns >= 10**9:
            self._second_ns = now_ns // 10**9 * 10**9
            outputs += self._watch(now_ns)
            outputs.append(self._page(now_ns, self._processes_update(now_ns)))
            outputs.append(self._page(now_ns, {"type": "figures", **self._figures.summary(now_ns)}))
            if now_ns - self._objects_sent_ns > 2 * period_ns:
                outputs.append(self._page(now_ns, {"type": "warnings", "warnings": self._standing(now_ns)}))
                outputs.append(self._page(now_ns, signals_update(self._signals, now_ns)))
        return outputs

    def _map(self, now_ns: int) -> list[Output]:
        """The next tiles of the map in force."""
        if self._tiles_sent >= len(self._tiles) and now_ns - self._round_ns >= MAP_EVERY_NS:
            self._tiles_sent = 0
        if self._tiles_sent == 0:
            self._round_ns = now_ns
        tiles = self._tiles[self._tiles_sent : self._tiles_sent + TILES_A_STEP]
        self._tiles_sent += len(tiles)
        return [Output("map", tile, now_ns) for tile in tiles]

    # --- inputs -----------------------------------------------------------------------------------------------------

    def _take(self, now_ns: int, one: Input) -> list[Output]:
        if one.topic == "fused_objects":
            self._take_objects(now_ns, one)
        elif one.topic == "signal":
            self._signals[one.value.intersection] = (one.measured_at_ns, one.value, one.validity)
        elif one.topic == "warning":
            self._take_warning(now_ns, one.value)
        elif one.topic == "traffic":
            self._figures.add_traffic(one.measured_at_ns, one.value)
        elif one.topic == "health":
            return self._take_health(now_ns, one)
        elif one.topic == "picture":
            return [self._page(now_ns, picture_update(one.source, one.measured_at_ns, one.value))]
        elif one.topic == "sensor_report":
            return [self._page(now_ns, sensors_update(one.source, one.measured_at_ns, one.value))]
        elif one.topic == "device/archive":
            return self._take_record(now_ns, *one.value)
        return []

    def _take_objects(self, now_ns: int, one: Input) -> None:
        """The region's list, or an edge's where no list is made of it: whoever stands in both is shown once.

        What a list is made of is its sender's word, believed of regions and about edges only: nobody hides a region's list.
        """
        if _process_of(one.source) == REGION:
            self._made_of[one.source] = now_ns, frozenset(one.value.sensor_names)
        elif any(one.source in parts and now_ns - at_ns < MADE_OF_NS for at_ns, parts in self._made_of.values()):
            return
        self._objects = (one.measured_at_ns, one.value, one.validity)
        self._figures.add_objects(len(one.value))

    def _take_warning(self, now_ns: int, warning: WarningMessage) -> None:
        if warning.phase == WarningPhase.WARNING_PHASE_CANCELLED:
            self._warnings.pop(warning.warning_id, None)
        elif len(self._warnings) < 500:
            self._warnings[warning.warning_id] = (now_ns, warning)

    def _take_health(self, now_ns: int, one: Input) -> list[Output]:
        process = self._processes.setdefault(one.source, _Process())
        outputs: list[Output] = []
        if process.epoch and one.epoch != process.epoch:
            process.restarts += 1
            away = (now_ns - (process.down_since_ns or process.heard_ns)) / 1e9
            outputs += self._tell(
                now_ns, "process.back", Severity.SEVERITY_INFO, one.source, f"{one.source} is back after {away:.1f} s"
            )
        elif process.state == "down":
            outputs += self._tell(
                now_ns, "process.back", Severity.SEVERITY_INFO, one.source, f"{one.source} is heard again"
            )
        process.health, process.epoch, process.heard_ns = one.value, one.epoch, now_ns
        process.state = health_pb2.HealthState.Name(one.value.state).removeprefix("HEALTH_STATE_").lower()
        process.down_since_ns = 0
        return outputs

    def _take_record(self, now_ns: int, topic: str, value: Any) -> list[Output]:
        self._figures.add_record(topic, value)
        if topic == "event":
            return [self._page(now_ns, self._remember(now_ns, value))]
        return []

    def _watch(self, now_ns: int) -> list[Output]:
        """Say once when a process falls silent."""
        outputs: list[Output] = []
        for name, process in self._processes.items():
            since = process.heard_ns or self._started_ns
            limit_s = self._settings.down_after_s if process.heard_ns else 15.0
            if process.state not in ("down", "stopping") and now_ns - since > limit_s * 1e9:
                process.state = "down"
                process.down_since_ns = since
                outputs += self._tell(
                    now_ns, "process.down", Severity.SEVERITY_ALARM, name, f"{name} is silent: it is down or cut off"
                )
        return outputs

    # --- outputs ----------------------------------------------------------------------------------------------------

    def _page(self, now_ns: int, update: dict[str, Any]) -> Output:
        return Output("device/page", update, now_ns)

    def _tell(self, now_ns: int, kind: str, severity: int, subject: str, text: str) -> list[Output]:
        self._event_number += 1
        event = Event(
            event_id=f"city/centre/{self._started_ns}/{self._event_number}",
            kind=kind,
            severity=severity,  # type: ignore[arg-type]
            subject=subject,
            text=text,
        )
        return [Output("device/archive", event, now_ns)]  # comes back as a record once it is on disk

    def _remember(self, now_ns: int, event: Event) -> dict[str, Any]:
        severity = Severity.Name(event.severity).removeprefix("SEVERITY_").lower()
        at_ns = event.header.measured_at_ns or now_ns
        plain = {
            "at_ms": at_ns // 10**6,
            "kind": event.kind,
            "severity": severity,
            "subject": event.subject,
            "text": event.text,
        }
        self._events.append(plain)
        return {"type": "event", **plain}

    def _standing(self, now_ns: int) -> list[dict[str, Any]]:
        gone = [key for key, (at, one) in self._warnings.items() if now_ns > max(one.expires_at_ns, at + 10**9)]
        for key in gone:
            del self._warnings[key]
        return [plain_warning(one) for _, one in self._warnings.values()]

    def _processes_update(self, now_ns: int) -> dict[str, Any]:
        rows = []
        for name, process in sorted(self._processes.items()):
            health = process.health
            row: dict[str, Any] = {
                "source": name,
                "state": process.state,
                "restarts": process.restarts,
                "silent_s": round((now_ns - process.heard_ns) / 1e9, 1) if process.heard_ns else None,
            }
            if health is not None:
                row |= {
                    "uptime_s": round(health.uptime_s),
                    "step_p95_ms": round(health.step_p95_ms, 2),
                    "cpu_cores": round(health.cpu_cores, 3),
                    "memory_mb": round(health.memory_mb, 1),
                    "faults": list(health.faults),
                    "stale": [f"{i.name} of {i.source}" for i in health.inputs if i.is_stale],
                    "refused": sum(health.refused.values()),
                }
            rows.append(row)
        return {"type": "processes", "processes": rows}

    # --- the rest ---------------------------------------------------------------------------------------------------

    def figures(self) -> dict[str, float]:
        """For health."""
        return {"warnings_standing": float(len(self._warnings)), "processes_down": float(len(self._down()))}

    def faults(self) -> list[str]:
        """For health."""
        return [f"{name} is down" for name in self._down()]

    def _down(self) -> list[str]:
        return [name for name, process in self._processes.items() if process.state == "down"]

    def snapshot(self) -> bytes:
        """Nothing: everything comes again within a second, and records are in the archive."""
        return b""

    def restore(self, snapshot: bytes) -> None:
        if snapshot:
            raise ValueError("centre: keeps no snapshots")


def _process_of(source: str) -> str:
    """Process of a source, for example region of district/region: by its name, which its key vouches for, not by what it says."""
    return source.rpartition("/")[2]


def objects_update(at_ns: int, objects: ObjectList, validity: int) -> dict[str, Any]:
    """Road users for the page: rounded columns, so that a list of 100 takes about 8 kB."""
    speed = np.hypot(objects.velocity_x_mps, objects.velocity_y_mps)
    lanes = objects.lane_names
    return {
        "type": "objects",
        "at_ms": at_ns // 10**6,
        "validity": Validity.Name(validity).removeprefix("VALIDITY_").lower(),  # type: ignore[arg-type]
        "id": objects.id.tolist(),
        "class": objects.object_class.tolist(),
        "x": _rounded(objects.x_m, 2),
        "y": _rounded(objects.y_m, 2),
        "yaw": _rounded(objects.yaw_rad, 3),
        "speed": _rounded(speed, 1),
        "length": _rounded(objects.length_m, 1),
        "width": _rounded(objects.width_m, 1),
        "age": _rounded(objects.age_s, 0),
        "coasted": _rounded(objects.unmeasured_s, 1),
        "deviation": _rounded(np.sqrt(objects.position_variance_xx_m2 + objects.position_variance_yy_m2), 2),
        "ellipse": _ellipses(objects),
        "lane": [lanes[k] if k < len(lanes) and k != NOT_ONE else "" for k in objects.lane.tolist()],
    }


def _ellipses(objects: ObjectList) -> list[float]:
    """Half axes of each position's standard deviation and the direction of the longer, three numbers per road user. [m, m, rad]"""
    xx, yy = (
        np.asarray(column, np.float64) for column in (objects.position_variance_xx_m2, objects.position_variance_yy_m2)
    )
    xy = (
        np.asarray(objects.position_variance_xy_m2, np.float64)
        if objects.has("position_variance_xy_m2")
        else np.zeros(len(xx))
    )
    middle, half = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
    axes = np.stack(
        [np.sqrt(middle + half), np.sqrt(np.maximum(middle - half, 0.0)), 0.5 * np.arctan2(2.0 * xy, xx - yy)], axis=-1
    )
    return _rounded(axes.ravel(), 2)


def picture_update(source: str, at_ns: int, picture: CameraPicture) -> dict[str, Any]:
    """A camera's picture for the page; ``jpeg`` stays on the server and is fetched by who looks."""
    site = source.partition("/")[0]
    boxes = [
        [one.object_class, *(round(value, 4) for value in (one.score, one.left, one.top, one.right, one.bottom))]
        for one in picture.boxes
    ]
    return {
        "type": "picture", "key": f"{site}/{picture.camera}", "site": site, "camera": picture.camera, "at_ms": at_ns // 10**6,
        "width": picture.width_px, "height": picture.height_px, "is_coarsened": picture.is_coarsened, "boxes": boxes, "jpeg": picture.jpeg,
    }  # fmt: skip


def sensors_update(source: str, at_ns: int, report: SensorReport) -> dict[str, Any]:
    """How a site's sensors do, for the page and as JSON; what is not known is None."""
    return {
        "type": "sensors",
        "site": source.partition("/")[0],
        "at_ms": at_ns // 10**6,
        "sensors": [plain_sensor(one) for one in report.sensors],
    }


def _rounded(values: Any, digits: int) -> list[float]:
    return np.round(np.nan_to_num(np.asarray(values, np.float64)), digits).tolist()  # type: ignore[no-any-return]


def signals_update(signals: dict[str, tuple[int, SignalState, int]], now_ns: int) -> dict[str, Any]:
    """Signal states for the page."""
    rows = []
    for name, (at_ns, state, validity) in sorted(signals.items()):
        groups = [
            {
                "group": one.group,
                "colour": SignalColour.Name(one.colour).removeprefix("SIGNAL_COLOUR_").lower(),
                "countdown_s": round(max(0.0, (one.likely_end_at_ns - now_ns) / 1e9), 1)
                if one.HasField("likely_end_at_ns")
                else None,
                "committed": one.is_committed,
            }
            for one in state.groups
        ]
        rows.append(
            {
                "intersection": name,
                "age_s": round((now_ns - at_ns) / 1e9, 2),
                "validity": Validity.Name(validity).removeprefix("VALIDITY_").lower(),  # type: ignore[arg-type]
                "mode": ControlMode.Name(state.mode).removeprefix("CONTROL_MODE_").lower(),
                "authority": Authority.Name(state.authority).removeprefix("AUTHORITY_").lower(),
                "stage": state.stage,
                "next_stage": state.next_stage,
                "in_transition": state.in_transition,
                "faults": list(state.faults),
                "groups": groups,
            }
        )
    return {"type": "signals", "signals": rows}


def plain_warning(one: WarningMessage) -> dict[str, Any]:
    """A warning for the page."""
    users = [
        {
            "id": user.object_id,
            "class": user.object_class,
            "path": [[round(x, 1), round(y, 1)] for x, y in zip(user.path_x_m, user.path_y_m, strict=False)],
            "enters_in_s": round(user.enters_in_s, 1) if user.HasField("enters_in_s") else None,
        }
        for user in one.road_users
    ]
    return {
        "id": one.warning_id,
        "kind": WarningKind.Name(one.kind).removeprefix("WARNING_KIND_").lower(),
        "level": WarningLevel.Name(one.level).removeprefix("WARNING_LEVEL_").lower(),
        "raised_ms": one.raised_at_ns // 10**6,
        "ttc_s": round(one.time_to_collision_s, 1) if one.HasField("time_to_collision_s") else None,
        "probability": round(one.probability, 2),
        "intersection": one.intersection,
        "users": users,
        "meeting": [round(one.meeting_x_m, 1), round(one.meeting_y_m, 1)] if one.HasField("meeting_x_m") else None,
        "advice": one.advice,
        "why": one.why,
        "confidence": round(one.confidence, 2) if one.HasField("confidence") else None,
        "doubts": list(one.doubts),
    }
