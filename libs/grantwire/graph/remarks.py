"""What is said beside a path and beside an answer. Pure."""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Final

from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph.chains import CUT, OWN_POLICIES
from grantwire.graph.nodes import Node

DOOR: Final = "Identity Center signs its users in through this provider; who they are is said by its assignments"
ENTERS: Final = (
    "These enter through Identity Center. IAM users of the account, and who may assume its roles, are other questions: "
    "`grantwire who-can ROLE`."
)
GIVES_NOTHING: Final = (
    "A permission set reaches nothing by itself: `grantwire who-can {}` says who holds it, and where."
)
NOT_READ: Final = "No connector reads Identity Center here: set identity_center on one that reads an organization."
_FEW: Final = 3  # permission sets that are named


def of_path(stops: Sequence[Node], relations: Sequence[RelationKind], *, trusts: Collection[int]) -> str | None:
    """``stops`` begin with the subject, ``relations`` lead from one to the next; ``trusts`` are the positions of those
    that use the trust of an account, or of anyone."""
    found = [remark for node in stops if (remark := _of_person(node))]
    if _needs_own_policies(stops, relations, trusts):
        found.append(OWN_POLICIES)
    if any(_is_door(one, other) for one, other in pairwise(stops)):
        found.append(DOOR)
    return "; ".join(found) or None


def of_answer(subject: Node, question: str, *, cut: bool, unheld: Sequence[Node], read: bool) -> str | None:
    """``unheld`` are provisioned permission sets that nobody is assigned to, ``read`` is whether Identity Center is."""
    found = [CUT] if cut else []
    if question == "can" and subject.kind is Kind.PERMISSION_SET:
        found.append(GIVES_NOTHING.format(subject.display))
    if question == "who_can" and subject.kind is Kind.ACCOUNT:
        found.append(ENTERS)
    if question == "who_can" and subject.kind in (Kind.ACCOUNT, Kind.PERMISSION_SET) and not read:
        found.append(NOT_READ)
    if unheld:
        found.append(_unheld([node.display for node in unheld]))
    return " ".join(found) or None


def _unheld(names: Sequence[str]) -> str:
    named = ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")
    return f"Provisioned, but nobody is assigned: {named}."


def _of_person(node: Node) -> str | None:
    """A disabled user cannot sign in, and holds what was assigned all the same."""
    if node.kind not in (Kind.IDENTITY_USER, Kind.IDENTITY_GROUP):
        return None
    if not node.owned:
        return f"{node.display} is not in the directory as last read"
    status = node.attributes.get("status")
    if node.kind is Kind.IDENTITY_GROUP or status == "ENABLED":
        return None
    if status == "DISABLED":
        return f"{node.display} is DISABLED in the directory"
    return f"whether {node.display} is enabled is unknown"


def _needs_own_policies(stops: Sequence[Node], relations: Iterable[RelationKind], trusts: Collection[int]) -> bool:
    """A trust of an account, or of another account's principal, only opens the door from one side."""
    return any(
        relation is RelationKind.CAN_ASSUME and (number in trusts or _crosses(stops[number], stops[number + 1]))
        for number, relation in enumerate(relations)
    )


def _crosses(one: Node, other: Node) -> bool:
    return one.account is not None and other.account is not None and one.account != other.account


def _is_door(role: Node, provider: Node) -> bool:
    return (
        role.attributes.get("role_class") == "sso_reserved"
        and provider.kind is Kind.EXTERNAL_PRINCIPAL
        and provider.attributes.get("principal_class") == "saml"
    )
