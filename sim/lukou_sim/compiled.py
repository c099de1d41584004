"""Loops of the simulated world as machine code: compiled by `make setup`, or when they are first called."""

from __future__ import annotations

from pathlib import Path

from lukou_messages.compiled import MachineCode

HERE = Path(__file__).parent
CODE = MachineCode(HERE / "world", HERE / "render")
compiled = CODE.compiled
