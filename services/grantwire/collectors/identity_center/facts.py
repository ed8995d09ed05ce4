"""Identity Center's answers become the graph's rows, by docs/reference/identity-center-facts.md. Pure."""

from collections.abc import Collection, Iterable, Iterator, Set
from typing import Any, Final

from grantwire.aws.identity_center.shapes import (
    Assignment,
    Boundary,
    Email,
    ExternalId,
    Group,
    Membership,
    ProvisioningStatus,
    User,
)
from grantwire.collectors.identity_center.answers import Details, Principal, Provisioned
from grantwire.collectors.kit.times import rfc3339
from grantwire.contracts.policies import aws_policy
from grantwire.contracts.resources import Facts, Kind, Relation, RelationKind, Resource

UNKNOWN: Final = "unknown"  # the status of a user of whom AWS says none: never taken for enabled
INLINE: Final = "inline"  # the name of the one inline policy that a permission set may have
LATEST: Final[ProvisioningStatus] = "LATEST_PERMISSION_SET_PROVISIONED"
NOT_LATEST: Final[ProvisioningStatus] = "LATEST_PERMISSION_SET_NOT_PROVISIONED"
_STATUSES: Final = frozenset({"ENABLED", "DISABLED"})


def facts_from_users(users: Iterable[User]) -> Facts:
    """The users of a directory."""
    return Facts(tuple(_user(each) for each in users))


def facts_from_groups(groups: Iterable[Group]) -> Facts:
    """The groups of a directory."""
    return Facts(tuple(_group(each) for each in groups))


def facts_from_memberships(memberships: Iterable[Membership]) -> Facts:
    """Who is in which group of a directory."""
    rows = {(each.user, each.group): _member_of(each) for each in memberships}
    return Facts((), tuple(rows.values()))


def facts_from_sets(details: Iterable[Details], denied: Collection[str] = ()) -> Facts:
    """Permission sets and what they hold; ``denied`` are the attributes that AWS denied."""
    resources: list[Resource] = []
    relations: list[Relation] = []
    mentions: dict[str, Resource] = {}
    for each in details:
        resources.append(_permission_set(each, denied))
        resources += _inline_of(each)
        relations += _held_by(each)
        for arn in (*each.managed, *_bounding(each.boundary)):
            if found := aws_policy(arn):
                mentions[arn] = found
    return Facts(tuple(resources), tuple(relations), tuple(mentions.values()))


def facts_from_assignments(account: str, found: Provisioned, deleted: Set[Principal]) -> Facts:
    """What is provisioned to an account and who is assigned to it; ``deleted`` are the principals that are no more."""
    pairs = [(arn, pair_id(account, arn)) for arn in found.sets]
    resources = tuple(_pair(account, pair, arn in found.behind) for arn, pair in pairs)
    relations = {row.key: row for row in _of_pairs(account, found, deleted)}
    named = sorted(deleted & found.principals)
    return Facts(resources, tuple(relations.values()), tuple(_deleted(each.id) for each in named))


def pair_id(account: str, permission_set: str) -> str:
    """The native id of a permission set in an account."""
    return f"{account}/{permission_set}"


def _user(user: User) -> Resource:
    attributes = {
        "identity_store": user.identity_store,
        "user_name": user.user_name,
        "display_name": user.display_name,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "emails": [_email(each) for each in user.emails],
        "user_type": user.user_type,
        "title": user.title,
        "external_ids": _external_ids(user.external_ids),
        "status": user.status if user.status in _STATUSES else UNKNOWN,
        "created_at": rfc3339(user.created_at),
        "updated_at": rfc3339(user.updated_at),
    }
    return Resource(Kind.IDENTITY_USER, user.id, None, user.user_name or user.id, attributes)


def _email(email: Email) -> dict[str, Any]:
    return {"value": email.value, "type": email.type, "primary": email.primary}


def _external_ids(ids: Iterable[ExternalId]) -> list[dict[str, str]]:
    return [{"issuer": each.issuer, "id": each.id} for each in ids]


def _group(group: Group) -> Resource:
    attributes = {
        "identity_store": group.identity_store,
        "display_name": group.display_name,
        "description": group.description,
        "external_ids": _external_ids(group.external_ids),
    }
    return Resource(Kind.IDENTITY_GROUP, group.id, None, group.display_name or group.id, attributes)


def _member_of(row: Membership) -> Relation:
    ends = row.user, Kind.IDENTITY_USER, row.group, Kind.IDENTITY_GROUP
    return Relation(RelationKind.MEMBER_OF, *ends, {"membership_id": row.id})


def _permission_set(details: Details, denied: Collection[str]) -> Resource:
    found = details.set
    attributes = {
        "name": found.name,
        "description": found.description,
        "session_duration": found.session_duration,
        "relay_state": found.relay_state,
        "created_at": rfc3339(found.created_at),
    }
    held = {f"permission_set.{name}": value for name, value in _holdings(details).items()}
    known = {name.partition(".")[2]: value for name, value in held.items() if name not in denied}
    return Resource(Kind.PERMISSION_SET, found.arn, None, found.name, {**attributes, **known})


def _holdings(details: Details) -> dict[str, Any]:
    customer = sorted(details.customer, key=lambda each: (each.path, each.name))
    return {
        "managed_policies": sorted(details.managed),
        "customer_policies": [{"name": each.name, "path": each.path} for each in customer],
        "inline_policy": details.inline.document if details.inline else None,
        "boundary": _boundary(details.boundary),
        "tags": dict(details.tags),
    }


def _boundary(boundary: Boundary | None) -> dict[str, Any] | None:
    if boundary is None:
        return None
    if boundary.reference is not None:
        named = {"name": boundary.reference.name, "path": boundary.reference.path}
        return {"customer_managed_policy_reference": named}
    return {"managed_policy_arn": boundary.arn}


def _inline_of(details: Details) -> Iterator[Resource]:
    if details.inline is not None:
        document = {"document": details.inline.document}
        yield Resource(Kind.INLINE_POLICY, _inline_id(details), None, INLINE, document)


def _inline_id(details: Details) -> str:
    return f"{details.set.arn}#{INLINE}"


def _held_by(details: Details) -> Iterator[Relation]:
    """A customer managed policy is another one in each account, so a set itself holds none: its roles do."""
    holder = details.set.arn, Kind.PERMISSION_SET
    for arn in details.managed:
        yield Relation(RelationKind.ATTACHED, arn, Kind.IAM_POLICY, *holder)
    if details.inline is not None:
        yield Relation(RelationKind.ATTACHED, _inline_id(details), Kind.INLINE_POLICY, *holder)
    for arn in _bounding(details.boundary):
        yield Relation(RelationKind.BOUNDED_BY, *holder, arn, Kind.IAM_POLICY)


def _bounding(boundary: Boundary | None) -> tuple[str, ...]:
    return (boundary.arn,) if boundary is not None and boundary.arn is not None else ()


def _pair(account: str, pair: str, behind: bool) -> Resource:
    attributes = {"provisioning_status": NOT_LATEST if behind else LATEST}
    return Resource(Kind.PROVISIONED_PERMISSION_SET, pair, account, pair, attributes)


def _of_pairs(account: str, found: Provisioned, deleted: Set[Principal]) -> Iterator[Relation]:
    for arn in found.sets:
        pair = pair_id(account, arn), Kind.PROVISIONED_PERMISSION_SET
        yield Relation(RelationKind.PROVISIONED_TO, *pair, account, Kind.ACCOUNT)
        yield Relation(RelationKind.INSTANCE_OF, *pair, arn, Kind.PERMISSION_SET)
        for row in found.assigned.get(arn, ()):
            yield Relation(RelationKind.ASSIGNED, row.principal, _kind(row, deleted), *pair)


def _kind(row: Assignment, deleted: Set[Principal]) -> Kind:
    if Principal(row.principal_type, row.principal) in deleted:
        return Kind.EXTERNAL_PRINCIPAL
    return Kind.IDENTITY_USER if row.principal_type == "USER" else Kind.IDENTITY_GROUP


def _deleted(id: str) -> Resource:
    attributes = {"principal_class": "deleted", "issuer": None}
    return Resource(Kind.EXTERNAL_PRINCIPAL, id, None, id, attributes)
