"""The figures of a demo, from what its processes measured and what the observer saw."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lukou_sim.sensors.camera import CAMERA_LATENCY_NS

MOST_DROPPED = 0.05
"""Where a larger share of the pictures was never used, the machine was too busy."""


def too_busy(figures: Mapping[str, Any], cores: int) -> str:
    """Words for who reads the figures of a demo that had too little of a machine; empty where it had enough."""
    dropped, used = figures.get("dropped_frames") or 0, figures.get("frames_used") or 0
    if dropped <= MOST_DROPPED * (dropped + used):
        return ""
    then = ", then `--rate 5`" if (figures.get("pictures_per_second") or 0) > 5 else ""
    return (
        f"this machine was too busy for the demo: {dropped / (dropped + used):.0%} of the pictures were not drawn in time or not looked at, "
        f"and its processes took {figures['cpu_cores_all']:.1f} of {cores} cores; the latencies tell of that. "
        f"More or idle cores help most{then}"
    )


def percentiles(values: list[float]) -> dict[str, float | None]:
    """p50, p95, p99 in ms; null without values."""
    if not values:
        return {"p50": None, "p95": None, "p99": None}
    p50, p95, p99 = np.percentile(np.array(values), [50, 95, 99])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "p99": round(float(p99), 2)}


def read_measure(path: Path) -> Iterator[dict[str, Any]]:
    """Lines of a measure file; the last one may be torn by a kill."""
    if not path.exists():
        return
    with path.open() as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _sent(data: Path) -> dict[tuple[str, int, int], int]:
    """When each object list had been sent, by its source, epoch and sequence. [ns]"""
    return {
        (path.name.removesuffix(".measure.jsonl").replace(".", "/"), epoch, sequence): line["done"]
        for path in sorted(data.glob("*.perception.measure.jsonl"))
        for line in read_measure(path)
        for topic, epoch, sequence, _ in line["out"]
        if topic == "objects"
    }


def latencies(data: Path, camera_source: str) -> dict[str, Any]:
    """Latencies of frames and object lists.

    Parameters
    ----------
    data : Path
        Folder of the measure files.
    camera_source : str
        Perception process with cameras.
    """
    capture_to_objects: list[float] = []
    frames_of: dict[tuple[str, int, int], list[int]] = {}
    seen: set[tuple[str, int]] = set()
    for line in read_measure(data / f"{camera_source.replace('/', '.')}.measure.jsonl"):
        for topic, epoch, sequence, used in line["out"]:
            fresh = [due for name, due in used if topic == "objects" and "camera" in name and (name, due) not in seen]
            seen.update((name, due) for name, due in used)
            capture_to_objects += [(line["done"] - due) / 1e6 for due in fresh]
            frames_of[camera_source, epoch, sequence] = fresh
    sent_ns = _sent(data)
    objects_to_warning: list[float] = []
    sent_to_warning: list[float] = []
    capture_to_warning: list[float] = []
    for line in read_measure(data / "district.edge.measure.jsonl"):
        for _, source, epoch, sequence, received in line["in"]:
            objects_to_warning.append((line["done"] - received) / 1e6)
            if (source, epoch, sequence) in sent_ns:
                sent_to_warning.append((line["done"] - sent_ns[source, epoch, sequence]) / 1e6)
            capture_to_warning += [(line["done"] - due) / 1e6 for due in frames_of.get((source, epoch, sequence), ())]
    return {
        "camera_latency_assumed_ms": CAMERA_LATENCY_NS / 1e6,
        "capture_to_objects_ms": percentiles(capture_to_objects),
        "objects_to_warning_ms": percentiles(objects_to_warning),
        "objects_sent_to_warning_ms": percentiles(sent_to_warning),
        "capture_to_warning_ms": percentiles(capture_to_warning),
        "frames_used": len(capture_to_objects),
    }
