"""The account behind a connector: entered, verified to be the right one, and read."""

from typing import Protocol

from grantwire.aws import Identity
from grantwire.aws.errors import refused_credentials
from grantwire.aws.iam.reader import IamReader
from grantwire.collectors.iam.plans import Reading, fetch_iam
from grantwire.collectors.iam.reasons import wrong_account
from grantwire.collectors.iam.sessions import Sessions
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsError


class Accounts(Protocol):
    """Where a scope's content comes from."""

    async def read(self, connector: Connector, version: int, account: str | None) -> tuple[str, Reading]:
        """The account's id and all of its IAM. Raises ``AwsError``."""


class AwsAccounts:
    """Accounts as AWS shows them."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def read(self, connector: Connector, version: int, account: str | None) -> tuple[str, Reading]:
        """Credentials kept from an earlier sync that AWS no longer takes are replaced once. Raises ``AwsError``."""
        kept = self._sessions.known(connector.id, version)
        try:
            return await self._read(connector, version, account)
        except AwsError as error:
            self._sessions.forget(connector.id, version)
            if not (kept and refused_credentials(error)):
                raise
            return await self._read(connector, version, account)

    async def _read(self, connector: Connector, version: int, account: str | None) -> tuple[str, Reading]:
        session = self._sessions.get(connector, version)
        identity: Identity = await session.identity()
        if account is not None and identity.account != account:
            raise wrong_account(account, identity.account, identity.arn)
        return identity.account, await fetch_iam(IamReader(session), identity.account, identity.arn)
