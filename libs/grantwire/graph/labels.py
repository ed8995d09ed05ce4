"""What people call a resource whose own name is an id. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import Kind
from grantwire.graph.identity import node_id
from grantwire.graph.nodes import Node

DELETED: Final = "deleted: "
_LABEL: Final = re.compile(r"(?:(?P<set>\S+) in )?(?:.* \((?P<in_brackets>[0-9]{12})\)|(?P<bare>[0-9]{12}))")


def pair_of(native_id: str) -> tuple[str, str]:
    """The account and the permission set's ARN that a provisioned permission set is made of."""
    account, _, permission_set = native_id.partition("/")
    return account, permission_set


def named_by(pairs: Iterable[Node]) -> set[UUID]:
    """The accounts and permission sets whose names make that of these."""
    parts = [pair_of(node.native_id) for node in pairs if node.kind is Kind.PROVISIONED_PERMISSION_SET]
    return {id for account, arn in parts for id in (_id(Kind.ACCOUNT, account), _id(Kind.PERMISSION_SET, arn))}


def labelled(nodes: Mapping[UUID, Node]) -> dict[UUID, Node]:
    """The same resources, each with its ``display``."""
    return {id: replace(node, display=label(node, nodes)) for id, node in nodes.items()}


def label(node: Node, known: Mapping[UUID, Node]) -> str:
    """``ReadOnly in prod (123456789012)``, ``prod (123456789012)``, ``deleted: <id>``, else its name."""
    match node.kind:
        case Kind.PROVISIONED_PERMISSION_SET:
            account, arn = pair_of(node.native_id)
            return f"{permission_set_name(arn, known)} in {account_label(account, known)}"
        case Kind.ACCOUNT:
            return account_label(node.native_id, {node.id: node})
        case Kind.PERMISSION_SET:
            return permission_set_name(node.native_id, {node.id: node})
        case Kind.EXTERNAL_PRINCIPAL if node.attributes.get("principal_class") == "deleted":
            return DELETED + node.native_id
        case _:
            return node.name or node.native_id


def spelt(text: str) -> list[tuple[str | None, str]]:
    """What a label, or ``account/permission set``, may mean: permission set, if any, and account, by name or id."""
    found: list[tuple[str | None, str]] = []
    if label := _LABEL.fullmatch(text):
        account = label["in_brackets"] or label["bare"]
        found += [(label["set"], account)] if label["set"] or label["in_brackets"] else []
        found += [(None, account)] if label["set"] and label["in_brackets"] else []
    account, slash, name = text.rpartition("/")  # the name of an account may have one, that of a permission set never
    return [*found, (name, account)] if slash and account and name else found


def account_name(account: str, known: Mapping[UUID, Node]) -> str | None:
    """None where no organization tells."""
    node = known.get(_id(Kind.ACCOUNT, account))
    return node.name if node is not None and node.name not in ("", account) else None


def account_label(account: str, known: Mapping[UUID, Node]) -> str:
    name = account_name(account, known)
    return account if name is None else f"{name} ({account})"


def permission_set_name(arn: str, known: Mapping[UUID, Node]) -> str:
    """Its name, or the last part of its ARN (``ps-…``) where only that is known."""
    node = known.get(_id(Kind.PERMISSION_SET, arn))
    return node.name if node is not None and node.name not in ("", arn) else arn.rpartition("/")[2]


def _id(kind: Kind, native_id: str) -> UUID:
    return node_id(TENANT, kind, native_id)
