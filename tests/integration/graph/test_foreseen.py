"""A command that ends as it was foreseen ends in one statement, and otherwise as if nothing had been foreseen."""

import asyncio
import json
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import pytest

from grantwire.contracts.outcomes import BY_TYPE
from grantwire.graph import Graph, inbox, operations
from grantwire.graph.checking import check
from grantwire.graph.operation import Ending, Operation, Progress
from grantwire.graph.operations import ClaimLost
from grantwire.graph.patching import NOTHING, Foreseen, Patch, Patched, drafted, expecting, foresee
from tests.integration.graph.commands import arrived, command, told
from tests.integration.graph.joined import Source, World, sizes
from tests.integration.graph.patches import ADMINS, ALICE, CASES, IAM, Case, groups_of, of, patch, rows
from tests.integration.graph.scenes import BEGAN, TRACE, facts, fetch, member, user, value
from tests.support.postgres import Server, cloned

ALONE: Final = ("group of a user", "managed policy", "group of the directory")  # nothing but the relation is written
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
both_ways = pytest.mark.parametrize("held", [True, False], ids=["granted", "revoked"])
GROUPS: Final = CASES["group of a user"]
# Of the fact that a command is about; whatever is written of it elsewhere is seen by what readers and checks say.
ALL: Final = {
    "log": "SELECT n, op, entity, kind, id, dst, previous, previous_dst, mark FROM change_log ORDER BY apply_id, n",
    "outbox": "SELECT revision, n, subject, type, source, traceparent FROM outbox ORDER BY revision, n",
    "apply": "SELECT revision, scope_id, snapshot, inserted, changed, removed, conflicts FROM apply ORDER BY revision",
    "fences": "SELECT scope_id, relation, holder, of_kind, began, cause, disputed FROM part_fence",
    "scopes": "SELECT key, rows, digest, rows_digest, resync, revision, state FROM scope ORDER BY key",
    "history": "SELECT src, kind, dst, scope_id, attributes, hash, until IS NULL AS open FROM edge_history ORDER BY 1",
    "edges": "SELECT src, kind, dst, scope_id, attributes, hash FROM edge ORDER BY 1, 2, 3",
    "operation": "SELECT state, step, told, claim, holding, final_at IS NOT NULL AS final FROM operation",
}


class Scene:
    """A scope without the fact, or with it, and a command about it that an engine has."""

    def __init__(self, graph: Graph, case: Case, held: bool) -> None:
        self.graph, self.case, self.held = graph, case, held
        self.world = World(graph)
        self.bus: Source = self.world.bus(case.scope)

    async def begin(self) -> "Scene":
        await self.bus.send(self.case.world(not self.held))
        await self.shows(not self.held)
        self.operation = await self.claimed()
        return self

    async def claimed(self) -> Operation:
        taken = arrived(command("grant" if self.held else "revoke"), traceparent=TRACE)
        _, claimed = await inbox.accept_and_claim(self.graph, taken, 30.0)
        assert claimed is not None
        return claimed.operation

    async def foresee(self) -> Foreseen:
        ends = [
            end
            for row in self.case.read(True).relations
            for end in ((row.source_kind, row.source), (row.target_kind, row.target))
        ]
        return await foresee(self.graph, self.case.scope, self.case.read(not self.held), *ends)

    def patch(self, fence: int | None = None) -> Patch:
        if fence is None:
            self.bus.sequence += 1
        cause = f"command {self.operation.id}"
        place = fence or self.bus.sequence
        return Patch(self.case.scope, self.bus.connector, place, BEGAN, cause, (self.case.read(self.held),))

    async def finish(self, foreseen: Foreseen, patch: Patch | None = None) -> Patched:
        ending = Ending("granted" if self.held else "revoked", Progress(request_ids=("r-1",)))
        patched = await operations.finish(self.graph, self.operation, ending, patch or self.patch(), foreseen)
        assert patched is not None
        return patched

    async def shows(self, held: bool) -> None:
        """The graph is that world, what was told adds up to it, and every row is sound."""
        assert rows(await self.world.hear()) == of(self.case.world(held))
        await sizes(self.graph)
        assert await check(self.graph) == []


async def dump(graph: Graph) -> dict[str, Any]:
    return {name: [dict(row) for row in await fetch(graph, statement)] for name, statement in ALL.items()}


async def last_told(graph: Graph) -> dict[str, Any]:
    row = (await fetch(graph, "SELECT type, body, message_id, subject FROM told ORDER BY id DESC LIMIT 1"))[0]
    message = BY_TYPE[row["type"]].parse(row["body"])
    return {**json.loads(row["body"]), "state": message.state, "message_id": row["message_id"], "to": row["subject"]}


@each_case
@both_ways
async def test_what_was_foreseen_comes_to_the_same(graph: Graph, case: Case, held: bool) -> None:
    scene = await Scene(graph, case, held).begin()
    foreseen = await scene.foresee()
    patch = scene.patch()
    simple = case in [CASES[name] for name in ALONE]
    assert (drafted(patch, foreseen, TRACE) is not None) == simple
    patched = await scene.finish(foreseen, patch)
    assert (patched.outcome, patched.revision) == ("applied", 2)
    await scene.shows(held)
    said = await last_told(graph)
    assert (said["revision"], said["command"], said["request_ids"]) == (2, str(scene.operation.id), ["r-1"])
    assert await told(graph) == ["accepted", "granted" if held else "revoked"]
    kept = await value(graph, "SELECT outcome FROM operation")
    assert {key: kept[key] for key in ("revision", "state")} == {"revision": 2, "state": said["state"]}
    assert {**said, **kept} == said
    audit = await value(graph, "SELECT detail FROM audit ORDER BY id DESC LIMIT 1")
    assert (audit["revision"], audit["request_ids"], audit["requester"]) == (2, ["r-1"], "bob")


@pytest.mark.parametrize("name", ALONE)
@both_ways
async def test_one_statement_writes_what_several_do(
    postgres_server: Server, template_url: str, name: str, held: bool
) -> None:
    dumps = []
    for way in ("at once", "foreseen", "expected"):
        async with cloned(postgres_server, template_url) as url, Graph.open(url, application_name="tests") as graph:
            scene = await Scene(graph, CASES[name], held).begin()
            foreseen = NOTHING if way == "at once" else await scene.foresee()
            patch = scene.patch()
            if way == "expected":
                foreseen = expecting(foreseen, patch, TRACE)
                assert foreseen.expected == patch
            await scene.finish(foreseen, patch)
            dumps.append(await dump(graph))
    assert any(dumps[0].values())
    commands = [str(each["snapshot"]).split()[0] for found in dumps for each in found["apply"]]
    assert commands.count("command") == len(dumps)
    assert [_without_ids(each) for each in dumps] == [_without_ids(dumps[0])] * len(dumps)


def _without_ids(found: dict[str, Any]) -> dict[str, Any]:
    """Commands and snapshots are others each time."""
    for row in (*found["apply"], *found["fences"]):
        row.pop("snapshot", None)
        row.pop("cause", None)
    return found


async def test_what_was_read_counts_and_not_what_was_expected(graph: Graph) -> None:
    scene = await Scene(graph, GROUPS, True).begin()
    foreseen, patch = await scene.foresee(), scene.patch()
    other = replace(patch, parts=(replace(patch.parts[0], relations=()),))
    foreseen = expecting(foreseen, other, TRACE)
    assert foreseen.expected == other
    await scene.finish(foreseen, patch)
    await scene.shows(True)


async def test_a_whole_reading_in_between_is_seen(graph: Graph) -> None:
    """It brought another group, and began before the fence: the reading after the write is newer than both."""
    scene = await Scene(graph, GROUPS, True).begin()
    foreseen = await scene.foresee()
    await scene.bus.send(GROUPS.world(True))
    assert (await scene.finish(foreseen)).outcome == "unchanged"
    await scene.shows(True)
    assert await told(graph) == ["accepted", "granted"]


async def test_a_later_whole_reading_is_what_readers_see(graph: Graph) -> None:
    scene = await Scene(graph, GROUPS, True).begin()
    foreseen, patch = await scene.foresee(), scene.patch()
    await scene.bus.send(GROUPS.world(False))
    assert (await scene.finish(foreseen, patch)).outcome == "older"
    await scene.shows(False)
    assert await told(graph) == ["accepted"]


async def test_another_command_of_the_part_in_between_is_seen(graph: Graph) -> None:
    scene = await Scene(graph, GROUPS, False).begin()
    foreseen = await scene.foresee()
    await patch(graph, scene.bus, groups_of(ALICE))
    assert (await scene.finish(foreseen)).outcome == "applied"
    await scene.shows(False)


async def test_it_waits_for_whoever_is_writing_the_scope_and_looks_again(graph: Graph) -> None:
    scene = await Scene(graph, GROUPS, True).begin()
    foreseen = await scene.foresee()
    async with graph.transaction() as other:
        await other.execute("SELECT pg_advisory_xact_lock(1, hashtext($1))", IAM)
        await other.execute("UPDATE scope SET resync = true WHERE key = $1", IAM)
        finishing = asyncio.create_task(scene.finish(foreseen))
        while not await value(graph, "SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not finishing.done()
    assert (await finishing).outcome == "applied"
    assert await value(graph, "SELECT resync FROM scope WHERE key = $1", IAM)
    await scene.shows(True)
    assert await told(graph) == ["accepted", "granted"]


async def test_a_look_at_another_part_is_no_foresight(graph: Graph) -> None:
    scene = await Scene(graph, GROUPS, False).begin()
    foreseen = await foresee(graph, IAM, groups_of(user("bert")))
    assert drafted(scene.patch(), foreseen, TRACE) is None
    assert (await scene.finish(foreseen)).outcome == "applied"
    await scene.shows(False)


async def test_who_lost_the_command_writes_nothing(graph: Graph) -> None:
    scene = await Scene(graph, GROUPS, True).begin()
    foreseen, before = await scene.foresee(), await dump(graph)
    await fetch(graph, "UPDATE operation SET claim = $1", uuid4())
    with pytest.raises(ClaimLost):
        await scene.finish(foreseen)
    after = await dump(graph)
    assert {**after, "operation": None} == {**before, "operation": None}
    await scene.shows(False)
    assert await told(graph) == ["accepted"]


async def test_a_relation_of_another_scope_stays_that_scopes(graph: Graph) -> None:
    """It cannot be foreseen, for the look is at this scope only."""
    scene = await Scene(graph, GROUPS, True).begin()
    other = scene.world.bus("iam/222222222222")
    await other.send(facts())
    foreseen, edge = await scene.foresee(), member(ADMINS, ALICE)
    await _own(graph, other.scope, edge)
    assert (await scene.finish(foreseen)).outcome == "unchanged"
    owners = await fetch(graph, "SELECT s.key FROM edge e JOIN scope s ON s.id = e.scope_id WHERE s.key <> $1", IAM)
    assert [row["key"] for row in owners] == [other.scope]
    assert await told(graph) == ["accepted", "granted"]


async def _own(graph: Graph, scope: str, relation: Any) -> None:
    """That scope has the relation, as one of two connectors that read the same account may."""
    await fetch(
        graph,
        """INSERT INTO edge (tenant_id, src, kind, dst, scope_id, attributes, hash, apply_id, since)
           SELECT 1, u.id, 2, g.id, s.id, '{}', $4, 1, now() FROM node u, node g, scope s
           WHERE u.native_id = $1 AND g.native_id = $2 AND s.key = $3""",
        relation.source,
        relation.target,
        scope,
        uuid4(),
    )
