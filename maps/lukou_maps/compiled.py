"""Loops over points, segments and lanes as machine code."""

from __future__ import annotations

from pathlib import Path

from lukou_messages.compiled import MachineCode

CODE = MachineCode(Path(__file__).parent)
compiled = CODE.compiled
