"""What a plan is: the facts of an account or of an organization, and what a client needs to know of it.

Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from grantwire.sandbox.facts import Expectation, Row
from grantwire.sandbox.identity_center.facts import CenterPlan, DirectorySizes
from grantwire.sandbox.organization.facts import ACTIVE, Account, Fact
from grantwire.sandbox.partitions import PARTITIONS
from grantwire.sandbox.scim.plan import ScimPlan

Expectations: TypeAlias = dict[str, Expectation]  # by `trust_key`


@dataclass(frozen=True)
class Connector:
    """A role that a connector assumes."""

    role_arn: str
    external_id: str
    child_role_name: str | None = None  # the role it assumes in the other accounts of the organization


@dataclass(frozen=True)
class Key:
    """A long-lived credential."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class AccountPlan:
    """One account's facts, what the trust policies in it mean, and how it is entered.

    `refuses`: why no child role can be assumed. `external_id`: what its child roles ask for.
    """

    account: str
    rows: tuple[Row, ...]
    expectations: Expectations
    admin: Key
    refuses: str | None = None
    external_id: str | None = None


@dataclass(frozen=True)
class OrganizationPlan:
    """An organization's facts and its accounts, the management account first.

    `connectors`: `organization` and `delegated` read everything, the `..._minimum` ones what the minimum plan needs.
    """

    id: str
    root: str
    management: str
    delegated: str
    sizes: Sizes
    rows: tuple[Fact, ...]
    members: tuple[AccountPlan, ...]
    connectors: dict[str, Connector]


@dataclass(frozen=True)
class Sizes:
    """How many there are in all, the connector's roles and the administrator included."""

    users: int = 100
    groups: int = 20
    roles: int = 50


@dataclass(frozen=True)
class Extras:
    """What a plan holds beyond accounts and organization.

    `identity_center`: one of `identity_center.facts.KINDS`, in `region` or else the partition's own; its sizes are
    `directory`. `credentials`: access keys, passwords and MFA devices. `without`: actions that no connector may do.
    `scim`: a SCIM endpoint over that directory. `provisioning`: the connectors' roles may change what commands change,
    but for assignments in the management account.
    """

    identity_center: str | None = None
    region: str | None = None
    directory: DirectorySizes = field(default_factory=DirectorySizes)
    credentials: bool = False
    without: tuple[str, ...] = ()
    scim: bool = False
    provisioning: bool = False


@dataclass(frozen=True)
class Plan:
    """An account's facts, the operator account's facts, and what the planted trust policies mean.

    `expectations` is keyed by `trust_key`. The operator is a user of another account who may only assume roles.
    """

    seed: int
    account: str
    operator_account: str
    rows: tuple[Row, ...]
    operator_rows: tuple[Row, ...]
    expectations: Expectations
    bulk: Connector
    minimum: Connector
    credentials: Key
    admin_credentials: Key
    partition: str = "aws"
    organization: OrganizationPlan | None = None
    extras: Extras = field(default_factory=Extras)
    center: CenterPlan | None = None
    scim: ScimPlan | None = None

    @property
    def region(self) -> str:
        """The region that clients are made for."""
        return PARTITIONS[self.partition].region

    @property
    def accounts(self) -> tuple[AccountPlan, ...]:
        """Every account but the operator's; the account of the flags first."""
        if self.organization is not None:
            return self.organization.members
        return (AccountPlan(self.account, self.rows, self.expectations, self.admin_credentials),)


def trust_key(trust: str) -> str:
    """The spelling-independent key of a stored trust policy."""
    return json.dumps(json.loads(trust), sort_keys=True)


def facts_line(planned: Plan, endpoint: str) -> dict[str, Any]:
    """What a client needs to know: the line printed at start."""
    line = {
        "endpoint": endpoint,
        "account": planned.account,
        "partition": planned.partition,
        "region": planned.region,
        "seed": planned.seed,
        "connectors": {"bulk": _connector(planned.bulk), "minimum": _connector(planned.minimum)},
        "credentials": _shown(planned.credentials),
        "admin_credentials": _shown(planned.admin_credentials),
    }
    if planned.center is not None:
        line["identity_center"] = _center(planned.center)
    if planned.scim is not None:
        line["scim"] = {"endpoint": f"{endpoint}{planned.scim.path}/", "token": planned.scim.token}
    return line if planned.organization is None else line | _organization(planned.organization, line["connectors"])


def _center(center: CenterPlan) -> dict[str, Any]:
    shown = [
        {"instance_arn": each.arn, "identity_store_id": each.store, "owner": each.owner, "organized": each.organized}
        for each in center.instances
    ]
    return {"kind": center.kind, "region": center.region, "instances": shown}


def _organization(planned: OrganizationPlan, connectors: Any) -> dict[str, Any]:
    members = planned.members[1:]
    readers = {
        name: _connector(each) | {"unreachable": unreachable(planned, planned.rows, name.partition("_")[0])}
        for name, each in planned.connectors.items()
    }
    return {
        "organization": {
            "id": planned.id,
            "management_account": planned.management,
            "root": planned.root,
            "delegated_administrator": planned.delegated,
            "member_accounts": [each.account for each in members],
            "unreachable": unreachable(planned, planned.rows),
            "child_role_name": planned.connectors["organization"].child_role_name,
            "child_external_id": {each.account: each.external_id for each in members if each.external_id},
        },
        "connectors": connectors | readers,
        "admin_of": {each.account: _shown(each.admin) for each in planned.members},
    }


def unreachable(planned: OrganizationPlan, rows: Iterable[Fact], reader: str = "organization") -> dict[str, str]:
    """Why a reader cannot enter some accounts of the organization as `rows` tell it, by account.

    What is wrong with child roles is as it was planted: a test that repairs or breaks one has to know it itself.
    """
    planted = {each.account: each.refuses for each in planned.members if each.refuses}
    if reader == "delegated":
        planted[planned.management] = "the management account has no child role"
    accounts = [row for row in rows if isinstance(row, Account)]
    closed = {row.id: f"the account is {row.state}" for row in accounts if row.state != ACTIVE}
    return {row.id: why for row in accounts if (why := closed.get(row.id) or planted.get(row.id))}


def _connector(each: Connector) -> dict[str, Any]:
    child = {"child_role_name": each.child_role_name} if each.child_role_name else {}
    return {"role_arn": each.role_arn, "external_id": each.external_id} | child


def _shown(key: Key) -> dict[str, str]:
    return {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}
