"""Which scopes an answer rests on. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from grantwire.contracts.ids import (
    AccountId,
    ScopeKey,
    assignments_scope,
    directory_users_scope,
    iam_scope,
    permission_sets_scope,
)
from grantwire.contracts.resources import Kind
from grantwire.graph.labels import pair_of
from grantwire.graph.nodes import Node

_ASSIGNABLE: Final = (Kind.IDENTITY_USER, Kind.IDENTITY_GROUP)


@dataclass(slots=True)
class Grounds:
    """``keys`` are scopes; ``center`` are scopes of the Identity Center whose directory and permission sets count too,
    and ``everywhere`` is whether its assignments in every account do."""

    keys: set[ScopeKey] = field(default_factory=set)
    center: set[ScopeKey] = field(default_factory=set)
    everywhere: bool = False


def grounds(question: str, subject: Node, met: Iterable[Node]) -> Grounds:
    """``met`` is all that the answer's paths pass, the subject included.

    Somebody who is not assigned anywhere in what was read may be in what was not: what a person reaches rests on the
    assignments of every account, who enters one account on that account's alone.
    """
    found = Grounds(everywhere=_everywhere(question, subject))
    for node in met:
        _add(found, node)
    if question == "who_can":
        found.center |= {assignments_scope(account) for node in (subject, *met) if (account := _entered(node, subject))}
    found.keys |= found.center
    return found


def _entered(node: Node, subject: Node) -> AccountId | None:
    """The account that people enter by their assignments: the one asked about, or that of a role which is only entered
    so."""
    if node is subject and node.kind is Kind.ACCOUNT:
        return AccountId(node.native_id)
    reserved = node.owned and node.attributes.get("role_class") == "sso_reserved"
    return AccountId(node.account) if reserved and node.account else None


def _everywhere(question: str, subject: Node) -> bool:
    if question == "who_can":
        return subject.kind is Kind.PERMISSION_SET
    return subject.kind in _ASSIGNABLE or subject.attributes.get("principal_class") == "deleted"


def _add(found: Grounds, node: Node) -> None:
    if node.account and node.owned:
        found.keys.add(iam_scope(AccountId(node.account)))
    if node.kind is Kind.PROVISIONED_PERMISSION_SET:
        where, arn = pair_of(node.native_id)
        found.center |= {assignments_scope(AccountId(where)), _sets(arn)}
    elif node.kind is Kind.PERMISSION_SET:
        found.center.add(_sets(node.native_id))
    elif node.kind in _ASSIGNABLE and (store := node.attributes.get("identity_store")):
        found.center.add(directory_users_scope(str(store)))


def _sets(arn: str) -> ScopeKey:
    """``arn:…:sso:::permissionSet/ssoins-…/ps-…`` names its instance."""
    return permission_sets_scope(arn.rpartition("/")[0])
