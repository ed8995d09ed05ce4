"""Where the credentials of an account come from: AWS, entered by the connector's own role or a member account's."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from grantwire.aws import AwsSession, Identity, Sessions
from grantwire.aws.credentials.reader import CredentialReader, Pause
from grantwire.collectors.credentials.doubts import own_user
from grantwire.collectors.credentials.held import Stored, held_key
from grantwire.collectors.credentials.plans import Subject, fetch_credentials
from grantwire.collectors.kit.entering import Way, entered
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.connectors import Connector
from grantwire.contracts.ids import AccountId, ScopeKey, scope_account
from grantwire.contracts.jobs import CollectScope


class Keys(Protocol):
    """Where the keys are known that were told before: the graph, in life."""

    async def keys_of(self, account: AccountId) -> Sequence[Stored]: ...


class AwsCredentials:
    """The credentials of accounts as AWS shows them."""

    def __init__(self, sessions: Sessions, keys: Keys, pause: Pause = asyncio.sleep) -> None:
        self._sessions = sessions
        self._keys = keys
        self._pause = pause  # how a report is waited for

    async def read(self, connector: Connector, job: CollectScope) -> Reading:
        """All of the credentials of the job's account. Raises ``AwsError``, and ``DependencyDown`` while Postgres
        cannot be reached."""
        account = job.account or scope_account(ScopeKey(job.scope))

        async def read(session: AwsSession, identity: Identity) -> Reading:
            held = [held_key(each) for each in await self._keys.keys_of(AccountId(identity.account))]
            subject = Subject(identity.account, own_user(identity.arn), tuple(held))
            return await fetch_credentials(CredentialReader(session, self._pause), subject)

        return await entered(self._sessions, Way(connector, job.settings_version, account), read)
