"""The access graph's vocabulary: kinds, resources, relations, and what a scope merely mentions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """Kinds of resource. The numbers in ``KIND_CODES`` are stored: never change or reuse one."""

    ORGANIZATION = "organization"
    ORGANIZATIONAL_UNIT = "organizational_unit"
    ACCOUNT = "account"
    IAM_USER = "iam_user"
    IAM_GROUP = "iam_group"
    IAM_ROLE = "iam_role"
    IAM_POLICY = "iam_policy"
    INLINE_POLICY = "inline_policy"
    ACCESS_KEY = "access_key"
    IDENTITY_USER = "identity_user"
    IDENTITY_GROUP = "identity_group"
    SCIM_USER = "scim_user"
    PERMISSION_SET = "permission_set"
    PROVISIONED_PERMISSION_SET = "provisioned_permission_set"
    EXTERNAL_PRINCIPAL = "external_principal"
    FACET = "facet"  # internal: see ``facet``; shown by nobody


class RelationKind(StrEnum):
    """Kinds of relation. The numbers in ``RELATION_CODES`` are stored: never change or reuse one."""

    CONTAINS = "contains"
    MEMBER_OF = "member_of"
    ATTACHED = "attached"
    BOUNDED_BY = "bounded_by"
    CAN_ASSUME = "can_assume"
    OWNS = "owns"
    ASSIGNED = "assigned"
    PROVISIONED_TO = "provisioned_to"
    INSTANCE_OF = "instance_of"
    REALIZED_AS = "realized_as"
    MIRRORS = "mirrors"


KIND_CODES: Final[Mapping[Kind, int]] = {kind: number for number, kind in enumerate(Kind, start=1)}
RELATION_CODES: Final[Mapping[RelationKind, int]] = {kind: number for number, kind in enumerate(RelationKind, start=1)}

# What no snapshot brings: the projector derives it from what several scopes tell.
DERIVED: Final = frozenset({RelationKind.REALIZED_AS, RelationKind.MIRRORS})

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing in AWS. ``native_id`` is AWS's own id; ``attributes`` is JSON, absent where the plan did not read."""

    kind: Kind
    native_id: str
    account: str | None
    name: str
    attributes: Attributes = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return (self.kind, self.native_id)


@dataclass(frozen=True, slots=True)
class Relation:
    """One fact between two resources; at most one per (kind, source, target)."""

    kind: RelationKind
    source: str
    source_kind: Kind
    target: str
    target_kind: Kind
    attributes: Attributes = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        return (self.kind, self.source_kind, self.source, self.target_kind, self.target)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one scope holds. ``mentions`` are resources that no single scope owns (AWS-managed policies, external
    principals, an account seen from inside): identity only, shown while a relation names them."""

    resources: tuple[Resource, ...] = ()
    relations: tuple[Relation, ...] = ()
    mentions: tuple[Resource, ...] = ()


def facet(source: str, kind: Kind, native_id: str, account: str | None, attributes: Attributes) -> Resource:
    """More attributes of a resource that another scope owns, such as an account's aliases, which only its own IAM
    tells. A reader sees them merged into that resource, if it is there; ``source`` tells several apart."""
    name = f"{KIND_CODES[kind]}:{native_id}"
    return Resource(Kind.FACET, f"{source}/{name}", account, name, attributes)


def facet_of(name: str) -> tuple[Kind, str]:
    """The kind and native id of the resource that a facet of this ``name`` is about."""
    code, _, native_id = name.partition(":")
    return list(Kind)[int(code) - 1], native_id
