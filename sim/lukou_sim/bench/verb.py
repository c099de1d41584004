"""``lukou bench``: benchmarks by name."""

from __future__ import annotations

from typing import Annotated

import typer

from lukou_messages.report import print_json

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Benchmarks; each prints what it compares with."""


@app.command()
def objects(
    count: Annotated[int, typer.Option(help="Road users per list")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Object lists: columns with every refusal check, against one message per road user with the same fields."""
    from lukou_sim.bench.objects import measure

    figures = measure(count)
    if as_json:
        print_json(figures)
        return
    for name, value in figures.items():
        print(f"{name:<40}{value}")


@app.command()
def timing(
    seeds: Annotated[int, typer.Option(help="Number of seeds, from 1")] = 5,
    seconds: Annotated[float, typer.Option(help="Length of each run [s]")] = 900.0,
    source: Annotated[str, typer.Option(help="Where road users come from: truth or sensors")] = "truth",
    scenario: Annotated[str, typer.Option(help="Scenario file, or the name of a shipped one")] = "calm",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Adaptive timing against the optimised fixed plan: the same minutes, demand and seeds, in lockstep."""
    from lukou_sim.bench.timing import compare

    figures = compare(seeds, seconds, source, scenario)
    if as_json:
        print_json(figures)
        return
    for row in figures["runs"]:
        print(
            f"seed {row['seed']}: {row['delay_s']:.1f} s against {row['delay_fixed_plan_s']:.1f} s on the fixed plan, {row['gain']:+.1%}"
        )
    print(f"median gain {figures['median_gain']:+.1%}")
