"""Ids that everybody can compute: no lookup, no order of arrival, the same on every machine."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from grantwire.contracts.text import canonical

# Not a secret: the key only separates these hashes from any other BLAKE2b of the same text.
_KEY: Final = b"grantwire.graph.1"


@lru_cache(maxsize=50_000)  # a resource is named again by each of its relations
def node_id(tenant: int, kind: str, native_id: str) -> UUID:
    """The id of a resource: keyed BLAKE2b-128 of (tenant, kind, native id)."""
    return _hash("id", str(tenant), kind, native_id)


def lineage(tenant: int, kind: str, native_id: str, attributes: Mapping[str, Any]) -> UUID:
    """What joins a resource's history: its unique id where AWS gives one. A rename keeps it, a recreation does not."""
    unique = unique_id(attributes)
    return _hash("unique", str(tenant), kind, unique) if unique else _hash("native", str(tenant), kind, native_id)


def unique_id(attributes: Mapping[str, Any]) -> str | None:
    """AWS's id that outlives renames and is never given twice."""
    found = attributes.get("unique_id")
    return found if isinstance(found, str) and found else None


def content_hash(names: Sequence[str | None], attributes: Mapping[str, Any]) -> UUID:
    """128 bits of a row's canonical content: rows with equal names and attributes have equal hashes."""
    return _hash(
        "row", *(name if name is not None else "\x01" for name in names), canonical(attributes) if attributes else "{}"
    )


def rows_digest(rows: Iterable[Sequence[UUID | int]]) -> str:
    """Hex digest of a set of rows, each given by its key and its content hash."""
    total = blake2b(digest_size=32, key=_KEY)
    for line in sorted(b"".join(_bytes(part) for part in row) for row in rows):
        total.update(len(line).to_bytes(2) + line)
    return total.hexdigest()


def _bytes(part: UUID | int) -> bytes:
    return part.to_bytes(2) if isinstance(part, int) else part.bytes


def _hash(*parts: str) -> UUID:
    text = "\x00".join(parts)  # NUL occurs in no stored text, so no two lists of parts meet
    return UUID(bytes=blake2b(text.encode(), digest_size=16, key=_KEY).digest())
