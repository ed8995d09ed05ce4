"""The validation door: the one place where the api asks AWS and SCIM endpoints, to tell a person at once whether a
connector works."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from grantwire.aws import AwsSettings, Check, Identity, Setup, ambient_identity, check_connector, run_checks, setup_of
from grantwire.aws.checks import failed
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsError, Invalid
from grantwire.contracts.identity_center import IdentityCenter
from grantwire.contracts.ids import AccountId
from grantwire.scim import Bearer, Endpoint, Origin, ScimReader, ScimSettings, endpoint

_QUICK: Final = ScimSettings(attempts=2)
_SCIM_FIELDS: Final = {
    "UnauthorizedException": "scim_token",
    "AccessDeniedException": "scim",
    "ResourceNotFoundException": "scim_endpoint",
    "EndpointForbidden": "scim_endpoint",
    "Redirected": "scim_endpoint",
}


@dataclass(frozen=True)
class Entrance:
    """Where a connector leads: the account of its role, and the organization and the Identity Center instance that it
    may read, if it reads them."""

    account: AccountId
    organization: str | None = None
    identity_center: IdentityCenter | None = None

    def __str__(self) -> str:
        found = [f"AWS lets it into account {self.account}"]
        if self.organization:
            found.append(f"organization {self.organization} can be read from there")
        if (center := self.identity_center) is not None:
            found.append(f"Identity Center {center.instance_arn} in {center.region} as well")
        return ", and ".join(found) + "."


class Door(Protocol):
    """How a connector is let in, tried out, and set up."""

    def mind(self, connector: Connector) -> None:
        """Raises ``Invalid`` for a setting that nobody is sent to AWS with: an address that is not AWS's."""

    async def enter(self, connector: Connector) -> Entrance:
        """Raises ``AwsError`` with the sentence to show, ``Invalid`` for the setting that AWS contradicts."""

    async def check(self, connector: Connector) -> list[Check]:
        """Every point that can be tried without changing anything."""

    async def setup(self, connector: Connector, *, reveal: bool) -> Setup:
        """What a person makes in AWS for it; ``reveal``: the external ids themselves."""


@dataclass(frozen=True)
class AwsDoor:
    """Asks AWS as this process's ambient credentials. ``origins``: SCIM endpoints allowed besides AWS's own."""

    settings: AwsSettings
    origins: Collection[Origin] = ()

    def mind(self, connector: Connector) -> None:
        if connector.scim_endpoint is not None:
            self._endpoint(connector)
        if connector.scim_token is not None:
            Bearer(connector.scim_token)

    async def enter(self, connector: Connector) -> Entrance:
        found = await check_connector(connector, self.settings)
        if connector.scim:
            await self._answers(connector)
        return Entrance(AccountId(found.account), found.organization, found.identity_center)

    async def check(self, connector: Connector) -> list[Check]:
        found = await run_checks(connector, self.settings)
        return [*found, await self._scim_check(connector)] if connector.scim else found

    async def setup(self, connector: Connector, *, reveal: bool) -> Setup:
        return setup_of(connector, await self._caller(), reveal=reveal)

    async def _caller(self) -> Identity | AwsError:
        """Or why AWS does not say who this is: a draft needs no credentials yet."""
        try:
            return await ambient_identity(self.settings)
        except AwsError as error:
            return error

    def _endpoint(self, connector: Connector) -> Endpoint:
        return endpoint(connector.scim_endpoint or "", connector.partition, self.origins)

    async def _answers(self, connector: Connector) -> None:
        """Whether the SCIM endpoint takes the token. Raises ``Invalid`` for the setting to change, ``AwsError`` for
        what may pass."""
        async with ScimReader(self._endpoint(connector), Bearer(connector.scim_token or ""), _QUICK) as reader:
            try:
                await reader.check()
            except AwsError as error:
                if (field := _SCIM_FIELDS.get(error.code)) is not None:
                    raise Invalid(str(error), field) from error
                raise

    async def _scim_check(self, connector: Connector) -> Check:
        try:
            await self._answers(connector)
        except (AwsError, Invalid) as error:
            return failed("scim", error)
        return Check("scim", "ok", "The SCIM endpoint takes the token and lists users.")
