"""What the outbox says, as messages; and a subscriber that folds them."""

from typing import Any

from grantwire.contracts import changes
from grantwire.contracts.changes import CHANGES, Change
from grantwire.graph import Graph
from tests.integration.graph.scenes import fetch

TYPES = {message.type(): message for message in CHANGES}


async def told(graph: Graph) -> list[Change]:
    """Every message, checked against its own place in the outbox."""
    messages = []
    for row in await fetch(graph, "SELECT revision, n, type, body FROM outbox ORDER BY revision, n"):
        message = TYPES[row["type"]].parse(row["body"])
        assert (message.revision, message.n) == (row["revision"], row["n"])
        messages.append(message)
    return messages


class Subscriber:
    """Holds what it was told: values by key. It refuses messages that do not fit what it holds."""

    def __init__(self, baseline: dict[tuple[str, ...], dict[str, Any]]) -> None:
        self.held = dict(baseline)

    def hear(self, message: Change) -> None:
        match message:
            case changes.ResourceRenamed():
                self._move((message.kind, message.previous_native_id), self._key(message), message.fields)
            case changes.RelationRenamed():
                old = (
                    message.kind,
                    message.source_kind,
                    message.previous_source,
                    message.target_kind,
                    message.previous_target,
                )
                self._move(old, self._key(message), [])
            case changes.ResourceAdded() | changes.RelationAdded():
                assert self._key(message) not in self.held, f"added twice: {message}"
                self.held[self._key(message)] = dict(message.values)
            case changes.ResourceRemoved() | changes.RelationRemoved():
                del self.held[self._key(message)]
            case changes.ResourceChanged() | changes.RelationChanged():
                assert message.fields, f"changed nothing: {message}"
                values = self.held[self._key(message)]
                for name in message.fields:
                    values.pop(name, None)
                values.update(message.values)
            case _:
                raise AssertionError(f"not expected: {message}")

    def _move(self, old: tuple[str, ...], new: tuple[str, ...], fields: list[str]) -> None:
        assert new not in self.held, f"renamed onto another: {new}"
        self.held[new] = {name: value for name, value in self.held.pop(old).items() if name not in fields}

    def _key(self, message: Any) -> tuple[str, ...]:
        if isinstance(message, changes.ResourceChange):
            return (message.kind, message.native_id)
        return (message.kind, message.source_kind, message.source, message.target_kind, message.target)
