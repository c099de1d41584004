"""Runs a demo: plan, processes, observer, one line of progress, figures at the end."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lukou_sim.demo.observer import Observer
from lukou_sim.demo.plan import SITES, Plan
from lukou_sim.demo.sites import CAMERA_SITE
from lukou_sim.demo.summary import latencies
from lukou_sim.demo.supervisor import RECORDER, Supervisor
from lukou_sim.district.layout import INTERSECTIONS
from lukou_sim.world.delay import DelayStatistics
from lukou_sim.world.fixed_plan import fixed_plan_delay

TURN_S = 0.05
PATIENCE_S = 90.0
"""Without a live picture after this time something is wrong, and the demo ends."""


@dataclass
class Demo:
    """A demo that runs.

    Attributes
    ----------
    plan : Plan
        Files and processes.
    say : callable
        Takes lines for people.
    """

    plan: Plan
    say: Callable[[str], None]
    supervisor: Supervisor = field(init=False)
    observer: Observer = field(init=False)
    started: float = 0.0
    first_picture_s: float | None = None
    _cpu_base: dict[str, float] = field(default_factory=dict)
    _cpu_since: float = 0.0
    _own_cpu: float = 0.0
    _elapsed_base: tuple[float, float] | None = None

    def start(self, record: Path | None = None) -> None:
        """Start every process, and the recorder first where a recording is wanted."""
        self.started = time.monotonic()
        self.supervisor = Supervisor(self.say)
        self.observer = Observer(self.plan.taps, {site: INTERSECTIONS[site] for site in SITES})
        if record is not None:
            self.supervisor.add(
                "recorder",
                ["record", "--out", str(record.resolve()), "--taps", str(self.plan.taps)],
                self._log(RECORDER),
            )
            time.sleep(1.0)
        for one in self.plan.processes:
            arguments = ["run", one.process, "--site", str(one.site_file)]
            self.supervisor.add(one.source, arguments, self._log(one.source))

    def _log(self, source: str) -> Path:
        return self.plan.logs / f"{source.replace('/', '.')}.log"

    def run(self, seconds: float | None, is_stopping: Callable[[], bool], tell: Callable[[str], None]) -> None:
        """Watch until `seconds` after the first live picture, or until stopped."""
        ends = float("inf")
        next_line = 0.0
        gives_up = self.started + PATIENCE_S
        while not is_stopping() and time.monotonic() < ends:
            if self.first_picture_s is None and time.monotonic() > gives_up:
                self.say(f"no live picture within {PATIENCE_S:.0f} s")
                return
            self.supervisor.check()
            self.observer.turn()
            now = time.monotonic()
            if self.first_picture_s is None and self._is_live():
                self.first_picture_s = now - self.started
                self.say(f"first live picture after {self.first_picture_s:.1f} s")
                ends = now + seconds if seconds is not None else ends
                self._cpu_base, self._cpu_since = self.supervisor.cpu_seconds(), now
                self._own_cpu = time.process_time()
                elapsed = self.observer.figure("world", "elapsed_s")
                self._elapsed_base = (self.observer.heard_at["world"], elapsed) if elapsed is not None else None
                self.observer.scores.clear()
            if now > next_line:
                next_line = now + 1.0
                tell(self._line(now))
            time.sleep(TURN_S)

    def _is_live(self) -> bool:
        lists = self.observer.counts.get("fused_objects", 0)
        return self.observer.first_picture_at is not None and lists > 0 and "world" in self.observer.health

    def _line(self, now: float) -> str:
        observer = self.observer
        up = sum(1 for heard in observer.heard_at.values() if now - heard < 2.5)
        score = observer.scores.get(CAMERA_SITE)
        recall = score.figures()["objects_recall"] if score else None
        users = observer.figure("world", "road_users")
        return (
            f"{now - self.started:5.0f} s  {up}/{len(self.plan.processes)} processes  "
            f"{users or 0:.0f} road users  recall {'–' if recall is None else f'{recall:.2f}'}  "
            f"{len(observer.warnings.raised)} warnings  {self.supervisor.restarts()} restarts"
        )

    def finish(self, scenario: str, seed: int, with_fixed_plan: bool) -> dict[str, Any]:
        """Stop everything and compute the figures."""
        now = time.monotonic()
        cpu = self.supervisor.cpu_seconds()
        wall = max(now - self._cpu_since, 1e-3)
        cores = {name: round((cpu[name] - self._cpu_base.get(name, 0.0)) / wall, 3) for name in cpu}
        cores["demo"] = round((time.process_time() - self._own_cpu) / wall, 3)
        observer_dropped = self.observer.figure(f"{CAMERA_SITE}/perception", "dropped_frames")
        unsent = self.observer.figure("world", "unsent_frames")
        health = dict(self.observer.health)
        factor = self._real_time_factor()
        restarts = self.supervisor.restarts()
        self.supervisor.stop()
        self.observer.turn()
        self.observer.close()
        world = self._world_figures()
        seconds = float(world.get("seconds") or 0.0)
        fixed = self._fixed(scenario, seed, seconds) if with_fixed_plan and seconds > 30 else None
        times = latencies(self.plan.folder / "data", f"{CAMERA_SITE}/perception")
        camera = self.observer.scores.get(CAMERA_SITE)
        return {
            "scenario": scenario,
            "seconds": round(now - self.started - (self.first_picture_s or 0.0), 1),
            "pictures_per_second": self.plan.rate_hz,
            "first_picture_s": round(self.first_picture_s, 1) if self.first_picture_s is not None else None,
            "real_time_factor": factor,
            "dropped_frames": None if observer_dropped is None else int(observer_dropped + (unsent or 0)),
            **times,
            **(
                camera.figures()
                if camera
                else {"objects_recall": None, "objects_precision": None, "position_error_m": None}
            ),
            "by_site": {
                site: score.figures() for site, score in sorted(self.observer.scores.items()) if site != CAMERA_SITE
            },
            "warnings": self.observer.warnings.figures(),
            "delay_s": world.get("delay_s"),
            "delay_fixed_plan_s": fixed.delay_s if fixed else None,
            "stops_per_vehicle": world.get("stops_per_vehicle"),
            "stops_per_vehicle_fixed_plan": fixed.stops_per_vehicle if fixed else None,
            "longest_wait_s": world.get("longest_wait_s"),
            "longest_wait_fixed_plan_s": fixed.longest_wait_s if fixed else None,
            "is_interrupted": bool(world.get("is_interrupted")) or restarts > 0,
            "restarts": restarts,
            "cpu_cores": cores,
            "cpu_cores_all": round(sum(cores.values()), 3),
            "memory_mb": {source: round(one.memory_mb, 1) for source, one in sorted(health.items())},
            "refused": {source: dict(one.refused) for source, one in sorted(health.items()) if one.refused},
            "run_folder": str(self.plan.folder),
        }

    def _real_time_factor(self) -> float | None:
        elapsed = self.observer.figure("world", "elapsed_s")
        if self._elapsed_base is None or elapsed is None:
            return None
        heard = self.observer.heard_at["world"]
        stood_still = self.observer.figure("world", "stood_still_s") or 0.0
        wall = heard - self._elapsed_base[0]
        simulated = elapsed - self._elapsed_base[1]
        return round(min(1.0, simulated / wall) * (1 - stood_still / max(wall, 1e-3)), 4) if wall > 5 else None

    def _world_figures(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.plan.folder / "data/world.json").read_text())
            return found
        return {}

    def _fixed(self, scenario: str, seed: int, seconds: float) -> DelayStatistics | None:
        self.say(f"the same {seconds:.0f} s once more on the fixed plan … (Ctrl-C leaves this out)")
        try:
            return fixed_plan_delay(scenario, seconds, seed)
        except Exception as error:
            print(f"the fixed plan could not be compared: {error}", file=sys.stderr)
            return None
