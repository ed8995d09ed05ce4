"""The live picture of running syncs: a line for each connector, a bar for each account, and for the organization,
Identity Center and SCIM. However many there are, the picture fits the terminal: what is being read and what is not well
comes first, the rest is counted."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from grantwire.cli.output import clean
from grantwire.cli.subjects import ACCOUNT, CENTER, by_subject
from grantwire.cli.words import account_name, calls_of, cause_and_step, counted, reason_text

_STEPS: Final = {
    "requested": "waiting for a collector",
    "published": "reading AWS",
    "complete": "complete",
    "unchanged": "complete, nothing changed",
}
_MARKS: Final = {
    "requested": ("·", "dim"),
    "complete": ("✔", "green"),
    "unchanged": ("✔", "green"),
    "stale": ("!", "yellow"),
    "unreachable": ("○", "magenta"),
    "failed": ("✘", "red"),
}
_SHARED: Final = {"organization": "organization", CENTER.rstrip("/"): "Identity Center", "scim": "SCIM"}
_BUSY: Final = ("requested", "published")
_URGENCY: Final = ("failed", "stale", "published", "unreachable", "requested", "complete", "unchanged")
_GONE: Final = ("complete", "unchanged")
_BAR: Final = 14
_MIDDLING, _WIDE = 90, 120  # columns of a terminal from which there is room for bars, and for a long one
_EDGE: Final = 3  # lines of the terminal that stay free, so that the picture never scrolls

Clock = Callable[[], float]
Part = Mapping[str, Any]


@dataclass
class Follower:
    """The part of one subject: its last news, and when it was first seen at work and last seen ended."""

    part: Part
    begun: float
    ended: float | None = None


class Bars:
    """Redrawn in place from the last news of every run."""

    def __init__(self, clock: Clock, edge: int = _EDGE) -> None:
        """``edge``: how many lines of the terminal are somebody else's."""
        self._clock = clock
        self._edge = edge
        self._begun = clock()
        self._runs: dict[str, dict[str, Any]] = {}
        self._parts: dict[str, Follower] = {}
        self._spinner = Spinner("dots", style="cyan")

    def show(self, connector: str, run: dict[str, Any]) -> None:
        parts = by_subject(run["scopes"])
        self._runs[connector] = {**run, "scopes": parts}
        for part in parts:
            self._take(f"{connector} {run['run']} {part['scope']}", part)

    def _take(self, key: str, part: Part) -> None:
        now = self._clock()
        follower = self._parts.setdefault(key, Follower(part, now))
        if part["state"] == "published" and follower.part["state"] == "requested":
            follower.begun = now  # waiting for a collector is not reading
        follower.part = part
        if part["state"] in _BUSY:
            follower.ended = None  # more of it became known
        elif follower.ended is None:
            follower.ended = now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        room = max(3, console.size.height - self._edge - 2 * max(1, len(self._runs)))
        if not self._runs:
            yield _line(self._spinner, Text("asking for a sync", style="dim"))
        for connector, run in self._runs.items():
            yield self._heading(connector, run, options.max_width)
            yield self._accounts(connector, run, max(3, room // len(self._runs)), options.max_width)
            if said := rest(run["scopes"], max(3, room // len(self._runs))):
                yield Text(f"  {said}", style="dim")

    def _heading(self, connector: str, run: Mapping[str, Any], width: int) -> Table:
        parts = [part for part in run["scopes"] if is_account(part)]
        done = sum(part["state"] not in _BUSY for part in parts)
        busy = run["state"] in ("requested", "running") or not run["published"]
        mark: RenderableType = self._spinner if busy else Text(*_mark_of(run["state"]))
        ended = [each.ended for each in self._of(connector, run) if each.ended is not None]
        seconds = (self._clock() if busy or not ended else max(ended)) - self._begun
        return _line(
            mark,
            Text(clean(connector), style="bold"),
            ProgressBar(
                total=max(1, len(parts)),
                completed=done,
                width=2 * _BAR if width >= _WIDE else _BAR,
                finished_style="green",
            ),
            Text(f"{totals(run['scopes'])} · {seconds:.1f} s", style="bold"),
        )

    def _of(self, connector: str, run: Mapping[str, Any]) -> Iterable[Follower]:
        return (self._parts[f"{connector} {run['run']} {part['scope']}"] for part in run["scopes"])

    def _accounts(self, connector: str, run: Mapping[str, Any], room: int, width: int) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=1)
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=28, min_width=12)
        table.add_column(no_wrap=True)
        if width >= _MIDDLING:
            table.add_column(width=_BAR)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, justify="right")
        table.expand = True
        shown = {part["scope"] for part in chosen(run["scopes"], room)}
        for each in self._of(connector, run):
            if each.part["scope"] in shown:
                cells = self._cells(each)
                table.add_row(*(cells if width >= _MIDDLING else [*cells[:3], *cells[4:]]))
        return table

    def _cells(self, each: Follower) -> list[RenderableType]:
        part = each.part
        mark: RenderableType = self._spinner if part["state"] == "published" else Text(*_mark_of(part["state"]))
        idle = part["state"] in ("requested", "unreachable")  # nobody reads it
        seconds = (self._clock() if each.ended is None else each.ended) - each.begun
        took = Text("" if idle else f"{seconds:.1f} s", style="dim")
        return [mark, _name(part), _number(part), _bar(part), _step(part), Text(_calls(part), style="dim"), took]


def chosen(parts: list[Any], room: int) -> list[Any]:
    """As many parts as there is room for: what is not well and what is being read before what is done or waits."""
    if len(parts) <= room:
        return parts
    urgent = sorted(parts, key=lambda part: _URGENCY.index(part["state"]))  # stable: among equals the first ones
    return urgent[: room - 1]


def rest(parts: list[Any], room: int) -> str:
    """The parts that `chosen` leaves out, counted."""
    shown = {part["scope"] for part in chosen(parts, room)}
    words = {"requested": "waiting", "published": "being read", "unchanged": "complete"}
    counts = Counter(words.get(each["state"], each["state"]) for each in parts if each["scope"] not in shown)
    said = ", ".join(f"{count:,} {word}" for word, count in counts.most_common())
    return f"… and {counts.total():,} more: {said}" if said else ""


def totals(parts: list[Any]) -> str:
    """`7 of 12 accounts · 1 stale · 84 calls`: how far a run is. Only what there is of a kind is named."""
    parts = by_subject(parts)
    accounts = [part for part in parts if is_account(part)]
    done = sum(part["state"] not in _BUSY for part in accounts)
    said = [f"{done:,} of {counted(len(accounts), 'account')}" if accounts else "which accounts are there?"]
    for state in ("stale", "unreachable", "failed"):
        count = sum(part["state"] == state for part in parts)
        said += [f"{count:,} {state}"] if count else []
    throttled = sum(int(part.get("throttled") or 0) for part in parts)
    said.append(counted(sum(map(calls_of, parts)), "call"))
    return " · ".join([*said, f"{throttled:,} throttled"] if throttled else said)


def is_account(part: Part) -> bool:
    """Whether a part is about one account."""
    return str(part["scope"]).startswith(ACCOUNT)


def _mark_of(state: str) -> tuple[str, str]:
    return _MARKS.get(state, ("!", "yellow"))


def _line(*cells: RenderableType) -> Table:
    line = Table.grid(padding=(0, 2, 0, 0))
    for _ in cells:
        line.add_column(no_wrap=True, overflow="ellipsis")
    line.add_row(*cells)
    return line


def _name(part: Part) -> Text:
    if not is_account(part):
        return Text(_SHARED.get(str(part["scope"]).partition("/")[0], str(part["scope"])), style="bold")
    return Text(clean(account_name(part) or "account"))


def _number(part: Part) -> Text:
    return Text(clean(str(part["scope"]).partition("/")[2]), style="dim")


def _bar(part: Part) -> RenderableType:
    if part["state"] in ("requested", "unreachable"):
        return Text("")
    if part["state"] == "published":
        return ProgressBar(total=None, pulse=True, width=_BAR)
    style = _mark_of(part["state"])[1]
    return ProgressBar(total=1, completed=1, width=_BAR, finished_style=style)


def _step(part: Part) -> Text:
    step = _STEPS.get(part["state"], part["state"])
    cause = cause_and_step(reason_text(part.get("reason")))[0]
    style = "" if part["state"] in _GONE else _mark_of(part["state"])[1]
    return Text(clean(f"{step}: {cause}" if cause else step), style=style if part["state"] != "published" else "")


def _calls(part: Part) -> str:
    calls = calls_of(part)
    throttled = f", {part['throttled']} throttled" if part.get("throttled") else ""
    return f"{counted(calls, 'call')}{throttled}" if calls else ""
