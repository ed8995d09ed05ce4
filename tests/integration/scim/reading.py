"""A reader of a test's server: short waits, and its origin allowed where a test does not say otherwise."""

from collections.abc import Sequence
from typing import Any, Final

from grantwire.scim import Bearer, Counting, Endpoint, Listing, ScimReader, ScimSettings, allowed_origin, endpoint
from tests.integration.scim.server import Server

TOKEN: Final = "canary:3f1c9d7e-5b2a-4608:ZmFrZS1zY2ltLXRva2VuLWZvci10ZXN0cw=="
TENANT: Final = "/f0e1d2c3-1111-2222-3333-444455556666/scim/v2"
QUICK: Final[dict[str, Any]] = {
    "connect_timeout": 2.0,
    "read_timeout": 30.0,
    "request_seconds": 30.0,
    "attempts": 3,
    "wait_initial": 0.01,
    "wait_max": 0.05,
}


class Names:
    """A resolver that gives one answer after the other, the last one from then on, and counts the questions."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self._left = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        answer = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if isinstance(answer, OSError):
            raise answer
        return answer


def allowed(url: str) -> Endpoint:
    """The endpoint under an origin that the configuration allows."""
    return endpoint(f"{url}{TENANT}/", "aws", {allowed_origin(url)})


def reader(
    server: Server,
    *,
    host: str = "127.0.0.1",
    names: Names | None = None,
    counting: Counting | None = None,
    **settings: Any,
) -> ScimReader:
    made = allowed(f"{server.scheme}://{host}:{server.port}")
    options: dict[str, Any] = {"counting": counting} | ({"resolve": names} if names else {})
    return ScimReader(made, Bearer(TOKEN), ScimSettings(**QUICK | settings), **options)


async def read(server: Server, **settings: Any) -> Listing:
    async with reader(server, **settings) as made:
        return await made.users()
