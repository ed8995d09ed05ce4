"""The validation door: the one place where the api asks AWS, to tell a person at once whether a connector works."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from grantwire.aws.validate import check_connector
from grantwire.contracts.connectors import Connector
from grantwire.contracts.ids import AccountId


@dataclass(frozen=True)
class Entrance:
    """Where a connector leads: the account of its role, and the organization that it may read, if it reads one."""

    account: AccountId
    organization: str | None = None

    def __str__(self) -> str:
        inside = f", and organization {self.organization} can be read from there" if self.organization else ""
        return f"AWS lets it into account {self.account}{inside}."


Door: TypeAlias = Callable[[Connector], Awaitable[Entrance]]


async def ask_aws(connector: Connector) -> Entrance:
    """Raises ``AwsError`` with the sentence to show, ``Invalid`` for the setting that AWS contradicts."""
    found = await check_connector(connector)
    return Entrance(AccountId(found.account), found.organization)
