"""The tracker's loops over tracks and detections as machine code."""

from __future__ import annotations

from pathlib import Path

from lukou_messages import assignment
from lukou_messages.compiled import MachineCode

CODE = MachineCode(Path(__file__).parent, Path(assignment.__file__))
compiled = CODE.compiled
