"""A connector on the screen: its settings, its versions, how trying it out went."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grantwire.cli.commands.status import connector_row
from grantwire.cli.guide import print_guide
from grantwire.cli.output import clean, err, out, print_table, say
from grantwire.cli.words import cause_and_step, clock, reason_text

_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {}, False)
_MARKS: Final = {"ok": ("✔", "green"), "failed": ("✘", "red"), "skipped": ("·", "dim")}
_GAP: Final = ("!", "yellow")
_LOG_LINES: Final = 20
_LEVEL: Final = len("warning")
_ISO: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
View = Mapping[str, Any]


def print_connector(found: View) -> None:
    """State, settings, what to make in AWS where that was asked for, and the newest lines of the log."""
    cause, step = cause_and_step(reason_text(found["reason"]))
    settings = [(name, value_text(value)) for name, value in found["settings"].items() if value not in _EMPTY]
    rows = [("state", found["state"]), ("reason", cause), ("next", step), ("account", found["account"] or "")]
    rows += [("organization", found["organization"] or ""), ("settings version", str(found["settings_version"]))]
    print_table(("field", "value"), [row for row in [*rows, *settings] if row[1]])
    if found["not_yet_acting"]:
        say(f"Accepted, but nothing acts on it yet: {', '.join(found['not_yet_acting'])}.", "yellow")
    if setup := found.get("setup"):
        out().print()
        print_guide(out(), setup, found)
    print_log(reversed(found["log"][:_LOG_LINES]), err())


def print_versions(found: View) -> None:
    """Newest first, a line for each field that a version changed."""
    rows = [
        (version["version"] if first == 0 else "", clock(version["at"]) if first == 0 else "", _change(change))
        for version in found["versions"]
        for first, change in enumerate(each for each in version["changes"] if each["field"] != "id")
    ]
    print_table(("version", "saved (UTC)", "change"), rows)


def print_checks(found: View) -> None:
    """A line for each point, and under what failed what to do about it; elsewhere than on a terminal, its parts apart
    by tabs."""
    console = out()
    if console.is_terminal:
        console.print(_points(found["checks"]))
    else:
        parts = ("state", "name", "text", "next_step")
        print_table(parts, [[check[part] for part in parts] for check in found["checks"]])
    failed = sum(check["state"] == "failed" for check in found["checks"])
    if not failed:
        say("Everything works. Nothing was saved.", "green")
    elif found["ok"]:
        say(f"It works, with {failed} {'gap' if failed == 1 else 'gaps'} marked !. Nothing was saved.", "yellow")
    else:
        say("It does not work yet. Nothing was saved.", "bold red")


def tell_saved(answer: View) -> None:
    """What was just saved, and what comes next."""
    view = answer["connector"]
    print_table(("connector", "account", "organization", "state", "reason"), [connector_row(dict(view))])
    if answer["not_yet_acting"]:
        say(f"Accepted, but nothing acts on it yet: {', '.join(answer['not_yet_acting'])}.", "yellow")
    if answer["run"]:
        tell_run(view["id"], "A sync has begun.")
    elif view["state"] == "draft":
        say(f"It is a draft; `grantwire connector show {view['id']}` says what to make in AWS for it.")
    elif view["state"] == "paused":
        say(f"Saved; it is paused, so nothing is read. `grantwire connector resume {view['id']}` begins a sync.")
    else:
        say("It was there already; nothing changed.")


def tell_run(id: str, sentence: str) -> None:
    say(f"{sentence} Watch it with `grantwire connector show {id} --watch`.")


def print_log(lines: Iterable[View], console: Console) -> None:
    """`2026-11-29 09:12:44 warning degraded: …`, a line each; on a terminal the text keeps to its column."""
    for line in lines:
        if console.is_terminal:
            console.print(log_line(line))
        else:
            print("\t".join((clock(line["at"]), line["level"], clean(line["text"]))), file=console.file, flush=True)


def log_line(line: View) -> Table:
    """When, how grave, and what."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(width=_LEVEL, style="dim")
    style = {"warning": "yellow", "error": "red"}.get(line["level"], "")
    table.add_row(clock(line["at"]), clean(line["level"]), Text(clean(line["text"]), style=style))
    return table


def value_text(value: Any) -> str:
    """A setting as one line: `15 min` of `PT15M`, lists by commas."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {value_text(each)}" for key, each in value.items() if each not in _EMPTY)
    return "yes" if value is True else "" if value in _EMPTY else _duration(str(value))


def _change(change: View) -> str:
    before, after = value_text(change["before"]), value_text(change["after"])
    return f"{change['field']}: {before} → {after or 'none'}" if before else f"{change['field']}: {after}"


def _points(checks: Iterable[View]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    for check in checks:
        optional = check["state"] == "failed" and not check["required"]
        mark, style = _GAP if optional else _MARKS[check["state"]]
        quiet = "dim" if check["state"] == "skipped" else ""
        said = Text(clean(check["name"]), style="bold") + Text(f"  {clean(check['text'])}", style=quiet)
        table.add_row(Text(mark, style=style), said)
        if check["next_step"]:
            field = f"{check['field']}: " if check["field"] and check["field"] != check["name"] else ""
            table.add_row("", Text(f"next: {clean(field)}{clean(check['next_step'])}", style="dim"))
    return table


def _duration(text: str) -> str:
    """`15m` of `PT15M`, as it is given."""
    found = _ISO.fullmatch(text)
    if found is None or not any(found.groups()):
        return text
    return " ".join(f"{count}{unit}" for count, unit in zip(found.groups(), "dhms", strict=True) if count)
