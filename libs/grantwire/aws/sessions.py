"""Every AWS session of a process: a role is assumed once an hour, not once a sync."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from botocore.exceptions import BotoCoreError

from grantwire.aws.budgets import Budgets
from grantwire.aws.calls import Calls
from grantwire.aws.clients import Clients, Service, ambient, region_of
from grantwire.aws.doors import Child, Door, Own
from grantwire.aws.permissions import IAM_ALL
from grantwire.aws.session import AwsSession
from grantwire.aws.settings import AwsSettings
from grantwire.contracts.connectors import Connector

MOST_ACCOUNTS: Final = 10_000  # member accounts entered; the least recently used goes first
MOST_CONNECTORS: Final = 256  # versions of connectors' settings, likewise
_SERVICES: Final[dict[str, Service]] = {
    "iam": "iam",
    "identitystore": "identity_store",
    "organizations": "organizations",
    "sso": "sso_admin",
}

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Sessions:
    """Sessions are opened by their first use, each narrowed to ``actions``. They hold credentials, in memory only.

    Measured: a member account that was entered costs 5 to 7 KB (2,000 of them 14 MB), a connector's own role 0.2 MB.
    All share the clients: 1 MB, and botocore's models of the services once per process.
    """

    def __init__(
        self,
        settings: AwsSettings,
        calls: Calls,
        budgets: Budgets | None = None,
        *,
        actions: Sequence[str] = IAM_ALL,
        clients: Clients | None = None,
        leads_on: bool = True,
    ) -> None:
        """``clients``: of several that share them. ``leads_on``: whether member accounts are entered too."""
        self._settings = settings
        self._calls = calls
        self._budgets = budgets
        self._actions = tuple(actions)
        self._clients = clients or Clients(settings)
        self._leads_on = leads_on
        self._owns: OrderedDict[tuple[str, int], Own] = OrderedDict()
        self._held: OrderedDict[tuple[str, int, str | None], AwsSession] = OrderedDict()

    def known(self, connector: Connector, version: int, account: str | None = None) -> bool:
        """Whether ``get`` leads through credentials of before, which AWS may have withdrawn since: the account's, or
        those of the connector role in front of it."""
        held = (connector.id, version, _member(connector, account)) in self._held
        return held or (connector.id, version) in self._owns

    def get(self, connector: Connector, version: int, account: str | None = None) -> AwsSession:
        """The session into a member account of the connector's organization, or into its own account (None).

        Without an organization there is only the connector's own.
        """
        member = _member(connector, account)
        own = _kept(self._owns, (connector.id, version), MOST_CONNECTORS, lambda: self._own(connector))
        key = connector.id, version, member
        return _kept(self._held, key, MOST_ACCOUNTS, lambda: self._session(connector, own, member))

    def forget(self, connector: Connector, version: int, account: str | None = None) -> None:
        """Enter the account anew next time. Members entered already keep the connector role they came through."""
        member = _member(connector, account)
        self._held.pop((connector.id, version, member), None)
        if member is None:
            self._owns.pop((connector.id, version), None)

    def warm(self) -> None:
        """Read the models of STS and of the services that are asked now: the first sync would spend a third of a
        second on it.

        An environment that botocore refuses, such as a profile that is not there, is told by the first sync, with the
        connector it keeps from being read.
        """
        services = {_SERVICES[action.partition(":")[0]] for action in self._actions}
        with suppress(BotoCoreError):
            region = region_of(ambient(), None, self._settings)
            for service in ("sts", *sorted(services)):
                self._clients.warm(service, region)

    def _session(self, connector: Connector, own: Own, member: str | None) -> AwsSession:
        door: Door = own
        if member is not None:
            door = Child(own, connector, member, self._actions, self._calls, self._clients)
        return AwsSession(
            connector,
            self._actions,
            self._settings,
            self._calls,
            budgets=self._budgets,
            clients=self._clients,
            door=door,
        )

    def _own(self, connector: Connector) -> Own:
        return Own(connector, self._actions, self._settings, self._calls, self._clients, leads_on=self._leads_on)


def _member(connector: Connector, account: str | None) -> str | None:
    """The member account that is meant; None for the connector's own."""
    return account if connector.organizations and account != connector.account else None


def _kept(held: OrderedDict[K, V], key: K, most: int, make: Callable[[], V]) -> V:
    """What is held under the key, now the most recently used of at most so many."""
    held[key] = held.pop(key, None) or make()
    if len(held) > most:
        held.popitem(last=False)
    return held[key]
