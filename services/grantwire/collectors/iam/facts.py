"""IAM's answers become the graph's rows, by docs/reference/iam-facts.md. Pure: the same answers give the same rows."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

from grantwire.aws.iam.shapes import Entity, ListedRole, ListedUser, PolicyDetail, RoleDetail, UserDetail
from grantwire.collectors.iam.answers import BulkAnswers, MinimumAnswers
from grantwire.collectors.iam.holdings import Held, held_by
from grantwire.collectors.iam.principals import account_mention
from grantwire.collectors.iam.trust import knocks, role_class
from grantwire.collectors.kit.times import rfc3339
from grantwire.contracts.resources import Facts, Kind, Relation, RelationKind, Resource, facet
from grantwire.contracts.text import storable


def facts_from_bulk(account: str, answers: BulkAnswers, inside: Set[str] = frozenset()) -> Facts:
    """The rows of the bulk plan; ``inside`` are the accounts of the organization. Group names that no group in the
    answers has are left to the caller to refuse."""
    details = answers.details
    swept_users = {user.unique_id: user for user in answers.users or ()}
    swept_roles = {role.unique_id: role for role in answers.roles or ()}
    rows = _Rows(account, inside)
    for user in details.users:
        rows.entity(Kind.IAM_USER, user, _user(user) | _swept_user(swept_users.get(user.unique_id)))
        rows.held(held_by(Kind.IAM_USER, user, user.holdings))
    for group in details.groups:
        rows.entity(Kind.IAM_GROUP, group, {})
        rows.held(held_by(Kind.IAM_GROUP, group, group.holdings))
    for role in details.roles:
        rows.role(role, role.trust, _role(role) | _swept_role(swept_roles.get(role.unique_id)))
        rows.held(held_by(Kind.IAM_ROLE, role, role.holdings))
    for policy in details.policies:
        rows.entity(Kind.IAM_POLICY, policy, _policy(policy))
    groups = {group.name: group.arn for group in details.groups}
    for user in details.users:
        rows.memberships(user.arn, (groups[name] for name in user.groups if name in groups))
    rows.aliases(answers.aliases)
    return rows.facts()


def facts_from_minimum(account: str, answers: MinimumAnswers, inside: Set[str] = frozenset()) -> Facts:
    """The rows of the minimum plan; ``inside`` are the accounts of the organization."""
    rows = _Rows(account, inside)
    for user in answers.users:
        rows.entity(Kind.IAM_USER, user, {"is_root": False} | _swept_user(user))
    for group in answers.groups:
        rows.entity(Kind.IAM_GROUP, group, {})
    for role in answers.roles:
        rows.role(role, role.trust, _swept_role(role))
    for group_arn, members in answers.members.items():
        for member in members.users:
            rows.memberships(member.arn, (group_arn,))
    return rows.facts()


def emails(name: str, tags: Mapping[str, str]) -> list[str]:
    """The user name if it is an address, then what its ``email`` tags say, without case-insensitive repeats."""
    found = {name.lower(): name} if "@" in name else {}
    for key, value in tags.items():
        if key.lower() == "email":
            found.setdefault(value.lower(), value)
    return list(found.values())


def _user(user: UserDetail) -> dict[str, Any]:
    return {"is_root": False, "tags": dict(user.tags), "emails": emails(user.name, user.tags)}


def _swept_user(user: ListedUser | None) -> dict[str, Any]:
    return {"password_last_used": rfc3339(user.password_last_used)} if user else {}


def _role(role: RoleDetail) -> dict[str, Any]:
    return {
        "tags": dict(role.tags),
        "last_used_at": rfc3339(role.last_used_at),
        "last_used_region": role.last_used_region,
    }


def _swept_role(role: ListedRole | None) -> dict[str, Any]:
    return {"description": role.description, "max_session_duration": role.max_session_duration} if role else {}


def _policy(policy: PolicyDetail) -> dict[str, Any]:
    return {
        "managed_by": "customer",
        "description": policy.description,
        "default_version": policy.default_version,
        "document": policy.document,
        "updated_at": rfc3339(policy.updated_at),
    }


class _Rows:
    """Collects the rows of one account; what is said twice is kept once."""

    def __init__(self, account: str, inside: Set[str]) -> None:
        self._account = account
        self._inside = inside | {account}
        self._resources: dict[tuple[str, str], Resource] = {}
        self._relations: dict[tuple[str, ...], Relation] = {}
        self._mentions: dict[tuple[str, str], Resource] = {}
        self._mention(account_mention(account))

    def facts(self) -> Facts:
        mentions = (row for key, row in self._mentions.items() if key not in self._resources)
        return Facts(tuple(self._resources.values()), tuple(self._relations.values()), tuple(mentions))

    def entity(self, kind: Kind, entity: Entity, attributes: Mapping[str, Any]) -> None:
        """A user, group, role or customer policy, and that the account contains it."""
        basics = {"unique_id": entity.unique_id, "path": entity.path, "created_at": rfc3339(entity.created_at)}
        self._resource(Resource(kind, entity.arn, self._account, entity.name, {**basics, **attributes}))
        self._relation(Relation(RelationKind.CONTAINS, self._account, Kind.ACCOUNT, entity.arn, kind))

    def role(self, role: Entity, trust: Any, attributes: Mapping[str, Any]) -> None:
        """A role, its class, and who may knock at it."""
        document = storable(trust)
        class_ = role_class(role.path, document, self._account)
        self.entity(Kind.IAM_ROLE, role, {**attributes, "trust_policy": document, "role_class": class_})
        for knock in knocks(document, self._inside):
            self._mention(knock.principal.mention())
            shown = {"effect": knock.effect, "statements": knock.statements}
            source = knock.principal
            self._relation(
                Relation(RelationKind.CAN_ASSUME, source.native_id, source.kind, role.arn, Kind.IAM_ROLE, shown)
            )

    def held(self, held: Held) -> None:
        """The policies of one holder."""
        for resource in held.resources:
            self._resource(resource)
        for mention in held.mentions:
            self._mention(mention)
        for relation in held.relations:
            self._relation(relation)

    def aliases(self, names: Iterable[str] | None) -> None:
        """What the account itself says of the account, whose other attributes are its organization's to tell."""
        if names is not None:
            known = {"aliases": list(names)}
            self._resource(facet("iam", Kind.ACCOUNT, self._account, self._account, known))

    def memberships(self, user_arn: str, group_arns: Iterable[str]) -> None:
        for group_arn in group_arns:
            self._relation(Relation(RelationKind.MEMBER_OF, user_arn, Kind.IAM_USER, group_arn, Kind.IAM_GROUP))

    def _resource(self, row: Resource) -> None:
        self._resources[row.key] = row

    def _mention(self, row: Resource | None) -> None:
        if row is not None:
            self._mentions[row.key] = row

    def _relation(self, row: Relation) -> None:
        self._relations[row.key] = row
