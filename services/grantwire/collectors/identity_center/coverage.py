"""What each scope of Identity Center tells, and what a denied permission leaves unread. Data."""

from collections.abc import Collection, Mapping
from typing import Final

from grantwire.contracts.resources import Kind, RelationKind

USERS: Final = (Kind.IDENTITY_USER.value,)
GROUPS: Final = (Kind.IDENTITY_GROUP.value,)
MEMBERSHIPS: Final = (RelationKind.MEMBER_OF.value,)
ASSIGNMENTS: Final = (
    Kind.PROVISIONED_PERMISSION_SET.value,
    RelationKind.PROVISIONED_TO.value,
    RelationKind.INSTANCE_OF.value,
    RelationKind.ASSIGNED.value,
)
_SETS: Final = (
    Kind.PERMISSION_SET.value,
    Kind.INLINE_POLICY.value,
    RelationKind.ATTACHED.value,
    RelationKind.BOUNDED_BY.value,
)

MANAGED: Final = "permission_set.managed_policies"
CUSTOMER: Final = "permission_set.customer_policies"
INLINE: Final = "permission_set.inline_policy"
BOUNDARY: Final = "permission_set.boundary"
TAGS: Final = "permission_set.tags"
# What goes unread with an attribute: kinds of which only its call tells.
WITH: Final[Mapping[str, tuple[str, ...]]] = {
    MANAGED: (RelationKind.ATTACHED.value,),
    CUSTOMER: (),
    INLINE: (Kind.INLINE_POLICY.value, RelationKind.ATTACHED.value),
    BOUNDARY: (RelationKind.BOUNDED_BY.value,),
    TAGS: (),
}


def of_sets(denied: Collection[str]) -> list[str]:
    """The kinds of which a reading of the permission sets holds all there is, where AWS denied these attributes."""
    partial = {kind for name in denied for kind in WITH[name]}
    return [kind for kind in _SETS if kind not in partial]


def unread_of_sets(denied: Mapping[str, str]) -> dict[str, str]:
    """Everything that a denial leaves unread, with AWS's reason."""
    found: dict[str, str] = {}
    for name, why in denied.items():
        found.update(dict.fromkeys((name, *WITH[name]), why))
    return found
