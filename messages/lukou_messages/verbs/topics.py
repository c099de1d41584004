"""``lukou topics``: the table of topics."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lukou_messages.report import print_json
from lukou_messages.topics import TOPICS

app = typer.Typer(add_completion=False)


@app.command()
def topics(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As docs/topics.md")] = False,
) -> None:
    """Every topic: type, rate, limits, purpose."""
    if as_json:
        print_json({"topics": [asdict(topic) for topic in TOPICS.values()]})
        return
    if as_markdown:
        print(markdown(), end="")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("topic", "type", "rate", "stale after", "keeps", "class", "recorded", "purpose", box=None)
    for one in TOPICS.values():
        rate = f"{one.rate_hz:g} Hz" if one.rate_hz else "on occasion"
        age = f"{one.max_age_s:g} s" if one.max_age_s else "never"
        recorded = "yes" if one.recorded else "no"
        table.add_row(
            one.name, one.type.removeprefix("lukou.v1."), rate, age, one.keep, one.delivery, recorded, one.purpose
        )
    Console().print(table)


def markdown() -> str:
    """The table of topics for the documentation."""
    lines = [
        "# Topics",
        "",
        "Made by `lukou topics --markdown` from `messages/lukou_messages/topics.py`.",
        "",
        "| topic | message | rate | stale after | a queue keeps | class | recorded | purpose |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in TOPICS.values():
        rate = f"{one.rate_hz:g} Hz" if one.rate_hz else "on occasion"
        age = f"{one.max_age_s:g} s" if one.max_age_s else "never"
        cells = (one.name, one.type, rate, age, one.keep, one.delivery, "yes" if one.recorded else "no", one.purpose)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
