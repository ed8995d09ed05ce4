"""What a plan is: the facts of an account and what a client needs to know of it. Standard library only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from grantwire.sandbox.facts import Expectation, Row

REGION = "us-east-1"


@dataclass(frozen=True)
class Connector:
    """A role that a connector assumes."""

    role_arn: str
    external_id: str


@dataclass(frozen=True)
class Key:
    """A long-lived credential."""

    access_key_id: str
    secret_access_key: str


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
    expectations: dict[str, Expectation]
    bulk: Connector
    minimum: Connector
    credentials: Key
    admin_credentials: Key


@dataclass(frozen=True)
class Sizes:
    """How many there are in all, the connector's roles and the administrator included."""

    users: int = 100
    groups: int = 20
    roles: int = 50


def trust_key(trust: str) -> str:
    """The spelling-independent key of a stored trust policy."""
    return json.dumps(json.loads(trust), sort_keys=True)


def facts_line(planned: Plan, endpoint: str) -> dict[str, Any]:
    """What a client needs to know: the line printed at start."""
    return {
        "endpoint": endpoint,
        "account": planned.account,
        "region": REGION,
        "seed": planned.seed,
        "connectors": {
            name: {"role_arn": each.role_arn, "external_id": each.external_id}
            for name, each in (("bulk", planned.bulk), ("minimum", planned.minimum))
        },
        "credentials": _shown(planned.credentials),
        "admin_credentials": _shown(planned.admin_credentials),
    }


def _shown(key: Key) -> dict[str, str]:
    return {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}
