"""What another team asks of the provisioner: give or take one relation of the access graph.

Principals and targets are named as the graph names them: by kind and native id. Which relation is meant follows from
the two kinds (``RELATION_OF``).
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from grantwire.contracts.ids import ACCOUNT_ID, CONNECTOR_ID
from grantwire.contracts.messages import Message
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.contracts.text import canonical

Verb = Literal["grant", "revoke"]
GRANT_VALID_FOR: Final = timedelta(hours=1)  # after publishing; a revoke stays valid for ever

# Which relation a command is about, by the kinds of its principal and its target.
RELATION_OF: Final[Mapping[tuple[Kind, Kind], RelationKind]] = {
    (Kind.IDENTITY_USER, Kind.PROVISIONED_PERMISSION_SET): RelationKind.ASSIGNED,
    (Kind.IDENTITY_GROUP, Kind.PROVISIONED_PERMISSION_SET): RelationKind.ASSIGNED,
    (Kind.IDENTITY_USER, Kind.IDENTITY_GROUP): RelationKind.MEMBER_OF,
    (Kind.IAM_USER, Kind.IAM_GROUP): RelationKind.MEMBER_OF,
    (Kind.IAM_USER, Kind.IAM_POLICY): RelationKind.ATTACHED,
    (Kind.IAM_GROUP, Kind.IAM_POLICY): RelationKind.ATTACHED,
    (Kind.IAM_ROLE, Kind.IAM_POLICY): RelationKind.ATTACHED,
    (Kind.IAM_USER, Kind.INLINE_POLICY): RelationKind.ATTACHED,
    (Kind.IAM_GROUP, Kind.INLINE_POLICY): RelationKind.ATTACHED,
    (Kind.IAM_ROLE, Kind.INLINE_POLICY): RelationKind.ATTACHED,
}


class Ref(BaseModel):
    """A resource, as the graph names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    native_id: str = Field(min_length=1, max_length=2_048)

    def __str__(self) -> str:
        return f"{self.kind} {self.native_id}"


class AccessCommand(Message):
    """What both verbs have in common.

    ``id`` is the sender's, random, and names this command for ever: sent again it must have the same body. ``account``
    is where AWS is changed: the account of an IAM principal, the one that a permission set is provisioned in, and for
    groups of the directory the connector's own. ``unique_id``: the principal's, where the sender knows it, so that
    another of the same name is refused. ``valid_until``: not begun later than that. ``dry_run``: the plan, and no more.
    """

    id: UUID
    connector: str = Field(pattern=f"^{CONNECTOR_ID.pattern}$")
    account: str = Field(pattern=f"^{ACCOUNT_ID.pattern}$")
    principal: Ref
    target: Ref
    requester: str = Field(min_length=1, max_length=256)
    reason: str = Field(min_length=1, max_length=1_024)
    unique_id: str | None = Field(default=None, max_length=128)
    valid_until: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    dry_run: bool = False

    @classmethod
    def verb(cls) -> str:
        """The last token of the subject."""
        return cls.words()[0]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        pair = self.principal.kind, self.target.kind
        if pair not in RELATION_OF:
            raise ValueError(f"a {pair[0]} cannot be given a {pair[1]}")
        return self

    @property
    def relation(self) -> RelationKind:
        return RELATION_OF[self.principal.kind, self.target.kind]

    def content(self) -> dict[str, Any]:
        """What two deliveries of one command must agree on."""
        return self.model_dump(mode="json")

    def fingerprint(self) -> str:
        """The same for two deliveries of one command and for no other: who reused an id is told apart by it."""
        return hashlib.sha256(canonical([self.verb(), self.content()]).encode()).hexdigest()[:32]

    def deadline(self, published_at: datetime) -> datetime | None:
        """When it is too late to begin, by when the bus stored it."""
        return self.valid_until


class GrantAccess(AccessCommand):
    """Give the principal the target. ``expires_at``: take it away again then."""

    @model_validator(mode="after")
    def _can_be_given(self) -> Self:
        if self.target.kind is Kind.INLINE_POLICY:
            raise ValueError("an inline policy can only be revoked: its document is not part of a command")
        return self

    def deadline(self, published_at: datetime) -> datetime | None:
        return self.valid_until or published_at + GRANT_VALID_FOR


class RevokeAccess(AccessCommand):
    """Take the target from the principal."""

    @model_validator(mode="after")
    def _ends_at_once(self) -> Self:
        if self.expires_at is not None:
            raise ValueError("a revoke has no expires_at")
        return self


COMMANDS: Final[tuple[type[AccessCommand], ...]] = (GrantAccess, RevokeAccess)
BY_VERB: Final[Mapping[str, type[AccessCommand]]] = {each.verb(): each for each in COMMANDS}
