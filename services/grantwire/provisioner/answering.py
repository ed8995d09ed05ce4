"""What became of a command, answered from Postgres: whoever missed a message asks, and misses nothing."""

from dataclasses import dataclass
from uuid import UUID

from grantwire.bus.answers import Answer
from grantwire.contracts import subjects
from grantwire.contracts.outcomes import BY_STATE
from grantwire.graph import Graph, inbox

UNKNOWN = Answer(b"", {"Gw-Unknown": "true"})


@dataclass(frozen=True)
class Answering:
    """Answers ``gw.ask.<team>.<command id>``; the team is stamped by the bus."""

    graph: Graph

    async def ask(self, subject: str) -> Answer:
        """The last message about the command. Raises ``DependencyDown``."""
        _, _, team, command = subjects.words(subject)
        try:
            found = await inbox.last_told(self.graph, team, UUID(command))
        except ValueError:
            return UNKNOWN
        if found is None:
            return UNKNOWN
        message = BY_STATE[found["state"]].model_validate(found)
        return Answer(message.encode(), {"ce-type": message.type(), "content-type": "application/json"})
