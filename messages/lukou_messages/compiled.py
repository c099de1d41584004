"""Loops over small arrays as machine code, kept so that a process only loads it.

Steps that compare some dozens of road users with some dozens of others spend most of their time in numpy on calling, not on computing. What numba compiles is kept
beside the source, or where that cannot be written in the user's cache.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import structlog
from numba import config, njit

log = structlog.get_logger()

Function = TypeVar("Function", bound=Callable[..., Any])


class MachineCode:
    """What is compiled of the sources in some folders.

    Parameters
    ----------
    folder : Path
        Where the sources of what is compiled lie; what is compiled is kept in it.
    *others : Path
        Folders, or files, of what they take from elsewhere.

    Attributes
    ----------
    folder : Path or None
        Where machine code is kept; none: nowhere, so that every process compiles anew.
    """

    def __init__(self, folder: Path, *others: Path) -> None:
        self._kept = folder / "__pycache__"
        self._functions: list[Any] = []
        sources = [one for path in (folder, *others) for one in (path.glob("*.py") if path.is_dir() else [path])]
        self.folder = place(sources, self._parents())

    def compiled(self, function: Function) -> Function:
        """The function as machine code, compiled once per machine; divisions by zero are inf or nan, as in numpy."""
        elsewhere, config.CACHE_DIR = config.CACHE_DIR, str(self.folder or "")
        try:
            made = njit(cache=self.folder is not None, error_model="numpy", nogil=True)(function)
        finally:
            config.CACHE_DIR = elsewhere
        self._functions.append(made)
        return cast(Function, made)

    def say_where_kept(self) -> None:
        """Log it where machine code cannot be kept."""
        if self.folder is None:
            log.warning(
                "code.not_kept",
                source=str(self._kept.parent),
                remedy="let the process write to XDG_CACHE_HOME: else it compiles for some tens of seconds at every start",
            )

    def versions(self) -> int:
        """How many versions have been compiled or loaded in this process: one of each function for each combination of types that it was called with."""
        return sum(len(one.signatures) for one in self._functions)

    def tidy(self) -> None:
        """Delete what is kept beside the source of earlier versions of it."""
        for outdated in {*self._kept.glob("compiled-*")} - {self.folder}:
            shutil.rmtree(outdated, ignore_errors=True)

    def _parents(self) -> Iterable[Path]:
        yield self._kept
        cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lukou")
        if cache.is_absolute():  # there is a home
            yield cache


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
