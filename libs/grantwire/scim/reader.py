"""Reads the users of one SCIM endpoint: what it adds to the directory, never what is gone from it."""

import asyncio
from collections import Counter
from types import TracebackType
from typing import Any, Final, Protocol, Self

import httpx
import stamina

from grantwire.contracts.failures import AwsCause, ScimError
from grantwire.scim.bearer import Bearer
from grantwire.scim.dialing import Pin, Resolve, system_resolve
from grantwire.scim.errors import OPERATION, VALIDATION, failure, retry_after
from grantwire.scim.flaws import Refused
from grantwire.scim.guard import Endpoint
from grantwire.scim.paging import Page, Walk, page_from
from grantwire.scim.replies import body_of, document, words_of
from grantwire.scim.settings import ScimSettings
from grantwire.scim.shapes import Listing
from grantwire.scim.transport import PinnedTransport
from grantwire.telemetry.clock import monotonic, utc_now

_PAGE: Final = 100  # the most AWS gives
_EXPLAINED: Final = (401, 403, 404, 429)  # statuses whose body adds nothing
_DEFAULT: Final = ScimSettings()


class Counting(Protocol):
    """Who is told of every request: that it is sent, and if it was answered, whether ``ok``, ``throttled`` or
    ``refused``."""

    def sent(self, operation: str) -> None: ...
    def ended(self, operation: str, outcome: str) -> None: ...


class ScimReader:
    """Typed reads of one endpoint, for ``async with``. Each raises ``ScimError``.

    The endpoint's name is resolved once, at the first request: use one reader for one listing.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        token: Bearer,
        settings: ScimSettings = _DEFAULT,
        *,
        resolve: Resolve = system_resolve,
        counting: Counting | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._token = token
        self._settings = settings
        self._asked: Counter[str] = Counter()
        self._counting = counting
        self._http = httpx.AsyncClient(
            transport=PinnedTransport(Pin(endpoint, resolve), token, settings),
            timeout=httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout),
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "grantwire"},
            follow_redirects=False,
            trust_env=False,
        )
        self._again = stamina.AsyncRetryingCaller(
            attempts=settings.attempts,
            timeout=None,
            wait_initial=settings.wait_initial,
            wait_max=settings.wait_max,
            wait_jitter=settings.wait_initial,
        ).on(self._whether_again)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def calls(self) -> dict[str, int]:
        """Requests sent so far by operation, those that were repeated included."""
        return {OPERATION: self._asked["sent"]} if self._asked["sent"] else {}

    @property
    def throttled(self) -> int:
        """Requests that were refused for their rate."""
        return self._asked["throttled"]

    async def check(self) -> None:
        """Whether the endpoint takes the token: one user is asked for. Raises ``ScimError``."""
        await self._page({"count": "1"})

    async def users(self) -> Listing:
        """All users the endpoint shows, and whether these are all. Raises ``ScimError`` if any page fails."""
        walk, until = Walk(self._settings.most_users), monotonic() + self._settings.listing_seconds
        walk.take(await self._first())
        while (cursor := walk.next) is not None:
            if monotonic() >= until:
                walk.stop(f"Reading ended after {self._settings.listing_seconds:.0f} s; there are more users.")
                break
            walk.take(await self._page({"cursor": cursor, "count": str(_PAGE)}))
        return walk.listing

    async def _first(self) -> Page:
        """An endpoint that has not heard of cursors may refuse the word; then it is asked in the older way."""
        try:
            return await self._page({"cursor": "", "count": str(_PAGE)})
        except ScimError as error:
            if error.code != VALIDATION:
                raise
        return await self._page({})

    async def _page(self, query: dict[str, str]) -> Page:
        return await self._again(self._once, query)

    async def _once(self, query: dict[str, str]) -> Page:
        self._asked["sent"] += 1
        if self._counting:
            self._counting.sent(OPERATION)
        try:
            async with asyncio.timeout(self._settings.request_seconds):
                page = page_from(await self._answer(query))
            self._ended("ok")
            return page
        except Exception as error:
            ours = failure(error, self._endpoint.origin.host)
            if isinstance(error, Refused):
                self._ended("throttled" if error.status == 429 else "refused")
            raise ours from error

    def _ended(self, outcome: str) -> None:
        self._asked["throttled"] += outcome == "throttled"
        if self._counting:
            self._counting.ended(OPERATION, outcome)

    async def _answer(self, query: dict[str, str]) -> dict[str, Any]:
        async with self._http.stream("GET", f"{self._endpoint.url}/Users", params=query) as response:
            if response.status_code != 200:
                raise await self._refusal(response)
            body = await body_of(response, self._settings.page_bytes)
            return document(response.headers.get("content-type", ""), body, self._token)

    async def _refusal(self, response: httpx.Response) -> Refused:
        status = response.status_code
        delay = retry_after(response.headers.get("retry-after", ""), utc_now())
        explained = status in _EXPLAINED or not 400 <= status < 500
        return Refused(status, delay=delay, said="" if explained else await words_of(response, self._token))

    def _whether_again(self, error: Exception) -> bool | float:
        """A wait that the endpoint asks for is kept to the second, or not waited for at all."""
        if not isinstance(error, ScimError) or error.cause is not AwsCause.TRANSIENT:
            return False
        if error.delay is None:
            return True
        return max(error.delay, self._settings.wait_initial) if error.delay <= self._settings.wait_max else False
