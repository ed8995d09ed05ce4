"""What collectors read from the graph. They never write it."""

from grantwire.contracts.connectors import Connector
from grantwire.contracts.ids import AccountId
from grantwire.graph import Graph, access_keys, connectors, fleet


class StoredConnectors:
    """Connector settings as the graph keeps them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def settings(self, connector: str, version: int) -> Connector:
        """Raises ``NotFound`` if the connector is gone, ``SecretKeyError`` if its secrets cannot be opened."""
        return await connectors.settings(self._graph, connector, version)


class StoredFleet:
    """The accounts of the organizations that are read, as the graph keeps them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def accounts_inside(self) -> frozenset[str]:
        """Raises ``DependencyDown`` while Postgres cannot be reached."""
        return await fleet.accounts_inside(self._graph)


class StoredKeys:
    """The access keys of an account, as the graph keeps them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def keys_of(self, account: AccountId) -> list[access_keys.OwnedKey]:
        """Raises ``DependencyDown`` while Postgres cannot be reached."""
        return await access_keys.keys_of(self._graph, account)
