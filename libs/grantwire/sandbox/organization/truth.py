"""The truth of an organization: its units and accounts, and the IAM of those that can be read.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from grantwire.sandbox.facts import Expectation, Role, Row, User
from grantwire.sandbox.organization.facts import (
    STATUS_OF,
    Account,
    Delegation,
    Fact,
    Organization,
    Unit,
)
from grantwire.sandbox.sources import Around
from grantwire.sandbox.truth import Line, PlanName, Truth, relation, resource, stamp

Posted = Mapping[tuple[str, str], Expectation]


class OrganizationTruth:
    """The organization at one moment. `shown`: which of `State` and `Status` AWS sends."""

    def __init__(self, partition: str, facts: Iterable[Fact], shown: str) -> None:
        self.partition, self.shown = partition, shown
        rows = list(facts)
        self.organization = next(row for row in rows if isinstance(row, Organization))
        self.units = [row for row in rows if isinstance(row, Unit)]
        self.accounts = [row for row in rows if isinstance(row, Account)]
        self.delegations = [row for row in rows if isinstance(row, Delegation)]

    def members(self) -> frozenset[str]:
        """The accounts of the organization."""
        return frozenset(row.id for row in self.accounts)

    def lines(self, plan: PlanName, readable: Collection[str]) -> Iterator[Line]:
        """Organization, root, units and accounts; the aliases of those accounts that can be read."""
        yield self._organization()
        for unit in self.units:
            yield from self._unit(unit)
        for account in self.accounts:
            aliases = {"aliases": list(account.aliases)} if plan == "bulk" and account.id in readable else {}
            yield resource("account", account.id, account.id, account.name, self._account(account) | aliases)
            yield relation("contains", (account.parent, "organizational_unit"), (account.id, "account"))

    def arn(self, what: str) -> str:
        """An ARN of Organizations: all of them are the management account's."""
        return f"arn:{self.partition}:organizations::{self.organization.management}:{what}"

    def _organization(self) -> Line:
        row = self.organization
        attributes = {
            "arn": self.arn(f"organization/{row.id}"),
            "management_account": row.management,
            "feature_set": row.feature_set,
        }
        return resource("organization", row.id, None, row.id, attributes)

    def _unit(self, row: Unit) -> Iterator[Line]:
        word = "root" if row.parent is None else "ou"
        attributes = {
            "arn": self.arn(f"{word}/{self.organization.id}/{row.id}"),
            "is_root": row.parent is None,
        }
        yield resource("organizational_unit", row.id, None, row.name, attributes)
        above = (self.organization.id, "organization") if row.parent is None else (row.parent, "organizational_unit")
        yield relation("contains", above, (row.id, "organizational_unit"))

    def _account(self, row: Account) -> Line:
        return {
            "arn": self.arn(f"account/{self.organization.id}/{row.id}"),
            "email": row.email,
            "state": self._state(row),
            "joined_method": row.joined_method,
            "joined_at": stamp(row.joined_at),
            "is_management": row.id == self.organization.management,
            "delegated_services": sorted(each.service for each in self.delegations if each.account == row.id),
        }

    def _state(self, row: Account) -> str:
        if self.shown in ("both", "state"):
            return row.state
        return STATUS_OF.get(row.state, "unknown") if self.shown == "status" else "unknown"


def arns(partition: str, rows: Mapping[str, Iterable[Row]]) -> dict[str, str]:
    """The ARNs of all users and roles, by unique id; `rows` by account."""
    return {
        row.unique_id: f"arn:{partition}:iam::{account}:{type(row).__name__.lower()}{row.path}{row.name}"
        for account, held in rows.items()
        for row in held
        if isinstance(row, User | Role)
    }


def lines(
    truth: OrganizationTruth,
    plan: PlanName,
    rows: Mapping[str, list[Row]],
    said: Mapping[str, Mapping[str, Expectation]],
    posted: Posted,
    readable: Collection[str],
) -> list[Line]:
    """Every line of the export of an organization, each once; `rows` and `said` by account. Raises `Unexpected`."""
    around = Around(truth.partition, truth.members(), arns(truth.partition, rows))
    found = {repr(line): line for line in truth.lines(plan, readable)}
    for account in readable:
        told = Truth(account, rows[account], said[account], posted, around).lines(plan)
        # The account's own line is the organization's, which knows more of it.
        found |= {repr(line): line for line in told if line["kind"] != "account"}
    return list(found.values())
