"""One AWS session for each connector and settings version: a role is assumed once an hour, not once a sync."""

from collections import OrderedDict
from typing import Final

from grantwire.aws import IAM_ALL, AwsSession, AwsSettings, Calls
from grantwire.contracts.connectors import Connector

MOST: Final = 256  # sessions; the least recently used goes first


class Sessions:
    """Sessions are opened by their first use. They hold credentials, in memory only."""

    def __init__(self, settings: AwsSettings, calls: Calls) -> None:
        self._settings = settings
        self._calls = calls
        self._held: OrderedDict[tuple[str, int], AwsSession] = OrderedDict()

    def known(self, connector: str, version: int) -> bool:
        """Whether the next ``get`` gives a session that was used before: its credentials may have been withdrawn."""
        return (connector, version) in self._held

    def get(self, connector: Connector, version: int) -> AwsSession:
        """The session of these settings."""
        key = (connector.id, version)
        session = self._held.pop(key, None) or AwsSession(connector, IAM_ALL, self._settings, self._calls)
        self._held[key] = session
        if len(self._held) > MOST:
            self._held.popitem(last=False)
        return session

    def forget(self, connector: str, version: int) -> None:
        """Assume the role anew next time."""
        self._held.pop((connector, version), None)
