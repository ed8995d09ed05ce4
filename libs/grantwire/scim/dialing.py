"""Connections that go to checked addresses and to nothing else, and that let no answer repeat the token.

The name is resolved once in the life of a ``Pin``, every address of the answer is checked, and each connection goes to
one of those: what the name means afterwards is never asked. TLS and Host keep the name.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ssl import SSLCertVerificationError, SSLContext
from typing import Any, Final

import httpcore
from httpcore import SOCKET_OPTION, AsyncNetworkStream

from grantwire.scim.addresses import refusal
from grantwire.scim.bearer import Bearer
from grantwire.scim.flaws import Distrusted, Forbidden, TokenRepeated, Unresolved
from grantwire.scim.guard import Endpoint

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
_MOST_TRIED: Final = 4  # addresses; the time of a request is spent on them one after the other


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """What this machine's resolver says. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Pin:
    """The addresses of one endpoint, resolved at first use and then kept."""

    def __init__(self, endpoint: Endpoint, resolve: Resolve) -> None:
        self._endpoint = endpoint
        self._resolve = resolve
        self._lock = asyncio.Lock()
        self._addresses: tuple[str, ...] = ()

    @property
    def tls(self) -> bool:
        return self._endpoint.origin.scheme == "https"

    async def addresses(self) -> tuple[str, ...]:
        """One forbidden address spoils them all. Raises ``Unresolved`` or ``Forbidden``."""
        async with self._lock:
            if not self._addresses:
                self._addresses = self._checked(await self._asked())
            return self._addresses

    def check(self, host: str, port: int) -> None:
        """Raises ``Forbidden`` for a connection to anything but the endpoint."""
        origin = self._endpoint.origin
        if (host.strip("[]"), port) != (origin.host, origin.port):
            raise Forbidden(f"a connection to {host}:{port} was asked for, which is not {origin}")

    async def _asked(self) -> Sequence[str]:
        origin = self._endpoint.origin
        try:
            return await self._resolve(origin.host, origin.port)
        except (OSError, UnicodeError) as error:
            raise Unresolved(f"{type(error).__name__}: {error}") from error

    def _checked(self, addresses: Sequence[str]) -> tuple[str, ...]:
        if not addresses:
            raise Unresolved("it has no address")
        for address in addresses:
            if why := refusal(address, explicit=self._endpoint.explicit, plain=not self.tls):
                raise Forbidden(f"{self._endpoint.origin.host} leads to {address[:60]}, which {why}")
        return tuple(str(ipaddress.ip_address(address)) for address in addresses)


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's network, but for where it leads."""

    def __init__(self, pin: Pin, token: Bearer) -> None:
        self._pin = pin
        self._token = token
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        self._pin.check(host, port)
        *others, last = (await self._pin.addresses())[:_MOST_TRIED]
        for address in others:
            try:
                return await self._connect(address, port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._connect(last, port, timeout)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[SOCKET_OPTION] | None = None
    ) -> AsyncNetworkStream:
        raise Forbidden("a connection to a socket file was asked for")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)

    async def _connect(self, address: str, port: int, timeout: float | None) -> AsyncNetworkStream:
        return _Watched(await self._inner.connect_tcp(address, port, timeout), self._token)


class _Watched(AsyncNetworkStream):
    """A stream that ends with ``TokenRepeated`` before anything that parses or logs has seen the token."""

    def __init__(self, inner: AsyncNetworkStream, token: Bearer) -> None:
        self._inner = inner
        self._token = token
        self._tail = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._inner.read(max_bytes, timeout)
        seen = self._tail + data
        if self._token.within(seen):
            del data, seen  # tracebacks may show locals
            raise TokenRepeated
        self._tail = seen[1 - len(self._token) :]
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncNetworkStream:
        try:
            return _Watched(await self._inner.start_tls(ssl_context, server_hostname, timeout), self._token)
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, SSLCertVerificationError):
                raise Distrusted(error.__cause__.verify_message) from error
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
