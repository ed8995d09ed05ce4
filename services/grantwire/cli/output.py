"""What is printed: data on stdout, everything said about it on stderr; nothing from AWS is ever markup or a control."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grantwire.cli.exits import Stop
from grantwire.cli.words import cause_and_step

_PLAIN_WIDTH: Final = 10_000  # without a terminal a line is never wrapped: somebody will grep it
_COLOURS: Final = {
    "allow": "green",
    "complete": "green",
    "connected": "green",
    "syncing": "cyan",
    "draft": "magenta",
    "paused": "yellow",
    "conditional": "yellow",
    "stale": "yellow",
    "overdue": "yellow",
    "degraded": "yellow",
    "denied": "red",
    "failed": "red",
    "unreachable": "red",
    "unknown": "magenta",
}


def clean(value: object) -> str:
    """Text as it can safely stand in a line: escapes, line breaks and direction marks become visible."""
    return "".join(char if char.isprintable() else _visible(char) for char in str(value))


def _visible(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def styled(value: object) -> Text:
    """A word in its colour, where it is one of those that have one."""
    word = clean(value)
    return Text(word, style=_COLOURS.get(word.split(" ")[0], ""))


def out() -> Console:
    """Where data goes."""
    return _console(stderr=False)


def err() -> Console:
    """Where progress and errors go."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PLAIN_WIDTH
    return Console(
        stderr=stderr, highlight=False, markup=False, emoji=False, width=width, soft_wrap=not stream.isatty()
    )


def print_json(value: Any) -> None:
    """The one object of a command that was asked for JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """One object of a command that goes on, at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], console: Console | None = None, *, whole: int = 0
) -> None:
    """A table on a terminal; elsewhere a line a row, its cells apart by tabs.

    On a terminal a cell that is too long goes on in the next line, so that nothing is lost, and a column without any
    content is left out; the first ``whole`` columns are never broken, for people to copy from.
    """
    console = console or out()
    cells = [[cell if isinstance(cell, Text) else styled(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        for row in cells:
            print("\t".join(cell.plain for cell in row), file=console.file)  # Rich would make spaces of the tabs
        return
    table = Table(box=None, header_style="bold dim", pad_edge=False, padding=(0, 2, 0, 0))
    shown = [number for number in range(len(headings)) if not cells or any(row[number].plain for row in cells)]
    for number in shown:
        table.add_column(headings[number], overflow="fold", no_wrap=number < whole)
    for row in cells:
        table.add_row(*(row[number] for number in shown))
    console.print(table)


def say(line: object, style: str = "") -> None:
    """A line about the work, on stderr."""
    err().print(line if isinstance(line, Text) else Text(clean(line), style=style))


def print_stop(stop: Stop) -> None:
    """Why the command ends, and what to do next: what the sentence says itself before what is said of all its kind."""
    console = err()
    cause, step = cause_and_step(str(stop))
    console.print(Text("error: ", style="bold red") + Text(clean(cause if not step else f"{cause}.")))
    for name, message in stop.fields:
        if f"{name}: " not in str(stop):
            said = "" if message in str(stop) else f": {clean(message)}"
            console.print(Text("  setting ", style="bold") + Text(f"{clean(name)}{said}"))
    for candidate in stop.candidates:
        console.print(Text(f"  candidate: {clean(candidate)}"))
    if next_step := step or stop.next_step:
        console.print(Text("next: ", style="bold") + Text(clean(next_step)))
