"""The policies a user, group or role holds, as rows. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from grantwire.aws.iam.shapes import Entity, Holdings, InlinePolicy
from grantwire.contracts.policies import aws_policy
from grantwire.contracts.resources import Kind, Relation, RelationKind, Resource

_OWNER: Final = 4  # which part of an ARN is the account


@dataclass(frozen=True, slots=True)
class Held:
    """What one holder adds to the snapshot."""

    resources: tuple[Resource, ...]
    mentions: tuple[Resource, ...]
    relations: tuple[Relation, ...]


def held_by(kind: Kind, holder: Entity, holdings: Holdings) -> Held:
    """Inline policies as resources of their own, AWS managed ones as mentions, and what attaches or bounds."""
    named = [policy.arn for policy in holdings.attached] + ([holdings.boundary] if holdings.boundary else [])
    return Held(
        tuple(_inline(holder, policy) for policy in holdings.inline),
        tuple(mention for arn in named if (mention := aws_policy(arn))),
        tuple(_relations(kind, holder, holdings)),
    )


def _inline(holder: Entity, policy: InlinePolicy) -> Resource:
    account = holder.arn.split(":")[_OWNER]
    document = {"document": policy.document}
    return Resource(Kind.INLINE_POLICY, inline_id(holder.arn, policy.name), account, policy.name, document)


def inline_id(holder_arn: str, name: str) -> str:
    """The native id of an inline policy."""
    return f"{holder_arn}#{name}"


def _relations(kind: Kind, holder: Entity, holdings: Holdings) -> Iterator[Relation]:
    for inline in holdings.inline:
        source = inline_id(holder.arn, inline.name)
        yield Relation(RelationKind.ATTACHED, source, Kind.INLINE_POLICY, holder.arn, kind)
    for attached in holdings.attached:
        yield Relation(RelationKind.ATTACHED, attached.arn, Kind.IAM_POLICY, holder.arn, kind)
    if holdings.boundary:
        yield Relation(RelationKind.BOUNDED_BY, holder.arn, kind, holdings.boundary, Kind.IAM_POLICY)
