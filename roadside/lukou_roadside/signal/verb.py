"""``lukou guard prove``: proves the guard for signal configurations."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from lukou_maps.signal_configuration import SignalConfigurationError, configuration_hash, load
from lukou_messages.report import print_json
from lukou_roadside.signal.guard_tables import GuardTablesError
from lukou_roadside.signal.proof import ALPHABET, TICK_S, prove

app = typer.Typer(help="The signal guard: its proof, and what it does with a configuration.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """The signal guard."""


@app.command("prove")
def prove_files(
    files: Annotated[list[Path] | None, typer.Argument(help="signal configurations; default: the example")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
    latency_s: Annotated[float, typer.Option(help="slowest command and one read-back of the cabinet [s]")] = 1.0,
) -> None:
    """Explore every state of the guard with these configurations; exit 1 where an invariant of SAFETY is violated."""
    import lukou_maps

    results, failed = [], False
    for path in files or [Path(lukou_maps.__file__).parent / "signal_example.json"]:
        began = time.perf_counter()
        try:
            configuration = load(path)
            report = prove(configuration, latency_s)
        except (OSError, SignalConfigurationError, GuardTablesError) as error:
            typer.echo(f"{error}\nnext: correct the file and run `lukou guard prove {path}` again", err=True)
            raise typer.Exit(1) from None
        failed |= bool(report.violations)
        results.append(
            {
                "file": str(path),
                "intersection": configuration.intersection,
                "configuration_hash": configuration_hash(configuration),
                "states": report.states,
                "steps": report.steps,
                "seconds": round(time.perf_counter() - began, 1),
                "tick_s": TICK_S,
                "worst_return_s": report.worst_return * TICK_S,
                "worst_green_extension_s": report.worst_green_extension * TICK_S,
                "violations": [{"invariant": number, "text": text} for number, text in report.violations],
            }
        )
        if not as_json:
            _print(results[-1])
    if as_json:
        print_json(_summary(results))
    else:
        typer.echo("inputs at every tick:\n  " + "\n  ".join(ALPHABET))
    raise typer.Exit(1 if failed else 0)


def _summary(results: list[dict[str, object]]) -> dict[str, object]:
    """One object over all files; the files stand under ``files``."""

    def numbers(key: str) -> list[float]:
        return [float(str(result[key])) for result in results]

    violations = [item for result in results for item in (result["violations"] or [])]  # type: ignore[attr-defined]
    return {
        "states": int(sum(numbers("states"))),
        "seconds": round(sum(numbers("seconds")), 1),
        "tick_s": TICK_S,
        "inputs": list(ALPHABET),
        "worst_return_s": max(numbers("worst_return_s")),
        "worst_green_extension_s": max(numbers("worst_green_extension_s")),
        "violations": violations,
        "files": results,
    }


def _print(result: dict[str, object]) -> None:
    violations = result["violations"]
    verdict = "no invariant is violated" if not violations else f"VIOLATED: {violations}"
    typer.echo(
        f"{result['intersection']}: {result['states']} states, {result['steps']} steps in {result['seconds']} s; {verdict}; "
        f"back to the local plan within {result['worst_return_s']} s; a dead guard lengthens a green by at most "
        f"{result['worst_green_extension_s']} s"
    )
