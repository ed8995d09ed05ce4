"""The api's door to AWS: do a connector's settings let us in?"""

from dataclasses import dataclass

from grantwire.aws import codes
from grantwire.aws.calls import Calls
from grantwire.aws.entry import Identity
from grantwire.aws.errors import lacks_permission
from grantwire.aws.organizations.reader import OrganizationReader
from grantwire.aws.permissions import IAM_ALL, ORGANIZATION
from grantwire.aws.session import AwsSession
from grantwire.aws.settings import AwsSettings
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsError, Invalid


@dataclass(frozen=True, slots=True)
class Checked:
    """Who the connector is in AWS, and the id of the organization it reads, if it reads one."""

    identity: Identity
    organization: str | None = None

    @property
    def account(self) -> str:
        return self.identity.account


async def check_connector(connector: Connector, settings: AwsSettings | None = None) -> Checked:
    """Enter the account as the connector would, with one AssumeRole (or GetCallerIdentity without a role).

    With ``organizations`` two more calls tell whether that account may read the organization: ``Invalid`` of that field
    if not. Else raises ``AwsError`` with the sentence to show. It does not prove that the role may read IAM, nor that
    any child role lets it in: the first sync does.
    """
    calls = Calls(concurrency=1)
    actions = (*IAM_ALL, *ORGANIZATION) if connector.organizations else IAM_ALL
    session = AwsSession(connector, actions, settings or AwsSettings(), calls)
    try:
        identity = await session.identity()
        return Checked(identity, await _organization(session) if connector.organizations else None)
    finally:
        calls.close()


async def _organization(session: AwsSession) -> str:
    """ListRoots is the cheapest call that only the management account and delegated administrators may make."""
    reader = OrganizationReader(session)
    try:
        found = await reader.organization()
        await reader.roots()
    except AwsError as error:
        if error.code in codes.NO_ORGANIZATION or lacks_permission(error):
            raise Invalid(str(error), "organizations") from error
        raise
    return found.id
