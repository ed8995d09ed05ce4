"""One apply as its steps see it."""

from dataclasses import dataclass

from grantwire.contracts.snapshots import SnapshotSealed
from grantwire.graph.changes import Teller
from grantwire.graph.pool import Connection
from grantwire.graph.scopes import Scope


@dataclass(frozen=True, slots=True)
class Work:
    """One apply: its transaction, its seal, and its scope as it is under the lock."""

    connection: Connection
    seal: SnapshotSealed
    scope: Scope
    traceparent: str | None

    @property
    def teller(self) -> Teller:
        return Teller(self.scope.at, self.seal.connector, self.seal.account, self.seal.scope)
