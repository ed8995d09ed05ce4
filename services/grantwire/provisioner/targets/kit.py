"""What all kinds of targets have in common."""

from collections.abc import Awaitable
from typing import TypeVar

from grantwire.contracts.commands import AccessCommand, Ref
from grantwire.contracts.failures import AwsCause, AwsError
from grantwire.contracts.outcomes import Evidence
from grantwire.contracts.resources import Relation, RelationKind
from grantwire.contracts.snapshots import Reason
from grantwire.provisioner.decisions import Seen
from grantwire.telemetry import utc_now

T = TypeVar("T")


def seen(held: bool, operation: str) -> Seen:
    """What was read just now."""
    return Seen(Evidence(held=held, at=utc_now(), operation=operation))


async def nothing_if_gone(listing: Awaitable[tuple[T, ...]]) -> tuple[T, ...]:
    """What is listed of something that may be gone: then there is nothing of it."""
    try:
        return await listing
    except AwsError as error:
        if error.cause is not AwsCause.GONE:
            raise
        return ()


def relation(kind: RelationKind, source: Ref, target: Ref, **attributes: str) -> Relation:
    return Relation(kind, source.native_id, source.kind, target.native_id, target.kind, attributes)


def missing(command: AccessCommand, ref: Ref, operation: str) -> Reason:
    """One of the two ends is not there."""
    which = "principal" if ref == command.principal else "target"
    text = f"AWS knows no {ref} ({operation}); next: was it deleted, or is its name another?"
    return Reason(code=f"unknown_{which}", text=text)


def replaced(ref: Ref, expected: str, found: str) -> Reason:
    """Something of the same name that is not the same."""
    text = (
        f"{ref} has the unique id {found}, and the command is about {expected}: it was deleted, and another made of "
        "the same name; next: look who it is, and send a command about that one."
    )
    return Reason(code="replaced_principal", text=text)


def elsewhere(ref: Ref, found: str) -> Reason:
    """AWS answers about another ARN than was asked for."""
    text = f"AWS shows {found} under the name of {ref}: its path is another; next: use the ARN that AWS shows."
    return Reason(code="other_arn", text=text)
