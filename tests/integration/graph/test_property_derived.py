"""Whatever the scopes of Identity Center go through, derived relations are what the rows say, and what was told adds
up."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grantwire.contracts.resources import Facts
from grantwire.graph import Graph
from grantwire.graph.checking import check
from grantwire.graph.retiring import restore, retire
from tests.integration.graph.joined import INSTANCE, SCIM, STORE, World, mirrored, pairs, people, roles, sets, sizes
from tests.integration.graph.scenes import ACCOUNT
from tests.support.postgres import Server, drop_database, new_database

IAM, ASSIGNMENTS = f"iam/{ACCOUNT}", f"assignments/{ACCOUNT}"
SCOPES = (IAM, ASSIGNMENTS, INSTANCE, STORE, SCIM)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.sampled_from(SCOPES), st.sets(st.sampled_from("abc"))),
        st.tuples(st.sampled_from(("retire", "restore", "fail")), st.sampled_from(SCOPES)),
    ),
    min_size=4,
    max_size=14,
)
BEGINNING: list[Any] = [("read", key, set("ab")) for key in SCOPES]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=steps)
def test_any_life_of_derived_relations(steps: list[Any], postgres_server: Server, template_url: str) -> None:
    asyncio.run(_play(steps, postgres_server, template_url))


async def _play(steps: list[Any], server: Server, template_url: str) -> None:
    url = await new_database(server, template_url.rpartition("/")[2].partition("?")[0])
    try:
        async with Graph.open(url, application_name="tests", max_size=2) as graph:
            await Life(graph).live([*BEGINNING, *steps])
    finally:
        await drop_database(server, url)


class Life:
    """What each scope was last read to hold, by one letter each, and which of them count."""

    def __init__(self, graph: Graph) -> None:
        self.world = World(graph)
        self.held: dict[str, set[str]] = {key: set() for key in SCOPES}
        self.retired: set[str] = set()
        self.seen: set[str] = set()  # users that the directory ever had

    async def live(self, steps: list[Any]) -> None:
        for what, key, *content in steps:
            await self._step(what, key, *content)
            rows = [json.loads(line) for line in await self.world.hear()]
            ends = {(row["kind"], row["source"][-1], row["target"]) for row in rows if row["type"] == "relation"}
            assert {
                (kind, source) for kind, source, _ in ends if kind in ("realized_as", "mirrors")
            } == self._expected()
            shown = {row["native_id"][-1] for row in rows if row["kind"] == "scim_user"}
            assert shown == (self.held[SCIM] if SCIM not in self.retired else set())
        await sizes(self.world.graph)
        assert await check(self.world.graph) == []

    async def _step(self, what: str, key: str, *content: set[str]) -> None:
        if what == "read":
            await self.world.bus(key).send(_content(key, sorted(content[0])))
            if key not in self.retired:
                self._note(key, content[0])
        elif what == "fail":
            await self.world.bus(key).fail()
        else:
            async with self.world.graph.transaction() as connection:
                await (retire(connection, key, "It left.") if what == "retire" else restore(connection, key))
            self.retired = self.retired | {key} if what == "retire" else self.retired - {key}
            self._end()

    def _note(self, key: str, content: set[str]) -> None:
        # SCIM never shows that somebody is gone.
        self.held[key] = content | self.held[key] if key == SCIM else content
        self.seen |= content if key == STORE else set()
        self._end()

    def _end(self) -> None:
        """SCIM's users end with those of the directory that were there once; while it is away, when it returns."""
        if SCIM not in self.retired:
            self.held[SCIM] -= self.seen - self.held[STORE]

    def _expected(self) -> set[tuple[str, str]]:
        held = {key: (self.held[key] if key not in self.retired else set()) for key in SCOPES}
        realized = held[IAM] & held[ASSIGNMENTS] & held[INSTANCE]
        return {("realized_as", one) for one in realized} | {("mirrors", one) for one in held[STORE] & held[SCIM]}


def _content(key: str, letters: list[str]) -> Facts:
    makers: dict[str, Callable[..., Facts]] = {
        IAM: roles,
        ASSIGNMENTS: pairs,
        INSTANCE: sets,
        STORE: people,
        SCIM: mirrored,
    }
    return makers[key](*letters)
