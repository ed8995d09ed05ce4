"""What a running sync looks like: a live bar per account on a terminal, plain lines elsewhere. All on stderr."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live

from grantwire.cli.bars import Bars
from grantwire.cli.following import Progress
from grantwire.cli.output import clean, err
from grantwire.cli.words import account_name, calls_of, reason_text

Clock = Callable[[], float]


@contextmanager
def shown(clock: Clock) -> Iterator[Progress]:
    """The progress that suits stderr."""
    console = err()
    if not console.is_terminal:
        yield PlainLines(console, clock)
        return
    bars = Bars(clock)
    with Live(bars, console=console, refresh_per_second=12, transient=False):
        yield bars


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
        line += f" calls={calls_of(scope)} throttled={scope.get('throttled') or 0} seconds={seconds}"
        if name := account_name(scope):
            line += f' name="{clean(name)}"'
        reason = reason_text(scope.get("reason"))
        return f'{line} reason="{clean(reason)}"' if reason else line
