"""The truth of Identity Center: its directory, permission sets, and who is assigned where.

Standard library only; nothing here knows how the server keeps or answers anything.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from grantwire.sandbox.identity_center.facts import (
    GROUP,
    Assignment,
    CenterRow,
    Instance,
    PermissionSet,
    Person,
    Placement,
    Provisioned,
    Reference,
    Team,
)
from grantwire.sandbox.truth import Line, aws_policy, clean, relation, resource, stamp

Kind = TypeVar("Kind")
INLINE = "inline"
_STATUS = {True: "LATEST_PERMISSION_SET_PROVISIONED", False: "LATEST_PERMISSION_SET_NOT_PROVISIONED"}
_PERSON, _TEAM, _PAIR = "identity_user", "identity_group", "provisioned_permission_set"


class CenterTruth:
    """One instance at one moment: the organization's, or else the only one.

    `members`: the accounts of the organization. `arns`: of the roles that can be read, by unique id.
    """

    def __init__(
        self, rows: Iterable[CenterRow], members: Collection[str], arns: Mapping[str, str], shows_status: bool = True
    ) -> None:
        self.rows, self.members, self.arns, self.shows_status = list(rows), members, arns, shows_status
        found = sorted(self._of(Instance), key=lambda each: not each.organized)
        self.instance = found[0] if found else None
        self._here = {row.id for row in self.rows if isinstance(row, Person | Team)}

    def _of(self, kind: type[Kind]) -> list[Kind]:
        return [row for row in self.rows if isinstance(row, kind)]

    def lines(self) -> Iterator[Line]:
        """Every line of the export that Identity Center gives; none without an instance."""
        if self.instance is None:
            return
        for row in self.rows:
            if isinstance(row, Person | Team | Placement):
                yield from self._directory(row) if row.store == self.instance.store else ()
            elif isinstance(row, PermissionSet):
                yield from _permission_set(row)
            elif isinstance(row, Provisioned | Assignment) and row.account in self.members:
                yield from self._pair(row) if isinstance(row, Provisioned) else self._assigned(row)

    def _directory(self, row: Person | Team | Placement) -> Iterator[Line]:
        match row:
            case Person():
                status = row.status if self.shows_status else "unknown"
                yield resource(_PERSON, row.id, None, row.user_name, _person(row) | {"status": status})
            case Team():
                yield resource(_TEAM, row.id, None, row.display_name, _team(row))
            case Placement():
                attributes = {"membership_id": row.id}
                yield relation("member_of", (row.person, _PERSON), (row.team, _TEAM), attributes)

    def _pair(self, row: Provisioned) -> Iterator[Line]:
        native_id = f"{row.account}/{row.permission_set}"
        pair = native_id, _PAIR
        yield resource(_PAIR, native_id, row.account, native_id, {"provisioning_status": _STATUS[row.latest]})
        yield relation("provisioned_to", pair, (row.account, "account"))
        yield relation("instance_of", pair, (row.permission_set, "permission_set"))
        if row.role_id in self.arns:
            yield relation("realized_as", pair, (self.arns[row.role_id], "iam_role"))

    def _assigned(self, row: Assignment) -> Iterator[Line]:
        kind = _TEAM if row.principal_type == GROUP else _PERSON
        if row.principal not in self._here:
            kind = "external_principal"
            deleted = {"principal_class": "deleted", "issuer": None, "in_organization": None}
            yield resource(kind, row.principal, None, row.principal, deleted)
        yield relation("assigned", (row.principal, kind), (f"{row.account}/{row.permission_set}", _PAIR))


def _person(row: Person) -> Line:
    return {
        "identity_store": row.store,
        "user_name": row.user_name,
        "display_name": row.display_name,
        "given_name": row.given_name,
        "family_name": row.family_name,
        "emails": [{"value": each.value, "type": each.type, "primary": each.primary} for each in row.emails],
        "user_type": row.user_type,
        "title": row.title,
        "external_ids": _external(row.external_ids),
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }


def _team(row: Team) -> Line:
    return {
        "identity_store": row.store,
        "display_name": row.display_name,
        "description": row.description,
        "external_ids": _external(row.external_ids),
    }


def _external(pairs: tuple[tuple[str, str], ...]) -> list[Line]:
    return [{"issuer": issuer, "id": number} for issuer, number in pairs]


def _permission_set(row: PermissionSet) -> Iterator[Line]:
    holder = row.arn, "permission_set"
    yield resource("permission_set", row.arn, None, row.name, _attributes(row))
    for arn in row.managed:
        yield from aws_policy(arn)
        yield relation("attached", (arn, "iam_policy"), holder)
    if row.inline is not None:
        native_id = f"{row.arn}#{INLINE}"
        yield resource("inline_policy", native_id, None, INLINE, {"document": clean(json.loads(row.inline))})
        yield relation("attached", (native_id, "inline_policy"), holder)
    if isinstance(row.boundary, str):
        yield from aws_policy(row.boundary)
        yield relation("bounded_by", holder, (row.boundary, "iam_policy"))


def _attributes(row: PermissionSet) -> Line:
    return {
        "name": row.name,
        "description": row.description,
        "session_duration": row.session,
        "relay_state": row.relay_state,
        "created_at": stamp(row.created_at),
        "tags": clean(dict(row.tags)),
        "managed_policies": sorted(row.managed),
        "customer_policies": [_reference(each) for each in sorted(row.customer, key=lambda r: (r.path, r.name))],
        "inline_policy": None if row.inline is None else clean(json.loads(row.inline)),
        "boundary": _boundary(row.boundary),
    }


def _reference(each: Reference) -> Line:
    return {"name": each.name, "path": each.path}


def _boundary(boundary: str | Reference | None) -> Line | None:
    if boundary is None:
        return None
    if isinstance(boundary, str):
        return {"managed_policy_arn": boundary}
    return {"customer_managed_policy_reference": _reference(boundary)}
