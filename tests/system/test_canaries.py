"""No secret of a connector leaves the services that need it: one is planted in every secret field, everything that a
running Grantwire says, sends and stores is collected, and searched for each of them.

The services are processes of their own and talk as much as they can, the libraries below them included. What is
searched is not a copy made for the test: files on disk, exported spans, messages as the server delivers them, rows as
Postgres returns them. ``PLANTED`` is the control: it goes the same ways on purpose, and must be found everywhere.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from grantwire.cli.catalog import SERVICES
from grantwire.contracts.connectors import SECRET_FIELDS
from grantwire.local.ports import choose
from tests.support.commands import grantwire
from tests.support.eventually import eventually
from tests.support.hearing import dump, exported, files, heard_in, kept_messages, tapped
from tests.support.keys import OTHER_KEY, SECRET_KEY
from tests.support.world import Sandbox, World, sandbox, world

CANARIES = {
    "external_id": "canary-a4fd83d1e09b7c26",
    "operator_external_id": "canary-b81c0d7734e2f95a",
    "child_external_id": "canary-c27e5f90ab164d38",
    "account_overrides.*.external_id": "canary-d9603be18cf5724a",
    "scim_token": "canary-e5124c7fd0983ba6",
}
WRONG = "wrong-canary-f70d42c9b1e6835a"
PLANTED = "planted-0e8b63f5a97c4d12"
TOKEN = "admin-canary-97b3f2d05c61e84a"
PLACES = {"logs", "files", "spans", "messages", "streams", "tables", "answers", "commands"}
# The libraries' loggers are quiet whatever the level; here nobody is.
ENDED = ("complete", "partial", "failed")
pytestmark = pytest.mark.timeout(600)  # many processes, and everything they say


@dataclass
class Told:
    """What was collected, by place; and what the connector's scopes came to."""

    places: dict[str, bytes] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    canaries: dict[str, str] = field(default_factory=lambda: dict(CANARIES))
    wrong_key: dict[str, Any] = field(default_factory=dict)
    other_secrets: dict[str, str] = field(default_factory=dict)


def ask_for_canaries(aws: Sandbox, role: str, account: str | None = None, of: str | None = None) -> Any:
    """Let the role's trust policy ask for an external id without naming it: policies are read and kept as they are. It
    trusts ``of``, if that is given, instead of whom it did; returns whom that was."""
    iam = aws.admin("iam", account)
    policy = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    (statement,) = [each for each in policy["Statement"] if "sts:ExternalId" in str(each)]
    before = statement["Principal"]["AWS"]
    statement |= {"Condition": {"StringLike": {"sts:ExternalId": "canary-*"}}, "Principal": {"AWS": of or before}}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(policy))
    return before


def operator(aws: Sandbox, account: str, trusted: Any) -> str:
    """The ARN of a new role in that account that may assume others, and asks for a canary too."""
    iam = aws.admin("iam", account)
    allowed: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    condition = {"StringLike": {"sts:ExternalId": "canary-*"}}
    trust = allowed | {"Principal": {"AWS": trusted}, "Condition": condition}
    made = iam.create_role(RoleName="Operator", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    assume = {"Statement": [allowed | {"Resource": "*"}]}
    iam.put_role_policy(RoleName="Operator", PolicyName="Assume", PolicyDocument=json.dumps(assume))
    return str(made["Role"]["Arn"])


def prod(aws: Sandbox) -> dict[str, Any]:
    """The organization's connector with a canary in every secret field, those of AWS asked for by AWS."""
    given = aws.connector("organization")
    (member,) = given["account_overrides"]
    role = given["role_arn"].split("/")[-1]
    trusted = ask_for_canaries(aws, role)
    given["operator_role_arn"] = operator(aws, member, trusted)
    ask_for_canaries(aws, role, of=given["operator_role_arn"])
    ask_for_canaries(aws, given["child_role_name"], member)
    scim = {"scim": True, "scim_endpoint": aws.facts["scim"]["endpoint"], "scim_token": aws.facts["scim"]["token"]}
    everything = {"identity_center": True, "sync_secrets": True}
    plain = {name: value for name, value in CANARIES.items() if "*" not in name}
    overrides = {member: {"external_id": CANARIES["account_overrides.*.external_id"]}}
    return given | plain | scim | everything | {"account_overrides": overrides, "name": PLANTED}


@dataclass
class Person:
    """Somebody who uses the api and the command line, and keeps every answer."""

    http: httpx.AsyncClient
    heard: list[bytes] = field(default_factory=list)
    printed: list[bytes] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> httpx.Response:
        content = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        answer = await self.http.request(method, path, content=content, headers=headers)
        self.heard.append(f"{answer.status_code} {answer.headers}\n{answer.text}".encode())
        return answer

    async def type(self, *arguments: str) -> int:
        told = {
            "GRANTWIRE_API_URL": str(self.http.base_url),
            "GRANTWIRE_ADMIN_TOKEN": TOKEN,
            "GRANTWIRE_LOG_LEVEL": "debug",
        }
        done = await asyncio.to_thread(grantwire, *arguments, env=told)
        self.printed.append((done.out + done.err).encode())
        return done.code

    async def sync(self) -> dict[str, Any]:
        run = (await self.ask("POST", "/v1/connectors/prod/sync", {"full": True})).json()["run"]
        return await self.ended(run)

    async def ended(self, run: str) -> dict[str, Any]:
        after = ""
        while True:
            news = (await self.ask("GET", f"/v1/runs/{run}/events?after={after}")).json()
            after = news["cursor"]
            if news["run"]["state"] in ENDED:
                return dict(news["run"])

    async def healthy(self) -> bool:
        try:
            return (await self.http.get("/healthz")).status_code == 200
        except httpx.HTTPError:
            return False


async def use_it(person: Person, settings: dict[str, Any], told: Told) -> None:
    """Save, sync, look at everything, and make the mistakes that people make."""
    await eventually(person.healthy, timeout=150, what="the api")
    saved = await person.ask("POST", "/v1/connectors", settings)
    assert saved.status_code == 201, saved.text
    run = await person.ended(saved.json()["run"])
    told.states = {part["scope"]: part["state"] for part in run["scopes"]}
    for path in ("connectors", *(f"connectors/prod{more}" for more in ("", "/versions", "/setup"))):
        assert (await person.ask("GET", f"/v1/{path}")).status_code == 200
    for path in ("/v1/status", "/v1/runs", "/v1/export", "/openapi.json"):
        assert (await person.ask("GET", path)).status_code == 200
    await mistakes(person, settings)
    for command in ("connector show prod", f"connector show {PLANTED}"):
        await person.type(*command.split())


async def mistakes(person: Person, settings: dict[str, Any]) -> None:
    """Each is answered with an error that has the secret at hand."""
    canary = CANARIES["scim_token"]
    assert (await person.ask("POST", "/v1/connectors", settings | {"external_id": WRONG})).status_code == 403
    assert (await person.ask("PATCH", "/v1/connectors/prod", {"external_id": WRONG})).status_code == 403
    tried = await person.ask("POST", "/v1/connectors/prod/test", {"operator_external_id": WRONG})
    assert (tried.status_code, tried.json()["ok"]) == (200, False)
    malformed: list[Any] = [
        settings | {"external_id": f"{WRONG} with a space"},
        settings | {"scim_token": [canary]},
        settings | {"interval": canary},
        settings | {"account_overrides": {"x": {"external_id": canary}}},
        f'{{"scim_token": "{canary}"',
        [canary],
    ]
    for body in malformed:
        assert (await person.ask("POST", "/v1/connectors", body)).status_code == 422
    assert (await person.ask("GET", "/v1/connectors", token=canary)).status_code == 401
    assert (await person.ask("GET", f"/v1/connectors/{PLANTED}")).status_code == 404
    role = ("--role-arn", settings["role_arn"], "--external-id")
    assert await person.type("connector", "add", "second", *role, WRONG) == 5
    assert await person.type("connector", "add", "second", *role, f"{WRONG} with a space") == 2


async def with_another_key(running: World, person: Person, told: Told) -> None:
    """The collector of accounts is started with a key that opens nothing."""
    running.stop("collector-iam")
    running.environment["GRANTWIRE_SECRET_KEY"] = OTHER_KEY
    running.start("collector-iam")
    run = await person.sync()
    told.wrong_key = {part["scope"]: part["reason"] for part in run["scopes"] if part["source"] == "iam"}
    check = await asyncio.to_thread(grantwire, "secrets", "check", env=running.environment)
    person.printed.append((check.out + check.err).encode())
    assert check.code == 1 and "cannot be read" in check.err


async def lived(running: World, url: str, settings: dict[str, Any]) -> Told:
    http = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)
    told, person = Told(), Person(http)
    async with tapped(running.nats_url) as messages, http:
        running.start(*SERVICES)
        await use_it(person, settings, told)
        await with_another_key(running, person, told)
        await plant_a_message(running.nats_url)
        told.places["tables"] = await dump(running.database_url)
        told.places["streams"] = await kept_messages(running.nats_url)
        for name in list(running.services):
            await asyncio.to_thread(running.stop, name)  # the last spans are sent
    told.places |= {"messages": b"\n".join(messages), "answers": b"\n".join(person.heard)}
    told.places["commands"] = b"\n".join(person.printed)
    told.places["logs"] = b"\n".join(path.read_bytes() for path in running.state.rglob("*log*") if path.is_file())
    told.places["files"] = await files(running.state, but="secrets")
    return told


async def plant_a_message(url: str) -> None:
    import nats

    client = await nats.connect(url)
    await client.jetstream().publish("gw.dead.JOBS.nobody", PLANTED.encode())
    await client.close()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    port = choose()
    with ExitStack() as stack:
        small = ("--accounts", "5", "--users", "4", "--groups", "2", "--roles", "3")
        aws = stack.enter_context(sandbox(3, *small, "--identity-center", "organization", "--credentials", "--scim"))
        traces, bodies = stack.enter_context(exported())
        told = aws.environment() | {
            "GRANTWIRE_API_PORT": str(port),
            "GRANTWIRE_ADMIN_TOKEN": TOKEN,
            "GRANTWIRE_LOG_LEVEL": "debug",
            "OTEL_EXPORTER_OTLP_ENDPOINT": traces,
            "GRANTWIRE_SCIM_ALLOWED_ORIGINS": aws.endpoint,
        }
        running = stack.enter_context(world(tmp_path_factory.mktemp("canaries") / "state", told))
        running.program = "tests.support.talkative"
        found = asyncio.run(lived(running, f"http://127.0.0.1:{port}", prod(aws)))
        found.places["spans"] = b"\n".join(bodies)
        found.canaries |= {"scim_token": aws.facts["scim"]["token"][120:150], "a wrong external id": WRONG}
        found.closed = set(aws.facts["connectors"]["organization"]["unreachable"])
        keys = aws.environment()["AWS_SECRET_ACCESS_KEY"]
        found.other_secrets = {"AWS's secret key": keys, "admin token": TOKEN, "secret key": SECRET_KEY.rstrip("=")}
        yield found


@pytest.mark.parametrize("name", [*CANARIES, "a wrong external id"])
def test_a_secret_of_a_connector_is_found_nowhere(told: Told, name: str) -> None:
    assert heard_in(told.places, told.canaries[name]) == []


def test_no_other_secret_is_said_or_sent(told: Told) -> None:
    for name, secret in told.other_secrets.items():
        assert heard_in(told.places, secret) == [], name


def test_what_is_planted_is_found_in_every_place(told: Told) -> None:
    """The control: the same search, the same places, and something that is not secret."""
    assert set(told.places) == PLACES
    assert set(heard_in(told.places, PLANTED)) == PLACES


def test_the_libraries_talked_and_the_secrets_were_used(told: Told) -> None:
    """Or there would have been nothing to find."""
    assert set(CANARIES) == set(SECRET_FIELDS)
    logs = told.places["logs"].decode(errors="replace")
    for library in ("botocore.endpoint", "urllib3.connectionpool", "httpcore.http11"):
        assert library in logs, library
    assert "ExternalId" in logs and "AssumeRole" in logs
    closed = {scope.split("/")[1] for scope, state in told.states.items() if state != "complete"}
    assert any(scope.startswith("scim/") for scope in told.states)
    assert len(told.states) > 15 and closed == told.closed, told.states


def test_a_key_that_opens_nothing_ends_the_jobs_with_the_reason(told: Told) -> None:
    reasons = [reason for reason in told.wrong_key.values() if reason["code"] != "suspended"]
    assert len(reasons) == 4 and {reason["code"] for reason in reasons} == {"secret_key"}, told.wrong_key
    assert "external_id of connector 'prod' cannot be read" in reasons[0]["text"]
    assert "key 9684eeaf, and the keys given are f31762ba" in reasons[0]["text"]


@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_base64_is_seen_through(before: bytes) -> None:
    import base64

    coded = base64.b64encode(before + CANARIES["scim_token"].encode() + b"?>?>")
    assert heard_in({"here": coded}, CANARIES["scim_token"]) == ["here"]
    assert heard_in({"here": base64.urlsafe_b64encode(before + b"other")}, CANARIES["scim_token"]) == []
