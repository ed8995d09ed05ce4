"""Reading a sandbox's credentials with the real sessions, reader and plans; what was told before is remembered."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from grantwire.aws import CREDENTIALS, AwsSettings, Sessions, Tally, tallying
from grantwire.collectors.credentials.source import AwsCredentials
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.ids import AccountId, credentials_scope
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.resources import Facts, Kind, RelationKind
from grantwire.graph.access_keys import OwnedKey
from grantwire.sandbox.plan import Key
from grantwire.sandbox.server import Sandbox
from tests.integration.collectors.reading import QUICK, calls, connector, exported, iam_job, id_of, lines
from tests.integration.sandbox.clients import client


@dataclass
class Told:
    """The keys that were told before, by account: what the graph would hold."""

    keys: dict[str, list[OwnedKey]] = field(default_factory=dict)

    async def keys_of(self, account: AccountId) -> list[OwnedKey]:
        return self.keys.get(account, [])

    def remember(self, account: str, facts: Facts) -> None:
        owners = {row.target: row.source for row in facts.relations if row.kind is RelationKind.OWNS}
        rows = [row for row in facts.resources if row.kind is Kind.ACCESS_KEY]
        self.keys[account] = [OwnedKey(row.native_id, owners[row.native_id], row.attributes) for row in rows]

    def amend(self, account: str, key: str, attributes: dict[str, Any]) -> None:
        """Remember something else of a key."""
        self.keys[account] = [
            OwnedKey(each.id, each.owner, attributes) if each.id == key else each for each in self.keys[account]
        ]


@dataclass
class Collecting:
    """One process's source, and what it was told to remember."""

    sandbox: Sandbox
    source: AwsCredentials
    told: Told
    tally: Tally | None = None

    async def read(self, account: str | None = None, name: str | None = None, **but: Any) -> Reading:
        """One reading, of the sandbox's own account if none is named; what it tells is remembered."""
        account = account or self.sandbox.account
        settings = connector(self.sandbox, name or ("organization" if "organization" in self._plans else "bulk"), **but)
        with tallying() as self.tally:
            reading = await self.source.read(settings, job(self.sandbox, account))
        assert reading.account == account
        self.told.remember(account, reading.facts())
        return reading

    @property
    def calls(self) -> dict[str, int]:
        """What the last reading asked."""
        assert self.tally is not None
        return dict(self.tally.calls)

    @property
    def _plans(self) -> dict[str, Any]:
        return dict(self.sandbox.facts["connectors"])


@contextmanager
def collecting(sandbox: Sandbox, told: Told | None = None, aws: AwsSettings = QUICK) -> Iterator[Collecting]:
    """As in a process that has just started: no session is known."""
    told = told or Told()
    with calls(aws) as threads:
        yield Collecting(sandbox, AwsCredentials(Sessions(aws, threads, actions=CREDENTIALS), told, no_time), told)


async def no_time(seconds: float) -> None:
    """A report is waited for without losing time."""


def job(sandbox: Sandbox, account: str) -> CollectScope:
    organization = id_of(sandbox) if sandbox.facts.get("organization") else None
    scope = credentials_scope(AccountId(account))
    return iam_job(account, organization).model_copy(update={"source": "credentials", "scope": scope})


def admin_of(sandbox: Sandbox, account: str) -> Any:
    """A client that may change anything in an account of the organization."""
    keys = sandbox.facts["admin_of"][account]
    return client(sandbox, "iam", Key(keys["access_key_id"], keys["secret_access_key"]))


def told_lines(sandbox: Sandbox, account: str) -> set[str]:
    """The truth of an account's credentials: what they add to users as facets of their own."""
    found = sandbox.truth(accounts=[account], sources=["credentials"])
    return lines(row for row in found if _of(row, account))


def _of(row: dict[str, Any], account: str) -> bool:
    return row.get("account") == account or account in (row.get("source") or "")


def told(reading: Reading) -> set[str]:
    """The rows of a reading in the export's form; facets aside, which an export shows with their users."""
    return rows_of(reading.facts())


def rows_of(facts: Facts) -> set[str]:
    return {line for line in exported(facts) if json.loads(line)["kind"] != "account"}


def facets(reading: Reading) -> dict[str, dict[str, Any]]:
    """What a reading adds to users, by ARN."""
    rows = [row for row in reading.facts().resources if row.kind is Kind.FACET]
    return {row.name.partition(":")[2]: dict(row.attributes) for row in rows}


def facets_wanted(sandbox: Sandbox, account: str) -> dict[str, dict[str, Any]]:
    """The same by the truth."""
    named = ("console_access", "mfa_active", "password_last_changed")
    found = sandbox.truth(accounts=[account], sources=["iam", "credentials"])
    rows = [row for row in found if row["kind"] == "iam_user" and row["account"] == account]
    users = [row for row in rows if not row["attributes"]["is_root"]]
    return {row["native_id"]: {name: row["attributes"][name] for name in named} for row in users}
