"""Every service inside the test's own process, on real servers: nothing to start, and AWS calls that give up soon."""

import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest

from grantwire import bus, telemetry
from grantwire.aws import AwsSettings, Calls, Sessions
from grantwire.aws.permissions import CREDENTIALS, IAM_ALL, IDENTITY_CENTER, ORGANIZATION
from grantwire.cli.catalog import load
from grantwire.collectors.credentials.source import AwsCredentials
from grantwire.collectors.iam.source import AwsIam
from grantwire.collectors.identity_center.source import AwsIdentityCenter
from grantwire.collectors.identity_center.stored import StoredScopes
from grantwire.collectors.kit.handlers import Collector
from grantwire.collectors.kit.reading import Source
from grantwire.collectors.kit.stored import StoredConnectors, StoredFleet, StoredKeys
from grantwire.collectors.organization.source import AwsOrganization
from grantwire.collectors.scim.source import ScimUsers
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.streams import (
    COLLECT_CREDENTIALS,
    COLLECT_IAM,
    COLLECT_IDENTITY_CENTER,
    COLLECT_ORGANIZATION,
    COLLECT_SCIM,
    CONSUMERS,
    JOBS,
    Consumer,
)
from grantwire.graph import Graph
from grantwire.scim import ScimSettings, allowed_origins
from tests.support.keys import KEYS, SECRET_KEY
from tests.support.world import SERVICES, Sandbox

Make = Callable[[Graph, Calls], Source]

RULES: Final = Path(__file__).with_name("rules.yaml")
DELIVERIES: Final = 2  # of an impatient collector: the first, and one more
_SOON: Final = AwsSettings(connect_timeout=2.0, read_timeout=4.0, attempts=1)  # longer than a machine pauses
_IMPATIENT: Final = tuple(
    replace(each, max_deliver=DELIVERIES) if each.stream == JOBS.name else each for each in CONSUMERS
)
_OTHERS: Final = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_STS")


@dataclass(frozen=True)
class House:
    """Services that run, and where they keep things."""

    graph: Graph
    database_url: str
    nats_url: str
    told: dict[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def house(
    database_url: str,
    nats_url: str,
    *,
    impatient: bool = False,
    iam: Make | None = None,
    seeds: Mapping[str, str] | None = None,
    without: Collection[str] = (),
    **more: Any,
) -> AsyncIterator[House]:
    """Running while entered, without limits of calls a second. ``impatient`` collectors give up a job after its second
    delivery; ``iam`` is another source for them than AWS; ``seeds`` are the keys of services and of the admin, where
    the server wants any; services ``without`` are left to the test; ``more`` are other settings of services."""
    keys = seeds or {}
    await bus.apply(nats_url, seed=keys.get("admin"), consumers=_IMPATIENT if impatient else CONSUMERS)
    told: dict[str, Any] = {"database_url": database_url, "nats_url": nats_url, "scheduler_pause": 0.05}
    told |= {"iam_rate": 0.0, "organizations_rate": 0.0, "identity_center_rate": 0.0, "secret_key": SECRET_KEY}
    told |= {"rules_file": RULES, **more}
    patient = [name for name in SERVICES if not (impatient and name.startswith("collector-")) and name not in without]
    async with AsyncExitStack() as stack:
        graph = await stack.enter_async_context(Graph.open(database_url, application_name="tests", keys=KEYS))
        for name in patient:
            await stack.enter_async_context(_service(name, told | {"nats_nkey": keys.get(name)}))
        if impatient:
            await stack.enter_async_context(_collectors(graph, nats_url, iam or _iam))
        yield House(graph, database_url, nats_url, told)


@asynccontextmanager
async def _service(name: str, told: dict[str, Any]) -> AsyncIterator[None]:
    service = load(name)
    async with service.build(settings(service, told)):
        yield


def settings(service: Any, told: dict[str, Any]) -> Any:
    """A service's own, of what is told to all."""
    return service.Settings(**{key: value for key, value in told.items() if key in service.Settings.model_fields})


@asynccontextmanager
async def _collectors(graph: Graph, nats_url: str, iam: Make) -> AsyncIterator[None]:
    """Wired as their services wire them, but for the patience."""
    calls, broker = Calls(_SOON.concurrency), bus.broker(nats_url, service="tests")
    short = dict(zip(CONSUMERS, _IMPATIENT, strict=True))
    made: dict[Consumer, Make] = {
        COLLECT_ORGANIZATION: _organization,
        COLLECT_IAM: iam,
        COLLECT_CREDENTIALS: _credentials,
        COLLECT_IDENTITY_CENTER: _identity_center,
        COLLECT_SCIM: _scim,
    }
    for consumer, make in made.items():
        _listen(broker, graph, short[consumer], make(graph, calls))
    try:
        async with bus.running(broker, *(short[each] for each in made)):
            yield
    finally:
        calls.close()


def _listen(broker: Any, graph: Graph, consumer: Consumer, source: Source) -> None:
    recorder = telemetry.Recorder("tests")
    collector = Collector(StoredConnectors(graph), source, bus.Publisher(broker, "tests"), recorder)
    jobs = bus.route(consumer, CollectScope, collector.collect_scope, service="tests", backoff=0.02, retry=1.0)
    bus.include(broker, jobs, lanes=4)


def _organization(graph: Graph, calls: Calls) -> Source:
    return AwsOrganization(Sessions(_SOON, calls, actions=ORGANIZATION))


def _identity_center(graph: Graph, calls: Calls) -> Source:
    return AwsIdentityCenter(Sessions(_SOON, calls, actions=IDENTITY_CENTER), StoredScopes(graph))


def _iam(graph: Graph, calls: Calls) -> Source:
    return AwsIam(Sessions(_SOON, calls, actions=IAM_ALL), StoredFleet(graph))


def _credentials(graph: Graph, calls: Calls) -> Source:
    return AwsCredentials(Sessions(_SOON, calls, actions=CREDENTIALS), StoredKeys(graph))


def _scim(_graph: Graph, _calls: Calls) -> Source:
    settings = ScimSettings(connect_timeout=2.0, read_timeout=4.0, request_seconds=4.0, attempts=1)
    return ScimUsers(allowed_origins(os.environ.get("GRANTWIRE_SCIM_ALLOWED_ORIGINS", "")), settings)


def use(aws: Sandbox, patch: pytest.MonkeyPatch, who: str = "credentials") -> None:
    """What a person exports before starting the collectors: they find the sandbox by AWS's own variables."""
    for name in _OTHERS:
        patch.delenv(name, raising=False)
    for name, value in aws.environment(who).items():
        patch.setenv(name, value)
