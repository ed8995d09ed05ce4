"""A way into one AWS account, for async callers: entered once, renewed before it ends, every failure a sentence."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import stamina

from grantwire.aws.acting import acting
from grantwire.aws.budgets import Budgets, first_slot, spend
from grantwire.aws.calls import Calls
from grantwire.aws.clients import Clients
from grantwire.aws.doors import Door, Own
from grantwire.aws.entry import ASSUME, Entered, Identity
from grantwire.aws.errors import elsewhere, failure
from grantwire.aws.identity_center.client import IdentityStoreClient, SsoAdminClient
from grantwire.aws.organizations.client import OrganizationsClient
from grantwire.aws.places import Place
from grantwire.aws.replies import GarbledReply, unspoilt
from grantwire.aws.settings import AwsSettings
from grantwire.contracts.connectors import Connector
from grantwire.contracts.failures import AwsError
from grantwire.telemetry.clock import utc_now

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient

T = TypeVar("T")

# botocore repeats what fails on the way; replies refused by our guard are ours to repeat, and only reads pass here.
_AGAIN: Final = stamina.AsyncRetryingCaller(attempts=2, wait_max=2.0, wait_jitter=0.2).on(GarbledReply)


class AwsSession:
    """Reads one account with one connector's credentials, narrowed to ``actions``. Nothing is asked until first use.

    The account is the connector's own, or the one ``door`` leads to. What ``write_…`` sends leaves once: neither
    botocore nor we repeat it, and the ``AwsError`` says whether it may have been carried out. A caller that is
    cancelled meanwhile does not know: the request may leave all the same.
    """

    def __init__(
        self,
        connector: Connector,
        actions: Sequence[str],
        settings: AwsSettings,
        calls: Calls,
        *,
        budgets: Budgets | None = None,
        clients: Clients | None = None,
        door: Door | None = None,
    ) -> None:
        self._calls = calls
        self._budgets = budgets
        self._clients = clients or Clients(settings)
        self._door: Door = door or Own(connector, actions, settings, calls, self._clients)
        self._only: str | None = None

    def only(self, account: str) -> "AwsSession":
        """The same session, which does nothing in any other account: each call raises ``AwsError`` (final) there."""
        found = copy(self)
        found._only = account
        return found

    async def identity(self) -> Identity:
        """Who these credentials are. The first use asks AWS (one call). Raises ``AwsError``."""
        return (await self._open(ASSUME)).identity

    async def iam(self, operation: str, call: Callable[["IAMClient"], T]) -> T:
        """The answer of one read: ``iam("iam:ListUsers", lambda iam: iam.list_users())``. Raises ``AwsError``."""
        return await self._read(operation, lambda region: call(self._clients.iam(region)))

    async def organizations(self, operation: str, call: Callable[[OrganizationsClient], T]) -> T:
        """The same of Organizations."""
        return await self._read(operation, lambda region: call(self._clients.organizations(region)))

    async def sso_admin(self, operation: str, place: Place, call: Callable[[SsoAdminClient], T]) -> T:
        """The same of Identity Center, which is in a region of its own."""
        return await self._read(operation, lambda region: call(self._clients.sso_admin(region)), place)

    async def identity_store(self, operation: str, place: Place, call: Callable[[IdentityStoreClient], T]) -> T:
        """The same of its directory."""
        return await self._read(operation, lambda region: call(self._clients.identity_store(region)), place)

    async def write_iam(self, operation: str, call: Callable[["IAMClient"], T]) -> T:
        """The answer of one write, which is sent once. Raises ``AwsError``."""
        return await self._write(operation, lambda region: call(self._clients.once.iam(region)))

    async def write_sso_admin(self, operation: str, place: Place, call: Callable[[SsoAdminClient], T]) -> T:
        """The same of Identity Center."""
        return await self._write(operation, lambda region: call(self._clients.once.sso_admin(region)), place)

    async def write_identity_store(self, operation: str, place: Place, call: Callable[[IdentityStoreClient], T]) -> T:
        """The same of its directory."""
        return await self._write(operation, lambda region: call(self._clients.once.identity_store(region)), place)

    async def region(self) -> str:
        """The region whose endpoints serve the session where a call names none. Raises ``AwsError``."""
        return (await self._open(ASSUME)).region

    async def partition_of(self, region: str) -> str:
        """The partition that a region belongs to, or ``unknown``."""
        return await self._calls.run(partial(self._clients.partition_of, region))

    async def _read(self, operation: str, call: Callable[[str], T], place: Place | None = None) -> T:
        entered = await self._open(operation)
        asking = partial(self._ask, operation, entered, call, place or _own(entered, operation))
        try:
            with suppress(GarbledReply):  # mostly the first answer is good: it takes no machinery then
                return await asking()
            return await _AGAIN(asking)
        except Exception as error:
            raise self._failed(error, operation) from error

    async def _write(self, operation: str, call: Callable[[str], T], place: Place | None = None) -> T:
        entered = await self._open(operation)
        try:
            return await self._ask(operation, entered, call, place or _own(entered, operation))
        except Exception as error:
            raise self._failed(error, operation, writes=True) from error

    async def _ask(self, operation: str, entered: Entered, call: Callable[[str], T], place: Place) -> T:
        spending = await first_slot(self._budgets, place.budget)
        asking = partial(unspoilt, operation, partial(call, place.region))
        return await self._calls.run(partial(spend, spending, partial(_as, entered, asking)))

    async def _open(self, operation: str) -> Entered:
        try:
            entered = await self._door.open()
        except Exception as error:
            raise self._failed(error, operation) from error
        if self._only is not None and self._only != entered.identity.account:
            raise elsewhere(operation, self._only, entered.identity.account, entered.identity.arn)
        return entered

    def _failed(self, error: Exception, operation: str, *, writes: bool = False) -> AwsError:
        found = failure(error, replace(self._door.asked(operation), writes=writes), now=utc_now())
        self._door.refused(found)
        return found


def _own(entered: Entered, operation: str) -> Place:
    """The account's own endpoints: a budget for each API family of each account."""
    family = operation.partition(":")[0]
    return Place(entered.region, f"{family}/{entered.identity.account}")


def _as(entered: Entered, call: Callable[[], T]) -> T:
    with acting(entered.credentials):
        return call()
