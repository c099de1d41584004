"""The cloud's loops over road users, what they may do and their pairs as machine code."""

from __future__ import annotations

from pathlib import Path

from lukou_maps import paths, vocabulary
from lukou_messages import assignment
from lukou_messages.compiled import MachineCode

CODE = MachineCode(
    Path(__file__).parent / "edge",
    Path(__file__).parent / "fusion",
    *(Path(str(one.__file__)) for one in (paths, vocabulary, assignment)),
)
compiled = CODE.compiled
