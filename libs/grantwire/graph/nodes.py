"""A resource as an answer shows it. Pure."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from grantwire.contracts.resources import Kind


@dataclass(frozen=True, slots=True)
class Node:
    """One that is not ``owned`` is only named by a relation: an outsider, an AWS policy, or something that no scope has
    shown yet, or any more. ``display`` is what people call it, "" where nobody asked for that."""

    id: UUID
    kind: Kind
    native_id: str
    account: str | None
    name: str
    attributes: dict[str, Any]
    owned: bool
    display: str = ""
