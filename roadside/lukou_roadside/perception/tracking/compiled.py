"""Loops over tracks and detections as machine code.

A step of the tracker compares some dozens of tracks with some dozens of detections: numpy spends most of such a step on calling, not on computing. What numba
compiles is kept beside the source, or in the user's cache where that cannot be written, so a process only loads it (`warm`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_functions: list[Any] = []

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function as machine code, compiled once per machine; divisions by zero are inf or nan, as in numpy."""
    options = {"error_model": "numpy", "nogil": True}
    try:
        made = njit(cache=True, **options)(function)
    except RuntimeError:  # nowhere to keep it
        made = njit(**options)(function)
    _functions.append(made)
    return cast(Function, made)


def versions() -> int:
    """How many versions have been compiled or loaded in this process: one of each function for each combination of types that it was called with."""
    return sum(len(one.signatures) for one in _functions)
