"""What went wrong is said: a dead scheduler, a job nobody can carry out, a call that AWS breaks."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from grantwire import bus
from grantwire.bus import Delivery
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import COLLECT_IAM
from grantwire.graph import Graph
from tests.support import following
from tests.support.commands import Done, grantwire
from tests.support.eventually import eventually
from tests.support.keys import KEYS
from tests.support.oracle import judge
from tests.support.world import Sandbox, World, sandbox, world

TOKEN = "a-token-of-this-test"
ROLE = "GrantwireConnector"


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with sandbox(9, "--users", "20", "--groups", "5", "--roles", "40") as running:
        yield running


@pytest.fixture(scope="module")
def running(aws: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    told = {"GRANTWIRE_ADMIN_TOKEN": TOKEN, "GRANTWIRE_API_PORT": "0"}
    with world(tmp_path_factory.mktemp("honesty") / "state", aws.environment() | told, "projector", "relay") as started:
        yield started


@pytest.fixture
async def graph(running: World) -> AsyncIterator[Graph]:
    async with Graph.open(running.database_url, application_name="tests", keys=KEYS) as opened:
        yield opened


async def test_a_job_that_fails_every_delivery_is_a_dead_letter_and_the_next_run_completes(
    aws: Sandbox, running: World, graph: Graph
) -> None:
    await following.add(graph, aws.connector())
    broker = bus.broker(running.nats_url, service="collector-iam")
    failing = bus.route(COLLECT_IAM, CollectScope, _always_fail, service="collector-iam", backoff=0.05)
    bus.include(broker, failing)
    running.start("scheduler")
    async with bus.running(broker):
        view = await following.sync(graph, "prod")
        assert view.state == "failed"
        assert "5 deliveries" in view.scopes[0].reason.text
        letters = await bus.DeadLetters(broker).list()
    assert [letter.stream for letter in letters] == ["JOBS"]
    assert letters[0].deliveries == COLLECT_IAM.max_deliver
    assert "planted" in letters[0].reason, "the dead letter knows the cause"
    running.start("collector-iam")
    assert (await following.sync(graph, "prod")).state == "complete", running.logs()


async def _always_fail(job: CollectScope, delivery: Delivery) -> None:
    raise RuntimeError("planted: this job fails every time")


# Each kind of fault on each call is tested at the reader; here a few go the whole way, through every delivery.
FAULTS = [
    ("iam", "GetAccountAuthorizationDetails", "throttle"),
    ("iam", "GetAccountAuthorizationDetails", "repeat_token"),
    ("iam", "ListRoles", "cut"),
]


@pytest.mark.parametrize(("service", "operation", "kind"), FAULTS, ids=["-".join(row) for row in FAULTS])
async def test_a_broken_call_removes_nothing_and_heals(
    aws: Sandbox, running: World, graph: Graph, service: str, operation: str, kind: str
) -> None:
    """The scope keeps what was known, says why it is stale, and is whole again once the call works."""
    await _whole(aws, running, graph)
    before = await following.export(graph)
    aws.fault({"service": service, "operation": operation, "kind": kind})
    if kind == "repeat_token":
        aws.text("mess", "POST", {"short": 0.0, "empty": 1.0})
    try:
        view = await following.sync(graph, "prod", timeout=90)
        assert aws.fired() > 0, "the fault was never met"
    finally:
        aws.heal()
        aws.text("mess", "POST", {"short": 0.0, "empty": 0.0})
    assert view.state == "partial", view
    assert operation in view.scopes[0].reason.text
    assert await following.export(graph) == before
    assert (await following.sync(graph, "prod")).state == "complete", running.logs()
    verdict = judge(aws.truth(), await following.export(graph))
    assert verdict.equal, str(verdict)


async def test_an_answer_is_overdue_once_the_scheduler_has_stopped(aws: Sandbox, running: World, graph: Graph) -> None:
    await _whole(aws, running, graph)
    await following.add(graph, aws.connector() | {"interval": "1s"})
    url = await _api(running)
    await eventually(lambda: _can(running, url).code == 0, what="an answer in time")
    running.stop("scheduler")

    async def overdue() -> Done | None:
        done = _can(running, url)
        return done if done.code == 3 else None

    done = await eventually(overdue, timeout=90, what="an overdue answer")
    assert "overdue" in done.out + done.err
    assert "assume" in done.out, "the answer is still given"
    assert _can(running, url, "--json").json["state"] == "overdue"


async def _whole(aws: Sandbox, running: World, graph: Graph) -> None:
    """Everything runs and the account has been read, whichever test came before."""
    running.start(*({"scheduler", "collector-iam"} - running.services.keys()))
    await following.add(graph, aws.connector())
    assert (await following.sync(graph, "prod")).state == "complete", running.logs()


async def _api(running: World) -> str:
    """Start the api and learn where it listens from the only line about it in its log."""
    running.start("api")
    log = running.state / "api.log"

    def told() -> str | None:
        words = log.read_text().replace('"', " ").split() if log.exists() else []
        return next((word for word in words if word.startswith("http://127.0.0.1:")), None)

    return await eventually(told, timeout=90, what="the api's address")


def _can(running: World, url: str, *options: str) -> Done:
    told: dict[str, Any] = {"GRANTWIRE_API_URL": url, "GRANTWIRE_ADMIN_TOKEN": TOKEN}
    return grantwire("can", ROLE, *options, env={**running.environment, **told})


def test_the_environment_of_the_tests_has_no_grantwire_settings() -> None:
    assert not [name for name in os.environ if name.startswith("GRANTWIRE_") and name != "GRANTWIRE_TEST_DATABASE_URL"]
