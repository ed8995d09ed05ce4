"""Secrets in the tables: sealed when they are saved, renewed by a rotation, and needed by nobody but their readers."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.failures import SecretKeyError
from grantwire.graph import Graph, connectors, expanding, queries, resealing, runs
from grantwire.graph.keys import Keys
from grantwire.telemetry.clock import utc_now
from tests.integration.graph.scenes import ACCOUNT, fetch
from tests.support.keys import OTHER, OTHER_KEY, SECRET_KEY

PROD = Connector.model_validate(
    {
        "id": "prod",
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/Grantwire",
        "external_id": "canary-1",
        "account_overrides": {"444455556666": {"external_id": "canary-2"}},
        "scim_token": "canary-3",
    }
)
BOTH = Keys.parse(f"{SECRET_KEY},{OTHER_KEY}", "tests")


async def put(graph: Graph, connector: Connector = PROD, account: str | None = ACCOUNT) -> int:
    return await connectors.put(graph, connector, account=account, state=ConnectorState.SYNCING, reason=None)


@asynccontextmanager
async def with_keys(url: str, keys: Keys) -> AsyncIterator[Graph]:
    async with Graph.open(url, application_name="tests", keys=keys) as graph:
        yield graph


async def stored(graph: Graph) -> str:
    """Both tables of settings as text."""
    rows = await fetch(graph, "SELECT settings FROM connector UNION ALL SELECT settings FROM connector_version")
    return json.dumps([row["settings"] for row in rows])


async def in_clear(graph: Graph) -> None:
    """As a version before this one stored it: saved, then changed once."""
    await put(graph, PROD.model_copy(update={"scim_token": "canary-0"}))
    await put(graph)
    clear = PROD.model_dump(mode="json")
    async with graph.connection() as connection:
        await connection.execute("UPDATE connector SET settings = $1", clear)
        await connection.execute("UPDATE connector_version SET settings = $1 WHERE version = 2", clear)
        await connection.execute(
            "UPDATE connector_version SET settings = $1 WHERE version = 1", clear | {"scim_token": "canary-0"}
        )


async def test_nothing_is_stored_in_clear_and_the_same_secret_is_no_change(graph: Graph) -> None:
    assert [await put(graph), await put(graph)] == [1, 1]
    assert "canary" not in await stored(graph)
    assert await connectors.settings(graph, "prod", 1) == PROD
    assert await put(graph, PROD.model_copy(update={"scim_token": "canary-4"})) == 2
    kept = await connectors.get(graph, "prod")
    assert kept.secrets == {"external_id", "account_overrides.444455556666.external_id", "scim_token"}
    assert "canary" not in repr(kept) and kept.connector.scim_token is None


async def test_who_reads_no_secret_needs_no_key(database_url: str, graph: Graph) -> None:
    await put(graph)
    async with with_keys(database_url, Keys()) as keyless:
        assert [each.connector.id for each in await connectors.list_all(keyless)] == ["prod"]
        assert (await connectors.get(keyless, "prod")).connector.interval == PROD.interval
        await runs.request(keyless, "prod", cause="manual", traceparent=None)
        assert [each.scope for each in await runs.pending(keyless)] == [f"iam/{ACCOUNT}"]
        assert await runs.timetable(keyless, utc_now()) and not await expanding.to_expand(keyless)
        assert [each.key for each in await queries.scopes(keyless, utc_now())] == [f"iam/{ACCOUNT}"]
        with pytest.raises(SecretKeyError, match=r"external_id of connector 'prod'.*no key was given"):
            await connectors.settings(keyless, "prod", 1)


async def test_without_a_key_only_a_connector_without_secrets_is_saved(database_url: str) -> None:
    async with with_keys(database_url, Keys()) as keyless:
        with pytest.raises(SecretKeyError, match="cannot be kept"):
            await put(keyless)
        assert await connectors.list_all(keyless) == []
        assert await put(keyless, Connector(id="prod", role_arn=PROD.role_arn)) == 1
        assert (await connectors.settings(keyless, "prod", 1)).role_arn == PROD.role_arn


async def test_a_lost_key_is_healed_by_saving_again(database_url: str, graph: Graph) -> None:
    await put(graph)
    async with with_keys(database_url, OTHER) as other:
        with pytest.raises(SecretKeyError, match=r"key 9684eeaf.*are f31762ba"):
            await connectors.settings(other, "prod", 1)
        assert await put(other) == 2, "whether it is the same nobody can say"
        assert await connectors.settings(other, "prod", 2) == PROD


async def test_settings_of_before_are_read_counted_and_sealed(graph: Graph) -> None:
    await in_clear(graph)
    assert await connectors.settings(graph, "prod", 2) == PROD
    assert (await resealing.check(graph)).clear == 9, "three secrets: now, and in two versions"
    assert (await resealing.rotate(graph, clear_alone=True)).renewed == 9
    assert "canary" not in await stored(graph)
    assert (await connectors.settings(graph, "prod", 1)).scim_token == "canary-0"
    found = await resealing.check(graph)
    assert (found.clear, dict(found.sealed), found.unreadable) == (0, {"9684eeaf": 9}, [])
    assert await put(graph) == 2, "still the same settings"


async def test_saving_over_settings_of_before_seals_them(graph: Graph) -> None:
    await in_clear(graph)
    assert await put(graph) == 2
    rows = await fetch(graph, "SELECT settings FROM connector")
    assert "canary" not in json.dumps(rows[0]["settings"])


async def test_a_rotation_brings_every_version_under_the_first_key(database_url: str, graph: Graph) -> None:
    async with with_keys(database_url, OTHER) as before:
        await put(before, PROD.model_copy(update={"scim_token": "canary-0"}))
        await put(before)
    async with with_keys(database_url, BOTH) as both:
        assert await connectors.settings(both, "prod", 2) == PROD
        first = await resealing.rotate(both)
        assert (first.renewed, dict(first.sealed)) == (9, {"f31762ba": 9})
        again = await resealing.rotate(both)
        assert (again.renewed, dict(again.sealed)) == (0, {"9684eeaf": 9})
    assert await connectors.settings(graph, "prod", 2) == PROD, "without the old key"


async def test_a_rotation_that_was_broken_off_goes_on(database_url: str, graph: Graph) -> None:
    async with with_keys(database_url, OTHER) as before:
        await put(before)
        await put(before, PROD.model_copy(update={"id": "second", "role_arn": None}), None)
        await put(before, PROD.model_copy(update={"id": "third", "role_arn": None}), None)
    async with with_keys(database_url, BOTH) as both:
        async with both.transaction() as connection:  # whatever writes a connector waits for this
            await connection.execute("SELECT FROM connector WHERE id = 'second' FOR UPDATE")
            broken = asyncio.create_task(resealing.rotate(both))
            while "f31762ba" in json.dumps((await fetch(graph, SETTINGS, "prod"))[0]["settings"]):
                await asyncio.sleep(0)
            broken.cancel()
            await asyncio.gather(broken, return_exceptions=True)
        assert (await resealing.rotate(both)).renewed == 12, "two connectors of three: each secret now and by version"
    assert (await resealing.check(graph)).unreadable == []


SETTINGS = "SELECT settings FROM connector WHERE id = $1"


async def test_rotations_and_saves_at_once_lose_nothing(database_url: str, graph: Graph) -> None:
    async with with_keys(database_url, OTHER) as before:
        await put(before)
    async with with_keys(database_url, BOTH) as both:
        saves = (put(both, PROD.model_copy(update={"name": f"n{n}"})) for n in range(6))
        await asyncio.gather(*saves, *(resealing.rotate(both) for _ in range(4)))
        await resealing.rotate(both)
    found = await resealing.check(graph)
    assert (dict(found.sealed), found.unreadable) == ({"9684eeaf": 3 * 8}, [])


async def test_of_a_connector_that_is_removed_no_secret_stays(database_url: str, graph: Graph) -> None:
    await put(graph, PROD.model_copy(update={"scim_token": "canary-0"}))
    await put(graph)
    async with with_keys(database_url, Keys()) as keyless:
        await connectors.remove(keyless, "prod")
    left = json.loads(await stored(graph))
    assert [each["role_arn"] for each in left] == [PROD.role_arn] * 2 and "sealed" not in str(left)
    assert await put(graph) == 3 and await connectors.settings(graph, "prod", 3) == PROD


async def test_what_no_key_opens_stays_and_is_named(database_url: str, graph: Graph) -> None:
    await put(graph)
    async with with_keys(database_url, OTHER) as other:
        found = await resealing.rotate(other)
        assert found.renewed == 0 and len(found.unreadable) == 6
        assert all("connector 'prod'" in sentence for sentence in found.unreadable)
    assert await connectors.settings(graph, "prod", 1) == PROD
    with pytest.raises(SecretKeyError, match="no key to encrypt"):
        async with with_keys(database_url, Keys()) as keyless:
            await resealing.rotate(keyless)
