"""A connector's label and log as they change: redrawn in place on a terminal, a line a change elsewhere."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from grantwire.cli.asking import segment
from grantwire.cli.output import clean, out, styled
from grantwire.cli.showing import log_line
from grantwire.cli.words import cause_and_step, reason_text

if TYPE_CHECKING:
    from grantwire.cli.client import Api

_WAIT: Final = 20.0  # seconds of one question for news
_FEW: Final = 4


async def watch(api: "Api", id: str) -> None:
    """Until interrupted."""
    console = out()
    if not console.is_terminal:
        await _lines(api, id, console)
        return
    with Live(console=console, auto_refresh=False, transient=False) as live:
        after = ""
        while True:
            news = await _news(api, id, after)
            after = news["cursor"]
            live.update(picture(news["connector"]), refresh=True)


async def follow_log(api: "Api", id: str, after: int, show: Any) -> None:
    """Every new line of the log, until interrupted."""
    while True:
        found = await api.get(f"/v1/connectors/{segment(id)}/log", after=after, wait=_WAIT)
        for line in found["lines"]:
            after = line["id"]
            show(line)


def picture(connector: Mapping[str, Any]) -> Group:
    """The label, why, what to do about it, and the newest lines of the log, the newest last and without their steps."""
    rows = [Text(clean(connector["id"]), style="bold") + Text("  ") + styled(connector["state"])]
    cause, step = cause_and_step(reason_text(connector["reason"]))
    rows += [Text(f"  {clean(cause)}")] if cause else []
    rows += [Text(f"  next: {clean(step)}", style="dim")] if step else []
    lines = [{**line, "text": cause_and_step(line["text"])[0]} for line in reversed(connector["log"][:_FEW])]
    return Group(*rows, *map(log_line, lines))


async def _lines(api: "Api", id: str, console: Console) -> None:
    said, after = "", ""
    while True:
        news = await _news(api, id, after)
        after, connector = news["cursor"], news["connector"]
        line = f"connector={clean(id)} state={clean(connector['state'])}"
        if reason := reason_text(connector["reason"]):
            line += f' reason="{clean(reason)}"'
        if line != said:
            console.print(Text(line), soft_wrap=True)
            console.file.flush()
        said = line


async def _news(api: "Api", id: str, after: str) -> dict[str, Any]:
    found: dict[str, Any] = await api.get(f"/v1/connectors/{segment(id)}/events", after=after, wait=_WAIT)
    return found
