"""What each plan reads, and what it cannot: the words of a seal's ``covers`` and ``unread``. Data."""

from typing import Final, Literal

from grantwire.collectors.kit.reading import unread
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.contracts.snapshots import Unread

Plan = Literal["bulk", "minimum"]

MEMBERSHIPS: Final = RelationKind.MEMBER_OF.value
COVERS: Final[dict[Plan, tuple[str, ...]]] = {
    "bulk": (
        Kind.IAM_USER.value,
        Kind.IAM_GROUP.value,
        Kind.IAM_ROLE.value,
        Kind.IAM_POLICY.value,
        Kind.INLINE_POLICY.value,
        RelationKind.CONTAINS.value,
        MEMBERSHIPS,
        RelationKind.ATTACHED.value,
        RelationKind.BOUNDED_BY.value,
        RelationKind.CAN_ASSUME.value,
    ),
    "minimum": (
        Kind.IAM_USER.value,
        Kind.IAM_GROUP.value,
        Kind.IAM_ROLE.value,
        RelationKind.CONTAINS.value,  # of the three kinds above: a contained kind that is not covered keeps its own
        MEMBERSHIPS,
        RelationKind.CAN_ASSUME.value,
    ),
}
USER_SWEEP: Final = ("iam_user.password_last_used",)
ROLE_SWEEP: Final = ("iam_role.description", "iam_role.max_session_duration")
ALIASES: Final = ("account.aliases",)
FACETS: Final = Kind.FACET.value  # what an account says of itself: covered where its aliases were read

_REPORT: Final = "It comes from the credential report, which is read apart where sync_secrets is on."
_POLICY_TAGS: Final = "It would take one call for each policy."
_NEVER: Final = ("iam_user.console_access", "iam_user.mfa_active", "iam_user.password_last_changed")
_BULK_ONLY: Final = (
    "iam_user.tags",
    "iam_user.emails",
    "iam_role.tags",
    "iam_role.last_used_at",
    "iam_role.last_used_region",
    Kind.IAM_POLICY.value,
    Kind.INLINE_POLICY.value,
    RelationKind.ATTACHED.value,
    RelationKind.BOUNDED_BY.value,
)


def unread_in_bulk() -> list[Unread]:
    """What the bulk plan never reads."""
    return unread(_NEVER, _REPORT) + unread(("iam_policy.tags",), _POLICY_TAGS)


def unread_in_minimum(why: str, *, organized: bool) -> list[Unread]:
    """What the minimum plan never reads; ``why`` says why it is not the bulk plan."""
    return unread(_NEVER, _REPORT) + unread(_BULK_ONLY + (ALIASES if organized else ()), why)
