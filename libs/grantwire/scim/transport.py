"""httpx's transport to one endpoint: HTTP/1.1, one connection, no proxy, no environment, the token added last."""

import ssl
from collections.abc import AsyncIterator

import httpcore
import httpx

from grantwire.scim.bearer import Bearer
from grantwire.scim.dialing import Pin, PinnedBackend
from grantwire.scim.settings import ScimSettings


class PinnedTransport(httpx.AsyncBaseTransport):
    """Raises httpcore's errors, and those of ``dialing``. The request that httpx knows and shows has no token."""

    def __init__(self, pin: Pin, token: Bearer, settings: ScimSettings) -> None:
        self._token = token
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_trusting(settings.ca_bundle) if pin.tls else None,
            max_connections=1,
            http1=True,
            http2=False,
            network_backend=PinnedBackend(pin, token),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await self._pool.handle_async_request(self._with_token(request))
        return httpx.Response(reply.status, headers=reply.headers, stream=_Body(reply), extensions=reply.extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()

    def _with_token(self, request: httpx.Request) -> httpcore.Request:
        url = request.url
        return httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=[*request.headers.raw, self._token.header],
            extensions=request.extensions,
        )


class _Body(httpx.AsyncByteStream):
    def __init__(self, reply: httpcore.Response) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._reply.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._reply.aclose()


def _trusting(bundle: str | None) -> ssl.SSLContext:
    """Certificates of certifi or of the bundle. SSL_CERT_FILE and its kin are not asked."""
    context = ssl.create_default_context(cafile=bundle) if bundle else httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
