"""The SCIM collector on a real bus and database, against the sandbox's endpoint and against worse ones."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from grantwire.collectors.scim.service import Settings, build
from grantwire.contracts.connectors import Connector, ConnectorState
from grantwire.contracts.envelope import Envelope
from grantwire.contracts.ids import scim_scope
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.snapshots import Body, Outcome, Reason, SnapshotBegun, SnapshotSealed
from grantwire.graph import apply_seal, connectors, queries
from grantwire.sandbox.identity_center.facts import DirectorySizes
from grantwire.sandbox.server import Sandbox, start
from tests.integration.collectors.stage import Stage, bodies, staged
from tests.integration.scim.answers import head, saying
from tests.integration.scim.reading import TENANT, TOKEN
from tests.integration.scim.server import serving
from tests.support.keys import SECRET_KEY
from tests.support.nats import NatsServer
from tests.support.oracle import judge
from tests.support.postgres import database_url, postgres_server, template_url

__all__ = ["database_url", "postgres_server", "template_url"]

USERS = 230
LIST = {"service": "scim", "operation": "ListUsers"}


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as running:
        yield running


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    sizes = DirectorySizes(users=USERS, groups=2)
    with start(3, users=2, groups=1, roles=4, identity_center="account", directory=sizes, scim=True) as running:
        yield running


@pytest.fixture
def scim(started: Sandbox) -> Iterator[Sandbox]:
    started.control("POST", "reset")
    yield started
    assert started.violations() == []


def connector(sandbox: Sandbox, **but: Any) -> Connector:
    given = sandbox.facts["scim"]
    known = {"scim_endpoint": given["endpoint"], "scim_token": given["token"]}
    return Connector(**{"id": "prod", "scim": True, **known, **but})


def job(settings: Connector, **but: Any) -> CollectScope:
    scope = scim_scope(settings.scim_endpoint or "")
    given = {"run": "r", "connector": "prod", "settings_version": 1, "source": "scim", "scope": scope, **but}
    return CollectScope.model_validate(given)


@asynccontextmanager
async def running(
    sandbox: Sandbox, settings: Connector, server: NatsServer, url: str, **but: Any
) -> AsyncIterator[Stage]:
    told = {"database_url": url, "nats_url": server.url, "secret_key": SECRET_KEY, "scim_attempts": 1}
    service = Settings.model_validate(told | {"scim_allowed_origins": sandbox.endpoint} | but)
    async with staged(sandbox, settings, server.url, url, build(service)) as stage:
        yield stage


@pytest_asyncio.fixture
async def stage(scim: Sandbox, server: NatsServer, database_url: str) -> AsyncIterator[Stage]:
    async with running(scim, connector(scim), server, database_url) as found:
        yield found


async def collected(stage: Stage, **but: Any) -> SnapshotSealed:
    """The seal of one more job, applied."""
    seal, messages = await stage.collect(job(connector(stage.sandbox)), **but)
    found = bodies(seal, messages) if seal.body is Body.CHUNKS else None
    await apply_seal(stage.graph, seal, found, traceparent=None)
    return seal


async def exported(stage: Stage) -> list[str]:
    return [line async for line in queries.export(stage.graph)]


async def is_true(stage: Stage) -> None:
    truth = stage.sandbox.control("GET", "truth?sources=scim")
    export = await exported(stage)
    assert len(export) == len(truth) == len(stage.sandbox.identity_center()["Person"])
    verdict = judge(map(json.dumps, truth), export, stage.sandbox.unread(sources=["scim"]))
    assert verdict.equal, str(verdict)


def sentence(seal: SnapshotSealed) -> Reason:
    """Why nothing was read; what was known stays."""
    assert (seal.outcome, seal.body, seal.covers) == (Outcome.STALE, Body.NONE, [])
    assert seal.reason is not None
    return seal.reason


# What is read --------------------------------------------------------------------------------------------------------


async def test_the_users_are_the_truth_and_an_unchanged_directory_is_cheap(stage: Stage) -> None:
    seal = await collected(stage)
    assert (seal.source, seal.plan, seal.account, seal.outcome) == ("scim", "scim", None, Outcome.COMPLETE)
    assert (seal.covers, seal.adds_only, seal.unread) == ([], True, [])
    assert (seal.calls, seal.throttled) == ({"scim:ListUsers": 3}, 0)
    assert stage.sandbox.control("GET", "calls")["operations"] == {"scim.ListUsers": 3}
    await is_true(stage)
    again = await collected(stage, known_digest=seal.digest)
    assert (again.body, again.digest) == (Body.UNCHANGED, seal.digest)


async def test_a_disabled_user_and_a_new_one_are_seen_and_a_deleted_one_stays(stage: Stage) -> None:
    await collected(stage)
    people = stage.sandbox.identity_center()["Person"]
    off, gone = [row["id"] for row in people if row["status"] == "ENABLED"][:2]
    stage.sandbox.identity_center({"user": off, "status": "DISABLED"}, {"delete_user": gone})
    await collected(stage)
    export = await exported(stage)
    assert len(export) == USERS, "absence proves nothing"
    assert any(f"scim:{off}" in line and '"active":false' in line for line in export)
    assert any(f"scim:{gone}" in line and '"active":true' in line for line in export)


async def test_pages_that_are_short_and_empty_are_read_to_the_end(stage: Stage) -> None:
    stage.sandbox.control("POST", "mess", {"short": 0.5, "empty": 0.4})
    await collected(stage)
    await is_true(stage)


async def test_half_a_listing_removes_nobody(stage: Stage) -> None:
    await collected(stage)
    stage.sandbox.fault({"kind": "half", **LIST})
    seal = await collected(stage)
    assert (seal.outcome, seal.body) == (Outcome.COMPLETE, Body.CHUNKS)
    await is_true(stage)


async def test_an_older_endpoint_gives_what_it_has_and_says_that_there_may_be_more(stage: Stage) -> None:
    stage.sandbox.scim({"older": True})
    seal = await collected(stage)
    assert len(await exported(stage)) == 50
    assert [each.what for each in seal.unread] == ["scim_user"]
    assert seal.unread[0].why == "The SCIM endpoint gave 50 users on one page and does not page; there may be more."
    assert seal.calls == {"scim:ListUsers": 2}, "the word cursor was refused once"
    stage.sandbox.scim({"older": False})
    await collected(stage)
    await is_true(stage)


# What is not read ----------------------------------------------------------------------------------------------------


async def test_a_token_that_is_not_accepted_is_to_be_rotated(stage: Stage) -> None:
    await collected(stage)
    stage.sandbox.scim({"rotate": True})
    reason = sentence(await collected(stage))
    assert reason.code == "denied"
    assert "next: rotate the token: in IAM Identity Center, Settings, Automatic provisioning" in reason.text
    await is_true(stage)


async def test_a_refusal_is_told(stage: Stage) -> None:
    stage.sandbox.fault({"kind": "deny", **LIST})
    assert "does not let it list users (HTTP 403)" in sentence(await collected(stage)).text


async def test_a_throttled_listing_is_delivered_again_and_counted(stage: Stage) -> None:
    stage.sandbox.fault({"kind": "throttle", "times": 1, **LIST})
    seal, messages = await stage.collect(job(connector(stage.sandbox)))
    assert seal.outcome is Outcome.COMPLETE
    kinds = [Envelope.read(message.headers).type for message in messages]
    assert kinds.count(SnapshotBegun.type()) == 2, "the first delivery began too, and sealed nothing"


async def test_a_wait_of_an_hour_is_left_to_the_next_run(stage: Stage) -> None:
    """A run that is waited for ends; the endpoint is not asked before its time by this one."""
    stage.sandbox.scim({"retry_after": 3_600})
    stage.sandbox.fault({"kind": "throttle", **LIST})
    seal = await collected(stage)
    assert (sentence(seal).code, seal.calls, seal.throttled) == ("throttled", {"scim:ListUsers": 1}, 1)
    assert "asks to wait 3600 s" in sentence(seal).text


async def test_a_redirect_is_not_followed(stage: Stage) -> None:
    stage.sandbox.fault({"kind": "redirect", "to": f"{stage.sandbox.endpoint}/_sandbox/truth", **LIST})
    seal = await collected(stage)
    assert "answered with a redirect (HTTP 302), which is not followed" in sentence(seal).text
    assert seal.calls == {"scim:ListUsers": 1}


# Where it may not go -------------------------------------------------------------------------------------------------

FORBIDDEN = [
    ("https://169.254.169.254/tenant/scim/v2/", "names the IP address 169.254.169.254 instead of a host of AWS"),
    ("https://[::1]/tenant/scim/v2/", "names the IP address ::1 instead of a host of AWS"),
    ("https://2852039166/tenant/scim/v2/", "names an IP address in a decimal, hexadecimal, octal or shortened form"),
    ("https://0xa9fea9fe/tenant/scim/v2/", "names an IP address in a decimal, hexadecimal, octal or shortened form"),
    ("https://scim.us-east-1.amazonaws.com@evil.example/t/scim/v2/", "has a user name or password before its host"),
    ("https://evil.example/tenant/scim/v2/", "leads to evil.example, which is not a SCIM host of AWS"),
    ("http://scim.us-east-1.amazonaws.com/tenant/scim/v2/", "is plain http"),
    ("https://scim.cn-north-1.amazonaws.com.cn/t/scim/v2/", "is of the partition aws-cn, but the connector is of aws"),
    ("https://scim.us-east-1.amazonaws.com/t/scim/v2\r\nHost: evil.example", "contains a line break"),
]


async def saved(stage: Stage, settings: Connector, scope: str) -> SnapshotSealed:
    """The seal of a job for these settings, which are the connector's from now on."""
    state: dict[str, Any] = {"account": None, "state": ConnectorState.SYNCING, "reason": None}
    version = await connectors.put(stage.graph, settings, **state)
    seal, messages = await stage.collect(job(settings, settings_version=version, scope=scope))
    assert len(messages) == 2, "a begin and a seal, at the first delivery"
    return seal


async def test_an_endpoint_that_may_not_be_asked_is_stale_with_its_sentence(stage: Stage) -> None:
    for where, why in FORBIDDEN:
        seal = await saved(stage, connector(stage.sandbox, scim_endpoint=where), "scim/tenant")
        reason = sentence(seal)
        assert (reason.code, seal.calls) == ("invalid_setting", {}), where
        assert f"The SCIM endpoint {why}" in reason.text
        assert "; next: copy the SCIM endpoint from IAM Identity Center" in reason.text


async def test_an_answer_without_end_is_not_read(scim: Sandbox, server: NatsServer, database_url: str) -> None:
    async with serving(saying(head(Content_Type="application/json", Content_Length=10**12))) as there:
        settings = connector(scim, scim_endpoint=f"{there.url}{TENANT}", scim_token=TOKEN)
        async with running(scim, settings, server, database_url, scim_allowed_origins=there.url) as stage:
            seal, _ = await stage.collect(job(settings))
    assert "sent a page of users larger than this process takes" in sentence(seal).text


UNFIT = [
    (None, "Connector 'prod' is to read SCIM but has no scim_token; next: copy it from"),
    ("short", "The SCIM access token has fewer than 16 characters"),
    (f"{TOKEN}\r\nHost: evil.example", "The SCIM access token contains a space, a line break"),
]


async def test_a_token_that_cannot_be_one_is_not_sent(stage: Stage) -> None:
    for token, why in UNFIT:
        settings = connector(stage.sandbox, scim_token=token)
        seal = await saved(stage, settings, scim_scope(settings.scim_endpoint or ""))
        assert (sentence(seal).code, seal.calls) == ("invalid_setting", {})
        assert why in sentence(seal).text
        assert TOKEN not in sentence(seal).text


async def test_another_tenant_s_users_are_not_read_into_this_scope(stage: Stage) -> None:
    settings = connector(stage.sandbox)
    seal, _ = await stage.collect(job(settings, scope="scim/another"))
    assert "not of scim/another" in sentence(seal).text


def test_an_allowed_origin_that_is_none_stops_the_service(database_url: str) -> None:
    told = {"database_url": database_url, "nats_url": "nats://127.0.0.1:1"}
    with pytest.raises(ValueError, match="plain http to another machine"):
        Settings.model_validate(told | {"scim_allowed_origins": "https://a.example, http://10.0.0.1"})
