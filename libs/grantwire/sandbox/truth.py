"""The truth: what a perfect reader would export, from the generator's facts and the journal of effects.

Nothing here knows how the server keeps or answers anything, and no policy is evaluated: what a trust policy means comes
from the expectation that was planted with it, or that a test posted. Standard library only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from grantwire.sandbox.facts import (
    CLOSE,
    OPEN,
    AccessKey,
    Attached,
    Claim,
    Effect,
    Expectation,
    Group,
    Inline,
    Member,
    Policy,
    Put,
    Role,
    Row,
    User,
)
from grantwire.sandbox.plan import trust_key
from grantwire.sandbox.sources import Around, placed

PlanName = Literal["bulk", "minimum"]
Line = dict[str, Any]
_NEVER = ("iam_user.console_access", "iam_user.mfa_active", "iam_user.password_last_changed")
UNREAD: dict[PlanName, list[str]] = {
    "bulk": sorted((*_NEVER, "iam_policy.tags")),
    "minimum": sorted(
        (
            *_NEVER,
            "iam_user.tags",
            "iam_user.emails",
            "iam_role.tags",
            "iam_role.last_used_at",
            "iam_role.last_used_region",
            "iam_policy",
            "inline_policy",
            "attached",
            "bounded_by",
        )
    ),
}


class Unexpected(Exception):
    """A role has a trust policy whose meaning nobody has said."""

    def __init__(self, role_arn: str) -> None:
        super().__init__(f"no expectation for the trust policy of {role_arn}: POST it to /_sandbox/expect")
        self.role_arn = role_arn


def now(start: Iterable[Row], journal: Iterable[Effect]) -> list[Row]:
    """The rows that are there after the journal."""
    rows = {(type(row), row.key): row for row in start}
    for effect in journal:
        place = type(effect.row), effect.row.key
        if isinstance(effect, Put):
            rows[place] = effect.row
        else:
            rows.pop(place, None)
    return list(rows.values())


def stamp(seconds: int | None) -> str | None:
    """RFC 3339, UTC, without a fraction."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def jsonl(lines: Iterable[Line]) -> str:
    """The lines as sorted text: members in the export's order, attributes by name."""
    ordered = (line | {"attributes": json.loads(json.dumps(line["attributes"], sort_keys=True))} for line in lines)
    return "".join(sorted(json.dumps(line, ensure_ascii=False) + "\n" for line in ordered))


def clean(value: Any) -> Any:
    """Text that cannot be stored (NUL, lone surrogates) as U+FFFD, at any depth."""
    if isinstance(value, str):
        return re.sub("[\x00\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, list):
        return [clean(each) for each in value]
    if isinstance(value, dict):
        return {clean(key): clean(each) for key, each in value.items()}
    return value


class Truth:
    """One account's truth at one moment. `said` are expectations by `trust_key`, `posted` by (role id, `trust_key`)."""

    def __init__(
        self,
        account: str,
        rows: Iterable[Row],
        said: Mapping[str, Expectation],
        posted: Mapping[tuple[str, str], Expectation],
        around: Around | None = None,
    ) -> None:
        self.account, self.rows, self._around = account, list(rows), around or Around()
        self._said, self._posted = said, posted
        self._arns = {row.key: self._arn(row) for row in self.rows if isinstance(row, User | Group | Role | Policy)}
        self._known = self._around.arns or self._arns
        self._kinds = {
            row.key: f"iam_{type(row).__name__.lower()}" for row in self.rows if isinstance(row, User | Group | Role)
        }

    def _arn(self, row: User | Group | Role | Policy) -> str:
        kind = {User: "user", Group: "group", Role: "role", Policy: "policy"}[type(row)]
        return f"arn:{self._around.partition}:iam::{self.account}:{kind}{row.path}{row.name}"

    def lines(self, plan: PlanName = "bulk") -> list[Line]:
        """Every line of the export, each once. Raises `Unexpected`."""
        lines = [resource("account", self.account, self.account, self.account, {})]
        for row in self.rows:
            lines += self._lines_of(row, plan == "bulk")
        return list({json.dumps(line, sort_keys=True): line for line in lines}.values())

    def _lines_of(self, row: Row, bulk: bool) -> Iterator[Line]:
        match row:
            case User():
                yield from self._entity("iam_user", row, _user(row, bulk))
                yield from self._bounded("iam_user", row) if bulk else ()
            case Group():
                yield from self._entity("iam_group", row, {})
            case Role():
                yield from self._role(row, bulk)
            case Policy() if bulk:
                yield from self._entity("iam_policy", row, _policy(row))
            case Inline() if bulk:
                yield from self._inline(row)
            case Attached() if bulk:
                yield from aws_policy(row.policy_arn)
                holder = self._arns[row.holder_id], self._kinds[row.holder_id]
                yield relation("attached", (row.policy_arn, "iam_policy"), holder)
            case Member():
                yield relation(
                    "member_of", (self._arns[row.user_id], "iam_user"), (self._arns[row.group_id], "iam_group")
                )
            case AccessKey() | _:
                return

    def _entity(self, kind: str, row: User | Group | Role | Policy, more: Line) -> Iterator[Line]:
        arn = self._arns[row.key]
        attributes = {"unique_id": row.unique_id, "path": row.path, "created_at": stamp(row.created_at)} | more
        yield resource(kind, arn, self.account, row.name, attributes)
        yield relation("contains", (self.account, "account"), (arn, kind))

    def _bounded(self, kind: str, row: User | Role) -> Iterator[Line]:
        if row.boundary is not None:
            yield from aws_policy(row.boundary)
            yield relation("bounded_by", (self._arns[row.key], kind), (row.boundary, "iam_policy"))

    def _inline(self, row: Inline) -> Iterator[Line]:
        arn, native_id = self._arns[row.holder_id], f"{self._arns[row.holder_id]}#{row.name}"
        yield resource("inline_policy", native_id, self.account, row.name, {"document": _document(row.document)})
        yield relation("attached", (native_id, "inline_policy"), (arn, self._kinds[row.holder_id]))

    def _role(self, row: Role, bulk: bool) -> Iterator[Line]:
        expected = self._expected(row)
        attributes = _role(row, bulk) | {
            "role_class": expected.role_class,
            "trust_policy": _document(re.sub(f"{OPEN}(.*?){CLOSE}", lambda found: self._quoted(found[1]), row.trust)),
        }
        yield from self._entity("iam_role", row, attributes)
        yield from self._bounded("iam_role", row) if bulk else ()
        for claim in expected.claims:
            yield from self._claim(claim, self._arns[row.key])

    def _quoted(self, unique_id: str) -> str:
        return json.dumps(self._known.get(unique_id, unique_id))[1:-1]

    def _expected(self, row: Role) -> Expectation:
        key = trust_key(row.trust)
        found = self._posted.get((row.unique_id, key)) or self._said.get(key)
        if found is None or (found.brittle and any(self._gone(claim) for claim in found.claims)):
            raise Unexpected(self._arns[row.key])
        return found

    def _gone(self, claim: Claim) -> bool:
        return claim.source_kind in ("iam_user", "iam_role") and claim.source not in self._known

    def _claim(self, claim: Claim, role_arn: str) -> Iterator[Line]:
        statements = sorted(claim.statements, key=lambda each: json.dumps(each, sort_keys=True))
        attributes = {"effect": claim.effect, "statements": statements}
        source = placed(claim, self.account, self._around, self._known)
        if source.source_kind == "external_principal":
            yield _external(source)
        yield relation("can_assume", (source.source, source.source_kind), (role_arn, "iam_role"), attributes)


def _external(claim: Claim) -> Line:
    attributes = {
        "principal_class": claim.principal_class,
        "issuer": claim.issuer,
        "in_organization": claim.in_organization,
    }
    return resource("external_principal", claim.source, None, claim.source, attributes)


def aws_policy(arn: str) -> Iterator[Line]:
    """The resource of an AWS managed policy; nothing for a customer's."""
    if ":iam::aws:policy/" in arn:
        path, name = arn.split(":policy", 1)[1].rsplit("/", 1)
        yield resource("iam_policy", arn, None, name, {"managed_by": "aws", "path": path + "/"})


def _user(row: User, bulk: bool) -> Line:
    attributes: Line = {"password_last_used": stamp(row.password_last_used), "is_root": False}
    return attributes | {"tags": clean(dict(row.tags)), "emails": _emails(row)} if bulk else attributes


def _emails(row: User) -> list[str]:
    found = [row.name] if "@" in row.name else []
    for key, value in row.tags:
        if key.lower() == "email" and value.lower() not in [each.lower() for each in found]:
            found.append(value)
    return found


def _role(row: Role, bulk: bool) -> Line:
    attributes: Line = {"description": clean(row.description) or None, "max_session_duration": row.max_session}
    if not bulk:
        return attributes
    used = {"last_used_at": stamp(row.last_used_at), "last_used_region": row.last_used_region}
    return attributes | used | {"tags": clean(dict(row.tags))}


def _policy(row: Policy) -> Line:
    document = next(version.document for version in row.versions if version.version_id == row.default)
    return {
        "managed_by": "customer",
        "description": clean(row.description) or None,
        "default_version": row.default,
        "document": _document(document),
        "updated_at": stamp(row.updated_at),
    }


def _document(text: str) -> Any:
    return clean(json.loads(text))


def resource(kind: str, native_id: str, account: str | None, name: str, attributes: Line) -> Line:
    """A line of the export about a resource."""
    shown = {"type": "resource", "kind": kind, "native_id": native_id, "account": account, "name": name}
    return shown | {"attributes": attributes}


def relation(kind: str, source: tuple[str, str], target: tuple[str, str], attributes: Line | None = None) -> Line:
    """A line of the export about a relation; source and target are (native id, kind)."""
    return {
        "type": "relation",
        "kind": kind,
        "source": source[0],
        "source_kind": source[1],
        "target": target[0],
        "target_kind": target[1],
        "attributes": attributes or {},
    }
