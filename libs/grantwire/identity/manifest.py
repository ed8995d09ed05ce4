"""Every identity on the bus and all it may do there, as data. What is not listed, the server denies.

A service reaches the durable consumers it is bound to, its own subjects, and its own inbox. Streams and consumers are
made, changed and deleted by ``ADMIN`` alone.
"""

from dataclasses import dataclass
from typing import Final

from grantwire.contracts import subjects
from grantwire.contracts.commands import BY_VERB
from grantwire.contracts.ids import OPERATORS
from grantwire.contracts.streams import (
    CHANGES,
    COLLECT_CREDENTIALS,
    COLLECT_IAM,
    COLLECT_IDENTITY_CENTER,
    COLLECT_ORGANIZATION,
    COLLECT_SCIM,
    COMMANDS,
    CONSUMERS,
    DEAD,
    EXHAUSTED,
    GRANT_ACCESS,
    JOBS,
    OUTCOMES,
    REVOKE_ACCESS,
    SEALED,
    SNAPSHOTS,
    Consumer,
    Stream,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """``publish`` and ``subscribe`` are subjects, wildcards allowed. ``answers``: it may also reply to whoever asks it,
    on the subject that the request names."""

    name: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False


def _own(name: str) -> str:
    """Where a service's answers come, and nobody else's."""
    return f"{subjects.inbox(name)}.>"


def _bound(*consumers: Consumer) -> tuple[str, ...]:
    """Receiving from durable consumers: look at them, fetch, acknowledge, bury."""
    return tuple(
        subject
        for each in consumers
        for subject in (
            f"$JS.API.CONSUMER.INFO.{each.stream}.{each.name}",
            f"$JS.API.CONSUMER.MSG.NEXT.{each.stream}.{each.name}",
            f"$JS.ACK.{each.stream}.{each.name}.>",
            subjects.dead(each.stream, each.name),
        )
    )


def _info(stream: Stream) -> str:
    return f"$JS.API.STREAM.INFO.{stream.name}"


def _collector(name: str, consumer: Consumer) -> Identity:
    """Snapshots of its own source and no other: the source is the third token of the jobs it takes."""
    source = consumer.subjects[0].split(".")[2]
    snapshots = (f"gw.snapshot.*.{source}.*", f"gw.resources.*.{source}.*")
    return Identity(name, (*_bound(consumer), *snapshots, _info(SNAPSHOTS)), (_own(name),))


def _relay() -> Identity:
    """Changes and outcomes leave by it alone. It moves exhausted messages of every consumer into the dead letters, and
    takes exhausted jobs out of their queue."""
    exhausted = sorted({f"$JS.API.STREAM.MSG.GET.{each.stream}" for each in CONSUMERS})
    published = (*CHANGES.subjects, *OUTCOMES.subjects, *DEAD.subjects)
    publish = (*_bound(EXHAUSTED), *published, *exhausted, f"$JS.API.STREAM.MSG.DELETE.{JOBS.name}")
    return Identity("relay", publish, (_own("relay"),))


def _api() -> Identity:
    """Commands for people, and dead letters: it puts back whatever a consumer gave up on, but no team's command."""
    replays = tuple(subject for each in CONSUMERS if each.stream != COMMANDS.name for subject in each.subjects)
    letters = (f"$JS.API.DIRECT.GET.{DEAD.name}", f"$JS.API.STREAM.MSG.DELETE.{DEAD.name}")
    commands = tuple(f"gw.cmd.{OPERATORS}.*.*.{verb}" for verb in BY_VERB)
    publish = (*commands, f"gw.ask.{OPERATORS}.*", *replays, *letters)
    return Identity("api", publish, (f"gw.outcome.{OPERATORS}.>", _own("api")))


def _provisioner() -> Identity:
    """It alone sees commands, and answers what became of them. It publishes the fences of what it wrote, and
    no snapshot."""
    publish = (*_bound(GRANT_ACCESS, REVOKE_ACCESS), "gw.fence.*.*.*")
    return Identity("provisioner", publish, ("gw.ask.*.*", _own("provisioner")), answers=True)


SERVICES: Final = (
    Identity("scheduler", (*JOBS.subjects, f"$JS.API.STREAM.PURGE.{JOBS.name}"), (_own("scheduler"),)),
    _collector("collector-organization", COLLECT_ORGANIZATION),
    _collector("collector-iam", COLLECT_IAM),
    _collector("collector-credentials", COLLECT_CREDENTIALS),
    _collector("collector-identity-center", COLLECT_IDENTITY_CENTER),
    _collector("collector-scim", COLLECT_SCIM),
    Identity(
        "projector",
        (*_bound(SEALED), _info(SNAPSHOTS), f"$JS.API.DIRECT.GET.{SNAPSHOTS.name}"),
        (_own("projector"),),
    ),
    _provisioner(),
    _relay(),
    _api(),
)
ADMIN: Final = Identity("admin", ("$JS.API.>",), (_own("admin"),))  # `grantwire bus apply`
IDENTITIES: Final = (*SERVICES, ADMIN)

# Has the server read its configuration again, and no more: it is a user of the server's own account.
RELOADER: Final = Identity("reloader", ("$SYS.REQ.SERVER.*.RELOAD",), (_own("reloader"),))

# A team's one user, in an account of its own: what is asked and told there is only the team's.
TEAM: Final = Identity(
    "team",
    (
        *(f"gw.cmd.*.*.{verb}" for verb in BY_VERB),
        "gw.ask.*",
        f"$JS.API.DIRECT.GET.{CHANGES.name}",
        subjects.CHANGES_INFO,
    ),
    ("gw.outcome.>", *CHANGES.subjects, "_INBOX.>"),
)
