"""Generate the Python code of the schema, and the internal column twin; `--check` compares instead of writing.

Run by ``make proto`` in an environment of its own that holds the oldest supported protobuf compiler, because generated
code demands a runtime at least as new as its compiler.
"""

from __future__ import annotations

import filecmp
import re
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent
PROTO = ROOT / "proto"
PACKAGE = ROOT / "lukou_messages"
COLUMN_MESSAGES = {"objects.proto": "ObjectList", "sensor.proto": "DetectionList", "truth.proto": "TruthList"}
TWIN = "lukou/internal/v1/columns.proto"
FIRST_COLUMN = 10


def twin_schema() -> str:
    """The schema in which every column of the public one is a `bytes` field of the same number: the same wire form."""
    lines = [
        'syntax = "proto3";',
        "",
        "// Made by messages/generate.py from the public schema; not released.",
        "package lukou.internal.v1;",
        "",
    ]
    lines += [f'import "lukou/v1/{name}";' for name in ["header.proto", *COLUMN_MESSAGES]]
    for file, message in COLUMN_MESSAGES.items():
        text = (PROTO / "lukou/v1" / file).read_text()
        body = re.search(rf"^message {message} {{\n(.*?)^}}", text, re.S | re.M)
        if body is None:
            raise SystemExit(f"{file}: message {message} not found")
        lines += ["", f"// Twin of lukou.v1.{message}.", f"message {message} {{"]
        for label, kind, name, number in re.findall(r"^  (repeated |optional |)(\w+) (\w+) = (\d+);", body[1], re.M):
            if label == "repeated " and kind in ("float", "fixed32") and int(number) >= FIRST_COLUMN:
                lines.append(f"  bytes {name} = {number};")
            else:
                full = kind if kind[0].islower() else f"lukou.v1.{kind}"
                lines.append(f"  {label}{full} {name} = {number};")
        lines.append("}")
    return "\n".join(lines) + "\n"


def compile_to(out: Path, proto: Path) -> None:
    """Compile every schema below `proto` into `out` and make its imports those of the package."""
    files = sorted(str(p.relative_to(proto)) for p in proto.rglob("*.proto"))
    include = Path(protoc.__file__).parent / "_proto"
    status = protoc.main(["protoc", f"-I{proto}", f"-I{include}", f"--python_out={out}", f"--pyi_out={out}", *files])
    if status:
        raise SystemExit("protoc refused the schema")
    for path in [*out.rglob("*.py"), *out.rglob("*.pyi")]:
        text = re.sub(r"^from lukou\.", "from lukou_messages.", path.read_text(), flags=re.M)
        path.write_text(text)
    for folder in (out / "lukou/v1", out / "lukou/internal", out / "lukou/internal/v1"):
        (folder / "__init__.py").write_text('"""Generated from the schema by messages/generate.py."""\n')


def generated(out: Path) -> list[Path]:
    return sorted(p.relative_to(out / "lukou") for p in out.rglob("*.py*") if "__pycache__" not in p.parts)


def main() -> None:
    check = "--check" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary)
        twin = PROTO / TWIN
        stale = [] if twin.exists() and twin.read_text() == twin_schema() else [str(twin)]
        if not check:
            twin.parent.mkdir(parents=True, exist_ok=True)
            twin.write_text(twin_schema())
        compile_to(out, PROTO)
        for name in generated(out):
            target = PACKAGE / name
            fresh = out / "lukou" / name
            if not target.exists() or not filecmp.cmp(target, fresh, shallow=False):
                stale.append(str(target))
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(fresh.read_bytes())
    if check and stale:
        raise SystemExit("not current, run `make proto`:\n  " + "\n  ".join(stale))


if __name__ == "__main__":
    main()
