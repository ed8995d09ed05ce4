"""The api as the commands see it: requests in, plain JSON out, and every problem as the way the command ends."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from grantwire.cli.exits import Exit, Stop, stop_of_problem
from grantwire.cli.settings import Target

_PATIENCE: Final = httpx.Timeout(60.0, connect=5.0)


def untraced() -> str | None:
    """No trace to continue: the header of commands that only read."""
    return None


class Api:
    """``traceparent`` says which trace a request belongs to, at the moment of sending."""

    def __init__(self, target: Target, traceparent: Callable[[], str | None] = untraced) -> None:
        self._target = target
        self._traceparent = traceparent
        # An HTTP proxy of the environment must not see a request, and its token, meant for this machine.
        outside = urlsplit(target.url).hostname not in ("127.0.0.1", "localhost", "::1")
        headers = {"Authorization": f"Bearer {target.token}"}
        self._http = httpx.AsyncClient(
            base_url=target.url, headers=headers, timeout=_PATIENCE, trust_env=outside, verify=_trust(target.url)
        )

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **params: str | float) -> Any:
        async with self._asked("GET", path, params=params) as response:
            await response.aread()
            return response.json()

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        async with self._asked("POST", path, json=body) as response:
            await response.aread()
            return response.json()

    async def put(self, path: str, body: Mapping[str, Any]) -> Any:
        async with self._asked("PUT", path, json=body) as response:
            await response.aread()
            return response.json()

    async def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        async with self._asked("PATCH", path, json=body) as response:
            await response.aread()
            return response.json()

    async def delete(self, path: str) -> Any:
        async with self._asked("DELETE", path) as response:
            await response.aread()
            return response.json()

    async def blocks(self, path: str) -> AsyncIterator[bytes]:
        """A long answer as it comes. Raises ``Stop`` when it is cut."""
        async with self._asked("GET", path) as response:
            async for block in response.aiter_bytes():
                yield block

    @asynccontextmanager
    async def _asked(self, method: str, path: str, **rest: Any) -> AsyncIterator[httpx.Response]:
        traceparent = self._traceparent()
        headers = {"traceparent": traceparent} if traceparent else {}
        try:
            async with self._http.stream(method, path, headers=headers, **rest) as response:
                if response.is_error:
                    await response.aread()
                    raise stop_of_problem(response.status_code, _problem(response))
                yield response
        except httpx.HTTPError as error:
            raise self._lost(error) from error

    def _lost(self, error: httpx.HTTPError) -> Stop:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            said = f"No Grantwire answers at {self._target.url}."
            return Stop(Exit.FAILED, said, "Run `grantwire up`, or correct --state-dir or GRANTWIRE_API_URL.")
        said = f"The answer of {self._target.url} was lost ({type(error).__name__})."
        return Stop(Exit.FAILED, said, "Ask again; `grantwire status` says whether it is well.")


def _trust(url: str) -> ssl.SSLContext | bool:
    """Without TLS nothing is verified: the world's certificate authorities need not be read."""
    return True if url.startswith("https://") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
