"""Another team, through the client, the server's accounts and every service with a key of its own, to AWS and back."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from grantwire.client import Grantwire
from grantwire.contracts.failures import NotFound
from tests.integration.bus.keyed import Keyed, keyed
from tests.support import following
from tests.support.house import House, house, use
from tests.support.postgres import Server, cloned, postgres_server, template_url
from tests.support.world import Sandbox, sandbox

__all__ = ["postgres_server", "template_url"]


@pytest.fixture
def bus() -> Iterator[Keyed]:
    with keyed() as running:
        yield running


@pytest_asyncio.fixture
async def home(
    bus: Keyed, postgres_server: Server, template_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[House, Sandbox]]:
    """One account that was read, and services that may change it."""
    with sandbox(5, "--users", "4", "--groups", "2", "--roles", "3", "--provisioning") as aws:
        use(aws, monkeypatch)
        async with (
            cloned(postgres_server, template_url) as url,
            house(url, bus.server.url, seeds=bus.seeds) as running,
        ):
            await following.add(running.graph, {**aws.connector(), "provisioning": True})
            await following.sync(running.graph, "prod")
            yield running, aws


async def test_a_team_grants_asks_and_follows_and_another_learns_nothing_of_it_but_the_change(
    bus: Keyed, home: tuple[House, Sandbox]
) -> None:
    running, _ = home
    rows = [json.loads(line) for line in await following.export(running.graph)]
    users = [row["native_id"] for row in rows if row.get("kind") == "iam_user" and ":root" not in row["native_id"]]
    policy = f"arn:{users[0].split(':')[1]}:iam::aws:policy/job-function/ViewOnlyAccess"
    async with (
        Grantwire(bus.server.url, nkey_seed=bus.seeds["payments"]) as payments,
        Grantwire(bus.server.url, nkey_seed=bus.seeds["billing"]) as billing,
    ):
        cursor = await billing.cursor()
        outcome = await payments.grant(
            f"iam_user:{users[0]}",
            f"iam_policy:{policy}",
            connector="prod",
            reason="on call",
            requester="ann@example.com",
        )
        assert (outcome.state, outcome.team) == ("granted", "payments")
        assert (await payments.outcome(outcome.command)).state == "granted"
        with pytest.raises(NotFound):
            await billing.outcome(outcome.command, timeout=1)
        async for _, change in billing.changes(cursor):
            if change.kind == "attached":
                break
    assert "Violation" not in bus.server.log()
