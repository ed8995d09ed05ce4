"""Reading a sandbox with the real session, reader and plans, and its facts in the public export's form."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from grantwire.aws import AwsSettings, Calls
from grantwire.collectors.iam.account import AwsAccounts
from grantwire.collectors.iam.plans import Reading
from grantwire.collectors.iam.sessions import Sessions
from grantwire.contracts.chunks import relation_row, resource_row
from grantwire.contracts.connectors import Connector
from grantwire.contracts.resources import Facts
from grantwire.contracts.text import storable
from grantwire.sandbox.server import Sandbox

QUICK = AwsSettings(connect_timeout=2.0, read_timeout=0.5, attempts=2)


@contextmanager
def calls(settings: AwsSettings = QUICK) -> Iterator[Calls]:
    threads = Calls(settings.concurrency)
    try:
        yield threads
    finally:
        threads.close()


@contextmanager
def accounts(settings: AwsSettings = QUICK) -> Iterator[AwsAccounts]:
    """As in a process that has just started: nothing is known of any account."""
    with calls(settings) as threads:
        yield AwsAccounts(Sessions(settings, threads))


def connector(sandbox: Sandbox, plan: str = "bulk", **but: Any) -> Connector:
    return Connector(**{"id": "prod", **sandbox.facts["connectors"][plan], **but})


async def read(sandbox: Sandbox, plan: str = "bulk") -> Reading:
    """One reading in a fresh process's state: nothing cached."""
    with accounts() as fresh:
        account, reading = await fresh.read(connector(sandbox, plan), 1, sandbox.account)
    assert account == sandbox.account
    return reading


def exported(facts: Facts) -> set[str]:
    """The facts as the lines of an export, without what is decided when the graph is read."""
    rows = [resource_row(row) for row in (*facts.resources, *facts.mentions)]
    return {_line(storable(row)) for row in (*rows, *map(relation_row, facts.relations))}


def truth(sandbox: Sandbox, plan: str = "bulk") -> set[str]:
    return {_line(row) for row in sandbox.truth(plan)}


def _line(row: dict[str, Any]) -> str:
    kept = {name: value for name, value in row["attributes"].items() if name != "in_organization"}
    return json.dumps({**row, "attributes": kept}, sort_keys=True)
