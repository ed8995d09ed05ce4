"""Where SCIM's users come from: the endpoint of the connector, if it is one that may be asked."""

from collections.abc import Collection
from typing import Final

from grantwire.aws import current_tally
from grantwire.collectors.kit.reading import Reading, unread
from grantwire.collectors.kit.reasons import INVALID_SETTING
from grantwire.collectors.scim.facts import USERS, facts_from_users
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsCause, Invalid, ScimError
from grantwire.contracts.ids import scim_scope
from grantwire.contracts.jobs import CollectScope
from grantwire.scim import (
    Bearer,
    Endpoint,
    Listing,
    Origin,
    Resolve,
    ScimReader,
    ScimSettings,
    endpoint,
    system_resolve,
)

PLAN: Final = "scim"


class ScimUsers:
    """Users as the SCIM endpoint shows them. ``allowed`` are origins besides AWS's own that may be asked."""

    def __init__(
        self, allowed: Collection[Origin], settings: ScimSettings, *, resolve: Resolve = system_resolve
    ) -> None:
        self._allowed = allowed
        self._settings = settings
        self._resolve = resolve

    async def read(self, connector: Connector, job: CollectScope) -> Reading:
        """The users of the connector's endpoint. Raises ``ScimError``."""
        there, token = self._way(connector, job.scope)
        listing = await self._listing(there, token)
        notes = unread((USERS,), listing.why) if listing.why else []
        return Reading(None, PLAN, lambda: facts_from_users(listing.users), notes, covers=[], adds_only=True)

    async def _listing(self, there: Endpoint, token: Bearer) -> Listing:
        counting = current_tally()
        async with ScimReader(there, token, self._settings, resolve=self._resolve, counting=counting) as reader:
            return await reader.users()

    def _way(self, connector: Connector, scope: str) -> tuple[Endpoint, Bearer]:
        """Where to ask, and with what. What the settings do not allow is not asked at all."""
        try:
            given = _given(connector.scim_endpoint, "scim_endpoint", connector.id)
            there = endpoint(given, connector.partition, self._allowed)
            token = Bearer(_given(connector.scim_token, "scim_token", connector.id))
        except Invalid as error:
            raise _refused(str(error)) from error
        if scim_scope(given) != scope:
            raise _refused(f"Connector {connector.id!r} has the endpoint of {scim_scope(given)}, not of {scope}.")
        return there, token


def _given(value: str | None, field: str, connector: str) -> str:
    if value is None:
        raise Invalid(
            f"Connector {connector!r} is to read SCIM but has no {field}; next: copy it from IAM Identity Center, "
            "Settings, Automatic provisioning.",
            field,
        )
    return value


def _refused(sentence: str) -> ScimError:
    return ScimError(sentence, cause=AwsCause.FINAL, operation="scim:ListUsers", code=INVALID_SETTING)
