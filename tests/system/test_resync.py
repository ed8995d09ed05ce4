"""After the first sync: nothing changed costs almost nothing, and what changed is told exactly, once, in order."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from grantwire.graph import Graph
from tests.support import following
from tests.support.keys import KEYS
from tests.support.oracle import check_order, judge
from tests.support.world import SERVICES, Sandbox, World, sandbox, world

GRAPH_TABLES = ("node", "edge", "node_history", "edge_history", "shared_node", "change_log", "outbox")


@pytest.fixture(scope="module")
def aws() -> Any:
    with sandbox(7, "--users", "30", "--groups", "8", "--roles", "40") as running:
        yield running


@pytest.fixture(scope="module")
def running(aws: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with world(tmp_path_factory.mktemp("resync") / "state", aws.environment(), *SERVICES) as started:
        yield started


@pytest.fixture
async def graph(aws: Sandbox, running: World) -> AsyncIterator[Graph]:
    async with Graph.open(running.database_url, application_name="tests", keys=KEYS) as opened:
        await following.add(opened, aws.connector())
        view = await following.sync(opened, "prod")
        assert view.state == "complete", running.logs()
        yield opened


async def written(graph: Graph) -> dict[str, tuple[int, str]]:
    """How many rows each table holds, and a fingerprint of where each row version lies and who wrote it.

    A rewritten row is a new version at a new place (ctid) by a new transaction (xmin), even with equal content. The
    server's own statistics say the same, but each backend tells them seconds later.
    """
    async with graph.connection() as connection:
        return {table: await _versions(connection, table) for table in GRAPH_TABLES}


async def _versions(connection: Any, table: str) -> tuple[int, str]:
    query = f"SELECT count(*), coalesce(md5(string_agg(ctid::text || xmin::text, ',' ORDER BY ctid)), '') FROM {table}"
    return tuple(await connection.fetchrow(query))


async def after(graph: Graph, running: World, act: Any) -> list[dict[str, Any]]:
    """The changes that one act in AWS and one sync bring about."""
    await following.drained(graph)
    before = len(await following.changes(running.nats_url))
    act()
    view = await following.sync(graph, "prod")
    assert view.state == "complete", running.logs()
    await following.drained(graph)
    told = await following.changes(running.nats_url)
    check_order(told)
    return told[before:]


async def test_the_first_load_is_one_change(graph: Graph, running: World) -> None:
    await following.drained(graph)
    first = (await following.changes(running.nats_url))[0]
    assert first["type"] == "scope.loaded"
    assert first["resources"]["iam_role"] == 40


async def test_an_unchanged_account_costs_six_calls_no_change_and_no_row(
    graph: Graph, aws: Sandbox, running: World
) -> None:
    before = await written(graph)
    aws.forget_calls()
    told = await after(graph, running, lambda: None)
    assert told == []
    assert 1 <= sum(aws.calls().values()) <= 6, aws.calls()
    assert await written(graph) == before


async def test_a_full_sync_of_an_unchanged_account_rewrites_no_row(graph: Graph) -> None:
    before = await written(graph)
    view = await following.sync(graph, "prod", full=True)
    assert view.state == "complete"
    assert await written(graph) == before


async def test_a_changed_trust_policy_is_told_once(graph: Graph, aws: Sandbox, running: World) -> None:
    iam, role = aws.admin(), "GrantwireConnectorMinimum"
    arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    told = await after(graph, running, lambda: iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust))
    assert sorted(change["type"] for change in told) == ["relation.added", "relation.removed", "resource.changed"]
    changed = next(change for change in told if change["type"] == "resource.changed")
    assert (changed["native_id"], changed["fields"]) == (arn, ["role_class", "trust_policy"])
    assert changed["values"] == {"role_class": "service"}, "a document is told by name only"
    added = next(change for change in told if change["type"] == "relation.added")
    assert (added["kind"], added["source"], added["target"]) == ("can_assume", "ec2.amazonaws.com", arn)


async def test_a_renamed_user_is_renamed_and_nothing_else(graph: Graph, aws: Sandbox, running: World) -> None:
    iam = aws.admin()
    _member_of_a_group(iam, "to-rename")
    old = await _arn_after_sync(graph, running, iam, "to-rename")
    told = await after(graph, running, lambda: iam.update_user(UserName="to-rename", NewUserName="renamed"))
    assert {change["type"] for change in told} == {"resource.renamed", "relation.renamed"}
    (renamed,) = [change for change in told if change["type"] == "resource.renamed"]
    assert renamed["previous_native_id"] == old
    assert renamed["native_id"].endswith("/renamed")
    relations = sorted(change["kind"] for change in told if change["type"] == "relation.renamed")
    assert relations == ["contains", "member_of"]


async def test_a_path_change_is_a_rename(graph: Graph, aws: Sandbox, running: World) -> None:
    iam = aws.admin()
    iam.create_user(UserName="to-move")
    old = await _arn_after_sync(graph, running, iam, "to-move")
    told = await after(graph, running, lambda: iam.update_user(UserName="to-move", NewPath="/moved/"))
    (renamed,) = [change for change in told if change["type"] == "resource.renamed"]
    assert (renamed["previous_native_id"], renamed["name"]) == (old, "to-move")
    assert "path" in renamed["fields"]
    assert {change["type"] for change in told} == {"resource.renamed", "relation.renamed"}


async def test_a_recreated_user_is_removed_and_added_and_inherits_nothing(
    graph: Graph, aws: Sandbox, running: World
) -> None:
    iam = aws.admin()
    iam.create_user(UserName="to-recreate")
    arn = await _arn_after_sync(graph, running, iam, "to-recreate")

    def recreate() -> None:
        iam.delete_user(UserName="to-recreate")
        iam.create_user(UserName="to-recreate")

    told = await after(graph, running, recreate)
    assert {change["mark"] for change in told} == {"recreated"}
    resources = [change for change in told if change.get("native_id") == arn]
    assert [change["type"] for change in resources] == ["resource.removed", "resource.added"]
    relations = [change["type"] for change in told if "source" in change]
    assert sorted(relations) == ["relation.added", "relation.removed"], "who contains it is told anew as well"


async def test_after_all_of_it_the_graph_equals_the_account(graph: Graph, aws: Sandbox, running: World) -> None:
    iam = aws.admin()
    role = iam.get_role(RoleName="GrantwireConnectorMinimum")["Role"]["Arn"]
    statement: dict[str, Any] = {"sid": None, "effect": "Allow", "actions": ["sts:AssumeRole"], "conditions": {}}
    expected = {
        "source": "ec2.amazonaws.com",
        "source_kind": "external_principal",
        "effect": "allow",
        "statements": [statement],
    }
    principal = {"principal_class": "service", "issuer": None}
    aws.text("expect", "POST", {"role_arn": role, "role_class": "service", "can_assume": [{**expected, **principal}]})
    await following.sync(graph, "prod")
    verdict = judge(aws.truth(), await following.export(graph))
    assert verdict.equal, str(verdict)


def _member_of_a_group(iam: Any, user: str) -> None:
    iam.create_user(UserName=user)
    group = iam.list_groups()["Groups"][0]["GroupName"]
    iam.add_user_to_group(UserName=user, GroupName=group)


async def _arn_after_sync(graph: Graph, running: World, iam: Any, user: str) -> str:
    await after(graph, running, lambda: None)
    return str(iam.get_user(UserName=user)["User"]["Arn"])
