"""What a running sync looks like: a live line per scope on a terminal, plain lines elsewhere. All on stderr."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from grantwire.cli.following import Progress
from grantwire.cli.output import clean, err
from grantwire.cli.words import calls_of, reason_text

_STEPS: Final = {
    "requested": "waiting for a collector",
    "published": "reading AWS",
    "complete": "complete",
    "unchanged": "complete, nothing changed",
    "stale": "stale",
    "unreachable": "unreachable",
    "failed": "failed",
}
_MARKS: Final = {"complete": ("✔", "green"), "unchanged": ("✔", "green"), "stale": ("!", "yellow")}
_BUSY: Final = ("requested", "published")

Clock = Callable[[], float]


@contextmanager
def shown(clock: Clock) -> Iterator[Progress]:
    """The progress that suits stderr."""
    console = err()
    if not console.is_terminal:
        yield PlainLines(console, clock)
        return
    lines = LiveLines(clock)
    with Live(lines, console=console, refresh_per_second=12, transient=False):
        yield lines


class PlainLines:
    """A line whenever the state of a scope changes."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._begun = clock()
        self._said: dict[str, str] = {}

    def show(self, connector: str, run: dict[str, Any]) -> None:
        for scope in run["scopes"]:
            if self._said.get(scope["scope"]) != scope["state"]:
                self._said[scope["scope"]] = scope["state"]
                self._console.print(self._line(connector, scope), soft_wrap=True)

    def _line(self, connector: str, scope: Mapping[str, Any]) -> str:
        seconds = f"{self._clock() - self._begun:.1f}"
        line = f"connector={clean(connector)} scope={clean(scope['scope'])} state={clean(scope['state'])}"
        line += f" calls={calls_of(scope)} seconds={seconds}"
        reason = reason_text(scope.get("reason"))
        return f'{line} reason="{clean(reason)}"' if reason else line


class LiveLines:
    """A line for each scope, redrawn in place."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun = clock()
        self._scopes: dict[str, Mapping[str, Any]] = {}
        self._ended: dict[str, float] = {}
        self._spinner = Spinner("dots")

    def show(self, connector: str, run: dict[str, Any]) -> None:
        for scope in run["scopes"]:
            name = f"{connector}  {scope['scope']}"
            self._scopes[name] = scope
            if scope["state"] not in _BUSY:
                self._ended.setdefault(name, self._clock() - self._begun)

    def __rich__(self) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for name, scope in self._scopes.items() or [("", {"state": "requested"})]:
            seconds = self._ended.get(name, self._clock() - self._begun)
            table.add_row(self._mark(scope), Text(clean(name)), _step(scope), _count(scope), Text(f"{seconds:.1f} s"))
        return table

    def _mark(self, scope: Mapping[str, Any]) -> Spinner | Text:
        if scope["state"] in _BUSY:
            return self._spinner
        mark, style = _MARKS.get(scope["state"], ("✘", "red"))
        return Text(mark, style=style)


def _step(scope: Mapping[str, Any]) -> Text:
    step = _STEPS.get(scope["state"], scope["state"])
    reason = reason_text(scope.get("reason"))
    return Text(clean(f"{step}: {reason}" if reason else step), style=_MARKS.get(scope["state"], ("", ""))[1])


def _count(scope: Mapping[str, Any]) -> Text:
    calls = calls_of(scope)
    throttled = f", {scope['throttled']} throttled" if scope.get("throttled") else ""
    return Text(f"{calls} calls{throttled}" if calls else "", style="dim")
