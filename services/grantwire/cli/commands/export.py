"""`export`: the whole graph as sorted JSON lines."""

from pathlib import Path
from typing import Annotated

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask
from grantwire.cli.exits import Exit, Stop


def export(
    format: Annotated[str, typer.Option("--format", help="jsonl is the one there is.")] = "jsonl",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; else stdout.")] = None,
    state_dir: opt.StateDirOption = None,
) -> None:
    """The graph as JSON lines: resources and relations, sorted, from one moment."""
    from grantwire.cli.exporting import forget_stdout, to_file, to_stdout

    if format != "jsonl":
        raise Stop(Exit.USAGE, f"There is no export format {format!r}.", "Use --format jsonl.")
    try:
        ask(state_dir, lambda api: to_file(api, output) if output else to_stdout(api))
    except BrokenPipeError:
        forget_stdout()
