"""One suite for the client and for its fake: what a team's tests see is what the real thing does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from grantwire.client import Client, CursorLost, Followed, Outcome, StillRunning
from grantwire.contracts.changes import RelationAdded, RelationRemoved
from grantwire.contracts.failures import Invalid, NotFound
from grantwire.contracts.outcomes import (
    AccessGone,
    AccessGranted,
    AccessHeld,
    AccessRevoked,
    CommandExpired,
    CommandPlanned,
    CommandRefused,
    CommandSuperseded,
)
from tests.support.eventually import eventually
from tests.support.gateways import Stage, Stages, in_memory
from tests.support.gateways_real import real
from tests.support.postgres import Server, postgres_server, template_url

__all__ = ["postgres_server", "template_url"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
Send = Callable[..., Awaitable[Outcome]]
PAST = datetime(2026, 1, 1, tzinfo=UTC)
STORED = 1.5  # seconds within which the bus has acknowledged a command, if the machine does not pause


@pytest_asyncio.fixture(params=["fake", "real"], scope="module", loop_scope="module")
async def stages(request: pytest.FixtureRequest, postgres_server: Server, template_url: str) -> AsyncIterator[Stages]:
    async with in_memory() if request.param == "fake" else real(postgres_server, template_url) as ready:
        yield ready


@pytest_asyncio.fixture(loop_scope="module")
async def stage(stages: Stages) -> Stage:
    return await stages()


@pytest_asyncio.fixture(loop_scope="module")
async def gw(stage: Stage) -> AsyncIterator[Client]:
    async with stage.gateway("payments") as ready:
        yield ready


def said(stage: Stage, **but: Any) -> dict[str, Any]:
    return {"connector": stage.connector, "reason": "INC-7", "requester": "ann@example.com", **but}


async def grant(stage: Stage, gw: Client, **but: Any) -> Outcome:
    return await gw.grant(stage.user, stage.group, **said(stage, **but))


async def revoke(stage: Stage, gw: Client, **but: Any) -> Outcome:
    return await gw.revoke(stage.user, stage.group, **said(stage, **but))


async def waiting_for_nobody(send: Send, stage: Stage, gw: Client, id: UUID) -> StillRunning:
    """What is said of a command that the bus has while no provisioner runs. Where it was not stored in time it is sent
    again under its id, as a team does."""

    async def stored() -> StillRunning | None:
        with pytest.raises(StillRunning) as caught:
            await send(stage, gw, id=id, timeout=STORED)
        return caught.value if caught.value.stored else None

    return await eventually(stored, what=f"command {id} on the bus")


async def take(gw: Client, cursor: str, count: int) -> list[Followed]:
    changes = gw.changes(cursor)
    async with asyncio.timeout(60):
        return [await anext(changes) for _ in range(count)]


async def test_do_do_again_undo_undo_again(stage: Stage, gw: Client) -> None:
    first = await grant(stage, gw)
    assert isinstance(first, AccessGranted) and first.request_ids and first.revision
    assert first.observed is not None and first.observed.held and await stage.held()
    assert isinstance(await grant(stage, gw), AccessHeld)
    last = await revoke(stage, gw)
    assert isinstance(last, AccessRevoked) and last.revision is not None and last.revision > first.revision
    assert last.observed is not None and not last.observed.held and not await stage.held()
    assert isinstance(await revoke(stage, gw), AccessGone)
    assert await stage.writes() == 2


async def test_an_outcome_names_its_command(stage: Stage, gw: Client) -> None:
    outcome = await grant(stage, gw, id=(id := uuid4()))
    assert (outcome.command, outcome.team, outcome.verb, outcome.connector) == (
        id,
        "payments",
        "grant",
        stage.connector,
    )
    assert (outcome.principal, outcome.target, outcome.requester) == (stage.user, stage.group, "ann@example.com")
    assert outcome.final


async def test_ends_may_be_named_by_text(stage: Stage, gw: Client) -> None:
    user, group = (f"{ref.kind}:{ref.native_id}" for ref in (stage.user, stage.group))
    assert isinstance(await gw.grant(user, group, **said(stage)), AccessGranted)


async def test_what_happens_meanwhile_is_told_in_order(stage: Stage, gw: Client) -> None:
    heard: list[Any] = []
    await grant(stage, gw, progress=heard.append)
    assert [(each.state, each.n) for each in heard] == [("accepted", 0), ("granted", 1)]


async def test_the_same_command_again_is_carried_out_once(stage: Stage, gw: Client) -> None:
    id = uuid4()
    assert await grant(stage, gw, id=id) == await grant(stage, gw, id=str(id))
    assert await stage.writes() == 1


@pytest.mark.parametrize("change", [{"reason": "INC-8"}, {"requester": "bob@example.com"}, {"dry_run": True}], ids=str)
async def test_the_same_id_with_another_body_is_refused_and_the_first_stands(
    stage: Stage, gw: Client, change: dict[str, Any]
) -> None:
    first = await grant(stage, gw, id=(id := uuid4()))
    second = await grant(stage, gw, id=id, **change)
    assert isinstance(second, CommandRefused) and second.reason is not None and second.reason.code == "id_reused"
    assert await gw.outcome(id) == first


async def test_an_unknown_principal_is_refused_and_nothing_is_written(stage: Stage, gw: Client) -> None:
    outcome = await gw.grant(stage.nobody, stage.group, **said(stage))
    assert isinstance(outcome, CommandRefused) and outcome.reason is not None
    assert outcome.reason.code == "unknown_principal"
    assert await stage.writes() == 0


async def test_a_dry_run_plans_and_writes_nothing(stage: Stage, gw: Client) -> None:
    outcome = await grant(stage, gw, dry_run=True)
    assert isinstance(outcome, CommandPlanned) and outcome.reason is None
    assert [each.writes for each in outcome.plan].count(True) == 1
    assert not await stage.held() and await stage.writes() == 0
    planned = await revoke(stage, gw, dry_run=True)
    assert planned.reason is not None and planned.reason.code == "nothing_to_do"


async def test_a_command_that_is_too_late_expires(stage: Stage, gw: Client) -> None:
    assert isinstance(await grant(stage, gw, valid_until=PAST), CommandExpired)
    assert await stage.writes() == 0


async def test_while_no_provisioner_runs_time_is_up_and_the_command_goes_on(stage: Stage, gw: Client) -> None:
    await stage.rest()
    running = await waiting_for_nobody(grant, stage, gw, id := uuid4())
    assert (running.command, running.last) == (id, None)
    await stage.wake()
    assert isinstance(await gw.outcome(id), AccessGranted)


async def test_the_newest_intent_wins(stage: Stage, gw: Client) -> None:
    await stage.rest()
    ids = uuid4(), uuid4()
    for send, id in zip((grant, revoke), ids, strict=True):
        await waiting_for_nobody(send, stage, gw, id)
    await stage.wake()
    first, second = [type(await gw.outcome(id)) for id in ids]
    # Two messages of two consumers: the older may be carried out before the newer is in the inbox.
    ends: dict[tuple[type, type], int] = {(CommandSuperseded, AccessGone): 0, (AccessGranted, AccessRevoked): 2}
    assert await stage.writes() == ends[first, second]


async def test_who_follows_a_command_that_ended_hears_its_outcome(stage: Stage, gw: Client) -> None:
    outcome = await grant(stage, gw, id=(id := uuid4()))
    assert [each async for each in gw.follow(id)] == [outcome]


async def test_who_follows_a_command_hears_it_to_its_end(stage: Stage, gw: Client) -> None:
    await stage.rest()
    await waiting_for_nobody(grant, stage, gw, id := uuid4())
    following = asyncio.create_task(_states(gw, id))
    await stage.wake()
    assert (await asyncio.wait_for(following, 60))[-1] == "granted"


async def _states(gw: Client, id: UUID) -> list[str]:
    return [each.state async for each in gw.follow(id)]


async def test_a_command_that_nobody_sent_is_not_found(stage: Stage, gw: Client) -> None:
    with pytest.raises(NotFound, match="Nobody has heard of command"):
        await gw.outcome(uuid4(), timeout=0.5)


async def test_another_team_hears_nothing_of_it(stage: Stage, gw: Client) -> None:
    await grant(stage, gw, id=(id := uuid4()))
    async with stage.gateway("billing") as other:
        with pytest.raises(NotFound):
            await other.outcome(id, timeout=0.5)
        again = await grant(stage, other, id=id, reason="ours")
        assert isinstance(again, AccessHeld) and again.team == "billing", "an id is its team's own"


async def test_what_makes_no_sense_is_never_sent(stage: Stage, gw: Client) -> None:
    with pytest.raises(Invalid, match="kind:native_id"):
        await gw.grant("ann", stage.group, **said(stage))
    with pytest.raises(Invalid, match="not in 210987654321"):
        await grant(stage, gw, account="210987654321")
    with pytest.raises(Invalid, match="UUIDs"):
        await grant(stage, gw, id="7")


async def test_changes_follow_a_cursor(stage: Stage, gw: Client) -> None:
    start = await gw.cursor()
    granted, revoked = await grant(stage, gw), await revoke(stage, gw)
    first, second = await take(gw, start, 2)
    assert isinstance(first.change, RelationAdded) and isinstance(second.change, RelationRemoved)
    assert (first.change.source, first.change.target) == (stage.user.native_id, stage.group.native_id)
    assert [first.change.revision, second.change.revision] == [granted.revision, revoked.revision]
    assert first.change.cause == f"command {granted.command}"
    assert [each.change for each in await take(gw, first.cursor, 1)] == [second.change]


async def test_a_change_that_comes_while_somebody_waits_is_told(stage: Stage, gw: Client) -> None:
    changes = gw.changes()
    waiting = asyncio.create_task(anext(changes))
    await eventually(lambda: changes.looks > 1 and changes.lag == 0)
    outcome = await grant(stage, gw)
    assert (await asyncio.wait_for(waiting, 60)).change.revision == outcome.revision


async def test_a_cursor_that_leads_nowhere_says_what_to_do(stage: Stage, gw: Client) -> None:
    start = await gw.cursor()
    await grant(stage, gw)
    await take(gw, start, 1)
    await stage.forget_changes()
    with pytest.raises(CursorLost, match="next: read the baseline"):
        await anext(gw.changes(start))
    with pytest.raises(Invalid, match="not a cursor"):
        await anext(gw.changes("of something else"))
