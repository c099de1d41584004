"""What every verb prints alike: JSON objects, errors, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from lukou_messages.errors import LukouError

SCHEMA_VERSION = 1
FAILED = 1
WRONG_USAGE = 2


@cache
def git_revision() -> str | None:
    """Commit that runs here; None outside a checkout."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def print_json(data: Mapping[str, Any], seed: int | None = None) -> None:
    """Print exactly one JSON object to stdout, with `schema_version`, `seed` and `git`; NaN and infinity become null."""
    whole = {"schema_version": SCHEMA_VERSION, "seed": seed, "git": git_revision(), **data}
    print(json.dumps(_finite(whole), allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float) and value not in (float("inf"), float("-inf")) and value == value:
        return value
    return None if isinstance(value, float) else value


def complain(error: BaseException, next_command: str = "") -> None:
    """Print an error for a person to stderr."""
    print(f"lukou: {error}", file=sys.stderr)
    if next_command:
        print(f"try: {next_command}", file=sys.stderr)


@contextmanager
def plain_errors(next_command: str = "", code: int = FAILED) -> Iterator[None]:
    """Turn our own errors into one message and an exit code, without a traceback."""
    try:
        yield
    except LukouError as error:
        complain(error, next_command)
        raise SystemExit(code) from None
