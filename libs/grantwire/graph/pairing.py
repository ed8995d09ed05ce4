"""Which of the things that two names may mean a command can join. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from grantwire.contracts.commands import RELATION_OF, Ref
from grantwire.contracts.failures import Ambiguous, Invalid
from grantwire.contracts.resources import Kind
from grantwire.graph.labels import pair_of
from grantwire.graph.nodes import Node

PRINCIPALS: Final = tuple(dict.fromkeys(principal for principal, _ in RELATION_OF))
TARGETS: Final = (*dict.fromkeys(target for _, target in RELATION_OF), Kind.PERMISSION_SET)


@dataclass(frozen=True, slots=True)
class Joined:
    """A principal, and a target that it can be given; ``account`` is where AWS is changed, None in the directory."""

    principal: Node
    target: Ref
    account: str | None


def joined(principals: Sequence[Node], targets: Sequence[Node], account: str | None, said: tuple[str, str]) -> Joined:
    """The one way in which they go together, in ``account`` where one is named. ``said`` is what was typed.

    Raises ``Ambiguous`` with the native ids of those that all would do, ``Invalid`` where nothing goes together.
    """
    ways = list(_ways(principals, targets, account))
    inside = [each for each in ways if account is not None and each.account == account]
    found = inside or ways  # the directory is in no account: it is meant only where nothing in the named one is
    if not found:
        raise _unjoined(principals, targets, account, said)
    if len(found) > 1:
        raise _ambiguous(found, said)
    return found[0]


def _ways(principals: Iterable[Node], targets: Iterable[Node], account: str | None) -> Iterable[Joined]:
    for principal, target in product(principals, targets):
        ref = _target(target, account)
        if ref is None or (principal.kind, ref.kind) not in RELATION_OF:
            continue
        place = _place(principal, ref)
        if _together(principal, target, place) and (account is None or place is None or place == account):
            yield Joined(principal, ref, place)


def _target(node: Node, account: str | None) -> Ref | None:
    """A permission set is given in an account; without one it is no target."""
    if node.kind is not Kind.PERMISSION_SET:
        return Ref(kind=node.kind, native_id=node.native_id)
    if account is None:
        return None
    return Ref(kind=Kind.PROVISIONED_PERMISSION_SET, native_id=f"{account}/{node.native_id}")


def _place(principal: Node, target: Ref) -> str | None:
    if target.kind is Kind.PROVISIONED_PERMISSION_SET:
        return pair_of(target.native_id)[0]
    return principal.account


def _together(principal: Node, target: Node, place: str | None) -> bool:
    """IAM joins what is in one account; a policy of AWS is in each."""
    if target.kind is Kind.INLINE_POLICY:
        return target.native_id.rpartition("#")[0] == principal.native_id
    return target.kind is Kind.PERMISSION_SET or place is None or target.account in (None, place)


def _unjoined(
    principals: Sequence[Node], targets: Sequence[Node], account: str | None, said: tuple[str, str]
) -> Invalid:
    if account is None and any(node.kind is Kind.PERMISSION_SET for node in targets):
        return Invalid(
            f"{said[1]!r} is a permission set, which is given in an account; next: name the account (--account).",
            "account",
        )
    who, what = (" or ".join(dict.fromkeys(node.kind for node in nodes)) for nodes in (principals, targets))
    where = f" in account {account}" if account else ""
    text = (
        f"{said[0]!r} ({who}) cannot be given {said[1]!r} ({what}){where}: a user, group or role is given groups and "
    )
    return Invalid(text + "policies of its own account, a person permission sets in accounts and groups.", "target")


def _ambiguous(found: Sequence[Joined], said: tuple[str, str]) -> Ambiguous:
    ends = {each.principal.native_id for each in found}, {each.target.native_id for each in found}
    which = 0 if len(ends[0]) > 1 else 1
    candidates = sorted(ends[which])
    return Ambiguous(
        f"{said[which]!r} may mean {len(candidates)} things here. Use the full id, or name the account (--account).",
        candidates,
    )
