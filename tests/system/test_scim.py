"""A connector whose SCIM is on, denied, throttled, silent, half-listed or old: the graph is true, nobody is removed."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support import following
from tests.support.house import House, house, use
from tests.support.nats import NatsServer
from tests.support.oracle import judge
from tests.support.postgres import database_url, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["database_url", "postgres_server", "template_url"]

USERS = 120
SIZE = ("--users", "4", "--groups", "2", "--roles", "8", "--directory-users", str(USERS), "--directory-groups", "2")
LIST = {"service": "scim", "operation": "ListUsers"}


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(5, "--identity-center", "account", "--scim", *SIZE) as running:
        yield running


@pytest.fixture(scope="module")
def nats() -> Iterator[NatsServer]:
    with NatsServer() as running:
        yield running


@pytest_asyncio.fixture
async def home(
    aws: Sandbox, nats: NatsServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Collectors that give up after a second delivery; the connector is there and was read once."""
    aws.text("reset", "POST")
    use(aws, monkeypatch)
    async with house(database_url, nats.url, impatient=True) as running:
        await following.add(running.graph, {**aws.connector(), **aws.scim})
        view = await following.sync(running.graph, "prod")
        assert view.state == "complete", [(part.scope, part.reason) for part in view.scopes if part.reason]
        await is_true(aws, running)
        yield running


async def is_true(aws: Sandbox, home: House) -> None:
    truth = aws.text("truth?sources=iam,scim").splitlines()
    verdict = judge(truth, await following.export(home.graph), aws.get("truth/unread?sources=iam,scim"))
    assert verdict.equal, str(verdict)


async def scope(home: House) -> Any:
    (found,) = [each for key, each in (await following.scopes(home.graph)).items() if key.startswith("scim/")]
    return found


async def removed(home: House) -> list[dict[str, Any]]:
    await following.drained(home.graph)
    return [each for each in await following.changes(home.nats_url) if each["type"].endswith(".removed")]


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "unauthorized"}, "denied", "next: rotate the token"),
    ({"kind": "deny"}, "denied", "automatic provisioning is still enabled"),
    ({"kind": "throttle"}, "throttled", "refuses requests for their rate (HTTP 429)"),
    ({"kind": "error", "status": 503}, "transient", "could not answer (HTTP 503)"),
    ({"kind": "timeout"}, "transient", "did not answer to the end in time"),
    ({"kind": "cut"}, "transient", "is cut or is not HTTP"),
    ({"kind": "garbage"}, "transient", "instead of JSON"),
    ({"kind": "garbage", "body": ""}, "transient", "instead of JSON"),
    ({"kind": "drop"}, "transient", "is cut or is not HTTP"),
    ({"kind": "redirect"}, "final", "redirect (HTTP 302), which is not followed"),
]


@pytest.mark.parametrize("page", [1, 2])
async def test_what_cannot_be_read_is_stale_with_its_sentence_and_stays(aws: Sandbox, home: House, page: int) -> None:
    """The first page or the second, at every delivery: nothing is concluded from half a listing that failed."""
    before = await following.export(home.graph)
    for fault, code, words in FAULTS:
        passing = code in ("throttled", "transient")
        rules = [{**fault, **LIST, "nth": page + n * page} for n in range(2 if passing else 1)]
        aws.fault(*rules)
        view = await following.sync(home.graph, "prod")
        fired = aws.fired()
        aws.heal()
        seen = await scope(home)
        assert (view.state, seen.state, seen.reason.code, fired) == ("partial", "stale", code, len(rules)), (
            fault,
            seen,
        )
        assert words in seen.reason.text
        assert await following.export(home.graph) == before
    assert await removed(home) == []
    assert (await following.sync(home.graph, "prod")).state == "complete"
    await is_true(aws, home)


@pytest.mark.parametrize("fault", [{"kind": "half"}, {"kind": "empty"}, {"kind": "repeat_token"}])
async def test_a_short_listing_removes_nobody_and_is_no_failure(
    aws: Sandbox, home: House, fault: dict[str, str]
) -> None:
    before = await following.export(home.graph)
    aws.fault({**fault, **LIST})
    view = await following.sync(home.graph, "prod", full=True)
    assert aws.fired() > 0
    aws.heal()
    assert (view.state, (await scope(home)).state) == ("complete", "complete")
    assert (await following.export(home.graph), await removed(home)) == (before, [])


async def test_an_older_endpoint_names_its_gap(aws: Sandbox, home: House) -> None:
    aws.text("scim", "POST", {"older": True})
    assert (await following.sync(home.graph, "prod")).state == "complete"
    seen = await scope(home)
    assert [each["what"] for each in seen.unread] == ["scim_user"]
    assert "does not page; there may be more" in seen.unread[0]["why"]
    await is_true(aws, home)


async def test_an_unchanged_directory_is_sealed_without_a_body_and_tells_nothing(aws: Sandbox, home: House) -> None:
    before = await following.export(home.graph)
    await following.drained(home.graph)
    heard = len(await following.changes(home.nats_url))
    aws.forget_calls()
    view = await following.sync(home.graph, "prod")
    parts = {part.scope.partition("/")[0]: part.state for part in view.scopes}
    assert parts == {"iam": "unchanged", "scim": "unchanged"}
    assert aws.calls()["scim.ListUsers"] == (await scope(home)).calls["scim:ListUsers"] == 2
    assert (await following.export(home.graph), len(await following.changes(home.nats_url))) == (before, heard)


async def test_a_disabled_user_is_told_once_with_when_it_was_read(aws: Sandbox, home: House) -> None:
    people = json.loads(aws.text("identity-center"))["Person"]
    user = next(row["id"] for row in people if row["status"] == "ENABLED")
    await following.drained(home.graph)
    heard = len(await following.changes(home.nats_url))
    aws.text("identity-center", "POST", {"user": user, "status": "DISABLED"})
    assert (await following.sync(home.graph, "prod")).state == "complete"
    await following.drained(home.graph)
    (told,) = (await following.changes(home.nats_url))[heard:]
    assert (told["type"], told["native_id"]) == ("resource.changed", f"scim:{user}")
    assert "active" in told["fields"]
    await is_true(aws, home)
