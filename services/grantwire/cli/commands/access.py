"""`grant` and `revoke`: a command on behalf of people, and what became of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias
from uuid import uuid4

import typer

from grantwire.cli import options as opt
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.telling import advice, ending, evidence, headline, plan_rows, row, step
from grantwire.cli.words import end_of

if TYPE_CHECKING:
    from grantwire.cli.settings import Target

PrincipalArgument: TypeAlias = Annotated[
    str, typer.Argument(help="ARN, id, name or e-mail of a person, group or role.")
]
TargetArgument: TypeAlias = Annotated[
    str, typer.Argument(help="A permission set in an account (ACCOUNT/PERMISSION_SET), a group, or a policy.")
]
Reason: TypeAlias = Annotated[str, typer.Option("--reason", help="Why; it is kept with the command.")]
Connector: TypeAlias = Annotated[str | None, typer.Option("--connector", help="Where several might be meant.")]
Account: TypeAlias = Annotated[
    str | None, typer.Option("--account", help="Id or name: in which account, for a permission set by its name.")
]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="The plan, and nothing else.")]
Wait: TypeAlias = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its outcome.")]
Timeout: TypeAlias = Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait for the outcome.")]
Until: TypeAlias = Annotated[
    str | None, typer.Option("--valid-until", help="Not begun later: 2026-12-31, or an ISO 8601 time (else UTC).")
]
_ANSWER: Final = 20.0  # seconds that one question for news may take


def _command(verb: str, said: str) -> Callable[..., None]:
    """Both take the same."""

    def command(
        principal: PrincipalArgument,
        target: TargetArgument,
        reason: Reason,
        connector: Connector = None,
        account: Account = None,
        dry_run: DryRun = False,
        wait: Wait = True,
        timeout: Timeout = 120.0,
        valid_until: Until = None,
        json: opt.JsonOption = False,
        state_dir: opt.StateDirOption = None,
    ) -> None:
        asked: dict[str, Any] = {"id": str(uuid4()), "verb": verb, "principal": principal, "target": target}
        asked |= {"reason": reason, "dry_run": dry_run}
        where = {"connector": connector, "account": account, "valid_until": _until(valid_until)}
        asked |= {name: value for name, value in where.items() if value is not None}
        raise typer.Exit(_carried_out(asked, state_dir, wait=wait, timeout=timeout, json=json))

    command.__doc__ = said
    return command


grant = _command("grant", "Give a permission set in an account, a group or a policy; it ends when AWS shows it.")
revoke = _command("revoke", "Take a permission set in an account, a group or a policy; it ends when AWS shows it gone.")


def _until(text: str | None) -> str | None:
    try:
        return end_of(text).isoformat() if text is not None else None
    except ValueError:
        raise Stop(
            Exit.USAGE, f"--valid-until {text!r} is no time.", "Write 2026-12-31 or 2026-12-31T18:00:00+01:00."
        ) from None


def _carried_out(asked: dict[str, Any], state_dir: Any, *, wait: bool, timeout: float, json: bool) -> Exit:
    sent, operation, trace = _traced(asked, state_dir, timeout if wait else 0.0)
    if json:
        print_json((operation or sent) | {"trace": trace})
    elif operation is None:
        print_table(("command", "state"), [(sent["id"], "sent")], whole=1)
        say(f"next: `grantwire operations show {sent['id']}`", "dim")
    else:
        tell(operation)
    if trace and not json:
        say(f"trace: {trace}")
    if not wait:
        return Exit.OK
    if operation is None or operation["open"]:
        _still(sent["id"], operation, timeout)
        return Exit.PARTIAL
    return ending(operation)


def tell(operation: dict[str, Any]) -> None:
    """What became of a command; of a dry run its plan."""
    if operation["state"] == "planned":
        print_table(("call", "account", "role", "changes", "with"), plan_rows(operation["told"]))
    else:
        print_table(("outcome", "principal", "target", "account", "revision"), [row(operation)])
    said, style = headline(operation)
    say(said, style)
    for line in evidence(operation):
        say(line, "dim")
    if next_step := advice(operation):
        say(f"next: {next_step}", "dim")


def _still(id: str, operation: dict[str, Any] | None, timeout: float) -> None:
    taken = "goes on" if operation else "is on the bus, and no provisioner has taken it yet"
    say(f"There is no outcome after {timeout:g} s: the command {taken}.", "bold yellow")
    say(f"next: `grantwire operations show {id}` shows it, `grantwire operations cancel {id}` ends it.", "dim")


def _traced(
    asked: dict[str, Any], state_dir: Path | None, timeout: float
) -> tuple[dict[str, Any], dict[str, Any] | None, str | None]:
    """What the api said, the command if that was waited for, and the link to the trace."""
    import asyncio

    from grantwire.cli.settings import Settings, find_api
    from grantwire.cli.traced import traced

    target, about = find_api(state_dir, Settings()), {"grantwire.command": str(asked["id"])}
    try:
        work = traced(target, f"grantwire {asked['verb']}", about, lambda: _sent(target, asked, timeout))
        (sent, operation), trace = asyncio.run(work)
    except KeyboardInterrupt:
        show = (
            f"`grantwire operations show {asked['id']}` shows it, `grantwire operations cancel {asked['id']}` ends it."
        )
        raise Stop(Exit.INTERRUPTED, "Interrupted; a command that was sent goes on.", show) from None
    return sent, operation, trace


async def _sent(
    target: "Target", asked: dict[str, Any], timeout: float
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What the api said when it took it, and the command when it ended or time is up; without a timeout None."""
    from grantwire.cli.client import Api
    from grantwire.telemetry import current_traceparent, monotonic

    operation: dict[str, Any] | None = None
    async with Api(target, current_traceparent) as asking, Api(target) as waiting:
        sent: dict[str, Any] = await asking.post("/v1/operations", asked)
        deadline, after = monotonic() + timeout, ""
        while (left := deadline - monotonic()) > 0 and (operation is None or operation["open"]):
            news = await waiting.get(sent["events"], after=after, wait=min(left, _ANSWER))
            if news["cursor"] != after and news["operation"]:
                operation, after = news["operation"], news["cursor"]
                say(step(operation), "dim")
    return sent, operation
