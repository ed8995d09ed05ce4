"""Postgres finds a command by what names it, however many there were, also before it has any statistics of them."""

from grantwire.graph import Graph, inbox, operations
from grantwire.graph.operation import Ending, Progress
from tests.integration.graph.commands import arrived, command
from tests.support.eventually import eventually
from tests.support.keys import KEYS

ENDED = 60
SECONDS = 30.0
LOOKED_AT = """
SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::int AS rows, coalesce(sum(n_tup_ins), 0)::int AS came,
       coalesce(sum(n_tup_upd), 0)::int AS changed
FROM pg_stat_user_tables WHERE relname = 'operation'"""


async def carried_out(graph: Graph, *, user: str) -> None:
    said, taken = await inbox.accept_and_claim(graph, arrived(command(user=user)), SECONDS)
    assert said == "accepted" and taken is not None
    await operations.checkpoint(graph, taken.operation, SECONDS)
    await operations.finish(graph, taken.operation, Ending("granted", Progress()))


async def looked_at(graph: Graph, commands: int) -> int:
    """Rows of commands that Postgres visited for so many; its processes say so when they end."""

    async def counted() -> int | None:
        async with graph.connection() as connection:
            row = await connection.fetchrow(LOOKED_AT)
        assert row is not None
        return row["rows"] if (row["came"], row["changed"]) == (commands, 2 * commands) else None

    return await eventually(counted, what="the statistics of every process")


async def test_what_a_command_visits_does_not_grow_with_those_that_ended(graph: Graph, database_url: str) -> None:
    async with Graph.open(database_url, application_name="many", keys=KEYS) as many:
        for n in range(ENDED):
            await carried_out(many, user=f"user{n % 3}")
    before = await looked_at(graph, ENDED)
    async with Graph.open(database_url, application_name="one", keys=KEYS) as one:
        await carried_out(one, user="user0")
    assert await looked_at(graph, ENDED + 1) - before < 12
