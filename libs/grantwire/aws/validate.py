"""The api's door to AWS: do a connector's settings let us in, and who is it that asks?"""

from dataclasses import dataclass

from grantwire.aws import codes
from grantwire.aws.calls import Calls
from grantwire.aws.entry import Identity
from grantwire.aws.errors import lacks_permission
from grantwire.aws.identity_center.discovery import find_identity_center
from grantwire.aws.organizations.reader import OrganizationReader
from grantwire.aws.permissions import IAM_ALL, IDENTITY_CENTER_FINDING, ORGANIZATION
from grantwire.aws.session import AwsSession
from grantwire.aws.settings import AwsSettings
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsError, Invalid
from grantwire.contracts.identity_center import IdentityCenter


@dataclass(frozen=True, slots=True)
class Checked:
    """Who the connector is in AWS, and the id of the organization and the instance it reads, if it reads them."""

    identity: Identity
    organization: str | None = None
    identity_center: IdentityCenter | None = None

    @property
    def account(self) -> str:
        return self.identity.account


async def check_connector(connector: Connector, settings: AwsSettings | None = None) -> Checked:
    """Enter the account as the connector would, with one AssumeRole (or GetCallerIdentity without a role).

    With ``organizations`` two more calls tell whether that account may read the organization, with ``identity_center``
    two more which instance it reads: ``Invalid`` of that field if not. Else raises ``AwsError`` with the sentence to
    show. It does not prove that the role may read IAM, nor that any child role lets it in: the first sync does.
    """
    calls = Calls(concurrency=1)
    session = AwsSession(connector, _actions(connector), settings or AwsSettings(), calls)
    try:
        identity = await session.identity()
        organization = await read_organization(session) if connector.organizations else None
        center = await find_identity_center(session, connector.identity_center_region) if _centered(connector) else None
        return Checked(identity, organization, center)
    finally:
        calls.close()


async def ambient_identity(settings: AwsSettings | None = None) -> Identity:
    """Who this process is in AWS by itself: one GetCallerIdentity. Raises ``AwsError``."""
    calls = Calls(concurrency=1)
    try:
        return await AwsSession(Connector(id="ambient"), (), settings or AwsSettings(), calls).identity()
    finally:
        calls.close()


async def read_organization(session: AwsSession) -> str:
    """Its id. ListRoots is the cheapest call that only the management account and delegated administrators may make:
    raises ``Invalid`` for any other account, ``AwsError`` for what may pass."""
    reader = OrganizationReader(session)
    try:
        found = await reader.organization()
        await reader.roots()
    except AwsError as error:
        if error.code in codes.NO_ORGANIZATION or lacks_permission(error):
            raise Invalid(str(error), "organizations") from error
        raise
    return found.id


def _centered(connector: Connector) -> bool:
    return connector.organizations and connector.identity_center


def _actions(connector: Connector) -> tuple[str, ...]:
    organization = ORGANIZATION if connector.organizations else ()
    return (*IAM_ALL, *organization, *(IDENTITY_CENTER_FINDING if _centered(connector) else ()))
