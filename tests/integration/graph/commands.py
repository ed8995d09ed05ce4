"""Commands as they come, one after another."""

import itertools
import json
from typing import Any
from uuid import UUID, uuid4

from grantwire.contracts.commands import BY_VERB, AccessCommand, Ref
from grantwire.contracts.outcomes import BY_TYPE
from grantwire.contracts.resources import Kind
from grantwire.graph import Graph
from grantwire.graph.inbox import Arrived
from grantwire.telemetry import utc_now

ACCOUNT = "111122223333"
_SEQUENCES = itertools.count(1)


def command(verb: str = "grant", user: str = "ann", group: str = "dev", **more: Any) -> AccessCommand:
    fields = {"id": uuid4(), "connector": "prod", "account": ACCOUNT, "requester": "bob", "reason": "on call", **more}
    return BY_VERB[verb](
        principal=Ref(kind=Kind.IAM_USER, native_id=f"arn:aws:iam::{ACCOUNT}:user/{user}"),
        target=Ref(kind=Kind.IAM_GROUP, native_id=f"arn:aws:iam::{ACCOUNT}:group/{group}"),
        **fields,
    )


def arrived(wanted: AccessCommand, sequence: int | None = None, team: str = "payments", **more: Any) -> Arrived:
    place = next(_SEQUENCES) if sequence is None else sequence
    return Arrived(team, wanted, place, utc_now(), f"iam/{wanted.principal.native_id}", **more)


async def told(graph: Graph, id: UUID | None = None) -> list[str]:
    """The states that were told, in order: of one command, or of all."""
    async with graph.connection() as connection:
        rows = await connection.fetch("SELECT type, body FROM told ORDER BY id")
    said = [(BY_TYPE[row["type"]].state, json.loads(row["body"])["command"]) for row in rows]
    return [state for state, command in said if id is None or command == str(id)]
