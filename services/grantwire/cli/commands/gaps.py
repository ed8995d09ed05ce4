"""`connector gaps`, `accept-gap`, `withdraw-gap`: accounts that a person decided not to read."""

from typing import Annotated

import typer

from grantwire.cli import options as opt
from grantwire.cli.asking import ask, segment
from grantwire.cli.exits import Exit, Stop
from grantwire.cli.output import print_json, print_table, say
from grantwire.cli.words import end_of

Id = Annotated[str, typer.Argument(help="The connector.")]
Account = Annotated[str, typer.Argument(help="The account, 12 digits.")]


def gaps(id: Id, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """The accounts that are accepted not to be read, why, and until when."""
    found = ask(state_dir, lambda api: api.get(f"/v1/connectors/{segment(id)}/gaps"))
    if json:
        print_json(found)
        return
    rows = [(gap["account"], gap["until"], gap["reason"]) for gap in found["gaps"]]
    print_table(("account", "until", "reason"), rows)
    if not rows:
        say(f"Connector {id} has no accepted gap.")


def accept_gap(
    id: Id,
    account: Account,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever looks next year.")],
    until: Annotated[str, typer.Option("--until", help="The last day, such as 2026-12-31, or a time.")],
    json: opt.JsonOption = False,
    state_dir: opt.StateDirOption = None,
) -> None:
    """Accept that an account is not read: it is shown as unreachable, and is no failure, until then."""
    try:
        end = end_of(until).isoformat()
    except ValueError:
        step = "Write a day as 2026-12-31, or a time as 2026-12-31T18:00Z."
        raise Stop(Exit.USAGE, f"--until {until!r} is not a date.", step) from None
    body = {"account": account, "reason": reason, "until": end}
    found = ask(state_dir, lambda api: api.post(f"/v1/connectors/{segment(id)}/gaps", body))
    if json:
        print_json(found)
    else:
        say(f"Account {account} is not read until {end}; `grantwire connector withdraw-gap {id} {account}` ends that.")


def withdraw_gap(id: Id, account: Account, json: opt.JsonOption = False, state_dir: opt.StateDirOption = None) -> None:
    """Read an account again, with the next sync."""
    found = ask(state_dir, lambda api: api.delete(f"/v1/connectors/{segment(id)}/gaps/{segment(account)}"))
    if json:
        print_json(found)
    else:
        say(f"Account {account} is read again with the next sync; `grantwire sync {id}` asks for one now.")
