"""Loops over tracks and detections as machine code.

A step of the tracker compares some dozens of tracks with some dozens of detections: numpy spends most of such a step on calling, not on computing. What numba
compiles is kept, so that a process only loads it (`warm`): beside the source, or where that cannot be written in the user's cache.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import config, njit

HERE = Path(__file__).parent

_functions: list[Any] = []

Function = TypeVar("Function", bound=Callable[..., Any])


def place(sources: Iterable[Path], parents: Iterable[Path]) -> Path | None:
    """Folder for what is compiled of just these sources, in the first parent that can be written; none: nowhere.

    numba would notice a change of a function's own file only, and not of what it takes from others: rows of the state, constants, other functions.
    """
    digest = sha256(b"\0".join(source.read_bytes() for source in sorted(sources))).hexdigest()[:16]
    for parent in parents:
        folder = parent / f"compiled-{digest}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


def _parents() -> Iterable[Path]:
    yield HERE / "__pycache__"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lukou")
    if cache.is_absolute():  # there is a home
        yield cache


FOLDER = place(HERE.glob("*.py"), _parents())
"""Where machine code is kept; none: nowhere, so that every process compiles anew."""


def compiled(function: Function) -> Function:
    """The function as machine code, compiled once per machine; divisions by zero are inf or nan, as in numpy."""
    elsewhere, config.CACHE_DIR = config.CACHE_DIR, str(FOLDER or "")
    try:
        made = njit(cache=FOLDER is not None, error_model="numpy", nogil=True)(function)
    finally:
        config.CACHE_DIR = elsewhere
    _functions.append(made)
    return cast(Function, made)


def versions() -> int:
    """How many versions have been compiled or loaded in this process: one of each function for each combination of types that it was called with."""
    return sum(len(one.signatures) for one in _functions)
