"""From what a person types to one resource."""

import difflib
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import asyncpg

from grantwire.contracts.failures import Ambiguous, NotFound
from grantwire.contracts.ids import ACCOUNT_ID, TENANT
from grantwire.contracts.resources import KIND_CODES, Kind, facet_of
from grantwire.contracts.text import storable
from grantwire.graph import identity
from grantwire.graph.derived import directory_user
from grantwire.graph.export import Tenant, tenant_of
from grantwire.graph.labels import DELETED, spelt
from grantwire.graph.nodes import Node
from grantwire.graph.pool import Connection, Graph
from grantwire.graph.statements import queries as sql
from grantwire.graph.stored import KINDS

_NUMBERED: Final = (Kind.ACCESS_KEY, Kind.PROVISIONED_PERMISSION_SET)  # their names are ids, which nobody misspells


async def resolve(graph: Graph, text: str, *, kinds: Iterable[Kind] | None = None) -> Node:
    """The resource that ``text`` means: its native id, else its name, its unique id, its display name, or its e-mail
    address; or an account or a permission set in an account, as answers call them or as ``account/permission set``.

    Letter case does not matter for names and addresses. Raises ``NotFound`` with close names, and ``Ambiguous`` with
    the native ids of all that answer to it.
    """
    nodes = await candidates(graph, text, list(Kind) if kinds is None else list(kinds))
    if len(nodes) > 1:
        listed = ", ".join(f"{node.kind} {node.native_id}" for node in nodes[:10])
        raise Ambiguous(
            f"{text!r} may mean {len(nodes)} things: {listed}. Use the full id.", [node.native_id for node in nodes]
        )
    return nodes[0]


async def candidates(graph: Graph, text: str, kinds: list[Kind]) -> list[Node]:
    """All that ``text`` may mean, one or more. Raises ``NotFound`` with close names."""
    text = storable(text).removeprefix(DELETED)
    async with graph.transaction(snapshot=True) as connection:
        tenant = await tenant_of(connection)
        found = await _candidates(connection, text, kinds)
        if not found:
            raise await _not_found(connection, text, kinds)
    return _one_each([node_from(row, tenant) for row in found])


def _one_each(found: list[Node]) -> list[Node]:
    """Without what SCIM shows of a person who is there already: both go by one name."""
    people = {node.native_id for node in found if node.kind is Kind.IDENTITY_USER}
    return [each for each in found if each.kind is not Kind.SCIM_USER or directory_user(each.native_id) not in people]


async def nodes(connection: Connection, ids: Iterable[UUID], tenant: Tenant) -> dict[UUID, Node]:
    """Resources by id, owned or named."""
    rows = await connection.fetch(sql.NODES, TENANT, list(ids))
    return {row["id"]: node_from(row, tenant) for row in rows}


def node_from(row: asyncpg.Record, tenant: Tenant) -> Node:
    kind = KINDS[row["kind"]]
    attributes = tenant.complete(kind, row["native_id"], row["attributes"])
    return Node(row["id"], kind, row["native_id"], row["account"], row["name"], attributes, row["owned"])


async def _candidates(connection: Connection, text: str, kinds: list[Kind]) -> list[asyncpg.Record]:
    codes = [KIND_CODES[kind] for kind in kinds]
    ids = [identity.node_id(TENANT, kind, text) for kind in kinds]
    if found := await connection.fetch(sql.NODES, TENANT, ids):
        # Twelve digits may be the account and a principal of the same digits: the owned one is meant.
        return [row for row in found if row["owned"]] or found
    if found := await connection.fetch(sql.BY_NAME, TENANT, text, codes):
        return found
    lineages = [identity.lineage(TENANT, kind, "", {"unique_id": text}) for kind in kinds]
    if text and (found := await connection.fetch(sql.BY_LINEAGE, TENANT, lineages, codes)):
        return found
    for statement in (sql.BY_DISPLAY_NAME, sql.BY_EMAIL) if "@" in text else (sql.BY_DISPLAY_NAME,):
        if found := await _called(connection, statement, text, codes):
            return found
    return await _labelled(connection, text, codes)


async def _called(connection: Connection, statement: str, text: str, codes: list[int]) -> list[asyncpg.Record]:
    """What answers to another name, its own or one that a facet adds."""
    facet, found = KIND_CODES[Kind.FACET], await connection.fetch(statement, TENANT, text)
    ids = [row["id"] if row["kind"] != facet else identity.node_id(TENANT, *facet_of(row["name"])) for row in found]
    rows = await connection.fetch(sql.NODES, TENANT, ids) if ids else []
    return sorted(
        (row for row in rows if row["owned"] and row["kind"] in codes), key=lambda row: (row["kind"], row["native_id"])
    )


async def _labelled(connection: Connection, text: str, codes: list[int]) -> list[asyncpg.Record]:
    """An account, or a permission set in one, as answers call it."""
    for set_, account in spelt(text):
        accounts = await _native_ids(connection, Kind.ACCOUNT, account)
        sets = await _native_ids(connection, Kind.PERMISSION_SET, set_) if set_ else []
        kind = Kind.PROVISIONED_PERMISSION_SET if set_ else Kind.ACCOUNT
        names = [f"{one}/{arn}" for one in accounts for arn in sets] if set_ else accounts
        ids = [identity.node_id(TENANT, kind, name) for name in names]
        if found := [row for row in await connection.fetch(sql.NODES, TENANT, ids) if row["kind"] in codes]:
            return found
    return []


async def _native_ids(connection: Connection, kind: Kind, text: str) -> list[str]:
    if kind is Kind.ACCOUNT and ACCOUNT_ID.fullmatch(text):
        return [text]
    return [row["native_id"] for row in await connection.fetch(sql.BY_NAME, TENANT, text, [KIND_CODES[kind]])]


async def _not_found(connection: Connection, text: str, kinds: list[Kind]) -> NotFound:
    rows = await connection.fetch(sql.SOME_NAMES, TENANT, [KIND_CODES[kind] for kind in kinds if kind not in _NUMBERED])
    spelt = {row["name"].lower(): row["name"] for row in rows}
    close = [spelt[name] for name in difflib.get_close_matches(text.lower(), spelt, n=5, cutoff=0.6)]
    hint = f" Did you mean {', '.join(close)}?" if close else " `grantwire export` lists what there is."
    return NotFound(f"Nothing is called {text!r}.{hint}")
