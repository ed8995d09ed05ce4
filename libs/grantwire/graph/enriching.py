"""A snapshot that only adds, and the rows it adds to: together they are its scope. Pure.

See docs/decisions/0008-snapshots-that-only-add.md.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from grantwire.graph.rows import Content, Node, with_attributes

READ_AT: Final = "read_at"


def enriched(content: Content, stored: Iterable[Node], began_at: datetime, tenant: int) -> Content:
    """The resources that there are once the snapshot has added its own: those that it lacks stay.

    Each tells since when it is told so: when the reading began that first brought what it says.
    """
    nodes = {row.key: with_attributes(row, row.attributes, tenant) for row in stored}  # a damaged hash is made anew
    for key, row in content.nodes.items():
        before = nodes.get(key)
        since = _read_at(before) if before is not None and _says_the_same(before, row) else _rfc3339(began_at)
        nodes[key] = with_attributes(row, {**row.attributes, READ_AT: since}, tenant)
    return Content(nodes, content.edges, content.named)


def _says_the_same(before: Node, row: Node) -> bool:
    said = {name: value for name, value in before.attributes.items() if name != READ_AT}
    return (before.account, before.name, said) == (row.account, row.name, row.attributes) and bool(_read_at(before))


def _read_at(row: Node) -> Any:
    return row.attributes.get(READ_AT)


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
