"""The body of a snapshot: rows sorted by key, one JSON object a line, cut into chunks, one digest over all.

No snapshot id and no time stand in a chunk, so equal facts give equal bytes, and the digest is at once the transport
check and the answer to "has anything changed".
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from grantwire.contracts.failures import Malformed
from grantwire.contracts.resources import Facts, Kind, Relation, RelationKind, Resource
from grantwire.contracts.text import canonical, storable

NORMALIZER: Final = "1"  # raise it when the same AWS answer begins to give other rows
CHUNK_BYTES: Final = 200_000
_NUL: Final = "\\u0000"  # as JSON spells it; the text may also hold these six characters


def encode(facts: Facts) -> list[bytes]:
    """The chunks of a snapshot, in order. An empty scope has none. A row larger than a chunk stands alone in one."""
    return list(_cut(_lines(facts)))


def digest(chunks: Iterable[bytes], plan: str) -> str:
    """Hex SHA-256 over the chunks' own hashes, the normalizer version and the plan."""
    total = hashlib.sha256(f"{NORMALIZER}/{plan}".encode())
    for chunk in chunks:
        total.update(hashlib.sha256(chunk).digest())
    return total.hexdigest()


def decode(chunks: Iterable[bytes]) -> Facts:
    """The facts again. Raises ``Malformed`` for a line that is not a row."""
    resources: list[Resource] = []
    relations: list[Relation] = []
    mentions: list[Resource] = []
    for line in (line for chunk in chunks for line in chunk.splitlines()):
        try:
            row = json.loads(line)
            match row["type"]:
                case "resource":
                    resources.append(_resource(row))
                case "mention":
                    mentions.append(_resource(row))
                case "relation":
                    relations.append(_relation(row))
                case other:
                    raise Malformed(f"A snapshot row has the unknown type {other!r}; is a newer collector running?")
        except (KeyError, ValueError, TypeError) as error:
            raise Malformed(f"A snapshot row cannot be read ({error!r}).") from error
    return Facts(tuple(resources), tuple(relations), tuple(mentions))


def resource_row(resource: Resource, type_: str = "resource") -> dict[str, Any]:
    """A resource as the public export spells it."""
    return {
        "type": type_,
        "kind": resource.kind,
        "native_id": resource.native_id,
        "account": resource.account,
        "name": resource.name,
        "attributes": dict(resource.attributes),
    }


def relation_row(relation: Relation) -> dict[str, Any]:
    """A relation as the public export spells it."""
    return {
        "type": "relation",
        "kind": relation.kind,
        "source": relation.source,
        "source_kind": relation.source_kind,
        "target": relation.target,
        "target_kind": relation.target_kind,
        "attributes": dict(relation.attributes),
    }


def _lines(facts: Facts) -> Iterator[bytes]:
    for resource in sorted(facts.resources, key=lambda row: row.key):
        yield _line(resource_row(resource))
    for mention in sorted(facts.mentions, key=lambda row: row.key):
        yield _line(resource_row(mention, "mention"))
    for relation in sorted(facts.relations, key=lambda row: row.key):
        yield _line(relation_row(relation))


def _line(row: dict[str, Any]) -> bytes:
    """Nearly every row is storable as it is, which its text shows at once."""
    try:
        text = canonical(row)
        if _NUL not in text:
            return text.encode() + b"\n"
    except ValueError:  # not a finite number, or no UTF-8
        pass
    return canonical(storable(row)).encode() + b"\n"


def _cut(lines: Iterable[bytes]) -> Iterator[bytes]:
    chunk = bytearray()
    for line in lines:
        if chunk and len(chunk) + len(line) > CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
        chunk += line
    if chunk:
        yield bytes(chunk)


def _resource(row: dict[str, Any]) -> Resource:
    return Resource(Kind(row["kind"]), row["native_id"], row["account"], row["name"], row["attributes"])


def _relation(row: dict[str, Any]) -> Relation:
    return Relation(
        RelationKind(row["kind"]),
        row["source"],
        Kind(row["source_kind"]),
        row["target"],
        Kind(row["target_kind"]),
        row["attributes"],
    )
