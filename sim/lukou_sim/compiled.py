"""Loops of the simulated world as machine code: numba compiles them when they are first called, and keeps them beside the source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function as machine code. What it takes from other files must not change unless its own file does: numba notices nothing else."""
    try:
        return cast(Function, njit(cache=True, error_model="numpy")(function))
    except RuntimeError:  # nowhere to keep it
        return cast(Function, njit(error_model="numpy")(function))
