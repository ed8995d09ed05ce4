"""Letting the client in: by its key, or by what the URL says."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import Client

from grantwire.contracts.failures import DependencyDown
from grantwire.identity import public_key, sign

_DENIED = "authorization violation"


@dataclass(frozen=True, slots=True)
class Login:
    """``team`` is only for a user of the services' own account, who must name the team that it speaks for; a team's own
    account does so by itself. ``inbox`` is where this user may receive answers, ``patience`` how many seconds the
    first connection may take."""

    url: str = field(repr=False)  # it may hold a password
    seed: str | None = field(repr=False)
    team: str | None
    name: str
    inbox: str
    patience: float | None

    @property
    def shown(self) -> str:
        """The URL without its credentials."""
        return ",".join(
            urlsplit(each if "://" in each else f"//{each}").netloc.rpartition("@")[2] for each in self.servers
        )

    @property
    def servers(self) -> list[str]:
        return [each.strip() for each in self.url.split(",") if each.strip()]


class _Keyed(Client):
    """Signs the server's nonce; nats-py itself would need one more package for it."""

    def __init__(self, seed: str) -> None:
        super().__init__()
        self._public_nkey = public_key(seed)


@dataclass(frozen=True, slots=True)
class Ears:
    """What is called when the server reports something, when the connection is lost, and when it is back."""

    error: Callable[[Exception], Awaitable[None]]
    lost: Callable[[], Awaitable[None]]
    back: Callable[[], Awaitable[None]]


async def connect(login: Login, ears: Ears) -> Client:
    """Connected, and from then on reconnecting for ever. Raises ``DependencyDown`` when no server lets it in within its
    patience, ``Invalid`` for what is no seed."""
    seed = login.seed
    client = Client() if seed is None else _Keyed(seed)

    async def report(error: Exception) -> None:
        if not client.is_connected and client.stats["reconnects"] == 0 and _DENIED in str(error).lower():
            raise error  # another attempt would be denied as well
        await ears.error(error)

    try:
        async with asyncio.timeout(login.patience):
            await client.connect(
                login.servers,
                name=login.name,
                inbox_prefix=login.inbox,
                connect_timeout=5,
                reconnect_time_wait=1,
                max_reconnect_attempts=-1,
                ping_interval=20,
                error_cb=report,
                disconnected_cb=ears.lost,
                reconnected_cb=ears.back,
                signature_cb=None if seed is None else lambda nonce: sign(seed, nonce),
            )
    except (TimeoutError, OSError, nats.errors.Error) as error:
        said = str(error).removeprefix("nats: ") or "no answer"
        raise DependencyDown(
            f"NATS at {login.shown} does not let {login.name} in ({said}); next: see that it runs and that the key is "
            "this team's."
        ) from error
    return client
