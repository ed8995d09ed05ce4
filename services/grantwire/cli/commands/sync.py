"""`sync`: ask for a sync of one connector, and follow it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from grantwire.cli import options as opt
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.words import calls_of, reason_text

if TYPE_CHECKING:
    from grantwire.cli.settings import Target


def sync(
    connector: Annotated[str, typer.Argument(help="The connector's id.")],
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Send everything, even where nothing changed.")] = False,
    timeout: opt.TimeoutOption = 600.0,
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Read a connector's account from AWS now."""
    import asyncio

    from grantwire.cli.settings import Settings, find_api
    from grantwire.cli.traced import traced

    target = find_api(state_dir, Settings())
    about = {"grantwire.connector": connector}
    try:
        run, trace = asyncio.run(
            traced(target, "grantwire sync", about, lambda: _synced(target, connector, wait, full, timeout))
        )
    except KeyboardInterrupt:
        raise Stop(Exit.INTERRUPTED, "Interrupted; the sync itself goes on.", "`grantwire status` shows it.") from None
    raise typer.Exit(_tell(run, trace, waited=wait, json=json))


async def _synced(target: "Target", connector: str, wait: bool, full: bool, timeout: float) -> dict[str, Any]:
    from grantwire.cli.client import Api
    from grantwire.cli.following import follow, request, within
    from grantwire.cli.progress import shown
    from grantwire.telemetry import current_traceparent, monotonic

    async with Api(target, current_traceparent) as asking, Api(target) as waiting:
        run = await request(asking, connector, full=full)
        with shown(monotonic) as progress:
            found: dict[str, Any] = (
                await within(timeout, follow(waiting, connector, run, progress))
                if wait
                else await waiting.get(f"/v1/runs/{run}")
            )
    return found


def _tell(run: dict[str, Any], trace: str | None, *, waited: bool, json: bool) -> Exit:
    if json:
        print_json(run | {"trace": trace})
    else:
        print_table(("scope", "state", "calls", "reason"), [_row(scope) for scope in run["scopes"]])
        if trace:
            say(f"trace: {trace}")
    return _ending(run["state"]) if waited else Exit.OK


def _row(scope: dict[str, Any]) -> tuple[str, str, int, str]:
    return scope["scope"], scope["state"], calls_of(scope), reason_text(scope.get("reason"))


def _ending(state: str) -> Exit:
    return {"complete": Exit.OK, "failed": Exit.FAILED}.get(state, Exit.PARTIAL)
