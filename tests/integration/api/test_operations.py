"""Commands of people over HTTP: asked for by name, seen as they are, ended while nothing was written."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import nats
import pytest_asyncio

from grantwire.bus.readback import Stored, stored
from grantwire.contracts.commands import BY_VERB, AccessCommand
from grantwire.contracts.resources import Resource
from grantwire.contracts.snapshots import Reason
from grantwire.graph import inbox
from grantwire.graph.operation import Ending, Progress
from grantwire.graph.operations import claim, finish
from grantwire.telemetry import monotonic
from tests.integration.api.conftest import ACCOUNT, Stage
from tests.integration.graph.commands import arrived
from tests.integration.graph.scenes import Bus, arn, facts, group, user

SAID = {"reason": "INC-7"}
ANN, DEV = arn("user", "ann", ACCOUNT), arn("group", "dev", ACCOUNT)


@pytest_asyncio.fixture
async def read(stage: Stage) -> AsyncIterator[Stage]:
    """One account that was read."""
    await stage.add()
    rows = [user("ann", "AIDAANN", ACCOUNT), group("dev", ACCOUNT), group("ops", ACCOUNT)]
    await Bus(stage.graph, account=ACCOUNT).send(facts(rows))
    yield stage


async def ask(stage: Stage, verb: str = "grant", **but: Any) -> httpx.Response:
    body = {"verb": verb, "principal": "ann", "target": "dev", **SAID, **but}
    return await stage.http.post("/v1/operations", json=body)


async def on_the_bus(stage: Stage, urls: dict[str, str]) -> list[Stored]:
    client = await nats.connect(urls["nats_url"])
    try:
        return [each async for each in stored(client, "COMMANDS", "gw.cmd.operators.>", 1, deadline=monotonic() + 60)]
    finally:
        await client.close()


async def taken(stage: Stage, answer: httpx.Response) -> UUID:
    """What the provisioner does with it first."""
    said = answer.json()["command"]
    verb = "grant" if answer.request.content.find(b'"grant"') > 0 else "revoke"
    await inbox.accept(stage.graph, arrived(BY_VERB[verb].model_validate(said), team="operators"))
    return UUID(said["id"])


async def test_it_is_on_the_bus_under_the_team_of_people_with_everything_that_it_needs(
    read: Stage, urls: dict[str, str]
) -> None:
    answer = await ask(read, id=str(id := uuid4()))
    assert answer.status_code == 202, answer.text
    message = next(each for each in await on_the_bus(read, urls) if str(id).encode() in each.body)
    assert message.subject == f"gw.cmd.operators.prod.{ACCOUNT}.grant"
    command: AccessCommand = BY_VERB["grant"].parse(message.body)
    assert (command.principal.native_id, command.target.native_id) == (ANN, DEV)
    assert (command.unique_id, command.requester, command.reason) == ("AIDAANN", "admin", "INC-7")
    assert answer.json()["href"] == f"/v1/operations/{id}"


async def test_a_name_that_means_nothing_or_does_not_fit_is_refused_before_anything_is_sent(
    read: Stage, urls: dict[str, str]
) -> None:
    before = len(await on_the_bus(read, urls))
    missing, unfit = await ask(read, principal="anne"), await ask(read, principal="dev", target="ops")
    empty, late = await ask(read, reason=""), await ask(read, valid_until="2026-12-31T00:00:00")
    unknown = await ask(read, of="nothing")
    assert [each.status_code for each in (missing, unfit, empty, late, unknown)] == [404, 422, 422, 422, 422]
    assert "Did you mean ann?" in missing.json()["detail"]
    assert len(await on_the_bus(read, urls)) == before


async def test_what_several_things_answer_to_comes_with_the_candidates(read: Stage) -> None:
    twin = user("team/ann", "AIDATWIN", ACCOUNT)
    rows = [user("ann", "AIDAANN", ACCOUNT), twin, group("dev", ACCOUNT)]
    await read_again(read, rows)
    answer = await ask(read)
    assert answer.status_code == 409 and answer.json()["candidates"] == sorted([ANN, twin.native_id])


async def test_a_command_is_seen_as_it_is_and_ended(read: Stage) -> None:
    id = await taken(read, await ask(read))
    listed = (await read.http.get("/v1/operations", params={"open": True})).json()["operations"]
    assert [(each["id"], each["state"], each["open"]) for each in listed] == [(str(id), "accepted", True)]
    assert (listed[0]["principal"]["display"], listed[0]["target"]["native_id"]) == ("ann", DEV)
    assert (await read.http.post(f"/v1/operations/{id}/cancel")).status_code == 202
    again = await read.http.post(f"/v1/operations/{id}/cancel")
    assert again.status_code == 409 and "admin has cancelled" in again.json()["detail"]
    await _ended(read, Reason(code="cancelled", text="It was cancelled by admin."))
    shown = (await read.http.get(f"/v1/operations/{id}")).json()
    assert (shown["state"], shown["open"], shown["told"]["reason"]["code"]) == ("refused", False, "cancelled")
    assert [line["what"] for line in shown["audit"]] == ["accepted", "cancel_asked", "refused"]
    late = await read.http.post(f"/v1/operations/{id}/cancel")
    assert late.status_code == 409 and "has ended as refused" in late.json()["detail"]
    assert (await read.http.get("/v1/operations", params={"open": True})).json()["operations"] == []


async def test_the_list_goes_on_from_its_last_line(read: Stage) -> None:
    ids = [str(await taken(read, await ask(read, target=target))) for target in ("dev", "ops")]
    first = (await read.http.get("/v1/operations", params={"limit": 1})).json()
    second = (await read.http.get("/v1/operations", params={"limit": 1, "before": first["next"]})).json()
    assert [each["operations"][0]["id"] for each in (first, second)] == ids[::-1]
    other = await read.http.get("/v1/operations", params={"team": "payments"})
    assert other.json()["operations"] == []


async def test_news_of_a_command_come_when_there_are_some(read: Stage) -> None:
    answer = await ask(read)
    events = answer.json()["events"]
    assert (await read.http.get(events, params={"wait": 0})).json() == {"cursor": "", "operation": None}
    await taken(read, answer)
    first = (await read.http.get(events)).json()
    assert first["operation"]["state"] == "accepted"
    same = (await read.http.get(events, params={"after": first["cursor"], "wait": 0.2})).json()
    assert same["cursor"] == first["cursor"]
    await _ended(read, Reason(code="x", text="y"))
    last = (await read.http.get(events, params={"after": first["cursor"]})).json()
    assert (last["operation"]["state"], last["operation"]["open"]) == ("refused", False)


async def test_one_that_nobody_sent_is_not_found(read: Stage) -> None:
    for way in ("", "/cancel"):
        method = read.http.post if way else read.http.get
        assert (await method(f"/v1/operations/{uuid4()}{way}")).status_code == 404
    assert (await read.http.get("/v1/operations/7")).status_code == 422


async def test_waiting_ends_without_an_outcome_while_no_provisioner_runs(read: Stage) -> None:
    answer = await ask(read, wait=0.5)
    assert (answer.status_code, answer.json()["told"]) == (202, None)


async def _ended(stage: Stage, reason: Reason) -> None:
    claimed = await claim(stage.graph, 30.0)
    assert claimed is not None
    await finish(stage.graph, claimed.operation, Ending("refused", Progress(), reason))


async def read_again(stage: Stage, rows: list[Resource]) -> None:
    """A reading that began later than the one of the fixture."""
    bus = Bus(stage.graph, account=ACCOUNT)
    for _ in range(2):
        await bus.send(facts(rows))
