"""Every stream and durable consumer, as data. One idempotent step applies them (``grantwire bus apply``); no service
declares its own."""

from dataclasses import dataclass
from typing import Final, Literal

from grantwire.contracts.commands import GrantAccess, RevokeAccess
from grantwire.contracts.jobs import CollectScope
from grantwire.contracts.snapshots import SnapshotSealed

DAY: Final = 86_400.0
GIB: Final = 1024**3


@dataclass(frozen=True, slots=True)
class Stream:
    """``max_age`` and ``duplicate_window`` in seconds, ``max_bytes`` in bytes."""

    name: str
    subjects: tuple[str, ...]
    max_age: float
    duplicate_window: float
    max_bytes: int
    retention: Literal["limits", "workqueue"] = "limits"
    discard: Literal["new", "old"] = "new"
    one_per_subject: bool = False
    atomic_batches: bool = False
    deny_delete: bool = True


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable pull consumer. ``ack_wait`` in seconds: handlers heartbeat well within it."""

    name: str
    stream: str
    subjects: tuple[str, ...]
    ack_wait: float = 10.0
    max_deliver: int = 8
    max_ack_pending: int = 64


JOBS: Final = Stream(
    "JOBS", ("gw.job.>",), 7 * DAY, 120.0, GIB, retention="workqueue", one_per_subject=True, deny_delete=False
)
SNAPSHOTS: Final = Stream(
    "SNAPSHOTS", ("gw.snapshot.>", "gw.resources.>", "gw.fence.>"), 14 * DAY, 7_200.0, 16 * GIB, atomic_batches=True
)
COMMANDS: Final = Stream("COMMANDS", ("gw.cmd.>",), 7 * DAY, DAY, GIB)
OUTCOMES: Final = Stream("OUTCOMES", ("gw.outcome.>",), 30 * DAY, 7_200.0, 4 * GIB, atomic_batches=True)
CHANGES: Final = Stream("CHANGES", ("gw.change.>",), 7 * DAY, 7_200.0, 4 * GIB, atomic_batches=True)
DEAD: Final = Stream("DEAD", ("gw.dead.>",), 30 * DAY, DAY, GIB, discard="old", deny_delete=False)
ADVISORIES: Final = Stream(
    "ADVISORIES",
    ("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>"),
    7 * DAY,
    120.0,
    GIB // 4,
    discard="old",
    deny_delete=False,
)
STREAMS: Final = (JOBS, SNAPSHOTS, COMMANDS, OUTCOMES, CHANGES, DEAD, ADVISORIES)

COLLECT_IAM: Final = Consumer(
    CollectScope.consumer("collector-iam"), JOBS.name, ("gw.job.iam.>",), max_deliver=5, max_ack_pending=64
)
COLLECT_ORGANIZATION: Final = Consumer(
    CollectScope.consumer("collector-organization"),
    JOBS.name,
    ("gw.job.organization.>",),
    max_deliver=5,
    max_ack_pending=16,
)
COLLECT_CREDENTIALS: Final = Consumer(
    CollectScope.consumer("collector-credentials"),
    JOBS.name,
    ("gw.job.credentials.>",),
    max_deliver=5,
    max_ack_pending=64,
)
COLLECT_IDENTITY_CENTER: Final = Consumer(
    CollectScope.consumer("collector-identity-center"),
    JOBS.name,
    ("gw.job.identity_center.>",),
    max_deliver=5,
    max_ack_pending=64,
)
COLLECT_SCIM: Final = Consumer(
    CollectScope.consumer("collector-scim"), JOBS.name, ("gw.job.scim.>",), max_deliver=5, max_ack_pending=16
)
SEALED: Final = Consumer(
    SnapshotSealed.consumer("projector"), SNAPSHOTS.name, ("gw.snapshot.>",), max_deliver=20, max_ack_pending=16
)
GRANT_ACCESS: Final = Consumer(
    GrantAccess.consumer("provisioner"), COMMANDS.name, ("gw.cmd.*.*.*.grant",), max_deliver=20, max_ack_pending=64
)
REVOKE_ACCESS: Final = Consumer(
    RevokeAccess.consumer("provisioner"), COMMANDS.name, ("gw.cmd.*.*.*.revoke",), max_deliver=20, max_ack_pending=64
)
EXHAUSTED: Final = Consumer("relay-message-exhausted", ADVISORIES.name, ADVISORIES.subjects, max_deliver=20)
CONSUMERS: Final = (
    COLLECT_ORGANIZATION,
    COLLECT_IAM,
    COLLECT_CREDENTIALS,
    COLLECT_IDENTITY_CENTER,
    COLLECT_SCIM,
    SEALED,
    GRANT_ACCESS,
    REVOKE_ACCESS,
    EXHAUSTED,
)
