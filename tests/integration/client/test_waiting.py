"""The client on a real server with an account per team: no outcome is missed, no command is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from grantwire import bus
from grantwire.client import Client, Grantwire, Outcome, Pace, StillRunning
from grantwire.client.naming import command_of
from grantwire.contracts.commands import AccessCommand
from grantwire.contracts.failures import DependencyDown, GrantwireError
from grantwire.contracts.outcomes import CommandRefused
from grantwire.identity import new_seed
from tests.integration.bus.keyed import Keyed, keyed
from tests.integration.client.answering import FarEnd, command_in, far_end, say
from tests.support.eventually import eventually

USER = "iam_user:arn:aws:iam::123456789012:user/ann"
GROUP = "iam_group:arn:aws:iam::123456789012:group/admins"
SAID: dict[str, Any] = {"connector": "prod", "reason": "INC-7", "requester": "ann@example.com"}
QUICK = Pace(answer=0.3, ask=0.05, copy=0.1, idle=1.0)
SELDOM = Pace(answer=30.0, ask=300.0)


@pytest.fixture(scope="module")
def house() -> Iterator[Keyed]:
    with keyed() as running:
        asyncio.run(bus.apply(running.server.url, seed=running.seeds["admin"]))
        yield running


@pytest_asyncio.fixture
async def end(house: Keyed) -> AsyncIterator[FarEnd]:
    async with far_end(house) as ready:
        yield ready


def gateway(house: Keyed, pace: Pace = QUICK, team: str = "payments") -> Grantwire:
    return Grantwire(house.server.url, nkey_seed=house.seeds[team], pace=pace)


def asking(gw: Client, id: UUID | None = None, **options: Any) -> "asyncio.Task[Outcome]":
    return asyncio.create_task(gw.grant(USER, GROUP, id=id or uuid4(), **{**SAID, "timeout": 60.0, **options}))


async def stored(end: FarEnd, id: UUID, count: int = 1) -> list[AccessCommand]:
    async def there() -> list[AccessCommand]:
        found = [command_in(each) for each in await end.commands()]
        return mine if len(mine := [each for each in found if each.id == id]) >= count else []

    return await eventually(there, what=f"{count} copies of {id}")


async def test_an_outcome_that_is_told_comes_at_once_with_what_came_before(house: Keyed, end: FarEnd) -> None:
    heard: list[str] = []
    async with gateway(house, SELDOM) as gw:
        asked = asking(gw, id := uuid4(), progress=lambda told: heard.append(told.state))
        (command,) = await stored(end, id)
        await end.tell(command, "accepted", 0)
        await end.tell(command, "granted", 1, revision=7)
        outcome = await asked
    assert (outcome.state, outcome.revision, heard) == ("granted", 7, ["accepted", "granted"])


async def test_an_outcome_that_nobody_heard_is_asked_for(house: Keyed, end: FarEnd) -> None:
    async with gateway(house) as gw:
        asked = asking(gw, id := uuid4())
        (command, *_) = await stored(end, id)
        end.answers[id] = say(command, "granted", 4)
        assert (await asked).n == 4


async def test_an_outcome_told_while_the_connection_was_lost_is_asked_for_when_it_is_back() -> None:
    with keyed() as house:
        await bus.apply(house.server.url, seed=house.seeds["admin"])
        async with gateway(house, SELDOM) as gw:
            async with far_end(house) as end:
                asked = asking(gw, id := uuid4())
                (command,) = await stored(end, id)
            while not asked.done():  # once more where the client is back before its far end is
                house.server.restart()
                async with far_end(house) as end:
                    end.answers[id] = say(command, "granted", 1)
                    await asyncio.wait({asked}, timeout=15)
            assert (await asked).state == "granted"


async def test_a_command_that_nobody_takes_is_sent_again_with_the_same_body_until_it_is(
    house: Keyed, end: FarEnd
) -> None:
    heard: list[str] = []
    async with gateway(house) as gw:
        asked = asking(gw, id := uuid4(), progress=lambda told: heard.append(told.state))
        copies = await stored(end, id, 3)
        assert len({each.fingerprint() for each in copies}) == 1
        end.answers[id] = say(copies[0], "accepted", 0)
        await eventually(lambda: heard == ["accepted"])
        seen, asks = len(await stored(end, id)), len(end.asked)
        await eventually(lambda: len(end.asked) > asks + 8)
        assert len(await stored(end, id)) <= seen + 1, "it was taken: nothing is sent any more"
        end.answers[id] = say(copies[0], "granted", 1)
        assert (await asked).state == "granted"


async def test_a_command_published_while_the_bus_is_away_is_stored_when_it_is_back_once() -> None:
    with keyed() as house:
        await bus.apply(house.server.url, seed=house.seeds["admin"])
        async with gateway(house, Pace(answer=0.3, ask=0.2, copy=300.0)) as gw:
            house.server.kill()
            asked = asking(gw, id := uuid4(), timeout=60.0)
            await asyncio.wait({asked}, timeout=0.5)
            house.server.start()
            async with far_end(house) as end:
                (command,) = await stored(end, id)
                await end.tell(command, "granted", 0)
                assert (await asked).state == "granted"
                assert len(await stored(end, id)) == 1


async def test_when_time_is_up_it_says_what_still_runs(house: Keyed, end: FarEnd) -> None:
    async with gateway(house, SELDOM) as gw:
        asked = asking(gw, id := uuid4(), timeout=10.0)
        (command,) = await stored(end, id)
        await end.tell(command, "accepted", 0)
        with pytest.raises(StillRunning, match="'accepted', and it goes on; next: wait on with outcome") as caught:
            await asked
    assert (caught.value.command, caught.value.stored) == (id, True)
    assert caught.value.last is not None and caught.value.last.state == "accepted"


async def test_an_id_that_another_body_has_is_refused_for_the_second_sender_alone(house: Keyed, end: FarEnd) -> None:
    async with gateway(house, SELDOM) as gw, gateway(house, SELDOM) as other:
        first = asking(gw, id := uuid4())
        (command,) = await stored(end, id)
        second = asking(other, id, reason="INC-8")
        (_, reused) = await stored(end, id, 2)
        await end.tell(reused, "refused", -1)
        refused = await second
        assert isinstance(refused, CommandRefused) and refused.n == -1
        await end.tell(command, "granted", 1)
        assert (await first).state == "granted"


async def test_a_command_carries_its_envelope_and_its_own_message_id(house: Keyed, end: FarEnd) -> None:
    async with gateway(house, SELDOM) as gw:
        asked = asking(gw, id := uuid4())
        (command,) = await stored(end, id)
        await end.tell(command, "granted", 0)
        await asked
    (message,) = [each for each in await end.commands() if command_in(each).id == id]
    assert message.subject == "gw.cmd.payments.prod.123456789012.grant"
    assert message.headers["Nats-Msg-Id"] == f"{id}:{command.fingerprint()}"
    assert (message.headers["ce-id"], message.headers["ce-type"]) == (str(id), "dev.grantwire.grant.access.v1")


async def test_a_command_carries_the_trace_of_whoever_sends_it(house: Keyed, end: FarEnd) -> None:
    callers = SpanContext(int("a" * 32, 16), int("b" * 16, 16), is_remote=False, trace_flags=TraceFlags(1))
    async with gateway(house, SELDOM) as gw:
        with use_span(NonRecordingSpan(callers)):
            asked = asking(gw, id := uuid4())
        (command,) = await stored(end, id)
        await end.tell(command, "granted", 0)
        await asked
    (message,) = [each for each in await end.commands() if command_in(each).id == id]
    assert message.headers["traceparent"].split("-")[1] == "a" * 32


async def test_people_are_spoken_for_by_the_api_under_their_own_team(house: Keyed, end: FarEnd) -> None:
    seed = house.seeds["api"]
    async with Grantwire(house.server.url, nkey_seed=seed, team="operators", inbox="_INBOX.api", pace=SELDOM) as gw:
        asked = asking(gw, id := uuid4())
        (command,) = await stored(end, id)
        await end.tell(command, "granted", 0, team="operators")
        assert (await asked).team == "operators"
    assert end.asked == [f"gw.ask.operators.{id}"]
    (message,) = [each for each in await end.commands() if command_in(each).id == id]
    assert message.subject.startswith("gw.cmd.operators.prod.")


async def test_a_key_that_may_not_command_is_told_so(house: Keyed, end: FarEnd) -> None:
    async with Grantwire(house.server.url, nkey_seed=house.seeds["relay"], inbox="_INBOX.relay", pace=QUICK) as gw:
        with pytest.raises(GrantwireError, match="does not let this key publish gw"):
            await asking(gw)


async def test_a_key_that_the_server_does_not_know_is_not_let_in(house: Keyed) -> None:
    with pytest.raises(DependencyDown, match="does not let grantwire-client in"):
        async with Grantwire(house.server.url, nkey_seed=new_seed(), patience=30.0):
            pass


async def test_no_server_is_said_within_the_patience() -> None:
    with pytest.raises(DependencyDown, match=r"127\.0\.0\.1:1 does not let"):
        async with Grantwire("nats://user:secret@127.0.0.1:1", patience=0.3):
            pass


async def test_sending_without_waiting_ends_when_the_bus_has_it(house: Keyed, end: FarEnd) -> None:
    command = command_of("grant", USER, GROUP, id=uuid4(), **SAID)
    async with gateway(house, SELDOM) as gw:
        await gw.send(command)
        assert await stored(end, command.id) == [command]
