"""The two ways into an account: the connector's own role, and from it a role of another account."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from botocore.credentials import Credentials

from grantwire.aws import rules
from grantwire.aws.calls import Calls
from grantwire.aws.clients import Clients, ambient, region_of
from grantwire.aws.entry import ASSUME, CALLER, Entered, Role, RoleWanted, whoami
from grantwire.aws.errors import Asked, behind, failure, refused_credentials
from grantwire.aws.permissions import ASSIGNING, child_roles, in_management, session_policy
from grantwire.aws.settings import AwsSettings
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsError
from grantwire.telemetry.clock import utc_now

if TYPE_CHECKING:
    from mypy_boto3_sts.client import STSClient


class Door(Protocol):
    """A way into one account, entered on first use and kept open."""

    async def open(self) -> Entered:
        """Raises ``AwsError``."""

    def asked(self, operation: str) -> Asked:
        """What a failure of the operation is said about."""

    def refused(self, error: AwsError) -> None:
        """A call through this door failed: what can no longer work is entered anew next time."""


class Own:
    """The connector's own account: by its role, else as the ambient credentials themselves. An operator role, if the
    connector names one, is assumed first, and the connector's role with its credentials.

    One for all who go through it: the role is assumed once, whoever comes first, and renewed before it ends.
    """

    def __init__(
        self,
        connector: Connector,
        actions: Sequence[str],
        settings: AwsSettings,
        calls: Calls,
        clients: Clients,
        *,
        leads_on: bool = True,
    ) -> None:
        """``leads_on``: whether member accounts are entered from it."""
        self._connector = connector
        self._policy = _narrowed(connector, actions, leads_on)
        self._settings = settings
        self._calls = calls
        self._clients = clients
        self._gate = asyncio.Lock()  # those who wait for one entering keep no threads
        self._entered: Entered | None = None

    async def open(self) -> Entered:
        async with self._gate:
            if self._entered is None:
                self._entered = await self._calls.run(self._enter)
            return self._entered

    def asked(self, operation: str) -> Asked:
        account = self._entered.identity.account if self._entered else self._connector.account
        return Asked(operation, account, self._connector.role_arn)

    def refused(self, error: AwsError) -> None:
        """What AWS refuses now it will refuse again: the ambient credentials may be other ones by then."""
        if refused_credentials(error):
            self._entered = None

    def forget(self, entered: Entered | None) -> None:
        """Enter anew next time, unless somebody has done so since."""
        if self._entered is entered:
            self._entered = None

    def _enter(self) -> Entered:
        """One call: AssumeRole where the connector names a role, else GetCallerIdentity; one more for the operator."""
        try:
            session = ambient()
            region = region_of(session, self._connector.partition if self._connector.role_arn else None, self._settings)
            credentials = session.get_credentials()
            sts = self._clients.sts(region)
        except Exception as error:
            raise failure(error, self.asked(ASSUME if self._connector.role_arn else CALLER), now=utc_now()) from error
        if self._connector.role_arn is None:
            return Entered(whoami(sts, credentials), credentials, region)
        role = Role(sts, self._assumer(sts, credentials), self._wanted(self._connector.role_arn))
        return Entered(role.identity, role.credentials(), region)

    def _assumer(self, sts: "STSClient", ambient: Credentials | None) -> Credentials | None:
        """Whose credentials assume the connector's role: the operator role's may do nothing but that."""
        if (arn := self._connector.operator_role_arn) is None:
            return ambient
        policy = session_policy((), [self._connector.role_arn] if self._connector.role_arn else ())
        name, external_id = session_name(self._connector), self._connector.operator_external_id
        wanted = RoleWanted(arn, external_id, name, policy, refusal=rules.OPERATOR_DENIED)
        return Role(sts, ambient, wanted).credentials()

    def _wanted(self, arn: str) -> RoleWanted:
        wanted = RoleWanted(arn, self._connector.external_id, session_name(self._connector), self._policy)
        if (operator := self._connector.operator_role_arn) is None:
            return wanted
        whose = "the credentials of its operator role"
        return replace(wanted, via=operator, whose=whose, refusal=rules.BEHIND_OPERATOR_DENIED)


class Child:
    """A member account of the connector's organization: by a role that the connector's own credentials assume.

    Where the account turns out to be the connector's own (which ambient credentials do not say before they are used),
    nothing is assumed.
    """

    def __init__(
        self, own: Own, connector: Connector, account: str, actions: Sequence[str], calls: Calls, clients: Clients
    ) -> None:
        self._own = own
        self._connector = connector
        self._account = account
        self._role = connector.child_role(account)
        self._policy = session_policy(actions)
        self._calls = calls
        self._clients = clients
        self._gate = asyncio.Lock()
        self._entered: Entered | None = None
        self._behind: Entered | None = None  # the connector role's, through which it was entered last

    async def open(self) -> Entered:
        base = await self._base()
        if base.identity.account == self._account:
            return base
        async with self._gate:
            if self._entered is None:
                self._entered = await self._through(base)
            return self._entered

    def asked(self, operation: str) -> Asked:
        return Asked(operation, self._account, self._role.arn)

    def refused(self, error: AwsError) -> None:
        """Where the connector role's own credentials are to blame, they are replaced too."""
        if refused_credentials(error):
            self._entered = None
            if error.operation == ASSUME:
                self._own.forget(self._behind)

    async def _through(self, base: Entered) -> Entered:
        """Credentials of the connector role that were kept, and that AWS no longer takes, are replaced once."""
        try:
            return await self._enter_from(base)
        except AwsError as error:
            if not refused_credentials(error):
                raise
        self._own.forget(base)
        return await self._enter_from(await self._base())

    async def _enter_from(self, base: Entered) -> Entered:
        self._behind = base
        return await self._calls.run(partial(self._enter, base))

    async def _base(self) -> Entered:
        try:
            return await self._own.open()
        except AwsError as error:
            raise behind(error, self._account) from error

    def _enter(self, base: Entered) -> Entered:
        arn = _in_partition(self._role.arn, base.identity.partition)
        via = self._connector.role_arn or base.identity.arn
        wanted = RoleWanted(arn, self._role.external_id, session_name(self._connector), self._policy, via)
        role = Role(self._clients.sts(base.region), base.credentials, wanted)
        return Entered(role.identity, role.credentials(), base.region)


def _narrowed(connector: Connector, actions: Sequence[str], leads_on: bool) -> str:
    """Whoever asks for assignments lends AWS its rights where they are in the management account."""
    also = in_management(connector.partition) if ASSIGNING in actions else ()
    return session_policy(actions, child_roles(connector) if leads_on else (), also)


def session_name(connector: Connector) -> str:
    """What CloudTrail shows in every account."""
    return f"grantwire-{connector.id}"[:64]


def _in_partition(arn: str, partition: str) -> str:
    """Without a connector role only the ambient credentials themselves say which partition they are of."""
    return ":".join(["arn", partition, *arn.split(":")[2:]])
