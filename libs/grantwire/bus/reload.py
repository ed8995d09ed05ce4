"""Having a running server read its configuration again, and seeing that a team is let in."""

import json
from typing import Final

from nats.aio.client import Client

from grantwire.bus.connection import UNREACHABLE, connected, request, said, shown
from grantwire.contracts.failures import DependencyDown, GrantwireError
from grantwire.contracts.subjects import CHANGES_INFO
from grantwire.identity import RELOADER, TEAM

_SECONDS: Final = 10.0


async def reload(url: str, *, seed: str, patience: float = 10.0) -> None:
    """What its file says is in force afterwards. ``seed`` is the key of ``RELOADER``.

    Twice, for what a new account imports is connected only by the reload after the one that brought it (nats-server
    2.15.1). Raises ``GrantwireError`` where the server refuses the file, ``DependencyDown`` where it does not answer.
    """
    async with connected(url, name="bus-reload", patience=patience, seed=seed, identity=RELOADER.name) as client:
        for _ in range(2):
            await _reload(client, url)


async def admitted(url: str, *, seed: str, patience: float = 10.0) -> None:
    """A team's key lets it in, and the server carries what it sends over to the house. Raises ``DependencyDown``."""
    async with connected(url, name="team-check", patience=patience, seed=seed, identity=TEAM.name) as client:
        try:
            await request(client, CHANGES_INFO, b"", wait=_SECONDS)
        except UNREACHABLE as error:
            raise DependencyDown(f"NATS at {shown(url)} does not answer this team ({said(error)}).") from error


async def _reload(client: Client, url: str) -> None:
    subject = f"$SYS.REQ.SERVER.{client._server_info['server_id']}.RELOAD"
    try:
        answer = json.loads((await request(client, subject, b"", wait=_SECONDS)).data)
    except UNREACHABLE as error:
        raise DependencyDown(f"NATS at {shown(url)} does not reload its configuration ({said(error)}).") from error
    if refusal := answer.get("error"):
        raise GrantwireError(f"NATS at {shown(url)} refuses its configuration: {refusal.get('description')}.")
