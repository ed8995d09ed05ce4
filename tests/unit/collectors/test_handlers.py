"""What a job leads to on the bus: begin, chunks and seal, or a seal with the reason, or another delivery."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from grantwire.bus import Ack, Delivery, Outgoing
from grantwire.collectors.iam.coverage import COVERS
from grantwire.collectors.kit.handlers import Collector
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts import chunks
from grantwire.contracts.connectors import Connector
from grantwire.contracts.envelope import CHUNK, SNAPSHOT, Envelope
from grantwire.contracts.failures import (
    AwsCause,
    AwsError,
    DependencyDown,
    NotFound,
    Oversized,
    SecretKeyError,
    Transient,
)
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.messages import Message
from grantwire.contracts.resources import Facts, Kind, Resource
from grantwire.contracts.snapshots import Body, Outcome, SnapshotBegun, SnapshotSealed
from grantwire.contracts.streams import SNAPSHOTS, Stream
from grantwire.telemetry import Recorder, utc_now
from tests.unit.collectors.policies import ACCOUNT

JOB = CollectScope(
    run="r1", connector="prod", settings_version=3, source="iam", scope=f"iam/{ACCOUNT}", account=ACCOUNT
)
FIRST = Delivery("JOBS", "c", "s", 7, 1, False, Envelope("i", "t", "s", ""), {}, b"", utc_now())
LAST = replace(FIRST, attempt=5, last=True)
ROWS = Facts(
    tuple(Resource(Kind.IAM_USER, f"u{n}", ACCOUNT, "x" * 90_000, {}) for n in range(5)),
)
EMPTY = Facts()


@dataclass
class Bus:
    """Remembers what was published, in order; positions count from 100."""

    sent: list[tuple[str, str, Any]] = field(default_factory=list)  # subject, id, message
    refuses: Exception | None = None

    async def send(self, stream: Stream, subject: str, message: Message, *, id: str, source: str | None = None) -> Ack:
        assert (stream, source) == (SNAPSHOTS, "prod")
        self.sent.append((subject, id, message))
        return Ack(100 + len(self.sent), False)

    async def send_batch(self, stream: Stream, items: Sequence[Outgoing]) -> None:
        if self.refuses:
            raise self.refuses
        self.sent += [(item.subject, item.id, item) for item in items]

    async def position(self, stream: Stream) -> int:
        return 200 + len(self.sent)

    def seal(self) -> SnapshotSealed:
        found = self.sent[-1][2]
        assert isinstance(found, SnapshotSealed)
        return found

    def chunks(self) -> list[Outgoing]:
        return [item for _, _, item in self.sent if isinstance(item, Outgoing)]


@dataclass
class World:
    """Settings of version 3 of one connector, and an account that is read or is not."""

    facts: Facts = ROWS
    error: Exception | None = None
    bus: Bus = field(default_factory=Bus)
    asked: list[tuple[str, CollectScope]] = field(default_factory=list)

    async def settings(self, connector: str, version: int) -> Connector:
        if (connector, version) != ("prod", 3):
            raise NotFound("no such settings")
        return Connector(id=connector)

    async def read(self, connector: Connector, job: CollectScope) -> Reading:
        self.asked.append((connector.id, job))
        if self.error:
            raise self.error
        return Reading(ACCOUNT, "bulk", lambda: self.facts, [], list(COVERS["bulk"]))

    async def collect(self, job: CollectScope = JOB, delivery: Delivery = FIRST) -> Bus:
        await Collector(self, self, self.bus, Recorder("tests")).collect_scope(job, delivery)
        return self.bus


def failing(cause: AwsCause, code: str = "Code") -> World:
    return World(error=AwsError("AWS said no; next: ask.", cause=cause, operation="iam:ListUsers", code=code))


async def test_begin_comes_first_then_the_chunks_then_the_seal() -> None:
    before = utc_now()
    bus = await World().collect()
    snapshot = bus.seal().snapshot
    assert [id for _, id, _ in bus.sent] == [f"{snapshot}:{part}" for part in ("begin", 0, 1, 2, "seal")]
    assert isinstance(bus.sent[0][2], SnapshotBegun)
    assert {subject for subject, _, _ in bus.sent} == {
        f"gw.snapshot.prod.iam.iam=2F{ACCOUNT}",
        f"gw.resources.prod.iam.iam=2F{ACCOUNT}",
    }
    seal = bus.seal()
    assert (seal.fence, seal.last_read) == (101, 201), "the begin's place, and the stream's end before the chunks"
    assert before <= seal.read_began_at <= utc_now()
    assert (seal.outcome, seal.body, seal.plan, seal.account) == (Outcome.COMPLETE, Body.CHUNKS, "bulk", ACCOUNT)
    assert (seal.run, seal.connector, seal.scope) == ("r1", "prod", JOB.scope)
    assert "can_assume" in seal.covers


async def test_the_chunks_are_the_rows_and_the_seal_counts_them() -> None:
    bus = await World().collect()
    seal, bodies = bus.seal(), [item.body for item in bus.chunks()]
    assert bodies == chunks.encode(ROWS)
    assert (seal.chunks, seal.bytes) == (3, sum(map(len, bodies)))
    assert seal.digest == chunks.digest(bodies, "bulk")
    for number, item in enumerate(bus.chunks()):
        assert (item.headers[SNAPSHOT], item.headers[CHUNK]) == (seal.snapshot, str(number))
        assert Envelope.read(item.headers).source == "prod"


async def test_an_empty_account_has_a_body_without_chunks() -> None:
    seal = (await World(facts=EMPTY).collect()).seal()
    assert (seal.body, seal.chunks, seal.outcome) == (Body.CHUNKS, 0, Outcome.COMPLETE)
    assert seal.digest == chunks.digest([], "bulk")


@pytest.mark.parametrize(("full", "body", "sent"), [(False, Body.UNCHANGED, 0), (True, Body.CHUNKS, 3)])
async def test_what_is_known_is_not_sent_again_unless_all_is_asked(full: bool, body: Body, sent: int) -> None:
    known = chunks.digest(chunks.encode(ROWS), "bulk")
    bus = await World().collect(JOB.model_copy(update={"known_digest": known, "full": full}))
    assert (bus.seal().body, len(bus.chunks()), bus.seal().chunks) == (body, sent, sent)
    assert bus.seal().digest == known


async def test_the_source_is_asked_for_what_the_job_names() -> None:
    world = World()
    await world.collect()
    assert world.asked == [("prod", JOB)]


async def test_a_scope_of_another_source_is_published_under_its_own_name() -> None:
    job = JOB.model_copy(update={"source": "organization", "scope": "organization/o-abc"})
    bus = await World().collect(job)
    assert (bus.seal().source, bus.seal().scope) == ("organization", "organization/o-abc")
    assert bus.sent[0][0] == "gw.snapshot.prod.organization.organization=2Fo-abc"


async def test_a_store_that_is_down_is_left_to_the_settlement() -> None:
    world = World(error=DependencyDown("Postgres cannot be reached."))
    with pytest.raises(DependencyDown):
        await world.collect(delivery=LAST)
    assert len(world.bus.sent) == 1, "no seal: the job is still to be done"


@pytest.mark.parametrize("cause", [AwsCause.TRANSIENT, AwsCause.CONFLICT, AwsCause.GONE])
async def test_what_may_pass_is_delivered_again(cause: AwsCause) -> None:
    world = failing(cause)
    with pytest.raises(Transient, match="AWS said no"):
        await world.collect()
    assert len(world.bus.sent) == 1, "only the begin, which means nothing without a seal"


@pytest.mark.parametrize(
    ("cause", "aws_code", "delivery", "code"),
    [
        (AwsCause.TRANSIENT, "ServiceFailure", LAST, "transient"),
        (AwsCause.TRANSIENT, "Throttling", LAST, "throttled"),
        (AwsCause.TRANSIENT, "InconsistentReply", LAST, "inconsistent"),
        (AwsCause.DENIED, "AccessDenied", FIRST, "denied"),
        (AwsCause.CLOCK, "RequestExpired", FIRST, "clock"),
        (AwsCause.FINAL, "ValidationError", FIRST, "final"),
        (AwsCause.FINAL, "WrongAccount", FIRST, "wrong_account"),
        (AwsCause.FINAL, "WrongOrganization", FIRST, "wrong_organization"),
        (AwsCause.FINAL, "AWSOrganizationsNotInUseException", FIRST, "no_organization"),
    ],
)
async def test_what_does_not_pass_seals_the_scope_as_stale_with_the_reason(
    cause: AwsCause, aws_code: str, delivery: Delivery, code: str
) -> None:
    seal = (await failing(cause, aws_code).collect(delivery=delivery)).seal()
    assert (seal.outcome, seal.body, seal.covers, seal.digest) == (Outcome.STALE, Body.NONE, [], None)
    assert seal.reason is not None
    assert (seal.reason.code, seal.reason.text) == (code, "AWS said no; next: ask.")


async def test_a_row_that_the_bus_cannot_carry_makes_the_scope_stale() -> None:
    bus = await World(bus=Bus(refuses=Oversized("A message has 9 bytes, 8 are allowed."))).collect()
    assert (bus.seal().outcome, bus.seal().body) == (Outcome.STALE, Body.NONE)
    assert bus.seal().reason is not None


async def test_every_delivery_is_a_snapshot_of_its_own_and_a_repetition_is_not() -> None:
    async def id_of(delivery: Delivery) -> str:
        return (await World().collect(delivery=delivery)).seal().snapshot

    assert await id_of(FIRST) == await id_of(FIRST)
    others = {await id_of(FIRST), await id_of(replace(FIRST, attempt=2)), await id_of(replace(FIRST, sequence=8))}
    assert len(others) == 3


async def test_a_bug_is_left_to_the_settlement() -> None:
    with pytest.raises(ValueError, match="a bug"):
        await World(error=ValueError("a bug")).collect()


async def test_a_connector_that_is_gone_ends_the_run_that_waits() -> None:
    seal = (await World().collect(JOB.model_copy(update={"settings_version": 4}))).seal()
    assert (seal.outcome, seal.body) == (Outcome.STALE, Body.NONE)
    assert seal.reason is not None and seal.reason.code == "connector_gone"


async def test_a_secret_that_cannot_be_opened_ends_the_job_at_its_first_delivery() -> None:
    world = World(error=SecretKeyError("The external_id of connector 'prod' cannot be read: no key was given."))
    seal = (await world.collect(delivery=FIRST)).seal()
    assert (seal.outcome, seal.body) == (Outcome.STALE, Body.NONE)
    assert seal.reason is not None and (seal.reason.code, seal.reason.text) == ("secret_key", str(world.error))
