"""A snapshot that only adds, and the rows it adds to: together they are its scope. Pure.

See docs/decisions/0011-snapshots-that-only-add.md.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from grantwire.graph.identity import content_hash
from grantwire.graph.rows import Content, Node, with_attributes

READ_AT: Final = "read_at"


def enriched(content: Content, stored: Iterable[Node], began_at: datetime, tenant: int) -> Content:
    """The resources that there are once the snapshot has added its own: those that it lacks stay.

    Each tells since when it is told so: when the reading began that first brought what it says.
    """
    known, now = {row.key: row for row in stored}, _rfc3339(began_at)
    nodes = {key: _sound(row, tenant) for key, row in known.items() if key not in content.nodes}
    for key, row in content.nodes.items():
        nodes[key] = _stamped(row, _since(known.get(key), row) or now)
    return Content(nodes, content.edges, content.named)


def _sound(row: Node, tenant: int) -> Node:
    """With hash and lineage as they follow from it. One that is not what its id says stays as it is, for ``db check``
    to name: nobody says here who it was."""
    made = with_attributes(row, row.attributes, tenant)
    return made if made.key == row.key else row


def _stamped(row: Node, since: str) -> Node:
    attributes = {**row.attributes, READ_AT: since}
    return replace(row, attributes=attributes, hash=content_hash((row.account, row.name), attributes))


def _since(before: Node | None, row: Node) -> Any:
    """Since when the row is known to say what it says; None where that is news."""
    if before is None:
        return None
    said = {name: value for name, value in before.attributes.items() if name != READ_AT}
    same = (before.account, before.name, said) == (row.account, row.name, row.attributes)
    return before.attributes.get(READ_AT) if same else None


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
