"""Prometheus metrics of a process, from its shell."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, Histogram, start_http_server

from lukou_messages.v1 import health_pb2

STEP_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class PrometheusMetrics:
    """Serves step durations, input ages, refusals and figures on a port of this machine."""

    def __init__(self, process: str, port: int) -> None:
        registry = CollectorRegistry()
        labels = ["process"]
        self._process = process
        self._steps = Histogram(
            "lukou_step_seconds", "Duration of a step", labels, buckets=STEP_BUCKETS, registry=registry
        )
        self._age = Gauge(
            "lukou_input_age_seconds", "Age of the last input", [*labels, "topic", "source"], registry=registry
        )
        self._refused = Gauge("lukou_refused_total", "Refused messages", [*labels, "reason"], registry=registry)
        self._missed = Gauge("lukou_missed_total", "Missed messages", [*labels, "topic", "source"], registry=registry)
        self._state = Gauge(
            "lukou_health_state", "1 starting, 2 good, 3 degraded, 4 failed, 5 stopping", labels, registry=registry
        )
        self._memory = Gauge("lukou_memory_megabytes", "Resident memory", labels, registry=registry)
        self._figures = Gauge("lukou_figure", "Figures of the process", [*labels, "name"], registry=registry)
        start_http_server(port, addr="127.0.0.1", registry=registry)

    def step(self, seconds: float) -> None:
        self._steps.labels(self._process).observe(seconds)

    def health(self, health: health_pb2.Health) -> None:
        self._state.labels(self._process).set(health.state)
        self._memory.labels(self._process).set(health.memory_mb)
        for one in health.inputs:
            self._age.labels(self._process, one.name, one.source).set(one.age_s)
            self._missed.labels(self._process, one.name, one.source).set(one.missed)
        for reason, count in health.refused.items():
            self._refused.labels(self._process, reason).set(count)
        for name, value in health.figures.items():
            self._figures.labels(self._process, name).set(value)
