"""Facets: attributes that one scope tells of a resource that another scope owns, such as an account's aliases.

They are stored as rows of the scope that tells them and shown as attributes of the resource that they are about
(``live_node``). What happens to one is told as a change of that resource; of one that nobody sees, nothing is told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from grantwire.contracts.ids import TENANT
from grantwire.contracts.resources import KIND_CODES, facet_of
from grantwire.graph.delta import Changes
from grantwire.graph.identity import node_id
from grantwire.graph.pool import Connection
from grantwire.graph.rows import Node
from grantwire.graph.statements import facets as sql


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the messages of a scope say about facets, all by the facets' name. ``owners`` are what the resources are
    called that its facets are about, of those that readers see; ``attributes`` what any facet adds to its own ones."""

    owners: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def complete(self, node: Node) -> dict[str, Any]:
        """A resource's attributes as a reader sees them."""
        return {**node.attributes, **self.attributes.get(_about(node), {})}


NOTHING: Final = Surroundings()


async def around(connection: Connection, changes: Changes) -> Surroundings:
    """Read after the changes were written, in the same transaction."""
    delta = changes.facets
    told = {*(row.name for row in delta.closing.values()), *(row.name for row in delta.opening.values())}
    added = [_about(node) for node in changes.resources.added]
    return Surroundings(await owners(connection, told), await _attributes(connection, added))


async def owners(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """What the resources are called that facets of these names are about, of those that readers see."""
    ids = {node_id(TENANT, *facet_of(name)): name for name in names}
    found = await connection.fetch(sql.OWNERS, TENANT, list(ids)) if ids else []
    return {ids[row["id"]]: row["name"] for row in found}


async def _attributes(connection: Connection, names: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in await connection.fetch(sql.FACETS, TENANT, names) if names else []:
        found.setdefault(row["name"], {}).update(row["attributes"])
    return found


def _about(node: Node) -> str:
    return f"{KIND_CODES[node.kind]}:{node.native_id}"
