"""Where an organization comes from: AWS, entered by the connector's own role."""

from grantwire.aws import AwsSession, Identity, Sessions
from grantwire.aws.organizations.reader import OrganizationReader
from grantwire.collectors.kit.entering import Way, entered
from grantwire.collectors.kit.reading import Reading
from grantwire.collectors.organization.walk import fetch_organization
from grantwire.contracts.connectors import Connector
from grantwire.contracts.jobs import CollectScope


class AwsOrganization:
    """An organization as AWS shows it to its management account or a delegated administrator."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def read(self, connector: Connector, job: CollectScope) -> Reading:
        """All of the job's organization. Raises ``AwsError``."""
        wanted = job.scope.partition("/")[2]

        async def read(session: AwsSession, identity: Identity) -> Reading:
            return await fetch_organization(OrganizationReader(session), wanted, identity.account)

        return await entered(self._sessions, Way(connector, job.settings_version, job.account), read)
