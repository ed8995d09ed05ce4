"""What the Identity Center collector reads from the graph. It never writes it."""

from collections.abc import Collection

from grantwire.collectors.identity_center.plans import Sizes
from grantwire.contracts.ids import directory_groups_scope, directory_users_scope
from grantwire.contracts.resources import Kind, RelationKind
from grantwire.graph import Graph, lacking
from grantwire.graph.lacking import Ends


class StoredScopes:
    """What the scopes of Identity Center hold, as the graph keeps it. Each raises ``DependencyDown`` while Postgres
    cannot be reached."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def sizes(self, store: str) -> Sizes:
        """How large a directory was when it was last read; None where it never was."""
        users = await lacking.size(self._graph, directory_users_scope(store), Kind.IDENTITY_USER)
        groups = await lacking.size(self._graph, directory_groups_scope(store), Kind.IDENTITY_GROUP)
        return Sizes(users or None, groups or None)

    async def resources(self, scope: str, kind: Kind, present: Collection[str], most: int) -> list[str]:
        """Those that are not ``present``: any of them, at most so many."""
        return await lacking.resources(self._graph, scope, kind, present, most)

    async def relations(
        self, scope: str, kind: RelationKind, present: Collection[tuple[str, str]], most: int
    ) -> list[Ends]:
        """Likewise, by the native ids of source and target."""
        return await lacking.relations(self._graph, scope, kind, present, most)
