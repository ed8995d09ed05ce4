"""The account behind a job: entered, verified to be the right one, and read with credentials that AWS still takes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from grantwire.aws import AwsSession, Identity, Sessions
from grantwire.aws.errors import refused_credentials
from grantwire.collectors.kit.reasons import wrong_account
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsError

T = TypeVar("T")
_ROLES: Final = 2  # in a row, whose credentials may be old
Read = Callable[[AwsSession, Identity], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Way:
    """Which session is wanted. ``account`` is the one to be in: the connector's own or a member of its organization;
    None where the credentials decide."""

    connector: Connector
    version: int
    account: str | None


async def entered(sessions: Sessions, way: Way, read: Read[T]) -> T:
    """What ``read`` finds there. Credentials kept from an earlier sync that AWS no longer takes are replaced: those of
    the account, then those of the connector role in front of it. Raises ``AwsError``."""
    for _ in range(_ROLES):
        kept = sessions.known(way.connector, way.version, way.account)
        try:
            return await _within(sessions, way, read)
        except AwsError as error:
            sessions.forget(way.connector, way.version, way.account)
            if not (kept and refused_credentials(error)):
                raise
    return await _within(sessions, way, read)


async def _within(sessions: Sessions, way: Way, read: Read[T]) -> T:
    session = sessions.get(way.connector, way.version, way.account)
    identity: Identity = await session.identity()
    if way.account is not None and identity.account != way.account:
        raise wrong_account(way.account, identity.account, identity.arn)
    return await read(session, identity)
