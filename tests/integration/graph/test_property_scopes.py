"""Scopes that leave and return, with facets between them: readers see what counts, and what was told adds up."""

import asyncio
import json
from typing import Any, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grantwire.contracts import changes
from grantwire.contracts.changes import Change
from grantwire.contracts.chunks import relation_row, resource_row
from grantwire.contracts.resources import Facts, Kind, facet
from grantwire.graph import Graph, queries
from grantwire.graph.checking import check
from grantwire.graph.retiring import restore, retire
from tests.integration.graph.scenes import (
    ACCOUNT,
    COVERS,
    Bus,
    facts,
    group,
    member,
    organization_bus,
    organization_of,
    user,
)
from tests.integration.graph.telling import Subscriber, told
from tests.support.postgres import Server, drop_database, new_database

BOTH = (ACCOUNT, "444455556666")
ORGANIZATION = "organization"
Rows: TypeAlias = dict[tuple[str, ...], dict[str, Any]]

people = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.just(ORGANIZATION), st.sets(st.sampled_from(BOTH)).map(sorted)),
        st.tuples(st.just("read"), st.sampled_from(BOTH), people, st.none() | st.sampled_from("xy")),
        st.tuples(st.sampled_from(("retire", "restore")), st.sampled_from((*BOTH, ORGANIZATION))),
    ),
    min_size=2,
    max_size=10,
)
BEGINNING = [("read", ORGANIZATION, BOTH), ("read", ACCOUNT, {"a": 1}, "x")]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=steps)
def test_any_life_of_scopes(steps: list[Any], postgres_server: Server, template_url: str) -> None:
    asyncio.run(_play(steps, postgres_server, template_url))


async def _play(steps: list[Any], server: Server, template_url: str) -> None:
    url = await new_database(server, template_url.rpartition("/")[2].partition("?")[0])
    try:
        async with Graph.open(url, application_name="tests", max_size=2) as graph:
            await World(graph).live([*BEGINNING, *steps])
    finally:
        await drop_database(server, url)


class World:
    """The scopes as they were last read, which of them count, and a subscriber that hears every message."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.buses = {who: Bus(graph, account=who, covers=[*COVERS, "facet"]) for who in BOTH}
        self.buses[ORGANIZATION] = organization_bus(graph)
        self.last: dict[str, Facts] = {}
        self.retired: set[str] = set()
        self.subscriber = Reader()

    async def live(self, steps: list[Any]) -> None:
        heard = 0
        for what, who, *content in steps:
            await (self._read(who, *content) if what == "read" else self._move(what, who))
            seen, messages = await self._seen(), await told(self.graph)
            assert seen == self._expected()
            for message in messages[heard:]:
                self.subscriber.notice(message, seen)
            heard = len(messages)
            assert self.subscriber.held == seen
        assert await check(self.graph) == []

    async def _read(self, who: str, *content: Any) -> None:
        world = organization_of(*content[0]) if who == ORGANIZATION else _iam(who, *content)
        applied = await self.buses[who].send(world)
        assert (applied.outcome == "retired") is (who in self.retired)
        if who not in self.retired:
            self.last[who] = world

    async def _move(self, what: str, who: str) -> None:
        async with self.graph.transaction() as connection:
            if what == "retire":
                await retire(connection, self.buses[who].scope, "It left.")
                self.retired |= {who} & self.last.keys()
            else:
                await restore(connection, self.buses[who].scope)
                self.retired.discard(who)

    def _expected(self) -> Rows:
        live = [content for who, content in sorted(self.last.items()) if who not in self.retired]
        rows = [resource_row(row) for content in live for row in content.resources]
        rows += [relation_row(row) for content in live for row in content.relations]
        found = {_key(row): row["attributes"] for row in rows if row["kind"] != "facet"}
        for row in rows:
            if row["kind"] == "facet" and (about := ("account", row["account"])) in found:
                found[about] = {**found[about], **row["attributes"]}
        return found

    async def _seen(self) -> Rows:
        rows = [json.loads(line) async for line in queries.export(self.graph)]
        return {_key(row): row["attributes"] for row in rows}


class Reader(Subscriber):
    """Puts away the rows of a scope that leaves and takes them out again when it returns; reads what is loaded."""

    def __init__(self) -> None:
        super().__init__({})
        self.away: dict[str, Rows] = {}

    def notice(self, message: Change, seen: Rows) -> None:
        match message:
            case changes.ScopeLoaded():
                self.held = {key: dict(values) for key, values in seen.items()}
            case changes.ScopeRetired():
                self.away[message.scope] = {key: self.held.pop(key) for key in list(self.held) if _of(key, message)}
                assert len(self.away[message.scope]) == _total(message)
            case changes.ScopeReturned():
                back = self.away.pop(message.scope)
                assert len(back) == _total(message)
                # An account's aliases may have been told anew while nobody could see the account.
                self.held |= {key: dict(seen[key]) if key[0] == "account" else values for key, values in back.items()}
            case _:
                self.hear(message)


def _iam(account: str, levels: dict[str, int], alias: str | None) -> Facts:
    admins = group("admins", account)
    users = [user(name, account=account, level=level) for name, level in sorted(levels.items())]
    more = [facet("iam", Kind.ACCOUNT, account, account, {"aliases": [alias]})] if alias else []
    return facts([admins, *users, *more], [member(admins, one) for one in users if one.attributes["level"]])


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    if row["type"] == "resource":
        return (row["kind"], row["native_id"])
    return (row["kind"], row["source_kind"], row["source"], row["target_kind"], row["target"])


def _of(key: tuple[str, ...], message: Change) -> bool:
    """Whether a row is of the scope that a message is about."""
    of_iam = key[0] in ("iam_user", "iam_group", "member_of")
    return f":{message.account}:" in key[-1] if message.account else not of_iam


def _total(message: changes.ScopeRetired | changes.ScopeReturned) -> int:
    return sum(message.resources.values()) + sum(message.relations.values())
