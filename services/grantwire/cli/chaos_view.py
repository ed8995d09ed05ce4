"""What `demo chaos` looks like: the kills, what the graph showed meanwhile, and the sync under way. All on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.text import Text

from grantwire.cli.bars import Bars
from grantwire.cli.chaos_play import View
from grantwire.cli.comparing import Comparison
from grantwire.cli.output import clean, err
from grantwire.cli.words import counted

_LINES: Final = 8  # of kills and syncs that stay in sight
Clock: TypeAlias = Callable[[], float]


@contextmanager
def shown(clock: Clock, kills: int) -> Iterator[View]:
    """The view that suits stderr."""
    console = err()
    if not console.is_terminal:
        yield PlainView(console, clock)
        return
    view = LiveView(clock, kills)
    with Live(view, console=console, refresh_per_second=12, transient=False):
        yield view


class PlainView:
    """A line for each kill and for each sync that ended."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._begun = clock()

    def show(self, connector: str, run: dict[str, Any]) -> None:
        """The bars are for a terminal."""

    def looked(self, counts: dict[str, int], revision: int) -> None:
        """A number that stays the same is no news."""

    def killed(self, service: str, pid: int, new: int) -> None:
        self._say(f"killed={service} pid={pid} restarted_as={new}")

    def synced(self, number: int, state: str, comparison: Comparison) -> None:
        sizes = f"resources={comparison.resources} relations={comparison.relations}"
        self._say(f"sync={number} state={state} differences={len(comparison.differences)} {sizes}")

    def _say(self, line: str) -> None:
        self._console.print(f"{line} seconds={self._clock() - self._begun:.1f}", soft_wrap=True)


class LiveView:
    """Redrawn in place: a title with the numbers, the last events, the bars of the sync under way."""

    def __init__(self, clock: Clock, kills: int) -> None:
        self._clock = clock
        self._begun = clock()
        self._planned = kills
        self._kills = 0
        self._looks = 0
        self._events: list[Text] = []
        self._numbers = Text("nothing is loaded yet", style="dim")
        self._bars = Bars(clock, edge=_LINES + 7)

    def show(self, connector: str, run: dict[str, Any]) -> None:
        self._bars.show(connector, run)

    def looked(self, counts: dict[str, int], revision: int) -> None:
        self._looks += 1
        numbers = f"{counts['resources']:,} resources · {counts['relations']:,} relations · revision {revision}"
        self._numbers = Text(f"{numbers} · looked at {counted(self._looks, 'time')}", style="cyan")

    def killed(self, service: str, pid: int, new: int) -> None:
        self._kills += 1
        said = Text("✘ killed ", style="bold red") + Text(service, style="bold")
        self._note(said + Text(f"  pid {pid}, started again as {new}", style="dim"))

    def synced(self, number: int, state: str, comparison: Comparison) -> None:
        if comparison.equal:
            sizes = f"{comparison.resources:,} resources, {comparison.relations:,} relations"
            self._note(Text("✔ ", style="green") + Text(f"sync {number}: equal to the truth, {sizes}"))
        else:
            missed = counted(len(comparison.differences), "difference")
            self._note(Text("! ", style="yellow") + Text(f"sync {number}, {clean(state)}: {missed} so far"))

    def _note(self, event: Text) -> None:
        at = Text(f"{self._clock() - self._begun:6.1f} s  ", style="dim")
        self._events.append(at + event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        title = f" CHAOS {self._kills} of {counted(self._planned, 'kill')} · {self._clock() - self._begun:.1f} s "
        yield Text(title, style="reverse bold") + Text(" ") + self._numbers
        for event in self._events[-_LINES:]:
            event.no_wrap, event.overflow = True, "ellipsis"
            yield event
        yield Text("")
        yield self._bars
