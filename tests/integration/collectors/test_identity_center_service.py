"""The Identity Center collector on a real bus and database: every scope applied, and then the truth of changes."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from grantwire.collectors.identity_center import service
from grantwire.contracts import chunks
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.ids import scope_account
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.resources import Facts
from grantwire.contracts.snapshots import Body, Outcome, SnapshotBegun, SnapshotSealed
from grantwire.graph import apply_seal
from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.center import instance_of, scopes_of
from tests.integration.collectors.conftest import use
from tests.integration.collectors.reading import connector, exported, id_of, truth
from tests.integration.collectors.stage import Stage, bodies, staged
from tests.support.keys import SECRET_KEY
from tests.support.nats import NatsServer
from tests.support.postgres import database_url, postgres_server, template_url

__all__ = ["database_url", "postgres_server", "template_url"]
SIZES = DirectorySizes(12, 6, 5, 8)


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as running:
        yield running


@pytest.fixture
def organized(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with start(1, users=4, groups=2, roles=4, accounts=4, calm=True, identity_center=True, directory=SIZES) as sandbox:
        use(sandbox, monkeypatch)
        yield sandbox
        assert sandbox.violations() == []


@pytest_asyncio.fixture
async def stage(organized: Sandbox, server: NatsServer, database_url: str) -> AsyncIterator[Stage]:
    told: dict[str, Any] = {
        "database_url": database_url,
        "nats_url": server.url,
        "aws_read_timeout": 20.0,
        "aws_attempts": 2,
        "secret_key": SECRET_KEY,
        "identity_center_rate": 0,
    }
    settings = connector(organized, "organization")
    built = service.build(service.Settings(**told))
    async with staged(organized, settings, server.url, database_url, built) as running:
        yield running


def job_of(stage: Stage, scope: str) -> CollectScope:
    return CollectScope(
        run="r",
        connector="prod",
        settings_version=1,
        source="identity_center",
        scope=scope,
        account=scope_account(scope),  # type: ignore[arg-type]
        organization=id_of(stage.sandbox),
        identity_center=instance_of(stage.sandbox),
    )


async def collect(stage: Stage, scope: str, **but: Any) -> tuple[SnapshotSealed, Facts]:
    """The seal of one scope, which the graph applies, and its facts."""
    seal, messages = await stage.collect(job_of(stage, scope), **but)
    found = bodies(seal, messages)
    await apply_seal(stage.graph, seal, found, traceparent=None)
    return seal, chunks.decode(found)


async def collect_all(stage: Stage) -> list[tuple[SnapshotSealed, Facts]]:
    return [await collect(stage, scope) for scope in scopes_of(stage.sandbox)]


async def test_every_scope_is_sealed_for_what_it_is_about_and_together_they_are_the_truth(stage: Stage) -> None:
    ended = await collect_all(stage)
    for seal, _ in ended:
        assert (seal.outcome, seal.reason, seal.unread) == (Outcome.COMPLETE, None, [])
        assert seal.account == (seal.scope.partition("/")[2] if seal.scope.startswith("assignments/") else None)
    assert {seal.plan for seal, _ in ended} == {"list", "by_group", "details", "pairs"}
    wanted = truth(stage.sandbox, accounts=[], sources=("identity_center",), without=("realized_as",))
    assert exported(*(facts for _, facts in ended)) == wanted


async def test_a_list_that_lacks_what_the_graph_has_is_not_believed(stage: Stage) -> None:
    await collect_all(stage)
    stage.sandbox.fault({"kind": "empty", "operation": "ListGroupMemberships"})
    seal, _ = await collect(stage, scopes_of(stage.sandbox)[3])
    assert (seal.outcome, seal.reason and seal.reason.code) == (Outcome.STALE, "inconsistent")
    assert seal.reason is not None and "still there" in seal.reason.text


async def test_what_went_is_gone_and_what_did_not_change_is_only_sealed(stage: Stage) -> None:
    await collect_all(stage)
    known = truth(stage.sandbox, accounts=[], sources=("identity_center",), without=("realized_as",))
    shown = stage.sandbox.identity_center()
    assigned = {row["principal"] for row in shown["Assignment"]}
    stage.sandbox.identity_center(
        {"delete_user": next(row["id"] for row in shown["Person"] if row["id"] in assigned)},
        {"delete_group": next(row["id"] for row in shown["Team"] if row["id"] in assigned)},
    )
    ended = await collect_all(stage)
    wanted = truth(stage.sandbox, accounts=[], sources=("identity_center",), without=("realized_as",))
    assert exported(*(facts for _, facts in ended)) == wanted != known
    seal, _ = await collect(stage, scopes_of(stage.sandbox)[1], known_digest=ended[1][0].digest)
    assert (seal.outcome, seal.body) == (Outcome.COMPLETE, Body.UNCHANGED)


async def test_throttling_is_waited_out_and_a_lost_instance_is_said(stage: Stage) -> None:
    users = scopes_of(stage.sandbox)[1]
    stage.sandbox.fault({"kind": "throttle", "operation": "ListUsers", "times": 3})
    seal, messages = await stage.collect(job_of(stage, users))
    assert seal.outcome is Outcome.COMPLETE
    kinds = [Envelope.read(message.headers).type for message in messages]
    assert kinds.count(SnapshotBegun.type()) == 2
    other = instance_of(stage.sandbox).model_copy(update={"instance_arn": "arn:aws:sso:::instance/ssoins-gone"})
    seal, _ = await stage.collect(job_of(stage, users), identity_center=other)
    assert (seal.outcome, seal.reason and seal.reason.code) == (Outcome.STALE, "wrong_instance")
    assert seal.reason is not None and "save the connector again" in seal.reason.text
