"""From what a person types to what a command names: its two ends, its connector and its account."""

from collections.abc import Sequence
from dataclasses import dataclass

from grantwire.contracts.commands import Ref
from grantwire.contracts.failures import Conflict, Invalid, NotFound
from grantwire.contracts.ids import ACCOUNT_ID, TENANT
from grantwire.contracts.resources import Kind
from grantwire.graph import connectors, names
from grantwire.graph.labels import spelt
from grantwire.graph.nodes import Node
from grantwire.graph.pairing import PRINCIPALS, TARGETS, Joined, joined
from grantwire.graph.pool import Graph
from grantwire.graph.statements import ends as sql


@dataclass(frozen=True, slots=True)
class Ends:
    """What a command needs to name. ``unique_id`` is the principal's, so that nobody else of its name is meant."""

    principal: Ref
    target: Ref
    connector: str
    account: str
    unique_id: str | None


async def name_ends(
    graph: Graph, principal: str, target: str, *, account: str | None = None, connector: str | None = None
) -> Ends:
    """Both as ``can`` and ``who-can`` take them; a permission set also by its name, with ``account``, even where it is
    not provisioned yet. ``account`` is 12 digits or a name.

    Raises ``NotFound`` with close names, ``Ambiguous`` with the candidates, ``Invalid`` for what does not go together,
    ``Conflict`` where several connectors might be meant.
    """
    where = await _account(graph, account)
    principals = await names.candidates(graph, principal, list(PRINCIPALS))
    targets, where = await _targets(graph, target, where)
    found = joined(principals, targets, where, (principal, target))
    owner = connector or await _connector(graph, found)
    place = found.account or await _own_account(graph, owner)
    who = found.principal
    unique_id = who.attributes.get("unique_id")
    return Ends(Ref(kind=who.kind, native_id=who.native_id), found.target, owner, place, unique_id)


async def _account(graph: Graph, text: str | None) -> str | None:
    if text is None or ACCOUNT_ID.fullmatch(text):
        return text
    return (await names.resolve(graph, text, kinds=[Kind.ACCOUNT])).native_id


async def _targets(graph: Graph, text: str, account: str | None) -> tuple[Sequence[Node], str | None]:
    """What it may mean, and the account that it names besides: ``prod/Admin`` where that is not provisioned yet."""
    try:
        return await names.candidates(graph, text, list(TARGETS)), account
    except NotFound as unknown:
        for permission_set, place in spelt(text):
            if permission_set is not None:
                return await _unprovisioned(graph, permission_set, place, account, unknown)
        raise


async def _unprovisioned(
    graph: Graph, permission_set: str, place: str, account: str | None, unknown: NotFound
) -> tuple[Sequence[Node], str | None]:
    try:
        found = await names.candidates(graph, permission_set, [Kind.PERMISSION_SET])
        where = await _account(graph, place)
    except NotFound:
        raise unknown from None
    if account not in (None, where):
        raise Invalid(f"The target names account {where}, and account {account} is asked for.", "account")
    return found, where


async def _connector(graph: Graph, found: Joined) -> str:
    async with graph.connection() as connection:
        if found.account is not None:
            rows = await connection.fetch(sql.CONNECTORS_OF_ACCOUNT, TENANT, found.account)
        else:
            rows = await connection.fetch(sql.CONNECTORS_OF_NODE, TENANT, found.principal.id)
    what = f"account {found.account}" if found.account else f"the directory of {found.principal.native_id}"
    if not rows:
        raise NotFound(f"No connector reads {what}; `grantwire connector list` shows what is under management.")
    if len(rows) > 1:
        named = ", ".join(row["connector"] for row in rows)
        raise Conflict(f"Several connectors read {what}: {named}; name one (--connector).")
    return str(rows[0]["connector"])


async def _own_account(graph: Graph, connector: str) -> str:
    """Where groups of the directory are changed."""
    account = (await connectors.get(graph, connector)).account
    if account is None:
        raise Conflict(f"The account of connector {connector!r} is not known yet; save it so that it is validated.")
    return account
