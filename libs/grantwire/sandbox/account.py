"""The planner of one account: every fact in it, from a seed. What the facts mean is in `trusts`, `messes` and `truth`.

One random generator per (seed, concern, index): a new mess never moves the others. Standard library only.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from grantwire.sandbox import ids, messes
from grantwire.sandbox.facts import (
    AccessKey,
    Attached,
    Expectation,
    Group,
    Inline,
    Member,
    Policy,
    Role,
    Row,
    User,
    Version,
)
from grantwire.sandbox.plan import AccountPlan, Connector, Key, Plan, Sizes, trust_key
from grantwire.sandbox.trusts import COMMON, Case, Cast, Trust
from grantwire.sandbox.trusts_odd import ODD, connector, linked, reserved

BULK_ACTIONS = (
    "iam:GetAccountAuthorizationDetails",
    "iam:ListUsers",
    "iam:ListRoles",
    "iam:ListGroups",
    "iam:GetGroup",
)
MINIMUM_ACTIONS = ("iam:ListUsers", "iam:ListGroups", "iam:ListRoles", "iam:GetGroup")
CASES = COMMON + ODD
_DAY = 86_400
_AWS = "arn:aws:iam::aws:policy"
_AWS_ATTACHED = (
    f"{_AWS}/ReadOnlyAccess",
    f"{_AWS}/SecurityAudit",
    f"{_AWS}/job-function/ViewOnlyAccess",
    f"{_AWS}/service-role/AWSLambdaBasicExecutionRole",
    f"{_AWS}/service-role/AmazonEC2ContainerServiceRole",
)


@dataclass(frozen=True)
class Fixed:
    """A role that stands at the beginning of an account, with one inline policy that allows `statements`."""

    name: str
    trust: Trust
    description: str
    statements: tuple[dict[str, Any], ...]


def allowing(actions: Any, resource: Any = "*") -> dict[str, Any]:
    """The Allow statement of an identity policy."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


class Planner:
    """Fills `rows` and `expectations` of one account. `cases` are planted once each, then drawn from again."""

    cases: tuple[Case, ...] = CASES

    def __init__(self, seed: int, sizes: Sizes, account: str) -> None:
        self.seed, self.sizes, self.account = seed, sizes, account
        self.operator_account = ids.digits(seed, "operator")
        self.operator_arn = f"arn:aws:iam::{self.operator_account}:user/grantwire-operator"
        self.rows: list[Row] = []
        self.expectations: dict[str, Expectation] = {}
        self.fixed = self.fixed_roles()
        self.users = [self._id("AIDA", "user", index) for index in range(max(1, sizes.users))]
        self.groups = [self._id("AGPA", "group", index) for index in range(sizes.groups)]
        self.roles = [self._id("AROA", "role", index) for index in range(max(len(self.fixed), sizes.roles))]
        self.policies: list[str] = []

    def fixed_roles(self) -> list[Fixed]:
        """The connectors' roles of an account that stands alone."""
        trust = connector(self.operator_arn, self.external_id())
        pairs = (("GrantwireConnector", BULK_ACTIONS), ("GrantwireConnectorMinimum", MINIMUM_ACTIONS))
        return [Fixed(name, trust, "Read by Grantwire", (allowing(actions),)) for name, actions in pairs]

    def _id(self, prefix: str, concern: str, index: int = 0) -> str:
        return ids.unique_id(prefix, self.seed, self.account, concern, index)

    def luck(self) -> str:
        """What the random generators of this account begin with."""
        return str(self.seed)

    def _rng(self, concern: str, index: int = 0) -> random.Random:
        return random.Random(f"{self.luck()}:{concern}:{index}")  # noqa: S311  repeatable on purpose

    def fill(self) -> AccountPlan:
        """The whole account."""
        self._plan_policies()
        for index, unique_id in enumerate(self.groups):
            self._plan_group(index, unique_id)
        self._plan_admin()
        for index, unique_id in enumerate(self.users[1:], 1):
            self._plan_user(index, unique_id)
        self._plan_roles()
        admin = self._key("admin")
        self.rows.append(AccessKey(admin.access_key_id, admin.secret_access_key, self.users[0]))
        return AccountPlan(self.account, tuple(self.rows), self.expectations, admin)

    def plan(self) -> Plan:
        """The plan around this account, with the operator in another one."""
        filled, operator = self.fill(), self._key("operator")
        return Plan(
            self.seed,
            self.account,
            self.operator_account,
            filled.rows,
            self._operator(operator),
            filled.expectations,
            self.connector("GrantwireConnector"),
            self.connector("GrantwireConnectorMinimum"),
            operator,
            filled.admin,
        )

    def _key(self, concern: str) -> Key:
        return Key(self._id("AKIA", concern), ids.secret(self.seed, self.account, concern))

    def _operator(self, key: Key) -> tuple[Row, ...]:
        user = User(self._id("AIDA", "operator"), "grantwire-operator", "/", self._time("operator"))
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}],
        }
        inline = Inline(user.unique_id, "assume-connectors", json.dumps(policy))
        return user, inline, AccessKey(key.access_key_id, key.secret_access_key, user.unique_id)

    def connector(self, name: str) -> Connector:
        """The connector that assumes the role of that name here."""
        return Connector(f"arn:aws:iam::{self.account}:role/{name}", self.external_id())

    def external_id(self) -> str:
        """The external id that the connectors' roles ask for."""
        return "grantwire-" + ids.digest(self.seed, "external id").hex()[:24]

    def _time(self, concern: str, index: int = 0) -> int:
        return self._rng(f"time {concern}", index).randint(1_420_070_400, 1_735_689_600)  # 2015 to 2025

    # Policies --------------------------------------------------------------------------------------------------------

    def _plan_policies(self) -> None:
        for index in range(max(4, self.sizes.users // 8)):
            rng = self._rng("policy", index)
            name = messes.POLICY_NAMES[index] if index < len(messes.POLICY_NAMES) else f"policy-{index:04}"
            path, made = rng.choice(messes.POLICY_PATHS), self._time("policy", index)
            versions = self._versions(rng, made)
            default = rng.choice(versions).version_id
            description = rng.choice(messes.DESCRIPTIONS)
            tags = (("team", rng.choice(messes.TAG_VALUES)),) if rng.random() < 0.3 else ()
            unique_id, updated = self._id("ANPA", "policy", index), versions[-1].created_at
            self.rows.append(Policy(unique_id, name, path, made, updated, default, versions, description, tags))
            self.policies.append(f"arn:aws:iam::{self.account}:policy{path}{name}")

    def _versions(self, rng: random.Random, made: int) -> tuple[Version, ...]:
        # At most five are kept; the numbers of deleted versions are not given again.
        numbers = sorted(rng.sample(range(1, 10), rng.choice((1, 1, 2, 5))))
        return tuple(
            Version(f"v{number}", messes.policy_document(rng, 6_144), made + number * _DAY) for number in numbers
        )

    def _hold(self, holder: str, concern: str, index: int, most: int) -> None:
        """Attachments and inline policies of one holder; `most` is the size of an inline document."""
        rng = self._rng(f"held by {concern}", index)
        wanted = rng.sample((*_AWS_ATTACHED, *self.policies), rng.choice((0, 0, 1, 1, 2, 4)))
        self.rows += [Attached(holder, arn) for arn in wanted]
        for number in range(rng.choice((0, 0, 0, 1, 2))):
            name = rng.choice((f"inline-{number}", f"in.line@{number},x=y+z", "I" * 126 + f"{number:02}"))
            self.rows.append(Inline(holder, f"{name}"[-128:], messes.policy_document(rng, most // 3)))

    # Groups and users ------------------------------------------------------------------------------------------------

    def _plan_group(self, index: int, unique_id: str) -> None:
        rng = self._rng("group", index)
        name = messes.GROUP_NAMES[index] if index < len(messes.GROUP_NAMES) else f"group-{index:04}"
        self.rows.append(Group(unique_id, name, rng.choice(messes.PATHS), self._time("group", index)))
        self._hold(unique_id, "group", index, 5_120)

    def _plan_admin(self) -> None:
        self.rows.append(User(self.users[0], "sandbox-admin", "/", self._time("admin")))
        self.rows.append(Attached(self.users[0], f"{_AWS}/AdministratorAccess"))
        # A NUL and a lone surrogate in a document are exported as U+FFFD; the sandbox's administrator holds it because
        # it is there in the smallest account. It denies what nobody asks for.
        self.rows.append(Inline(self.users[0], "unstorable", messes.unstorable()[0]))

    def _plan_user(self, index: int, unique_id: str) -> None:
        rng, made = self._rng("user", index), self._time("user", index)
        special = index - 1 < len(messes.USER_NAMES)
        name = messes.USER_NAMES[index - 1] if special else rng.choice(_NAMES).format(index)
        used = made + rng.randint(0, 300) * _DAY if rng.random() < 0.5 else None
        row = User(
            unique_id, name, rng.choice(messes.PATHS), made, used, messes.tags(rng, name), self._boundary("user", index)
        )
        self.rows.append(row)
        # The first group stays empty. A twentieth of the users are in up to ten groups, many are in none.
        count = rng.choice((0, 1, 1, 2, 3)) if rng.random() < 0.95 else 10
        chosen = rng.sample(self.groups[1:], min(count, len(self.groups[1:])))
        self.rows += [Member(unique_id, group) for group in chosen]
        self._hold(unique_id, "user", index, 2_048)

    def _boundary(self, concern: str, index: int) -> str | None:
        rng = self._rng(f"boundary of {concern}", index)
        return rng.choice((f"{_AWS}/PowerUserAccess", *self.policies)) if rng.random() < 0.15 else None

    # Roles -----------------------------------------------------------------------------------------------------------

    def _plan_roles(self) -> None:
        for index, fixed in enumerate(self.fixed):
            made, trust = self._time("connector", index), self._expect(fixed.trust)
            self.rows.append(Role(self.roles[index], fixed.name, "/", made, trust, fixed.description))
            policy = {"Version": "2012-10-17", "Statement": list(fixed.statements)}
            self.rows.append(Inline(self.roles[index], "grantwire-read", json.dumps(policy)))
        for index, unique_id in enumerate(self.roles[len(self.fixed) :], len(self.fixed)):
            self._plan_role(index, unique_id)

    def _plan_role(self, index: int, unique_id: str) -> None:
        rng = self._rng("role", index)
        name, path, trust = self._role(index, rng)
        used = self._time("role", index) + rng.randint(0, 400) * _DAY if rng.random() < 0.6 else None
        theirs = path.startswith("/aws-")
        row = Role(
            unique_id,
            name,
            path,
            self._time("role", index),
            trust,
            rng.choice(messes.DESCRIPTIONS),
            3_600 if theirs else rng.choice((3_600, 7_200, 43_200)),
            used,
            rng.choice(("eu-west-1", "us-east-1", "ap-southeast-2")) if used else None,
            () if theirs else messes.tags(rng, name),
            None if theirs else self._boundary("role", index),
        )
        self.rows.append(row)
        self._hold(unique_id, "role", index, 10_240)

    def _role(self, index: int, rng: random.Random) -> tuple[str, str, str]:
        """Name, path and trust: AWS's own roles first, then every planted case once, then any case again."""
        number = index - len(self.fixed)
        if number == 0:
            service = "autoscaling.amazonaws.com"
            return "AWSServiceRoleForAutoScaling", f"/aws-service-role/{service}/", self._expect(linked(service))
        if number in (1, 2):
            name = f"AWSReservedSSO_{('AdministratorAccess', 'Read.Only@All')[number - 1]}_"
            suffix = ids.digest(self.seed, self.account, "permission set", number).hex()[:16]
            trust = self._expect(reserved(self.account, ids.digest(self.seed, "sso").hex()[:16]))
            return name + suffix, "/aws-reserved/sso.amazonaws.com/eu-west-1/", trust
        number -= 3
        first = number < len(self.cases)
        case = self.cases[number] if first else rng.choice(self.cases)
        name = case.__name__ if first else f"{case.__name__}-{number}"
        name = "R" * 64 if case.__name__ == "nobody" and first else name
        return name, rng.choice(messes.PATHS), self._expect(case(self.cast(index, rng)))

    def cast(self, index: int, rng: random.Random) -> Cast:
        """Who may appear in the trust of the role at `index`."""
        users = rng.sample(self.users, 2) if len(self.users) > 1 else self.users * 2
        return Cast(
            self.account,
            ids.digits(self.seed, "partner"),
            ids.digits(self.seed, "vendor"),
            users[0],
            users[1],
            rng.choice(self.roles),
            self.roles[index + 1 if index + 1 < len(self.roles) else 0],
            self.roles[index - 1],
            self._id("AIDA", "deleted", index),
        )

    def _expect(self, trust: Trust) -> str:
        text = json.dumps(trust[0], ensure_ascii=False)
        self.expectations[trust_key(text)] = trust[1]
        return text


_NAMES: tuple[str, ...] = ("user-{:05}", "user.{:05}@example.com", "svc_{:05}", "Juergen-{:05}")
