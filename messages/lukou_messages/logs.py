"""Logs: one line per change of state, key=value, to stderr."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(process: str, level: int = logging.INFO) -> None:
    """Set up structlog for a process; control characters from outside are escaped."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%fZ", utc=True),
            lambda logger, name, event: {"process": process, **event},
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "process", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
