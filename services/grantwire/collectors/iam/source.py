"""Where the IAM of an account comes from: AWS, entered by the connector's own role or a member account's."""

from typing import Protocol

from grantwire.aws import AwsSession, Identity, Sessions
from grantwire.aws.iam.reader import IamReader
from grantwire.collectors.iam.doubts import own_name
from grantwire.collectors.iam.plans import Subject, fetch_iam
from grantwire.collectors.kit.entering import Way, entered
from grantwire.collectors.kit.reading import Reading
from grantwire.contracts.connectors import Connector
from grantwire.contracts.ids import ScopeKey, scope_account
from grantwire.contracts.jobs import CollectScope


class Fleet(Protocol):
    """Where the accounts of the organizations that are read are known: the graph, in life."""

    async def accounts_inside(self) -> frozenset[str]: ...


class AwsIam:
    """Accounts as AWS shows them."""

    def __init__(self, sessions: Sessions, fleet: Fleet) -> None:
        self._sessions = sessions
        self._fleet = fleet

    async def read(self, connector: Connector, job: CollectScope) -> Reading:
        """All of the IAM of the job's account. Raises ``AwsError``."""
        inside = await self._fleet.accounts_inside() if job.organization else None
        account = job.account or scope_account(ScopeKey(job.scope))

        async def read(session: AwsSession, identity: Identity) -> Reading:
            subject = Subject(identity.account, own_name(identity.arn), inside)
            return await fetch_iam(IamReader(session), subject)

        return await entered(self._sessions, Way(connector, job.settings_version, account), read)
