"""Whatever a scope goes through, the tables hold the last content, and the messages tell exactly how it came to it."""

import asyncio
import json
from typing import Any

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grantwire.contracts.changes import tellable
from grantwire.contracts.chunks import relation_row, resource_row
from grantwire.contracts.resources import Facts, Resource
from grantwire.graph import Graph, queries
from tests.integration.graph.scenes import Bus, external, facts, fetch, group, member, role, trust, user, value
from tests.integration.graph.telling import Subscriber, told
from tests.support.postgres import Server, drop_database, new_database

NAMES = ("a", "b", "c", "d")
UNIQUE = ("U1", "U2", "U3", "U4")
TABLES = ("node", "edge", "node_history", "edge_history", "change_log", "outbox", "apply", "scope", "shared_node")

people = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from(UNIQUE), st.integers(0, 2)), max_size=4)
pairs = st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(("g", "h"))), max_size=4)
trusts = st.dictionaries(st.sampled_from((*NAMES, "*")), st.sampled_from(("allow", "conditional")), max_size=3)


@st.composite
def worlds(draw: Any) -> Facts:
    """A handful of users whose names and unique ids wander, in groups, trusted by a role."""
    chosen, seen = draw(people), set()
    users: list[Resource] = []
    for name, (unique, level) in sorted(chosen.items()):
        if unique not in seen:  # AWS never gives one unique id twice
            seen.add(unique)
            users.append(user(name, unique, level=level))
    groups = [group("g"), group("h")]
    ops, anyone = role("ops"), external("*", "anyone")
    held = {one.name: one for one in users}
    members = [member(groups["gh".index(of)], held[who]) for who, of in sorted(draw(pairs)) if who in held]
    named = {**held, "*": anyone}
    knocks = [trust(named[who], ops, effect) for who, effect in sorted(draw(trusts).items()) if who in named]
    return facts([*users, *groups, ops], [*members, *knocks], [anyone])


steps = st.lists(
    st.one_of(worlds(), st.sampled_from(("fail", "late", "repeat", "same", "uncovered"))), min_size=1, max_size=9
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=steps)
def test_any_sequence_of_snapshots(steps: list[Any], postgres_server: Server, template_url: str) -> None:
    _Loop.run(_play(steps, postgres_server, template_url))


async def _play(steps: list[Any], server: Server, template_url: str) -> None:
    url = await new_database(server, template_url.rpartition("/")[2].partition("?")[0])
    try:
        async with Graph.open(url, application_name="tests", max_size=2) as graph:
            await _follow(graph, steps)
    finally:
        await drop_database(server, url)


async def _follow(graph: Graph, steps: list[Any]) -> None:
    bus, last = Bus(graph), None
    subscriber: Subscriber | None = None
    baseline = 0
    for step in steps:
        if isinstance(step, Facts):
            await bus.send(step)
            if last is None:
                subscriber, baseline = Subscriber(_truth(step)), len(step.resources) + len(step.relations)
            last = step
        elif last is not None:
            await _disturb(graph, bus, step, last)
    if last is None or subscriber is None:
        return
    assert await _held(graph) == _truth(last, sensitive=True)
    messages = (await told(graph))[1:]
    for message in messages:
        subscriber.hear(message)
    assert {key: _known(values) for key, values in subscriber.held.items()} == {
        key: _known(values) for key, values in _truth(last).items()
    }
    await _versions_add_up(graph, baseline, [message.type().split(".")[3] for message in messages])


async def _disturb(graph: Graph, bus: Bus, how: str, last: Facts) -> None:
    """Things that must not change what the graph holds."""
    if how == "fail":
        await bus.fail()
    elif how == "late":
        await bus.send(facts([user("ghost")]), fence=1)
    elif how == "repeat":
        await bus.send(last)
    elif how == "uncovered":
        await bus.send(facts(), covers=[])
    else:
        await bus.same(last, digest=await value(graph, "SELECT digest FROM scope") or "none")


async def _versions_add_up(graph: Graph, baseline: int, words: list[str]) -> None:
    """Every insert and every update made one version, and every version is current or in history."""
    made = baseline + sum(word in ("added", "changed", "renamed") for word in words)
    counts = [await value(graph, f"SELECT count(*) FROM {name}") for name in TABLES[:4]]
    assert sum(counts) == made
    assert len(words) == await value(graph, "SELECT count(*) FROM change_log")
    overlapping = "SELECT count(*) FROM node_history WHERE until < since"
    assert await value(graph, overlapping) == 0


async def _held(graph: Graph) -> dict[tuple[str, ...], dict[str, Any]]:
    rows = [_json(line) async for line in queries.export(graph)]
    return {_key(row): row["attributes"] for row in rows if row["kind"] != "external_principal"}


def _truth(world: Facts, *, sensitive: bool = False) -> dict[tuple[str, ...], dict[str, Any]]:
    rows = [*(resource_row(row) for row in world.resources), *(relation_row(row) for row in world.relations)]
    return {_key(row): row["attributes"] if sensitive else tellable(row["attributes"]) for row in rows}


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    if row["type"] == "resource":
        return (row["kind"], row["native_id"])
    return (row["kind"], row["source_kind"], row["source"], row["target_kind"], row["target"])


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """Without what a rename only names: its new value is asked from the API."""
    return {name: value for name, value in values.items() if name != "level"}


def _json(line: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(line)
    return row


class _Loop:
    """Hypothesis calls a plain function; each example gets an event loop of its own."""

    @staticmethod
    def run(work: Any) -> None:
        asyncio.run(work)


async def test_the_server_is_real(graph: Graph) -> None:
    (row,) = await fetch(graph, "SELECT current_setting('server_version_num')::int AS version")
    assert row["version"] >= 180000 and asyncpg.__version__
